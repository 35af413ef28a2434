"""The fake app-server is a verified fake: the same script and the same client, both servers.

Everything that a server says is compared: methods in order, and in them all fields and values
but ids, times and paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from support_app_server import (
    VERIFIED,
    Conversation,
    Json,
    binaries,
    with_fake,
    with_real,
)

from codex_runtime.testing import (
    FakeAppServer,
    ModelCall,
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
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._json import is_list, is_object
from codex_runtime.testing._step_types import Shell

pytestmark = pytest.mark.real

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

VOLATILE = {
    "completedAt", "completedAtMs", "createdAt", "durationMs", "emittedAtMs", "recencyAt",
    "revision", "startedAt", "startedAtMs", "updatedAt", "processId", "backwardsCursor",
    "turnsBackwardsCursor", "itemsBackwardsCursor", "userAgent", "codexHome",
}  # fmt: skip
"""Fields whose values no two runs share; only whether they are there and not null is compared."""

ANOTHER_CODEX = f"the fake plays codex {VERIFIED}, and the one here is another"

AT_WORK: Json = {"type": "active", "activeFlags": []}

Act = Callable[[Conversation, Path], Coroutine[Any, Any, None]]


def normal(value: object, names: dict[str, str], field: str = "") -> object:
    """`value` with ids numbered in order of appearance, and volatile values left out."""
    if is_object(value):
        return {normal(key, names): normal(each, names, key) for key, each in value.items()}
    if is_list(value):
        return [normal(each, names) for each in value]
    if field in VOLATILE or (field == "path" and str(value).endswith(".jsonl")):
        return value if value is None else "…"
    if isinstance(value, str):
        if value.startswith("Invalid request: unknown variant `no/such`"):
            # The list that follows has methods that are in no published schema.
            value = value[:80]
        return re.sub(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(msg|rs|call)_\d+",
            lambda found: names.setdefault(found[0], f"id{len(names)}"),
            value,
        )
    return value


def told(talk: Conversation, *, after: int = 0) -> list[str]:
    """What the server said on its own, one line a message."""
    names: dict[str, str] = {}
    messages = [
        message
        for message in talk.heard[after:]
        # Whether a command's output comes as a delta is a matter of time (fact 66).
        if "method" in message and message["method"] != "item/commandExecution/outputDelta"
    ]
    first = next((message["id"] for message in messages if "id" in message), 0)
    for message in messages:
        # Its requests are counted per process, and the real process here is a shared one.
        if "id" in message:
            message["id"] -= first
        elif message["method"] == "serverRequest/resolved":
            message["params"]["requestId"] -= first
    return lines([normal(message, names) for message in settled(messages)])


def settled(messages: list[Json]) -> list[Json]:
    """`messages` with one race of the real server decided: an approval's end, told two ways."""
    found: list[Json] = []
    for message in messages:
        status = message["params"].get("status")
        if found and found[-1]["method"] == "item/completed" and status == AT_WORK:
            found.insert(-1, message)
        else:
            found.append(message)
    return found


def said(talk: Conversation) -> list[str]:
    """Everything the server said, one line a message: answers in order, then the rest."""
    names: dict[str, str] = {}
    messages = [normal(message, names) for message in talk.heard]
    answers = [
        message for message, raw in zip(messages, talk.heard, strict=True) if "method" not in raw
    ]
    return lines([*answers, *[message for message in messages if message not in answers]])


def lines(messages: Sequence[object]) -> list[str]:
    return [json.dumps(message, sort_keys=True) for message in messages]


def reported(calls: tuple[ModelCall, ...]) -> list[list[str]]:
    """What the model was told of its calls, without what is not the same in any two runs."""
    varying = (
        r"Chunk ID: \w+|Wall time: [\d.]+|process_id: \d+"
        # Of a command that was killed: told only if its end is noticed before it is given up.
        r"|Process exited with code 137\n"
    )
    return [[re.sub(varying, "", text) for text in call.tool_outputs.values()] for call in calls]


def asked(calls: tuple[ModelCall, ...]) -> list[Json]:
    """What the model was asked for, and told by the developer besides the base instructions."""
    return [
        {
            "text": call.raw["text"],
            "reasoning": call.raw["reasoning"],
            "developer": [
                part["text"]
                for item in [each for each in call.input if each.get("role") == "developer"][1:]
                for part in item["content"]
                # What codex writes itself: skills, permissions, and more.
                if not part["text"].startswith("<")
            ],
        }
        for call in calls
    ]


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


TOOL_ANSWERS: dict[str, Json] = {
    "well": {"result": {"success": True, "contentItems": [{"type": "inputText", "text": "42"}]}},
    "failed": {"result": {"success": False, "contentItems": []}},
    "wrong": {"result": {"success": True}},
    "refused": {"error": {"code": -32601, "message": "no"}},
}


