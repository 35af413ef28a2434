"""Ctrl-C and SIGTERM: the first asks the turn to stop, the second leaves."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from codex_runtime.cli._exits import Exit
from codex_runtime.errors import CodexRuntimeError
from codex_runtime.turn import TurnHandle

__all__ = ["Stopper"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_LEAVING_BOUND: Final = 2.0
"""Seconds that an orderly end may take after the second signal. Closing a healthy server takes
0.1 s (fact 95). After it this process just goes; the server then ends by itself, at the end of
its input."""


class Stopper:
    """Turns signals into the end of a run.

    Without a turn to interrupt, the first signal leaves too.
    """

    def __init__(self, tasks: TaskGroup, on_interrupt: Callable[[], None]) -> None:
        self._tasks = tasks
        self._on_interrupt = on_interrupt
        self.turn: TurnHandle | None = None
        """The turn that the first signal interrupts."""

    async def watch(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Wait for signals until cancelled. Only in the main thread."""
        with anyio.open_signal_receiver(*_SIGNALS) as signals:
            task_status.started()
            count = 0
            async for _ in signals:
                count += 1
                if count == 1 and self.turn is not None:
                    self._on_interrupt()
                    self._tasks.start_soon(self._interrupt, self.turn)
                else:
                    self._leave()

    async def _interrupt(self, turn: TurnHandle) -> None:
        try:
            await turn.interrupt()
        except CodexRuntimeError:
            # It will not stop when asked; whoever waits for its end learns why.
            self._leave()

    def _leave(self) -> None:
        last_resort = threading.Timer(_LEAVING_BOUND, os._exit, (int(Exit.INTERRUPTED),))
        last_resort.daemon = True
        last_resort.start()
        self._tasks.cancel_scope.cancel()
