"""What every view of one thread holds: its id, and the way to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from codex_runtime._restoring import holding

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime.protocol import Method

__all__ = ["ThreadPart"]

P = TypeVar("P")
R = TypeVar("R")


class ThreadPart:
    """A thread, as far as requests about it go."""

    def __init__(self, client: Client, thread_id: str) -> None:
        self._client = client
        self._thread_id = thread_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.thread_id}>"

    @property
    def thread_id(self) -> str:
        """The thread."""
        return self._thread_id

    async def _ask(self, method: Method[P, R], params: P) -> R:
        return await self._client.request(method, params)

    async def _ask_for_turn(self, method: Method[P, R], params: P) -> R:
        """The same for what makes the server start turns by itself.

        They run with what is in force in the thread, so it has to be put back first what a turn
        has changed for itself only.

        Raises:
            CodexRuntimeError: It could not be put back, or whatever becomes of the request.
        """
        client = self._client
        async with holding(client, client.live(self._thread_id), method.method):
            return await self._ask(method, params)
