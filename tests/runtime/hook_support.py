"""What the tests of hooks share: hooks that write down what they are told, and runs of hooks."""

import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
from anyio.lowlevel import checkpoint
from runtime.support import PATIENCE

from codex_runtime._hook_book import HookBook
from codex_runtime._hook_changes import Subject
from codex_runtime._hooking import HookRun
from codex_runtime.hooks import (
    Block,
    Hook,
    HookAction,
    HookContext,
    HookEntry,
    HookPhase,
    Mutate,
)
from codex_runtime.shell_hooks import ShellHook

__all__ = ["PHASES", "TURN", "Diary", "a_run", "at_a_shell_turn", "at_a_turn", "naming", "python"]

Work: TypeAlias = Callable[[HookContext], Awaitable[HookAction]]

PHASES: tuple[HookPhase, ...] = (
    "pre_run",
    "pre_session_start",
    "post_session_start",
    "pre_turn",
    "post_turn",
    "post_run",
)
"""In the order of one run that opens its thread."""

TURN = Subject(thread_id="t", cwd="/srv/app", model="gpt-x", input="Work.")
"""A turn that is about to be started."""


class Diary:
    """A hook at all phases, which writes down what it is told.

    Attributes:
        contexts: What it was told, oldest first.
        actions: What it returns, or does, by phase.
    """

    def __init__(self, name: str = "diary", **options: Any) -> None:
        self.contexts: list[HookContext] = []
        self.actions: dict[str, HookAction | Work] = {}
        self.hook = Hook(name, self._note, PHASES, **options)

    async def _note(self, context: HookContext) -> HookAction:
        await checkpoint()
        self.contexts.append(context)
        action = self.actions.get(context.phase)
        if action is None or isinstance(action, Mutate | Block):
            return action
        return await action(context)

    @property
    def phases(self) -> list[str]:
        return [context.phase for context in self.contexts]

    def at(self, phase: HookPhase) -> HookContext:
        (found,) = [context for context in self.contexts if context.phase == phase]
        return found


def naming(name: str, names: list[str]) -> Hook:
    """A hook before turns that adds its name to `names`."""

    async def note(_: HookContext) -> None:
        names.append(name)

    return Hook(name, note, "pre_turn")


def a_run(*hooks: Hook) -> HookRun:
    return HookRun(HookBook(), hooks, remote=False)


async def at_a_turn(*hooks: Hook) -> HookEntry:
    """Run them before a turn; return what the report says of the first."""
    run = a_run(*hooks)
    with anyio.fail_after(PATIENCE):
        assert await run.before("pre_turn", TURN) == TURN
    return run.report().entries[0]


async def at_a_shell_turn(
    command: str, subject: Subject = TURN, **options: Any
) -> tuple[Subject, HookEntry]:
    """Run it before a turn; return what the turn became, and what the report says."""
    run = HookRun(HookBook(), [ShellHook("h", command, "pre_turn", **options)], remote=False)
    with anyio.fail_after(PATIENCE):
        changed = await run.before("pre_turn", subject)
    (entry,) = run.report().entries
    return changed, entry


def python(program: str) -> str:
    """A command that is a program; no single quotes in it."""
    return f"exec {shlex.quote(sys.executable)} -ISc '{program}'"
