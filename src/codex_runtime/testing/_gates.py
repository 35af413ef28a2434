"""Gates: a test holds a scripted answer back and lets it go, without sleeping."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codex_runtime.errors import InvalidArgument

__all__ = ["Gate", "GateTimeout"]

GATE_SECONDS = 30.0
"""Seconds that a step waits at a gate. Longer than any honest test, shorter than a test's timeout."""


class GateTimeout(AssertionError):
    """A step waited at a gate that nobody opened in time.

    Attributes:
        seconds: How long it waited.
    """

    __module__ = "codex_runtime.testing"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"a scripted step waited {seconds:g} s at its gate and nobody opened it; "
            f"call gate.open() in the test, or give the gate more time: gate(seconds=…)"
        )


class Gate:
    """Something that a scripted step waits for before it finishes.

    Everything up to the end of the step is said, and then the step waits for `open()`.
    So a test can look at a half-streamed message for as long as it wants. Any thread may
    call any method. A gate that was opened stays open.

    Args:
        seconds: Longest wait of a step at this gate. After that the step's stream is cut
            and `assert_complete()` raises `GateTimeout`.
    """

    def __init__(self, *, seconds: float = GATE_SECONDS) -> None:
        if not seconds > 0:
            raise InvalidArgument("seconds", f"must be over 0, not {seconds!r}")
        self.seconds = seconds
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._reached = threading.Event()
        self._wakers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        state = "open" if self.is_open else "waited at" if self._reached.is_set() else "closed"
        return f"<Gate {state}>"

    @property
    def is_open(self) -> bool:
        """Whether `open()` was called."""
        return self._open.is_set()

    def open(self) -> None:
        """Let every step waiting here go on, now and later."""
        with self._lock:
            self._open.set()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def wait_reached_sync(self, seconds: float = 10.0) -> None:
        """Block until a step waits here.

        Args:
            seconds: Longest wait.

        Raises:
            TimeoutError: No step came.
        """
        if not self._reached.wait(seconds):
            raise TimeoutError(f"no scripted step came to the gate within {seconds:g} s")

    async def wait_reached(self, seconds: float = 10.0) -> None:
        """Wait until a step waits here, on whichever backend anyio runs.

        Cancelling takes effect when the wait ends, at the latest after `seconds`.

        Args:
            seconds: Longest wait.

        Raises:
            TimeoutError: No step came.
        """
        # Imported here: a pytest plugin loads this module, and anyio is slow to load.
        from anyio import to_thread  # noqa: PLC0415 — see the comment above

        await to_thread.run_sync(self.wait_reached_sync, seconds)

    def arrive(self, wake: Callable[[], None]) -> bool:
        """Say that a step waits here; `wake` is called once when the gate opens.

        For whoever plays the steps (the scripted model, the fake app-server).

        Returns:
            Whether the gate is open already; `wake` is then never called.
        """
        with self._lock:
            self._reached.set()
            if not self._open.is_set():
                self._wakers.append(wake)
            return self._open.is_set()

    def leave(self, wake: Callable[[], None]) -> None:
        """Take back `arrive(wake)`: the step waits no more."""
        with self._lock:
            if wake in self._wakers:
                self._wakers.remove(wake)
