"""What every view of one thread holds: its id, and the way to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

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
