"""The fake app-server beyond what is compared with codex: approvals, patches, commands left running."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from runtime.fake_talk import TEXT, params, request
from support_app_server import Conversation, conversation, with_fake

from codex_runtime.testing import (
    FakeAppServer,
    add_file,
    apply_patch,
    assistant_message,
    delete_file,
    patch_text,
    shell,
    together,
    update_file,
)


@pytest.fixture
def fake() -> FakeAppServer:
    return FakeAppServer(cwd="/project")


@pytest.fixture
async def talk(fake: FakeAppServer) -> AsyncIterator[Conversation]:
    async with with_fake(fake) as talk:
        yield talk


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
    inside, outside = (patch_text(add_file(path, "x")) for path in ("/project/a", "/etc/a"))
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
    assert changes[0]["kind"] == {"type": "update", "move_path": "/project/b"}
    assert changes[0]["diff"] == "@@ -1 +1 @@\n-x\n+y\n\n\nMoved to: /project/b"
    assert changes[1] == {"path": "/project/c", "kind": {"type": "delete"}, "diff": ""}
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
