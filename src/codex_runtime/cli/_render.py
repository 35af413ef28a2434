"""From the events of a turn to what is shown of them. Pure: no terminal, no clock."""

import re
from dataclasses import dataclass
from functools import singledispatch, singledispatchmethod
from typing import Final

from codex_runtime._command_lines import unwrapped
from codex_runtime._lines import Line, Role, block, diff_counts, diff_lines, line
from codex_runtime._text import defuse
from codex_runtime.protocol import Event, types
from codex_runtime.requests import REQUEST_TYPES, RequestDecided, ServerRequest
from codex_runtime.state import ItemAbandoned, TurnResult
from codex_runtime.usage import TokenUsage

__all__ = ["Progress", "Update", "count", "summary", "usage_text"]


@dataclass(frozen=True, slots=True)
class Update:
    """What one event changes on the screen.

    Attributes:
        lines: New lines of progress.
        speech: The next piece of what the agent says, defused.
        doing: What codex is doing now, for a status line; None where that has not changed.
    """

    lines: tuple[Line, ...] = ()
    speech: str = ""
    doing: str | None = None


_NOTHING: Final = Update()
_THINKING: Final = "thinking"
_QUICK: Final = 0.1
"""Seconds under which the duration of a command says nothing."""


class Progress:
    """Folds the events of one turn into updates.

    With `live`, messages are spoken as they stream. Without, a message is a line of progress as
    soon as something else follows it: the last one is the answer, which the caller prints.

    Attributes:
        cwd: The folder of the turn; paths in it are shown without it.
    """

    def __init__(self, *, live: bool, cwd: str = "") -> None:
        self.cwd = cwd
        self._live = live
        self._streamed: set[str] = set()
        self._held: tuple[Line, ...] = ()
        self._block: str | None = None
        self._told = ""

    def update(self, event: Event | ItemAbandoned) -> Update:
        """Take the next event."""
        return self._on(event)

    @singledispatchmethod
    def _on(self, event: object) -> Update:
        lines = notice(event)
        return Update(lines=lines) if lines else _NOTHING

    @_on.register
    def _(self, _event: types.TurnStartedNotification) -> Update:
        return Update(doing=_THINKING)

    @_on.register
    def _(self, event: types.AgentMessageDeltaNotification) -> Update:
        if not self._live:
            return _NOTHING
        self._streamed.add(event.item_id)
        return Update(speech=defuse(event.delta or ""), doing="")

    @_on.register
    def _(self, event: types.ItemStartedNotification) -> Update:
        item = event.item
        held = self._release(item)
        if not isinstance(item, types.CommandExecutionItem):
            return Update(
                lines=held, doing=None if isinstance(item, types.AgentMessageItem) else _THINKING
            )
        command = unwrapped(item.command or "")
        return Update(lines=(*held, *self._command(item)), doing=f"running {defuse(command)}")

    @_on.register
    def _(self, event: types.ItemCompletedNotification) -> Update:
        item = event.item
        held = self._release(item)
        if isinstance(item, types.AgentMessageItem):
            return self._message(item)
        if isinstance(item, types.CommandExecutionItem):
            head = () if self._block == item.id else self._command(item)
            self._block = None
            return Update(lines=(*held, *head, *_command_end(item)), doing=_THINKING)
        if isinstance(item, types.FileChangeItem):
            return Update(lines=(*held, *file_change_lines(item, self.cwd)), doing=_THINKING)
        return Update(lines=(*held, *item_lines(item)), doing=_THINKING)

    @_on.register
    def _(self, event: types.ErrorNotification) -> Update:
        lines = notice(event)
        details = (event.error.additional_details if event.error else None) or ""
        if not lines or not details or details == self._told:
            return Update(lines=lines)
        # It says why, where the message only counts the attempts; once is enough.
        self._told = details
        return Update(lines=(line(f"{lines[0].text}: {details}", "warning"), *lines[1:]))

    @_on.register
    def _(self, event: RequestDecided) -> Update:
        return Update(lines=(decision_line(event),))

    @_on.register
    def _(self, _event: types.TurnCompletedNotification) -> Update:
        return Update(doing="")

    @_on.register
    def _(self, event: ItemAbandoned) -> Update:
        if isinstance(event.item, types.CommandExecutionItem):
            command = unwrapped(event.item.command or "")
            return Update(lines=(line(f"still running: {command}", "warning"),))
        return _NOTHING

    def _command(self, item: types.CommandExecutionItem) -> tuple[Line, ...]:
        self._block = item.id
        return block(unwrapped(item.command or ""), "command", indent="$ ")

    def _message(self, item: types.AgentMessageItem) -> Update:
        if self._live:
            rest = "" if item.id in self._streamed else defuse(item.text or "")
            return Update(speech=rest + "\n", doing=_THINKING)
        self._held = block(item.text or "", "plain", indent="")
        return Update(doing=_THINKING)

    def _release(self, item: object) -> tuple[Line, ...]:
        if isinstance(item, types.UserMessageItem):
            return ()
        held, self._held = self._held, ()
        return held


