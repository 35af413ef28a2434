"""Time that jumps ahead whenever nobody has anything else to do, on both event loops."""

import asyncio  # noqa: TID251 — a loop of asyncio's with another clock
import selectors
from typing import Any

from trio.testing import MockClock

__all__ = ["virtual_backend"]


class _Jumping(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, the clock is moved there instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout if timeout is None else 0)
        if not ready and timeout:
            self.now += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def virtual_backend(name: str) -> tuple[str, dict[str, Any]]:
    """A backend of anyio's, for `anyio_backend`; made anew for each test."""
    if name == "asyncio":
        return name, {"debug": True, "loop_factory": _VirtualLoop}
    return name, {"clock": MockClock(autojump_threshold=0)}
