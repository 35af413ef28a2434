"""Every exception of codex-runtime.

Programs read attributes; people read the text. Nothing in this package, and nothing in
yours, should compare texts.

    CodexRuntimeError
    ├── InvalidArgument              the caller: nothing was sent
    │   ├── EmptyInput
    │   ├── WorkingDirectoryMissing
    │   ├── SandboxNotAllowed
    │   └── UnsendableValue
    ├── TurnInProgress               the caller: the thread has an active turn
    ├── RuntimeClosed                the caller: the runtime was closed, or never opened
    ├── CodexNotFound                the machine: no codex binary
    ├── IncompatibleCodexVersion     the machine: codex is too old
    ├── StartupFailed                the server ended, or could not be started, before it was ready
    ├── HandshakeTimeout             the server did not answer `initialize`
    ├── ConnectionLost               the server went away
    ├── RequestTimeout               the server did not answer in time
    ├── RequestRefused               the server answered with an error
    ├── RemoteProtocolError          the server answered something that is not its protocol
    ├── LocalProtocolError           this package tried to break the protocol: a bug
    ├── TurnFailed                   the turn ended as failed
    ├── TurnTimedOut                 the turn was stopped by its timeout
    └── EventsLost                   a consumer lagged beyond every bound
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from codex_runtime._redaction import Redactor

if TYPE_CHECKING:
    from codex_runtime.protocol.types import TurnError
    from codex_runtime.state import TurnResult

__all__ = [
    "CodexNotFound",
    "CodexRuntimeError",
    "ConnectionLost",
    "EmptyInput",
    "EventsLost",
    "HandshakeTimeout",
    "IncompatibleCodexVersion",
    "InvalidArgument",
    "LocalProtocolError",
    "RemoteProtocolError",
    "RequestRefused",
    "RequestTimeout",
    "RuntimeClosed",
    "SandboxNotAllowed",
    "StartupFailed",
    "TurnFailed",
    "TurnInProgress",
    "TurnTimedOut",
    "UnsendableValue",
    "WorkingDirectoryMissing",
]


class CodexRuntimeError(Exception):
    """Base of every error that this package raises on purpose."""

    def __repr__(self) -> str:
        # Exception's own would show all arguments: what a turn did, what a server sent along.
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The classes take keywords, which Exception's own way of pickling would drop.
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(
    kind: type[CodexRuntimeError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> CodexRuntimeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


_redact: Final = Redactor()
"""Takes what has the shape of a secret out of the server's words, which may quote one."""


def _ending(exit_code: int | None, signal: int | None) -> str:
    if signal is not None:
        return f" (killed by signal {signal})"
    return "" if exit_code is None else f" (exit status {exit_code})"


def _last_words(stderr_tail: str) -> str:
    return f"; its last words were:\n{stderr_tail}" if stderr_tail else ""


@dataclass(eq=False, repr=False)
class InvalidArgument(CodexRuntimeError, ValueError):
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


@dataclass(eq=False, repr=False)
class EmptyInput(InvalidArgument):
    """The prompt holds nothing. Codex would run a turn on it all the same, so it is not sent."""

    field: str = "input"
    problem: str = "is empty"
    fix: str = "say what the turn should do"


@dataclass(eq=False, repr=False)
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


@dataclass(eq=False, repr=False)
class SandboxNotAllowed(InvalidArgument):
    """A sandbox wider than read-only was asked for without all that it needs (rule SEC-004)."""

    field: str = "sandbox"
    problem: str = ""
    fix: str = ""


@dataclass(eq=False, repr=False)
class UnsendableValue(InvalidArgument):
    """A value has no form in JSON that the server would read.

    The server answers such requests with silence (measured on 0.133 to 0.169), so they are
    refused here.

    Attributes:
        field: Where the value stands, say `params.input[0].text`.
    """


@dataclass(eq=False, repr=False)
class TurnInProgress(CodexRuntimeError):
    """The thread has an active turn; the server would silently steer that one instead.

    Wait for its end, interrupt it, or use another thread.
    """

    thread_id: str
    turn_id: str | None = None

    def __str__(self) -> str:
        active = f"turn {self.turn_id}" if self.turn_id else "a turn"
        return (
            f"thread {self.thread_id} is busy with {active}; "
            "wait for its end, interrupt it, or use another thread"
        )


@dataclass(eq=False, repr=False)
class RuntimeClosed(CodexRuntimeError):
    """The runtime is not open: it was closed, or `async with` has not been entered yet."""

    reason: str = "the runtime is closed"

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False, repr=False)
class CodexNotFound(CodexRuntimeError):
    """There is no codex binary to run.

    Attributes:
        tried: Each place that was looked at, in order, with what was found there.
    """

    tried: Sequence[str] = ()

    def __str__(self) -> str:
        places = "".join(f"\n  - {place}" for place in self.tried)
        return (
            f"no codex binary found; looked at:{places}\n"
            'install one with: pip install "codex-runtime[codex]"'
        )


