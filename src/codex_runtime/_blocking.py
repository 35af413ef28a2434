"""An event loop in a thread of its own, for callers that block."""

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio.lowlevel import current_token

__all__ = ["Worker"]

T = TypeVar("T")


class Worker(Generic[T]):
    """Runs one coroutine function to its end while the calling thread waits.

    Ctrl-C, and whatever else interrupts the wait, cancels the work, waits for its clean-up, and
    goes on. Ctrl-C again leaves at once. At no point of starting or ending can it get lost:
    that is why this is no `anyio.from_thread` portal, which hangs when it is interrupted while
    it is being opened.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        # Not Thread.join: interrupted, it takes the thread for ended (bpo-45274).
        self._done = threading.Event()
        self._cancelled = False
        self._cancel_from_outside: Callable[[], None] | None = None
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="codex-runtime", daemon=True)

    def __call__(self) -> T:
        """Do the work; return its result, or raise its error."""
        try:
            self._thread.start()
            self._done.wait()
        except BaseException:
            self._cancel()
            # One that has not come to life yet finds that it is cancelled, and does nothing.
            if self._thread.ident is not None:
                self._done.wait()
            raise
        if self._error is not None:
            raise self._error
        return cast("T", self._result)

    def _run(self) -> None:
        try:
            anyio.run(self._supervise)
        except BaseException as error:  # noqa: BLE001 — handed to the thread that waits
            self._error = error
        finally:
            self._done.set()

    async def _supervise(self) -> None:
        loop: Any = current_token().native_token
        with anyio.CancelScope() as scope:
            with self._lock:
                if self._cancelled:
                    return
                self._cancel_from_outside = lambda: loop.call_soon_threadsafe(scope.cancel)
            try:
                self._result = await self._work()
            finally:
                with self._lock:
                    self._cancel_from_outside = None

    def _cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._cancel_from_outside is not None:
                with suppress(RuntimeError):
                    self._cancel_from_outside()
