"""Two ends in one process, for servers written in Python and for tests."""

from collections import deque

import anyio
from anyio.lowlevel import checkpoint

from codex_runtime.transports import Ending, TransportClosed

__all__ = ["MemoryTransport", "memory_pair"]


class _Pipe:
    """One direction."""

    def __init__(self) -> None:
        self.messages: deque[bytes] = deque()
        self.arrived = anyio.Event()


class _Pair:
    """What both ends know."""

    def __init__(self) -> None:
        self.ended = False
        self.ending = Ending()


class MemoryTransport:
    """One end of a pair made by `memory_pair`; satisfies `Transport`."""

    oversized = 0

    def __init__(self, inbox: _Pipe, outbox: _Pipe, pair: _Pair) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._pair = pair

    def send(self, message: bytes) -> None:
        """Hand one whole message to the other end."""
        if self._pair.ended:
            raise TransportClosed
        self._outbox.messages.append(message)
        self._outbox.arrived.set()

    async def receive(self) -> list[bytes]:
        """Wait for the next messages; an empty list when the other end has ended."""
        await checkpoint()
        inbox = self._inbox
        while not inbox.messages:
            if self._pair.ended:
                return []
            inbox.arrived = anyio.Event()
            await inbox.arrived.wait()
        batch = list(inbox.messages)
        inbox.messages.clear()
        return batch

    async def serve(self) -> None:
        """Nothing to do in the background."""

    async def aclose(self) -> None:
        """End both directions. What was sent before is still received."""
        self.end()

    def end(self, ending: Ending | None = None) -> None:
        """End both directions at once.

        Args:
            ending: What to report as the way it went.
        """
        if self._pair.ended:
            return
        self._pair.ended = True
        self._pair.ending = ending or Ending()
        self._inbox.arrived.set()
        self._outbox.arrived.set()

    def ending(self) -> Ending:
        """How it went, if whoever ended it said so."""
        return self._pair.ending


def memory_pair() -> tuple[MemoryTransport, MemoryTransport]:
    """Make two connected ends: the client's and the server's."""
    up, down, pair = _Pipe(), _Pipe(), _Pair()
    return MemoryTransport(down, up, pair), MemoryTransport(up, down, pair)
