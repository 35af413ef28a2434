"""One turn's events on their way from the reader to its handle."""

from __future__ import annotations

from typing import Any, Final

import anyio

from codex_runtime._channel import STRAINED
from codex_runtime._events import Hub
from codex_runtime._log import TurnLog
from codex_runtime.errors import CodexRuntimeError, TurnTimedOut
from codex_runtime.protocol import Event
from codex_runtime.state import ItemAbandoned, TurnState

__all__ = ["TurnFeed"]

_WAITING_FLAGS: Final = frozenset({"waitingOnApproval", "waitingOnUserInput"})
"""Thread states in which a person, not the turn, uses up the time."""


class TurnFeed:
    """Takes a turn's events from the reader: folds them, and keeps them for whoever iterates.

    It is there before the turn has an id, because the first events of a turn may come before
    the answer that names it.

    Attributes:
        state: The fold.
        log: The events for those who iterate; None where nobody is going to.
        started: Set once the server has told of the start of the turn, or of its end.
        ended: Set when no more events will come.
        error: Why the connection ended before the turn did.
        paused: Whether the turn waits for a person.
        timed_out_after: Seconds of active time after which it was interrupted; None if it was not.
        clock_changed: Set when `paused` has changed, or the turn has ended; replaced by whoever
            waits on it.
    """

    def __init__(self, hub: Hub, thread_id: str, *, keep_events: bool) -> None:
        self._hub = hub
        self._early = _EarlyEvents()
        self.state = TurnState(thread_id)
        self.log = TurnLog() if keep_events else None
        self.started = anyio.Event()
        self.ended = anyio.Event()
        self.error: CodexRuntimeError | None = None
        self.paused = False
        self.timed_out_after: float | None = None
        self.clock_changed = anyio.Event()
        hub.expect_turn(thread_id, self._early)
        hub.watch_status(thread_id, self._on_status)

    @property
    def strained(self) -> bool:
        """Whether much waits for some consumer of this turn."""
        return self.log is not None and self.log.strained

    def claim(self, turn_id: str) -> None:
        """This is the feed of that turn: take its events from now on, and those that came early."""
        state = self.state
        state.turn_id = turn_id
        self._hub.claim_turn(state.thread_id, turn_id, self)
        for event, size in self._early.take():
            if self.ended.is_set():
                break
            if turn_id in {getattr(event, "turn_id", None), _turn_id_of(event)}:
                self.push(event, size)

    def withdraw_unclaimed(self) -> None:
        """There will be no turn, unless one was claimed."""
        if not self.state.turn_id:
            self._release()

    def push(self, event: Event, size: int) -> None:
        """Take the next event. Called by the reader."""
        state, log = self.state, self.log
        if event.method not in state.FOLDED:
            # Deltas, most of all events, are done here.
            if log is not None:
                log.push(event, size)
            return
        state.apply(event)
        if state.ended and log is not None:
            for item in state.open_items:
                log.push(
                    ItemAbandoned(item=item, thread_id=state.thread_id, turn_id=state.turn_id), 0
                )
        if log is not None:
            log.push(event, size)
        if state.started:
            self.started.set()
        if state.ended:
            self._end(None)

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

    def _end(self, error: CodexRuntimeError | None) -> None:
        self._release()
        if self.log is not None:
            self.log.close(error)
        self.started.set()
        self.ended.set()
        self.clock_changed.set()

    def _release(self) -> None:
        self._hub.forget_turn(self.state.thread_id, self.state.turn_id or None)
        self._hub.unwatch_status(self.state.thread_id, self._on_status)

    def _on_status(self, event: Any) -> None:
        flags = getattr(event.status, "active_flags", None) or ()
        paused = not _WAITING_FLAGS.isdisjoint(flags)
        if paused != self.paused:
            self.paused = paused
            self.clock_changed.set()


class _EarlyEvents:
    """Keeps what comes for a thread while a turn's start has not been answered yet.

    Short: nothing else runs in the thread then, and the answer comes within the time of a request.
    """

    def __init__(self) -> None:
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

    def fail(self, error: CodexRuntimeError) -> None:
        """The request for the turn fails by itself."""

    def take(self) -> list[tuple[Event, int]]:
        """All that was kept, once."""
        kept, self._kept, self._bytes = self._kept, [], 0
        return kept


def _turn_id_of(event: Any) -> str | None:
    return getattr(getattr(event, "turn", None), "id", None)
