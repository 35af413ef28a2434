"""The fake app-server is a verified fake: the same script and the same client, both servers.

Everything that a server says is compared: methods in order, and in them all fields and values
but ids, times and paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from support_app_server import Conversation, Json, binaries, with_fake, with_real

from codex_runtime.testing import (
    FakeAppServer,
    ScriptedModel,
    Step,
    Usage,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    fail,
    patch_text,
    reasoning,
    shell,
    stall,
    together,
    tool_call,
)

pytestmark = pytest.mark.real

LOOKUP = {
    "type": "function",
    "name": "lookup",
    "description": "Looks up.",
    "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}},
}

VOLATILE = {
    "completedAt", "completedAtMs", "createdAt", "durationMs", "emittedAtMs", "recencyAt",
    "revision", "startedAt", "startedAtMs", "updatedAt", "processId", "backwardsCursor",
    "turnsBackwardsCursor", "itemsBackwardsCursor",
}  # fmt: skip
"""Fields whose values no two runs share; only whether they are there and not null is compared."""

Act = Callable[[Conversation, Path], Coroutine[Any, Any, None]]


def normal(value: Any, names: dict[str, str], field: str = "") -> Any:
    """`value` with ids numbered in order of appearance, and volatile values left out."""
    if isinstance(value, dict):
        return {
            key: normal(each, names, key)
            for key, each in sorted(value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] — any JSON
        }
    if isinstance(value, list):
        return [normal(each, names) for each in value]  # pyright: ignore[reportUnknownVariableType] — any JSON
    if field in VOLATILE or (field == "path" and str(value).endswith(".jsonl")):
        return value if value is None else "…"
    if isinstance(value, str):
        return re.sub(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(msg|rs|call)_\d+",
            lambda found: names.setdefault(found[0], f"id{len(names)}"),
            value,
        )
    return value


def told(talk: Conversation) -> list[Any]:
    """What the server said, answers to requests set aside: their place may differ."""
    names: dict[str, str] = {}
    return [normal(message, names) for message in talk.heard if "method" in message]


def lines(messages: list[Any]) -> list[str]:
    """One line a message: what pytest then shows of a difference can be read."""
    return [json.dumps(message, sort_keys=True) for message in messages]


async def plain(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), sandbox="workspace-write", approvalPolicy="never")
    await talk.turn(thread)


def deciding(decision: Json | str, **settings: str) -> Act:
    async def act(talk: Conversation, work: Path) -> None:
        for method in ("item/commandExecution/requestApproval", "item/fileChange/requestApproval"):
            talk.answers[method] = lambda _: {"result": {"decision": decision}}
        thread = await talk.thread(cwd=str(work), **settings)
        await talk.turn(thread)

    return act


def tool_answering(answer: Json) -> Act:
    async def act(talk: Conversation, work: Path) -> None:
        talk.answers["item/tool/call"] = lambda _: answer
        thread = await talk.thread(cwd=str(work), dynamicTools=[LOOKUP])
        await talk.turn(thread)

    return act


async def interrupted(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said")
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)


async def interrupted_asking(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="untrusted")
    turn = await talk.turn_start(thread)
    await talk.event("item/commandExecution/requestApproval")
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.event("serverRequest/resolved")


async def interrupted_in_tool(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), dynamicTools=[LOOKUP])
    turn = await talk.turn_start(thread)
    await talk.event("item/tool/call")
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)


async def steered(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said")
    more = [{"type": "text", "text": "rather this"}]
    await talk.result("turn/steer", threadId=thread, expectedTurnId=turn, input=more)
    await talk.completed(thread)


async def started_twice(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said")
    assert await talk.turn_start(thread, "and this") == turn
    await talk.completed(thread)


async def two_turns(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread)
    await talk.turn(thread, "again", approvalPolicy="never", effort="high")


CASES: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "a message": (plain, (assistant_message("Hello there, friend.", usage=Usage(50, 20, 9, 4)),)),
    "reasoning, then a message": (
        plain,
        (together(reasoning("First this", "then that"), assistant_message("ok")),),
    ),
    "reasoning only": (plain, (reasoning("hm"),)),
    "phases": (
        plain,
        (
            together(assistant_message("I look", phase="commentary"), shell("exit 3", exit_code=3)),
            assistant_message("done", phase="final_answer"),
        ),
    ),
    "a command": (plain, (shell("echo hi", output="hi\n"), assistant_message("ok"))),
    "two commands at once": (
        plain,
        (
            together(shell("echo 1", output="1\n"), shell("echo 2", output="2\n")),
            assistant_message("ok"),
        ),
    ),
    "an escalated command under never": (
        plain,
        (shell("true", escalate=True), assistant_message("ok")),
    ),
    "a patch": (
        plain,
        (
            apply_patch(patch_text(add_file("a.txt", "one\ntwo\n"), add_file("d/b.txt", "x"))),
            assistant_message("ok"),
        ),
    ),
    "an unknown tool": (plain, (tool_call("nothing", {}), assistant_message("ok"))),
    "two turns, with overrides": (two_turns, (assistant_message("1"), assistant_message("2"))),
    "HTTP 400": (plain, (fail(status=400, message="no"),)),
    "HTTP 429": (plain, (fail(status=429),)),
    "HTTP 500": (plain, (fail(status=500),)),
    "context window": (plain, (fail(code="context_length_exceeded"),)),
    "rate limit": (plain, (fail(code="rate_limit_exceeded", message="later"),)),
    "overloaded": (plain, (fail(code="server_is_overloaded"),)),
    "policy": (plain, (fail(code="cyber_policy", message="no"),)),
    "quota": (plain, (fail(code="insufficient_quota"),)),
    "an unknown code": (plain, (fail(code="whatever", message="odd"),)),
    "output limit": (plain, (fail(code="max_output_tokens"),)),
    "a cut stream": (plain, (cut_stream("half a sen"),)),
    "a cut empty stream": (plain, (cut_stream(),)),
    "no step left": (plain, ()),
    "interrupted while speaking": (interrupted, (stall("half said"),)),
    "interrupted while asking": (interrupted_asking, (shell("echo hi"),)),
    "interrupted in a tool": (interrupted_in_tool, (tool_call("lookup", {"q": "x"}),)),
    "steered": (steered, (stall("half said"), assistant_message("ok"))),
    "started twice": (started_twice, (stall("half said"), assistant_message("ok"))),
    **{
        f"a command, {decision}": (
            deciding(decision, approvalPolicy="on-request", sandbox="workspace-write"),
            (
                shell("echo hi", escalate=True, justification="because", output="hi\n"),
                *([] if decision == "cancel" else [assistant_message("ok")]),
            ),
        )
        for decision in ("accept", "acceptForSession", "decline", "cancel", "nonsense")
    },
    **{
        f"a patch, {decision}": (
            deciding(decision, approvalPolicy="on-request", sandbox="read-only"),
            (
                apply_patch(patch_text(add_file("a.txt", "one\n"))),
                *([] if decision == "cancel" else [assistant_message("ok")]),
            ),
        )
        for decision in ("accept", "decline", "cancel", "nonsense")
    },
    "a patch blocked under never": (
        deciding("accept", approvalPolicy="never", sandbox="read-only"),
        (apply_patch(patch_text(add_file("a.txt", "one\n"))), assistant_message("ok")),
    ),
    **{
        f"a tool, {name}": (
            tool_answering(answer),
            (tool_call("lookup", {"q": "x"}), assistant_message("ok")),
        )
        for name, answer in {
            "well": {"result": {"success": True, "contentItems": [{"type": "inputText", "text": "42"}]}},
            "failed": {"result": {"success": False, "contentItems": []}},
            "wrong": {"result": {"success": True}},
            "refused": {"error": {"code": -32601, "message": "no"}},
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("binary", binaries()[:1])
async def test_the_fake_says_what_codex_says(case: str, binary: str, tmp_path: Path) -> None:
    act, steps = CASES[case]
    work = tmp_path / "work"
    fake = FakeAppServer(*steps, cwd=work)

    with ScriptedModel(*steps) as model:
        async with with_real(binary, model, tmp_path) as talk:
            await act(talk, work)
            real_told = told(talk)
    async with with_fake(fake) as talk:
        await act(talk, work)
        fake_told = told(talk)

    assert lines(fake_told) == lines(real_told)
    assert [list(call.tool_outputs) for call in fake.calls] == [
        list(call.tool_outputs) for call in model.calls
    ]
