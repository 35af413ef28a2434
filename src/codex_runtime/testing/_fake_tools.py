"""The dynamic tools of a fake thread: which there are, and what the client answers for them."""

from __future__ import annotations

import re
from typing import Final

from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, is_list, member, objects
from codex_runtime.testing._step_types import ToolCall

__all__ = ["checked_tools", "knows_tool", "tool_result"]

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 128


def checked_tools(tools: list[Json]) -> list[Json]:
    """Return the tools of a thread that is started, as far as codex takes them (fact 340)."""
    seen: set[object] = set()
    for tool in tools:
        if tool.get("type", "function") == "function":
            name = tool.get("name")
            if not isinstance(name, str):
                raise Refused("Invalid request: missing field `name`")
            _check_name(name)
            if name in seen:
                raise Refused(f"duplicate dynamic tool name: {name}")
            seen.add(name)
    return tools


def _check_name(name: str) -> None:
    if not name:
        raise Refused("dynamic tool name must not be empty")
    if name != name.strip():
        raise Refused(f"dynamic tool name has leading/trailing whitespace: {name}")
    if not _NAME.fullmatch(name):
        raise Refused(
            f"dynamic tool name must match ^[a-zA-Z0-9_-]+$ to match Responses API: {name}"
        )
    if len(name) > _LONGEST_NAME:
        raise Refused(
            f"dynamic tool name must be at most {_LONGEST_NAME} characters to match "
            f"Responses API: {name}"
        )
    if name == "mcp" or name.startswith("mcp__"):
        raise Refused(f"dynamic tool name is reserved: {name}")


def knows_tool(tools: list[Json], call: ToolCall) -> bool:
    """Return whether a tool that the client has declared is the one called."""
    for tool in tools:
        if tool.get("type") == "namespace":
            inside = [each.get("name") for each in objects(tool.get("tools"))]
            if tool.get("name") == call.namespace and call.name in inside:
                return True
        elif tool.get("name") == call.name and tool.get("namespace") == call.namespace:
            return True
    return False


def tool_result(answer: Json) -> tuple[list[Json], bool]:
    """Return the content that a client's answer comes to, and whether the tool succeeded."""
    if "error" in answer:
        return [{"type": "inputText", "text": "dynamic tool request failed"}], False
    result = member(answer.get("result"))
    content, success = result.get("contentItems"), result.get("success")
    kinds = [part.get("type") for part in objects(content)]
    known = {"inputText", "inputImage", "inputAudio"}
    if not is_list(content) or not isinstance(success, bool) or not known.issuperset(kinds):
        return [{"type": "inputText", "text": "dynamic tool response was invalid"}], False
    return objects(content), success
