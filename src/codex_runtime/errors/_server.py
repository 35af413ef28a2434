"""Errors of the machine and of the server process."""

from __future__ import annotations

from collections.abc import Sequence

from codex_runtime.errors._base import Record

__all__ = [
    "CodexNotFound",
    "ConnectionLost",
    "EventsLost",
    "HandshakeTimeout",
    "IncompatibleCodexVersion",
    "LocalProtocolError",
    "PolicyMismatch",
    "RemoteProtocolError",
    "RequestTimeout",
    "StartupFailed",
    "ThreadIdMismatch",
]


_SHOWN = 60
"""Characters of an id that an error shows."""


def _ending(exit_code: int | None, signal: int | None) -> str:
    if signal is not None:
        return f" (killed by signal {signal})"
    return "" if exit_code is None else f" (exit status {exit_code})"


def _last_words(stderr_tail: str) -> str:
    return f"; its last words were:\n{stderr_tail}" if stderr_tail else ""


class CodexNotFound(Record):
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


class IncompatibleCodexVersion(Record):
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


class StartupFailed(Record):
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


class HandshakeTimeout(Record):
    """The server runs but did not answer `initialize` in time. It has been ended.

    Attributes:
        seconds: How long it was waited for.
        stderr_tail: The last it wrote to stderr, with secrets taken out.
    """

    seconds: float
    stderr_tail: str = ""

    def __str__(self) -> str:
        return (
            f"codex app-server did not answer initialize in {self.seconds:g} s"
            f"{_last_words(self.stderr_tail)}"
        )


class ConnectionLost(Record):
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


class RequestTimeout(Record):
    """No answer arrived in time. The server may still act on the request, if it was sent at all.

    Attributes:
        method: The wire name of the request.
        seconds: How long it was waited for.
    """

    method: str
    seconds: float

    def __str__(self) -> str:
        return f"codex app-server gave no answer to {self.method} in {self.seconds:g} s"


class RemoteProtocolError(Record):
    """The server's answer is not what its protocol says, beyond repair.

    Attributes:
        method: The wire name of the request.
        problem: What is wrong, with its place as a JSON path; never the payload.
    """

    method: str
    problem: str

    def __str__(self) -> str:
        return f"codex app-server answered {self.method} with something else: {self.problem}"


class LocalProtocolError(Record):
    """Something was about to be sent in a phase where it may not be sent.

    Attributes:
        problem: What, and in which phase.
    """

    problem: str

    def __str__(self) -> str:
        return self.problem


class EventsLost(Record):
    """This consumer lagged so far behind, or came so late, that events in this place were dropped.

    The turn goes on, and so can the iterator; `TurnHandle.result()` is complete all the same.

    Attributes:
        count: How many events were dropped; deltas that were merged count as one.
    """

    count: int

    def __str__(self) -> str:
        return f"{self.count} events were dropped before their consumer came to read them"


class ThreadIdMismatch(RemoteProtocolError):
    """The server opened another thread than the one that was asked for. It is not used.

    Attributes:
        requested: The thread that was asked for.
        actual: The thread that the answer names.
    """

    problem: str = ""
    requested: str = ""
    actual: str = ""

    def __str__(self) -> str:
        # Whatever it named, it is no id of a thread: those have 36 characters.
        actual = self.actual if len(self.actual) <= _SHOWN else f"{self.actual[:_SHOWN]}…"
        return (
            f"codex app-server answered {self.method} for thread {self.requested} "
            f"with thread {actual}"
        )


class PolicyMismatch(Record):
    """What is in force in a thread is not what was asked for.

    A thread that was being opened is not used, and a turn that was being started is interrupted.
    Say what is in force, with the words that it needs, if that is what you want.

    Attributes:
        thread_id: The thread.
        differences: One for each setting that differs, with what was asked for and what is in
            force, say `"sandbox: asked read-only, in force danger-full-access"`.
    """

    thread_id: str
    differences: Sequence[str] = ()

    def __str__(self) -> str:
        return (
            f"what is in force in thread {self.thread_id} is not what was asked for: "
            f"{'; '.join(self.differences)}. A thread that is loaded keeps its settings: ask for "
            "what is in force, or change it with update_settings()"
        )
