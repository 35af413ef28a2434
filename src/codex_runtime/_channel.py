"""The events that wait for one consumer: in order, bounded, nobody waits for anybody."""

from collections.abc import Iterator
from sys import getsizeof
from typing import Final, Self

from msgspec import structs

from codex_runtime._parking import Parking
from codex_runtime.errors import CodexRuntimeError, EventsLost, InvalidArgument
from codex_runtime.protocol import Event

__all__ = ["STRAINED", "Channel"]

_LAG: Final = 2**21
"""Bytes of events that may wait untouched for a consumer. Beyond it consecutive deltas are
merged: about 8,000 deltas, some 300 ms of the fastest stream measured (fact 120). Twice what
the reader takes at once, so that a consumer that keeps up gets every delta as it was."""

STRAINED: Final = 4 * 2**20
"""Bytes that wait for one consumer, after merging, from which on `Hub.strained` asks the reader
for a gentler pace: no more than the fastest server sends, so that nobody notices."""

_CAP: Final = 64 * 2**20
"""Bytes that may wait for one consumer at all. Beyond it, it loses events, and is told."""

_EVENT_OVERHEAD: Final = 512
"""Bytes that an event costs in memory besides its text, roughly: about 1,300 for an
`item/completed`, 400 for a delta."""

_MERGED_TEXT: Final = 64 * 1024
"""Characters that merging lets one delta grow to, so that its text is copied once or twice and
not again and again."""

_MERGEABLE: Final = frozenset(
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


class Channel:
    """The events that wait for one consumer.

    While the consumer keeps up, an event costs an append and an iteration step. While it lags,
    consecutive deltas of one item are merged: no text is lost, and what waits is bounded by
    content. Beyond `_CAP` what comes is dropped until the consumer has read what waits; it gets
    `EventsLost` at that place.
    """

    __slots__ = (
        "_batch",
        "_bytes",
        "_error",
        "_gap",
        "_idle",
        "_lost",
        "_merge_at",
        "_over",
        "_parking",
        "_sizes",
        "_waiting",
    )

    def __init__(self) -> None:
        self._batch: Iterator[Event] = iter(())
        self._gap = 0
        """Events dropped between the end of the batch and what waits."""
        self._waiting: list[Event] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._merge_at = _LAG
        self._lost = 0
        """Events dropped behind what waits."""
        self._parking = Parking()
        self._idle = False
        """Whether the consumer waits, or did when it was cancelled."""
        self._over = False
        self._error: CodexRuntimeError | None = None

    @property
    def strained(self) -> bool:
        """Whether so much waits that the reader should take it easy."""
        return self._bytes > STRAINED

    def push(self, event: Event, size: int) -> None:
        """Add an event. Never waits.

        Args:
            event: What happened.
            size: Bytes it took on the wire.
        """
        if self._lost:
            self._lost += 1
            return
        self._waiting.append(event)
        self._sizes.append(size)
        self._bytes += size
        if self._bytes > self._merge_at:
            self._squeeze()
        if self._idle:
            self._idle = False
            self._parking.wake()

    def close(self, error: CodexRuntimeError | None = None) -> None:
        """Let no more come; what waits is still delivered, then the end, or `error`."""
        if self._over:
            return
        self._over = True
        self._error = error
        self._parking.wake()

    def fail(self, error: CodexRuntimeError) -> None:
        """As `close`; a channel is a sink too."""
        self.close(error)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event. Cancelling loses nothing. For one consumer at a time.

        Raises:
            StopAsyncIteration: There are no more.
            InvalidArgument: Another task waits here already.
            EventsLost: Events were dropped here; the next call goes on behind the gap.
            CodexRuntimeError: What `close` was given, at the end.
        """
        while True:
            for event in self._batch:
                return event
            if self._gap:
                gap, self._gap = self._gap, 0
                raise EventsLost(gap)
            if self._waiting or self._lost:
                self._take()
            elif self._over:
                raise self._error or StopAsyncIteration
            elif self._parking.occupied:
                raise InvalidArgument(
                    "events", "are read by two tasks at once", "read them in one task"
                )
            else:
                self._idle = True
                await self._parking.wait()

    def _take(self) -> None:
        """Make what waits the batch that is handed out."""
        self._batch = iter(self._waiting)
        self._gap, self._lost = self._lost, 0
        self._waiting, self._sizes = [], []
        self._bytes = 0
        self._merge_at = _LAG

    def _squeeze(self) -> None:
        self._waiting, self._sizes = _merged(self._waiting, self._sizes)
        self._bytes = sum(self._sizes)
        # So near the cap that merging again soon would cost more than it frees.
        if self._bytes > _CAP - _LAG:
            self._drop_newest()
        # Twice what is left: merging again is worth while only when as much has come anew.
        self._merge_at = min(max(_LAG, 2 * self._bytes), _CAP)

    def _drop_newest(self) -> None:
        kept, total = 0, 0
        for size in self._sizes:
            total += size
            if total > _CAP // 2 and kept:
                break
            kept += 1
        self._lost += len(self._waiting) - kept
        del self._waiting[kept:]
        del self._sizes[kept:]
        self._bytes = sum(self._sizes)


def _mergeable_text(event: Event) -> str | None:
    """The text of a delta; None for anything else, a delta beyond repair included."""
    text = getattr(event, "delta", None) if event.method in _MERGEABLE else None
    return text if isinstance(text, str) else None


class _Merger:
    """Joins consecutive deltas of one item, and weighs what comes out."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sizes: list[int] = []
        self._run: list[Event] = []
        self._texts: list[str] = []
        self._length = 0

    def add(self, event: Event, size: int) -> None:
        text = _mergeable_text(event)
        if self._run and (text is None or not self._continues(event)):
            self.end_run()
        if text is None:
            self.events.append(event)
            self.sizes.append(max(size, _EVENT_OVERHEAD))
            return
        self._run.append(event)
        self._texts.append(text)
        self._length += len(text)

    def end_run(self) -> None:
        if self._run:
            joined = "".join(self._texts)
            self.events.append(_joined(self._run[0], self._run[-1], joined))
            # What it takes in memory: one to four bytes for each character.
            self.sizes.append(getsizeof(joined) + _EVENT_OVERHEAD)
        self._run, self._texts, self._length = [], [], 0

    def _continues(self, event: Event) -> bool:
        return self._length < _MERGED_TEXT and _same_item(self._run[-1], event)


def _merged(events: list[Event], sizes: list[int]) -> tuple[list[Event], list[int]]:
    merger = _Merger()
    for event, size in zip(events, sizes, strict=True):
        merger.add(event, size)
    merger.end_run()
    return merger.events, merger.sizes


def _same_item(first: Event, second: Event) -> bool:
    return type(first) is type(second) and all(
        getattr(first, name) == getattr(second, name)
        for name in first.__struct_fields__
        if name not in {"delta", "emitted_at_ms"}
    )


def _joined(first: Event, last: Event, text: str) -> Event:
    if first is last:
        return first
    return structs.replace(first, delta=text, emitted_at_ms=last.emitted_at_ms)
