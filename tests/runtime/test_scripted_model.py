"""The scripted model as an HTTP client sees it; no codex takes part."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import stat
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from codex_runtime.errors import InvalidArgument
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
    stall,
    together,
    tool_call,
)

SECONDS = 5.0
"""Longest wait for the model: a thousand times what it takes."""

CLASSIC = [{"type": "function", "name": "exec_command"}, {"type": "custom", "name": "apply_patch"}]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


class Client:
    """One kept-alive connection, as codex has it."""

    def __init__(self, model: ScriptedModel) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", model.port, timeout=SECONDS)

    def ask(self, text: str = "go", tools: list[Any] | None = None) -> http.client.HTTPResponse:
        prompt = {"role": "user", "content": [{"type": "input_text", "text": text}]}
        body = {"model": "m", "input": [prompt], "tools": CLASSIC if tools is None else tools}
        self.http.request("POST", "/v1/responses", json.dumps(body), {"X-Mark": "yes"})
        return self.http.getresponse()

    def events(self, text: str = "go", tools: list[Any] | None = None) -> list[dict[str, Any]]:
        answer = self.ask(text, tools)
        assert answer.status == 200, answer.read()
        return parsed(answer.read())

    def item(self, tools: list[Any] | None = None) -> dict[str, Any]:
        done = [e for e in self.events(tools=tools) if e["type"] == "response.output_item.done"]
        item: dict[str, Any] = done[0]["item"]
        return item


@pytest.fixture
def client(model: ScriptedModel) -> Iterator[Client]:
    client = Client(model)
    yield client
    client.http.close()


def parsed(stream: bytes) -> list[dict[str, Any]]:
    blocks = stream.decode().strip().split("\n\n")
    return [json.loads(block.split("\ndata: ")[1]) for block in blocks if block]


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


def test_one_connection_serves_many_calls(model: ScriptedModel, client: Client) -> None:
    model.extend([assistant_message("1"), fail(status=500), assistant_message("3")])

    assert [client.ask().read()[:9] for _ in range(3)] == [b"event: re", b'{"error":', b"event: re"]
    assert [call.headers["x-mark"] for call in model.calls] == ["yes"] * 3
    assert model.last_call.number == 3


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


def test_a_stall_ends_when_the_client_goes(model: ScriptedModel, client: Client) -> None:
    model.enqueue(stall())

    answer = client.ask()
    assert answer.status == 200
    answer.close()
    client.http.close()

    wait_until_alone()


def test_a_stall_ends_when_the_model_is_closed(model: ScriptedModel, client: Client) -> None:
    model.enqueue(stall(shell("ls")))

    answer = client.ask()
    model.close()

    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert connections() == []


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


def test_parallel_conversations_get_their_own_steps(model: ScriptedModel) -> None:
    names = [f"thread {number};" for number in range(8)]
    for name in names:
        model.on(name, assistant_message(f"{name} 1"), assistant_message(f"{name} 2"))
    found: dict[str, list[str]] = {}

    def talk(name: str) -> None:
        client = Client(model)
        events = [client.events(f"I am {name}") for _ in range(2)]
        found[name] = [each[-2]["item"]["content"][0]["text"] for each in events]
        client.http.close()

    threads = [threading.Thread(target=talk, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert found == {name: [f"{name} 1", f"{name} 2"] for name in names}
    model.assert_complete()


def test_a_responder_sees_the_call(model: ScriptedModel, client: Client) -> None:
    model.enqueue(respond(lambda call: assistant_message(f"{call.user_text} on {call.model}")))

    assert client.item()["content"][0]["text"] == "go on m"


def test_bodies_may_be_chunked_or_compressed(model: ScriptedModel, client: Client) -> None:
    model.extend([assistant_message("ok")] * 2)
    body = json.dumps({"model": "m", "input": [], "tools": []}).encode()

    client.http.request("POST", "/v1/responses", iter([body[:9], body[9:]]), encode_chunked=True)
    first = client.http.getresponse()
    first.read()
    zipped = gzip.compress(body)
    client.http.request("POST", "/v1/responses", zipped, {"content-encoding": "gzip"})
    second = client.http.getresponse()
    second.read()

    assert (first.status, second.status) == (200, 200)
    assert [call.model for call in model.calls] == ["m", "m"]


def test_what_is_no_model_request_is_refused_and_no_call(
    model: ScriptedModel, client: Client
) -> None:
    client.http.request("GET", "/v1/models")
    missing = client.http.getresponse()
    missing.read()
    client.http.request("POST", "/v1/responses", b"\x28\xb5\x2f\xfd", {"content-encoding": "zstd"})
    unreadable = client.http.getresponse()

    assert (missing.status, unreadable.status) == (404, 400)
    assert b"content-encoding: zstd" in unreadable.read()
    assert model.calls == ()


@pytest.mark.parametrize(
    "noise",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"x" * 100_000, b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"],
)
def test_noise_ends_its_own_connection_only(
    model: ScriptedModel, client: Client, noise: bytes
) -> None:
    model.enqueue(assistant_message("ok"))
    with socket.create_connection(("127.0.0.1", model.port), timeout=SECONDS) as sock:
        sock.sendall(noise)
        # Closed with our noise unread it is a reset, which is the same to us.
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""

    assert client.events()[-1]["type"] == "response.completed"


def test_closing_ends_idle_connections_and_every_thread() -> None:
    with ScriptedModel(assistant_message("ok")) as model:
        clients = [Client(model) for _ in range(3)]
        clients[0].events()
        for client in clients[1:]:
            client.http.connect()
        began = time.monotonic()
    closed_in = time.monotonic() - began

    assert connections() == []
    assert closed_in < 2.0
    model.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", model.port), timeout=SECONDS)
    for client in clients:
        client.http.close()


def test_a_model_is_started_once() -> None:
    model = ScriptedModel()
    with pytest.raises(RuntimeError, match="was not started"):
        _ = model.base_url
    with model:
        assert model.base_url == f"http://127.0.0.1:{model.port}/v1"
        with pytest.raises(LookupError, match="has not been called yet"):
            _ = model.last_call
        with pytest.raises(RuntimeError, match="was started before"):
            model.start()


def test_a_turn_costs_the_model_less_than_five_milliseconds(
    model: ScriptedModel, client: Client
) -> None:
    model.extend([assistant_message("word " * 50)] * 41)
    client.ask().read()
    began = time.process_time()

    for _ in range(40):
        client.ask().read()

    # CPU and not wall time: it is the same on a busy machine. The client's share is in it.
    assert (time.process_time() - began) / 40 < 0.005


def test_a_home_is_private_and_knows_only_the_model(model: ScriptedModel, tmp_path: Path) -> None:
    home = model.write_home(
        tmp_path / "a" / "home",
        stream_idle_timeout_ms=500,
        settings={"features.goals": False, "notify": ["a", 'quo"te'], "tui.x": {"y": 1.5}},
    )

    settings = tomllib.loads((home / "config.toml").read_text())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (settings["model"], settings["model_provider"]) == ("gpt-5.5", "scripted")
    assert settings["model_providers"] == {
        "scripted": {
            "name": "scripted model",
            "base_url": model.base_url,
            "wire_api": "responses",
            "request_max_retries": 0,
            "stream_max_retries": 0,
            "supports_websockets": False,
            "stream_idle_timeout_ms": 500,
        }
    }
    assert settings["features"] == {"plugins": False, "apps": False, "goals": False}
    assert settings["notify"] == ["a", 'quo"te']
    assert settings["tui"] == {"x": {"y": 1.5}}


@pytest.mark.parametrize("settings", [{"a b": 1}, {"a": None}, {"a": object()}])
def test_a_setting_without_a_toml_form_is_refused(
    model: ScriptedModel, tmp_path: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgument, match="settings"):
        model.write_home(tmp_path, settings=settings)


def test_no_variable_of_the_user_reaches_codex(
    model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "CODEX_API_KEY", "HTTPS_PROXY", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "secret")

    environment = model.environment(tmp_path)

    assert "secret" not in environment.values()
    assert environment["CODEX_HOME"] == environment["HOME"] == str(tmp_path)
    assert environment["CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG"] == "1"


def test_the_model_imports_nothing_heavy() -> None:
    program = (
        "import sys; from codex_runtime.testing import ScriptedModel, shell; shell('ls');"
        "print([m for m in ('anyio', 'msgspec', 'asyncio', 'http.server', 'ssl') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.strip() == "[]"


def connections() -> list[threading.Thread]:
    """The threads of scripted models that serve a connection, and those that accept."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("scripted-model")]


def wait_until_alone() -> None:
    """Wait until the only thread left accepts connections; no event tells of a thread's end."""
    deadline = time.monotonic() + SECONDS
    while len(connections()) > 1:
        assert time.monotonic() < deadline, connections()
        time.sleep(0.001)
