"""Where one task waits until it is woken, again and again, at the least possible cost."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import anyio
from anyio.lowlevel import current_token

__all__ = ["Parking"]


class _Future(Protocol):
    """The part of an asyncio future that is needed here."""

    def done(self) -> bool: ...

    def set_result(self, result: None, /) -> None: ...

    def __await__(self) -> Any: ...


class Parking:
    """One task waits here at a time.

    An `anyio.Event` does the same for any number of tasks. Making and waking one costs several
    times as much as a future of asyncio's, and with 200 interleaved turns nearly every event wakes
    somebody.
    """

    __slots__ = ("_create_future", "_event", "_future")

    def __init__(self) -> None:
        self._create_future: Callable[[], _Future] | None = None
        self._future: _Future | None = None
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
            loop = current_token().native_token
            if not hasattr(loop, "create_future"):
                self._event = anyio.Event()
                return self._event.wait()
            self._create_future = cast("Callable[[], _Future]", cast("Any", loop).create_future)
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
