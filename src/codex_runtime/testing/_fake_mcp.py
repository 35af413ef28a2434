"""The calls of MCP tools of a fake turn: their approvals, and what the servers ask the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from codex_runtime.testing._fake_items import mcp_tool_call
from codex_runtime.testing._fake_questions import APPROVAL
from codex_runtime.testing._json import Json, is_object, member
from codex_runtime.testing._step_types import McpCall

if TYPE_CHECKING:
    from codex_runtime.testing._fake_calls import CallPlay

__all__ = ["McpPlay"]

UNATTENDED = "MCP tool call requires approval, but approval policy is never"
"""Why a tool is not called where nobody may be asked."""

REJECTED = {
    "decline": "user rejected MCP tool call",
    "cancel": "user cancelled MCP tool call",
}
"""Why a tool is not called after an answer; any other answer is taken for `decline`."""


class McpPlay:
    """Plays the calls of MCP tools of one turn (facts 313 to 315)."""

    def __init__(self, calls: CallPlay) -> None:
        self._calls = calls
        self._play = calls.play

    def start(self, call_id: str, call: McpCall) -> None:
        """Call a tool, after having asked whether that is allowed."""
        thread = self._play.thread
        item = mcp_tool_call(call_id, call)
        self._play.item_started(item)
        if call.read_only or _key(call) in thread.approved:
            self._called(call, item)
        elif self._play.approval_policy != "never":
            self._ask(_approval(call), lambda result: self._decided(call, item, result))
        elif thread.settings.sandbox.get("type") == "dangerFullAccess":
            self._called(call, item)
        else:
            self._failed(item, UNATTENDED)

    def _ask(self, asked: Json, decided: Callable[[Json], None]) -> None:
        process, thread = self._play.process, self._play.thread
        process.flag(thread, APPROVAL)
        ids = {"threadId": thread.id, "turnId": self._play.turn.id}

        def answered(answer: Json) -> None:
            process.unflag(thread)
            decided(member(answer.get("result")))

        self._calls.questions.ask("mcpServer/elicitation/request", {**ids, **asked}, answered)

    def _decided(self, call: McpCall, item: Json, result: Json) -> None:
        action = str(result.get("action"))
        if action != "accept":
            self._failed(item, REJECTED.get(action, REJECTED["decline"]))
            return
        if member(result.get("_meta")).get("persist") in ("session", "always"):
            self._play.thread.approved.add(_key(call))
        self._called(call, item)

    def _called(self, call: McpCall, item: Json) -> None:
        if call.asks is None:
            self._returned(item, call.output)
            return
        asked = json.loads(call.asks)

        def answered(result: Json) -> None:
            self._returned(item, call.output or json.dumps(_handed_on(result)))

        if self._play.approval_policy == "never":
            answered({})
        else:
            self._ask(_elicitation(call, asked), answered)

    def _returned(self, item: Json, text: str) -> None:
        content = [{"type": "text", "text": text}]
        result = {"content": content, "structuredContent": None, "_meta": None}
        self._ended(item, "completed", text, result=result)

    def _failed(self, item: Json, why: str) -> None:
        self._ended(item, "failed", why, error={"message": why})

    def _ended(self, item: Json, status: str, told: str, **outcome: Json) -> None:
        self._play.item_completed({**item, "status": status, "durationMs": 0, **outcome})
        self._calls.report(item["id"], f"Wall time: 0.0000 seconds\nOutput:\n{told}")


def _key(call: McpCall) -> str:
    return f"mcp:{call.server}:{call.tool}"


def _approval(call: McpCall) -> Json:
    arguments: Json = json.loads(call.arguments)
    shown = [
        {"name": name, "value": value, "display_name": name} for name, value in arguments.items()
    ]
    return {
        "serverName": call.server,
        "mode": "form",
        "_meta": {
            "codex_approval_kind": "mcp_tool_call",
            "persist": ["session", "always"],
            "tool_params": arguments,
            "tool_params_display": shown,
        },
        "message": f'Allow the {call.server} MCP server to run tool "{call.tool}"?',
        "requestedSchema": {"type": "object", "properties": {}},
    }


def _elicitation(call: McpCall, asked: Json) -> Json:
    fields = ("url", "elicitationId") if asked.get("mode") == "url" else ("requestedSchema",)
    return {
        "serverName": call.server,
        "mode": "url" if asked.get("mode") == "url" else "form",
        "_meta": asked.get("_meta"),
        "message": asked.get("message"),
        **{field: asked.get(field) for field in fields},
    }


def _handed_on(result: Json) -> Json:
    """What the server is answered; what cannot be read is declined."""
    action = result.get("action")
    if action not in ("accept", "cancel"):
        return {"action": "decline"}
    if action == "cancel":
        return {"action": "cancel"}
    content = result.get("content")
    handed: Json = {"action": "accept", "content": {} if content is None else content}
    meta = result.get("_meta")
    return {**handed, "_meta": meta} if is_object(meta) else handed
