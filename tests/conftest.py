"""Both event loops, and nothing else that every suite needs."""

from typing import Any

import pytest

_DEBUG: dict[str, Any] = {"debug": True}
_PLAIN: dict[str, Any] = {}


@pytest.fixture(
    params=[
        pytest.param(("asyncio", _DEBUG), id="asyncio"),
        pytest.param(("trio", _PLAIN), id="trio"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Every asynchronous test runs on both backends; asyncio in its debug mode."""
    backend: tuple[str, dict[str, Any]] = request.param
    return backend
