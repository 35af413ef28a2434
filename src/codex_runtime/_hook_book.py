"""The hooks of a runtime, and what they did last."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from codex_runtime._hook_report import HookReport
    from codex_runtime.hooks import Hook

__all__ = ["RUNNING", "HookBook"]

RUNNING: Final[ContextVar[frozenset[str]]] = ContextVar("codex_runtime_hooks", default=frozenset())
"""The names of the hooks that whatever runs now was called by, directly or not.

A hook may use the runtime, and so come to itself: without an end, unless it is left out there.
"""


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
