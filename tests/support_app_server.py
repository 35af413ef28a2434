"""Raw conversations with an app-server, the same over the fake and the real one."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest

from codex_runtime._binary import find_codex
from codex_runtime._process import ChildProcess
from codex_runtime.errors import CodexNotFound
from codex_runtime.testing import FakeAppServer, ScriptedModel
from codex_runtime.transports import Transport
from codex_runtime.transports.stdio import StdioTransport

Json: TypeAlias = dict[str, Any]

SECONDS = 15.0
"""Longest wait for any one message; a started codex answers within 0.1 s."""

MORE_BINARIES = "CODEX_RUNTIME_TEST_BINARIES"
"""Names other codex binaries to run the real tests on, separated as in PATH."""

VERIFIED = "0.163.0"
"""The codex that the fake is verified against: the one of the development dependencies."""

QUIET = {
    # About the machine, or about what only the real server has.
    "configWarning",
    "remoteControl/status/changed",
}


def binaries() -> list[Any]:
    """The codex binaries to test with, as pytest parameters."""
    try:
        found = [str(find_codex().path)]
    except CodexNotFound:
        return [pytest.param(None, marks=pytest.mark.skip("there is no codex binary"))]
    more = [path for path in os.environ.get(MORE_BINARIES, "").split(os.pathsep) if path]
    return [
        pytest.param(path, id=f"codex{number}", marks=pytest.mark.real)
        for number, path in enumerate([*found, *more])
    ]


class Conversation:
    """A client that says what it is told to, and hears everything."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.heard: list[Json] = []
        self.ended = False
        self.version = ""
        self.answers: dict[str, Callable[[Json], Json]] = {}
        self._changed = anyio.Event()
        self._sent = 0

    def say(self, message: Json | bytes) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.transport.send(data + b"\n")

    def send(self, method: str, params: Json | None = None) -> int:
        self._sent += 1
        self.say({"id": self._sent, "method": method, "params": params or {}})
        return self._sent

    async def request(self, method: str, **params: Any) -> Json:
        """Send a request and return its whole answer."""
        return await self.answer_to(self.send(method, params))

    async def result(self, method: str, **params: Any) -> Json:
        answer = await self.request(method, **params)
        assert "result" in answer, answer
        result: Json = answer["result"]
        return result

    async def refusal(self, method: str, **params: Any) -> str:
        answer = await self.request(method, **params)
        assert "error" in answer, answer
        message: str = answer["error"]["message"]
        return message

    async def answer_to(self, number: int) -> Json:
        return await self.until(lambda m: m.get("id") == number and "method" not in m)

    async def until(self, wanted: Callable[[Json], bool], *, after: int = 0) -> Json:
        """Wait for a message, heard already or not."""
        place = after
        with anyio.fail_after(SECONDS):
            while True:
                for message in self.heard[place:]:
                    if wanted(message):
                        return message
                place = len(self.heard)
                assert not self.ended, f"the server has gone; it said {self.heard[-3:]}"
                self._changed = anyio.Event()
                await self._changed.wait()

    async def event(self, method: str, *, after: int = 0, **params: Any) -> Json:
        """Wait for a notification or request of the server and return its params."""

        def wanted(message: Json) -> bool:
            found = message.get("params", {})
            same = all(found.get(name) == value for name, value in params.items())
            return message.get("method") == method and same

        message = await self.until(wanted, after=after)
        found: Json = message["params"]
        return found

    async def initialize(self, **capabilities: Any) -> Json:
        info = {"name": "tests", "version": "1"}
        capabilities.setdefault("experimentalApi", True)
        result = await self.result("initialize", clientInfo=info, capabilities=capabilities)
        self.say({"method": "initialized"})
        self.version = result["userAgent"].split("/")[1].split(" ")[0]
        return result

    async def thread(self, **params: Any) -> str:
        result = await self.result("thread/start", **params)
        thread_id: str = result["thread"]["id"]
        # Every test's log then begins at its turn.
        await self.event("thread/started", thread={**result["thread"]})
        return thread_id

    async def turn(self, thread_id: str, text: str = "go", **params: Any) -> Json:
        """Run a turn to its end and return the turn of `turn/completed`."""
        place = len(self.heard)
        await self.turn_start(thread_id, text, **params)
        return await self.completed(thread_id, after=place)

    async def turn_start(self, thread_id: str, text: str = "go", **params: Any) -> str:
        content = [{"type": "text", "text": text}]
        result = await self.result("turn/start", threadId=thread_id, input=content, **params)
        turn_id: str = result["turn"]["id"]
        return turn_id

    async def completed(self, thread_id: str, *, after: int = 0) -> Json:
        found = await self.event("turn/completed", after=after, threadId=thread_id)
        turn: Json = found["turn"]
        return turn

    def methods(self, *, after: int = 0) -> list[str]:
        """The methods heard, in order; answers as `answer`."""
        return [message.get("method", "answer") for message in self.heard[after:]]

    def items(self, kind: str, *, of: str = "item/completed", after: int = 0) -> list[Json]:
        """The items of a kind that were started or completed, in order."""
        told = [m["params"]["item"] for m in self.heard[after:] if m.get("method") == of]
        return [item for item in told if item["type"] == kind]

    async def listen(self) -> None:
        while batch := await self.transport.receive():
            for line in batch:
                try:
                    message = json.loads(line)
                except ValueError:
                    message = {"garbage": line}
                self._hear(message)
        self.ended = True
        self._changed.set()

    def _hear(self, message: Json) -> None:
        if message.get("method") in QUIET:
            return
        self.heard.append(message)
        self._changed.set()
        if "id" in message and message.get("method") in self.answers:
            self.say({"id": message["id"], **self.answers[message["method"]](message["params"])})


@asynccontextmanager
async def conversation(transport: Transport) -> AsyncGenerator[Conversation, None]:
    """Talk over `transport` until the block is left."""
    talk = Conversation(transport)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.serve)
        tasks.start_soon(talk.listen)
        try:
            yield talk
        finally:
            tasks.cancel_scope.cancel()
            await transport.aclose()


@asynccontextmanager
async def with_fake(fake: FakeAppServer) -> AsyncGenerator[Conversation, None]:
    """Talk to a fake app-server, greeted."""
    async with conversation(await fake.connect()) as talk:
        await talk.initialize()
        yield talk


@asynccontextmanager
async def with_real(
    binary: str, model: ScriptedModel, folder: Path, **home: Any
) -> AsyncGenerator[Conversation, None]:
    """Talk to the real app-server, greeted; it works in `folder`/work."""
    codex_home = model.write_home(folder / "home", **home)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    process = ChildProcess([binary, "app-server"], env=model.environment(codex_home), cwd=str(work))
    async with conversation(StdioTransport(process)) as talk:
        await talk.initialize()
        yield talk
