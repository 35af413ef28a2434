"""What the fake app-server does beyond what its verification compares with the real one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint
from support_app_server import Conversation, Json, conversation, with_fake

from codex_runtime import testing
from codex_runtime.testing import (
    FakeAppServer,
    GateTimeout,
    ScriptedModel,
    UnconsumedSteps,
    UnexpectedModelCall,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    delete_file,
    fail,
    patch_text,
    reasoning,
    respond,
    shell,
    stall,
    together,
    tool_call,
    update_file,
)

TEXT = [{"type": "text", "text": "more"}]


@pytest.fixture
def fake() -> FakeAppServer:
    return FakeAppServer(cwd="/work")


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
        fake = FakeAppServer(shell("ls", output="a\n"), assistant_message("ok"), cwd="/work")
        async with with_fake(fake) as talk:
            await talk.turn(await talk.thread())
            return talk.heard

    assert await run() == await run()


async def test_it_poses_as_another_codex() -> None:
    fake = FakeAppServer(version="0.200.0")

    async with conversation(await fake.connect()) as talk:
        greeting = await talk.initialize()

    assert greeting["userAgent"].startswith("tests/0.200.0 (")


async def test_nothing_works_before_the_greeting(fake: FakeAppServer) -> None:
    async with conversation(await fake.connect()) as talk:
        assert await talk.refusal("thread/list") == "Not initialized"
        assert "missing field `clientInfo`" in await talk.refusal("initialize")
        bad = {"name": "line\nbreak", "version": "1"}
        assert "valid HTTP header" in await talk.refusal("initialize", clientInfo=bad)
        await talk.initialize()
        await talk.result("thread/list")


async def test_a_client_may_opt_out_of_notifications(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("a b"))

    async with conversation(await fake.connect()) as talk:
        await talk.initialize(optOutNotificationMethods=["item/agentMessage/delta"])
        await talk.turn(await talk.thread())

    assert "item/agentMessage/delta" not in talk.methods()
    assert "item/completed" in talk.methods()


async def test_dynamic_tools_need_the_experimental_capability(fake: FakeAppServer) -> None:
    async with conversation(await fake.connect()) as talk:
        await talk.initialize(experimentalApi=False)

        refusal = await talk.refusal("thread/start", dynamicTools=[])

    assert refusal == "thread/start.dynamicTools requires experimentalApi capability"


@pytest.mark.parametrize(
    "noise",
    [b"", b"nonsense", b"[]", b"{}", b"3", b'{"id":null,"method":"thread/list"}', b'{"id":1.5,"method":"x"}',
     b'{"id":true,"method":"x"}', b'{"method":3,"id":1}', b'{"id":1,"method":"x","params":{"a":NaN}}',
     b'{"id":1,"method":"x"}{"id":2,"method":"x"}', b'{"method":"no/such"}', b'{"id":77,"result":{}}'],
)  # fmt: skip
async def test_what_is_no_message_is_ignored_in_silence(
    fake: FakeAppServer, talk: Conversation, noise: bytes
) -> None:
    place = len(talk.heard)

    talk.say(noise)
    await talk.result("thread/list")

    assert talk.methods(after=place) == ["answer"]
    assert len(fake.received) == 4


async def test_invalid_utf8_ends_it_well(talk: Conversation) -> None:
    talk.say(b'{"id":1,"method":"\xff"}')

    await ended(talk)
    assert talk.transport.ending().exit_code == 0


async def test_several_approvals_wait_at_once_and_are_answered_in_any_order(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(
        together(*[shell(f"echo {n}", output=f"{n}\n") for n in range(3)]), assistant_message("ok")
    )
    thread = await talk.thread(approvalPolicy="untrusted")

    await talk.turn_start(thread)
    asked = [await request(talk, "item/commandExecution/requestApproval", n) for n in range(3)]
    for question in reversed(asked):
        talk.say({"id": question["id"], "result": {"decision": "accept"}})
    await talk.completed(thread)

    assert [question["id"] for question in asked] == [0, 1, 2]
    done = [item["aggregatedOutput"] for item in talk.items("commandExecution")]
    assert sorted(done) == ["0\n", "1\n", "2\n"]
    flags = [status["status"] for status in params(talk, "thread/status/changed")]
    assert flags.count({"type": "active", "activeFlags": ["waitingOnApproval"]}) == 1


async def test_cancel_ends_the_turn_and_settles_the_other_questions(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(together(shell("a"), shell("b")))
    thread = await talk.thread(approvalPolicy="untrusted")

    await talk.turn_start(thread)
    await request(talk, "item/commandExecution/requestApproval", 1)
    talk.say({"id": 0, "result": {"decision": "cancel"}})
    turn = await talk.completed(thread)
    await talk.event("serverRequest/resolved", requestId=1)

    assert turn["status"] == "interrupted"


async def test_what_is_accepted_for_the_session_is_not_asked_again(
    fake: FakeAppServer, talk: Conversation
) -> None:
    decision = {"result": {"decision": "acceptForSession"}}
    talk.answers["item/commandExecution/requestApproval"] = lambda _: decision
    talk.answers["item/fileChange/requestApproval"] = lambda _: decision
    patch = apply_patch(patch_text(add_file("a", "x")))
    fake.enqueue(shell("ls"), shell("ls"), patch, patch, assistant_message("ok"))

    await talk.turn(await talk.thread(approvalPolicy="untrusted", sandbox="workspace-write"))

    assert talk.methods().count("item/commandExecution/requestApproval") == 1
    assert talk.methods().count("item/fileChange/requestApproval") == 1


async def test_a_patch_outside_the_workspace_is_asked_for(
    fake: FakeAppServer, talk: Conversation
) -> None:
    talk.answers["item/fileChange/requestApproval"] = lambda _: {"result": {"decision": "decline"}}
    inside, outside = (patch_text(add_file(path, "x")) for path in ("/work/a", "/etc/a"))
    fake.enqueue(apply_patch(inside), apply_patch(outside), assistant_message("ok"))

    await talk.turn(await talk.thread(sandbox="workspace-write"))

    assert [item["status"] for item in talk.items("fileChange")] == ["completed", "declined"]


async def test_a_diff_shows_what_a_patch_did(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(
        apply_patch(patch_text(update_file("a", "x", "y", move_to="b"), delete_file("c"))),
        assistant_message("ok"),
    )

    await talk.turn(await talk.thread(sandbox="danger-full-access"))

    changes = talk.items("fileChange")[0]["changes"]
    diff = params(talk, "turn/diff/updated")[0]["diff"]
    assert changes[0]["kind"] == {"type": "update", "move_path": "/work/b"}
    assert changes[0]["diff"] == "@@ -1 +1 @@\n-x\n+y\n\n\nMoved to: /work/b"
    assert changes[1] == {"path": "/work/c", "kind": {"type": "delete"}, "diff": ""}
    assert "diff --git a/a b/b\n" in diff
    assert "@@ -1 +1 @@\n-x\n+y\n" in diff
    assert "deleted file mode 100644" in diff


async def test_a_running_command_outlives_an_interrupt(
    fake: FakeAppServer, talk: Conversation
) -> None:
    gate = fake.gate()
    fake.enqueue(shell("sleep 9", output="done\n", gate=gate))
    thread = await talk.thread()

    turn = await talk.turn_start(thread)
    await talk.event("item/started", turnId=turn)
    await gate.wait_reached()
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)
    assert talk.items("commandExecution") == []
    gate.open()
    await talk.event("item/commandExecution/outputDelta", delta="done\n")
    await talk.result("thread/list")

    assert talk.items("commandExecution")[0]["exitCode"] == 0


async def test_commands_left_running_are_listed_page_by_page(
    fake: FakeAppServer, talk: Conversation
) -> None:
    thread = await talk.thread()
    for cmd in ("sleep 1", "sleep 2", "sleep 3"):
        gate = fake.gate()
        fake.enqueue(shell(cmd, output="never said\n", gate=gate))
        place = len(talk.heard)
        turn = await talk.turn_start(thread)
        await gate.wait_reached()
        await talk.result("turn/interrupt", threadId=thread, turnId=turn)
        await talk.completed(thread, after=place)

    pages: list[list[str]] = []
    cursor = None
    for _ in range(2):
        found = await talk.result(
            "thread/backgroundTerminals/list", threadId=thread, limit=2, cursor=cursor
        )
        pages.append([terminal["command"] for terminal in found["data"]])
        cursor = found["nextCursor"]
    await talk.result("thread/backgroundTerminals/clean", threadId=thread)
    await talk.until(lambda _: len(talk.items("commandExecution")) == 3)

    assert pages == [["sleep 1", "sleep 2"], ["sleep 3"]]
    assert cursor is None
    killed = talk.items("commandExecution")
    assert [(item["exitCode"], item["aggregatedOutput"]) for item in killed] == [(-1, None)] * 3


async def test_a_command_that_ends_by_itself_is_listed_no_more(
    fake: FakeAppServer, talk: Conversation
) -> None:
    gate = fake.gate()
    fake.enqueue(shell("sleep 9", gate=gate), assistant_message("ok"))
    thread = await talk.thread()
    await talk.turn_start(thread)
    await gate.wait_reached()
    while_running = await talk.result("thread/backgroundTerminals/list", threadId=thread)
    gate.open()
    await talk.completed(thread)
    after = await talk.result("thread/backgroundTerminals/list", threadId=thread)

    assert (len(while_running["data"]), after["data"]) == (1, [])


async def test_background_terminals_are_experimental(fake: FakeAppServer) -> None:
    async with conversation(await fake.connect()) as talk:
        await talk.initialize(experimentalApi=False)
        refusals = [
            await talk.refusal(f"thread/backgroundTerminals/{name}", threadId="x", processId="1")
            for name in ("list", "terminate", "clean")
        ]

    assert {text.partition(" ")[2] for text in refusals} == {"requires experimentalApi capability"}


async def test_a_resumed_thread_keeps_its_developers_instructions(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("ok"), assistant_message("ok"))
    async with with_fake(fake) as talk:
        thread = await talk.thread(baseInstructions="Be brief.", developerInstructions="Be kind.")
        await talk.turn(thread)
    others = {"baseInstructions": "Be long.", "developerInstructions": "Be rude."}
    async with with_fake(fake) as talk:
        await talk.result("thread/resume", threadId=thread, excludeTurns=True, **others)
        await talk.turn(thread)

    # As codex 0.163 does: the developer's are in the history, the base instructions are not.
    told = [item["content"][0]["text"] for item in fake.last_call.input[:2]]
    assert told == ["Be long.", "Be kind."]
    assert fake.last_call.instructions == "Be long."


async def test_steering_waits_for_a_running_command(
    fake: FakeAppServer, talk: Conversation
) -> None:
    gate = fake.gate()
    fake.enqueue(shell("sleep 9", gate=gate), assistant_message("ok"))
    thread = await talk.thread()

    turn = await talk.turn_start(thread)
    await gate.wait_reached()
    await talk.result("turn/steer", threadId=thread, expectedTurnId=turn, input=TEXT)
    gate.open()
    await talk.completed(thread)

    assert fake.last_call.user_texts == ("go", "more")
    assert len(talk.items("commandExecution")) == 1


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


async def test_a_thread_with_a_turn_outlives_its_process(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("1"), assistant_message("2"))
    async with with_fake(fake) as talk:
        kept, lost = await talk.thread(), await talk.thread()
        await talk.turn(kept)

    async with with_fake(fake) as talk:
        assert (
            await talk.refusal("turn/start", threadId=kept, input=TEXT)
            == f"thread not found: {kept}"
        )
        assert "no rollout found" in await talk.refusal("thread/resume", threadId=lost)
        opened = await talk.result("thread/resume", threadId=kept, approvalPolicy="never")
        await talk.turn(kept)

    assert opened["approvalPolicy"] == "never"
    assert len(opened["thread"]["turns"]) == 1


async def test_an_unsubscribed_thread_runs_on_unseen(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(assistant_message("unseen"))
    thread = await talk.thread()
    await talk.result("thread/unsubscribe", threadId=thread)
    place = len(talk.heard)

    await talk.turn_start(thread)
    await talk.event("thread/status/changed", after=place, status={"type": "idle"})

    assert set(talk.methods(after=place)) == {"answer", "thread/status/changed"}


async def test_questions_are_asked_again_on_resume(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(assistant_message("1"), shell("ls"))
    thread = await talk.thread(approvalPolicy="untrusted")
    await talk.turn(thread)

    await talk.turn_start(thread)
    first = await request(talk, "item/commandExecution/requestApproval", 0)
    await talk.result("thread/resume", threadId=thread, excludeTurns=True)
    second = await request(talk, "item/commandExecution/requestApproval", 1)

    assert first == second


async def test_archiving_ends_a_running_turn_first(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(stall("half"))
    thread = await talk.thread()
    await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta")
    place = len(talk.heard)

    await talk.result("thread/archive", threadId=thread)
    await talk.event("thread/archived")

    told = talk.methods(after=place)
    assert told.index("turn/completed") < told.index("answer") < told.index("thread/archived")


async def test_threads_are_listed_in_pages(fake: FakeAppServer, talk: Conversation) -> None:
    fake.extend([assistant_message("ok")] * 3)
    threads = [await talk.thread() for _ in range(3)]
    for thread in threads:
        await talk.turn(thread)

    first = await talk.result("thread/list", limit=2)
    second = await talk.result("thread/list", limit=2, cursor=first["nextCursor"])

    found = [thread["id"] for page in (first, second) for thread in page["data"]]
    assert found == threads[::-1]
    assert second["nextCursor"] is None
    assert await talk.refusal("thread/list", cursor="garbage") == "invalid cursor: garbage"


async def test_what_it_does_not_play_is_refused_with_the_way_out(talk: Conversation) -> None:
    refusal = await talk.refusal("thread/fork", threadId="x")

    assert refusal == (
        "the fake app-server does not play `thread/fork`; "
        "give it an answer with fake.on_request('thread/fork', …)"
    )
    assert "runs no commands" in await talk.refusal("command/exec", command=["true"])
    assert (await talk.result("model/list"))["data"][0]["id"] == "gpt-5.5"


async def test_too_long_an_input_is_refused(talk: Conversation) -> None:
    thread = await talk.thread()
    long = [{"type": "text", "text": "x" * 1_048_577}]

    answer = await talk.request("turn/start", threadId=thread, input=long)

    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["input_error_code"] == "input_too_large"


async def test_output_schemas_do_not_go_with_steering(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(stall("half"))
    thread = await talk.thread()
    await talk.turn_start(thread)

    answer = await talk.request("turn/start", threadId=thread, input=TEXT, outputSchema={})

    assert answer["error"]["code"] == -32603


def test_the_example_of_the_package_runs() -> None:
    _, example = (testing.__doc__ or "").split("`fake_codex`.\n\n")
    source = "\n".join(line.removeprefix("    ") for line in example.splitlines())

    exec(compile(source, "example", "exec"), {})  # noqa: S102 — the package's own example


def test_both_players_take_the_same_script(tmp_path: Path) -> None:
    steps = (shell("ls", output="a"), assistant_message("ok"))

    fake, model = FakeAppServer(*steps, cwd=tmp_path), ScriptedModel(*steps)

    assert fake.remaining_steps == model.remaining_steps == steps


def talk_item(item_id: str, text: str) -> Json:
    item: Json = {"type": "agentMessage", "id": item_id, "text": text, "phase": None}
    return {**item, "memoryCitation": None, "delivery": None, "questions": None}


def params(talk: Conversation, method: str) -> list[Json]:
    return [message["params"] for message in talk.heard if message.get("method") == method]


async def request(talk: Conversation, method: str, place: int) -> Json:
    """Wait for the request of the server at `place` among those of its method."""
    await talk.until(lambda _: talk.methods().count(method) > place)
    found: Json = [message for message in talk.heard if message.get("method") == method][place]
    return json.loads(json.dumps(found))


async def ended(talk: Conversation) -> None:
    with anyio.fail_after(5):
        while not talk.ended:
            await checkpoint()
