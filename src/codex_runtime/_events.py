"""Events from the reader to those who want them, by thread and turn."""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from codex_runtime.errors import CodexRuntimeError
from codex_runtime.protocol import Event, Notification

__all__ = ["Hub", "Name", "Sink"]


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

Name: TypeAlias = tuple[str, str]
"""(field, value): what the client itself has named, and belongs to no thread."""

_NAMED_BY: Final = {
    "command/exec/outputDelta": "process_id",
    "process/outputDelta": "process_handle",
    "process/exited": "process_handle",
    "fs/changed": "watch_id",
    "fuzzyFileSearch/sessionUpdated": "session_id",
    "fuzzyFileSearch/sessionCompleted": "session_id",
}
"""Events of what the client has named, by the field that holds the name."""

_AT_REST: Final = frozenset({"idle", "systemError", "notLoaded"})
"""States of a thread in which no turn runs."""

_Where: TypeAlias = Callable[[Any], tuple[str | None, str | None]]


class Hub:
    """Routes each event to the sinks of its turn, of its thread, and of everything.

    Args:
        on_settings: Called with a thread's id and the settings that are in force in it from now on;
            None for settings that cannot be read.
    """

    def __init__(self, *, on_settings: Callable[[str, Any], None] | None = None) -> None:
        self._on_settings = on_settings
        self._turns: dict[TurnKey, Sink] = {}
        self._starting: dict[str, Sink] = {}
        self._subscribers: dict[str | None, list[Sink]] = {}
        """By thread id; None stands for all events."""
        self._where: dict[type[Event], _Where] = {}
        self._of_turns: set[type[Event]] = set()
        self._named: dict[Name, Sink] = {}
        self._named_by: dict[type[Event], str] = {}
        self._hosts: dict[str, str] = {}
        """By thread, its turn that runs within another one of its own; see `claim_turn`."""
        self._roots: dict[str, tuple[str, str]] = {}
        """By thread, the turn that was last told to run within another one, and that one."""
        self._active: dict[str, str] = {}
        self._last_ended: dict[str, str] = {}
        self._status_watchers: dict[str, list[Callable[[Any], None]]] = {}
        self._observers: dict[str, Callable[[Any], None]] = {}

    def observe(self, method: str, observer: Callable[[Any], None]) -> None:
        """Call `observer` with each event of this method, before anybody else gets it.

        For all that is not a delta: one observer a method, from the beginning.
        """
        self._observers[method] = observer

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
            if self._named and kind in self._named_by:
                self._push_to_named(kind, event, size)
        if turn_id:
            sink = self._turns.get((thread_id, turn_id)) or self._starting.get(thread_id)
            if sink is not None:
                sink.push(event, size)
        if self._subscribers:
            self._push_to_subscribers(thread_id, event, size)
        if thread_id and not turn_id:
            self._note_thread(thread_id, event)

    def active_turn(self, thread_id: str) -> str | None:
        """The turn of this thread that was seen to start and not to end; `""` for one on its way."""
        return self._active.get(thread_id, "" if thread_id in self._starting else None)

    def follows(self, thread_id: str) -> bool:
        """Whether a turn runs in this thread, or somebody wants its events."""
        return (
            self.active_turn(thread_id) is not None
            or thread_id in self._subscribers
            or any(key[0] == thread_id for key in self._turns)
        )

    def expect_turn(self, thread_id: str, sink: Sink) -> None:
        """Give `sink` the events of turns of this thread that nobody claims, from now on.

        Before `turn/start` is sent: the first events may come before its answer.
        """
        self._starting[thread_id] = sink

    def claim_turn(
        self, thread_id: str, turn_id: str, sink: Sink, *, has_inner: bool = False
    ) -> None:
        """Give `sink` the events of this turn, and of no other any more.

        Args:
            thread_id: The thread.
            turn_id: The turn.
            sink: Gets its events.
            has_inner: It is a review: the turn that is told to start in this thread meanwhile,
                under an id of its own, is a part of it (fact 280).
        """
        self._starting.pop(thread_id, None)
        self._turns[thread_id, turn_id] = sink
        if has_inner:
            self._hosts[thread_id] = turn_id
            # Nothing ran before: what was told to start meanwhile is the inner turn.
            self._active.pop(thread_id, None)
        self._note_running(thread_id, turn_id)

    def forget_turn(self, thread_id: str, turn_id: str | None) -> None:
        """Nobody wants the events of this turn any more."""
        if turn_id is None:
            self._starting.pop(thread_id, None)
        else:
            self._turns.pop((thread_id, turn_id), None)
            if self._hosts.get(thread_id) == turn_id:
                del self._hosts[thread_id]

    def sink_of(self, thread_id: str, turn_id: str) -> Sink | None:
        """Who gets the events of this turn."""
        return self._turns.get((thread_id, turn_id))

    def sink_for(self, thread_id: str, turn_id: str) -> Sink | None:
        """Who gets the events of this turn, or will once it is claimed."""
        return self._turns.get((thread_id, turn_id)) or self._starting.get(thread_id)

    def root_of(self, thread_id: str, turn_id: str) -> str | None:
        """The turn that this one was told to run within, if it was the last such of its thread."""
        inner, root = self._roots.get(thread_id, ("", None))
        return root if inner == turn_id else None

    def inner_of(self, thread_id: str, turn_id: str) -> str | None:
        """The turn that was last told to run within this one, if any was."""
        inner, root = self._roots.get(thread_id, ("", ""))
        return inner if root == turn_id else None

    def has_ended(self, thread_id: str, turn_id: str) -> bool:
        """Whether this is the turn of the thread that was last seen to end."""
        return self._last_ended.get(thread_id) == turn_id

    def last_ended(self, thread_id: str) -> str | None:
        """The turn of the thread that was last seen to end."""
        return self._last_ended.get(thread_id)

    def find_running(self, thread_id: str, turn: Any, last_ended: str | None) -> None:
        """Note a turn that runs by what the thread has on record, unless one has ended since.

        Args:
            thread_id: The thread.
            turn: The turn; one within another counts as that one, under whose id it ends.
            last_ended: What `last_ended` was before the record was asked for.
        """
        if self._last_ended.get(thread_id) == last_ended:
            self._note_root(thread_id, turn)
            self._note_running(thread_id, turn.root_turn_id or turn.id)

    def subscribe(self, sink: Sink, thread_id: str | None = None) -> None:
        """Give `sink` all events of a thread, or all there are."""
        self._subscribers.setdefault(thread_id, []).append(sink)

    def unsubscribe(self, sink: Sink, thread_id: str | None = None) -> None:
        """Undo `subscribe`."""
        # A new list: one may leave while it is being told of an event, as others are after it.
        group = list(self._subscribers[thread_id])
        group.remove(sink)
        if group:
            self._subscribers[thread_id] = group
        else:
            del self._subscribers[thread_id]

    def attach(self, name: Name, sink: Sink) -> None:
        """Give `sink` the events of what has this name, say `("watch_id", "watch-1")`.

        Before the name is told to the server: the first events may come before its answer.
        """
        self._named[name] = sink

    def detach(self, name: Name) -> None:
        """Undo `attach`; a name that is not attached is fine."""
        self._named.pop(name, None)

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
        self._last_ended.clear()

    def _sinks(self) -> list[Sink]:
        sinks = [*self._turns.values(), *self._starting.values(), *self._named.values()]
        return sinks + [sink for group in self._subscribers.values() for sink in group]

    def _push_to_subscribers(self, thread_id: str | None, event: Event, size: int) -> None:
        if thread_id is not None:
            for sink in self._subscribers.get(thread_id, ()):
                sink.push(event, size)
        for sink in self._subscribers.get(None, ()):
            sink.push(event, size)

    def _push_to_named(self, kind: type[Event], event: Event, size: int) -> None:
        field = self._named_by[kind]
        sink = self._named.get((field, getattr(event, field)))
        if sink is not None:
            sink.push(event, size)

    def _note_thread(self, thread_id: str, event: Event) -> None:
        if event.method == "thread/status/changed":
            self._note_status(thread_id, event)
            for watch in self._status_watchers.get(thread_id, ()):
                watch(event)
        elif event.method == "thread/settings/updated":
            if self._on_settings is not None:
                self._on_settings(thread_id, getattr(event, "thread_settings", None))
        elif event.method == "thread/closed":
            self._last_ended.pop(thread_id, None)
            self._roots.pop(thread_id, None)

    def _note_status(self, thread_id: str, event: Any) -> None:
        # A turn that nobody here follows may end under another id than it has started with.
        if getattr(getattr(event, "status", None), "type", None) in _AT_REST:
            turn_id = self._active.get(thread_id)
            if turn_id is not None and (thread_id, turn_id) not in self._turns:
                del self._active[thread_id]

    def _note_root(self, thread_id: str, turn: Any) -> None:
        # Before 0.163 there is no word of it.
        root_id = getattr(turn, "root_turn_id", None)
        if root_id and root_id != turn.id:
            self._roots[thread_id] = turn.id, root_id

    def _learn(self, kind: type[Event]) -> _Where:
        if issubclass(kind, Notification):
            if kind.method in _NAMED_BY:
                self._named_by[kind] = _NAMED_BY[kind.method]
            where = self._where_typed(kind, frozenset(kind.__struct_fields__))
            observer = self._observers.get(kind.method)
            if observer is not None:
                # Off the shortest way, which asks nothing of an event.
                self._of_turns.discard(kind)
                where = _observed(observer, where)
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
        if not event.thread_id or not event.turn or not event.turn.id:
            return event.thread_id or None, None
        thread_id: str = event.thread_id
        turn_id: str = event.turn.id
        if event.method == "turn/started":
            self._note_root(thread_id, event.turn)
            turn_id = self._hosts.get(thread_id, turn_id)
            self._note_running(thread_id, turn_id)
        else:
            self._last_ended[thread_id] = turn_id
            if self._active.get(thread_id) == turn_id:
                del self._active[thread_id]
        return thread_id, turn_id

    def _note_running(self, thread_id: str, turn_id: str) -> None:
        # A turn may have ended before the answer that names it has been looked at.
        if self._last_ended.get(thread_id) != turn_id:
            self._active[thread_id] = turn_id


def _observed(observer: Callable[[Any], None], where: _Where) -> _Where:
    def tell(event: Any) -> tuple[str | None, str | None]:
        observer(event)
        return where(event)

    return tell


def _where_unknown(event: Any) -> tuple[str | None, str | None]:
    params: Any = event.params
    if not isinstance(params, dict):
        return None, None
    thread_id, turn_id = params.get("threadId"), params.get("turnId")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] — plain data
    return (
        thread_id if isinstance(thread_id, str) else None,
        turn_id if isinstance(turn_id, str) else None,
    )
