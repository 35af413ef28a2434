"""What answers have to hold."""

from __future__ import annotations

from typing import Any, TypeVar

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.protocol import UNSET, Method

__all__ = ["present"]

T = TypeVar("T")


def present(value: T, method: Method[Any, Any]) -> T:
    """Return the one thing that an answer is about.

    Raises:
        RemoteProtocolError: The server left it out.
    """
    given: Any = value
    if given is UNSET or given is None:
        raise RemoteProtocolError(method.method, "it leaves out what was asked for")
    return value
