"""Interrupting turns, whoever has started them, and ending what they leave behind."""

from __future__ import annotations

import logging
from typing import Any, Final

import anyio

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._outgoing import encode
from codex_runtime._peer import Pending
from codex_runtime.errors import (
    CodexRuntimeError,
    NoActiveTurn,
    RequestRefused,
    RequestTimeout,
    UnexpectedTurn,
)
from codex_runtime.protocol import methods

__all__ = ["end_commands", "interrupt_feed", "interrupt_turn", "open_commands"]

logger = logging.getLogger("codex_runtime.turn")

_KILL_LOOKS: Final = 5
"""Looks at the list of commands that are to be killed: the server lists one only some milliseconds
after it has told of its start, and never one that has ended meanwhile."""

_LOOK_AGAIN: Final = 0.1
"""Seconds between two such looks, and between two tries for a turn that has not started yet."""

_START_GRACE: Final = 1.0
"""Seconds in which a turn that the server does not know yet may start: it does so some
milliseconds after the answer that names it (fact 57)."""

_SILENCE: Final = 2.0
"""Seconds without an answer after which it is looked whether anything runs at all: up to 0.163 a
turn that was interrupted before is never answered for (fact 60), others within 0.1 s."""

_RECORDED: Final = 50
"""Turns of the record that are looked at for one that has ended: the newest."""


async def interrupt_feed(client: Client, feed: TurnFeed) -> None:
    """Interrupt a turn that is followed here, and wait for its end."""
    await feed.started.wait()
    if not feed.ended.is_set() and not feed.interrupt_sent:
        params = protocol.TurnInterruptParams(
            thread_id=feed.state.thread_id, turn_id=feed.interrupt_id
        )
        with client.peer.open(methods.TURN_INTERRUPT.method, encode(params)) as pending:
            feed.interrupt_sent = True
            async with anyio.create_task_group() as race:
                race.start_soon(_note_answer, pending, feed.state.turn_id)
                # The answer decides nothing: the turn's end does, and it may come without one.
                await feed.ended.wait()
                race.cancel_scope.cancel()
    await feed.ended.wait()


async def _note_answer(pending: Pending, turn_id: str) -> None:
    try:
        await pending.wait()
    except CodexRuntimeError as error:
        # Refused, when the turn has ended just before; its end is on the way then.
        logger.debug("turn %s: %s", turn_id, error)


async def interrupt_turn(client: Client, thread_id: str, turn_id: str, seconds: float) -> None:
    """Interrupt a turn by its id; see `Runtime.turn_interrupt`."""
    with anyio.move_on_after(seconds):
        sink = client.hub.sink_of(thread_id, turn_id)
        if isinstance(sink, TurnFeed):
            await interrupt_feed(client, sink)
            if sink.error is not None:
                raise sink.error
        else:
            client.peer  # noqa: B018 — raises where there is no connection
            await _Stranger(client, thread_id, turn_id).interrupt()
        return
    raise RequestTimeout(methods.TURN_INTERRUPT.method, seconds)


