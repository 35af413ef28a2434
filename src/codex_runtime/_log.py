"""The events of one turn, kept for any number of consumers, each of which begins at the start."""

from __future__ import annotations

from typing import Any, Final
from weakref import ReferenceType, ref

from codex_runtime._channel import LAG, STRAINED, Consumer
from codex_runtime._merging import Merger, is_delta
from codex_runtime._parking import Parking
from codex_runtime.errors import CodexRuntimeError, EventsLost
from codex_runtime.protocol import Event, UnknownNotification

__all__ = ["TurnEvents", "TurnLog"]

_STEP: Final = 64 * 1024
"""Bytes of new events after which those that everybody has got are merged into the past: some
300 deltas, so that what is kept of them untouched does not count beside their text."""

_ENOUGH: Final = 8
"""Events that a consumer has got, after which they are merged: what it has just read is in the
processor's cache, which makes half of the cost with 200 turns at once."""

_CAP: Final = 64 * 2**20
"""Bytes that the past of one turn may take. Beyond it a part of it is dropped."""

_HOLE: Final = UnknownNotification(method="")
"""Stands in the past for an event that was dropped."""

_BEHIND: Final = -1
"""Where a consumer stands in the new events that has not got all of the past."""


class Place:
    """Where a consumer stands.

    Attributes:
        taken: How many of the new events it has got; `_BEHIND` while it has not got all of the past.
        entry: Where it goes on in the past then, counted from the start of the turn.
        got: Bytes of the past before that place.
    """

    __slots__ = ("entry", "got", "taken")

    def __init__(self) -> None:
        self.taken = _BEHIND
        self.entry = self.got = 0


