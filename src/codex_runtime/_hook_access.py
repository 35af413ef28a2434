"""The hooks of a runtime."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from codex_runtime._runtime_base import RuntimeBase

if TYPE_CHECKING:
    from codex_runtime._hook_book import HookBook
    from codex_runtime._hook_report import HookReport
    from codex_runtime.hooks import Hook

__all__ = ["HookAccess"]


class HookAccess(RuntimeBase):
    """The part of `Runtime` that is about hooks."""

    _hook_book: HookBook

    def register_hooks(self, hooks: Hook | Iterable[Hook]) -> None:
        """Add hooks, behind those that are there. What has begun already goes on without them.

        Args:
            hooks: One or several. One whose name is taken never runs; reports say so.

        Raises:
            InvalidArgument: One is no hook.
            IncompatibleHook: One is made for another contract; none is added.
        """
        self._hook_book.register(hooks)

    @property
    def hook_report(self) -> HookReport | None:
        """What the hooks of the run that ended last did, whichever thread it was in.

        None before any. That of one run is in its result: `TurnResult.hooks`.
        """
        return self._hook_book.latest
