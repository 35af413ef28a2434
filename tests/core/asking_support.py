"""Requests of the server as a person is asked about them, with no server behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from codex_runtime.protocol import UnknownServerRequest
from codex_runtime.protocol.codec import Codec
from codex_runtime.requests import REQUEST_TYPES, ServerRequest, UnknownRequest

__all__ = [
    "COMMAND",
    "ELICITATION",
    "FILES",
    "LEGACY_COMMAND",
    "LEGACY_PATCH",
    "PERMISSIONS",
    "QUESTIONS",
    "TOOL",
    "Desk",
    "request_of",
]

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTIONS = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"
TOOL = "item/tool/call"
LEGACY_COMMAND = "execCommandApproval"
LEGACY_PATCH = "applyPatchApproval"


class Desk:
    """A clock that stands still, and nobody who would send an answer."""

    def answer(self, request: ServerRequest, answer: Any, by: str) -> None:
        raise AssertionError(f"{by} has answered {request} with {answer}")

    def now(self) -> float:
        return 0.0


def request_of(method: str, **params: Any) -> Any:
    """A request, as it would come off the wire; 600 seconds are left of its time."""
    ids = {"threadId": "T", "turnId": "U", "itemId": "I", "callId": "I", "conversationId": "T"}
    said: Mapping[str, Any] = {**ids, **params}
    read = Codec().server_request(method, Raw(json.dumps(said).encode()))
    kind = REQUEST_TYPES.get(method, UnknownRequest)
    known: Any = read.params if isinstance(read, UnknownServerRequest) else read
    return kind(Desk(), "r-1", 0, method, known, deadline=600.0)
