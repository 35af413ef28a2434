"""What a client does where the server asks it something, on either server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from runtime.fake_acts import LOOKUP, Act
from support_app_server import Conversation, Json

from codex_runtime.testing import (
    add_file,
    apply_patch,
    mcp_call,
    patch_text,
    shell,
    tool_call,
)
from codex_runtime.testing._step_types import Output

COMMAND: Final = "item/commandExecution/requestApproval"
PATCH: Final = "item/fileChange/requestApproval"
PERMISSIONS: Final = "item/permissions/requestApproval"
QUESTION: Final = "item/tool/requestUserInput"
ELICITATION: Final = "mcpServer/elicitation/request"
TOOL: Final = "item/tool/call"

CONFIG: Json = {
    "features.request_permissions_tool": True,
    "suppress_unstable_features_warning": True,
    "mcp_servers": {
        "asking": {
            "command": sys.executable,
            "args": [str(Path(__file__).with_name("asking_server.py"))],
        }
    },
}

PLAN: Json = {
    "mode": "plan",
    "settings": {"model": "gpt-5.5", "reasoning_effort": None, "developer_instructions": "Plan."},
}

CHOICES = [{"label": "Red", "description": "as blood"}, {"label": "Blue", "description": "as sky"}]

ASK_USER: Json = {
    "questions": [{"id": "color", "header": "Color", "question": "Which?", "options": CHOICES}]
}

NO_CHOICES: Json = {
    "questions": [{"id": "color", "header": "Color", "question": "Which?", "options": []}]
}

ASK_PERMISSIONS: Json = {
    "reason": "to write",
    "permissions": {
        "file_system": {"write": ["/wanted", "/also"], "read": ["/seen"]},
        "network": {"enabled": True},
    },
}

FORM: Json = {
    "message": "Who is it?",
    "requestedSchema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name"],
    },
}

URL: Json = {
    "mode": "url",
    "message": "Sign in",
    "url": "https://example.com/",
    "elicitationId": "1",
}

ASKING: dict[str, Output] = {
    COMMAND: shell("echo hi", escalate=True, output="hi\n"),
    PATCH: apply_patch(patch_text(add_file("a.txt", "one\n"))),
    PERMISSIONS: tool_call("request_permissions", ASK_PERMISSIONS),
    QUESTION: tool_call("request_user_input", ASK_USER),
    ELICITATION: mcp_call("asking", "say", {"text": "hi"}, output="said"),
    TOOL: tool_call("lookup", {"q": "x"}),
}
"""A step for each request of the server's that it leads to."""

YES: dict[str, Json] = {
    COMMAND: {"decision": "accept"},
    PATCH: {"decision": "accept"},
    PERMISSIONS: {"permissions": {"fileSystem": {"write": ["/wanted"]}}},
    QUESTION: {"answers": {"color": {"answers": ["Red"]}}},
    ELICITATION: {"action": "accept", "content": None},
    TOOL: {"success": True, "contentItems": []},
}
"""An answer to each that lets the call go on."""


async def open_thread(talk: Conversation, work: Path, **settings: Any) -> str:
    settings = {"approvalPolicy": "on-request", "sandbox": "read-only", **settings}
    return await talk.thread(cwd=str(work), config=CONFIG, dynamicTools=[LOOKUP], **settings)


def plan(method: str) -> Json:
    return {"collaborationMode": PLAN} if method == QUESTION else {}


def answering(answers: dict[str, Json], *, turns: int = 1, **settings: Any) -> Act:
    """Run turns in which each request gets the answer of its method: `result` or `error`."""

    async def act(talk: Conversation, work: Path) -> None:
        for method, answer in answers.items():
            talk.answers[method] = lambda _, answer=answer: answer
        thread = await open_thread(talk, work, **settings)
        for _ in range(turns):
            await talk.turn(thread, **plan(QUESTION if QUESTION in answers else ""))

    return act


def results(**answers: object) -> dict[str, Json]:
    """Answers of `answering`, by the names of the methods above."""
    return {globals()[name]: {"result": result} for name, result in answers.items()}


async def asked(talk: Conversation, work: Path, method: str) -> tuple[str, str, Json]:
    """Start a turn, and wait for a request; return it, and the ids of thread and turn."""
    thread = await open_thread(talk, work)
    place = len(talk.heard)
    turn = await talk.turn_start(thread, **plan(method))
    request = await talk.until(lambda message: message.get("method") == method, after=place)
    return thread, turn, request


def resumed(method: str, *, unsubscribed: bool = False) -> Act:
    """Resume the thread while a request is open, and answer it then."""

    async def act(talk: Conversation, work: Path) -> None:
        thread, _, request = await asked(talk, work, method)
        if unsubscribed:
            await talk.result("thread/unsubscribe", threadId=thread)
        place, number = len(talk.heard), request["id"]
        await talk.result("thread/resume", threadId=thread, excludeTurns=True)
        again = await talk.until(lambda message: message.get("method") == method, after=place)
        assert again == request
        talk.say({"id": number, "result": YES[method]})
        await talk.completed(thread, after=place)

    return act


def interrupted(method: str) -> Act:
    """Interrupt while a request is open, answer it too late, and run another turn."""

    async def act(talk: Conversation, work: Path) -> None:
        thread, turn, request = await asked(talk, work, method)
        place = len(talk.heard)
        await talk.result("turn/interrupt", threadId=thread, turnId=turn)
        await talk.completed(thread, after=place)
        if method != TOOL:
            await talk.event("serverRequest/resolved", after=place, threadId=thread)
        talk.say({"id": request["id"], "result": YES[method]})
        await talk.turn(thread, "go on")

    return act


def archived(method: str) -> Act:
    async def act(talk: Conversation, work: Path) -> None:
        thread, _, _ = await asked(talk, work, method)
        await talk.result("thread/archive", threadId=thread)
        await talk.event("thread/archived", threadId=thread)

    return act


def cancelled(method: str) -> Act:
    """Answer `cancel`, which ends the turn, and run another."""

    async def act(talk: Conversation, work: Path) -> None:
        talk.answers[method] = lambda _: {"result": {"decision": "cancel"}}
        thread = await open_thread(talk, work)
        assert (await talk.turn(thread))["status"] == "interrupted"
        await talk.turn(thread, "go on")

    return act


async def unsubscribed(talk: Conversation, work: Path) -> None:
    thread, _, request = await asked(talk, work, COMMAND)
    await talk.result("thread/unsubscribe", threadId=thread)
    place = len(talk.heard)
    talk.say({"id": request["id"], "result": YES[COMMAND]})
    await talk.event("thread/status/changed", after=place, status={"type": "idle"})
