"""Hooks after the use of tools: who waits for them, how long, and how many there may be."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from runtime.request_support import asking
from runtime.support import Server, a_thread, settled

from codex_runtime import TurnFailed
from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher, Mutate

pytestmark = pytest.mark.virtual_time

Ids = tuple[str, str]


class Notes:
    """A hook after the use of tools that takes its time."""

    def __init__(self, seconds: float = 0.0, **options: Any) -> None:
        self.contexts: list[HookContext] = []
        self.running = 0
        self.most = 0
        self._seconds = seconds
        name = options.pop("name", "after")
        self.hook = Hook(name, self._call, "post_tool_use", timeout=1000, **options)

    async def _call(self, context: HookContext) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await anyio.sleep(self._seconds)
        finally:
            self.running -= 1
        self.contexts.append(context)

    @property
    def items(self) -> list[str | None]:
        return [context.item_id for context in self.contexts]


async def nothing(_: HookContext) -> None:
    await anyio.lowlevel.checkpoint()


def used(server: Server, ids: Ids, item_id: str, status: str = "completed") -> None:
    """A command has ended."""
    command = {"type": "commandExecution", "command": "ls", "cwd": "/"}
    server.item("completed", *ids, **command, id=item_id, status=status)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "commandExecution", "command": "ls", "cwd": "/"}, "command"),
        ({"type": "fileChange", "changes": []}, "file_change"),
        ({"type": "mcpToolCall", "server": "files", "tool": "read", "arguments": {}}, "files/read"),
        ({"type": "dynamicToolCall", "tool": "add", "arguments": {}}, "add"),
        ({"type": "dynamicToolCall", "namespace": "sums", "tool": "add"}, "sums/add"),
        ({"type": "agentMessage", "text": "Hello."}, None),
        ({"type": "webSearch", "query": "hello"}, None),
        ({"type": "newKindOfItem"}, None),
    ],
)
async def test_what_counts_as_the_use_of_a_tool(
    server: Server, item: dict[str, Any], name: str | None
) -> None:
    notes = Notes()
    async with asking(server, hooks=[notes.hook]) as (_, turn, ids):
        server.item("completed", *ids, **item, id="x", status="completed")
        server.complete(*ids)
        await turn.result()
        assert [each.tool_name for each in notes.contexts] == ([] if name is None else [name])


@pytest.mark.parametrize(
    ("status", "told"),
    [("completed", "ok"), ("declined", "blocked"), ("failed", "error"), ("newStatus", "error")],
)
async def test_how_it_went(server: Server, status: str, told: str) -> None:
    notes = Notes()
    async with asking(server, hooks=[notes.hook]) as (_, turn, ids):
        used(server, ids, "c", status)
        server.complete(*ids)
        await turn.result()
        assert [each.status for each in notes.contexts] == [told]


async def test_they_are_told_in_order_and_the_reader_goes_on(server: Server) -> None:
    notes = Notes(1)
    async with asking(server, hooks=[notes.hook]) as (_, turn, ids):
        for number in range(5):
            used(server, ids, f"c{number}")
        server.message(*ids, "Done.")
        await settled()
        # Nobody has waited for hooks so far.
        assert notes.contexts == []
        server.complete(*ids)
        result = await turn.result()
        assert notes.items == [f"c{number}" for number in range(5)]
        assert notes.most == 1
        assert result.hooks is not None
        assert [entry.item_id for entry in result.hooks.entries] == notes.items


async def test_the_result_does_not_wait_without_an_end(server: Server) -> None:
    notes = Notes(100)
    after = Hook("turn", nothing, "post_turn")
    async with asking(server, hooks=[notes.hook, after]) as (thread, turn, ids):
        used(server, ids, "c")
        server.complete(*ids)
        began = anyio.current_time()
        result = await turn.result()
        assert anyio.current_time() - began == pytest.approx(10, abs=0.1)
        assert result.hooks is not None
        assert [entry.phase for entry in result.hooks.entries] == ["post_turn"]
        # What comes late is noted all the same.
        await anyio.sleep(100)
        assert notes.items == ["c"]
        assert thread.runtime.hook_report is not None


async def test_a_failed_turn_has_them_too(server: Server) -> None:
    notes = Notes(1)
    async with asking(server, hooks=[notes.hook]) as (_, turn, ids):
        used(server, ids, "c")
        server.complete(*ids, "failed", {"message": "no luck"})
        with pytest.raises(TurnFailed) as caught:
            await turn.result()
        assert caught.value.result.hooks is not None
        assert len(caught.value.result.hooks.entries) == 1


async def test_turns_side_by_side_are_told_of_side_by_side_but_not_all_at_once(
    server: Server,
) -> None:
    notes = Notes(1)
    async with server.runtime(hooks=[notes.hook]) as runtime:
        for number in range(30):
            used(server, (f"thread-{number}", "turn"), "c")
        await anyio.sleep(10)
        assert len(notes.contexts) == 30
        assert notes.most == 8
        assert runtime.hook_report is not None
        assert [entry.hook for entry in runtime.hook_report.entries] == ["after"]


async def test_a_flood_is_bounded_and_noted(server: Server) -> None:
    notes = Notes(0.01)
    async with asking(server, hooks=[notes.hook]) as (_, turn, ids):
        for number in range(1000):
            used(server, ids, f"c{number}")
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        outcomes = [entry.outcome for entry in result.hooks.entries]
        assert outcomes.count("noop") == len(notes.contexts) == 256
        assert outcomes.count("skipped") == 1000 - 256


async def test_they_change_and_forbid_nothing(server: Server) -> None:
    wanted = [Mutate(metadata={"a": 1}), Block("no"), "what?"]

    async def call(_: HookContext) -> Any:
        await anyio.lowlevel.checkpoint()
        return wanted.pop(0)

    async with asking(server, hooks=[Hook("busy", call, "post_tool_use", gate=True)]) as run:
        _, turn, ids = run
        for number in range(3):
            used(server, ids, f"c{number}")
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        assert [entry.outcome for entry in result.hooks.entries] == ["noop", "failed", "failed"]
        assert len(result.hooks.issues) == 3


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError("no")])
async def test_what_would_end_the_process_ends_nothing_here(
    server: Server, error: BaseException
) -> None:
    calls: list[str | None] = []

    async def leaves(context: HookContext) -> None:
        await anyio.lowlevel.checkpoint()
        calls.append(context.item_id)
        raise error

    async with asking(server, hooks=[Hook("leaves", leaves, "post_tool_use")]) as (_, turn, ids):
        used(server, ids, "c1")
        used(server, ids, "c2")
        server.complete(*ids)
        assert (await turn.result()).status == "completed"
        assert calls == ["c1", "c2"]


async def test_a_matcher(server: Server) -> None:
    files = Notes(name="files", matcher=HookMatcher(tool_name="file_change"))
    there = Notes(name="there", matcher=HookMatcher(cwd_prefix="/srv"))
    async with server.runtime(hooks=[files.hook, there.hook]):
        # Where nobody is to be stopped, what is not known does not match.
        used(server, ("another", "turn"), "c")
        await settled()
        assert files.contexts == there.contexts == []


async def test_of_turns_without_such_hooks_nothing_is_kept(server: Server) -> None:
    before = Hook("before", nothing, "pre_turn")
    async with asking(server, hooks=[before]) as (_, turn, ids):
        used(server, ids, "c")
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        assert [entry.phase for entry in result.hooks.entries] == ["pre_turn"]


async def test_closing_the_runtime_waits_for_them(server: Server) -> None:
    notes = Notes(5)
    async with a_thread(server, hooks=[notes.hook]) as thread:
        turn = await thread.turn_start("Work.")
        used(server, (turn.thread_id, turn.turn_id), "c")
        await settled()
    assert notes.items == ["c"]


async def test_items_of_a_connection_that_ends(server: Server) -> None:
    notes = Notes(1)
    async with a_thread(server, hooks=[notes.hook]) as thread:
        turn = await thread.turn_start("Work.")
        used(server, (turn.thread_id, turn.turn_id), "c")
        server.crash()
        await thread.runtime.wait_closed()
    assert notes.items == ["c"]
