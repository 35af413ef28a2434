"""The terminal: the answer goes to stdout, everything else to stderr."""

import contextlib
import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Final, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from codex_runtime._lines import STYLES, Line
from codex_runtime._text import tolerant

__all__ = ["Screen", "writing"]

_DOING_WIDTH: Final = 100
"""Characters of a status line: it must fit in one row, or the spinner scrolls."""


@contextlib.contextmanager
def writing() -> Generator[None]:
    """Tell every stream that takes no more, say a full disk, as a pipe that nobody reads.

    Raises:
        BrokenPipeError: Writing failed.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BrokenPipeError(*error.args) from error


class Screen:
    """Writes lines and speech, and keeps the two apart when both end up in one terminal.

    Colours and the status line only where stderr is a terminal; `NO_COLOR` is respected.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = tolerant(out or sys.stdout)
        self._paper = _console(self._out)
        self._err = _console(tolerant(err or sys.stderr))
        self.live = self._out.isatty()
        """Whether somebody watches stdout: then the agent's messages are shown as they grow."""
        self._mid_line = False
        self._status: Status | None = None
        self._held: list[Callable[[], None]] | None = None
        """What is to be written once a question has gone; None while there is none."""

    def show(self, lines: Sequence[Line]) -> None:
        """Write lines of progress."""
        if self._held is not None:
            self._held.append(partial(self.show, lines))
        elif lines:
            self._end_speech()
            _write(self._err, lines)

    def print(self, lines: Sequence[Line]) -> None:
        """Write lines of the answer."""
        if self._held is not None:
            self._held.append(partial(self.print, lines))
            return
        self.doing("")
        self._end_speech()
        _write(self._paper, lines)

    def say(self, text: str) -> None:
        """Write a piece of the answer."""
        if not text:
            return
        if self._held is not None:
            self._held.append(partial(self.say, text))
            return
        self.doing("")
        with writing():
            self._out.write(text)
            self._out.flush()
        self._mid_line = not text.endswith("\n")

    def doing(self, what: str) -> None:
        """Set the status line; empty takes it away."""
        if self._held is not None:
            self._held.append(partial(self.doing, what))
        elif self._status is not None:
            if what:
                self._status.update(Text(_short(what), "dim"))
                return
            self._status.stop()
            self._status = None
        elif what and self._err.is_terminal:
            self._end_speech()
            self._status = self._err.status(Text(_short(what), "dim"))
            self._status.start()

    @contextlib.contextmanager
    def asking(self) -> Generator[None]:
        """Leave the terminal to a question: what is written within this comes after it."""
        self.doing("")
        self._end_speech()
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for write in held:
                write()

    def close(self) -> None:
        """Leave the terminal as it was found."""
        with contextlib.suppress(OSError):
            self.doing("")
            self._end_speech()

    def _end_speech(self) -> None:
        if self._mid_line:
            self._mid_line = False
            with writing():
                self._out.write("\n")
                self._out.flush()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller to end things: rich itself would exit on the spot."""
        raise BrokenPipeError


def _console(stream: TextIO) -> Console:
    return _Console(file=stream, highlight=False, markup=False, emoji=False)


def _write(console: Console, lines: Sequence[Line]) -> None:
    text = Text.assemble(*((f"{line.text}\n", STYLES[line.role]) for line in lines))
    # One write for all of them, and no wrapping: a terminal wraps, a log file need not.
    with writing():
        console.print(text, end="", soft_wrap=True)


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= _DOING_WIDTH else first[: _DOING_WIDTH - 1] + "…"
