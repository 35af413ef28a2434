"""The time of a call of a tool, and several at once: who waits, who is cancelled, what is left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.tool_support import a_tool, called, text_of, until

from codex_runtime import ToolContext
from codex_runtime._tool_calls import UNEXPECTED
from codex_runtime.answers import ToolResult


@pytest.mark.virtual_time
async def test_a_tool_that_never_returns_has_its_time() -> None:
    ended: list[str] = []

    async def function(context: ToolContext) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(f"cancelled: {context.is_cancelled}")

    began = anyio.current_time()
    result = await called(a_tool(function))

    assert result == ToolResult("the tool did not finish within 120 s", success=False)
    assert anyio.current_time() - began == pytest.approx(120)
    assert len(ended) == 1


async def test_a_thread_that_never_returns_is_left_alone() -> None:
    contexts: list[ToolContext] = []
    release = threading.Event()

    def function(context: ToolContext) -> None:
        contexts.append(context)
        context.cancelled.wait(10)
        release.wait(10)

    result = await called(a_tool(function, timeout=0.5))

    assert result == ToolResult("the tool did not finish within 0.5 s", success=False)
    assert contexts[0].is_cancelled
    release.set()


async def test_a_tool_whose_calls_hang_is_called_no_more() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def function() -> None:
        threads.append(threading.current_thread())
        release.wait(10)

    made = a_tool(function, timeout=0.05)

    results = [await called(made) for _ in range(9)]
    assert [text_of(each) == UNEXPECTED for each in results] == [False] * 8 + [True]

    release.set()
    await until(lambda: not any(each.is_alive() for each in threads))
    assert text_of(await called(made)) != UNEXPECTED


def test_a_hanging_thread_does_not_keep_the_interpreter() -> None:
    code = (
        "import time, anyio\n"
        "from codex_runtime import tool\n"
        "from codex_runtime._tool_calls import ToolSet\n"
        "@tool(description='d', timeout=0.1)\n"
        "def hang() -> None: time.sleep(60)\n"
        "class Call: tool='hang'; namespace=''; arguments={}; call_id=thread_id=turn_id='x'\n"
        "tools = ToolSet(); tools.register([hang])\n"
        "print(anyio.run(tools.answer, Call()).content)\n"
    )
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )

    assert ended.stdout == "the tool did not finish within 0.1 s\n"
    assert time.monotonic() - began < 20


async def test_cancelling_cancels_the_tool() -> None:
    contexts: list[ToolContext] = []
    started, ended = anyio.Event(), anyio.Event()

    async def function(context: ToolContext) -> None:
        contexts.append(context)
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(called, a_tool(function))
        await started.wait()
        group.cancel_scope.cancel()

    assert ended.is_set()
    assert contexts[0].is_cancelled


async def test_cancelling_tells_a_plain_function() -> None:
    begun, told = threading.Event(), threading.Event()

    def function(context: ToolContext) -> None:
        begun.set()
        if context.cancelled.wait(10):
            told.set()

    async with anyio.create_task_group() as group:
        group.start_soon(called, a_tool(function))
        await until(begun.is_set)
        group.cancel_scope.cancel()

    assert told.wait(10)


# -- at once


class Crowd:
    """A tool that counts how many calls of it run."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.door = anyio.Event()

    async def enter(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.door.wait()
        self.running -= 1


@pytest.mark.parametrize(("limit", "most"), [(None, 5), (1, 1), (2, 2), (9, 5)])
async def test_calls_run_at_once_as_far_as_the_tool_allows(limit: int | None, most: int) -> None:
    crowd = Crowd()
    made = a_tool(crowd.enter, max_concurrency=limit)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(called, made)
        for _ in range(20):
            await checkpoint()
        crowd.door.set()

    assert (crowd.most, crowd.running) == (most, 0)


@pytest.mark.virtual_time
async def test_the_wait_for_others_counts() -> None:
    crowd = Crowd()
    made = a_tool(crowd.enter, max_concurrency=1, timeout=5)
    results: list[ToolResult] = []

    async def call() -> None:
        results.append(await called(made))

    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(call)
        group.start_soon(call)

    assert [each.success for each in results] == [False, False]
    assert anyio.current_time() - began == pytest.approx(5)


def test_one_tool_serves_several_event_loops() -> None:
    def in_a_thread(number: int) -> int:
        return number + 1

    made = a_tool(in_a_thread, max_concurrency=1)

    for _ in range(2):
        assert anyio.run(called, made, {"number": 1}) == ToolResult("2")
