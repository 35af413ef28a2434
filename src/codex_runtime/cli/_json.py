"""The lines of `--json`: one object per line, the same on every run. Pure.

The first line of a run names `schema_version`. New keys and new kinds of lines do not change
it; a key that goes or changes its meaning does.
"""

from typing import Any, Final, cast

import msgspec

from codex_runtime.cli._exits import Exit
from codex_runtime.cli._text import escape_json
from codex_runtime.errors import CodexRuntimeError
from codex_runtime.protocol import Event, UnknownNotification
from codex_runtime.protocol._base import SENTINEL, TAG_FIELDS
from codex_runtime.state import TurnResult

__all__ = ["SCHEMA_VERSION", "encode", "ended", "event_object", "failed", "left"]

SCHEMA_VERSION: Final = 1
"""Of the lines of `run --json` and of `doctor --json`."""


def encode(value: dict[str, Any]) -> str:
    """Write an object as one line, safe to be looked at in a terminal."""
    return escape_json(msgspec.json.encode(value).decode())


def event_object(event: Event) -> dict[str, Any]:
    """An event of the protocol: `method` and `params` as on the wire."""
    if isinstance(event, UnknownNotification):
        params: object = event.params
    else:
        members = _wire(event)
        members.pop("emittedAtMs", None)
        params = members
    return {
        "type": "event",
        "method": event.method,
        "params": params,
        "emitted_at_ms": event.emitted_at_ms,
    }


def ended(result: TurnResult, code: Exit) -> dict[str, Any]:
    """The last line of a turn that ended, however it did."""
    return {
        "type": "run.ended",
        "exit_code": int(code),
        "status": result.status,
        "text": result.text,
        "usage": None if result.usage is None else msgspec.to_builtins(result.usage),
        "diff": result.diff,
        "error": None if result.error is None else _wire(result.error),
        "duration": result.duration,
        "thread_id": result.thread_id,
        "turn_id": result.turn_id,
    }


def left() -> dict[str, Any]:
    """The last line of a run that the user left before its turn had ended."""
    return {"type": "run.ended", "exit_code": int(Exit.INTERRUPTED), "status": "incomplete"}


def failed(error: CodexRuntimeError, code: Exit) -> dict[str, Any]:
    """The last line of a run without a result: the class of the error, and its text."""
    return {
        "type": "run.ended",
        "exit_code": int(code),
        "status": "failed",
        "error": {"type": type(error).__name__, "message": str(error)},
    }


def _wire(value: msgspec.Struct) -> dict[str, Any]:
    return cast("dict[str, Any]", _without_sentinels(msgspec.to_builtins(value)))


def _without_sentinels(value: object) -> object:
    """Put what this version does not know back as it came, instead of the class that holds it."""
    if isinstance(value, list):
        return [_without_sentinels(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if any(members.get(tag) == SENTINEL for tag in TAG_FIELDS):
        return members.get("raw")
    return {key: _without_sentinels(each) for key, each in members.items()}