def on_the_fake(step: Step) -> Step:
    """The step with which the fake plays what `step` is with codex."""
    if isinstance(step, Shell) and step.cmd == LASTING:
        # A command of the fake runs as long as a gate is shut; the real one has a gate before it.
        return replace(step, gate=Gate())
    return step


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
    "instructions, and a schema for one turn": (
        instructed,
        (assistant_message("1"), assistant_message("2")),
    ),
    "a schema for all of its turn": (
        schemas_while_running,
        (stall("half said"), assistant_message("ok")),
    ),
    "a command left running, terminated": (terminated, (shell(LASTING), assistant_message("ok"))),
    "a command left running, cleaned": (cleaned, (shell(LASTING),)),
    "a command terminated in its turn": (
        terminated_in_its_turn,
        (shell(LASTING), assistant_message("ok")),
    ),
    "a command cleaned in its turn": (
        cleaned_in_its_turn,
        (shell(LASTING), assistant_message("ok")),
    ),
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
        for name, answer in TOOL_ANSWERS.items()
    },
}


@dataclass
class Recording:
    """One case as the real server played it."""

    told: list[str]
    reported: list[list[str]]
    asked: list[Json]


@pytest.fixture(scope="module", params=binaries()[:1])
def recordings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Recording]:
    """Every case on one real server: to start one for each would take most of the time."""
    folder = tmp_path_factory.mktemp("real")
    found: dict[str, Recording] = {}

    async def record() -> None:
        with ScriptedModel() as model:
            async with with_real(request.param, model, folder) as talk:
                for case, (act, steps) in CASES.items() if talk.version == VERIFIED else ():
                    talk.answers.clear()
                    model.enqueue(*steps)
                    place, calls = len(talk.heard), len(model.calls)
                    work = workspace(folder, case)
                    work.mkdir()
                    await act(talk, work)
                    found[case] = Recording(
                        generic(told(talk, after=place), work),
                        reported(model.calls[calls:]),
                        asked(model.calls[calls:]),
                    )
                    assert not model.remaining_steps, case

    anyio.run(record)
    if not found:
        pytest.skip(ANOTHER_CODEX)
    return found


def workspace(folder: Path, case: str) -> Path:
    return folder / re.sub(r"\W", "-", case)


def generic(messages: list[str], work: Path) -> list[str]:
    """`messages` without the folder, and without what is not the same in any two runs."""
    varying = {
        r"model call .*; the prompt": "model call; the prompt",
        # Of a command that was killed: whether its end is noticed before it is given up.
        r'"exitCode": (-1|137)\b': '"exitCode": "killed"',
    }
    found: list[str] = []
    for line in messages:
        text = line.replace(str(work), "/work")
        for pattern, instead in varying.items():
            text = re.sub(pattern, instead, text)
        found.append(text)
    return found


@pytest.mark.parametrize("case", CASES)
async def test_the_fake_says_what_codex_says(
    case: str, recordings: dict[str, Recording], tmp_path: Path
) -> None:
    act, steps = CASES[case]
    fake = FakeAppServer(*map(on_the_fake, steps))

    async with with_fake(fake) as talk:
        await act(talk, tmp_path)

    assert generic(told(talk), tmp_path) == recordings[case].told
    assert reported(fake.calls) == recordings[case].reported
    assert asked(fake.calls) == recordings[case].asked
    assert fake.remaining_steps == ()


NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

REFUSED: dict[str, tuple[str, Json]] = {
    "unknown method": ("no/such", {}),
    "no thread id": ("thread/read", {}),
    "malformed thread id": ("thread/read", {"threadId": "xx"}),
    "short thread id": ("turn/start", {"threadId": "bad", "input": []}),
    "malformed session id": ("thread/resume", {"threadId": "bad"}),
    "read of nobody": ("thread/read", {"threadId": NOBODY}),
    "resume of nobody": ("thread/resume", {"threadId": NOBODY}),
    "name of nobody": ("thread/name/set", {"threadId": NOBODY, "name": "x"}),
    "archive of nobody": ("thread/archive", {"threadId": NOBODY}),
    "turn of nobody": ("turn/start", {"threadId": NOBODY, "input": []}),
    "interrupt of nobody": ("turn/interrupt", {"threadId": NOBODY, "turnId": "x"}),
    "steer of nobody": ("turn/steer", {"threadId": NOBODY, "expectedTurnId": "x", "input": []}),
    "terminals of nobody": ("thread/backgroundTerminals/list", {"threadId": NOBODY}),
    "terminals, no thread id": ("thread/backgroundTerminals/list", {}),
    "cleaning of nobody": ("thread/backgroundTerminals/clean", {"threadId": NOBODY}),
    "terminating of nobody": (TERMINATE, {"threadId": NOBODY, "processId": "7"}),
    "terminating no process": (TERMINATE, {"threadId": NOBODY}),
    "terminating a word": (TERMINATE, {"threadId": NOBODY, "processId": "xx"}),
    "terminating an empty word": (TERMINATE, {"threadId": NOBODY, "processId": ""}),
    "terminating a number": (TERMINATE, {"threadId": NOBODY, "processId": 7}),
    "bad instructions": ("thread/start", {"developerInstructions": 3}),
    "bad sandbox": ("thread/start", {"sandbox": "nope"}),
    "bad policy": ("thread/start", {"approvalPolicy": "nope"}),
    "bad cwd": ("thread/start", {"cwd": 3}),
    "bad input": ("turn/start", {"threadId": NOBODY, "input": [{"type": "nope"}]}),
    "no input": ("turn/start", {"threadId": NOBODY}),
    "bad policy object": (
        "turn/start",
        {"threadId": NOBODY, "input": [], "sandboxPolicy": {"type": "x"}},
    ),
    "greeting again": ("initialize", {"clientInfo": {"name": "tests", "version": "1"}}),
    "greeting without a version": ("initialize", {"clientInfo": {"name": "tests"}}),
}


