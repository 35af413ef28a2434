# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers infer from the public API. Nothing here is run: `make types` reads it.

A line that has to be an error carries `type: ignore` with mypy's code and the reason, and both
checkers complain when it is none: pyright by the setting above, mypy by `warn_unused_ignores`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, assert_type

import codex_runtime as cr
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    AgentMessageItem,
    CommandExecutionItem,
    Event,
    FileChangeItem,
    ItemCompletedNotification,
    ModelListParams,
    ModelListResponse,
    Notification,
    TextInput,
    ThreadItem,
    ThreadListParams,
    ThreadListResponse,
    ThreadReadParams,
    ThreadReadResponse,
    TurnCompletedNotification,
    TurnError,
    Unknown,
    UnknownNotification,
    methods,
)


async def requests(runtime: cr.Runtime) -> None:
    read = await runtime.request(methods.THREAD_READ, ThreadReadParams(thread_id="t"))
    assert_type(read, ThreadReadResponse)
    assert_type(read.thread.id, str)

    listing = await runtime.request(methods.THREAD_LIST, ThreadListParams(limit=1), timeout=5)
    assert_type(listing, ThreadListResponse)
    assert_type([thread.preview for thread in listing.data], list[str])

    models = await runtime.request(methods.MODEL_LIST, ModelListParams())
    assert_type(models, ModelListResponse)

    assert_type(await runtime.call_raw("thread/read", {"threadId": "t"}), Any)


async def wrong_requests(runtime: cr.Runtime) -> None:
    await runtime.request(methods.THREAD_READ, ModelListParams())  # type: ignore[misc]  # params of another method
    await runtime.request("thread/read", {"threadId": "t"})  # type: ignore[arg-type]  # a wire name is for call_raw
    ThreadReadParams(threadId="t")  # type: ignore[call-arg]  # fields are in snake_case
    ThreadReadParams()  # type: ignore[call-arg]  # thread_id is required
    ThreadReadParams(thread_id="t").thread_id = "other"  # type: ignore[misc]  # types are immutable


def events(event: Event) -> None:
    match event:
        case AgentMessageDeltaNotification(delta=text):
            assert_type(text, str)
        case ItemCompletedNotification(item=CommandExecutionItem() as command):
            assert_type(command, CommandExecutionItem)
            assert_type(command.exit_code, int | None)
        case ItemCompletedNotification():
            assert_type(event.turn_id, str)
        case TurnCompletedNotification():
            assert_type(event.turn.error, TurnError | None)
        case cr.ItemAbandoned():
            assert_type(event.item, ThreadItem)
        case UnknownNotification():
            assert_type(event.method, str)
        case Notification():
            assert_type(event.emitted_at_ms, int | None)


async def streams(turn: cr.TurnHandle, runtime: cr.Runtime) -> None:
    async for event in turn:
        assert_type(event, Event)
    async for text in turn.text():
        assert_type(text, str)
    assert_type(await anext(turn.events()), Event)
    assert_type(await anext(turn.text()), str)
    assert_type(await turn.steer("more"), None)
    async with runtime.events("thread") as subscription:
        assert_type(subscription, cr.Subscription)
        async for event in subscription:
            assert_type(event, Event)


def items(item: ThreadItem) -> str:
    match item:
        case AgentMessageItem():
            return item.text
        case FileChangeItem(changes=changes):
            return changes[0].path
        case Unknown(raw=raw):
            assert_type(raw, dict[str, Any])
            return str(raw)
        case _:
            return item.type


async def results(thread: cr.ThreadHandle) -> None:
    turn = await thread.turn_start("hello", effort="high", timeout=1)
    assert_type(turn, cr.TurnHandle)
    assert_type(turn.turn_id, str)

    result = await turn.result(raise_on_failure=False)
    assert_type(result, cr.TurnResult)
    assert_type(result.status, Literal["completed", "interrupted", "failed", "incomplete"])
    assert_type(result.text, str)
    assert_type(result.items, tuple[ThreadItem, ...])
    assert_type(result.abandoned, tuple[ThreadItem, ...])
    assert_type(result.usage, cr.TokenUsage | None)
    assert_type(result.diff, str)
    assert_type(result.error, TurnError | None)
    assert_type(result.duration, float | None)

    assert_type(await thread.run(["text", TextInput(text="more")]), cr.TurnResult)
    result.text = "other"  # type: ignore[misc]  # results are immutable
    result.usage.total_tokens  # type: ignore[union-attr]  # noqa: B018 — usage may be None


