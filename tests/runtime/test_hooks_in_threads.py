"""Hooks that are plain functions: in threads, where they may block and hang."""

import functools
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import anyio
import pytest
from anyio import from_thread
from anyio.lowlevel import checkpoint
from runtime.hook_support import at_a_turn
from runtime.support import PATIENCE

from codex_runtime.hooks import Hook, HookContext, HookEntry


async def test_a_plain_function_stops_nobody() -> None:
    loop, seen, release = anyio.lowlevel.current_token(), anyio.Event(), threading.Event()
    names: list[str] = []

    def blocks(_: HookContext) -> None:
        names.append(threading.current_thread().name)
        from_thread.run_sync(seen.set, token=loop)
        assert release.wait(PATIENCE)

    async def others() -> None:
        await seen.wait()
        release.set()

    entries: list[HookEntry] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        entries.append(await at_a_turn(Hook("blocks", blocks, "pre_turn", timeout=PATIENCE)))
    assert entries[0].outcome == "noop"
    assert names == ["codex-runtime call"]


async def test_nobody_waits_for_a_plain_function_beyond_its_time() -> None:
    release = threading.Event()
    returned: list[bool] = []

    def hangs(_: HookContext) -> None:
        returned.append(release.wait(PATIENCE))

    entry = await at_a_turn(Hook("hangs", hangs, "pre_turn", timeout=0.05))
    assert entry.outcome == "timed_out"
    assert returned == []
    release.set()


async def test_one_that_hangs_again_and_again_is_called_no_more() -> None:
    release, called = threading.Event(), threading.Semaphore(0)
    calls: list[int] = []

    def hangs(_: HookContext) -> None:
        calls.append(1)
        called.release()
        release.wait()

    hook = Hook("hangs", hangs, "pre_turn", timeout=0.01)
    outcomes = [(await at_a_turn(hook)).outcome for _ in range(10)]
    assert outcomes == [*["timed_out"] * 8, "failed", "failed"]
    # Its thread may begin when the time of the call is up already.
    assert all(called.acquire(timeout=PATIENCE) for _ in range(8))
    assert len(calls) == 8
    entry = await at_a_turn(hook)
    assert "8 earlier calls of it have not come back yet" in entry.issues[0].message
    release.set()
    with anyio.fail_after(PATIENCE):
        while (await at_a_turn(hook)).outcome != "noop":  # noqa: ASYNC110 — threads end by themselves
            await anyio.sleep(0.01)


def test_one_that_hangs_for_ever_does_not_keep_the_program_from_ending() -> None:
    program = (
        "import anyio, time\n"
        "from codex_runtime._hook_book import HookBook\n"
        "from codex_runtime._hook_changes import Subject\n"
        "from codex_runtime._hooking import HookRun\n"
        "from codex_runtime.hooks import Hook\n"
        "hangs = Hook('h', lambda _: time.sleep(3600), 'pre_turn', timeout=0.05)\n"
        "run = HookRun(HookBook(), [hangs], remote=False)\n"
        "anyio.run(run.before, 'pre_turn', Subject())\n"
        "print(run.report().entries[0].outcome)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "timed_out\n"


variable: ContextVar[str] = ContextVar("variable")


async def test_a_plain_function_sees_the_context_variables_of_its_caller() -> None:
    seen: list[str] = []
    variable.set("mine")
    await at_a_turn(Hook("looks", lambda _: seen.append(variable.get()), "pre_turn"))
    assert seen == ["mine"]


async def test_a_plain_function_may_run_an_event_loop() -> None:
    seen: list[int] = []

    async def work() -> None:
        await checkpoint()
        seen.append(1)

    entry = await at_a_turn(Hook("loops", lambda _: anyio.run(work), "pre_turn"))
    assert entry.issues == ()
    assert seen == [1]


async def test_a_plain_function_may_go_back_to_the_loop() -> None:
    loop = anyio.lowlevel.current_token()

    def back(_: HookContext) -> None:
        from_thread.run(anyio.sleep, 0, token=loop)

    assert (await at_a_turn(Hook("back", back, "pre_turn"))).issues == ()


class _Caller:
    """Objects that are called: their `__call__` counts."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __call__(self, context: HookContext) -> None:
        self.names.append(threading.current_thread().name)
        await checkpoint()

    async def method(self, context: HookContext) -> None:
        await self(context)


@pytest.mark.parametrize("form", ["object", "method", "partial", "lambda"])
async def test_all_forms_of_asynchronous_functions(form: str) -> None:
    caller = _Caller()

    async def of_two(_one: int, context: HookContext) -> None:
        await caller(context)

    forms: dict[str, Callable[[HookContext], Awaitable[None]]] = {
        "object": caller,
        "method": caller.method,
        "partial": functools.partial(of_two, 1),
        "lambda": lambda context: of_two(1, context),
    }
    entry = await at_a_turn(Hook("h", forms[form], "pre_turn"))
    assert entry.outcome == "noop"
    assert caller.names == [threading.current_thread().name]
