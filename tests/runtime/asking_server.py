"""A stdio MCP server that asks: `say` wants to be approved, `ask` asks what its arguments say."""

from __future__ import annotations

import json
import sys
from typing import Any

QUESTION = "question"

TOOLS = [
    {"name": "say", "inputSchema": {"type": "object"}},
    {"name": "ask", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
]


def tell(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)  # noqa: T201 — that is how it talks


def ask(params: dict[str, Any]) -> Any:
    """Ask the client; return what it answers, None if it does not any more."""
    tell(id=QUESTION, method="elicitation/create", params=params)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == QUESTION:
            return message.get("result", message.get("error"))
        if message.get("method") == "notifications/cancelled":
            return None
    return None


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        info = {"name": "asking", "version": "1"}
        version = params["protocolVersion"]
        return {"capabilities": {"tools": {}}, "serverInfo": info, "protocolVersion": version}
    if method == "tools/list":
        return {"tools": TOOLS}
    said = json.dumps(ask(params["arguments"])) if params["name"] == "ask" else "said"
    return {"content": [{"type": "text", "text": said}]}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request and "method" in request:
            tell(id=request["id"], result=answer(request["method"], request.get("params") or {}))


if __name__ == "__main__":
    main()
