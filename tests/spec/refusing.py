"""Asking for what has to be refused."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from spec.server import Server

from codex_runtime import RequestRefused

__all__ = ["NOBODY", "TEXT", "refusal", "settled_refusal"]

NOBODY = "0199a213-81c0-7800-8aa1-bbab2a035a53"
"""An id in the right form that neither a thread nor a turn has."""

TEXT = [{"type": "text", "text": "hello"}]

R = TypeVar("R", bound=RequestRefused)


async def refusal(server: Server, kind: type[R], method: str, **params: Any) -> R:
    """Ask for what has to be refused, as exactly this kind of refusal."""
    error = await _refused(server, method, params)
    assert type(error) is kind, f"{method}: {error!r}"
    assert error.method == method
    return error


async def settled_refusal(
    server: Server, kind: type[R], method: str, *, passing: type[RequestRefused], **params: Any
) -> R:
    """Like `refusal`, of a server that may say `passing` for a moment before (fact 290)."""
    for _ in range(3):
        if type(await _refused(server, method, params)) is not passing:
            break
    return await refusal(server, kind, method, **params)


async def _refused(server: Server, method: str, params: dict[str, Any]) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        await server.runtime.call_raw(method, params)
    return caught.value
