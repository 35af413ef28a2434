"""Hooks around the turns that other requests than `turn/start` start."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from runtime.hook_support import Diary
from runtime.support import Message, Server, a_thread, cancelled_at_every_wait, settled

from codex_runtime import ThreadHandle, protocol
from codex_runtime.errors import (
    BlockedByHook,
    InvalidArgument,
    RequestRefused,
    RequestTimeout,
    SandboxNotAllowed,
    TurnFailed,
    TurnInProgress,
)
from codex_runtime.hooks import Block, Hook, HookContext, Mutate

METHODS = {
    "review": "review/start",
    "compact": "thread/compact/start",
    "shell_command": "thread/shellCommand",
}

SAID = {"review": "Look.", "compact": None, "shell_command": "ls"}

ITEMS: dict[str, Message] = {
    "review": {"type": "enteredReviewMode", "id": "e1", "review": "Look."},
    "compact": {"type": "contextCompaction", "id": "c1"},
    "shell_command": {
        "type": "commandExecution",
        "id": "s1",
        "source": "userShell",
        "command": "ls",
        "exitCode": 0,
    },
}

Start = Callable[[ThreadHandle], Awaitable[Any]]


async def review(thread: ThreadHandle) -> Any:
    return await (await thread.review("Look.")).result()


STARTS: dict[str, Start] = {
    "review": review,
    "compact": lambda thread: thread.compact(),
    "shell_command": lambda thread: thread.shell_command("ls", privileged_escalation_approved=True),
}


def play(server: Server, status: str = "completed", error: Any = None) -> None:
    """Have turns of all kinds taken, started and ended."""

    def begun(kind: str) -> Callable[[Message], None]:
        def begin(request: Message) -> None:
            ids = request["params"]["threadId"], f"turn-{kind}"
            named: Message = {"turn": {"id": ids[1], "status": "inProgress", "items": []}}
            server.answer(request, named if kind == "review" else {})
            server.begin(*ids)
            server.item("started", *ids, **ITEMS[kind])
            server.item("completed", *ids, **ITEMS[kind])
            server.complete(*ids, status, error)

        return begin

    server.on |= {method: begun(kind) for kind, method in METHODS.items()}


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.mark.parametrize("kind", STARTS)
async def test_what_hooks_are_told(server: Server, diary: Diary, kind: str) -> None:
    play(server)
    async with server.runtime(hooks=[diary.hook]) as runtime:
        thread = await runtime.thread_start(model="gpt-x", cwd="/")
        diary.contexts.clear()
        result = await STARTS[kind](thread)
        assert diary.phases == ["pre_turn", "post_turn"]
        before, after = diary.contexts
        for context in diary.contexts:
            assert (context.turn_kind, context.input) == (kind, SAID[kind])
            assert (context.thread_id, context.cwd) == (thread.thread_id, "/")
            assert context.model == "gpt-x"
            assert context.correlation_id == before.correlation_id
        assert (before.turn_id, before.status) == (None, None)
        assert (after.turn_id, after.status) == (f"turn-{kind}", "ok")
        assert after.result is not None
        assert len(after.result.items) == 1
        report = runtime.hook_report
        assert report is not None
        assert [entry.phase for entry in report.entries] == ["pre_turn", "post_turn"]
        if kind != "shell_command":
            assert result.hooks == report


async def test_turns_of_input_are_told_from_them(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime(hooks=[diary.hook]) as runtime:
        thread = await runtime.thread_start()
        assert [context.turn_kind for context in diary.contexts] == [None, None]
        diary.contexts.clear()
        await thread.run("Work.")
        assert {context.turn_kind for context in diary.contexts} == {"turn"}


@pytest.mark.parametrize(
    "target",
    [
        protocol.UncommittedChangesReviewTarget(),
        protocol.BaseBranchReviewTarget(branch="main"),
        protocol.CommitReviewTarget(sha="abc"),
    ],
)
async def test_a_review_of_changes_has_no_instructions(
    server: Server, diary: Diary, target: Any
) -> None:
    play(server)
    async with a_thread(server, hooks=[diary.hook]) as thread:
        await (await thread.review(target)).result()
        assert diary.at("pre_turn").input is None
        assert diary.at("pre_turn").prompt is None


@pytest.mark.parametrize("kind", STARTS)
async def test_a_block_sends_nothing(server: Server, diary: Diary, kind: str) -> None:
    diary.actions["pre_turn"] = Block("not today")
    async with a_thread(server, hooks=[diary.hook]) as thread:
        with pytest.raises(BlockedByHook, match="not today") as caught:
            await STARTS[kind](thread)
        assert (caught.value.phase, caught.value.report) == (
            "pre_turn",
            thread.runtime.hook_report,
        )
        assert not server.sent(METHODS[kind])
        assert thread.active_turn_id is None
        assert "post_turn" not in diary.phases


@pytest.mark.parametrize("kind", STARTS)
async def test_a_gate_that_fails_blocks(server: Server, kind: str) -> None:
    def broken(_: HookContext) -> None:
        raise ZeroDivisionError

    async with server.runtime() as runtime:
        gate = Hook("gate", broken, "pre_turn", gate=True)
        thread = await runtime.thread_start(hooks=[gate])
        with pytest.raises(BlockedByHook, match="a gate that fails blocks"):
            await STARTS[kind](thread)
        assert not server.sent(METHODS[kind])


@pytest.mark.parametrize("kind", STARTS)
async def test_what_cannot_be_changed_is_an_issue(server: Server, diary: Diary, kind: str) -> None:
    play(server)
    diary.actions["pre_turn"] = Mutate(
        "Play.", "gpt-y", [protocol.TextInput(text="x")], {"seen": True}
    )
    async with a_thread(server, hooks=[diary.hook]) as thread:
        await STARTS[kind](thread)
        (request,) = server.sent(METHODS[kind])
        assert not {"Play.", "gpt-y", "x"} & {*str(request["params"]).split("'")}
        report = thread.runtime.hook_report
        assert report is not None
        assert [(issue.kind, issue.message) for issue in report.issues] == [
            ("validation", f"{part} cannot be changed at pre_turn of a {kind}")
            for part in ("prompt", "model", "attachments")
        ]
        assert diary.at("post_turn").metadata == {"seen": True}


@pytest.mark.parametrize("kind", STARTS)
async def test_a_failed_turn(server: Server, diary: Diary, kind: str) -> None:
    play(server, "failed", {"message": "no luck"})
    async with a_thread(server, hooks=[diary.hook]) as thread:
        with pytest.raises(TurnFailed) as caught:
            await STARTS[kind](thread)
        after = diary.at("post_turn")
        assert after.status == "error"
        assert isinstance(after.error, TurnFailed)
        assert caught.value.result.hooks == thread.runtime.hook_report


@pytest.mark.parametrize("kind", STARTS)
async def test_a_refusal(server: Server, diary: Diary, kind: str) -> None:
    server.on[METHODS[kind]] = lambda request: server.refuse(request, "no")
    async with a_thread(server, hooks=[diary.hook]) as thread:
        with pytest.raises(RequestRefused) as caught:
            await STARTS[kind](thread)
        after = diary.at("post_turn")
        assert (after.status, after.error, after.turn_kind) == ("error", caught.value, kind)
        assert thread.active_turn_id is None


@pytest.mark.virtual_time
@pytest.mark.parametrize("kind", STARTS)
async def test_a_turn_that_never_starts(server: Server, diary: Diary, kind: str) -> None:
    server.on[METHODS[kind]] = server.nothing
    async with a_thread(server, hooks=[diary.hook]) as thread:
        with pytest.raises(RequestTimeout) as caught:
            await STARTS[kind](thread)
        assert diary.at("post_turn").error is caught.value


@pytest.mark.parametrize("kind", STARTS)
async def test_a_thread_that_gets_busy_while_a_hook_thinks(
    server: Server, diary: Diary, kind: str
) -> None:
    async with a_thread(server, hooks=[diary.hook]) as thread:

        async def make_busy(_: HookContext) -> None:
            server.begin(thread.thread_id, "stranger")
            await settled()

        diary.actions["pre_turn"] = make_busy
        with pytest.raises(TurnInProgress) as caught:
            await STARTS[kind](thread)
        assert diary.at("post_turn").error is caught.value
        assert not server.sent(METHODS[kind])
        diary.contexts.clear()
        with pytest.raises(TurnInProgress):
            await STARTS[kind](thread)
        assert diary.contexts == []


async def test_what_cannot_be_sent_reaches_no_hook(server: Server, diary: Diary) -> None:
    bad: Any = 0
    async with a_thread(server, hooks=[diary.hook]) as thread:
        diary.contexts.clear()
        for start in (
            thread.review(" "),
            thread.review("Look.", timeout=bad),
            thread.review("\ud800"),
            thread.compact(timeout=bad),
            thread.shell_command(" ", privileged_escalation_approved=True),
        ):
            with pytest.raises(InvalidArgument):
                await start
        with pytest.raises(SandboxNotAllowed):
            await thread.shell_command("ls")
        assert diary.contexts == []


async def test_the_hooks_of_a_thread_come_behind_those_of_the_runtime(server: Server) -> None:
    play(server)
    first, second = Diary("first"), Diary("second")
    async with server.runtime(hooks=[first.hook]) as runtime:
        thread = await runtime.thread_start(hooks=[second.hook])
        result = await thread.compact()
        assert result.hooks is not None
        assert [(entry.hook, entry.phase) for entry in result.hooks.entries] == [
            ("first", "pre_turn"),
            ("second", "pre_turn"),
            ("first", "post_turn"),
            ("second", "post_turn"),
        ]


async def test_without_hooks_there_is_no_report(server: Server) -> None:
    play(server)
    async with a_thread(server) as thread:
        assert (await thread.compact()).hooks is None
        assert thread.runtime.hook_report is None


async def test_cancelled_at_every_wait_post_hooks_come_where_pre_hooks_were_passed(
    server: Server, diary: Diary
) -> None:
    play(server)
    async with a_thread(server, hooks=[diary.hook]) as thread:
        tasks = len(anyio.get_running_tasks())
        diary.contexts.clear()

        async def check(_: object) -> None:
            assert diary.phases in ([], ["pre_turn"], ["pre_turn", "post_turn"])
            if diary.phases == ["pre_turn"]:
                # It was the hook that was cancelled.
                assert not server.sent(METHODS["compact"])
            diary.contexts.clear()
            server.received.clear()
            assert thread.active_turn_id is None
            assert len(anyio.get_running_tasks()) == tasks

        assert await cancelled_at_every_wait(thread.compact, check) >= 2
