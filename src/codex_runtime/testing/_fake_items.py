"""The thread items that the fake app-server sends, field by field as codex 0.163 sends them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from codex_runtime.testing._fake_command_line import wrapped
from codex_runtime.testing._json import Json
from codex_runtime.testing._patches import FileChange
from codex_runtime.testing._step_types import McpCall

__all__ = [
    "agent_message",
    "command_execution",
    "dynamic_tool_call",
    "file_change",
    "input_text",
    "mcp_tool_call",
    "reasoning_item",
    "told_message",
    "turn_diff",
    "user_message",
]

NO_BLOB = "0" * 40
"""Git's name for a file that is not there."""


def user_message(item_id: str, content: list[Json], client_id: str | None) -> Json:
    """Return a userMessage item."""
    empty: Json = {"text_elements": []}
    parts = [
        {**part, **({} if "text_elements" in part else empty)} if _is_text(part) else part
        for part in content
    ]
    return {"type": "userMessage", "id": item_id, "clientId": client_id, "content": parts}


def agent_message(item_id: str, text: str, phase: str | None) -> Json:
    """Return an agentMessage item."""
    return {
        "type": "agentMessage",
        "id": item_id,
        "text": text,
        "phase": phase,
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
    }


def reasoning_item(item_id: str, summary: tuple[str, ...]) -> Json:
    """Return a reasoning item; its raw content is not shown by default."""
    return {"type": "reasoning", "id": item_id, "summary": list(summary), "content": []}


def command_execution(item_id: str, cmd: str, cwd: str) -> Json:
    """Return a commandExecution item that has only just begun and waits for an approval."""
    return {
        "type": "commandExecution",
        "id": item_id,
        "pluginId": None,
        "scriptPath": None,
        "command": wrapped(cmd),
        "cwd": cwd,
        "processId": None,
        "source": "agent",
        "status": "inProgress",
        "commandActions": [{"type": "unknown", "command": cmd}],
        "aggregatedOutput": None,
        "exitCode": None,
        "durationMs": None,
    }


def file_change(item_id: str, changes: tuple[FileChange, ...], cwd: str) -> Json:
    """Return a fileChange item."""
    return {
        "type": "fileChange",
        "id": item_id,
        "changes": [_update_json(change, cwd) for change in changes],
        "status": "inProgress",
    }


def dynamic_tool_call(item_id: str, tool: str, namespace: str | None, arguments: object) -> Json:
    """Return a dynamicToolCall item."""
    return {
        "type": "dynamicToolCall",
        "id": item_id,
        "namespace": namespace,
        "tool": tool,
        "arguments": arguments,
        "status": "inProgress",
        "contentItems": None,
        "success": None,
        "durationMs": None,
    }


def mcp_tool_call(item_id: str, call: McpCall) -> Json:
    """Return an mcpToolCall item."""
    return {
        "type": "mcpToolCall",
        "id": item_id,
        "server": call.server,
        "tool": call.tool,
        "status": "inProgress",
        "arguments": json.loads(call.arguments),
        "appContext": None,
        "mcpAppUi": None,
        "pluginId": None,
        "readOnlyHint": True if call.read_only else None,
        "result": None,
        "error": None,
        "durationMs": None,
    }


def told_message(role: str, text: str, kind: str = "input_text") -> Json:
    """Return a message as the model is told it, which is no item of the thread."""
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def input_text(content: list[Json]) -> str:
    """Return the text of a turn's input."""
    return " ".join(str(part.get("text", "")) for part in content if _is_text(part))


def turn_diff(changes: tuple[FileChange, ...]) -> str:
    """Return a turn's changes as a git diff.

    The fake has no files: an update is shown as its own lines, from line 1, and a deleted
    file as if it had been empty.
    """
    return "".join(_git_diff(change) for change in changes)


def _is_text(part: Json) -> bool:
    return part.get("type") == "text"


def _update_json(change: FileChange, cwd: str) -> Json:
    path = _within(cwd, change.path)
    if change.kind != "update":
        return {"path": path, "kind": {"type": change.kind}, "diff": _content(change)}
    moved = None if change.move_to is None else _within(cwd, change.move_to)
    note = "" if moved is None else f"\n\nMoved to: {moved}"
    kind = {"type": "update", "move_path": moved}
    return {"path": path, "kind": kind, "diff": "".join(_hunks(change)) + note}


def _within(cwd: str, path: str) -> str:
    return path if path.startswith("/") else f"{cwd.rstrip('/')}/{path}"


def _content(change: FileChange) -> str:
    return "".join(f"{line[1:]}\n" for line in change.body if line.startswith("+"))


def _git_diff(change: FileChange) -> str:
    old, new = change.path.lstrip("/"), (change.move_to or change.path).lstrip("/")
    head = f"diff --git a/{old} b/{new}\n"
    blob = _blob(_content(change))
    if change.kind == "add":
        added = f"new file mode 100644\nindex {NO_BLOB}..{blob}\n--- /dev/null\n+++ b/{new}\n"
        return head + added + "".join(_hunks(change))
    if change.kind == "delete":
        return f"{head}deleted file mode 100644\nindex {_blob('')}..{NO_BLOB}\n"
    return f"{head}index {_blob('')}..{blob}\n--- a/{old}\n+++ b/{new}\n" + "".join(_hunks(change))


def _hunks(change: FileChange) -> Iterator[str]:
    lines: list[str] = []
    for line in (*change.body, "@@"):
        if not line.startswith("@@"):
            lines.append(line or " ")
        elif lines:
            yield _hunk(lines)
            lines = []


def _hunk(lines: list[str]) -> str:
    before = sum(not line.startswith("+") for line in lines)
    after = sum(not line.startswith("-") for line in lines)
    head = f"@@ -{_span(before)} +{_span(after)} @@\n"
    return head + "".join(f"{line}\n" for line in lines if line != "*** End of File")


def _span(count: int) -> str:
    if count == 0:
        return "0,0"
    return "1" if count == 1 else f"1,{count}"


def _blob(content: str) -> str:
    data = content.encode()
    # Git's own name for the content; nothing secret depends on it.
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
