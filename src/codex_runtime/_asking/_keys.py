"""What somebody types, as it is typed: from a terminal, or from a stream of keys.

A terminal is read by waiting until it can be read, never in a thread: a thread that is left behind
in a read would eat the next line that anybody types.
"""

from __future__ import annotations

import os
import signal
import termios
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any, Final, Protocol, TextIO, runtime_checkable

import anyio

__all__ = ["KeyStream", "Keys", "StreamKeys", "TerminalKeys", "put_terminals_back"]

_PIECE: Final = 1024
"""Bytes that are read at once. More than anybody types."""


class Keys(Protocol):
    """Where keys come from."""

    def present(self) -> bool:
        """Whether somebody may be there to press them."""
        ...

    def raw(self) -> AbstractContextManager[None]:
        """Within this, keys come one by one and are not shown by themselves."""
        ...

    def discard(self) -> None:
        """Forget what was typed and not read."""
        ...

    async def read(self) -> bytes:
        """Wait for keys; empty when there will be no more. Cancelling loses none."""
        ...


@runtime_checkable
class KeyStream(Protocol):
    """A stream of keys, as `anyio.create_memory_object_stream[bytes]` makes it."""

    def receive_nowait(self) -> bytes:
        """What is there already."""
        ...

    async def receive(self) -> bytes:
        """What comes next."""
        ...


class StreamKeys:
    """Keys out of a stream, say of a test."""

    def __init__(self, stream: KeyStream) -> None:
        self._stream = stream

    def present(self) -> bool:
        """Whoever has given the stream types."""
        return True

    def raw(self) -> AbstractContextManager[None]:
        """It has no mode."""
        return nullcontext()

    def discard(self) -> None:
        """Forget what was sent and not read."""
        with suppress(anyio.WouldBlock, anyio.EndOfStream, anyio.ClosedResourceError):
            while True:
                self._stream.receive_nowait()

    async def read(self) -> bytes:
        """Wait for keys."""
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            return b""


class TerminalKeys:
    """Keys of the terminal behind a stream; none if there is no terminal, or somebody else has it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def present(self) -> bool:
        """Whether it is a terminal, and we are in its foreground: else using it would stop us."""
        try:
            descriptor = self._stream.fileno()
            if not os.isatty(descriptor):
                return False
        except (OSError, ValueError):
            return False
        try:
            return os.tcgetpgrp(descriptor) == os.getpgrp()
        except OSError:
            # Not the terminal that controls us: nothing stops us there.
            return True

    def raw(self) -> AbstractContextManager[None]:
        """Set its mode, and put it back however this ends."""
        return _raw_mode(self._stream.fileno())

    def discard(self) -> None:
        """Forget what was typed and not read."""
        with suppress(termios.error):
            termios.tcflush(self._stream.fileno(), termios.TCIFLUSH)

    async def read(self) -> bytes:
        """Wait for keys."""
        try:
            descriptor = self._stream.fileno()
            await anyio.wait_readable(descriptor)
            return os.read(descriptor, _PIECE)
        except (OSError, ValueError, anyio.ClosedResourceError, anyio.BusyResourceError):
            return b""


@contextmanager
def _raw_mode(descriptor: int) -> Generator[None]:
    try:
        mode = _Mode(descriptor)
    except termios.error as error:
        raise OSError(*error.args) from error
    with _Signals(mode):
        try:
            _changed.append(mode)
            mode.set()
            yield
        finally:
            mode.put_back()
            _changed.remove(mode)


class _Mode:
    """How a terminal hands over keys."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before: list[Any] = termios.tcgetattr(descriptor)

    def set(self) -> None:
        """One by one and unseen. Ctrl-C and Ctrl-Z stay what they are."""
        mode: list[Any] = [*self._before[:6], list(self._before[6])]
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        # Reading never waits: where another process was faster, it must not hold up the loop.
        mode[6][termios.VMIN] = mode[6][termios.VTIME] = 0
        # Not after what is written has got out: a terminal that was stopped would stop us.
        with suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)

    def put_back(self) -> None:
        """As it was found. A terminal that is gone has no mode any more."""
        with suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)


_changed: Final[list[_Mode]] = []
"""The terminals that are in a mode of ours now."""


def put_terminals_back() -> None:
    """Put back all that are in a mode of ours, for a program that ends without unwinding."""
    for mode in _changed.copy():
        mode.put_back()


_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class _Signals:
    """Puts the terminal back before a signal ends or stops this process without asking Python.

    Only where nobody handles that signal: whoever does unwinds, and that puts it back as well.
    Signals of Python's are the main thread's; in another one there is nothing to be done.
    """

    def __init__(self, mode: _Mode) -> None:
        self._mode = mode
        self._ours: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._ours = dict.fromkeys(_ENDING, self._on_end) | {signal.SIGTSTP: self._on_stop}
        for number in list(self._ours):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._ours[number])
            else:
                del self._ours[number]

    def __exit__(self, *_: object) -> None:
        for number, ours in self._ours.items():
            if signal.getsignal(number) == ours:
                signal.signal(number, signal.SIG_DFL)

    def _on_end(self, number: int, _frame: FrameType | None) -> None:
        self._mode.put_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._on_end(number, frame)
        # Here it goes on, once somebody has it continue.
        signal.signal(number, self._on_stop)
        self._mode.set()
