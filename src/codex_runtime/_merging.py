"""Deltas that follow each other, joined into one: concatenation is what they mean."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from sys import getsizeof
from typing import Any, Final

from msgspec import structs

from codex_runtime.protocol import Event

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

_text_of: Final = attrgetter("delta")


class Merger:
    """Takes events in order; deltas of one item that follow each other become one.

    Attributes:
        events: What came out so far, without the deltas that may still grow; see `end_run`.
        sizes: What each of `events` takes in memory, in bytes, roughly.
        total: The sum of all sizes there ever were.
    """

    def __init__(self, *constant: str) -> None:
        """Begin with nothing.

        Args:
            constant: Fields that are known to be the same in all events that will come.
        """
        self.events: list[Event] = []
        self.sizes: list[int] = []
        self.total = 0
        self._constant = frozenset(constant)
        self._first: Event | None = None
        self._last: Event | None = None
        self._texts: list[str] = []
        self._length = 0

    def extend(self, events: Sequence[Event], sizes: Sequence[int]) -> None:
        """Take the next events, with the bytes that each took on the wire."""
        run = self._whole_run(events)
        if run is not None:
            self._grow(events[0], events[-1], run)
            return
        for event, size in zip(events, sizes, strict=True):
            text = getattr(event, "delta", None) if is_delta(event) else None
            if isinstance(text, str):
                self._grow(event, event, text)
            else:
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

    def _whole_run(self, events: Sequence[Event]) -> str | None:
        """The text of events that are all deltas of one item, which is nearly always so."""
        kinds = set(map(type, events))
        if len(kinds) != 1:
            return None
        identity = _identity(kinds.pop(), self._constant)
        if identity is None or len(set(map(identity, events))) != 1:
            return None
        try:
            return "".join(map(_text_of, events))
        except TypeError:
            # One of them is beyond repair, and is passed on as it is.
            return None

    def _grow(self, first: Event, last: Event, text: str) -> None:
        if self._last is None or self._length >= _MERGED_TEXT or not self._continues(first):
            self.end_run()
            self._first = first
        self._last = last
        self._texts.append(text)
        self._length += len(text)

    def _continues(self, event: Event) -> bool:
        last, kind = self._last, type(event)
        if last is None or type(last) is not kind:
            return False
        identity = _identity(kind, self._constant)
        return identity is not None and bool(identity(last) == identity(event))

    def _add(self, event: Event, size: int) -> None:
        self.events.append(event)
        self.sizes.append(size)
        self.total += size


def is_delta(event: Event) -> bool:
    """Whether it is a delta whose meaning is concatenation; one beyond repair is none."""
    return _identity(type(event), frozenset()) is not None


@cache
def _identity(kind: type[Event], constant: frozenset[str]) -> Callable[[Event], Any] | None:
    """What tells the deltas of one item from those of another; None for what is no such delta."""
    if getattr(kind, "method", None) not in MERGEABLE:
        return None
    fields = [
        name
        for name in kind.__struct_fields__
        if name not in constant and name not in {"delta", "emitted_at_ms"}
    ]
    return attrgetter(*fields)


def _joined(first: Event, last: Event, text: str) -> Event:
    if first is last:
        return first
    return structs.replace(first, delta=text, emitted_at_ms=last.emitted_at_ms)
