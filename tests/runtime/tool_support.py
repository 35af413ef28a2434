"""What the tests of tools share: calls as the server makes them, and tools in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from codex_runtime import Tool, tool
from codex_runtime._tool_calls import ToolSet
from codex_runtime.answers import ToolResult

__all__ = ["Call", "a_tool", "called", "text_of", "until"]


@dataclass
class Call:
    """A call of a tool."""

    tool: str = "t"
    arguments: Any = field(default_factory=dict[str, Any])
    namespace: str = ""
    call_id: str = "call-1"
    thread_id: str = "thread-1"
    turn_id: str = "turn-1"


def a_tool(function: Callable[..., Any], **options: Any) -> Tool[..., Any]:
    return make(function, **{"name": "t", "description": "d", **options})


make: Any = tool


async def called(
    made: Tool[..., Any], arguments: Mapping[str, Any] | None = None, **options: Any
) -> ToolResult:
    """The result of one call of a tool."""
    tools = ToolSet()
    tools.register([made])
    return await tools.answer(Call(made.name, dict(arguments or {})), **options)


def text_of(result: ToolResult) -> str:
    assert isinstance(result.content, str)
    return result.content


async def until(seen: Callable[[], bool]) -> None:
    """Wait for what a thread does."""
    with anyio.fail_after(10):
        while not seen():  # noqa: ASYNC110 — no event of the loop's
            await anyio.sleep(0.01)
