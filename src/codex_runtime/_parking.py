"""Where one task waits until it is woken, again and again, at the least possible cost."""

from collections.abc import Awaitable, Callable

import anyio

from codex_runtime._backend import AsyncioFuture, asyncio_loop

__all__ = ["Parking"]


class Parking:
    """One task waits here at a time.

    An `anyio.Event` does the same for any number of tasks. Making and waking one costs several
    times as much as a future of asyncio's, and with 200 interleaved turns nearly every event wakes
    somebody.
    """

    __slots__ = ("_create_future", "_event", "_future")

    def __init__(self) -> None:
        self._create_future: Callable[[], AsyncioFuture] | None = None
        self._future: AsyncioFuture | None = None
        self._event: anyio.Event | None = None

    @property
    def occupied(self) -> bool:
        """Whether a task waits."""
        if self._future is not None:
            return not self._future.done()
        return self._event is not None and self._event.statistics().tasks_waiting > 0

    def wait(self) -> Awaitable[None]:
        """What to await, at once, to be woken by the next `wake`. Cancelling loses nothing."""
        if self._create_future is None:
            loop = asyncio_loop()
            if loop is None:
                self._event = anyio.Event()
                return self._event.wait()
            self._create_future = loop.create_future
        self._future = self._create_future()
        return self._future

    def wake(self) -> None:
        """Wake whoever waits; nobody is fine."""
        future, self._future = self._future, None
        if future is not None:
            if not future.done():
                future.set_result(None)
        elif self._event is not None:
            self._event.set()
            self._event = None
