"""What the server refuses, by what it means."""

from __future__ import annotations

from typing import Any

from codex_runtime.errors._base import Record, redact

__all__ = [
    "AccountNeeded",
    "CommandEnded",
    "CommandNotStarted",
    "ConfigurationRefused",
    "ExperimentalApiNeeded",
    "InvalidCursor",
    "InvalidRequest",
    "InvalidThreadId",
    "NoActiveTurn",
    "NotSupportedByThread",
    "RequestRefused",
    "ServerDraining",
    "ServerFileError",
    "ServerFileMissing",
    "ServerOverloaded",
    "ThreadArchived",
    "ThreadBusyElsewhere",
    "ThreadHasActiveWriter",
    "ThreadHasForks",
    "ThreadNotFound",
    "ThreadNotLoaded",
    "TurnNotFound",
    "TurnNotSteerable",
    "UnexpectedTurn",
    "UnsupportedByServer",
]


class RequestRefused(Record):
    """The server answered with an error.

    Attributes:
        method: The wire name of the request.
        code: The JSON-RPC code; almost always -32600, whatever went wrong (fact 11).
        message: The server's words.
        data: What it sent along, as plain data, or None.
        retryable: Whether the same request may be taken a little later. Of the class.
        fix: What to do about it; may be empty. Of the class.
    """

    method: str
    code: int
    message: str
    data: Any = None

    retryable = False
    fix = ""

    def __str__(self) -> str:
        hint = f"; {self.fix}" if self.fix else ""
        return f"codex app-server refused {self.method}: {self._words()} ({self.code}){hint}"

    def _words(self) -> str:
        return redact(self.message)


class InvalidRequest(RequestRefused):
    """The server cannot read the parameters: one is missing, or has a value that it does not know.

    Older versions know fewer values, so this may mean that codex has to be upgraded.
    """


class InvalidThreadId(RequestRefused):
    """The thread id is not of the form that thread ids have (fact 13).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""


class ThreadNotFound(RequestRefused):
    """There is no record of that thread: it never was, was deleted, or was lost before its first turn.

    The server says the same of an archived thread to some requests (to rename it, to archive it
    again), of one that is not archived when it is to be unarchived, and of an ephemeral one.

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""

    fix = "a thread is on record from its first turn on, or from its start with durable=True"


class ThreadNotLoaded(ThreadNotFound):
    """No such thread is loaded; it may be on record all the same (facts 12 and 36)."""

    fix = "resume the thread first; an archived one has to be unarchived before"


class ThreadArchived(RequestRefused):
    """The thread is archived (fact 36).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""

    fix = "unarchive it first, with thread_unarchive(), and resume it then"


class ThreadHasActiveWriter(RequestRefused):
    """Somebody has the thread loaded for writing, so its record cannot be touched (fact 18).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""


class ThreadBusyElsewhere(ThreadHasActiveWriter):
    """Another process has the thread loaded (fact 32).

    It lets go 60 seconds after its last subscriber has left, or when it ends.
    """

    retryable = True
    fix = "another process has the thread loaded; try again when it has let go"


class ThreadHasForks(RequestRefused):
    """The thread cannot be deleted while forks refer to its history.

    The server has unloaded it all the same, and has interrupted its turn (fact 38).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""

    fix = "resume the thread to go on with it, or archive it instead"


class NotSupportedByThread(RequestRefused):
    """This kind of thread cannot do that: it is ephemeral, of legacy history, or has no turn yet.

    The server says the same of threads that are not there, to requests for items (fact 160).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
        thread_kind: What stands in the way: `"ephemeral"`, `"legacy"`, `"paginated"`, or
            `"empty"` for a thread without a turn; empty text where the server does not say.
    """

    thread_id: str = ""
    thread_kind: str = ""


class TurnNotFound(RequestRefused):
    """The thread has no such turn.

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
        turn_id: The turn.
    """

    thread_id: str = ""
    turn_id: str = ""


class NoActiveTurn(RequestRefused):
    """The thread has no active turn that could be steered or interrupted (facts 51 and 59).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
    """

    thread_id: str = ""


class UnexpectedTurn(RequestRefused):
    """Another turn is active than the one that was named (facts 51 and 59).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
        expected: The turn that was named.
        found: The turn that is active.
    """

    thread_id: str = ""
    expected: str = ""
    found: str = ""


class TurnNotSteerable(RequestRefused):
    """The active turn takes no input: it compacts or reviews (fact 41).

    Attributes:
        thread_id: The thread; empty where neither the answer nor the request names one.
        turn_kind: What it does: `"compact"`, `"review"`; an open set.
    """

    thread_id: str = ""
    turn_kind: str = ""


class InvalidCursor(RequestRefused):
    """The cursor of a page is none that the server gave for that list (fact 25)."""


class ConfigurationRefused(RequestRefused):
    """A setting cannot be written, or those in force cannot be loaded; the server says why.

    Attributes:
        reason: `"configValidationError"` where a value is wrong, `"configVersionConflict"` where
            the file was changed since it was read, `"configLayerReadonly"` where it may not be
            written; an open set. Empty where the server gives none, as when it cannot load them.
    """

    reason: str = ""


class AccountNeeded(RequestRefused):
    """That needs an account of OpenAI's, and none is signed in (fact 94)."""

    fix = "sign in: codex login"


class ExperimentalApiNeeded(RequestRefused):
    """That is experimental, and the runtime was opened without the experimental API (fact 9).

    Attributes:
        feature: What needs it, say `"thread/start.dynamicTools"`.
    """

    feature: str = ""

    fix = "open the runtime with experimental_api=True"


class UnsupportedByServer(RequestRefused):
    """This version of codex does not have that method.

    Attributes:
        codex_version: Its version, say `"0.163.0"`; None where it is not known.
    """

    codex_version: str | None = None

    def _words(self) -> str:
        # Its own list all its methods, in 4 KB.
        return f"codex {self.codex_version or 'of this version'} has no such method"


class CommandNotStarted(RequestRefused):
    """A command could not be started: its program or its working directory is not there, or not usable.

    Attributes:
        errno: The operating system's number of what went wrong, say `errno.ENOENT`; 0 where the
            server does not tell.
    """

    errno: int = 0


class CommandEnded(RequestRefused):
    """The command has ended, so it takes no input and no other size any more."""


class ServerFileError(RequestRefused):
    """A file operation failed on the server's machine.

    Attributes:
        errno: The operating system's number of what went wrong, say `errno.EISDIR`; 0 where the
            server itself refused it.
    """

    errno: int = 0


class ServerFileMissing(ServerFileError):
    """A file, or a folder that it should be in, is not there."""


class ServerDraining(RequestRefused):
    """The server is about to end and takes no new work (fact 112)."""

    retryable = True
    fix = "try again on a new connection"


class ServerOverloaded(RequestRefused):
    """The server has too many requests under way (fact 115)."""

    retryable = True
    fix = "try again a little later"
