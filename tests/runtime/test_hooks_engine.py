"""Hooks that hang, raise, block and call back: what each harms, which is itself."""

import functools
from typing import Any

import anyio
import pytest
from anyio import from_thread
from anyio.lowlevel import checkpoint
from runtime.hook_support import TURN, a_run, at_a_turn
from runtime.support import PATIENCE, cancelled_at_every_wait

from codex_runtime._hook_changes import Subject
from codex_runtime._hooking import HookRun, Outcome
from codex_runtime.errors import BlockedByHook
from codex_runtime.hooks import Block, Hook, HookContext, Mutate, hook


async def notices(_: HookContext) -> Mutate:
    return Mutate(metadata={"after": True})


# -- deadlines


@pytest.mark.virtual_time
async def test_a_hook_has_five_seconds() -> None:
    async def hangs(_: HookContext) -> None:
        await anyio.sleep_forever()

    run = a_run(Hook("hangs", hangs, "pre_turn"), Hook("next", notices, "pre_turn"))
    began = anyio.current_time()
    await run.before("pre_turn", TURN)
    assert anyio.current_time() - began == pytest.approx(5.0)
    first, second = run.report().entries
    assert (first.outcome, first.seconds) == ("timed_out", pytest.approx(5.0))
    assert (first.issues[0].kind, first.issues[0].message) == ("timeout", "took more than 5 s")
    assert second.outcome == "mutated"


@pytest.mark.virtual_time
async def test_each_hook_has_its_own_time() -> None:
    async def takes(seconds: float, _: HookContext) -> None:
        await anyio.sleep(seconds)

    run = a_run(
        *(
            Hook(f"{seconds}", functools.partial(takes, seconds), "post_turn", timeout=allowed)
            for seconds, allowed in ((59, 60), (3, 2), (4, None))
        )
    )
    began = anyio.current_time()
    await run.after("post_turn", TURN, Outcome("ok"))
    assert anyio.current_time() - began == pytest.approx(65.0)
    assert [entry.outcome for entry in run.report().entries] == ["noop", "timed_out", "noop"]


@pytest.mark.virtual_time
async def test_a_gate_that_hangs_blocks() -> None:
    async def hangs(_: HookContext) -> None:
        await anyio.sleep_forever()

    run = a_run(Hook("gate", hangs, "pre_turn", gate=True, timeout=2))
    with pytest.raises(BlockedByHook) as caught:
        await run.before("pre_turn", TURN)
    assert caught.value.reason == "a gate that fails blocks: took more than 2 s"
    (entry,) = run.report().entries
    assert entry.outcome == "timed_out"
    assert not run.report().is_clean


@pytest.mark.virtual_time
async def test_one_that_makes_something_else_of_its_deadline_has_missed_it() -> None:
    async def hides(_: HookContext) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("cleaning up")

    assert (await at_a_turn(Hook("hides", hides, "pre_turn"))).outcome == "timed_out"


@pytest.mark.virtual_time
async def test_a_deadline_of_the_callers_is_the_callers() -> None:
    async def hangs(_: HookContext) -> None:
        await anyio.sleep_forever()

    run = a_run(Hook("hangs", hangs, "pre_turn"))
    with anyio.move_on_after(1) as scope:
        await run.before("pre_turn", TURN)
    assert scope.cancelled_caught


# -- exceptions


class _Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("nothing to say")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("no such rule"), "ValueError: no such rule"),
        (TimeoutError(), "TimeoutError"),
        (StopIteration(1), "StopIteration"),
        (ExceptionGroup("two", [ValueError("a"), KeyError("b")]), "ExceptionGroup: two"),
        (_Mute(), "_Mute"),
        (BlockedByHook("inner", "pre_turn", "no"), "BlockedByHook: blocked by hook 'inner'"),
        (ValueError("x" * 100_000), "ValueError: xxx"),
    ],
)
@pytest.mark.parametrize("kind", ["asynchronous", "plain"])
async def test_an_exception_is_an_issue(error: Exception, says: str, kind: str) -> None:
    async def fails(_: HookContext) -> None:
        raise error

    def fails_too(_: HookContext) -> None:
        raise error

    call: Any = fails if kind == "asynchronous" else fails_too
    entry = await at_a_turn(Hook("fails", call, "pre_turn"))
    assert (entry.outcome, entry.issues[0].kind) == ("failed", "execution")
    assert says in entry.issues[0].message
    assert len(entry.issues[0].message) <= 1_000
    with pytest.raises(BlockedByHook, match="a gate that fails blocks"):
        await a_run(Hook("gate", call, "pre_turn", gate=True)).before("pre_turn", TURN)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
async def test_what_ends_the_program_goes_through(error: type[BaseException]) -> None:
    def ends(_: HookContext) -> None:
        raise error

    run = a_run(Hook("ends", ends, "pre_turn"))
    with pytest.raises(error):
        await run.before("pre_turn", TURN)


async def test_a_gate_harms_nothing_afterwards() -> None:
    async def fails(_: HookContext) -> None:
        raise ValueError

    run = a_run(Hook("gate", fails, ["post_turn"], gate=True))
    await run.after("post_turn", TURN, Outcome("ok"))
    assert run.report().entries[0].outcome == "failed"


