"""The hooks of a runtime, and what they did last."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from codex_runtime._hook_report import HookReport
    from codex_runtime.hooks import Hook

__all__ = ["RUNNING", "HookBook", "RunningCall", "callers"]


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


class HookBook:
    """What a runtime and its handles share about hooks.

    Attributes:
        hooks: Those of the runtime. Whoever begins a run takes those of that moment.
        latest: The report of the run that ended last; None before.
        folder: Where the server works, and so threads that name no working directory; None where
            that is not known.
    """

    __slots__ = ("folder", "hooks", "latest")

    def __init__(self) -> None:
        self.hooks: tuple[Hook, ...] = ()
        self.latest: HookReport | None = None
        self.folder: str | None = None

    def wanted(self, *scopes: Hook | Iterable[Hook] | None) -> bool:
        """Whether there are any hooks at all, here or in these scopes."""
        return bool(self.hooks) or any(scopes)

    def register(self, hooks: Hook | Iterable[Hook]) -> None:
        """Add some; see `Runtime.register_hooks`."""
        from codex_runtime.hooks import Hooks  # noqa: PLC0415 — most runtimes have none

        self.hooks += tuple(Hooks(hooks))