class TurnLog:
    """Takes the events of a turn and keeps them for consumers of now and later.

    An event costs an append; a consumer that keeps up takes slices. New events stay as they came
    until everybody who consumes has got them, or until `LAG` bytes have come; then deltas of one
    item are merged. That is done to many events at once, and there is one copy for all who lag
    and for all who come late, so what is kept is bounded by content.

    Beyond `_CAP` the deltas of items that are completed are dropped first, since the completed
    item says it all, then what is oldest. Who would have got it gets `EventsLost` in its place.
    """

    __slots__ = (
        "_dropped",
        "_first",
        "_fresh",
        "_has_holes",
        "_merge_at",
        "_past",
        "_places",
        "_sizes",
        "error",
        "new",
        "over",
        "sleepers",
    )

    def __init__(self) -> None:
        self._past = Merger(of_one_turn=True)
        self._first = 0
        """How many events of the past were dropped from its beginning."""
        self._has_holes = False
        self._dropped = 0
        """Bytes."""
        self.new: list[Event] = []
        self._sizes: list[int] = []
        self._fresh = 0
        """Bytes of the new events."""
        self._merge_at = _STEP
        self._places: dict[ReferenceType[TurnEvents], Place] = {}
        """Of all consumers there are. Nobody has to say that a consumer is not needed any more."""
        self.sleepers: list[Parking] = []
        """Where consumers wait for the next event."""
        self.over = False
        self.error: CodexRuntimeError | None = None

    @property
    def strained(self) -> bool:
        """Whether so much waits for some consumer that the reader should take it easy."""
        if self._past.total < STRAINED - LAG:
            # Most of all turns, most of the time.
            return False
        kept = self._past.total - self._dropped
        return any(
            min(self._past.total - each.got, kept) + self._fresh > STRAINED
            for each in [*self._places.values()]
            if each.taken == _BEHIND
        )

    def push(self, event: Event, size: int) -> None:
        """Add an event. Never waits.

        Args:
            event: What happened.
            size: Bytes it took on the wire.
        """
        self.new.append(event)
        self._sizes.append(size)
        self._fresh += size
        if self._fresh > self._merge_at:
            self.settle()
        if self.sleepers:
            self._wake()

    def close(self, error: CodexRuntimeError | None = None) -> None:
        """Let no more come. Consumers still get all there is, then the end, or `error`."""
        if not self.over:
            self.over, self.error = True, error
            self._wake()

    def events(self) -> TurnEvents:
        """A consumer that begins at the start of the turn."""
        place = Place()
        consumer = TurnEvents(self, place)
        self._places[ref(consumer, self._places.pop)] = place
        return consumer

    def take_past(self, place: Place) -> list[Event]:
        """What there is for a consumer that is behind, or all up to a gap.

        Raises:
            EventsLost: The next events for this consumer were dropped.
        """
        past = self._past
        past.end_run()
        gap = self._gap_at(place.entry)
        if gap:
            place.entry += gap
            raise EventsLost(gap)
        batch = past.events[place.entry - self._first :]
        if self._has_holes and _HOLE in batch:
            del batch[batch.index(_HOLE) :]
            place.entry += len(batch)
            place.got = past.total - sum(past.sizes[place.entry - self._first :])
            return batch
        place.taken = len(self.new)
        return batch + self.new

    def take_new(self, place: Place) -> list[Event]:
        """The new events that a consumer has not got."""
        new, taken = self.new, place.taken
        if taken == 0 and len(new) >= _ENOUGH and len(self._places) == 1:
            # Nobody else needs them as they are.
            self._absorb(len(new))
            self._merge_at = _STEP
            return new
        place.taken = len(new)
        return new[taken:]

    def _gap_at(self, entry: int) -> int:
        """How many events are missing at a place in the past, counted from the turn's start."""
        at = max(entry, self._first)
        if self._has_holes:
            past = self._past.events
            while at - self._first < len(past) and past[at - self._first] is _HOLE:
                at += 1
        return at - entry

    def _wake(self) -> None:
        for parking in self.sleepers:
            parking.wake()
        self.sleepers.clear()

    def settle(self) -> None:
        """Move into the past what all have got; or all, where somebody lags."""
        if self._fresh > LAG:
            self._settle_all()
        else:
            places, count = [*self._places.values()], len(self.new)
            for place in places:
                if _BEHIND < place.taken < count:
                    count = place.taken
            self._absorb(count)
            for place in places:
                if place.taken != _BEHIND:
                    place.taken -= count
        self._merge_at = self._fresh + _STEP

    def _settle_all(self) -> None:
        done, count = 0, len(self.new)
        places = [each for each in self._places.values() if each.taken != _BEHIND]
        for place in sorted(places, key=lambda each: each.taken):
            self._absorb(place.taken - done)
            done = place.taken
            if done < count:
                # It goes on here, so what it has got must not grow any more.
                self._past.end_run()
                place.entry = self._first + len(self._past.events)
                place.got = self._past.total
                place.taken = _BEHIND
            else:
                place.taken = 0
        self._absorb(count - done)

    def _absorb(self, count: int) -> None:
        if count == len(self.new):
            events, sizes = self.new, self._sizes
            self.new, self._sizes, self._fresh = [], [], 0
        else:
            events, sizes = self.new[:count], self._sizes[:count]
            del self.new[:count]
            del self._sizes[:count]
            self._fresh -= sum(sizes)
        self._past.extend(events, sizes)
        if self._past.total - self._dropped > _CAP:
            self._drop()

    def _drop(self) -> None:
        self._punch_holes()
        past, sizes = self._past.events, self._past.sizes
        # Well below the cap, so that this is not done again for the next few events.
        excess = self._past.total - self._dropped - _CAP * 3 // 4
        count = 0
        while excess > 0 and count < len(past):
            excess -= sizes[count]
            self._dropped += sizes[count]
            count += 1
        del past[:count]
        del sizes[:count]
        self._first += count

    def _punch_holes(self) -> None:
        past, sizes = self._past.events, self._past.sizes
        completed = {_item_id(event) for event in past if event.method == "item/completed"}
        for at, event in enumerate(past):
            if is_delta(event) and (_item_id(event) or "") in completed:
                past[at] = _HOLE
                self._dropped += sizes[at]
                sizes[at] = 0
                self._has_holes = True


class TurnEvents(Consumer):
    """The events of a turn, from its start, for one consumer."""

    __slots__ = ("__weakref__", "_log", "_place")

    def __init__(self, log: TurnLog, place: Place) -> None:
        super().__init__()
        self._log = log
        self._place = place

    def _refill(self) -> bool:
        log, place = self._log, self._place
        if place.taken >= _ENOUGH:
            log.settle()
        if place.taken == _BEHIND:
            # Where this got all up to a gap, the gap comes next.
            self._batch = iter(log.take_past(place))
            return True
        batch = log.take_new(place)
        if batch:
            self._batch = iter(batch)
            return True
        if log.over:
            raise log.error or StopAsyncIteration
        if self._parking not in log.sleepers:
            # It still is there where it was cancelled.
            log.sleepers.append(self._parking)
        return False


def _item_id(event: Any) -> str | None:
    return getattr(event, "item_id", None) or getattr(getattr(event, "item", None), "id", None)
