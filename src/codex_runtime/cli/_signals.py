"""Ctrl-C, SIGTERM and SIGHUP: the first asks the turn to stop, the second leaves."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from codex_runtime._asking._keys import put_terminals_back
from codex_runtime.cli._exits import Exit, ending_signals
from codex_runtime.errors import CodexRuntimeError
from codex_runtime.runtime import Runtime
from codex_runtime.turn import TurnHandle

__all__ = ["Stopper"]


_LEAVING_BOUND: Final = 3.0
"""Seconds that an orderly end may take once the user leaves. Closing a healthy server takes 0.1 s
(fact 95), one that only SIGTERM ends takes 2. After it, server and program are killed."""


class Stopper:
    """Turns signals into the end of a run.

    Without a turn to interrupt, the first signal leaves too.

    Args:
        tasks: What is cancelled when the user leaves.
        on_interrupt: Called when the turn is asked to stop.
        on_leave: Called when the user leaves, once, before anything is ended.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        *,
        on_interrupt: Callable[[], None],
        on_leave: Callable[[], None],
    ) -> None:
        self._tasks = tasks
        self._on_interrupt = on_interrupt
        self._on_leave = on_leave
        self._left = False
        self.runtime: Runtime | None = None
        """Whose server must not outlive this process."""
        self.turn: TurnHandle | None = None
        """The turn that the first signal interrupts."""

    async def watch(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Wait for signals until cancelled. Only in the main thread."""
        with anyio.open_signal_receiver(*ending_signals()) as signals:
            task_status.started()
            interrupted = False
            async for _ in signals:
                if self.turn is None or interrupted:
                    self._leave()
                else:
                    interrupted = True
                    _tell(self._on_interrupt)
                    self._tasks.start_soon(self._interrupt, self.turn)

    async def _interrupt(self, turn: TurnHandle) -> None:
        try:
            await turn.interrupt()
        except CodexRuntimeError:
            # It will not stop when asked; whoever waits for its end learns why.
            self._leave()

    def _leave(self) -> None:
        if self._left:
            return
        self._left = True
        last_resort = threading.Timer(_LEAVING_BOUND, self._end_at_once)
        last_resort.daemon = True
        last_resort.start()
        _tell(self._on_leave)
        self._tasks.cancel_scope.cancel()

    def _end_at_once(self) -> None:
        put_terminals_back()
        pid = self.runtime.pid if self.runtime else None
        if pid is not None:
            with contextlib.suppress(OSError):
                # The server leads a process group of its own.
                os.killpg(pid, signal.SIGKILL)
        os._exit(int(Exit.INTERRUPTED))


def _tell(news: Callable[[], None]) -> None:
    # It is told to whoever still listens; ending things does not depend on that.
    with contextlib.suppress(BrokenPipeError):
        news()
