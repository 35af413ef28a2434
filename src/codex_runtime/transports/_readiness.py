"""Waiting for a descriptor again and again, without registering it anew each time."""

import anyio

from codex_runtime._backend import AsyncioLoop, asyncio_loop

__all__ = ["Readiness"]


class Readiness:
    """Tells when a descriptor can be read. For one waiter at a time.

    `anyio.wait_readable` registers and unregisters the descriptor at every wait, which makes a
    third of the cost of a request's round trip. Where the loop lets us (asyncio's own, on
    POSIX), it stays registered from one wait to the next.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiter: anyio.Event | None = None
        self._loop: AsyncioLoop | None = None
        self._registered = False
        self._closed = False

    async def wait(self) -> bool:
        """Wait until the descriptor can be read; False once `close` was called."""
        if self._closed:
            return False
        if not self._registered and not self._register():
            return await self._wait_anyio()
        self._waiter = anyio.Event()
        try:
            await self._waiter.wait()
        finally:
            self._waiter = None
        return not self._closed

    def close(self) -> None:
        """Stop watching, and wake whoever waits. Before the descriptor is closed."""
        if self._closed:
            return
        self._closed = True
        if self._registered and self._loop is not None:
            self._unregister(self._loop)
        elif self._loop is None:
            anyio.notify_closing(self._descriptor)
        if self._waiter is not None:
            self._waiter.set()

    def _register(self) -> bool:
        loop = asyncio_loop()
        if loop is None:
            return False
        try:
            loop.add_reader(self._descriptor, self._on_readable)
        except NotImplementedError:
            return False
        self._loop, self._registered = loop, True
        return True

    def _unregister(self, loop: AsyncioLoop) -> None:
        self._registered = False
        loop.remove_reader(self._descriptor)

    def _on_readable(self) -> None:
        if self._waiter is not None:
            self._waiter.set()
        elif self._loop is not None:
            # Nobody waits, so nobody reads: the loop would call this again and again.
            self._unregister(self._loop)

    async def _wait_anyio(self) -> bool:
        try:
            await anyio.wait_readable(self._descriptor)
        except anyio.ClosedResourceError:
            return False
        return not self._closed
