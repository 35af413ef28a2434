"""The start of a turn, which somebody has to see through.

Whoever asked may be cancelled, or lose patience, at any time, and asyncio's own cancellation goes
through every shield. The server may start the turn all the same; then the runtime stops it.
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import anyio

from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._peer import Pending
from codex_runtime._stopping import INTERRUPT_BOUND, stop
from codex_runtime.errors import CodexRuntimeError, RemoteProtocolError, RequestTimeout
from codex_runtime.protocol import Method, methods
from codex_runtime.turn import TurnHandle

__all__ = ["start_turn"]


async def start_turn(
    client: Client,
    feed: TurnFeed,
    turn: TurnHandle,
    params: bytes,
    method: Method[Any, Any] = methods.TURN_START,
) -> None:
    """Start a turn: afterwards `feed` and `turn` have its id.

    Cancelling stops it again, if it came about, and waits for that, 10 seconds at the most.

    Args:
        client: Of the runtime.
        feed: Expects the turn, and knows it where the answer does not name it.
        turn: The handle of the feed.
        params: Of the request.
        method: A request that makes the server start a turn.

    Raises:
        RequestTimeout: The server did not answer in time, or did not start the turn. Should it do
            so in the next 10 seconds, the turn is stopped; until then the thread counts as busy.
        CodexRuntimeError: Besides, whatever became of the request.
    """
    peer, timeout = client.peer, client.request_timeout
    over = anyio.Event()
    with ExitStack() as request:
        request.callback(feed.withdraw_unclaimed)
        with anyio.move_on_after(timeout) as patience:
            await peer.in_flight.acquire()
            request.callback(peer.in_flight.release)
            pending = request.enter_context(peer.open(method.method, params))
            claim = partial(_claim, client, feed, pending, method)
            try:
                await claim()
            except anyio.get_cancelled_exc_class() as cancelled:
                if not _hand_over(client, claim, turn, request.pop_all(), over):
                    raise cancelled from None
                if not patience.cancel_called:
                    with anyio.move_on_after(INTERRUPT_BOUND, shield=True):
                        await over.wait()
                raise
    if patience.cancelled_caught:
        peer.counters.timeouts += 1
        raise RequestTimeout(method.method, timeout)


def _hand_over(
    client: Client,
    claim: Callable[[], Awaitable[None]],
    turn: TurnHandle,
    request: ExitStack,
    over: anyio.Event,
) -> bool:
    try:
        client.spawn(_see_through, claim, turn, request, over)
    except CodexRuntimeError:
        # The connection has just ended, and the turn, if there was one, with it.
        request.close()
        return False
    return True


async def _see_through(
    claim: Callable[[], Awaitable[None]], turn: TurnHandle, request: ExitStack, over: anyio.Event
) -> None:
    try:
        with request, anyio.move_on_after(INTERRUPT_BOUND):
            await claim()
    except CodexRuntimeError:
        # There is no turn, and nobody who would want to know why.
        pass
    else:
        if turn.turn_id:
            await stop(turn)
    finally:
        over.set()


async def _claim(
    client: Client, feed: TurnFeed, pending: Pending, method: Method[Any, Any]
) -> None:
    feed.answered = lambda: pending.answered
    answer = await pending.wait()
    if feed.awaits_naming:
        await feed.named.wait()
        if feed.error is not None and not feed.state.turn_id:
            raise feed.error
        return
    response = client.peer.codec.result(method, answer)
    if not response.turn or not response.turn.id:
        raise RemoteProtocolError(method.method, "it names no turn")
    feed.claim(response.turn.id, has_inner=method is methods.REVIEW_START)
