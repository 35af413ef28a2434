"""Whole messages out, whole messages in: the seam between the protocol and its carriers.

A transport knows nothing of JSON-RPC. Framing belongs to it, because only some carriers need
any.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Connect", "Ending", "Transport", "TransportClosed"]


class TransportClosed(Exception):
    """A message was to be sent over a transport that has ended. Never reaches users."""


@dataclass(frozen=True)
class Ending:
    """How the far side ended, as far as it is known.

    Attributes:
        exit_code: The exit status of a process that ended by itself.
        signal: The number of the signal that ended a process.
        stderr_tail: The last it said, with secrets taken out.
    """

    exit_code: int | None = None
    signal: int | None = None
    stderr_tail: str = ""


class Transport(Protocol):
    """One conversation's carrier."""

    @property
    def oversized(self) -> int:
        """How many incoming messages were dropped for their size."""
        ...

    def send(self, message: bytes) -> None:
        """Queue one whole message. Never blocks, and a message once taken is never cut.

        Raises:
            TransportClosed: The transport has ended.
        """
        ...

    async def receive(self) -> list[bytes]:
        """Wait for the next messages, at least one; an empty list when the far side has ended.

        Lets other tasks run at every call. Cancelling loses nothing.
        """
        ...

    async def serve(self) -> None:
        """Do what must go on in the background, until cancelled or until there is nothing to do."""
        ...

    async def aclose(self) -> None:
        """End it. Bounded, idempotent, not to be stopped by cancelling."""
        ...

    def ending(self) -> Ending:
        """How it ended. Complete after `aclose`."""
        ...


Connect: TypeAlias = Callable[[], Awaitable[Transport]]
"""Gives a transport to a server that somebody else runs."""
