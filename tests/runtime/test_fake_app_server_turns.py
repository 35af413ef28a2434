"""The fake app-server beyond what is compared with codex: the course of a turn, gates, retries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from runtime.fake_talk import TEXT, params
from support_app_server import Conversation, Json, with_fake

from codex_runtime.testing import (
    FakeAppServer,
    GateTimeout,
    UnconsumedSteps,
    UnexpectedModelCall,
    assistant_message,
    cut_stream,
    fail,
    reasoning,
    respond,
    shell,
    stall,
    together,
    tool_call,
)


@pytest.fixture
def fake() -> FakeAppServer:
    return FakeAppServer(cwd="/project")


@pytest.fixture
async def talk(fake: FakeAppServer) -> AsyncIterator[Conversation]:
    async with with_fake(fake) as talk:
        yield talk


async def test_a_turn_takes_no_time(fake: FakeAppServer, talk: Conversation) -> None:
    fake.extend([assistant_message(str(number)) for number in range(50)])
    thread = await talk.thread()

    with anyio.fail_after(5):
        for number in range(50):
            turn = await talk.turn(thread)
            assert turn["items"][0]["text"] == str(number)

    fake.assert_complete()


async def test_two_runs_are_equal() -> None:
    async def run() -> list[Json]:
        fake = FakeAppServer(shell("ls", output="a\n"), assistant_message("ok"), cwd="/project")
        async with with_fake(fake) as talk:
            await talk.turn(await talk.thread())
            return talk.heard

    assert await run() == await run()


async def test_a_gate_may_be_opened_from_any_thread(
    fake: FakeAppServer, talk: Conversation
) -> None:
    gate = fake.gate()
    fake.enqueue(together(reasoning("hm", gate=gate), assistant_message("ok", gate=gate)))
    thread = await talk.thread()

    await talk.turn_start(thread)
    await gate.wait_reached()
    await anyio.to_thread.run_sync(gate.open)

    assert (await talk.completed(thread))["status"] == "completed"


async def test_a_gate_that_nobody_opens_fails_turn_and_test(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(assistant_message("never", gate=fake.gate(seconds=0.01)))

    turn = await talk.turn(await talk.thread())

    assert turn["error"]["message"].startswith("GateTimeout: ")
    with pytest.raises(GateTimeout):
        fake.assert_complete()


async def test_a_turn_is_interrupted_by_the_wildcard_before_it_has_begun(
    fake: FakeAppServer, talk: Conversation
) -> None:
    thread = await talk.thread()
    fake.enqueue(assistant_message("never said"))

    talk.send("turn/start", {"threadId": thread, "input": TEXT})
    talk.send("turn/interrupt", {"threadId": thread, "turnId": ""})

    assert (await talk.completed(thread))["status"] == "interrupted"
    with pytest.raises(UnconsumedSteps):
        fake.assert_complete()


async def test_a_retry_is_announced_and_asks_the_model_again() -> None:
    fake = FakeAppServer(
        cut_stream("half"), fail(status=503), assistant_message("whole"), stream_max_retries=2
    )

    async with with_fake(fake) as talk:
        turn = await talk.turn(await talk.thread())

    errors = params(talk, "error")
    assert turn["status"] == "completed"
    assert [error["willRetry"] for error in errors] == [True, True]
    assert [error["error"]["message"] for error in errors] == [
        "Reconnecting... 1/2",
        "Reconnecting... 2/2",
    ]
    assert errors[1]["error"]["codexErrorInfo"] == {
        "responseStreamDisconnected": {"httpStatusCode": 503}
    }
    fake.assert_complete()


async def test_retries_run_out() -> None:
    fake = FakeAppServer(cut_stream(), cut_stream(), stream_max_retries=1)

    async with with_fake(fake) as talk:
        turn = await talk.turn(await talk.thread())

    assert turn["status"] == "failed"
    assert [error["willRetry"] for error in params(talk, "error")] == [True, False]


async def test_outputs_may_come_before_a_stall(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(stall(assistant_message("first")), assistant_message("second"))
    thread = await talk.thread()

    turn = await talk.turn_start(thread)
    await talk.event("item/completed", turnId=turn, item=talk_item("msg_1", "first"))
    await talk.result("turn/steer", threadId=thread, expectedTurnId=turn, input=TEXT)
    await talk.completed(thread)

    assert [item["text"] for item in talk.items("agentMessage")] == ["first", "second"]


async def test_the_model_sees_what_a_model_would(fake: FakeAppServer, talk: Conversation) -> None:
    tool = {"type": "namespace", "name": "space", "tools": [{"type": "function", "name": "look"}]}
    result = {"success": True, "contentItems": [{"type": "inputText", "text": "found"}]}
    talk.answers["item/tool/call"] = lambda _: {"result": result}
    fake.enqueue(
        tool_call("look", {"q": 1}, "space"),
        respond(lambda call: assistant_message(f"{call.user_text}: {call.last_tool_output}")),
    )

    turn = await talk.turn(await talk.thread(dynamicTools=[tool], model="gpt-x"), "find")

    assert turn["items"][0]["text"] == "find: found"
    assert fake.last_call.model == "gpt-x"
    assert fake.last_call.tools >= {"exec_command", "apply_patch", "space"}


async def test_an_unknown_call_too_many_fails_the_turn(
    fake: FakeAppServer, talk: Conversation
) -> None:
    turn = await talk.turn(await talk.thread())

    assert turn["error"]["message"].startswith("UnexpectedModelCall: ")
    with pytest.raises(UnexpectedModelCall):
        fake.assert_complete()


async def test_output_schemas_do_not_go_with_steering(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(stall("half"))
    thread = await talk.thread()
    await talk.turn_start(thread)

    answer = await talk.request("turn/start", threadId=thread, input=TEXT, outputSchema={})

    assert answer["error"]["code"] == -32603


def talk_item(item_id: str, text: str) -> Json:
    item: Json = {"type": "agentMessage", "id": item_id, "text": text, "phase": None}
    return {**item, "memoryCitation": None, "delivery": None, "questions": None}
