"""Telling the server that something is not wanted any more, whoever leaves and however."""

from __future__ import annotations

import logging
from typing import Any, Final

import anyio

from codex_runtime._client import Client
from codex_runtime.errors import CodexRuntimeError, RequestTimeout
from codex_runtime.protocol import Method

__all__ = ["take_leave"]

logger = logging.getLogger("codex_runtime.services")

_BOUND: Final = 5.0
"""Seconds that giving something back may take: 1 to 3 ms were measured."""


async def take_leave(
    client: Client, method: Method[Any, Any], params: Any, *, bound: float = _BOUND
) -> None:
    """Send a request of which nobody needs the answer, and wait for it.

    The runtime sends it; here it is only waited for. The wait is shielded, but a second
    cancellation of asyncio's own goes through every shield. Never raises anything of ours.

    Args:
        client: Where.
        method: The method.
        params: For it.
        bound: Seconds that it may take; 5 by default.
    """
    over = anyio.Event()

    async def send() -> None:
        try:
            await client.request(method, params, timeout=bound)
        except RequestTimeout as error:
            logger.warning("the server may go on for nobody: %s", error)
        except CodexRuntimeError as error:
            logger.debug("nothing to leave any more: %s", error)
        finally:
            over.set()

    try:
        client.spawn(send)
    except CodexRuntimeError:
        # Whatever belongs to a connection has ended with it.
        return
    with anyio.move_on_after(bound, shield=True):
        await over.wait()