def _command_end(item: types.CommandExecutionItem) -> tuple[Line, ...]:
    output = block(item.aggregated_output or "", "output")
    if item.status == "declined":
        return (*output, Line("  not run: declined", "warning"))
    seconds = (item.duration_ms or 0) / 1000
    took = f" · {seconds:.1f} s" if seconds >= _QUICK else ""
    if item.exit_code is None:
        return (*output, line(f"  {item.status or '?'}{took}", "bad"))
    role: Role = "good" if item.exit_code == 0 else "bad"
    return (*output, Line(f"  exit {item.exit_code}{took}", role))


@singledispatch
def item_lines(_item: object) -> tuple[Line, ...]:
    """The lines that a completed item is worth; none for a kind nobody reads."""
    return ()


def file_change_lines(item: types.FileChangeItem, cwd: str) -> tuple[Line, ...]:
    """The lines of a change of files: what was done to each, and the diff."""
    applied = item.status == "completed"
    verdict = () if applied else (line(f"  not applied: {item.status or '?'}", "warning"),)
    changes = (text for change in item.changes or () for text in _change(change, cwd))
    return (*changes, *verdict)


def _change(change: types.FileUpdateChange, cwd: str) -> tuple[Line, ...]:
    kind, diff = change.kind, change.diff or ""
    path = _relative(change.path or "", cwd)
    if isinstance(kind, types.UpdatePatchChangeKind):
        added, removed = diff_counts(diff)
        target = f" -> {_relative(kind.move_path, cwd)}" if kind.move_path else ""
        head = line(f"edit {path}{target} +{added} -{removed}", "heading")
        return (head, *diff_lines(diff))
    deleted = isinstance(kind, types.DeletePatchChangeKind)
    # The "diff" of a file that is added or deleted is its text (fact 138).
    role: Role = "removed" if deleted else "added"
    mark = "-" if deleted else "+"
    texts = diff.rstrip("\n").split("\n") if diff else []
    return (
        line(f"{'delete' if deleted else 'add'} {path} {mark}{len(texts)}", "heading"),
        *block("\n".join(mark + text for text in texts), role),
    )


def _relative(path: str, cwd: str) -> str:
    return path.removeprefix(f"{cwd}/") if cwd else path


@item_lines.register
def _(item: types.ReasoningItem) -> tuple[Line, ...]:
    return tuple(text for part in item.summary or () for text in block(part, "note"))


@item_lines.register
def _(item: types.McpToolCallItem) -> tuple[Line, ...]:
    name = f"{item.server or '?'}.{item.tool or '?'}"
    return (line(f"tool {name}: {item.status or '?'}", "note"),)


@item_lines.register
def _(item: types.WebSearchItem) -> tuple[Line, ...]:
    return (line(f"web search: {item.query or '?'}", "note"),)


@singledispatch
def notice(_event: object) -> tuple[Line, ...]:
    """The lines of an event that is news by itself; none for the others."""
    return ()


@notice.register
def _(event: types.ErrorNotification) -> tuple[Line, ...]:
    if not event.will_retry:
        # `turn/completed` brings the same error, and the end of the run says it.
        return ()
    why = event.error.message if event.error else "the model did not answer"
    return (line(f"retrying: {why}", "warning"),)


@notice.register
def _(event: types.WarningNotification) -> tuple[Line, ...]:
    return (line(f"warning: {event.message or '?'}", "warning"),)


@notice.register
def _(event: types.ModelReroutedNotification) -> tuple[Line, ...]:
    return (line(f"model {event.from_model} was replaced by {event.to_model}", "warning"),)


_BOXES: Final = {"completed": "[x]", "inProgress": "[>]"}


@notice.register
def _(event: types.TurnPlanUpdatedNotification) -> tuple[Line, ...]:
    steps = (
        line(f"  {_BOXES.get(step.status, '[ ]')} {step.step}", "note") for step in event.plan or ()
    )
    return (Line("plan", "heading"), *steps)


_YES: Final = frozenset({"allowed", "answered"})


def decision_line(event: RequestDecided) -> Line:
    """Who has decided about what codex asked, and what."""
    kind = REQUEST_TYPES.get(event.request_method, ServerRequest).kind
    why = f" ({event.reason})" if event.reason else ""
    by = re.sub(r"^(?:turn|thread|runtime) approver ", "", event.by)
    role: Role = "good" if event.decision in _YES else "warning"
    return line(f"  {kind} {event.decision} by {by}{why}", role)


def summary(result: TurnResult) -> Line:
    """The last line of a run: how it ended, what it took."""
    role: Role = "good" if result.status == "completed" else "warning"
    took = "" if result.duration is None else f" in {result.duration:.1f} s"
    used = "" if result.usage is None else f" · {usage_text(result.usage)}"
    return line(f"{result.status}{took}{used} · thread {result.thread_id}", role)


def usage_text(usage: TokenUsage) -> str:
    """Tokens for people: what went in, what came out."""
    cached = f" ({count(usage.cached_input_tokens)} cached)" if usage.cached_input_tokens else ""
    thought = (
        f" ({count(usage.reasoning_output_tokens)} reasoning)"
        if usage.reasoning_output_tokens
        else ""
    )
    return (
        f"{count(usage.input_tokens)} tokens in{cached}, {count(usage.output_tokens)} out{thought}"
    )


def count(number: int) -> str:
    """A number for people: 12345 is `12,345`."""
    return f"{number:,}"
