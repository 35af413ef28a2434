"""A turn's time: it runs while the turn works, and stands still while a person is asked."""

from math import inf

import anyio

from codex_runtime._feed import TurnFeed
from codex_runtime._stopping import stop
from codex_runtime.turn import TurnHandle

__all__ = ["keep_time"]


async def keep_time(turn: TurnHandle, feed: TurnFeed, allowed: float) -> None:
    """Interrupt `turn` when it has been active for `allowed` seconds; return when it has ended.

    A turn whose end the server does not confirm is given up then: its handle raises
    `TurnTimedOut` with what is known.
    """
    left = allowed
    while not feed.ended.is_set():
        feed.clock_changed = anyio.Event()
        paused, began = feed.paused, anyio.current_time()
        with anyio.move_on_after(inf if paused else max(left, 0.0)):
            await feed.clock_changed.wait()
        if not paused:
            left -= anyio.current_time() - began
        if left <= 0 and not feed.ended.is_set():
            feed.timed_out_after = allowed
            await stop(turn)
            feed.time_out(allowed)
