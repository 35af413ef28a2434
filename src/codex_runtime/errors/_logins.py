"""How sign-ins end that do not end well."""

from __future__ import annotations

from codex_runtime.errors._base import Record, redact
from codex_runtime.errors._server import RequestTimeout

__all__ = ["LoginFailed", "LoginTimedOut"]


class LoginFailed(Record):
    """A sign-in came to its end without success: it was refused, cancelled, or replaced by another.

    Attributes:
        message: The server's words; empty where it gave none.
        login_id: The sign-in, or None where the server gives sign-ins no id.
        server: The MCP server that it was for; empty where it was for the account.
    """

    message: str
    login_id: str | None = None
    server: str = ""

    def __str__(self) -> str:
        where = f" to MCP server {self.server!r}" if self.server else ""
        return f"the sign-in{where} failed: {redact(self.message) or 'codex gave no reason'}"


class LoginTimedOut(RequestTimeout):
    """Nobody has finished the sign-in in time. It is still open: wait again, or cancel it.

    Attributes:
        method: The wire name of the notification that was waited for.
        seconds: How long.
        login_id: The sign-in, or None where the server gives sign-ins no id.
    """

    login_id: str | None = None

    def __str__(self) -> str:
        return f"nobody has finished the sign-in in {self.seconds:g} s; it is still open"
