"""Every kind of step against the real codex: what it makes of it, and what it reports back.

`CODEX_RUNTIME_TEST_BINARIES` names more codex binaries to run these on. One test is a few
turns on one process, because a start costs more than a turn.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support_app_server import Conversation, binaries, with_real

from codex_runtime.testing import (
    ScriptedModel,
    Step,
    UnexpectedModelCall,
    Usage,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    delete_file,
    fail,
    patch_text,
    reasoning,
    respond,
    shell,
    stall,
    together,
    tool_call,
    update_file,
)

pytestmark = pytest.mark.real

LOOKUP = {
    "type": "function",
    "name": "lookup",
    "description": "d",
    "inputSchema": {"type": "object"},
}
WRITING = {"sandbox": "workspace-write", "approvalPolicy": "never"}


class Bench:
    def __init__(self, talk: Conversation, model: ScriptedModel, work: Path) -> None:
        self.talk = talk
        self.model = model
        self.work = work


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """What is under test is codex and the model, neither of which knows the backend."""
    backend: str = request.param
    return backend


@pytest.fixture(params=binaries())
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    with ScriptedModel() as model:
        async with with_real(request.param, model, tmp_path) as talk:
            yield Bench(talk, model, tmp_path / "work")


async def test_codex_offers_classic_tools_and_does_not_warn(bench: Bench) -> None:
    bench.model.enqueue(assistant_message("Hello there."))
    thread = await bench.talk.thread(cwd=str(bench.work))

    turn = await bench.talk.turn(thread, "say hello")

    call = bench.model.last_call
    assert turn["items"][0]["text"] == "Hello there."
    assert call.tools >= {"exec_command", "apply_patch"}
    assert call.tool_definitions["apply_patch"]["type"] == "custom"
    assert (call.model, call.kind, call.user_text) == ("gpt-5.5", "turn", "say hello")
    assert call.instructions.startswith("You are Codex")
    assert call.headers["originator"] == "tests"
    assert "warning" not in bench.talk.methods()
    bench.model.assert_complete()


async def test_codex_says_what_the_model_says(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    thread = await talk.thread(cwd=str(bench.work))
    model.enqueue(
        together(
            reasoning("I think"),
            assistant_message("Half way.", phase="commentary"),
            assistant_message("one two", chunks=["other ", "words"], phase="final_answer"),
            usage=Usage(1000, 200, 50, 20),
        )
    )

    turn = await talk.turn(thread)

    messages = talk.items("agentMessage")
    deltas = [
        m["params"]["delta"] for m in talk.heard if m.get("method") == "item/agentMessage/delta"
    ]
    usage = await talk.event("thread/tokenUsage/updated")
    assert [(m["text"], m["phase"]) for m in messages] == [
        ("Half way.", "commentary"),
        ("one two", "final_answer"),
    ]
    assert deltas == ["Half ", "way.", "other ", "words"]
    assert talk.items("reasoning")[0]["summary"] == ["I think"]
    assert usage["tokenUsage"]["last"]["totalTokens"] == 1050
    assert usage["tokenUsage"]["last"]["reasoningOutputTokens"] == 20
    assert turn["items"][0]["text"] == "one two"


async def test_codex_runs_commands_in_its_sandbox(bench: Bench) -> None:
    talk, model, work = bench.talk, bench.model, bench.work
    (work / "inside").mkdir()
    model.enqueue(
        together(shell("echo one; exit 3"), shell("pwd", workdir=str(work / "inside"))),
        shell("echo up > up.txt", escalate=True),
        assistant_message("ok"),
    )
    thread = await talk.thread(cwd=str(work), **WRITING)

    await talk.turn(thread)

    found = {item["command"]: item for item in talk.items("commandExecution")}
    assert (found["/bin/bash -lc 'echo one; exit 3'"]["exitCode"]) == 3
    assert found["/bin/bash -lc pwd"]["aggregatedOutput"].strip() == str(work / "inside")
    outputs = list(model.last_call.tool_outputs.values())
    assert "Process exited with code 3" in outputs[0]
    assert "approval policy is Never" in outputs[2]
    assert not (work / "up.txt").exists()
    model.assert_complete()


async def test_codex_asks_before_it_escalates(bench: Bench) -> None:
    talk, model, work = bench.talk, bench.model, bench.work
    talk.answers["item/commandExecution/requestApproval"] = lambda _: {
        "result": {"decision": "decline"}
    }
    model.enqueue(
        shell("echo up > up.txt", escalate=True, justification="because"), assistant_message("ok")
    )
    thread = await talk.thread(
        cwd=str(work), sandbox="workspace-write", approvalPolicy="on-request"
    )

    await talk.turn(thread)

    asked = await talk.event("item/commandExecution/requestApproval")
    assert (asked["reason"], asked["itemId"]) == ("because", "call_2")
    assert "rejected by user" in model.last_call.last_tool_output
    assert not (work / "up.txt").exists()


async def test_codex_applies_patches(bench: Bench) -> None:
    talk, model, work = bench.talk, bench.model, bench.work
    (work / "old.txt").write_text("one\ntwo\nthree\n")
    (work / "gone.txt").write_text("x\n")
    model.enqueue(
        apply_patch(
            patch_text(
                add_file("new/a.txt", "fresh"),
                update_file("old.txt", "two", "TWO", move_to="moved.txt"),
                delete_file("gone.txt"),
            )
        ),
        apply_patch(patch_text(update_file("moved.txt", "", "four\n"))),
        apply_patch(patch_text(update_file("moved.txt", "never there", "x"))),
        assistant_message("ok"),
    )
    thread = await talk.thread(cwd=str(work), **WRITING)

    await talk.turn(thread)

    assert (work / "new/a.txt").read_text() == "fresh\n"
    assert (work / "moved.txt").read_text() == "one\nTWO\nthree\nfour\n"
    assert not (work / "old.txt").exists()
    assert not (work / "gone.txt").exists()
    assert len(talk.items("fileChange")) == 2
    assert "Failed to find expected lines" in model.last_call.last_tool_output
    model.assert_complete()


async def test_codex_calls_dynamic_tools(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    talk.answers["item/tool/call"] = lambda params: {
        "result": {
            "success": True,
            "contentItems": [{"type": "inputText", "text": params["arguments"]["q"]}],
        }
    }
    model.enqueue(
        tool_call("lookup", {"q": "forty-two"}),
        tool_call("lookup", "{broken"),
        tool_call("nothing", {}),
        respond(lambda call: assistant_message(next(iter(call.tool_outputs.values())))),
    )
    thread = await talk.thread(cwd=str(bench.work), dynamicTools=[LOOKUP])

    turn = await talk.turn(thread)

    assert turn["items"][0]["text"] == "forty-two"
    outputs = list(model.last_call.tool_outputs.values())
    assert outputs[1].startswith("failed to parse function arguments")
    assert outputs[2] == "unsupported call: nothing"


async def test_codex_fails_as_the_provider_does(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    thread = await talk.thread(cwd=str(bench.work))
    expected: dict[Step, Any] = {
        fail(status=400, message="no"): "other",
        # 0.154 does not tell it apart yet.
        fail(status=401): ("other", {"httpConnectionFailed": {"httpStatusCode": 401}}),
        fail(status=429): {"responseTooManyFailedAttempts": {"httpStatusCode": 429}},
        fail(status=429, code="usage_limit_reached"): "usageLimitExceeded",
        fail(status=500): "internalServerError",
        fail(code="rate_limit_exceeded"): "rateLimitExceeded",
        fail(code="server_is_overloaded"): "serverOverloaded",
        fail(code="max_output_tokens"): "other",
        cut_stream("half a"): "other",
        fail(code="context_length_exceeded"): "contextWindowExceeded",
    }

    for step, info in expected.items():
        model.enqueue(step)
        turn = await talk.turn(thread)
        told = turn["error"]["codexErrorInfo"]
        assert turn["status"] == "failed"
        assert told in info if isinstance(info, tuple) else told == info, (step, turn)

    assert len(model.calls) == len(expected), "nothing was retried"
    model.assert_complete()


async def test_a_stall_is_ended_by_an_interrupt(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    thread = await talk.thread(cwd=str(bench.work))
    model.enqueue(stall("half said"))

    turn = await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta", delta="said")
    await talk.result("turn/interrupt", threadId=thread, turnId=turn)

    assert (await talk.completed(thread))["status"] == "interrupted"
    assert talk.items("agentMessage") == []


async def test_a_gate_shows_a_message_half_said(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    gate = model.gate()
    model.enqueue(assistant_message("half said", gate=gate))
    thread = await talk.thread(cwd=str(bench.work))

    await talk.turn_start(thread)
    await gate.wait_reached()
    await talk.event("item/agentMessage/delta", delta="said")
    assert talk.items("agentMessage") == []
    gate.open()

    assert (await talk.completed(thread))["status"] == "completed"


async def test_a_script_that_runs_out_fails_the_turn_at_once(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    thread = await talk.thread(cwd=str(bench.work))
    model.enqueue(shell("true"))
    began = time.monotonic()

    turn = await talk.turn(thread, "fix it")

    assert turn["status"] == "failed"
    assert turn["error"]["message"].startswith(
        "UnexpectedModelCall: the script has no step for model call 2 (its last was shell('true'))"
    )
    assert "willRetry" in str(await talk.event("error", willRetry=False))
    assert len(model.calls) == 2
    assert time.monotonic() - began < 10
    with pytest.raises(UnexpectedModelCall):
        model.assert_complete()


async def test_parallel_threads_have_their_own_scripts(bench: Bench) -> None:
    talk, model = bench.talk, bench.model
    threads = {name: await talk.thread(cwd=str(bench.work)) for name in ("red", "green", "blue")}
    for name in threads:
        model.on(name, shell(f"echo {name}"), assistant_message(f"it is {name}"))
    place = len(talk.heard)

    for name, thread in threads.items():
        await talk.turn_start(thread, f"what about {name}?")
    turns = {name: await talk.completed(thread, after=place) for name, thread in threads.items()}

    assert {name: turn["items"][0]["text"] for name, turn in turns.items()} == {
        name: f"it is {name}" for name in threads
    }
    model.assert_complete()


@pytest.mark.parametrize("binary", binaries()[:1])
async def test_codex_retries_as_its_home_says(binary: str, tmp_path: Path) -> None:
    with ScriptedModel(cut_stream("half"), assistant_message("whole")) as model:
        async with with_real(binary, model, tmp_path, stream_max_retries=1) as talk:
            thread = await talk.thread(cwd=str(tmp_path))

            turn = await talk.turn(thread)

            assert turn["status"] == "completed"
            assert (await talk.event("error"))["willRetry"] is True
        model.assert_complete()
