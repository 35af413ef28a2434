"""One turn's events on their way from the reader to its handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import anyio

from codex_runtime._channel import STRAINED
from codex_runtime._events import Hub
from codex_runtime._log import TurnLog
from codex_runtime.errors import CodexRuntimeError, TurnFailed, TurnTimedOut
from codex_runtime.protocol import Event, Notification
from codex_runtime.state import ItemAbandoned, TurnResult, TurnState

if TYPE_CHECKING:
    from codex_runtime._hooked import TurnHooks
    from codex_runtime.requests import Approver

__all__ = ["TurnFeed", "feed_of"]

_WAITING_FLAGS: Final = frozenset({"waitingOnApproval", "waitingOnUserInput"})
"""Thread states in which a person, not the turn, uses up the time."""

_CUT_SHORT: Final = frozenset({"interrupted", "incomplete"})
"""How a turn ends whose time was up; it may also have ended by itself at the last moment."""


OwnItem: TypeAlias = Callable[[Any], bool]
"""Tells whether an item is one of the turn that was asked for."""


class TurnFeed:
    """Takes a turn's events from the reader: folds them, and keeps them for whoever iterates.

    It is there before the turn has an id, because the first events of a turn may come before
    the answer that names it.

    Attributes:
        state: The fold.
        log: The events for those who iterate; None where nobody is going to.
        started: Set once the server has told of the start of the turn, or of its end.
        named: Set once the turn has an id, or will have none.
        answered: Tells whether the request for the turn was answered.
        ended: Set when no more events will come.
        error: Why the connection ended before the turn did.
        inner_id: The id that the server gave the turn within this turn, if there is one.
        interrupt_sent: Whether the server was asked to interrupt it.
        paused: Whether the turn waits for a person.
        approvers: Who decides about what this turn asks, before others.
        hooks: Its hooks, if there are any.
        timed_out_after: Seconds of active time after which it was interrupted; None if it was not.
        clock_changed: Set when `paused` has changed, or the turn has ended; replaced by whoever
            waits on it.
    """

    def __init__(
        self,
        hub: Hub,
        thread_id: str,
        *,
        keep_events: bool,
        own: OwnItem | None = None,
        joins: str | None = None,
    ) -> None:
        """Expect a turn of this thread.

        Args:
            hub: Where its events come from.
            thread_id: The thread.
            keep_events: Whether somebody is going to iterate.
            own: For a request whose answer does not name its turn: whether an item is one that
                nothing else than this request brings about.
            joins: A turn that runs already, in place of one that is to come: of that one the
                feed gets what happens from now on.
        """
        self._hub = hub
        self._own = own
        self._early = _EarlyEvents(self)
        self.state = TurnState(thread_id)
        self.log = TurnLog() if keep_events else None
        self.named = anyio.Event()
        self.answered: Callable[[], bool] = lambda: False
        self.started, self.ended = anyio.Event(), anyio.Event()
        self.error: CodexRuntimeError | None = None
        self.inner_id: str | None = None
        self.interrupt_sent = False
        self.paused = False
        self.approvers: tuple[Approver, ...] = ()
        self.hooks: TurnHooks | None = None
        self._flagged, self._waits = False, 0
        self.timed_out_after: float | None = None
        self.clock_changed = anyio.Event()
        hub.watch_status(thread_id, self._on_status)
        if joins is None:
            hub.expect_turn(thread_id, self._early)
        else:
            self.inner_id = hub.inner_of(thread_id, joins)
            self.claim(joins)
            self.started.set()

    @property
    def strained(self) -> bool:
        """Whether much waits for some consumer of this turn."""
        return self.log is not None and self.log.strained

    @property
    def awaits_naming(self) -> bool:
        """Whether the answer to the request does not name the turn."""
        return self._own is not None

    @property
    def interrupt_id(self) -> str:
        """The id under which the server interrupts this turn, once it has started."""
        return self.inner_id or self.state.turn_id

    def claim(self, turn_id: str, *, has_inner: bool = False) -> None:
        """This is the feed of that turn: take its events from now on, and those that came early.

        Args:
            turn_id: The turn.
            has_inner: Whether the server runs it as a turn within a turn; see `Hub.claim_turn`.
        """
        state = self.state
        state.turn_id = turn_id
        self._hub.claim_turn(state.thread_id, turn_id, self, has_inner=has_inner)
        self.named.set()
        for event, size in self._early.take():
            if self.ended.is_set():
                break
            inner = has_inner and event.method == "turn/started"
            if inner or turn_id in {getattr(event, "turn_id", None), _turn_id_of(event)}:
                self.push(event, size)

    def look_for_own(self, event: Event) -> None:
        """Take the turn of `event`, if it is the one that was asked for. Called by the reader."""
        if self._own is None or self.state.turn_id:
            return
        if event.method == "turn/started":
            # The answer comes first, and nothing runs in between (fact 286).
            if self.answered() and (turn_id := _turn_id_of(event)):
                self.claim(turn_id)
        elif event.method == "item/started" and isinstance(event, Notification):
            started: Any = event
            if started.turn_id and self._own(started.item):
                self.claim(started.turn_id)

    def withdraw_unclaimed(self) -> None:
        """There will be no turn, unless one was claimed."""
        if not self.state.turn_id:
            self._release()

    def push(self, event: Event, size: int) -> None:
        """Take the next event. Called by the reader."""
        if event.method in TurnState.FOLDED:
            self._fold(event, size)
        elif self.log is not None:
            # Deltas, most of all events, are done here.
            self.log.push(event, size)

    def _fold(self, event: Event, size: int) -> None:
        state, log = self.state, self.log
        state.apply(event)
        if event.method == "turn/started":
            self._note_inner(event)
        if log is not None:
            for item in state.open_items if state.ended else ():
                log.push(
                    ItemAbandoned(item=item, thread_id=state.thread_id, turn_id=state.turn_id), 0
                )
            log.push(event, size)
        if state.started:
            self.started.set()
        if state.ended:
            self._end(None)

    def _note_inner(self, event: Any) -> None:
        turn_id = _turn_id_of(event)
        if turn_id and turn_id != self.state.turn_id:
            self.inner_id = turn_id

    def fail(self, error: CodexRuntimeError) -> None:
        """No more events will come: the connection has ended, because of `error`."""
        if not self.ended.is_set():
            self.error = error
            self.state.give_up()
            self._end(error)

    def time_out(self, allowed: float) -> None:
        """The turn did not end although its time, `allowed` seconds, was up and it was told."""
        if not self.ended.is_set():
            self.state.give_up()
            self._end(TurnTimedOut(allowed, self.state.result()))

    def failure(self, result: TurnResult) -> CodexRuntimeError | None:
        """What whoever waits for `result` is to be told by raising it: it failed, was cut, is lost."""
        if self.error is not None:
            return self.error
        allowed = self.timed_out_after
        if allowed is not None and result.status in _CUT_SHORT:
            return TurnTimedOut(allowed, result)
        return TurnFailed(result.error, result) if result.status == "failed" else None

    def _end(self, error: CodexRuntimeError | None) -> None:
        self._release()
        if self.log is not None:
            self.log.close(error)
        self.named.set()
        self.started.set()
        self.ended.set()
        self.clock_changed.set()

    def _release(self) -> None:
        self._hub.forget_turn(self.state.thread_id, self.state.turn_id or None)
        self._hub.unwatch_status(self.state.thread_id, self._on_status)

    def _on_status(self, event: Any) -> None:
        status = getattr(event, "status", None)
        flags = getattr(status, "active_flags", None) or ()
        self._flagged = not _WAITING_FLAGS.isdisjoint(flags)
        self._look_at_clock()

    def wait_begins(self) -> None:
        """Somebody is asked to decide: the turn's time stands still until `wait_ends`."""
        self._waits += 1
        self._look_at_clock()

    def wait_ends(self) -> None:
        """Undo `wait_begins`."""
        self._waits -= 1
        self._look_at_clock()

    def _look_at_clock(self) -> None:
        paused = self._flagged or self._waits > 0
        if paused != self.paused:
            self.paused = paused
            self.clock_changed.set()


