"""Work that the runtime sees through for a caller who may leave at any time."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from codex_runtime._client import Client
from codex_runtime.errors import CodexRuntimeError

__all__ = ["LEAVING_BOUND", "Errand"]

LEAVING_BOUND: Final = 10.0
"""Seconds that a caller who is leaving waits for it. Beyond that it goes on without the caller."""


class Errand:
    """Work that the runtime sees through, whatever becomes of whoever wants it done.

    Attributes:
        over: Set when it is done.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self.over = anyio.Event()
        self._error: BaseException | None = None

    async def send(self, client: Client) -> None:
        """Begin. Where the runtime is closed, it is done here and now."""
        try:
            self.begin(client)
        except CodexRuntimeError:
            await self._do()

    def begin(self, client: Client) -> None:
        """Begin.

        Raises:
            RuntimeClosed: The runtime is closed.
        """
        client.spawn_lasting(self._do)

    async def wait(self, *, leaving: bool = False) -> None:
        """Wait for its end; a caller who is leaving, or is cancelled here, not for long.

        Raises:
            BaseException: What the work raised.
        """
        if not leaving:
            try:
                await self.over.wait()
            except anyio.get_cancelled_exc_class():
                await self.wait(leaving=True)
                raise
        with anyio.move_on_after(LEAVING_BOUND, shield=True):
            await self.over.wait()
        if self._error is not None:
            raise self._error

    async def _do(self) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await self._work()
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # noqa: BLE001 — handed to whoever waits
                self._error = error
            finally:
                self.over.set()
