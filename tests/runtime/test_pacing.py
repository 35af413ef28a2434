"""How fast the reader reads while a consumer lags."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.support import PATIENCE, Server

from codex_runtime._channel import STRAINED, Channel
from codex_runtime._events import Hub
from codex_runtime._peer import Peer
from codex_runtime.transports import Ending

MIB = 2**20


class Flood:
    """A server that always has more to say."""

    oversized = 0

    def __init__(self, batches: list[list[bytes]]) -> None:
        self._batches = batches

    def send(self, message: bytes) -> None:
        del message

    async def receive(self) -> list[bytes]:
        await checkpoint()
        return self._batches.pop(0) if self._batches else []

    async def serve(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    def ending(self) -> Ending:
        return Ending()


def told(size: int) -> bytes:
    """A notification of so many bytes."""
    start = b'{"method":"warning","params":{"message":"'
    return start + b"x" * (size - len(start) - 3) + b'"}}'


async def seconds_for(batches: list[list[bytes]], *, lagging: bool) -> float:
    hub = Hub()
    channel = Channel()
    hub.subscribe(channel)
    if lagging:
        hub.publish(an_event(), STRAINED + 1)
    peer = Peer(Flood(batches), hub, max_in_flight=1)
    start = anyio.current_time()
    with anyio.fail_after(PATIENCE):
        await peer.run()
    return anyio.current_time() - start


def an_event():  # noqa: ANN201 — whatever an event is
    from codex_runtime.protocol import UnknownNotification  # noqa: PLC0415 — short

    return UnknownNotification(method="x")


@pytest.mark.virtual_time
@pytest.mark.parametrize("size", [MIB, 2**16, 2**12])
async def test_a_lagging_consumer_is_read_for_at_20_megabytes_a_second(size: int) -> None:
    batches = [[told(size // 4)] * 4 for _ in range(40 * MIB // size)]
    assert await seconds_for(batches, lagging=True) == pytest.approx(2, rel=0.05)


@pytest.mark.virtual_time
async def test_one_long_line_holds_nobody_up_for_long() -> None:
    assert await seconds_for([[told(30 * MIB)]], lagging=True) <= 0.06


@pytest.mark.virtual_time
async def test_nobody_is_slowed_down_where_nobody_lags() -> None:
    assert await seconds_for([[told(MIB)] for _ in range(3)], lagging=False) < 0.001


@pytest.mark.virtual_time
async def test_a_consumer_that_rests_holds_up_no_answers(server: Server) -> None:
    async with server.runtime() as runtime, runtime.events() as resting:
        server.line(told(STRAINED + MIB))
        start = anyio.current_time()
        for _ in range(100):
            await runtime.account.logout()
        assert runtime._client.hub.strained
        assert anyio.current_time() - start < 0.1
        del resting
