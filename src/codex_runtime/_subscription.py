"""A consumer of all events, or of a thread's."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Self

from codex_runtime._channel import Channel
from codex_runtime._client import Client
from codex_runtime.protocol import Event

__all__ = ["Subscription"]


class Subscription:
    """Events as they come, from entering the `async with` block to leaving it.

    An asynchronous iterator for one consumer. Cancelling the wait for the next event loses
    nothing. A consumer that lags gets merged deltas; see `EventsLost`.
    """

    def __init__(self, client: Client, thread_id: str | None) -> None:
        self._client = client
        self._thread_id = thread_id
        self._channel = Channel()
        self._open = False

    async def __aenter__(self) -> Self:
        self._client.peer  # noqa: B018 — raises where there is no connection
        self._client.hub.subscribe(self._channel, self._thread_id)
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            self._open = False
            self._client.hub.unsubscribe(self._channel, self._thread_id)
            self._channel.close()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return anext(self._channel)