@dataclass(eq=False, repr=False)
class IncompatibleCodexVersion(CodexRuntimeError):
    """The codex found is older than this package can drive safely.

    Attributes:
        detected: The version that the server gave, or None where it gave none.
        required: The oldest version supported.
    """

    detected: str | None
    required: str

    def __str__(self) -> str:
        found = f"codex {self.detected}" if self.detected else "a codex of unknown version"
        return (
            f"{found} is not supported, {self.required} or newer is required; "
            'upgrade with: pip install -U "codex-runtime[codex]" '
            "(version_guard=False turns this check off)"
        )


@dataclass(eq=False, repr=False)
class StartupFailed(CodexRuntimeError):
    """The server could not be started, or ended before it answered `initialize`.

    Attributes:
        exit_code: The exit status, or None.
        signal: The number of the signal that ended it, or None.
        stderr_tail: The last it wrote to stderr, with secrets taken out.
        reason: What the operating system said, where there was no process at all.
    """

    exit_code: int | None = None
    signal: int | None = None
    stderr_tail: str = ""
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"codex app-server could not be started: {self.reason}"
        how = _ending(self.exit_code, self.signal)
        return f"codex app-server ended while it started{how}{_last_words(self.stderr_tail)}"


@dataclass(eq=False, repr=False)
class HandshakeTimeout(CodexRuntimeError):
    """The server runs but did not answer `initialize` in time. It has been ended."""

    seconds: float
    stderr_tail: str = ""

    def __str__(self) -> str:
        return (
            f"codex app-server did not answer initialize in {self.seconds:g} s"
            f"{_last_words(self.stderr_tail)}"
        )


@dataclass(eq=False, repr=False)
class ConnectionLost(CodexRuntimeError):
    """The server went away. What it was doing is recorded by it as interrupted.

    Attributes:
        exit_code: The exit status, or None where it is not known.
        signal: The number of the signal that ended it, or None.
        stderr_tail: The last it wrote to stderr, with secrets taken out.
    """

    exit_code: int | None = None
    signal: int | None = None
    stderr_tail: str = ""

    def __str__(self) -> str:
        how = _ending(self.exit_code, self.signal)
        return f"codex app-server ended the connection{how}{_last_words(self.stderr_tail)}"


@dataclass(eq=False, repr=False)
class RequestTimeout(CodexRuntimeError):
    """No answer arrived in time. The server may still act on the request."""

    method: str
    seconds: float

    def __str__(self) -> str:
        return f"codex app-server gave no answer to {self.method} in {self.seconds:g} s"


@dataclass(eq=False, repr=False)
class RequestRefused(CodexRuntimeError):
    """The server answered with an error.

    Attributes:
        method: The wire name of the request.
        code: The JSON-RPC code; almost always -32600, whatever went wrong.
        message: The server's words.
        data: What it sent along, as plain data, or None.
    """

    method: str
    code: int
    message: str
    data: Any = None

    def __str__(self) -> str:
        return f"codex app-server refused {self.method}: {_redact(self.message)} ({self.code})"


@dataclass(eq=False, repr=False)
class RemoteProtocolError(CodexRuntimeError):
    """The server's answer is not what its protocol says, beyond repair.

    Attributes:
        method: The wire name of the request.
        problem: What is wrong, with its place as a JSON path; never the payload.
    """

    method: str
    problem: str

    def __str__(self) -> str:
        return f"codex app-server answered {self.method} with something else: {self.problem}"


@dataclass(eq=False, repr=False)
class LocalProtocolError(CodexRuntimeError):
    """Something was about to be sent in a phase where it may not be sent."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@dataclass(eq=False, repr=False)
class TurnFailed(CodexRuntimeError):
    """The turn ended as failed.

    Attributes:
        error: The server's account: `message`, `codex_error_info`, `additional_details`.
            None where it gave none.
        result: All that the turn did until then.
    """

    error: TurnError | None
    result: TurnResult = field(repr=False)

    def __str__(self) -> str:
        # The message of a server that sent none is `UNSET`, which is false.
        why = (self.error and self.error.message) or "codex gave no reason"
        return f"turn {self.result.turn_id} failed: {_redact(why)}"


@dataclass(eq=False, repr=False)
class TurnTimedOut(CodexRuntimeError):
    """The turn used up its time and was interrupted.

    Attributes:
        seconds: The active time it was allowed.
        result: All that the turn did until then. Its `status` is `"interrupted"` where the
            server confirmed the end, `"incomplete"` where it did not.
    """

    seconds: float
    result: TurnResult = field(repr=False)

    def __str__(self) -> str:
        return (
            f"turn {self.result.turn_id} was stopped after {self.seconds:g} s of active time "
            f"({self.result.status}){self._still_trying()}"
        )

    def _still_trying(self) -> str:
        error = self.result.error
        if not error:
            return ""
        why = ": ".join(text for text in (error.message, error.additional_details) if text)
        return f"; codex was still trying: {_redact(why)}"


@dataclass(eq=False, repr=False)
class EventsLost(CodexRuntimeError):
    """This consumer lagged so far behind that events had to be dropped for it, and for it alone.

    The turn goes on; `TurnHandle.result()` is complete all the same.

    Attributes:
        count: How many events were dropped.
    """

    count: int

    def __str__(self) -> str:
        return f"{self.count} events were dropped because their consumer lagged too far behind"
