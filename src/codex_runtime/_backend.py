"""The few things for which anyio has no word, or too dear a one, on asyncio.

Everything else goes through anyio. On trio, `asyncio_loop` is None and callers take anyio's way.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from anyio.lowlevel import current_token

__all__ = ["AsyncioFuture", "AsyncioLoop", "asyncio_loop"]


class AsyncioFuture(Protocol):
    """The part of an asyncio future that is needed here."""

    def done(self) -> bool:
        """Whether it is settled or cancelled."""
        ...

    def set_result(self, result: None, /) -> None:
        """Settle it."""
        ...

    def __await__(self) -> Any: ...


class AsyncioTask(Protocol):
    """The part of an asyncio task that is needed here."""

    def add_done_callback(self, done: Callable[[Any], object], /) -> object:
        """Call `done` when the task is over."""
        ...


class AsyncioLoop(Protocol):
    """The part of an asyncio event loop that is needed here."""

    def create_task(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> AsyncioTask:
        """A task outside any group: anyio's groups must be left by the task that entered them."""
        ...

    def create_future(self) -> AsyncioFuture:
        """Something to wait for: making and waking an `anyio.Event` costs several times as much."""
        ...

    def add_reader(self, descriptor: int, callback: Callable[[], None], /) -> Any:
        """Watch a descriptor for longer than one wait, which is all that anyio does."""
        ...

    def remove_reader(self, descriptor: int, /) -> bool:
        """Stop watching."""
        ...


def asyncio_loop() -> AsyncioLoop | None:
    """The running event loop, if it is one of asyncio's kind."""
    loop = current_token().native_token
    return cast("AsyncioLoop", loop) if hasattr(loop, "create_future") else None
