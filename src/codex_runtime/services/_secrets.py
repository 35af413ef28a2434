"""Secrets of the caller, kept out of errors that quote what was sent."""

from __future__ import annotations

import re
from typing import Final

from codex_runtime.errors import (
    CodexRuntimeError,
    ConfigurationRefused,
    ConnectionLost,
    RemoteProtocolError,
    RequestRefused,
)

__all__ = ["leave_words_out"]

_REASON: Final = re.compile(r"[A-Za-z]{1,40}")
"""What a reason of the server's looks like, say `configValidationError`."""


def leave_words_out(error: CodexRuntimeError, quoted: str) -> None:
    """Take all that the server said by itself out of an error.

    All of it, because a secret need not be found in it: the server shows a value as Rust does, with
    marks before quotes and backslashes, and it may be short, a number, or the key of a table.

    Args:
        error: What is about to be raised.
        quoted: What the words might quote.
    """
    instead = f"the server's words are left out, since they might quote {quoted}"
    error.args = ()
    if isinstance(error, RequestRefused):
        said = vars(error)
        said |= dict.fromkeys(said.keys() - {"method", "code", "message", "reason"})
        error.message = instead
        if isinstance(error, ConfigurationRefused) and not _REASON.fullmatch(error.reason):
            error.reason = ""
    elif isinstance(error, RemoteProtocolError):
        error.problem = instead
    elif isinstance(error, ConnectionLost):
        error.stderr_tail = ""
