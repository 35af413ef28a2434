"""How a run is told: to a person, or to a program."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from codex_runtime._lines import Line, line
from codex_runtime._text import defuse
from codex_runtime.cli import _json
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._render import Progress, summary
from codex_runtime.cli._screen import Screen, writing
from codex_runtime.errors import CodexRuntimeError, TurnFailed, TurnTimedOut
from codex_runtime.protocol import Event
from codex_runtime.state import TurnResult

__all__ = ["HumanView", "JsonView", "Opened", "View", "error_lines"]


@dataclass(frozen=True)
class Opened:
    """What is known when a turn begins."""

    codex_version: str | None
    model: str
    sandbox: str
    cwd: str
    thread_id: str
    turn_id: str


class View(Protocol):
    """Takes the news of one run, in order. The last is one of `ended`, `failed` and `left`."""

    def starting(self) -> None:
        """Codex is being started."""

    def notice(self, lines: Sequence[Line]) -> None:
        """Something that people should know before the turn begins."""

    def opened(self, opened: Opened) -> None:
        """The turn has begun."""

    def event(self, event: Event) -> None:
        """Something happened in it."""

    def interrupting(self) -> None:
        """The user asked to stop."""

    def ended(self, result: TurnResult, code: Exit) -> None:
        """The turn is over."""

    def failed(self, error: CodexRuntimeError, code: Exit) -> None:
        """The run is over, because of an error."""

    def left(self) -> None:
        """The user left before the turn had ended."""


class HumanView:
    """Progress on stderr, the answer on stdout."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._progress = Progress(live=screen.live)

    def starting(self) -> None:
        """Say it on the status line."""
        self._screen.doing("starting codex")

    def notice(self, lines: Sequence[Line]) -> None:
        """Say it."""
        self._screen.show(lines)

    def opened(self, opened: Opened) -> None:
        """Say what runs where, and what it may do."""
        self._progress.cwd = opened.cwd
        version = opened.codex_version or "of unknown version"
        text = f"codex {version} · {opened.model} · {opened.sandbox} · {opened.cwd}"
        self._screen.show([line(text, "note")])

    def event(self, event: Event) -> None:
        """Show it, if it is worth showing."""
        update = self._progress.update(event)
        self._screen.show(update.lines)
        self._screen.say(update.speech)
        if update.doing is not None:
            self._screen.doing(update.doing)

    def interrupting(self) -> None:
        """Tell how to leave at once."""
        self._screen.show([Line("interrupting; once more to leave at once", "warning")])

    def ended(self, result: TurnResult, code: Exit) -> None:
        """Give the answer, unless it was shown as it came, and the figures."""
        del code
        self._screen.doing("")
        if not self._screen.live and result.text:
            self._screen.say(defuse(result.text).rstrip("\n") + "\n")
        self._screen.show([summary(result)])

    def failed(self, error: CodexRuntimeError, code: Exit) -> None:
        """Say what went wrong, and the figures of what was done."""
        del code
        self._screen.doing("")
        self._screen.show(error_lines(error))
        if isinstance(error, TurnFailed | TurnTimedOut):
            self._screen.show([summary(error.result)])

    def left(self) -> None:
        """Say that nothing more is known."""
        self._screen.doing("")
        self._screen.show([Line("left before the turn had ended", "warning")])


class JsonView:
    """One object per line on stdout."""

    def __init__(self, out: TextIO, errors: Screen) -> None:
        self._out = out
        self._errors = errors
        self._begun = False
        self._ids: tuple[str | None, str | None] = (None, None)

    def starting(self) -> None:
        """Nothing yet: the first line tells the thread."""

    def notice(self, lines: Sequence[Line]) -> None:
        """Say it on stderr: it is for people."""
        self._errors.show(lines)

    def opened(self, opened: Opened) -> None:
        """Write the first line."""
        self._ids = (opened.thread_id, opened.turn_id)
        self._write({"type": "run.started", **opened.__dict__})

    def event(self, event: Event) -> None:
        """Write it."""
        self._write(_json.event_object(event))

    def interrupting(self) -> None:
        """Write that it was asked for; what comes of it follows."""
        self._write({"type": "run.interrupting"})

    def ended(self, result: TurnResult, code: Exit) -> None:
        """Write the last line."""
        self._write(_json.ended(code, *self._ids, result=result))

    def failed(self, error: CodexRuntimeError, code: Exit) -> None:
        """Write the last line, and the text for people to stderr."""
        result = error.result if isinstance(error, TurnFailed | TurnTimedOut) else None
        self._write(_json.ended(code, *self._ids, result=result, error=error))
        self._errors.show(error_lines(error))

    def left(self) -> None:
        """Write the last line."""
        self._write(_json.ended(Exit.INTERRUPTED, *self._ids))

    def _write(self, value: dict[str, object]) -> None:
        if not self._begun:
            self._begun = True
            value = {"schema_version": _json.SCHEMA_VERSION, **value}
        with writing():
            self._out.write(_json.encode(value) + "\n")
            self._out.flush()


def error_lines(error: CodexRuntimeError) -> list[Line]:
    """The text of an error, for people: its first line says it, the others are quoted."""
    first, *rest = defuse(str(error)).split("\n")
    return [Line(f"error: {first}", "bad"), *(Line(text, "note") for text in rest)]
