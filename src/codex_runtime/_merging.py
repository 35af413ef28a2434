"""Deltas that follow each other, joined into one: concatenation is what they mean."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from sys import getsizeof
from typing import Any, Final

from msgspec import structs

from codex_runtime.protocol import Event, Notification

__all__ = ["EVENT_OVERHEAD", "MERGEABLE", "Merger", "is_delta"]

EVENT_OVERHEAD: Final = 512
"""Bytes that an event costs in memory besides its text, roughly: about 1,300 for an
`item/completed`, 400 for a delta."""

_MERGED_TEXT: Final = 64 * 1024
"""Characters that merging lets one delta grow to, so that its text is copied once or twice and
not again and again."""

MERGEABLE: Final = frozenset(
    {
        "item/agentMessage/delta",
        "item/plan/delta",
        "item/reasoning/textDelta",
        "item/reasoning/summaryTextDelta",
        "item/commandExecution/outputDelta",
        "item/fileChange/outputDelta",
    }
)
"""Deltas whose meaning is concatenation. Those in base64 are not among them."""

_OF_TURN: Final = frozenset({"thread_id", "turn_id"})


class Merger:
    """Takes events in order; deltas of one item that follow each other become one.

    Attributes:
        events: What came out so far, without the deltas that may still grow; see `end_run`.
        sizes: What each of `events` takes in memory, in bytes, roughly.
        total: The sum of all sizes there ever were.
    """

    __slots__ = (
        "_constant",
        "_first",
        "_last",
        "_length",
        "_texts",
        "events",
        "sizes",
        "total",
    )

    def __init__(self, *, of_one_turn: bool = False) -> None:
        """Begin with nothing.

        Args:
            of_one_turn: Whether all events will be of one turn, which is then not looked at.
        """
        self._constant = _OF_TURN if of_one_turn else frozenset[str]()
        self.events: list[Event] = []
        self.sizes: list[int] = []
        self.total = 0
        self._first: Event | None = None
        self._last: Event | None = None
        self._texts: list[str] = []
        self._length = 0

    def extend(self, events: Sequence[Event], sizes: Sequence[int]) -> None:
        """Take the next events, with the bytes that each took on the wire."""
        # Of many at once it is nearly always so that all of them are deltas of one item.
        if events and self._take_run(events):
            return
        for event, size in zip(events, sizes, strict=True):
            if not self._take_run((event,)):
                self.end_run()
                self._add(event, max(size, EVENT_OVERHEAD))

    def end_run(self) -> None:
        """Let the deltas at the end grow no further."""
        if self._first is None or self._last is None:
            return
        joined = "".join(self._texts)
        # What it takes in memory: one to four bytes for each character.
        self._add(_joined(self._first, self._last, joined), getsizeof(joined) + EVENT_OVERHEAD)
        self._first = self._last = None
        self._texts, self._length = [], 0

    def _take_run(self, events: Sequence[Any]) -> bool:
        """Take events if all are deltas of one item; one beyond repair, without a text, is none."""
        first = events[0]
        kind: Any = first.__class__
        rest = _rest_of(kind, self._constant)
        text = _whole_text(events, rest) if is_delta(first) else None
        if text is None:
            return False
        if len(text) > _MERGED_TEXT and len(events) > 1:
            half = len(events) // 2
            return self._take_run(events[:half]) and self._take_run(events[half:])
        last: Any = self._last
        if (
            last.__class__ is not kind
            or last.item_id != first.item_id
            or self._length >= _MERGED_TEXT
            or (rest is not None and rest(last) != rest(first))
        ):
            self.end_run()
            self._first = first
        self._last = events[-1]
        self._texts.append(text)
        self._length += len(text)
        return True

    def _add(self, event: Event, size: int) -> None:
        self.events.append(event)
        self.sizes.append(size)
        self.total += size


def is_delta(event: Event) -> bool:
    """Whether it is a delta whose meaning is concatenation; one beyond repair is none."""
    return event.method in MERGEABLE and isinstance(event, Notification)


def _whole_text(events: Sequence[Any], rest: Callable[[Event], Any] | None) -> str | None:
    """The text of deltas, if they are all of one item, and all have one."""
    first = events[0]
    kind, item_id = first.__class__, first.item_id
    texts: list[str] = []
    for event in events:
        # Of all ways to compare, this one costs the least.
        if event.__class__ is not kind or event.item_id != item_id:
            return None
        texts.append(event.delta)
    if rest is not None and [*map(rest, events)].count(rest(first)) < len(events):
        return None
    try:
        return "".join(texts)
    except TypeError:
        return None


@cache
def _rest_of(kind: type[Event], constant: frozenset[str]) -> Callable[[Event], Any] | None:
    """What else tells the deltas of one item, or part of an item, from those of another."""
    known = {"delta", "emitted_at_ms", "item_id", *constant}
    fields = [name for name in kind.__struct_fields__ if name not in known]
    return attrgetter(*fields) if fields else None


def _joined(first: Event, last: Event, text: str) -> Event:
    if first is last:
        return first
    return structs.replace(first, delta=text, emitted_at_ms=last.emitted_at_ms)
