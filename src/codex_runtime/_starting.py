"""The start of a turn, which somebody has to see through.

Whoever asked may be cancelled, or lose patience, at any time, and asyncio's own cancellation goes
through every shield. The server may start the turn all the same; then the runtime stops it.
"""

from contextlib import ExitStack
from typing import Final

import anyio
from msgspec import Raw

from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._peer import Pending
from codex_runtime._stopping import INTERRUPT_BOUND, stop
from codex_runtime.errors import CodexRuntimeError, RemoteProtocolError, RequestTimeout
from codex_runtime.protocol import methods
from codex_runtime.turn import TurnHandle

__all__ = ["start_turn"]

_METHOD: Final = methods.TURN_START.method


async def start_turn(client: Client, feed: TurnFeed, turn: TurnHandle, params: bytes) -> None:
    """Start a turn: afterwards `feed` and `turn` have its id.

    Cancelling stops it again, if it came about, and waits for that, 10 seconds at the most.

    Raises:
        RequestTimeout: The server did not answer in time. Should it do so in the next 10 seconds,
            the turn is stopped; until then the thread counts as busy.
        CodexRuntimeError: Besides, whatever became of the request.
    """
    peer, timeout = client.peer, client.request_timeout
    over = anyio.Event()
    with ExitStack() as request:
        request.callback(feed.withdraw_unclaimed)
        with anyio.move_on_after(timeout) as patience:
            await peer.in_flight.acquire()
            request.callback(peer.in_flight.release)
            pending = request.enter_context(peer.open(_METHOD, params))
            try:
                _claim(client, feed, await pending.wait())
            except anyio.get_cancelled_exc_class() as cancelled:
                rest = request.pop_all()
                try:
                    client.spawn(_see_through, client, feed, turn, pending, rest, over)
                except CodexRuntimeError:
                    # The connection has just ended, and the turn, if there was one, with it.
                    rest.close()
                    raise cancelled from None
                if not patience.cancel_called:
                    with anyio.move_on_after(INTERRUPT_BOUND, shield=True):
                        await over.wait()
                raise
    if patience.cancelled_caught:
        peer.counters.timeouts += 1
        raise RequestTimeout(_METHOD, timeout)


async def _see_through(
    client: Client,
    feed: TurnFeed,
    turn: TurnHandle,
    pending: Pending,
    request: ExitStack,
    over: anyio.Event,
) -> None:
    try:
        with request, anyio.move_on_after(INTERRUPT_BOUND):
            _claim(client, feed, await pending.wait())
    except CodexRuntimeError:
        # There is no turn, and nobody who would want to know why.
        pass
    else:
        if feed.state.turn_id:
            await stop(turn)
    finally:
        over.set()


def _claim(client: Client, feed: TurnFeed, answer: Raw) -> None:
    response = client.peer.codec.result(methods.TURN_START, answer)
    if not response.turn or not response.turn.id:
        raise RemoteProtocolError(_METHOD, "it names no turn")
    feed.claim(response.turn.id)
