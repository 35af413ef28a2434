"""The lines of `--json`: one object per line, the same on every run. Pure.

The first line of a run names `schema_version`. New keys and new kinds of lines do not change
it; a key that goes or changes its meaning does.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from codex_runtime._text import escape_json
from codex_runtime.cli._exits import Exit
from codex_runtime.errors import CodexRuntimeError
from codex_runtime.protocol import Event, UnknownNotification, to_plain
from codex_runtime.state import TurnResult

if TYPE_CHECKING:
    from codex_runtime.protocol import TurnError

__all__ = ["SCHEMA_VERSION", "encode", "ended", "event_object"]

SCHEMA_VERSION: Final = 1
"""Of the lines of `run --json` and of `doctor --json`."""


def encode(value: dict[str, Any]) -> str:
    """Write an object as one line, safe to be looked at in a terminal."""
    return escape_json(msgspec.json.encode(value).decode())


def event_object(event: Event) -> dict[str, Any]:
    """An event of the protocol: `method` and `params` as on the wire."""
    if isinstance(event, UnknownNotification):
        params: Any = event.params
    else:
        params = to_plain(event)
        params.pop("emittedAtMs", None)
    return {
        "type": "event",
        "method": event.method,
        "params": params,
        "emitted_at_ms": event.emitted_at_ms,
    }


def ended(
    code: Exit,
    thread_id: str | None = None,
    turn_id: str | None = None,
    *,
    result: TurnResult | None = None,
    error: CodexRuntimeError | None = None,
) -> dict[str, Any]:
    """The last line of a run, with the same keys however it ended.

    Args:
        code: The exit code.
        thread_id: The thread, where one was opened.
        turn_id: The turn, where one was started.
        result: What the turn did, where that is known.
        error: What was raised, where anything was.
    """
    unknown = "incomplete" if error is None else "failed"
    return {
        "type": "run.ended",
        "exit_code": int(code),
        "status": result.status if result else unknown,
        "text": result.text if result else "",
        "usage": to_plain(result.usage) if result else None,
        "diff": result.diff if result else "",
        "error": _error(error, result.error if result else None),
        "duration": result.duration if result else None,
        "thread_id": thread_id,
        "turn_id": turn_id,
    }


def _error(raised: CodexRuntimeError | None, told: "TurnError | None") -> dict[str, Any] | None:
    """What went wrong: the class of our error and its text, and the server's own word for it."""
    if raised is None and told is None:
        return None
    return {
        "type": type(raised or told).__name__,
        "message": str(raised) if raised else (told and told.message) or "",
        "info": to_plain(told.codex_error_info) if told else None,
    }
