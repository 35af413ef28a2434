"""What tests can make go wrong with the fake app-server, and what Runtime makes of it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from support_app_server import Conversation, Json, conversation, with_fake

import codex_runtime as cr
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import CommandExecutionItem
from codex_runtime.testing import FakeAppServer, assistant_message, respond, shell, stall

SECONDS = 5.0


async def test_a_notification_is_sent_true_or_not() -> None:
    fake = FakeAppServer()
    async with with_fake(fake) as talk:
        fake.emit("no/such", {"a": 1})
        fake.emit_raw(b"garbage")

        assert await talk.event("no/such") == {"a": 1}
        await talk.until(lambda message: message.get("garbage") == b"garbage")


async def test_a_question_is_answered_by_the_client() -> None:
    fake = FakeAppServer()
    async with with_fake(fake) as talk:
        talk.answers["item/tool/call"] = lambda params: {"result": {"heard": params}}

        assert await fake.ask("item/tool/call", {"q": 1}) == {
            "id": 0,
            "result": {"heard": {"q": 1}},
        }


async def test_a_question_nobody_answers_is_given_up() -> None:
    fake = FakeAppServer()
    with pytest.raises(RuntimeError, match="no client is connected"):
        await fake.ask("x", {})
    async with with_fake(fake):
        with pytest.raises(TimeoutError):
            await fake.ask("x", {}, seconds=0.01)


async def test_a_held_request_is_not_looked_at_until_later() -> None:
    fake = FakeAppServer()
    async with with_fake(fake) as talk:
        fake.hold("thread/start")
        number = talk.send("thread/start")
        await talk.result("thread/loaded/list")
        assert "thread/started" not in talk.methods()

        assert fake.answer_late("thread/start") == 1

        assert "result" in await talk.answer_to(number)
        with pytest.raises(InvalidArgument, match="is not held: 'thread/start'"):
            fake.answer_late("thread/start")


async def test_a_held_notification_comes_later() -> None:
    fake = FakeAppServer(assistant_message("ok"))
    async with with_fake(fake) as talk:
        fake.hold("turn/completed")
        thread = await talk.thread()
        await talk.turn_start(thread)
        await talk.event("thread/status/changed", status={"type": "idle"})
        assert "turn/completed" not in talk.methods()

        fake.answer_late("turn/completed")

        await talk.completed(thread)


async def test_a_silent_server_answers_nothing() -> None:
    fake = FakeAppServer()
    async with with_fake(fake) as talk:
        fake.silence()
        lost = talk.send("thread/list")
        # The fake has read it, and everything that could come of it has had its time.
        while len(fake.requests("thread/list")) < 1:
            await checkpoint()
        fake.silence(silent=False)
        await talk.result("thread/loaded/list")

        assert [message for message in talk.heard if message.get("id") == lost] == []


async def test_requests_are_refused_a_number_of_times() -> None:
    fake = FakeAppServer()
    fake.refuse(
        "thread/list", "Server overloaded; retry later.", code=-32001, data={"a": 1}, times=2
    )
    async with with_fake(fake) as talk:
        answers = [await talk.request("thread/list") for _ in range(3)]

    refusal = {"code": -32001, "message": "Server overloaded; retry later.", "data": {"a": 1}}
    assert [answer.get("error") for answer in answers] == [refusal, refusal, None]


async def test_any_method_can_be_given_an_answer() -> None:
    fake = FakeAppServer()
    fake.on_request("config/read", {"config": {}})
    fake.on_request("thread/fork", lambda params: {"thread": {"id": params["threadId"]}})
    async with with_fake(fake) as talk:
        assert await talk.result("config/read") == {"config": {}}
        assert await talk.result("thread/fork", threadId="x") == {"thread": {"id": "x"}}

    assert fake.requests("thread/fork") == ({"threadId": "x"},)


async def test_an_answer_that_raises_ends_the_process_loudly() -> None:
    def answer(_: Json) -> object:
        raise KeyError("oh")

    fake = FakeAppServer()
    fake.on_request("config/read", answer)
    async with with_fake(fake) as talk:
        talk.send("config/read")
        await until_ended(talk)

    assert "KeyError: 'oh'" in talk.transport.ending().stderr_tail
    with pytest.raises(KeyError):
        fake.assert_complete()


async def test_a_crash_is_seen_with_its_exit_status_and_last_words() -> None:
    fake = FakeAppServer(stall("half"))
    async with with_fake(fake) as talk:
        thread = await talk.thread()
        await talk.turn_start(thread)
        await talk.event("item/agentMessage/delta")
        fake.crash(exit_code=7, stderr="out of memory")
        await until_ended(talk)
        ending = talk.transport.ending()

    assert (ending.exit_code, ending.stderr_tail) == (7, "out of memory")
    async with with_fake(fake) as talk:
        opened = await talk.result("thread/resume", threadId=thread)
        assert [turn["status"] for turn in opened["thread"]["turns"]] == ["interrupted"]


async def test_a_client_that_leaves_ends_its_process() -> None:
    fake = FakeAppServer()
    async with conversation(await fake.connect()) as talk:
        await talk.initialize()

    assert talk.transport.ending().exit_code == 0
    with pytest.raises(RuntimeError, match="no client"):
        await fake.ask("x", {})


async def test_runtime_runs_a_turn_on_it() -> None:
    fake = FakeAppServer(shell("ls", output="README.md"), assistant_message("One file."))

    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        result = await thread.run("How many files are there?")

    assert result.text == "One file."
    command = result.items[1]
    assert isinstance(command, CommandExecutionItem)
    assert command.aggregated_output == "README.md"
    assert runtime.statistics().unknown == 0
    assert runtime.statistics().degraded == 0
    fake.assert_complete()


async def test_runtime_refuses_an_old_codex() -> None:
    fake = FakeAppServer(version="0.150.0")

    with pytest.raises(cr.IncompatibleCodexVersion) as caught:
        async with fake.runtime():
            pass

    assert caught.value.detected == "0.150.0"


async def test_runtime_tells_of_a_crash_in_the_middle_of_a_turn() -> None:
    fake = FakeAppServer(stall("half"))

    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("go")
        async for _ in turn.text():
            break
        fake.crash(signal=9, stderr="Killed")
        with anyio.fail_after(SECONDS), pytest.raises(cr.ConnectionLost) as caught:
            await turn.result()

    assert (caught.value.signal, caught.value.stderr_tail) == (9, "Killed")


async def test_runtime_interrupts_a_stalled_turn() -> None:
    fake = FakeAppServer(stall())

    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("go")
        with anyio.fail_after(SECONDS):
            await turn.interrupt()
            result = await turn.result()

    assert result.status == "interrupted"


async def test_runtime_gives_up_a_request_that_is_held() -> None:
    fake = FakeAppServer()

    async with fake.runtime(request_timeout=0.05) as runtime:
        fake.hold("thread/list")
        with pytest.raises(cr.RequestTimeout):
            await runtime.call_raw("thread/list", {})


async def test_runtime_is_told_what_a_responder_did_wrong() -> None:
    def answer(_: Any) -> Any:
        raise ZeroDivisionError

    fake = FakeAppServer(respond(answer))
    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        with pytest.raises(cr.TurnFailed, match="ZeroDivisionError"):
            await thread.run("go")

    with pytest.raises(ZeroDivisionError):
        fake.assert_complete()


async def until_ended(talk: Conversation) -> None:
    with anyio.fail_after(SECONDS):
        while not talk.ended:
            await checkpoint()
