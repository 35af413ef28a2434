"""How a command ends: exit codes, which error leads to which, and the signals."""

import signal
from enum import IntEnum
from typing import Final

from codex_runtime.errors import (
    CodexNotFound,
    CodexRuntimeError,
    HandshakeTimeout,
    IncompatibleCodexVersion,
    InvalidArgument,
    StartupFailed,
    TurnTimedOut,
)

__all__ = ["EXIT_CODES", "Exit", "ending_signals", "exit_of"]


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 3
    NO_CODEX = 4
    DENIED = 5
    UNDECIDED = 6
    TIMEOUT = 124


EXIT_CODES: Final = {
    Exit.DONE: "done",
    Exit.FAILED: "the turn failed, or the connection to codex was lost",
    Exit.USAGE: "the command line cannot be used as it is",
    Exit.INTERRUPTED: "interrupted by Ctrl-C, SIGTERM or SIGHUP",
    Exit.NO_CODEX: "codex is missing, too old, or does not start",
    Exit.DENIED: "`rules check`: the rules deny the command",
    Exit.UNDECIDED: "`rules check`: the rules leave the command to somebody else",
    Exit.TIMEOUT: "the turn used up its --timeout",
}
"""What `--help` says of each."""

_BY_ERROR: Final[tuple[tuple[type[CodexRuntimeError], Exit], ...]] = (
    (InvalidArgument, Exit.USAGE),
    (CodexNotFound, Exit.NO_CODEX),
    (IncompatibleCodexVersion, Exit.NO_CODEX),
    (StartupFailed, Exit.NO_CODEX),
    (HandshakeTimeout, Exit.NO_CODEX),
    (TurnTimedOut, Exit.TIMEOUT),
)
"""The first that fits counts; every other error is `FAILED`."""


def exit_of(error: CodexRuntimeError) -> Exit:
    """The exit code that this error leads to."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FAILED)


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that end a command: those of people, supervisors and closed terminals.

    A SIGHUP that was set to be ignored (`nohup`) stays so.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
