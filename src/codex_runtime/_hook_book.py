"""The hooks of a runtime, and what they did last."""

from collections.abc import Iterable

from codex_runtime._hook_report import HookReport
from codex_runtime.hooks import Hook, Hooks

__all__ = ["HookBook"]


class HookBook:
    """What a runtime and its handles share about hooks.

    Attributes:
        hooks: Those of the runtime. Whoever begins a run takes those of that moment.
        latest: The report of the run that ended last; None before.
    """

    __slots__ = ("hooks", "latest")

    def __init__(self) -> None:
        self.hooks = Hooks()
        self.latest: HookReport | None = None

    def register(self, hooks: Hook | Iterable[Hook]) -> None:
        """Add some; see `Runtime.register_hooks`."""
        self.hooks = self.hooks + hooks
