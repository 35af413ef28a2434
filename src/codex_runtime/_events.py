"""Events from the reader to those who want them: in order, bounded, nobody waits for anybody."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, Self, TypeAlias

import anyio
from msgspec import structs

from codex_runtime.errors import CodexRuntimeError, EventsLost
from codex_runtime.protocol import Event, Notification

__all__ = ["Channel", "Hub", "Sink"]

_LAG: Final = 256 * 1024
"""Bytes of events that may wait untouched for a consumer. Beyond it consecutive deltas are
merged: about 900 deltas, some 30 ms of the fastest stream measured (fact 120)."""

_STRAINED: Final = 4 * 2**20
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
    content. Beyond `_CAP` the newest events are dropped and the consumer gets `EventsLost`.
    """

    __slots__ = ("_batch", "_bytes", "_error", "_lost", "_merge_at", "_over", "_waiting", "_wake")

    def __init__(self) -> None:
        self._batch: Iterator[Event] = iter(())
        self._waiting: list[Event] = []
        self._bytes = 0
        self._merge_at = _LAG
        self._wake: anyio.Event | None = None
        self._over = False
        self._lost = 0
        self._error: CodexRuntimeError | None = None

    @property
    def strained(self) -> bool:
        """Whether so much waits that the reader should take it easy."""
        return self._bytes > _STRAINED

    def push(self, event: Event, size: int) -> None:
        """Add an event. Never waits.

        Args:
            event: What happened.
            size: Bytes it took on the wire.
        """
        self._waiting.append(event)
        self._bytes += size
        if self._bytes > self._merge_at:
            self._squeeze()
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    def close(self, error: CodexRuntimeError | None = None) -> None:
        """Let no more come; what waits is still delivered, then the end, or `error`."""
        if self._over:
            return
        self._over = True
        self._error = error
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    def keep(self, wanted: Callable[[Event], bool]) -> None:
        """Drop what waits and is not wanted."""
        self._waiting = [event for event in self._waiting if wanted(event)]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event. Cancelling loses nothing. For one consumer at a time.

        Raises:
            StopAsyncIteration: There are no more.
            EventsLost: Events were dropped here; the next call goes on behind the gap.
            CodexRuntimeError: What `close` was given, at the end.
        """
        for event in self._batch:
            return event
        while not self._waiting:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            if self._wake is None:
                self._wake = anyio.Event()
            await self._wake.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            raise EventsLost(lost)
        self._batch = iter(self._waiting)
        self._waiting = []
        self._bytes = 0
        self._merge_at = _LAG
        return next(self._batch)

    def _squeeze(self) -> None:
        self._waiting = _merged(self._waiting)
        self._bytes = sum(map(_weight, self._waiting))
        if self._bytes > _CAP:
            self._drop_newest()
        # Twice what is left: merging again is worth while only when as much has come anew.
        self._merge_at = max(_LAG, 2 * self._bytes)

    def _drop_newest(self) -> None:
        kept, total = 0, 0
        for event in self._waiting:
            total += _weight(event)
            if total > _CAP // 2:
                break
            kept += 1
        self._lost += len(self._waiting) - kept
        del self._waiting[kept:]
        self._bytes = sum(map(_weight, self._waiting))


def _weight(event: Event) -> int:
    delta = getattr(event, "delta", None)
    return _EVENT_OVERHEAD + (len(delta) if isinstance(delta, str) else _EVENT_OVERHEAD)


def _merged(events: list[Event]) -> list[Event]:
    merged: list[Event] = []
    run: list[Any] = []
    length = 0
    for event in events:
        fits = bool(run) and length < _MERGED_TEXT and _same_delta(run[-1], event)
        if run and not fits:
            merged.append(_joined(run))
            run, length = [], 0
        if fits or event.method in _MERGEABLE:
            run.append(event)
            length += _text_length(event)
        else:
            merged.append(event)
    if run:
        merged.append(_joined(run))
    return merged


def _text_length(event: Any) -> int:
    return len(event.delta) if isinstance(event.delta, str) else 0


def _same_delta(first: Any, second: Any) -> bool:
    if type(first) is not type(second) or not isinstance(second.delta, str):
        return False
    return all(
        getattr(first, name) == getattr(second, name)
        for name in first.__struct_fields__
        if name not in {"delta", "emitted_at_ms"}
    )


def _joined(run: list[Any]) -> Event:
    first: Event = run[0]
    if len(run) == 1:
        return first
    text = "".join(event.delta for event in run if isinstance(event.delta, str))
    return structs.replace(first, delta=text, emitted_at_ms=run[-1].emitted_at_ms)


class Sink(Protocol):
    """Somebody who wants events. `push` is called by the reader and must return at once."""

    @property
    def strained(self) -> bool:
        """Whether so much waits here that the reader should take it easy."""
        ...

    def push(self, event: Event, size: int) -> None:
        """Take the next event."""
        ...

    def fail(self, error: CodexRuntimeError) -> None:
        """No more will come, because of `error`."""
        ...


TurnKey: TypeAlias = tuple[str, str]
"""(thread id, turn id): a fork keeps the turn ids of its source (fact 37)."""

_Where: TypeAlias = Callable[[Any], tuple[str | None, str | None]]


class Hub:
    """Routes each event to the sinks of its turn, of its thread, and of everything."""

    def __init__(self) -> None:
        self._turns: dict[TurnKey, Sink] = {}
        self._starting: dict[str, Sink] = {}
        self._subscribers: dict[str | None, list[Sink]] = {}
        """By thread id; None stands for all events."""
        self._where: dict[type[Event], _Where] = {}
        self._of_turns: set[type[Event]] = set()
        self._active: dict[str, str] = {}
        self._status_watchers: dict[str, list[Callable[[Any], None]]] = {}

    @property
    def strained(self) -> bool:
        """Whether some consumer lags so far that the reader should take it easy."""
        return any(sink.strained for sink in self._sinks())

    def publish(self, event: Event, size: int) -> None:
        """Hand `event` to all who want it, in this call.

        Args:
            event: What happened.
            size: Bytes it took on the wire.
        """
        kind = type(event)
        if kind in self._of_turns:
            # The deltas, most of all events, go the shortest way.
            typed: Any = event
            thread_id: Any = typed.thread_id
            turn_id: Any = typed.turn_id
        else:
            thread_id, turn_id = (self._where.get(kind) or self._learn(kind))(event)
        if turn_id:
            sink = self._turns.get((thread_id, turn_id)) or self._starting.get(thread_id)
            if sink is not None:
                sink.push(event, size)
        if self._subscribers:
            for sink in (*self._subscribers.get(thread_id, ()), *self._subscribers.get(None, ())):
                sink.push(event, size)
        if not turn_id and thread_id in self._status_watchers:
            self._tell_status(thread_id, event)

    def active_turn(self, thread_id: str) -> str | None:
        """The turn of this thread that was seen to start and not to end; `""` for one on its way."""
        return self._active.get(thread_id, "" if thread_id in self._starting else None)

    def expect_turn(self, thread_id: str, sink: Sink) -> None:
        """Give `sink` the events of turns of this thread that nobody claims, from now on.

        Before `turn/start` is sent: the first events may come before its answer.
        """
        self._starting[thread_id] = sink

    def claim_turn(self, thread_id: str, turn_id: str, sink: Sink) -> None:
        """Give `sink` the events of this turn, and of no other any more."""
        self._starting.pop(thread_id, None)
        self._turns[thread_id, turn_id] = sink

    def forget_turn(self, thread_id: str, turn_id: str | None) -> None:
        """Nobody wants the events of this turn any more."""
        if turn_id is None:
            self._starting.pop(thread_id, None)
        else:
            self._turns.pop((thread_id, turn_id), None)

    def subscribe(self, sink: Sink, thread_id: str | None = None) -> None:
        """Give `sink` all events of a thread, or all there are."""
        self._subscribers.setdefault(thread_id, []).append(sink)

    def unsubscribe(self, sink: Sink, thread_id: str | None = None) -> None:
        """Undo `subscribe`."""
        group = self._subscribers[thread_id]
        group.remove(sink)
        if not group:
            del self._subscribers[thread_id]

    def watch_status(self, thread_id: str, watch: Callable[[Any], None]) -> None:
        """Call `watch` with each `thread/status/changed` of this thread."""
        self._status_watchers.setdefault(thread_id, []).append(watch)

    def unwatch_status(self, thread_id: str, watch: Callable[[Any], None]) -> None:
        """Undo `watch_status`."""
        watchers = self._status_watchers.get(thread_id, [])
        if watch in watchers:
            watchers.remove(watch)
        if not watchers:
            self._status_watchers.pop(thread_id, None)

    def end(self, reason: Callable[[], CodexRuntimeError]) -> None:
        """Tell every sink that no more will come."""
        for sink in self._sinks():
            sink.fail(reason())
        self._active.clear()

    def _sinks(self) -> list[Sink]:
        sinks = [*self._turns.values(), *self._starting.values()]
        return sinks + [sink for group in self._subscribers.values() for sink in group]

    def _tell_status(self, thread_id: str | None, event: Event) -> None:
        if event.method == "thread/status/changed" and thread_id is not None:
            for watch in self._status_watchers[thread_id]:
                watch(event)

    def _learn(self, kind: type[Event]) -> _Where:
        fields = kind.__struct_fields__
        if issubclass(kind, Notification):
            where = self._where_typed(kind, frozenset(fields))
        else:
            where = _where_unknown
        self._where[kind] = where
        return where

    def _where_typed(self, kind: type[Event], fields: frozenset[str]) -> _Where:
        if "thread_id" not in fields:
            return lambda _: (None, None)
        if "turn_id" in fields:
            self._of_turns.add(kind)
            return lambda event: (event.thread_id or None, event.turn_id or None)
        if "turn" in fields:
            return self._where_turn
        return lambda event: (event.thread_id or None, None)

    def _where_turn(self, event: Any) -> tuple[str | None, str | None]:
        """`turn/started` and `turn/completed`; on the way, remember what is active."""
        if not event.thread_id or not event.turn:
            return event.thread_id or None, None
        thread_id, turn_id = event.thread_id, event.turn.id
        if event.method == "turn/started":
            self._active[thread_id] = turn_id
        elif self._active.get(thread_id) == turn_id:
            del self._active[thread_id]
        return thread_id, turn_id


def _where_unknown(event: Any) -> tuple[str | None, str | None]:
    params: Any = event.params
    if not isinstance(params, dict):
        return None, None
    thread_id, turn_id = params.get("threadId"), params.get("turnId")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] — plain data
    return (
        thread_id if isinstance(thread_id, str) else None,
        turn_id if isinstance(turn_id, str) else None,
    )
