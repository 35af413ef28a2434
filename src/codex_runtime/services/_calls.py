"""What services share: requests within the caller's time, and names on the connection."""

from __future__ import annotations

import itertools
from typing import Any, Final, TypeAlias, TypeVar

from codex_runtime._arguments import positive_seconds
from codex_runtime._client import Client
from codex_runtime.protocol import Method

__all__ = ["NETWORK_TIMEOUT", "Call", "Service", "new_name"]

P = TypeVar("P")
R = TypeVar("R")

Call: TypeAlias = tuple[Method[Any, Any], Any]
"""A request: its method and its params."""

NETWORK_TIMEOUT: Final = 60.0
"""Seconds that a request gets by default, at the least, where codex may have to ask the network
before it answers. Ours: twice what the runtime gives a request that codex can answer by itself, so
that a slow network is not taken for a server that has gone."""

_numbers: Final = itertools.count(1)
"""Names are connection-scoped, so numbers are unique enough."""


def new_name(noun: str) -> str:
    """A name for something on a connection that nothing else has there."""
    return f"{noun}-{next(_numbers)}"


class Service:
    """A group of requests about one thing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _ask(
        self, method: Method[P, R], params: P, timeout: float | None, *, at_least: float = 0
    ) -> R:
        """Send a request.

        Args:
            method: The method.
            params: What it is asked.
            timeout: Seconds, as given by the caller.
            at_least: Seconds that it gets where the caller says nothing, and the runtime's
                `request_timeout` is less.

        Raises:
            InvalidArgument: `timeout` is no positive number. Nothing was sent.
        """
        seconds = self._seconds(timeout, at_least=at_least)
        return await self._client.request(method, params, timeout=seconds)

    def _seconds(self, timeout: float | None, *, at_least: float = 0) -> float:
        return positive_seconds("timeout", timeout, max(at_least, self._client.request_timeout))
