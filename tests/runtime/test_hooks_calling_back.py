"""Hooks that use the runtime that runs them."""

from contextlib import suppress

import anyio
import pytest
from runtime.hook_support import PHASES, Diary
from runtime.support import (
    PATIENCE,
    Server,
    a_thread,
)

from codex_runtime import TurnResult, run
from codex_runtime.errors import RuntimeClosed
from codex_runtime.hooks import Hook, HookContext, HookPhase


@pytest.fixture
def diary() -> Diary:
    return Diary()


# -- hooks that use the runtime


async def test_hooks_may_use_the_runtime(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime(hooks=[diary.hook]) as runtime:

        async def look(_: HookContext) -> None:
            assert await runtime.call_raw("test/on") == {}

        diary.actions = dict.fromkeys(PHASES, look)
        result = await run("Work.", runtime=runtime)
        assert result.hooks is not None
        assert result.hooks.issues == ()
        assert len(server.sent("test/on")) == len(PHASES)


@pytest.mark.parametrize("phase", PHASES)
async def test_a_hook_may_run_a_turn_without_coming_to_itself(
    server: Server, diary: Diary, phase: HookPhase
) -> None:
    server.on["turn/start"] = server.play_turn
    other = Diary("other")
    inner: list[TurnResult] = []
    async with server.runtime(hooks=[diary.hook, other.hook]) as runtime:

        async def ask(_: HookContext) -> None:
            inner.append(await run("Is that so?", runtime=runtime))

        diary.actions = {phase: ask}
        with anyio.fail_after(PATIENCE):
            result = await run("Work.", runtime=runtime)
        assert result.hooks is not None
        assert result.hooks.is_clean
        assert diary.phases == [*PHASES]
        # The hooks of others are around what it does too: a gate stays a gate.
        assert len(other.phases) == 2 * len(PHASES)
        (answer,) = inner
        assert answer.hooks is not None
        skipped = [entry for entry in answer.hooks.entries if entry.outcome == "skipped"]
        assert {entry.hook for entry in skipped} == {"diary"}
        assert {entry.note for entry in skipped} == {"it is running: this was started by it"}


@pytest.mark.parametrize("phase", ["pre_turn", "post_turn", "post_run"])
async def test_a_hook_may_run_a_turn_in_the_same_thread(
    server: Server, diary: Diary, phase: HookPhase
) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server, hooks=[diary.hook]) as thread:

        async def ask(_: HookContext) -> None:
            await thread.run("Is that so?")

        diary.actions = {phase: ask}
        with anyio.fail_after(PATIENCE):
            result = await thread.run("Work.")
        assert result.hooks is not None
        assert result.hooks.issues == ()
        assert len(server.sent("turn/start")) == 2


@pytest.mark.virtual_time
async def test_a_hook_that_waits_for_its_own_run_loses_its_time_only(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        over = anyio.Event()

        async def waits(_: HookContext) -> None:
            await over.wait()

        result = await thread.run("Work.", hooks=[Hook("waits", waits, ["pre_turn", "post_run"])])
        over.set()
        assert result.hooks is not None
        assert [entry.outcome for entry in result.hooks.entries] == ["timed_out", "timed_out"]
        assert result.text == "Hello."


async def test_events_come_while_a_hook_is_at_work(server: Server) -> None:
    """The reader waits for nobody: another thread's turn goes on meanwhile."""
    async with a_thread(server) as thread:
        other = await thread.runtime.thread_start()
        busy = await other.turn_start("Work.")
        texts: list[str] = []

        async def look(_: HookContext) -> None:
            server.delta(busy.thread_id, busy.turn_id, "still here")
            texts.append(await anext(busy.text()))

        turn = await thread.turn_start("Work.", hooks=[Hook("looks", look, "pre_turn")])
        assert texts == ["still here"]
        await turn.interrupt()


@pytest.mark.virtual_time
@pytest.mark.parametrize("phase", PHASES)
async def test_a_hook_may_close_the_runtime(server: Server, diary: Diary, phase: HookPhase) -> None:
    server.on["turn/start"] = server.play_turn
    runtime = server.runtime(hooks=[diary.hook])

    async def close(_: HookContext) -> None:
        await runtime.close()

    diary.actions = {phase: close}
    began = anyio.current_time()
    async with runtime:
        with suppress(RuntimeClosed):
            await run("Work.", runtime=runtime)
    assert anyio.current_time() - began < 1
    assert "closed" in repr(runtime)
    for what in ("run", "session_start", "turn"):
        assert diary.phases.count(f"pre_{what}") == diary.phases.count(f"post_{what}")
    assert runtime.hook_report is not None
    assert runtime.hook_report.is_clean
