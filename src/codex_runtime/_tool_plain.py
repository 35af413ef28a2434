"""The use of a tool as plain data, for hooks that are processes."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from codex_runtime._server_request import ServerRequest
from codex_runtime.requests import CommandApproval, FileChangeApproval

__all__ = ["MAX_TOOL_INPUT", "plain_input"]

MAX_TOOL_INPUT: Final = 262_144
"""Bytes of JSON that a hook is told of one use of a tool: patches and outputs may have megabytes."""

_SHOWN: Final = 2_000
"""Characters that are kept of each text where all of it would be too much."""


def plain_input(tool_input: Any) -> dict[str, Any]:
    """The input of a tool under the protocol's names; cut where it is long, and `truncated` then."""
    told = _told(tool_input)
    if _fits(told):
        return told
    cut: dict[str, Any] = {**_cut(told), "truncated": True}
    if _fits(cut):
        return cut
    # So many texts that they are too much all the same.
    names = ("method", "type", "id")
    named: dict[str, Any] = {name: told[name] for name in names if name in told}
    return {**named, "truncated": True}


def _told(tool_input: Any) -> dict[str, Any]:
    if not isinstance(tool_input, ServerRequest):
        item: dict[str, Any] = msgspec.to_builtins(tool_input)
        return item
    told: dict[str, Any] = {
        "method": tool_input.method,
        "params": msgspec.to_builtins(tool_input.params),
    }
    match tool_input:
        case CommandApproval():
            told |= {
                "command": tool_input.command,
                "argv": list(tool_input.argv),
                "cwd": tool_input.cwd,
                "is_input": tool_input.is_input,
            }
        case FileChangeApproval():
            told |= {
                "paths": list(tool_input.paths),
                "inside_workspace": tool_input.inside_workspace,
                "diff": tool_input.diff,
            }
        case _:
            pass
    return told


def _fits(told: dict[str, Any]) -> bool:
    return len(msgspec.json.encode(told)) <= MAX_TOOL_INPUT


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _cut(each) for name, each in members.items()}
    given: Any = value
    return [_cut(each) for each in given] if isinstance(value, list) else value
