"""A turn: one piece of work in a thread."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, Self

import anyio

from codex_runtime import protocol
from codex_runtime._arguments import positive_seconds
from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._outgoing import encode
from codex_runtime._peer import Pending
from codex_runtime._stopping import stop, stop_before_leaving
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    RequestTimeout,
    TurnFailed,
    TurnTimedOut,
)
from codex_runtime.protocol import Event, methods
from codex_runtime.state import TurnResult, TurnStatus

__all__ = ["DEFAULT_TURN_TIMEOUT", "TurnHandle"]

logger = logging.getLogger("codex_runtime.turn")

DEFAULT_TURN_TIMEOUT: Final = 3_600.0
"""Seconds of active time. Honest work takes long; a hung turn must end some day."""

_CUT_SHORT: Final = frozenset({"interrupted", "incomplete"})
"""How a turn ends whose time was up; it may also have ended by itself at the last moment."""


_KILL_LOOKS: Final = 5
"""Looks at the list of commands that are to be killed: the server lists one only some milliseconds
after it has told of its start, and never one that has ended meanwhile."""

_LOOK_AGAIN: Final = 0.1
"""Seconds between two such looks."""


class TurnHandle:
    """A running or ended turn. An asynchronous iterator over its events, in order.

    Iterate once: events are handed out, not kept. Whoever lags gets merged deltas instead of
    single ones; text is never lost. Cancelling the wait for the next event loses nothing.

    The last event is `TurnCompletedNotification`; just before it comes one `ItemAbandoned` for
    each item that was started and will not be completed.

    Raises:
        ConnectionLost: While iterating: the server went away.
        RuntimeClosed: While iterating: the runtime was closed.
        TurnTimedOut: While iterating: its time was up, and the server did not confirm its end.
        EventsLost: While iterating: this consumer lagged beyond every bound. Iterating on is
            allowed, and `result()` is complete all the same.
    """

    def __init__(self, client: Client, feed: TurnFeed) -> None:
        self._client = client
        self._feed = feed
        self._interrupt_sent = False

    def __repr__(self) -> str:
        return f"<TurnHandle {self.turn_id} of thread {self.thread_id}, {self.status}>"

    @property
    def thread_id(self) -> str:
        """The thread."""
        return self._feed.state.thread_id

    @property
    def turn_id(self) -> str:
        """The turn."""
        return self._feed.state.turn_id

    @property
    def status(self) -> TurnStatus:
        """Where the turn stands, by the events received so far."""
        return self._feed.state.status

    def __aiter__(self) -> AsyncIterator[Event]:
        return self.events()

    def events(self) -> AsyncIterator[Event]:
        """Iterate over the turn's events, from its start; for one task at a time.

        Each call makes a consumer of its own: what one of them has read is still there for the
        others, and for those who come later.
        """
        if self._feed.log is None:
            raise InvalidArgument("turn", "keeps no events", "start it with turn_start()")
        return self._feed.log.events()

    def text(self) -> AsyncIterator[str]:
        """Iterate over the text of the agent's messages as it grows, and nothing else.

        A consumer of its own, like those of `events`. What was shown of a message that the
        server then gave up (see `ItemAbandoned`) cannot be taken back here; `result().text` is
        right.
        """
        return _TextStream(self.events())

    async def wait_ended(self) -> None:
        """Wait for the turn's end, whatever it is. Cancelling stops the wait, not the turn."""
        await self._feed.ended.wait()

    async def result(self, *, raise_on_failure: bool = True) -> TurnResult:
        """Wait for the turn's end and return what it did.

        Needs no iteration, and does not disturb one. Cancelling interrupts the turn and waits
        for its end, 10 seconds at the most; `wait_ended()` is the wait that can be given up.

        Args:
            raise_on_failure: Raise if the turn failed or ran out of time; otherwise see
                `TurnResult.status` and `.error`.

        Raises:
            TurnFailed: The turn failed. Its `result` holds what was done.
            TurnTimedOut: Its time was up and it was interrupted. Likewise.
            ConnectionLost: The server went away.
            RuntimeClosed: The runtime was closed.
        """
        try:
            await self._feed.ended.wait()
        except anyio.get_cancelled_exc_class():
            await stop_before_leaving(self)
            raise
        if self._feed.error is not None:
            raise self._feed.error
        result = self._feed.state.result()
        allowed = self._feed.timed_out_after
        if raise_on_failure and allowed is not None and result.status in _CUT_SHORT:
            raise TurnTimedOut(allowed, result)
        if raise_on_failure and result.status == "failed":
            raise TurnFailed(result.error, result)
        return result

    async def interrupt(self, *, timeout: float | None = None, kill_commands: bool = False) -> None:
        """Stop the turn and wait for its end. Does nothing if it has ended.

        Waits for the turn's start first, since the server refuses an interrupt before that and
        runs the turn on (fact 57), and asks only once, since it may never answer a second
        time (fact 60). Cancelling stops the wait; the turn may still be interrupted.

        Args:
            timeout: Seconds for all of it; by default the runtime's `request_timeout`.
            kill_commands: Also end the commands that the turn leaves running in the
                background; an interrupt alone does not (fact 61). Not those that moved to a
                session of their own.

        Raises:
            RequestTimeout: The turn did not end in time.
            RequestRefused: The turn has ended, but the server does not take `kill_commands`.
            ConnectionLost: The server went away before the turn ended.
            RuntimeClosed: The runtime was closed before the turn ended.
        """
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        running = self._open_commands() if kill_commands else frozenset[str]()
        with anyio.move_on_after(seconds):
            await self._feed.started.wait()
            if not self._feed.ended.is_set() and not self._interrupt_sent:
                await self._ask_to_stop()
            await self._feed.ended.wait()
            if kill_commands:
                await self._kill(running | self._open_commands(), seconds)
            if self._feed.error is not None:
                raise self._feed.error
            return
        raise RequestTimeout(methods.TURN_INTERRUPT.method, seconds)

    def interrupt_soon(self) -> None:
        """Have the turn stopped without waiting for it; does nothing if it has ended.

        The runtime interrupts it in the background, within 10 seconds, as `interrupt` does.
        """
        if not self._feed.ended.is_set():
            with suppress(CodexRuntimeError):
                # Where there is no connection any more, the turn has ended with it.
                self._client.spawn(stop, self)

    async def _ask_to_stop(self) -> None:
        params = protocol.TurnInterruptParams(thread_id=self.thread_id, turn_id=self.turn_id)
        with self._client.peer.open(methods.TURN_INTERRUPT.method, encode(params)) as pending:
            self._interrupt_sent = True
            async with anyio.create_task_group() as race:
                race.start_soon(self._note_answer, pending)
                # The answer decides nothing: the turn's end does, and it may come without one.
                await self._feed.ended.wait()
                race.cancel_scope.cancel()

    async def _note_answer(self, pending: Pending) -> None:
        try:
            await pending.wait()
        except CodexRuntimeError as error:
            # Refused, when the turn has ended just before; its end is on the way then.
            logger.debug("turn %s: %s", self.turn_id, error)

    def _open_commands(self) -> frozenset[str]:
        return frozenset(
            item.id
            for item in self._feed.state.open_items
            if isinstance(item, protocol.CommandExecutionItem)
        )

    async def _kill(self, item_ids: frozenset[str], seconds: float) -> None:
        left = set(item_ids)
        for _ in range(_KILL_LOOKS):
            if not left:
                return
            left -= await self._kill_listed(left, seconds)
            if left:
                await anyio.sleep(_LOOK_AGAIN)

    async def _kill_listed(self, item_ids: set[str], seconds: float) -> set[str]:
        killed: set[str] = set()
        listing = await self._client.request(
            methods.THREAD_BACKGROUND_TERMINALS_LIST,
            protocol.ThreadBackgroundTerminalsListParams(thread_id=self.thread_id),
            timeout=seconds,
        )
        for terminal in listing.data or ():
            if terminal.item_id in item_ids:
                params = protocol.ThreadBackgroundTerminalsTerminateParams(
                    thread_id=self.thread_id, process_id=terminal.process_id
                )
                await self._client.request(
                    methods.THREAD_BACKGROUND_TERMINALS_TERMINATE, params, timeout=seconds
                )
                killed.add(terminal.item_id)
        return killed


class _TextStream:
    """The growing text of a turn's messages; made by `TurnHandle.text`."""

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            event = await anext(self._events)
            if isinstance(event, protocol.AgentMessageDeltaNotification) and event.delta:
                return event.delta
