"""Dropping the last turns of a thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import anyio

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime._interrupting import interrupt_turn
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    NotSupportedByThread,
    RequestTimeout,
    TurnInProgress,
    UnexpectedTurn,
    UnsupportedByServer,
)
from codex_runtime.protocol import Event, Method, Wire, methods
from codex_runtime.threads._checks import checked_flag, checked_number
from codex_runtime.threads._history import FULL_PAGE
from codex_runtime.threads._record import ThreadRecord
from codex_runtime.threads.rollback import ThreadRollback

if TYPE_CHECKING:
    from codex_runtime.protocol.types import Thread, ThreadRevertResponse, Turn

__all__ = ["roll_back"]

logger = logging.getLogger("codex_runtime.threads")

_LOOK_AGAIN: Final = 0.05
"""Seconds between two looks at the record, which is written some milliseconds behind the events."""

_REVERTED: Final = 5.0
"""Seconds for `thread/reverted`, which comes some milliseconds behind the answer (fact 236)."""


class _RollbackParams(Wire, frozen=True, kw_only=True):
    """Parameters of `thread/rollback`, which the schema of 0.163 does not know any more."""

    thread_id: str
    num_turns: int


_THREAD_ROLLBACK: Final[Method[_RollbackParams, ThreadRevertResponse]] = Method(
    "thread/rollback", None, "ThreadRevertResponse", "deprecated"
)
"""Up to 0.154; its answer has the thread, like that of its successor."""


async def roll_back(
    client: Client, record: ThreadRecord, num_turns: int, *, interrupt: bool
) -> ThreadRollback:
    """Drop the last turns; see `ThreadReference.rollback`."""
    checked_number(num_turns, "num_turns")
    checked_flag(interrupt, "interrupt")
    # No turn of ours begins between the look and the deed.
    live = client.live(record.thread_id)
    async with live.locked(methods.THREAD_REVERT.method, client.request_timeout):
        return await _Rollback(client, record, num_turns).run(interrupt=interrupt)


class _Rollback:
    """One rollback.

    Everything is looked at before `thread/revert` is sent: a refused one has interrupted the
    running turn already, and a thread without a turn is lost by it (fact 237).
    """

    def __init__(self, client: Client, record: ThreadRecord, num_turns: int) -> None:
        self._client = client
        self._record = record
        self._thread_id = record.thread_id
        self._num_turns = num_turns

    async def run(self, *, interrupt: bool) -> ThreadRollback:
        thread = (await self._record.read()).thread
        if thread.ephemeral:
            raise NotSupportedByThread(
                methods.THREAD_REVERT.method,
                -32600,
                "ephemeral threads have no history to roll back",
                thread_id=self._thread_id,
                thread_kind="ephemeral",
            )
        newest = await self._newest()
        if (turn_id := self._running(newest)) is not None:
            if not interrupt:
                raise TurnInProgress(self._thread_id, turn_id or None)
            await self._stop()
            newest = await self._newest()
        if len(newest) < self._num_turns:
            raise InvalidArgument(
                "num_turns",
                f"is {self._num_turns}, and the thread has {len(newest) or 'no'} turns",
                "drop fewer",
            )
        with _Reverted(self._client, self._thread_id) as reverted:
            if thread.history_mode == "legacy":
                after = await self._drop_by_number()
            else:
                after = await self._drop_before(newest[-1].id, reverted)
        return ThreadRollback(after, newest[::-1])

    async def _newest(self) -> list[Turn]:
        """The turns to drop, newest first; fewer if there are no more."""
        found: list[Turn] = []
        size = min(self._num_turns, FULL_PAGE)
        async for turn in self._record.iter_turns(items_view="full", page_size=size):
            found.append(turn)
            if len(found) == self._num_turns:
                break
        return found

    def _running(self, newest: Sequence[Turn]) -> str | None:
        """The turn that runs; `""` for one on its way."""
        if newest and newest[0].status == "inProgress":
            return newest[0].id
        active = self._client.hub.active_turn(self._thread_id)
        # One that has just begun may stand on record as interrupted, as if it had been left
        # behind by a server that ended (seen on 0.158); these two are never said too early.
        ended = {turn.id for turn in newest if turn.status in ("completed", "failed")}
        return None if active in ended else active

    async def _stop(self) -> None:
        """Interrupt the turn that runs, and wait until it is on record as ended."""
        seconds = self._client.request_timeout
        with anyio.move_on_after(seconds):
            while True:
                page = await self._record.turns(limit=1, items_view="notLoaded")
                turn_id = self._running(page.data or ())
                if turn_id is None:
                    return
                if turn_id:
                    # If another one has begun meanwhile, that is seen by the next look.
                    with suppress(UnexpectedTurn):
                        await interrupt_turn(self._client, self._thread_id, turn_id, seconds)
                await anyio.sleep(_LOOK_AGAIN)
        raise RequestTimeout(methods.TURN_INTERRUPT.method, seconds)

    async def _drop_before(self, turn_id: str, reverted: _Reverted) -> Thread:
        params = protocol.ThreadRevertParams(thread_id=self._thread_id, before_turn_id=turn_id)
        try:
            answer = await self._client.request(methods.THREAD_REVERT, params)
        except UnsupportedByServer:
            return await self._drop_by_number()
        await reverted.wait()
        return answer.thread

    async def _drop_by_number(self) -> Thread:
        params = _RollbackParams(thread_id=self._thread_id, num_turns=self._num_turns)
        try:
            return (await self._client.request(_THREAD_ROLLBACK, params)).thread
        except UnsupportedByServer as refusal:
            raise NotSupportedByThread(
                refusal.method,
                refusal.code,
                "threads of legacy history cannot be rolled back by this version of codex",
                thread_id=self._thread_id,
                thread_kind="legacy",
            ) from refusal


class _Reverted:
    """Waits for `thread/reverted` of one thread: by then all is said of the turns that are gone."""

    strained = False

    def __init__(self, client: Client, thread_id: str) -> None:
        self._hub = client.hub
        self._thread_id = thread_id
        self._told = anyio.Event()

    def __enter__(self) -> Self:
        self._hub.subscribe(self, self._thread_id)
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.unsubscribe(self, self._thread_id)

    def push(self, event: Event, size: int) -> None:
        """Called by the reader."""
        del size
        if event.method == "thread/reverted":
            self._told.set()

    def fail(self, error: CodexRuntimeError) -> None:
        """Called by the reader: it will not come."""
        del error
        self._told.set()

    async def wait(self) -> None:
        """Wait, but not for ever: that the turns are gone is certain by the answer."""
        with anyio.move_on_after(_REVERTED):
            await self._told.wait()
            return
        logger.warning("thread %s was reverted, and the server did not say so", self._thread_id)
