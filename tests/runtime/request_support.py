"""What tests share about requests of the server: how each kind looks, and one that asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from runtime.support import Message, Server, a_thread

from codex_runtime import ThreadHandle, TurnHandle, TurnOptions

__all__ = ["COMMAND", "PARAMS", "Ids", "ask", "asking"]

Ids = tuple[str, str]
"""(thread id, turn id)"""

COMMAND = "item/commandExecution/requestApproval"

PARAMS: dict[str, dict[str, Any]] = {
    COMMAND: {"itemId": "c1", "command": "/bin/bash -lc 'touch a'", "cwd": "/srv"},
    "item/fileChange/requestApproval": {"itemId": "p1"},
    "item/permissions/requestApproval": {
        "itemId": "q1",
        "cwd": "/srv",
        "permissions": {"fileSystem": {"write": ["/data"]}, "network": None},
    },
    "item/tool/requestUserInput": {
        "itemId": "u1",
        "isBlocking": True,
        "questions": [{"id": "colour", "header": "Colour", "question": "Which?"}],
    },
    "mcpServer/elicitation/request": {
        "serverName": "files",
        "mode": "form",
        "message": "Name?",
        "requestedSchema": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}},
            "required": ["name"],
        },
    },
    "item/tool/call": {"callId": "t1", "tool": "weather", "arguments": {}},
    "execCommandApproval": {"callId": "e1", "command": ["ls"], "cwd": "/srv", "parsedCmd": []},
    "applyPatchApproval": {"callId": "a1", "fileChanges": {}},
}
"""What each kind of request says besides the thread and the turn."""


def ask(server: Server, ids: Ids, method: str = COMMAND, *, id: int = 0, **params: Any) -> None:
    """Have the server ask, in a turn."""
    thread_id, turn_id = ids
    about: Message = {"threadId": thread_id, "turnId": turn_id, "conversationId": thread_id}
    server.say(id=id, method=method, params={**about, **PARAMS.get(method, {}), **params})


@asynccontextmanager
async def asking(
    server: Server, *, of_turn: TurnOptions | None = None, **options: Any
) -> AsyncGenerator[tuple[ThreadHandle, TurnHandle, Ids]]:
    """A runtime, a thread and a turn that goes on, for the server to ask in."""
    async with a_thread(server, **options) as thread:
        turn = await thread.turn_start("Work.", **(of_turn or TurnOptions()))
        yield thread, turn, (turn.thread_id, turn.turn_id)
