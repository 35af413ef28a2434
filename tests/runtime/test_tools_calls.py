"""One call of a tool: it ends in a result, whatever the tool does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import ref

import anyio
import msgspec
import pytest
from runtime.tool_support import Call, a_tool, called

from codex_runtime import ToolContext, ToolError, tool
from codex_runtime._live import LiveThread
from codex_runtime._tool_calls import (
    NOT_APPROVED,
    UNEXPECTED,
    UNKNOWN,
    ToolSet,
    checked_tools,
    tools_of,
)
from codex_runtime.answers import ToolResult
from codex_runtime.errors import InvalidArgument

SECRET = "sk-1234567890abcdefghij"  # noqa: S105 — none


async def in_the_loop(number: int, context: Any = None) -> int:
    return number + 1


def in_a_thread(number: int) -> int:
    return number + 1


def for_later(number: int) -> Awaitable[int]:
    return in_the_loop(number)


@pytest.mark.parametrize("function", [in_a_thread, for_later])
async def test_functions_of_both_kinds_are_called(function: Callable[..., Any]) -> None:
    assert await called(a_tool(function), {"number": 1}) == ToolResult("2")


async def test_a_plain_function_runs_in_a_thread_of_its_own() -> None:
    threads = {threading.current_thread()}

    def function() -> None:
        threads.add(threading.current_thread())

    await called(a_tool(function))
    await called(a_tool(function))

    assert len(threads) == 3
    assert all(each.daemon for each in threads - {threading.current_thread()})


async def test_a_tool_that_is_not_known_is_refused_at_once() -> None:
    tools = ToolSet()
    assert await tools.answer(Call("gone")) == ToolResult(UNKNOWN, success=False)

    tools.register([a_tool(in_a_thread)])
    assert await tools.answer(Call("t", namespace="other")) == ToolResult(UNKNOWN, success=False)
    assert len(tools) == 1


async def test_wrong_arguments_are_told_and_nothing_is_called() -> None:
    calls: list[int] = []

    @tool
    def note(number: int) -> None:
        """Note."""
        calls.append(number)

    result = await called(note, {"number": "7"})

    assert result == ToolResult("argument 'number': expected `int`, got `str`", success=False)
    assert not calls


async def test_a_tool_may_say_why_it_failed() -> None:
    def function() -> None:
        raise ToolError("no such city")

    assert await called(a_tool(function)) == ToolResult("no such city", success=False)


@pytest.mark.parametrize("error", [ToolError(), ToolError("")])
async def test_a_failure_without_words_is_one(error: ToolError) -> None:
    def function() -> None:
        raise error

    assert await called(a_tool(function)) == ToolResult(UNEXPECTED, success=False)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


class Untraceable(Exception):
    @property
    def __notes__(self) -> list[str]:  # pyright: ignore[reportIncompatibleVariableOverride] — on purpose
        raise KeyboardInterrupt


BAD: list[BaseException] = [
    Untraceable(),
    ValueError(f"a secret: {SECRET}"),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    Unspeakable(),
    TimeoutError("the network"),
    ExceptionGroup("several", [ValueError(SECRET)]),
]


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("error", BAD, ids=lambda each: type(each).__name__)
async def test_what_a_tool_raises_is_logged_and_not_told(
    error: BaseException, *, asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> None:
        raise error

    def now() -> None:
        raise error

    with caplog.at_level(logging.WARNING, "codex_runtime.tools"):
        result = await called(a_tool(later if asynchronous else now))

    assert result == ToolResult(UNEXPECTED, success=False)
    [record] = caplog.records
    assert type(error).__name__ in record.getMessage()
    assert "call-1" in record.getMessage()
    assert SECRET not in record.getMessage()


async def test_a_value_of_a_secret_variable_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MY_API_KEY", "swordfish-and-chips")

    def function() -> None:
        raise ValueError("with swordfish-and-chips")

    await called(a_tool(function))

    assert "swordfish" not in caplog.text


class Fragile(msgspec.Struct):
    value: int

    def __post_init__(self) -> None:
        raise KeyboardInterrupt


def never(_: Mapping[str, Any]) -> bool:
    return False


async def test_what_the_types_of_arguments_raise_is_not_told() -> None:
    def function(value: Fragile) -> None: ...

    tools = ToolSet()
    tools.register([a_tool(function, needs_approval=never)])
    call = Call("t", {"value": {"value": 1}})

    assert await tools.answer(call) == ToolResult(UNEXPECTED, success=False)
    assert tools.needs_approval(call)


async def test_a_cancellation_that_nobody_asked_for_is_a_failure(anyio_backend_name: str) -> None:
    if anyio_backend_name == "trio":
        pytest.skip("trio has no way to make one up")

    async def function() -> None:
        raise anyio.get_cancelled_exc_class()

    assert await called(a_tool(function)) == ToolResult(UNEXPECTED, success=False)


# -- context


async def test_a_context_tells_of_the_call() -> None:
    found: list[ToolContext] = []

    def function(context: ToolContext, number: int) -> None:
        found.append(context)

    tools = ToolSet(lambda: "/srv/app")
    tools.register([a_tool(function)])
    await tools.answer(Call("t", {"number": 1}))

    assert found == [ToolContext("thread-1", "turn-1", "call-1", "t", "/srv/app")]


def test_the_tools_of_a_thread_are_kept_for_as_long_as_the_thread() -> None:
    thread = LiveThread("thread-1")
    tools = tools_of(thread)
    assert tools_of(thread) is tools is thread.tools

    gone = ref(thread)
    del thread
    # At once, and not when garbage is looked for.
    assert gone() is None


async def test_a_thread_that_is_gone_has_no_folder() -> None:
    found: list[ToolContext] = []

    def function(context: ToolContext) -> None:
        found.append(context)

    tools = tools_of(LiveThread("thread-1"))
    tools.register([a_tool(function)])
    await tools.answer(Call())

    assert found[0].cwd is None


# -- approval


def above(limit: Any) -> Callable[[Mapping[str, Any]], bool]:
    return lambda arguments: bool(arguments["number"] > limit)


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        (True, True),
        (False, False),
        (above(5), True),
        (above(7), False),
        (above(None), True),
    ],
)
async def test_a_call_that_needs_a_yes_fails_without_one(needed: Any, *, expected: bool) -> None:
    calls: list[int] = []

    def function(number: int) -> None:
        calls.append(number)

    tools = ToolSet()
    tools.register([a_tool(function, needs_approval=needed)])
    call = Call("t", {"number": 7})

    assert tools.needs_approval(call) is expected
    result = await tools.answer(call)
    if expected:
        assert result == ToolResult(NOT_APPROVED, success=False)
        assert not calls
        assert await tools.answer(call, approved=True) == ToolResult("ok")
    assert calls == [7]


def test_a_call_that_fails_anyway_needs_no_yes() -> None:
    tools = ToolSet()
    assert not tools.needs_approval(Call())

    tools.register([a_tool(in_a_thread, needs_approval=True)])
    assert not tools.needs_approval(Call("t", {"number": "x"}))


# -- what callers pass


def test_tools_of_what_fails_are_taken_back() -> None:
    async def one() -> None: ...
    async def other() -> None: ...

    known, newer = a_tool(one), a_tool(other)
    tools = ToolSet()
    tools.register([known])

    with (
        pytest.raises(ValueError, match="refused"),
        tools.registering([newer, a_tool(one, name="n")]),
    ):
        assert tools.find(Call("t")) is newer
        raise ValueError("refused")
    assert tools.find(Call("t")) is known
    assert tools.find(Call("n")) is None

    with tools.registering([newer]):
        pass
    assert tools.find(Call("t")) is newer


def test_tools_are_checked_before_anything_is_sent() -> None:
    one, two = a_tool(in_a_thread), a_tool(for_later)
    wrong: Any
    for wrong, field in (
        ([one, two], "tools[1]"),
        ([one, in_a_thread], "tools[1]"),
        ("tools", "tools"),
        (iter([one]), "tools"),
        (7, "tools"),
    ):
        with pytest.raises(InvalidArgument) as refusal:
            checked_tools(wrong)
        assert refusal.value.field == field

    with pytest.raises(InvalidArgument, match=r"tools\[1\] has the name 't' of tools\[0\]"):
        checked_tools([one, two])
    assert checked_tools(None) == ()
    assert checked_tools(one) == (one,)
    assert checked_tools([one]) == (one,)
