"""Two ends in one process, for servers written in Python and for tests."""

from collections import deque

import anyio
from anyio.lowlevel import checkpoint

from codex_runtime.transports import Ending, TransportClosed

__all__ = ["MemoryTransport", "memory_pair"]


class MemoryTransport:
    """One end of a pair made by `memory_pair`; satisfies `Transport`."""

    def __init__(self) -> None:
        self._inbox: deque[bytes] = deque()
        self._arrived = anyio.Event()
        self._peer: MemoryTransport | None = None
        self._ended = False
        self._ending = Ending()

    oversized = 0

    def send(self, message: bytes) -> None:
        """Hand one whole message to the other end."""
        if self._ended or self._peer is None or self._peer._ended:
            raise TransportClosed
        self._peer._inbox.append(message)
        self._peer._arrived.set()

    async def receive(self) -> list[bytes]:
        """Wait for the next messages; an empty list when the other end has ended."""
        await checkpoint()
        while not self._inbox:
            if self._ended:
                return []
            self._arrived = anyio.Event()
            await self._arrived.wait()
        batch = list(self._inbox)
        self._inbox.clear()
        return batch

    async def serve(self) -> None:
        """Nothing to do in the background."""

    async def aclose(self) -> None:
        """End both directions. What was sent before is still received."""
        self.end()

    def end(self, ending: Ending | None = None) -> None:
        """End both directions at once.

        Args:
            ending: What the other end is to report as the way this end went.
        """
        for side in (self, self._peer):
            if side is not None and not side._ended:
                side._ended = True
                side._arrived.set()
        if self._peer is not None and ending is not None:
            self._peer._ending = ending

    def ending(self) -> Ending:
        """What the other end said of its end."""
        return self._ending

    def _connect(self, peer: "MemoryTransport") -> None:
        self._peer = peer


def memory_pair() -> tuple[MemoryTransport, MemoryTransport]:
    """Make two connected ends: the client's and the server's."""
    client, server = MemoryTransport(), MemoryTransport()
    client._connect(server)  # noqa: SLF001 — the pair is made here
    server._connect(client)  # noqa: SLF001 — the pair is made here
    return client, server
