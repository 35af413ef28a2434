"""The scripted model as an HTTP client sees it; no codex takes part."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from runtime.scripted_client import SECONDS, Client, parsed, wait_until_alone

from codex_runtime.testing import (
    GateTimeout,
    ScriptedModel,
    ToolNotOffered,
    UnexpectedModelCall,
    Usage,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    fail,
    patch_text,
    reasoning,
    respond,
    shell,
    together,
    tool_call,
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def client(model: ScriptedModel) -> Iterator[Client]:
    client = Client(model)
    yield client
    client.http.close()


def test_a_message_is_streamed_in_pieces_and_then_whole(
    model: ScriptedModel, client: Client
) -> None:
    model.enqueue(assistant_message("Hello there", phase="commentary", usage=Usage(9, 2, 3, 1)))

    events = client.events()

    assert [event["type"] for event in events] == [
        "response.created",
        "response.output_item.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["delta"] for event in events[2:4]] == ["Hello ", "there"]
    assert events[4]["item"] == {
        "type": "message",
        "role": "assistant",
        "id": "msg_2",
        "content": [{"type": "output_text", "text": "Hello there"}],
        "phase": "commentary",
    }
    assert events[5]["response"]["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 12,
    }
    model.assert_complete()


def test_several_outputs_share_a_response(model: ScriptedModel, client: Client) -> None:
    model.enqueue(together(reasoning("hm", content=["raw"]), assistant_message("a"), shell("ls")))

    events = client.events()

    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert [item["type"] for item in done] == ["reasoning", "message", "function_call"]
    assert done[0]["content"] == [{"type": "reasoning_text", "text": "raw"}]
    assert [event["type"] for event in events].count("response.completed") == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("exec_command", {"cmd": "ls", "workdir": "/w", "yield_time_ms": 500}),
        ("shell_command", {"command": "ls", "workdir": "/w", "timeout_ms": 500}),
        ("shell", {"command": ["bash", "-lc", "ls"], "workdir": "/w", "timeout_ms": 500}),
    ],
)
def test_a_command_uses_the_tool_that_is_offered(
    model: ScriptedModel, client: Client, tool: str, arguments: dict[str, Any]
) -> None:
    model.enqueue(shell("ls", workdir="/w", timeout_ms=500))

    item = client.item([{"type": "function", "name": tool}])

    assert (item["type"], item["name"]) == ("function_call", tool)
    assert json.loads(item["arguments"]) == arguments


def test_an_escalated_command_says_why(model: ScriptedModel, client: Client) -> None:
    model.enqueue(shell("ls", escalate=True, justification="because"))

    assert json.loads(client.item()["arguments"]) == {
        "cmd": "ls",
        "sandbox_permissions": "require_escalated",
        "justification": "because",
    }


def test_a_patch_uses_the_tool_that_is_offered(model: ScriptedModel, client: Client) -> None:
    patch = patch_text(add_file("a", "x"))
    model.extend([apply_patch(patch)] * 3)

    freeform = client.item([{"type": "custom", "name": "apply_patch"}])
    function = client.item([{"type": "function", "name": "apply_patch"}])
    command = client.item([{"type": "function", "name": "exec_command"}])

    assert (freeform["type"], freeform["input"]) == ("custom_tool_call", patch)
    assert json.loads(function["arguments"]) == {"input": patch}
    assert json.loads(command["arguments"])["cmd"].startswith("apply_patch <<'END_OF_")


def test_a_tool_call_goes_out_as_it_is(model: ScriptedModel, client: Client) -> None:
    model.enqueue(tool_call("look", {"q": 1}, "space"), tool_call("look", "{broken"))

    first, second = client.item(), client.item()

    assert (first["name"], first["namespace"], first["arguments"]) == ("look", "space", '{"q": 1}')
    assert second["arguments"] == "{broken"
    assert "namespace" not in second


def test_a_tool_that_is_not_offered_fails_the_turn_and_the_test(
    model: ScriptedModel, client: Client
) -> None:
    model.enqueue(shell("ls"))

    answer = client.ask(tools=[{"type": "custom", "name": "exec"}])

    assert answer.status == 400
    assert answer.read().startswith(b"ToolNotOffered: shell('ls') needs a tool that codex did not")
    with pytest.raises(ToolNotOffered) as caught:
        model.assert_complete()
    assert caught.value.offered == {"exec"}


def test_a_call_too_many_is_refused_at_once_in_words(model: ScriptedModel, client: Client) -> None:
    answer = client.ask("fix it")

    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.read().decode().startswith("UnexpectedModelCall: the script has no step for")
    with pytest.raises(UnexpectedModelCall):
        model.assert_complete()


def test_an_http_failure_has_its_status_headers_and_details(
    model: ScriptedModel, client: Client
) -> None:
    model.enqueue(
        fail(status=429, code="usage_limit_reached", headers={"retry-after": "3"}, details={"n": 1})
    )

    answer = client.ask()

    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert json.loads(answer.read()) == {
        "error": {
            "type": "usage_limit_reached",
            "code": "usage_limit_reached",
            "message": "scripted failure: usage_limit_reached",
            "n": 1,
        }
    }


def test_a_code_fails_within_the_stream(model: ScriptedModel, client: Client) -> None:
    model.enqueue(
        fail(code="server_error", message="no", headers={"x-a": "b"}),
        fail(code="max_output_tokens"),
    )

    answer = client.ask()
    failed, incomplete = parsed(answer.read())[-1], client.events()[-1]

    assert answer.headers["x-a"] == "b"
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"]["message"] == "no"
    assert incomplete["type"] == "response.incomplete"
    assert incomplete["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_cut_stream_ends_in_the_middle(model: ScriptedModel, client: Client) -> None:
    model.enqueue(cut_stream("half a"))

    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask().read()

    assert [event["type"] for event in parsed(caught.value.partial)] == [
        "response.created",
        "response.output_item.added",
        "response.output_text.delta",
        "response.output_text.delta",
    ]


def test_a_delay_is_waited_before_each_piece(model: ScriptedModel, client: Client) -> None:
    model.enqueue(assistant_message("a b c", delay=0.02))
    began = time.monotonic()

    client.events()

    assert time.monotonic() - began >= 0.06


def test_a_gate_holds_back_the_end_of_a_message(model: ScriptedModel, client: Client) -> None:
    gate = model.gate()
    model.enqueue(assistant_message("a b", gate=gate))

    answer = client.ask()
    gate.wait_reached_sync(SECONDS)
    begun = b"".join(answer.read1(65_536) for _ in range(4))
    gate.open()
    rest = answer.read()

    assert [event["type"] for event in parsed(begun)][-1] == "response.output_text.delta"
    assert [event["type"] for event in parsed(rest)] == [
        "response.output_item.done",
        "response.completed",
    ]


def test_a_gate_that_nobody_opens_cuts_the_stream_and_fails_the_test(
    model: ScriptedModel, client: Client
) -> None:
    model.enqueue(shell("ls", gate=model.gate(seconds=0.05)))

    with pytest.raises(http.client.IncompleteRead):
        client.ask().read()

    with pytest.raises(GateTimeout, match=r"waited 0\.05 s at its gate and nobody opened it"):
        model.assert_complete()


def test_a_client_that_goes_away_leaves_its_gate(model: ScriptedModel, client: Client) -> None:
    gate = model.gate()
    model.enqueue(assistant_message("a", gate=gate))

    client.ask().close()
    gate.wait_reached_sync(SECONDS)
    client.http.close()

    wait_until_alone()
    gate.open()
    model.assert_complete()


async def test_a_gate_is_opened_from_an_asynchronous_test() -> None:
    async with ScriptedModel() as model:
        gate = model.gate()
        model.enqueue(assistant_message("a b", gate=gate))
        client = Client(model)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, client.events)
            await gate.wait_reached(SECONDS)
            gate.open()
        client.http.close()
        model.assert_complete()


def test_a_responder_sees_the_call(model: ScriptedModel, client: Client) -> None:
    model.enqueue(respond(lambda call: assistant_message(f"{call.user_text} on {call.model}")))

    assert client.item()["content"][0]["text"] == "go on m"
