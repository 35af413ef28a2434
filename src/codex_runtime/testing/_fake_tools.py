"""The dynamic tools of a fake thread: which there are, and what the client answers for them."""

from __future__ import annotations

from codex_runtime.testing._json import Json, is_list, member, objects
from codex_runtime.testing._step_types import ToolCall

__all__ = ["knows_tool", "tool_result"]


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