# -- cancelling


async def test_a_cancellation_goes_through_to_the_hook_and_on() -> None:
    ended: list[str] = []

    async def waits(_: HookContext) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("waits")

    run = a_run(Hook("waits", waits, "pre_turn"), Hook("next", notices, "pre_turn"))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.before, "pre_turn", TURN)
            await checkpoint()
            scope.cancel()
    assert scope.cancelled_caught
    assert ended == ["waits"]
    assert run.report().entries == ()


async def test_cancelled_at_every_wait() -> None:
    counts = {"begun": 0, "over": 0}

    async def works(_: HookContext) -> Mutate:
        counts["begun"] += 1
        try:
            for _turn in range(3):
                await checkpoint()
        finally:
            counts["over"] += 1
        return Mutate(prompt="Play.")

    async def call() -> Subject:
        run = a_run(Hook("one", works, "pre_turn"), Hook("two", works, "pre_turn"))
        return await run.before("pre_turn", TURN)

    async def check(_: object) -> None:
        assert counts["begun"] == counts["over"]

    assert await cancelled_at_every_wait(call, check) >= 6


# -- hooks that come to themselves


async def test_a_hook_is_left_out_of_what_it_starts_itself() -> None:
    calls: list[str] = []
    reports: list[HookRun] = []

    async def start_another() -> None:
        inner = a_run(recurses, other)
        reports.append(inner)
        await inner.before("pre_turn", TURN)

    async def recurse(_: HookContext) -> None:
        calls.append("recurses")
        await start_another()

    async def note(_: HookContext) -> None:
        calls.append("other")

    recurses = Hook("recurses", recurse, "pre_turn", timeout=PATIENCE)
    other = Hook("other", note, "pre_turn")
    await at_a_turn(recurses, other)
    assert calls == ["recurses", "other", "other"]
    skipped, ran = reports[0].report().entries
    assert (skipped.outcome, ran.outcome) == ("skipped", "noop")
    assert skipped.note == "it is running: this was started by it"


async def test_two_that_start_each_other_come_to_an_end() -> None:
    calls: list[str] = []

    def made(name: str) -> Hook:
        async def again(_: HookContext) -> None:
            calls.append(name)
            await a_run(*both).before("pre_turn", TURN)

        return Hook(name, again, "pre_turn", timeout=PATIENCE)

    both = [made("a"), made("b")]
    await at_a_turn(*both)
    assert calls == ["a", "b", "b", "a"]


async def test_one_that_starts_itself_from_a_task_or_a_thread_is_left_out_too() -> None:
    calls: list[str] = []

    async def start_another() -> None:
        await a_run(recurses).before("pre_turn", TURN)

    async def recurse(_: HookContext) -> None:
        calls.append("again")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(start_another)
        await anyio.to_thread.run_sync(from_thread.run, start_another)

    recurses = Hook("recurses", recurse, "pre_turn", timeout=PATIENCE)
    await at_a_turn(recurses)
    assert calls == ["again"]


async def test_another_hook_of_the_name_of_one_that_is_running_runs() -> None:
    forbids = Hook("guard", _forbids, "pre_turn", gate=True)

    async def start_another(_: HookContext) -> None:
        with pytest.raises(BlockedByHook, match="never"):
            await a_run(forbids).before("pre_turn", TURN)

    entry = await at_a_turn(Hook("guard", start_another, "pre_turn"))
    assert entry.issues == ()


async def test_what_it_merely_started_comes_to_it_once_its_call_is_over() -> None:
    over, calls = anyio.Event(), list[int]()

    async def later() -> None:
        await over.wait()
        with pytest.raises(BlockedByHook, match="never"):
            await a_run(gate).before("pre_turn", TURN)

    async def start_a_task(context: HookContext) -> Block | None:
        calls.append(1)
        if len(calls) > 1:
            return await _forbids(context)
        tasks.start_soon(later)
        return None

    gate = Hook("gate", start_a_task, "pre_turn", gate=True)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            await at_a_turn(gate)
            over.set()
    assert calls == [1, 1]


async def test_the_end_of_what_it_has_started_does_not_come_to_it() -> None:
    """Else one that starts something without waiting would go on for ever."""
    started: list[HookRun] = []
    calls: list[str] = []

    async def start_one(context: HookContext) -> None:
        calls.append(context.phase)
        started.append(a_run(starts))

    starts = Hook("starts", start_one, ["pre_turn", "post_turn"])
    await at_a_turn(starts)
    (inner,) = started
    await inner.after("post_turn", TURN, Outcome("ok"))
    assert calls == ["pre_turn"]
    (entry,) = inner.report().entries
    assert entry.note == "it is running: this was started by it"


async def _forbids(_: HookContext) -> Block:
    await checkpoint()
    return Block("never")


async def test_afterwards_it_runs_again() -> None:
    calls: list[int] = []

    @hook("pre_turn")
    async def counts(_: HookContext) -> None:
        calls.append(1)
        await checkpoint()

    await at_a_turn(counts)
    await at_a_turn(counts)
    assert calls == [1, 1]
