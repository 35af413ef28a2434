"""The hooks of a runtime, and what they did last."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from codex_runtime._hook_report import HookReport
    from codex_runtime.hooks import Hook

__all__ = ["RUNNING", "TOOL_PHASES", "HookBook", "RunningCall", "callers", "has_phase"]

TOOL_PHASES: Final = ("pre_tool_use", "post_tool_use")
"""Phases within a turn."""


@dataclass(eq=False)
class RunningCall:
    """One call of a hook.

    Attributes:
        hook: Which. Not its name: another hook may have the same.
        over: Whether it has ended. What it has started may go on, and is none of its own then.
    """

    hook: Hook
    over: bool = False


RUNNING: Final[ContextVar[tuple[RunningCall, ...]]] = ContextVar("codex_runtime_hooks", default=())
"""The calls of hooks that whatever runs now was started by, directly or not; see `callers`.

A hook may use the runtime, and so come to itself: without an end, unless it is left out there.
"""


def callers() -> tuple[Hook, ...]:
    """The hooks that are being called still, and have started whatever runs now."""
    return tuple(call.hook for call in RUNNING.get() if not call.over)


def has_phase(hooks: Iterable[Hook], phase: str) -> bool:
    """Whether one of these hooks runs in this phase, for something at least."""
    return any(phase in hook.phases for hook in hooks)


class HookBook:
    """What a runtime and its handles share about hooks.

    Attributes:
        in_use: Whether there were any hooks so far, in any scope.
        hooks: Those of the runtime. Whoever begins a run takes those of that moment, and whoever
            asks about the use of a tool likewise.
        latest: The report of the run that ended last; None before.
        folder: Where the server works, and so threads that name no working directory; None where
            that is not known.
    """

    __slots__ = ("_of_threads", "folder", "hooks", "in_use", "latest")

    def __init__(self) -> None:
        self._of_threads: dict[str, tuple[Hook, ...]] = {}
        """By thread, its hooks around the use of tools: they hold for all its turns, whoever starts
        them, for as long as it is loaded."""
        self.in_use = False
        self.hooks: tuple[Hook, ...] = ()
        self.latest: HookReport | None = None
        self.folder: str | None = None

    def wanted(self, *scopes: Hook | Iterable[Hook] | None) -> bool:
        """Whether there are any hooks at all, here or in these scopes."""
        return bool(self.hooks) or any(scopes)

    def of_thread(self, thread_id: str) -> tuple[Hook, ...]:
        """The hooks of a thread that are around the use of tools."""
        return self._of_threads.get(thread_id, ())

    def has_tool_hooks(self, thread_id: str | None = None, phase: str = "pre_tool_use") -> bool:
        """Whether hooks of the runtime, or of this thread, are around the use of tools."""
        of_thread = self.of_thread(thread_id) if thread_id else ()
        return has_phase((*self.hooks, *of_thread), phase)

    def adopt(self, thread_id: str, hooks: Iterable[Hook]) -> None:
        """Take those hooks of a thread that are around the use of tools.

        They come before earlier ones of the thread; of one name only the later one stays.
        """
        found = [each for each in hooks if any(map(each.phases.__contains__, TOOL_PHASES))]
        names = {each.name for each in found}
        kept = [each for each in self.of_thread(thread_id) if each.name not in names]
        if found:
            self.in_use = True
            self._of_threads[thread_id] = (*found, *kept)

    @contextmanager
    def adopting(self, thread_id: str, hooks: Iterable[Hook]) -> Generator[None]:
        """The same while this block opens the thread, and from then on unless it raises."""
        before = self.of_thread(thread_id)
        self.adopt(thread_id, hooks)
        try:
            yield
        except BaseException:
            if before:
                self._of_threads[thread_id] = before
            else:
                self.drop(thread_id)
            raise

    def drop(self, thread_id: str) -> None:
        """The thread is not loaded any more."""
        self._of_threads.pop(thread_id, None)

    def register(self, hooks: Hook | Iterable[Hook]) -> None:
        """Add some; see `Runtime.register_hooks`."""
        from codex_runtime.hooks import Hooks  # noqa: PLC0415 — most runtimes have none

        self.hooks += tuple(Hooks(hooks))
        self.in_use = self.in_use or bool(self.hooks)
