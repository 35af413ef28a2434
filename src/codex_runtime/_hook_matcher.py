"""Which calls a hook is about."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from codex_runtime._arguments import absolute_path, normal_path
from codex_runtime._hook_report import HookPhase
from codex_runtime.errors import InvalidArgument

if TYPE_CHECKING:
    from codex_runtime.hooks import HookContext

__all__ = ["HookMatcher", "checked_phases", "known_phases"]

_PHASES: Final = cast("tuple[str, ...]", get_args(HookPhase))


class HookMatcher:
    """Which calls a hook is about. What is not named does not matter.

    Attributes:
        phases: Only in these; all if empty.
        tool_name: Only for this tool, named as `HookContext.tool_name` is. In phases without a tool
            a constraint on it never matches.
        cwd_prefix: Only in this folder and those below it, by their names: `/srv/app` is not
            about `/srv/app2`, and symbolic links are not followed.
    """

    def __init__(
        self,
        *,
        phases: HookPhase | Iterable[HookPhase] = (),
        tool_name: str | None = None,
        cwd_prefix: str | os.PathLike[str] | None = None,
    ) -> None:
        """Check the constraints.

        Raises:
            InvalidArgument: There is no such phase, or the prefix is no path.
        """
        self.phases = checked_phases(phases)
        self.tool_name = tool_name
        self.cwd_prefix = None if cwd_prefix is None else absolute_path("cwd_prefix", cwd_prefix)

    def __repr__(self) -> str:
        return (
            f"HookMatcher(phases={self.phases!r}, tool_name={self.tool_name!r}, "
            f"cwd_prefix={self.cwd_prefix!r})"
        )

    def matches(self, context: HookContext) -> bool:
        """Whether all constraints hold for `context`. One on something that is not known does not.

        Args:
            context: What a hook would be told.
        """
        return self._holds(context, unknown=False)

    def may_match(self, context: HookContext) -> bool:
        """Whether they hold as far as is known: what a gate at `pre_tool_use` goes by.

        Not asked of a class that has a `matches` of its own.

        Args:
            context: What a hook would be told.
        """
        return self._holds(context, unknown=True)

    def _holds(self, context: HookContext, *, unknown: bool) -> bool:
        tool, cwd = context.tool_name, context.cwd
        return (
            (not self.phases or context.phase in self.phases)
            and (self.tool_name is None or (unknown if tool is None else tool == self.tool_name))
            and (
                self.cwd_prefix is None
                or (unknown if cwd is None else _is_within(cwd, self.cwd_prefix))
            )
        )


def _is_within(cwd: str, prefix: str) -> bool:
    return f"{normal_path(cwd)}/".startswith(f"{prefix.rstrip('/')}/")


def checked_phases(phases: HookPhase | Iterable[HookPhase]) -> tuple[HookPhase, ...]:
    """Phases as a tuple.

    Raises:
        InvalidArgument: There is no such phase.
    """
    given: Any = (phases,) if isinstance(phases, str) else phases
    if not hasattr(given, "__iter__"):
        raise InvalidArgument("phases", f"is of type {type(given).__name__}", known_phases())
    named: tuple[Any, ...] = tuple(given)
    for phase in named:
        if phase not in _PHASES:
            raise InvalidArgument("phases", f"holds {phase!r}", known_phases())
    return named


def known_phases() -> str:
    """All phases there are, in words."""
    return f"there are: {', '.join(_PHASES)}"
