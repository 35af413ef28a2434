"""Gates as the fake app-server waits for them: in an event loop, opened from any thread."""

from __future__ import annotations

import contextlib
import threading

import anyio
from anyio import from_thread
from anyio.lowlevel import checkpoint, current_token

from codex_runtime.testing._gates import Gate, GateTimeout

__all__ = ["wait_for_gate"]


async def wait_for_gate(gate: Gate) -> None:
    """Wait until a gate opens, whichever thread opens it.

    Raises:
        GateTimeout: Nobody did within the gate's time.
    """
    opened = anyio.Event()
    token, here = current_token(), threading.get_ident()

    def wake() -> None:
        if threading.get_ident() == here:
            opened.set()
            return
        # The loop may have ended since: then nobody waits.
        with contextlib.suppress(RuntimeError):
            from_thread.run_sync(opened.set, token=token)

    if gate.arrive(wake):
        await checkpoint()
        return
    try:
        with anyio.move_on_after(gate.seconds):
            await opened.wait()
            return
    finally:
        gate.leave(wake)
    raise GateTimeout(gate.seconds)
