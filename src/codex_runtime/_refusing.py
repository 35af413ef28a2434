"""How to say no to each kind of request of the server, so that the turn goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from codex_runtime._outgoing import encode
from codex_runtime._server_request import Decision, ServerRequest
from codex_runtime.answers import ToolResult
from codex_runtime.requests import (
    REQUEST_TYPES,
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    PermissionsApproval,
    ToolCallRequest,
    UnknownRequest,
    UserInputRequest,
)

__all__ = ["Reply", "refusal_of", "told_by_tool"]

_METHOD_NOT_FOUND: Final = -32601

_NOBODY_HERE: Final = "nobody is there to approve this"

_NO_SUCH_TOOL: Final = "this tool is not available in this session"

_REFUSALS: Final[dict[type[ServerRequest], Mapping[str, Any]]] = {
    # The item ends as declined and the turn goes on (facts 73 and 79).
    CommandApproval: {"decision": "decline"},
    FileChangeApproval: {"decision": "decline"},
    # Nothing granted (fact 81).
    PermissionsApproval: {"permissions": {}, "scope": "turn"},
    # No answers; the model sees that (fact 80).
    UserInputRequest: {"answers": {}},
    # Unlike "cancel", it lets the server's own side know that the answer is no (fact 83).
    McpElicitation: {"action": "decline", "content": None},
}


class Reply(NamedTuple):
    """What is sent.

    Attributes:
        decision: What it comes to.
        result: The encoded result, or None to answer with an error.
        code: The code of that error.
        message: The text of that error.
        reason: Why, for the audit.
        ends_turn: Whether the turn is to be interrupted besides, since the answer does not do that.
    """

    decision: Decision
    result: bytes | None = None
    code: int = _METHOD_NOT_FOUND
    message: str = ""
    reason: str = ""
    ends_turn: bool = False


def refusal_of(request: ServerRequest, reason: str = "") -> Reply:
    """How to say no to it, so that the turn goes on and the model is told."""
    # Of what cannot be read in full the method is known all the same.
    kind = REQUEST_TYPES.get(request.method, UnknownRequest)
    if kind is ToolCallRequest:
        result: Any = told_by_tool(ToolResult(reason or _NO_SUCH_TOOL, success=False))
    elif kind in {LegacyCommandApproval, LegacyPatchApproval}:
        # A plain "denied" is none of their words any more (checked against the schemas of 0.154
        # and 0.163), and "abort" would end the turn.
        result = {"decision": {"denied": {"rejection": reason or _NOBODY_HERE}}}
    else:
        result = _REFUSALS.get(kind)
    if result is not None:
        return Reply("refused", encode(result))
    return Reply("refused", message=f"this client does not answer {request.method}")


def told_by_tool(result: ToolResult) -> dict[str, Any]:
    """A result of a tool as it is sent."""
    parts = (result.content,) if isinstance(result.content, str) else result.content
    items = [
        {"type": "inputText", "text": part}
        if isinstance(part, str)
        else {"type": "inputImage", "imageUrl": part.url}
        for part in parts
    ]
    return {"contentItems": items, "success": result.success}
