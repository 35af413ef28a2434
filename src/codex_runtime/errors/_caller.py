"""Errors of the caller: an argument, a state, a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.errors._base import Record, redact

if TYPE_CHECKING:
    from codex_runtime.hooks import HookReport

__all__ = [
    "AttachmentMissing",
    "AttachmentTooLarge",
    "BlockedByHook",
    "EmptyInput",
    "IncompatibleHook",
    "InputTooLarge",
    "InvalidAnswer",
    "InvalidArgument",
    "InvalidParams",
    "InvalidRules",
    "InvalidTool",
    "RequestNotFound",
    "RequestSettled",
    "RuntimeClosed",
    "SandboxNotAllowed",
    "TurnInProgress",
    "UnsendableValue",
    "WorkingDirectoryMissing",
]


class InvalidArgument(Record, ValueError):
    """An argument cannot be used. Nothing was sent.

    Attributes:
        field: The argument, as it is spelled in the call.
        problem: What is wrong with it.
        fix: What to do about it; may be empty.
    """

    field: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        hint = f"; {self.fix}" if self.fix else ""
        return f"{self.field} {self.problem}{hint}"


class InvalidAnswer(InvalidArgument):
    """An answer does not fit the request of the server. Nothing was sent; the request is open still.

    Attributes:
        request_id: As in `ServerRequest.request_id`.
    """

    request_id: str = ""


class InvalidRules(InvalidArgument):
    """A file of rules cannot be used. None of its rules counts.

    Attributes:
        field: The key, with its place in a list; `rules` for the file as a whole.
        path: The file, or what stands for it.
        rule: Which of its rules, from 1; None where that is not known.
        line: The line, from 1; likewise.
    """

    path: str = ""
    rule: int | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = [self.path or "rules"]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.rule is not None:
            place.append(f"rule {self.rule}")
        return f"{', '.join(place)}: {super().__str__()}"


class EmptyInput(InvalidArgument):
    """The prompt holds nothing. Codex would run a turn on it all the same, so it is not sent."""

    field: str = "input"
    problem: str = "is empty"
    fix: str = "say what the turn should do"


class WorkingDirectoryMissing(InvalidArgument):
    """The working directory does not exist. Codex would start in it all the same.

    Attributes:
        path: The absolute form of what was given.
    """

    field: str = "cwd"
    problem: str = ""
    fix: str = "create it, or name another"
    path: str = ""

    def __str__(self) -> str:
        return f"{self.field} {self.path} is not a folder; {self.fix}"


class SandboxNotAllowed(InvalidArgument):
    """A sandbox wider than read-only was asked for without all that it needs (rule SEC-004)."""

    field: str = "sandbox"
    problem: str = ""
    fix: str = ""


class UnsendableValue(InvalidArgument):
    """A value has no form in JSON that the server would read.

    The server answers such requests with silence (measured on 0.133 to 0.169), so they are
    refused here.

    Attributes:
        field: Where the value stands, say `params.input[0].text`.
    """


class TurnInProgress(Record):
    """The thread has an active turn; the server would silently steer that one instead.

    Wait for its end, interrupt it, or use another thread.

    Attributes:
        thread_id: The thread.
        turn_id: The active turn; None where it is not known yet.
    """

    thread_id: str
    turn_id: str | None = None

    def __str__(self) -> str:
        active = f"turn {self.turn_id}" if self.turn_id else "a turn"
        return (
            f"thread {self.thread_id} is busy with {active}; "
            "wait for its end, interrupt it, or use another thread"
        )


class RuntimeClosed(Record):
    """The runtime is not open: it was closed, or `async with` has not been entered yet.

    Attributes:
        reason: Which of these.
    """

    reason: str = "the runtime is closed"

    def __str__(self) -> str:
        return self.reason


class InvalidParams(InvalidArgument):
    """The parameters of a raw call are not those of its method. Nothing was sent.

    Attributes:
        field: The place of the first mistake as a JSON path, say `$.input[0].text`.
        method: The wire name of the request.
        summary: The shape of what was given: kinds, keys and sizes, never values.
    """

    method: str = ""
    summary: str = ""

    def __str__(self) -> str:
        hint = f"; {self.fix}" if self.fix else ""
        return f"{self.method}: {self.field} {self.problem}{hint}; params={self.summary}"


class InvalidTool(InvalidArgument):
    """A function cannot be a tool: codex would refuse it, or the model be misled about it.

    Attributes:
        field: The parameter of the function, or the option, say `"name"`.
        tool: The name of the tool.
    """

    tool: str = ""

    def __str__(self) -> str:
        return f"tool {self.tool!r}: {super().__str__()}"


class InputTooLarge(InvalidArgument):
    """The texts of a turn's input are more than the server takes. Nothing was done.

    Attributes:
        max_chars: What it takes, in characters.
        actual_chars: What was given.
    """

    field: str = "input"
    problem: str = ""
    fix: str = "shorten it, or put it in a file that the agent can read"
    max_chars: int = 0
    actual_chars: int = 0

    def __str__(self) -> str:
        return (
            f"{self.field} holds {self.actual_chars:,} characters, {self.max_chars:,} at the most "
            f"are taken; {self.fix}"
        )


class AttachmentMissing(InvalidArgument):
    """A file that an input names cannot be read. Codex would run the turn without it.

    Attributes:
        path: The file, absolute.
    """

    field: str = "input"
    problem: str = "is no file that can be read"
    fix: str = "name one that is there"
    path: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.path} {self.problem}; {self.fix}"


class AttachmentTooLarge(InvalidArgument):
    """A file that an input names is too large to be sent along.

    Attributes:
        path: The file, absolute.
        size: Its size in bytes.
        limit: What is taken, in bytes.
    """

    field: str = "input"
    problem: str = ""
    fix: str = "name a smaller one"
    path: str = ""
    size: int = 0
    limit: int = 0

    def __str__(self) -> str:
        return (
            f"{self.field}: {self.path} has {self.size:,} bytes, {self.limit:,} at the most "
            f"are taken; {self.fix}"
        )


class BlockedByHook(Record):
    """A hook forbade what was about to be done. Nothing of it was done.

    Attributes:
        hook: The name of the hook.
        phase: Where it did so, say `"pre_turn"`.
        reason: Why, in its words; where a gate failed, how.
        report: What all hooks of the run did until then.
    """

    hook: str
    phase: str
    reason: str
    report: HookReport | None = None

    def __str__(self) -> str:
        return f"blocked by hook {self.hook!r} at {self.phase}: {redact(self.reason)}"


class IncompatibleHook(Record):
    """A hook was written for another major version of the hook contract.

    Attributes:
        hook: The name of the hook.
        version: The (major, minor) version that it was written for.
        supported: The version of this package.
    """

    hook: str
    version: tuple[int, int]
    supported: tuple[int, int]

    def __str__(self) -> str:
        theirs, ours = (".".join(map(str, each)) for each in (self.version, self.supported))
        return (
            f"hook {self.hook!r} is made for version {theirs} of the hook contract; "
            f"this package has {ours}"
        )


class RequestSettled(Record):
    """A request of the server needs no answer any more.

    Attributes:
        request_id: As in `ServerRequest.request_id`.
        method: Its wire name.
        state: How it was settled: `answered`, `refused`, `expired` or `withdrawn`.
    """

    request_id: str
    method: str
    state: str

    def __str__(self) -> str:
        return f"{self.method} ({self.request_id}) needs no answer any more: it is {self.state}"


class RequestNotFound(Record):
    """No request of this name is open: unknown here, settled long ago, or of another runtime.

    Attributes:
        request_id: The name.
    """

    request_id: str

    def __str__(self) -> str:
        return f"no request {self.request_id!r} is open; see pending_requests()"
