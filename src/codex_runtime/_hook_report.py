"""What hooks did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "HookEntry",
    "HookIssue",
    "HookIssueKind",
    "HookOutcome",
    "HookPhase",
    "HookReport",
    "TurnKind",
]

HookPhase: TypeAlias = Literal[
    "pre_run",
    "post_run",
    "pre_session_start",
    "post_session_start",
    "pre_turn",
    "post_turn",
    "pre_tool_use",
    "post_tool_use",
]
"""Where a hook runs."""

TurnKind: TypeAlias = Literal["turn", "review", "compact", "shell_command"]
"""What starts a turn: `turn` is one of the caller's input (`turn_start`, `run`, `stream`), the others
are called as the methods of `ThreadHandle` are."""

HookOutcome: TypeAlias = Literal["noop", "mutated", "blocked", "failed", "timed_out", "skipped"]
"""What came of one hook in one phase."""

HookIssueKind: TypeAlias = Literal["validation", "execution", "timeout"]
"""In what way something went wrong; see `HookIssue.kind`."""


@dataclass(frozen=True)
class HookIssue:
    """Something that went wrong with a hook.

    Attributes:
        hook: Its name.
        phase: Where.
        kind: `validation`: what it wanted is not allowed or cannot be used; `execution`: it
            failed; `timeout`: it took too long.
        message: What happened, without known secrets.
    """

    hook: str
    phase: HookPhase
    kind: HookIssueKind
    message: str


@dataclass(frozen=True)
class HookEntry:
    """What one hook did in one phase.

    Attributes:
        hook: Its name.
        phase: Where.
        outcome: What came of it. `skipped`: it did not run; `note` says why.
        seconds: How long it took.
        issues: What went wrong.
        note: Why it blocked, or did not run; else empty.
        item_id: Around the use of a tool, the item that it is; else empty.
    """

    hook: str
    phase: HookPhase
    outcome: HookOutcome
    seconds: float = 0.0
    issues: tuple[HookIssue, ...] = ()
    note: str = ""
    item_id: str = ""


@dataclass(frozen=True)
class HookReport:
    """What the hooks of one run did.

    Attributes:
        correlation_id: As in the contexts of the run.
        entries: Each hook in each of its phases, in the order of time.
        escalated: What was sent in place of an approval policy that never asks, in words, where
            hooks before tool uses need to be asked; else empty.
    """

    correlation_id: str
    entries: tuple[HookEntry, ...] = ()
    escalated: str = ""

    @property
    def issues(self) -> tuple[HookIssue, ...]:
        """All that went wrong, in the order of time."""
        return tuple(issue for entry in self.entries for issue in entry.issues)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong. A hook that blocks does its work: nothing is wrong then."""
        return not self.issues
