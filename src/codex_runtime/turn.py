"""A turn: one piece of work in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

import anyio

from codex_runtime import protocol
from codex_runtime._arguments import positive_seconds
from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._interrupting import end_commands, interrupt_feed, open_commands
from codex_runtime._steering import Steering
from codex_runtime._stopping import stop, stop_before_leaving
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    RequestTimeout,
)
from codex_runtime.inputs import TurnInput
from codex_runtime.protocol import Event, methods
from codex_runtime.state import TurnResult, TurnStatus

if TYPE_CHECKING:
    from codex_runtime._hooked import TurnHooks

__all__ = ["DEFAULT_TURN_TIMEOUT", "TurnHandle"]

DEFAULT_TURN_TIMEOUT: Final = 3_600.0
"""Seconds of active time. Honest work takes long; a hung turn must end some day."""


class TurnHandle:
    """A running or ended turn. Can be iterated over for its events, in order.

    Any number of consumers may do so, at once or one after the other: each `async for` begins at
    the start of the turn, however late, and disturbs no other. Whoever lags or comes late gets
    merged deltas instead of single ones; no text is lost, within 64 MiB of it. Cancelling the
    wait for the next event loses nothing.

    The last event is `TurnCompletedNotification`; just before it comes one `ItemAbandoned` for
    each item that was started and will not be completed.

    Raises:
        ConnectionLost: While iterating: the server went away.
        RuntimeClosed: While iterating: the runtime was closed.
        TurnTimedOut: While iterating: its time was up, and the server did not confirm its end.
        EventsLost: While iterating: beyond 64 MiB of a turn's past, events that this consumer
            has not got were dropped here: first the deltas of items that are completed, then
            what is oldest. Going on with the same iterator (see `events`) is allowed, and
            `result()` is complete all the same.
    """

    def __init__(
        self,
        client: Client,
        feed: TurnFeed,
        hooks: TurnHooks | None = None,
        *,
        owned: bool = True,
    ) -> None:
        self._client = client
        self._feed = feed
        self._hooks = hooks
        # What is known of the thread is known for as long as somebody has a turn of it.
        self._live = client.live(feed.state.thread_id)
        self._owned = owned

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
        others, and for those who come later. `anext` can be used on what this returns, and it can
        be iterated further after a `break`, which `async for` over the turn itself begins anew.

        A consumer that is not read any more and not let go of counts as one that lags: beyond
        4 MiB the runtime reads more slowly from the server.

        Raises:
            InvalidArgument: The turn belongs to a `run()`, which keeps no events.
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
        for its end, 10 seconds at the most; `wait_ended()` is the wait that can be given up. A
        turn that somebody else has started (`ThreadHandle.turn`) is left alone.
        Where there are hooks, `post_turn` is waited for too.

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
            if self._owned:
                await stop_before_leaving(self)
            if self._hooks is not None:
                await self._hooks.report(leaving=True)
            raise
        result = self._feed.state.result()
        if self._hooks is not None:
            result = replace(result, hooks=await self._hooks.report())
        failure = self._feed.failure(result)
        if failure is not None and (raise_on_failure or failure is self._feed.error):
            raise failure
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
        running = open_commands(self._feed) if kill_commands else frozenset[str]()
        with anyio.move_on_after(seconds):
            await interrupt_feed(self._client, self._feed)
            if kill_commands:
                running |= open_commands(self._feed)
                await end_commands(self._client, self.thread_id, running, seconds)
            if self._feed.error is not None:
                raise self._feed.error
            return
        raise RequestTimeout(methods.TURN_INTERRUPT.method, seconds)

    async def steer(
        self, input: TurnInput, *, client_id: str | None = None, timeout: float | None = None
    ) -> None:
        """Add to the turn while it runs (`turn/steer`). Returns when the server has taken it.

        Waits for the turn's start first, since before that it is refused. A command that runs,
        or an approval that waits, comes first; then the model is told.

        From 0.163 on this cuts off what the model is saying: the half-written message is never
        completed, neither in the history nor here, where it comes as `ItemAbandoned` at the end
        of the turn; the model answers anew within some 10 ms. On 0.154 it finishes its message
        first (fact 52).

        A turn of `ThreadHandle.shell_command` takes it for a user message at its end, and does
        not ask the model (fact 284).

        Cancelling stops the wait; the turn may be steered all the same.

        Args:
            input: What to add: text, or input items.
            client_id: Comes back as `client_id` of the user message.
            timeout: Seconds for all of it; by default the runtime's `request_timeout`.

        Raises:
            EmptyInput: There is nothing in `input`. Nothing was sent.
            InvalidArgument: An item cannot be used. Nothing was sent.
            NoActiveTurn: The turn has ended, and nothing else runs in the thread.
            UnexpectedTurn: The turn has ended, and another one runs.
            TurnNotSteerable: It compacts the thread, or is a review.
            RequestTimeout: The server did not answer in time, or did not start the turn.
            RemoteProtocolError: It answered with another turn.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        steering = Steering(self.thread_id, self.turn_id, input, client_id)
        await steering.send(self._client, self._feed, seconds)

    def interrupt_soon(self) -> None:
        """Have the turn stopped without waiting for it; does nothing if it has ended.

        The runtime interrupts it in the background, within 10 seconds, as `interrupt` does.
        """
        if not self._feed.ended.is_set():
            with suppress(CodexRuntimeError):
                # Where there is no connection any more, the turn has ended with it.
                self._client.spawn(stop, self)


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