async def refusals(talk: Conversation, work: Path) -> None:
    _ = work
    for method, params in REFUSED.values():
        await talk.request(method, **params)


async def life_of_a_thread(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="never", sandbox="read-only")
    for method, params in (
        ("thread/resume", {}),
        ("thread/read", {}),
        ("thread/read", {"includeTurns": True}),
        ("thread/list", {}),
        ("thread/loaded/list", {}),
        ("turn/interrupt", {"turnId": "x"}),
        ("turn/steer", {"expectedTurnId": "x", "input": [{"type": "text", "text": "x"}]}),
    ):
        await talk.request(method, threadId=thread, **params)
    await talk.turn(thread)
    for method, params in (
        ("thread/name/set", {"name": "my name"}),
        ("thread/list", {}),
        ("thread/read", {}),
        ("thread/read", {"includeTurns": True}),
        ("thread/resume", {}),
        ("thread/resume", {"excludeTurns": True}),
        ("thread/turns/list", {}),
        ("thread/unsubscribe", {}),
        ("thread/unsubscribe", {}),
        ("thread/resume", {"excludeTurns": True}),
        ("thread/archive", {}),
        ("thread/resume", {}),
        ("thread/archive", {}),
        ("thread/list", {}),
        ("thread/unarchive", {}),
        ("thread/read", {}),
        ("thread/unsubscribe", {}),
    ):
        await talk.request(method, threadId=thread, **params)
    await talk.event("thread/unarchived")


async def ephemeral(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), ephemeral=True)
    await talk.turn(thread)
    for method, params in (
        ("thread/read", {"includeTurns": True}),
        ("thread/read", {}),
        ("thread/list", {}),
    ):
        await talk.request(method, threadId=thread, **params)


async def terminals_of_the_idle(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    for method, params in (
        ("thread/backgroundTerminals/list", {}),
        ("thread/backgroundTerminals/list", {"cursor": "x"}),
        ("thread/backgroundTerminals/clean", {}),
        (TERMINATE, {"processId": "-7"}),
    ):
        await talk.request(method, threadId=thread, **params)


async def interrupts_of_the_idle(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    # Before `turn/started` it is refused, and the turn runs on (fact 57).
    await talk.request("turn/interrupt", threadId=thread, turnId=turn)
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    await talk.request("turn/interrupt", threadId=thread, turnId="other")
    await talk.request("turn/steer", threadId=thread, expectedTurnId="other", input=[])
    await talk.request("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)
    await talk.request("turn/interrupt", threadId=thread, turnId="other")
    await talk.request("turn/interrupt", threadId=thread, turnId="")
    # Of a turn that was interrupted before: answered when the next turn ends (fact 60).
    late = talk.send("turn/interrupt", {"threadId": thread, "turnId": turn})
    await talk.turn(thread)
    await talk.answer_to(late)


async def reads(talk: Conversation, work: Path) -> None:
    _ = work
    await talk.request("account/read")
    await talk.request("thread/unsubscribe", threadId=NOBODY)
    await talk.request("thread/list")


CONVERSATIONS: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "refusals": (refusals, ()),
    "the life of a thread": (life_of_a_thread, (assistant_message("Hello."),)),
    "an ephemeral thread": (ephemeral, (assistant_message("Hello."),)),
    "no terminals": (terminals_of_the_idle, ()),
    "interrupts": (interrupts_of_the_idle, (stall("half said"), assistant_message("ok"))),
    "nothing but reads": (reads, ()),
}


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("binary", binaries()[:1])
async def test_the_fake_answers_what_codex_answers(case: str, binary: str, tmp_path: Path) -> None:
    act, steps = CONVERSATIONS[case]
    work = tmp_path / "work"
    fake = FakeAppServer(*steps, cwd=work)

    with ScriptedModel(*steps) as model:
        async with with_real(binary, model, tmp_path) as talk:
            if talk.version == VERIFIED:
                await act(talk, work)
            real_said = said(talk)
    if talk.version != VERIFIED:
        pytest.skip(ANOTHER_CODEX)
    async with with_fake(fake) as talk:
        await act(talk, work)
        fake_said = said(talk)

    assert fake_said == real_said
