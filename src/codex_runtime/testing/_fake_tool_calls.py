"""The calls of dynamic tools of a fake turn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from codex_runtime.testing._fake_items import dynamic_tool_call
from codex_runtime.testing._fake_tools import knows_tool, tool_result
from codex_runtime.testing._json import Json, text_of
from codex_runtime.testing._step_types import ToolCall

if TYPE_CHECKING:
    from codex_runtime.testing._fake_calls import CallPlay

__all__ = ["ToolPlay"]

CANCELLED = "dynamic tool call was cancelled before receiving a response"
"""What codex tells the model of a tool whose turn was interrupted."""


class ToolPlay:
    """Plays the calls of dynamic tools of one turn."""

    def __init__(self, calls: CallPlay) -> None:
        self._calls = calls
        self._play = calls.play
        self._open: dict[str, Json] = {}

    def start(self, call_id: str, call: ToolCall) -> None:
        """Have the client run a tool, if there is such a one."""
        thread = self._play.thread
        if not knows_tool(thread.dynamic_tools, call):
            name = f"{call.namespace or ''}{call.name}"
            self._calls.report(call_id, f"unsupported call: {name}")
            return
        try:
            arguments = json.loads(call.arguments)
        except ValueError as error:
            self._calls.report(call_id, f"failed to parse function arguments: {error}")
            return
        item = dynamic_tool_call(call_id, call.name, call.namespace, arguments)
        self._play.item_started(item)
        self._open[call_id] = item
        params = {
            "threadId": thread.id,
            "turnId": self._play.turn.id,
            "callId": call_id,
            "namespace": call.namespace,
            "tool": call.name,
            "arguments": arguments,
        }
        # Neither a flag of the thread's nor an end that is told (fact 82).
        self._calls.questions.ask(
            "item/tool/call", params, lambda answer: self._answered(call_id, answer), told=False
        )

    def give_up(self) -> None:
        """Fail the calls that were not answered."""
        for call_id in [*self._open]:
            self._done(call_id, [], success=False)
            self._calls.report(call_id, CANCELLED)

    def _answered(self, call_id: str, answer: Json) -> None:
        content, success = tool_result(answer)
        self._done(call_id, content, success=success)
        self._calls.report(call_id, text_of(content, between="\n"))

    def _done(self, call_id: str, content: list[Json], *, success: bool) -> None:
        status = "completed" if success else "failed"
        ended = {"status": status, "contentItems": content, "success": success, "durationMs": 0}
        self._play.item_completed({**self._open.pop(call_id), **ended})
