"""What has happened, folded from events. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from codex_runtime.protocol import Event, Notification
from codex_runtime.usage import TokenUsage, UsageMeter

if TYPE_CHECKING:
    from codex_runtime._hook_report import HookReport
    from codex_runtime.protocol.types import ThreadItem, Turn, TurnError

__all__ = ["ItemAbandoned", "TurnResult", "TurnState", "TurnStatus"]

TurnStatus: TypeAlias = Literal["inProgress", "completed", "interrupted", "failed", "incomplete"]
"""Where a turn stands. `incomplete`: nobody knows, because the server never told of its end."""


class ItemAbandoned(Notification, frozen=True, kw_only=True):
    """An item was started and will not be completed: its turn is over.

    Made here, not by the server, which leaves such items open without a word: half-streamed
    messages, and commands that go on running after an interrupt (facts 52, 61, 63 and 88).
    Comes just before `turn/completed`.
    """

    method = "item/abandoned"
    item: ThreadItem
    thread_id: str
    turn_id: str


@dataclass(frozen=True)
class TurnResult:
    """What a turn did.

    Attributes:
        status: `"completed"`, `"interrupted"`, `"failed"`, or `"incomplete"` where the server
            never told of the end.
        text: The final answer: the last completed message of the agent, one marked as final
            before others. Never a concatenation of its comments on the way. Empty if there is
            none.
        items: All completed items, in the order of their completion.
        abandoned: Items that were started and never completed.
        usage: Tokens used by this turn; None if the server reported none.
        diff: Unified diff of all file changes of the turn; empty if there were none.
        error: The server's account of a failure; of a turn that was cut short, what it was still
            trying again for. Else None.
        thread_id: The thread.
        turn_id: The turn. A fork keeps the turn ids of its source, so only both together name one.
        duration: Seconds from start to end as the server measured; None if it did not tell.
        hooks: What the hooks of the run did; None where there were none.
    """

    status: Literal["completed", "interrupted", "failed", "incomplete"]
    text: str
    items: tuple[ThreadItem, ...]
    abandoned: tuple[ThreadItem, ...]
    usage: TokenUsage | None
    diff: str
    error: TurnError | None
    thread_id: str
    turn_id: str
    duration: float | None
    hooks: HookReport | None = None


class TurnState:
    """One turn, as far as its events have told."""

    __slots__ = (
        "_completed",
        "_duration_ms",
        "_meter",
        "_open",
        "_retried",
        "diff",
        "error",
        "started",
        "status",
        "thread_id",
        "turn_id",
    )

    def __init__(self, thread_id: str, turn_id: str = "") -> None:
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.status: TurnStatus = "inProgress"
        self.started = False
        self.diff = ""
        self.error: TurnError | None = None
        self._completed: dict[str, ThreadItem] = {}
        self._open: dict[str, ThreadItem] = {}
        self._meter = UsageMeter()
        self._duration_ms: int | None = None
        self._retried: TurnError | None = None
        """Why the server is trying again; None once it gets on."""

    @property
    def ended(self) -> bool:
        """Whether the turn is over."""
        return self.status != "inProgress"

    @property
    def open_items(self) -> tuple[ThreadItem, ...]:
        """Items started and not completed yet."""
        return tuple(self._open.values())

    def apply(self, event: Event) -> None:
        """Take the next event of this turn. Deltas change nothing: completed items are whole."""
        fold = self._FOLDS.get(event.method)
        # One whose payload is beyond repair comes under its own name, but without its fields.
        if fold is not None and isinstance(event, Notification):
            fold(self, event)

    def give_up(self) -> None:
        """Record that the end of the turn will not be known."""
        if not self.ended:
            self.status = "incomplete"

    def result(self) -> TurnResult:
        """All that is known, as a value."""
        status = "incomplete" if self.status == "inProgress" else self.status
        cut_short = status in {"interrupted", "incomplete"}
        items = tuple(self._completed.values())
        return TurnResult(
            status=status,
            text=_final_text(items),
            items=items,
            abandoned=self.open_items,
            usage=self._meter.used,
            diff=self.diff,
            error=self.error or (self._retried if cut_short else None),
            thread_id=self.thread_id,
            turn_id=self.turn_id,
            duration=_seconds(self._duration_ms),
        )

    def _on_turn_started(self, _event: Any) -> None:
        self.started = True

    def _on_error(self, event: Any) -> None:
        # No end: with `willRetry` it is progress, without it `turn/completed` follows with the
        # same error (facts 85 and 87).
        self._retried = event.error or None

    def _on_item_started(self, event: Any) -> None:
        self._retried = None
        if key := _key(event.item):
            self._open[key] = event.item

    def _on_item_completed(self, event: Any) -> None:
        if key := _key(event.item):
            self._open.pop(key, None)
            self._completed[key] = event.item

    def _on_diff(self, event: Any) -> None:
        self.diff = event.diff or ""

    def _on_usage(self, event: Any) -> None:
        if event.token_usage:
            self._meter.update(event.token_usage)

    def _on_turn_completed(self, event: Any) -> None:
        turn: Turn | None = event.turn or None
        if turn is None:
            self.status = "incomplete"
            return
        # An end of a kind that this version does not know is an end all the same.
        self.status = _ENDS.get(turn.status, "incomplete")
        self.error = turn.error or None
        self._duration_ms = turn.duration_ms
        for item in turn.items or ():
            if (key := _key(item)) and getattr(item, "status", None) != "inProgress":
                self._open.pop(key, None)
                self._completed.setdefault(key, item)

    # How each event changes a turn.
    _FOLDS: ClassVar[dict[str, Callable[[TurnState, Any], None]]] = {
        "turn/started": _on_turn_started,
        "error": _on_error,
        "item/started": _on_item_started,
        "item/completed": _on_item_completed,
        "turn/diff/updated": _on_diff,
        "thread/tokenUsage/updated": _on_usage,
        "turn/completed": _on_turn_completed,
    }

    FOLDED: ClassVar[frozenset[str]] = frozenset(_FOLDS)
    """The wire names of the events that change anything, for those who cannot afford a call."""


_ENDS: Final[dict[str, TurnStatus]] = {
    "completed": "completed",
    "interrupted": "interrupted",
    "failed": "failed",
}


def _seconds(milliseconds: int | None) -> float | None:
    try:
        return None if milliseconds is None else milliseconds / 1000
    except OverflowError:
        return None


def _key(item: Any) -> str | None:
    """The id of an item; of one of a kind not known here, the id it came with."""
    raw = getattr(item, "raw", None)
    key = raw.get("id") if isinstance(raw, dict) else getattr(item, "id", None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] — plain data
    return key if isinstance(key, str) else None


def _final_text(items: tuple[Any, ...]) -> str:
    messages = [item for item in items if getattr(item, "type", None) == "agentMessage"]
    for wanted in ("final_answer", None):
        for message in reversed(messages):
            if (message.phase or None) == wanted:
                return message.text or ""
    return messages[-1].text or "" if messages else ""