class _EarlyEvents:
    """Keeps what comes for a thread while a turn's start has not been answered yet.

    Short: nothing else runs in the thread then, and the answer comes within the time of a request.
    """

    def __init__(self, feed: TurnFeed) -> None:
        self._feed = feed
        self._kept: list[tuple[Event, int]] = []
        self._bytes = 0

    @property
    def strained(self) -> bool:
        """Whether so much is kept that the reader should take it easy."""
        return self._bytes > STRAINED

    def push(self, event: Event, size: int) -> None:
        """Keep it."""
        self._kept.append((event, size))
        self._bytes += size
        self._feed.look_for_own(event)

    @property
    def feed(self) -> TurnFeed:
        """The feed of the turn that is expected."""
        return self._feed

    def fail(self, error: CodexRuntimeError) -> None:
        """There will be no turn. The request for it fails by itself, unless it was answered."""
        self._feed.fail(error)

    def take(self) -> list[tuple[Event, int]]:
        """All that was kept, once."""
        kept, self._kept, self._bytes = self._kept, [], 0
        return kept


def feed_of(hub: Hub, thread_id: str, turn_id: str) -> TurnFeed | None:
    """The feed of this turn, also of one whose start is not answered yet; None for others' turns."""
    sink = hub.sink_for(thread_id, turn_id)
    if isinstance(sink, _EarlyEvents):
        return sink.feed
    return sink if isinstance(sink, TurnFeed) else None


def _turn_id_of(event: Any) -> str | None:
    return getattr(getattr(event, "turn", None), "id", None)
