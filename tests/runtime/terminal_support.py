"""What the tests of questions at a terminal share: somebody who types, and who is asked."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from core.asking_support import COMMAND, ELICITATION, request_of

from codex_runtime import protocol
from codex_runtime.answers import Answer
from codex_runtime.requests import ServerRequest
from codex_runtime.terminal import ask_in_terminal

__all__ = [
    "HARMLESS",
    "PROMPT",
    "Desk",
    "Sitting",
    "answer_to",
    "command",
    "form",
    "sitting",
    "tool_use",
]

PROMPT = "Your answer, then Enter (Enter alone is no): "

HARMLESS: dict[str, Any] = {"command": "touch a", "cwd": "/repo"}


class Desk:
    """Somebody at a desk: types when a prompt appears that has not been answered."""

    def __init__(self, keys: MemoryObjectSendStream[bytes], screen: io.StringIO) -> None:
        self._keys = keys
        self._screen = screen
        self._read = 0

    @property
    def seen(self) -> str:
        """Everything that was written."""
        return self._screen.getvalue()

    async def until(self, words: str = PROMPT) -> None:
        """Read on until these words."""
        while words not in self.seen[self._read :]:  # noqa: ASYNC110 — the time is virtual
            await anyio.sleep(0.01)
        self._read = self.seen.index(words, self._read) + len(words)

    async def type(self, *lines: str, at: str = PROMPT) -> None:
        """Answer as many prompts."""
        for line in lines:
            await self.until(at)
            await self.press(f"{line}\r")

    async def press(self, keys: str) -> None:
        await self._keys.send(keys.encode())

    async def leave(self) -> None:
        await self._keys.aclose()


class Sitting:
    """An approver, who is asked by it, and what it has answered."""

    def __init__(self, **options: Any) -> None:
        self.screen = io.StringIO()
        sender, receiver = anyio.create_memory_object_stream[bytes](100)
        self.desk = Desk(sender, self.screen)
        self._streams = (sender, receiver)
        self.approve: Callable[[Any], Awaitable[Answer | None]]
        self.approve = ask_in_terminal(input=receiver, output=self.screen, **options)  # type: ignore[assignment] — asynchronous, as the tests know
        self.answers: list[Answer | None] = []
        self.tasks: TaskGroup

    async def ask(self, request: ServerRequest) -> None:
        self.answers.append(await self.approve(request))

    async def close(self) -> None:
        for stream in self._streams:
            await stream.aclose()


@asynccontextmanager
async def sitting(*requests: ServerRequest, **options: Any) -> AsyncGenerator[Sitting]:
    """Have them asked, and wait until all is answered."""
    found = Sitting(**options)
    try:
        async with anyio.create_task_group() as found.tasks:
            for request in requests:
                found.tasks.start_soon(found.ask, request)
            yield found
    finally:
        await found.close()


async def answer_to(request: ServerRequest, *lines: str) -> tuple[Answer | None, str]:
    """What comes of it when these lines are typed, one for each prompt; and what was seen."""
    async with sitting(request) as found:
        await found.desk.type(*lines)
    return found.answers[0], found.desk.seen


def command(**params: Any) -> Any:
    return request_of(COMMAND, **{**HARMLESS, **params})


def form(required: list[str] | None = None, **properties: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": required or []}
    return request_of(
        ELICITATION, serverName="files", mode="form", message="Well?", requestedSchema=schema
    )


def tool_use(**meta: Any) -> Any:
    request = form()
    request.params = request_of(
        ELICITATION,
        serverName="files",
        mode="form",
        message="May I?",
        requestedSchema={"type": "object", "properties": {}},
        _meta={"codex_approval_kind": "mcp_tool_call", **meta},
    ).params
    request.item = protocol.McpToolCallItem(
        id="I", server="files", tool="delete", arguments={}, status="inProgress"
    )
    return request