async def one_shot() -> None:
    assert_type(cr.run_sync("hello", cwd=Path("src")), cr.TurnResult)
    assert_type(await cr.run("hello", sandbox="read-only"), cr.TurnResult)
    async with cr.stream("hello") as turn:
        assert_type(turn, cr.TurnHandle)


async def options(runtime: cr.Runtime, thread: cr.ThreadHandle) -> None:
    both: cr.RunOptions = {"cwd": ".", "effort": "low", "ephemeral": True}
    await cr.run("hello", **both)
    assert_type(await runtime.thread_start(ephemeral=True, config={"a": 1}), cr.ThreadHandle)

    await runtime.thread_start(sandbx="read-only")  # type: ignore[call-arg]  # no such option
    await runtime.thread_start(sandbox="workspaceWrite")  # type: ignore[arg-type]  # presets are in kebab-case
    await runtime.thread_start(effort="high")  # type: ignore[call-arg]  # effort is a turn's
    await thread.turn_start("hello", ephemeral=True)  # type: ignore[call-arg]  # ephemeral is a thread's
    await thread.turn_start("hello", timeout="10")  # type: ignore[arg-type]  # seconds are numbers
    await thread.turn_start(7)  # type: ignore[arg-type]  # a prompt is text or items
    await cr.run("hello", modle="gpt-5.5")  # type: ignore[call-arg]  # no such option
    cr.run_sync("hello", runtime=runtime)  # type: ignore[call-arg]  # run_sync has a runtime of its own
    cr.Runtime(codex_home=Path("home"), max_in_flight="8")  # type: ignore[arg-type]  # a count is a number
    cr.Runtime("/usr/bin/codex")  # type: ignore[call-arg]  # options are keywords


@cr.tool
def add(a: int, b: int = 2) -> int:
    """Add."""
    return a + b


@cr.tool(name="look", timeout=5, needs_approval=lambda arguments: bool(arguments["deep"]))
async def look_up(context: cr.ToolContext, *, deep: bool) -> str:
    """Look it up."""
    return f"{context.call_id} {deep}"


async def tools(runtime: cr.Runtime, context: cr.ToolContext) -> None:
    assert_type(add(1, b=3), int)
    assert_type(await look_up(context, deep=True), str)
    assert_type(add.input_schema, dict[str, Any])
    await runtime.thread_start(tools=[add, look_up])
    await runtime.thread_resume("thread", tools=add)
    await cr.run("hello", tools=(add, look_up))
    cr.Runtime(tools=[look_up])

    add("1")  # type: ignore[arg-type]  # a tool is called as the function is
    await runtime.thread_start(tools=[len])  # type: ignore[list-item]  # a function is no tool yet
    cr.tool(add.call, timeout="1")  # type: ignore[call-overload]  # seconds are numbers


def errors(error: cr.CodexRuntimeError) -> None:
    match error:
        case cr.TurnFailed():
            assert_type(error.result, cr.TurnResult)
            assert_type(error.error, TurnError | None)
        case cr.TurnTimedOut():
            assert_type(error.seconds, float)
            assert_type(error.result, cr.TurnResult)
        case cr.RequestRefused():
            assert_type(error.code, int)
        case cr.ConnectionLost():
            assert_type(error.exit_code, int | None)
        case cr.InvalidArgument():
            assert_type(error.field, str)
            as_value_error: ValueError = error
            del as_value_error
        case _:
            pass


async def lines(turn: cr.TurnHandle) -> AsyncIterator[str]:
    """The events of a turn are an asynchronous iterator: whatever takes one takes them."""
    iterator: AsyncIterator[Event] = turn.events()
    async for event in iterator:
        yield event.method
