"""What a client does in the cases that the fake app-server is verified by, on either server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from support_app_server import Conversation, Json

Act = Callable[[Conversation, Path], Coroutine[Any, Any, None]]

LOOKUP = {
    "type": "function",
    "name": "lookup",
    "description": "Looks up.",
    "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}},
}

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}

TERMINATE = "thread/backgroundTerminals/terminate"

LASTING = "sleep 97"
"""A command that runs until it is ended."""


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
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)


async def interrupted_asking(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="untrusted")
    turn = await talk.turn_start(thread)
    await talk.event("item/commandExecution/requestApproval", threadId=thread)
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.event("serverRequest/resolved", threadId=thread)


async def interrupted_in_tool(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), dynamicTools=[LOOKUP])
    turn = await talk.turn_start(thread)
    await talk.event("item/tool/call", threadId=thread)
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)


async def steered(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    more = [{"type": "text", "text": "rather this"}]
    await talk.result("turn/steer", threadId=thread, expectedTurnId=turn, input=more)
    await talk.completed(thread)


async def started_twice(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    assert await talk.turn_start(thread, "and this") == turn
    await talk.completed(thread)


async def two_turns(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread)
    await talk.turn(thread, "again", approvalPolicy="never", effort="high")


async def instructed(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), developerInstructions="Talk like a pirate.")
    await talk.turn(thread, outputSchema=SCHEMA)
    await talk.turn(thread, "again")


async def schemas_while_running(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread, outputSchema=SCHEMA)
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    text = [{"type": "text", "text": "and this"}]
    for content, why in ([], "EmptyInput"), (text, "ActiveTurnOutputSchemaMismatch"):
        params: Json = {"threadId": thread, "input": content, "outputSchema": {"type": "string"}}
        answer = await talk.request("turn/start", **params)
        message = f"failed to submit turn input: {why}"
        assert answer["error"] == {"code": -32603, "message": message}
    assert await talk.turn_start(thread, "and this", outputSchema=SCHEMA) == turn
    await talk.completed(thread)


def reviewed(target: Json) -> Act:
    async def act(talk: Conversation, work: Path) -> None:
        thread = await talk.thread(cwd=str(work), sandbox="workspace-write", approvalPolicy="never")
        await talk.result("review/start", threadId=thread, target=target)
        await talk.completed(thread)
        await talk.turn(thread, "thank you")

    return act


async def until_half_said(talk: Conversation, thread: str) -> None:
    """Wait for a message of a reviewer's to begin: more is not told of it."""

    def begun(message: Json) -> bool:
        params = message.get("params", {})
        return (
            message.get("method") == "item/started"
            and params["threadId"] == thread
            and params["item"]["type"] == "agentMessage"
        )

    await talk.until(begun)


async def review_interrupted(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    target = {"type": "custom", "instructions": "Look."}
    review = (await talk.result("review/start", threadId=thread, target=target))["turn"]["id"]
    inner = (await talk.event("turn/started", threadId=thread))["turn"]["id"]
    await until_half_said(talk, thread)
    said = [{"type": "text", "text": "and there"}]
    steer: Json = {"threadId": thread, "input": said}
    assert await talk.refusal("turn/steer", expectedTurnId=review, **steer) == (
        "cannot steer a review turn"
    )
    assert await talk.refusal("turn/steer", expectedTurnId=inner, **steer) == (
        f"expected active turn id `{inner}` but found `{review}`"
    )
    assert await talk.refusal("turn/start", **steer) == (
        "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Review }"
    )
    assert await talk.refusal("turn/interrupt", threadId=thread, turnId=review) == (
        f"expected active turn id {review} but found {inner}"
    )
    await talk.result("turn/interrupt", threadId=thread, turnId=inner)
    await talk.completed(thread)


async def commands_of_the_user(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    for command in ("echo hi", "true", "echo one; exit 3"):
        place = len(talk.heard)
        await talk.result("thread/shellCommand", threadId=thread, command=command)
        await talk.completed(thread, after=place)
    await talk.turn(thread, "what was that?")


async def left_running(talk: Conversation, work: Path) -> str:
    """Interrupt a turn while its command runs; return the thread."""
    thread = await talk.thread(cwd=str(work), approvalPolicy="never")
    turn = await command_started(talk, thread)
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)
    return thread


async def command_started(talk: Conversation, thread: str) -> str:
    place = len(talk.heard)
    turn = await talk.turn_start(thread)

    def started(message: Json) -> bool:
        item = message.get("params", {}).get("item", {})
        return message.get("method") == "item/started" and item["type"] == "commandExecution"

    await talk.until(started, after=place)
    return turn


async def terminals(talk: Conversation, thread: str) -> list[str]:
    """The process ids of what runs, after a look at the rest of the list."""
    listed = await talk.result("thread/backgroundTerminals/list", threadId=thread)
    assert listed["nextCursor"] is None
    running = talk.items("commandExecution", of="item/started")
    same = {item["id"]: (item["processId"], item["cwd"]) for item in running}
    nothing = {"osPid": None, "cpuPercent": None, "rssKb": None}
    for terminal in listed["data"]:
        process_id, cwd = same[terminal["itemId"]]
        assert terminal == {
            "itemId": terminal["itemId"],
            "processId": process_id,
            "command": LASTING,
            "cwd": cwd,
            **nothing,
        }
    return [terminal["processId"] for terminal in listed["data"]]


async def the_terminal(talk: Conversation, thread: str) -> str:
    """The process id of the one that runs. The real server lists it only a little after it has
    told of its start.
    """
    for _ in range(2_000):
        listed = await terminals(talk, thread)
        if listed:
            (process_id,) = listed
            return process_id
    raise AssertionError("the command is never listed")


async def terminated(talk: Conversation, work: Path) -> None:
    thread = await left_running(talk, work)
    process_id = await the_terminal(talk, thread)
    end = {"threadId": thread, "processId": process_id}
    place = len(talk.heard)
    first = await talk.result(TERMINATE, **end)
    await talk.event("item/completed", after=place, threadId=thread)
    again = await talk.result(TERMINATE, **end)
    assert (first, again) == ({"terminated": True}, {"terminated": False})
    assert await terminals(talk, thread) == []
    await talk.turn(thread, "again")


async def cleaned(talk: Conversation, work: Path) -> None:
    thread = await left_running(talk, work)
    place = len(talk.heard)
    assert await talk.result("thread/backgroundTerminals/clean", threadId=thread) == {}
    await talk.event("item/completed", after=place, threadId=thread)
    assert await terminals(talk, thread) == []


async def terminated_in_its_turn(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="never")
    await command_started(talk, thread)
    process_id = await the_terminal(talk, thread)
    end = {"threadId": thread, "processId": process_id}
    await talk.result(TERMINATE, **end)
    await talk.completed(thread)


async def cleaned_in_its_turn(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="never")
    await command_started(talk, thread)
    await talk.result("thread/backgroundTerminals/clean", threadId=thread)
    await talk.completed(thread)
