"""The clients under test behind one small interface."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

Take = Callable[[str], None]
"""Called with the text of each agent message delta, in order."""

Pause = Callable[[], Awaitable[None]]
"""Awaited once, inside the loop body, after the first delta."""


class Adapter(ABC):
    """One connection of one client library.

    A blocking library's methods are coroutines too, but they never wait for anything: they block.
    """

    blocking: ClassVar[bool] = False

    @abstractmethod
    async def open(self, command: Sequence[str]) -> None:
        """Start this argv as the app-server and shake hands."""

    @abstractmethod
    async def open_real(self, codex: str, home: str, cwd: str) -> None:
        """Start the real binary with its own CODEX_HOME."""

    @abstractmethod
    async def start_thread(self) -> Any:
        """Start a thread."""

    @abstractmethod
    async def start_turn(self, thread: Any) -> Any:
        """Start a turn with a short text."""

    @abstractmethod
    async def drain(self, turn: Any, take: Take, pause: Pause | None = None) -> None:
        """Read the turn to its end through the public streaming API."""

    @abstractmethod
    async def ping(self) -> None:
        """Make one account/read round trip."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection and its process."""


def load(name: str) -> Adapter:
    """A new adapter: `ours`, `vendor_sync` or `vendor_async`."""
    adapter = importlib.import_module("adapters." + name).Client()
    if not isinstance(adapter, Adapter):
        raise TypeError(name)
    return adapter
