"""The terminal: the answer goes to stdout, everything else to stderr."""

import contextlib
import sys
from collections.abc import Generator, Sequence
from typing import Final, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from codex_runtime.cli._lines import Line, Role

__all__ = ["Screen", "tolerant", "writing"]

_STYLES: Final[dict[Role, str]] = {
    "plain": "",
    "command": "bold",
    "output": "dim",
    "good": "green",
    "bad": "red",
    "warning": "yellow",
    "note": "dim",
    "heading": "bold",
    "added": "green",
    "removed": "red",
    "hunk": "cyan",
}
"""Colours are never the only sign: each role's text says the same in words or marks."""

_DOING_WIDTH: Final = 100
"""Characters of a status line: it must fit in one row, or the spinner scrolls."""


def tolerant(stream: TextIO) -> TextIO:
    """Let a stream write what its encoding lacks as escapes, instead of failing on it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream


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

    def show(self, lines: Sequence[Line]) -> None:
        """Write lines of progress."""
        if lines:
            self._end_speech()
            _write(self._err, lines)

    def print(self, lines: Sequence[Line]) -> None:
        """Write lines of the answer."""
        self.doing("")
        self._end_speech()
        _write(self._paper, lines)

    def say(self, text: str) -> None:
        """Write a piece of the answer."""
        if not text:
            return
        self.doing("")
        with writing():
            self._out.write(text)
            self._out.flush()
        self._mid_line = not text.endswith("\n")

    def doing(self, what: str) -> None:
        """Set the status line; empty takes it away."""
        if self._status is not None:
            if what:
                self._status.update(Text(_short(what), "dim"))
                return
            self._status.stop()
            self._status = None
        elif what and self._err.is_terminal:
            self._end_speech()
            self._status = self._err.status(Text(_short(what), "dim"))
            self._status.start()

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
    text = Text.assemble(*((f"{line.text}\n", _STYLES[line.role]) for line in lines))
    # One write for all of them, and no wrapping: a terminal wraps, a log file need not.
    with writing():
        console.print(text, end="", soft_wrap=True)


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= _DOING_WIDTH else first[: _DOING_WIDTH - 1] + "…"
