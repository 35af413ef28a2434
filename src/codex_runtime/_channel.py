"""The events that wait for one consumer: in order, bounded, nobody waits for anybody."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, Self

from codex_runtime._merging import Merger
from codex_runtime._parking import Parking
from codex_runtime.errors import CodexRuntimeError, EventsLost, InvalidArgument
from codex_runtime.protocol import Event

__all__ = ["CAP", "LAG", "STRAINED", "Channel", "Consumer"]

LAG: Final = 2**21
"""Bytes of events that may wait untouched for a consumer. Beyond it consecutive deltas are
merged: about 8,000 deltas, some 300 ms of the fastest stream measured (fact 120). Twice what
the reader takes at once, so that a consumer that keeps up gets every delta as it was."""

STRAINED: Final = 4 * 2**20
"""Bytes that wait for one consumer, after merging, from which on `Hub.strained` asks the reader
for a gentler pace: no more than the fastest server sends, so that nobody notices."""

CAP: Final = 64 * 2**20
"""Bytes that may wait for one consumer at all. Beyond it, it loses events, and is told."""


class Consumer(ABC):
    """An asynchronous iterator that hands out batches of events, one by one."""

    __slots__ = ("_batch", "_parking")

    def __init__(self) -> None:
        self._batch: Iterator[Event] = iter(())
        self._parking = Parking()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event. Cancelling loses nothing. For one task at a time.

        Raises:
            StopAsyncIteration: There are no more.
            InvalidArgument: Another task waits here already.
            EventsLost: Events were dropped here; the next call goes on behind the gap.
            CodexRuntimeError: Why no more will come.
        """
        while True:
            for event in self._batch:
                return event
            if not self._refill():
                if self._parking.occupied:
                    raise InvalidArgument(
                        "events", "are read by two tasks at once", "read them in one task"
                    )
                await self._parking.wait()

    @abstractmethod
    def _refill(self) -> bool:
        """Make what waits the batch; see that the parking is woken where nothing does.

        Returns:
            Whether there is anything to hand out.

        Raises:
            StopAsyncIteration: There are no more.
            CodexRuntimeError: As `__anext__`.
        """


class Channel(Consumer):
    """The events of a subscription.

    While the consumer keeps up, an event costs an append and an iteration step. While it lags,
    consecutive deltas of one item are merged: no text is lost, and what waits is bounded by
    content. Beyond `CAP` what comes is dropped until the consumer has read what waits; it gets
    `EventsLost` at that place.
    """

    __slots__ = (
        "_bytes",
        "_error",
        "_gap",
        "_idle",
        "_lost",
        "_merge_at",
        "_over",
        "_sizes",
        "_waiting",
    )

    def __init__(self) -> None:
        super().__init__()
        self._gap = 0
        """Events dropped between the end of the batch and what waits."""
        self._waiting: list[Event] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._merge_at = LAG
        self._lost = 0
        """Events dropped behind what waits."""
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

    def _refill(self) -> bool:
        if self._gap:
            gap, self._gap = self._gap, 0
            raise EventsLost(gap)
        if self._waiting or self._lost:
            self._take()
        elif self._over:
            raise self._error or StopAsyncIteration
        else:
            self._idle = True
            return False
        return True

    def _take(self) -> None:
        """Make what waits the batch that is handed out."""
        self._batch = iter(self._waiting)
        self._gap, self._lost = self._lost, 0
        self._waiting, self._sizes = [], []
        self._bytes = 0
        self._merge_at = LAG

    def _squeeze(self) -> None:
        merger = Merger()
        merger.extend(self._waiting, self._sizes)
        merger.end_run()
        self._waiting, self._sizes, self._bytes = merger.events, merger.sizes, merger.total
        # So near the cap that merging again soon would cost more than it frees.
        if self._bytes > CAP - LAG:
            self._drop_newest()
        # Twice what is left: merging again is worth while only when as much has come anew.
        self._merge_at = min(max(LAG, 2 * self._bytes), CAP)

    def _drop_newest(self) -> None:
        kept, total = 0, 0
        for size in self._sizes:
            total += size
            if total > CAP // 2 and kept:
                break
            kept += 1
        self._lost += len(self._waiting) - kept
        del self._waiting[kept:]
        del self._sizes[kept:]
        self._bytes = sum(self._sizes)
