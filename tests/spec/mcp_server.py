"""A stdio MCP server in a few lines. Run as a program: `python mcp_server.py`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

INFO: dict[str, Any] = {
    "capabilities": {"tools": {}, "resources": {}},
    "serverInfo": {"name": "tiny", "version": "1"},
}
TOOLS = [
    {"name": name, "inputSchema": {"type": "object"}} for name in ("ask", "die", "echo", "fail")
]
FORM: dict[str, Any] = {
    "message": "Who is it?",
    "requestedSchema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name"],
    },
}
RESOURCE = {"uri": "tiny://greeting", "name": "greeting", "mimeType": "text/plain"}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def call(name: str, params: dict[str, Any]) -> dict[str, Any]:
    if name == "echo":
        said = {"arguments": params.get("arguments"), "meta": params.get("_meta")}
        return {"content": [{"type": "text", "text": "echo"}], "structuredContent": said}
    if name == "fail":
        return {"content": [{"type": "text", "text": "it did not work"}], "isError": True}
    if name == "ask":
        return {"content": [{"type": "text", "text": json.dumps(ask(FORM))}]}
    if name == "die":
        os._exit(3)
    raise Refused(-32050, f"no tool called {name}")


def ask(form: dict[str, Any]) -> Any:
    """Ask a person, by way of the client; return what was answered."""
    tell({"id": "form", "method": "elicitation/create", "params": form})
    for line in sys.stdin:
        answered = json.loads(line)
        if answered.get("id") == "form":
            return answered.get("result")
    raise Refused(-32000, "nobody has answered")


def tell(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)  # noqa: T201 — that is how it talks


def read(uri: str) -> dict[str, Any]:
    if uri != RESOURCE["uri"]:
        raise Refused(-32002, f"no resource called {uri}")
    return {"contents": [{**RESOURCE, "text": "Hello."}]}


ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "initialize": lambda params: {**INFO, "protocolVersion": params["protocolVersion"]},
    "tools/list": lambda _: {"tools": TOOLS},
    "tools/call": lambda params: call(params["name"], params),
    "resources/list": lambda _: {"resources": [RESOURCE]},
    "resources/read": lambda params: read(params["uri"]),
    "resources/templates/list": lambda _: {"resourceTemplates": []},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method not in ANSWERS:
        raise Refused(-32601, f"no method called {method}")
    return ANSWERS[method](params)


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        told: dict[str, Any] = {"id": request["id"]}
        try:
            told["result"] = answer(request["method"], request.get("params") or {})
        except Refused as refused:
            told["error"] = {"code": refused.code, "message": str(refused)}
        tell(told)


if __name__ == "__main__":
    main()
