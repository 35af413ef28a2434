"""Stopping turns that nobody waits for any more."""

import logging
from typing import Final, Protocol

import anyio

from codex_runtime.errors import CodexRuntimeError, RequestTimeout

__all__ = ["INTERRUPT_BOUND", "stop", "stop_before_leaving"]

logger = logging.getLogger("codex_runtime.turn")

INTERRUPT_BOUND: Final = 10.0
"""Seconds that stopping a turn may take when its caller is leaving. 4 to 90 ms were measured
(fact 56); a server that is a hundred times slower is not going to answer."""


class _Turn(Protocol):
    """The part of a turn handle that is needed here."""

    @property
    def turn_id(self) -> str: ...

    async def interrupt(self, *, timeout: float | None = None) -> None: ...

    def interrupt_soon(self) -> None: ...

    async def wait_ended(self) -> None: ...


async def stop(turn: _Turn) -> None:
    """Interrupt a turn: bounded, never raising."""
    try:
        await turn.interrupt(timeout=INTERRUPT_BOUND)
    except RequestTimeout as error:
        logger.warning("turn %s may still run: %s", turn.turn_id, error)
    except CodexRuntimeError as error:
        logger.debug("turn %s needs no interrupt any more: %s", turn.turn_id, error)


async def stop_before_leaving(turn: _Turn) -> None:
    """The same for a caller who is being cancelled.

    The work is done by the runtime; here it is only waited for. The wait is shielded, but a
    second cancellation of asyncio's own goes through every shield.
    """
    turn.interrupt_soon()
    with anyio.move_on_after(INTERRUPT_BOUND, shield=True):
        await turn.wait_ended()
