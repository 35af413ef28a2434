"""Refusals of a server that has too much to do, or is about to end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import pytest
from anyio import to_thread
from spec.refusing import TEXT
from spec.requirements import requirement
from spec.server import Server
from websockets.sync.client import ClientConnection, connect

from codex_runtime import CodexRuntimeError, RequestRefused, ServerDraining, ServerOverloaded
from codex_runtime._binary import find_codex
from codex_runtime._connection import RpcError
from codex_runtime._peer import Pending
from codex_runtime._refusal_table import refusal_error
from codex_runtime.testing import ScriptedModel, stall

NOT_FAKED = "the fake app-server is never overloaded, and does not listen"


def version_of(server: Server) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", server.runtime.server_info.codex_version or "")
    assert found
    return tuple(map(int, found.groups()))


@requirement("refusal:overloaded")
async def test_too_many_requests_at_once_are_worth_another_try(server: Server) -> None:
    # Not through `call_raw`, which never lets more than 64 be under way.
    peer = server.runtime._client.peer
    refusals: list[CodexRuntimeError] = []

    async def wait(pending: Pending, everything: anyio.CancelScope) -> None:
        try:
            await pending.wait()
        except RequestRefused as refused:
            refusals.append(refused)
            everything.cancel()

    for _ in range(20):
        with ExitStack() as all_of_them:
            flood = [all_of_them.enter_context(peer.open("model/list", b"{}")) for _ in range(800)]
            # Some get no answer at all.
            with anyio.move_on_after(1) as everything:
                async with anyio.create_task_group() as tasks:
                    for pending in flood:
                        tasks.start_soon(wait, pending, everything)
        if refusals:
            break

    assert refusals
    for error in refusals:
        assert type(error) is ServerOverloaded
        assert error.retryable


@requirement("refusal:draining")
async def test_a_server_that_is_about_to_end_takes_no_new_work(server: Server) -> None:
    if version_of(server) < (0, 155):
        pytest.skip("0.154 takes new work while it drains")
    async with ScriptedModel(stall()) as model:
        home = model.write_home(server.home.with_name("home-draining"))
        environment = model.environment(home)
        refused = await to_thread.run_sync(_refusals_of_a_draining_server, environment)

    for method, error in refused.items():
        told = refusal_error(method, error, b"{}", None)
        assert type(told) is ServerDraining
        assert told.retryable


def _refusals_of_a_draining_server(environment: dict[str, str]) -> dict[str, RpcError]:
    refused: dict[str, RpcError] = {}
    with _listener(environment) as (process, url), connect(url, proxy=None) as socket:
        client = {"clientInfo": {"name": "test", "version": "1"}}
        _ask(socket, "initialize", client)
        thread = _ask(socket, "thread/start", {"cwd": str(environment["HOME"])})["result"]["thread"]
        here = {"threadId": thread["id"]}
        _ask(socket, "turn/start", {**here, "input": TEXT})
        while json.loads(socket.recv(10)).get("method") != "turn/started":
            pass
        process.send_signal(signal.SIGTERM)
        wanted = {"thread/start": {}, "thread/resume": here, "turn/start": {**here, "input": TEXT}}
        while "error" not in _ask(socket, "thread/start", {}):
            pass
        for method, params in wanted.items():
            error = _ask(socket, method, params)["error"]
            refused[method] = RpcError(error["code"], error["message"], error.get("data"))
    return refused


@contextmanager
def _listener(environment: dict[str, str]) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A server that waits for its turns when it is told to end, as those on pipes do not."""
    argv = [str(find_codex(None).path), "app-server", "--listen", "ws://127.0.0.1:0"]
    with subprocess.Popen(
        argv, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            banner = next(line for line in process.stderr if "ws://127.0.0.1:" in line)
            yield process, re.findall(r"ws://127\.0\.0\.1:\d+", banner)[0]
        finally:
            os.kill(process.pid, signal.SIGKILL)


def _ask(socket: ClientConnection, method: str, params: dict[str, Any]) -> Any:
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while True:
        message = json.loads(socket.recv(10))
        if message.get("id") == 1 and "method" not in message:
            return message
