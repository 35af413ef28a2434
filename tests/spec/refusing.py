"""Asking for what has to be refused."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from spec.server import Server

from codex_runtime import RequestRefused

__all__ = ["NOBODY", "TEXT", "refusal"]

NOBODY = "0199a213-81c0-7800-8aa1-bbab2a035a53"
"""An id in the right form that neither a thread nor a turn has."""

TEXT = [{"type": "text", "text": "hello"}]

R = TypeVar("R", bound=RequestRefused)


async def refusal(server: Server, kind: type[R], method: str, **params: Any) -> R:
    """Ask for what has to be refused, as exactly this kind of refusal."""
    with pytest.raises(RequestRefused) as caught:
        await server.runtime.call_raw(method, params)
    error = caught.value
    assert type(error) is kind, f"{method}: {error!r}"
    assert error.method == method
    return error
