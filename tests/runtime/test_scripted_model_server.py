"""The scripted model as a server: connections, threads, noise; no codex takes part."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from runtime.scripted_client import SECONDS, Client, connections, wait_until_alone

from codex_runtime.testing import (
    ScriptedModel,
    assistant_message,
    fail,
    shell,
    stall,
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


def test_one_connection_serves_many_calls(model: ScriptedModel, client: Client) -> None:
    model.extend([assistant_message("1"), fail(status=500), assistant_message("3")])

    assert [client.ask().read()[:9] for _ in range(3)] == [b"event: re", b'{"error":', b"event: re"]
    assert [call.headers["x-mark"] for call in model.calls] == ["yes"] * 3
    assert model.last_call.number == 3


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


def test_the_model_imports_nothing_heavy() -> None:
    program = (
        "import sys; from codex_runtime.testing import ScriptedModel, shell; shell('ls');"
        "print([m for m in ('anyio', 'msgspec', 'asyncio', 'http.server', 'ssl') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.strip() == "[]"