class _Stranger:
    """A turn that nobody here follows, while it is interrupted. A sink for its thread's events."""

    strained = False

    def __init__(self, client: Client, thread_id: str, turn_id: str) -> None:
        self._client = client
        self._thread_id = thread_id
        self._turn_id = turn_id
        self._heard = 0
        self._news = anyio.Event()
        self._ended = client.hub.has_ended(thread_id, turn_id)
        self._found: str | None = None
        """The turn that the server gave for active when it was asked last."""

    def push(self, event: Any, size: int) -> None:
        """Look whether it tells of this turn. Called by the reader."""
        _ = size
        turn = getattr(event, "turn", None)
        if event.method in {"turn/started", "turn/completed"} and turn:
            if turn.id == self._turn_id:
                self._ended = event.method == "turn/completed"
            self._heard += 1
            self._news.set()
            self._news = anyio.Event()

    def fail(self, error: CodexRuntimeError) -> None:
        """The request fails by itself."""

    async def interrupt(self) -> None:
        hub = self._client.hub
        hub.subscribe(self, self._thread_id)
        try:
            patience = anyio.current_time() + _START_GRACE
            while not self._ended and anyio.current_time() <= patience:
                heard = self._heard
                if await self._ask(self._turn_id):
                    return
                await self._wait_for_news(heard, _LOOK_AGAIN)
            # Nothing runs, so that this one has ended, or never was.
        finally:
            hub.unsubscribe(self, self._thread_id)

    async def _ask(self, turn_id: str) -> bool:
        """Ask once. Returns whether that was enough; it may have come too early otherwise."""
        params = protocol.TurnInterruptParams(thread_id=self._thread_id, turn_id=turn_id)
        encoded = encode(params)
        with self._client.peer.open(methods.TURN_INTERRUPT.method, encoded) as pending:
            try:
                await self._wait_for_answer(pending)
            except NoActiveTurn:
                return False
            except UnexpectedTurn as refusal:
                return await self._look_at_other(refusal)
        return True

    async def _look_at_other(self, refusal: UnexpectedTurn) -> bool:
        hub, found, before = self._client.hub, refusal.found, self._found
        self._found = found
        if hub.root_of(self._thread_id, found) == self._turn_id:
            return await self._ask(found)
        # Up to 0.163 a turn that was interrupted before is given for active until the next one
        # has started (fact 57): it has to be seen to run, or to be given twice.
        certain = found in {before, hub.active_turn(self._thread_id)}
        if not certain or await self._is_idle():
            return False
        if await self._is_recorded_as_ended():
            return True
        raise refusal

    async def _wait_for_answer(self, pending: Pending) -> None:
        refusal: CodexRuntimeError | None = None
        async with anyio.create_task_group() as race:
            race.start_soon(self._give_up, race.cancel_scope)
            try:
                await pending.wait()
            except CodexRuntimeError as error:
                refusal = error
            race.cancel_scope.cancel()
        if refusal is not None:
            raise refusal

    async def _give_up(self, waiting: anyio.CancelScope) -> None:
        """End the wait for an answer when the turn is known to have ended."""
        silent_until = anyio.current_time() + _SILENCE
        while not self._ended:
            await self._wait_for_news(self._heard, max(silent_until - anyio.current_time(), 0.0))
            if anyio.current_time() >= silent_until:
                if await self._is_idle():
                    break
                silent_until += _SILENCE
        waiting.cancel()

    async def _wait_for_news(self, heard: int, seconds: float) -> None:
        """Wait until more has been heard than that."""
        if self._heard == heard:
            with anyio.move_on_after(seconds):
                await self._news.wait()

    async def _is_idle(self) -> bool:
        params = protocol.ThreadReadParams(thread_id=self._thread_id)
        try:
            read = await self._client.request(methods.THREAD_READ, params)
        except CodexRuntimeError:
            # What is wrong will come out of the interrupt itself.
            return False
        return bool(read.thread) and getattr(read.thread.status, "type", None) != "active"

    async def _is_recorded_as_ended(self) -> bool:
        params = protocol.ThreadTurnsListParams(
            thread_id=self._thread_id, limit=_RECORDED, items_view="notLoaded"
        )
        try:
            page = await self._client.request(methods.THREAD_TURNS_LIST, params)
        except RequestRefused:
            # Ephemeral threads have no record, nor have those whose first turn has just begun.
            return False
        status = next((turn.status for turn in page.data or () if turn.id == self._turn_id), None)
        return status not in {None, "inProgress"}


def open_commands(feed: TurnFeed) -> frozenset[str]:
    """The items of the turn's commands that run."""
    return frozenset(
        item.id for item in feed.state.open_items if isinstance(item, protocol.CommandExecutionItem)
    )


async def end_commands(
    client: Client, thread_id: str, item_ids: frozenset[str], seconds: float
) -> None:
    """End commands that a turn has left running, by their items."""
    left = set(item_ids)
    for _ in range(_KILL_LOOKS):
        if not left:
            return
        left -= await _end_listed(client, thread_id, left, seconds)
        if left:
            await anyio.sleep(_LOOK_AGAIN)


async def _end_listed(
    client: Client, thread_id: str, item_ids: set[str], seconds: float
) -> set[str]:
    ended: set[str] = set()
    listing = await client.request(
        methods.THREAD_BACKGROUND_TERMINALS_LIST,
        protocol.ThreadBackgroundTerminalsListParams(thread_id=thread_id),
        timeout=seconds,
    )
    for terminal in listing.data or ():
        if terminal.item_id in item_ids:
            params = protocol.ThreadBackgroundTerminalsTerminateParams(
                thread_id=thread_id, process_id=terminal.process_id
            )
            await client.request(
                methods.THREAD_BACKGROUND_TERMINALS_TERMINATE, params, timeout=seconds
            )
            ended.add(terminal.item_id)
    return ended
