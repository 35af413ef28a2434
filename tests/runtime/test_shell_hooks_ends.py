"""Ends of hooks that are commands: whatever they have started goes along."""

import os
from pathlib import Path

import anyio
import pytest
from runtime.hook_support import TURN, at_a_shell_turn, python
from runtime.support import PATIENCE, cancelled_at_every_wait, descriptors, is_alive

from codex_runtime._hook_book import HookBook
from codex_runtime._hook_changes import Subject
from codex_runtime._hooking import HookRun
from codex_runtime.hooks import HookEntry
from codex_runtime.shell_hooks import ShellHook

pytestmark = pytest.mark.usefixtures("no_process_left")

FAMILY = 'sleep 600 & echo $! >>pids; sh -c "sleep 600 & echo \\$! >>pids; wait" & echo $$ >>pids; '


async def written(path: Path, lines: int) -> list[int]:
    """The process ids in a file, once there are so many."""
    with anyio.fail_after(PATIENCE):
        while True:
            found = await anyio.Path(path).read_text() if await anyio.Path(path).exists() else ""
            if found.count("\n") >= lines:
                return [*map(int, found.split())]
            await anyio.sleep(0.005)


async def gone(pids: list[int]) -> None:
    with anyio.fail_after(PATIENCE):
        while any(map(is_alive, pids)):  # noqa: ASYNC110 — nothing tells of their ends
            await anyio.sleep(0.005)


async def test_when_its_time_is_up_all_of_its_group_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, deadlines = descriptors(), list[anyio.CancelScope]()
    real = anyio.move_on_after

    def noted(delay: float | None, *, shield: bool = False) -> anyio.CancelScope:
        deadlines.append(real(delay, shield=shield))
        return deadlines[-1]

    async def have_its_time_be_up() -> None:
        await written(tmp_path / "pids", 3)
        deadlines[0].deadline = anyio.current_time()

    monkeypatch.setattr(anyio, "move_on_after", noted)
    entries: list[HookEntry] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(have_its_time_be_up)
        entries.append((await at_a_shell_turn(f"{FAMILY} wait", cwd=tmp_path, timeout=PATIENCE))[1])
    (entry,) = entries
    assert entry.outcome == "timed_out"
    assert entry.issues[0].message == "took more than 20 s"
    await gone(await written(tmp_path / "pids", 3))
    assert descriptors() == before


async def test_a_caller_that_is_cancelled_takes_all_of_it_along(tmp_path: Path) -> None:
    before, pids = descriptors(), list[int]()
    async with anyio.create_task_group() as tasks:
        run = HookRun(
            HookBook(),
            [ShellHook("h", f"trap '' TERM INT; {FAMILY} wait", "pre_turn", cwd=tmp_path)],
            remote=False,
        )
        tasks.start_soon(run.before, "pre_turn", TURN)
        pids = await written(tmp_path / "pids", 3)
        tasks.cancel_scope.cancel()
    await gone(pids)
    assert descriptors() == before


async def test_what_it_leaves_running_goes_with_it(tmp_path: Path) -> None:
    command = f"{FAMILY} while [ $(wc -l <pids) -lt 3 ]; do sleep 0.01; done"
    _, entry = await at_a_shell_turn(command, cwd=tmp_path, timeout=PATIENCE)
    assert entry.outcome == "noop"
    await gone(await written(tmp_path / "pids", 3))


LEAVES_THE_GROUP = """
import os, time
outside, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    with open("pids", "w") as file:
        print(os.getpid(), file=file)
    os.close(tell)
    time.sleep(600)
os.close(tell)
os.read(outside, 1)
"""
"""Ends when its child is out of the group, and has written who it is."""


async def test_one_that_left_the_group_does_not_hold_it_up(tmp_path: Path) -> None:
    """It keeps stdout open, and nobody waits for its end."""
    _, entry = await at_a_shell_turn(python(LEAVES_THE_GROUP), cwd=tmp_path, timeout=PATIENCE)
    (pid,) = await written(tmp_path / "pids", 1)
    assert (entry.outcome, entry.issues) == ("noop", ())
    assert is_alive(pid)
    os.kill(pid, 9)
    await gone([pid])


async def test_cancelled_at_every_wait() -> None:
    before = descriptors()

    async def call() -> tuple[Subject, HookEntry]:
        return await at_a_shell_turn("cat >/dev/null")

    async def check(_: object) -> None:
        assert descriptors() == before

    assert await cancelled_at_every_wait(call, check) >= 1
