"""What the tests of hooks share: a hook that writes down what it is told."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from anyio.lowlevel import checkpoint

from codex_runtime.hooks import Block, Hook, HookAction, HookContext, HookPhase, Mutate

__all__ = ["PHASES", "Diary"]

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
