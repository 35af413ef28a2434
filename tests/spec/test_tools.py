"""Tools: functions of the caller that the model can call."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import anyio
import msgspec
import pytest
from msgspec import Meta
from spec.requirements import requirement
from spec.server import Server, sent

from codex_runtime import (
    ExperimentalApiNeeded,
    InvalidArgument,
    RequestRefused,
    ThreadHandle,
    ToolContext,
    ToolError,
    ToolImage,
    run,
    tool,
)
from codex_runtime._tool_calls import UNEXPECTED, UNKNOWN
from codex_runtime._tool_wording import LONGEST_SCHEMA
from codex_runtime.answers import Allow, Answer, Deny
from codex_runtime.protocol import DynamicToolCallItem
from codex_runtime.requests import ServerRequest, ToolCallRequest
from codex_runtime.testing import assistant_message, together, tool_call

PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@tool
def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


@tool
async def echo(word: str) -> str:
    """Say it again."""
    return word


async def outputs(server: Server, thread: ThreadHandle) -> list[str]:
    """Run a turn; return what the model was told of the calls of it."""
    before = len(server.calls[-1].tool_outputs) if server.calls else 0
    await thread.run("go")
    return list(server.calls[-1].tool_outputs.values())[before:]


@requirement("tools:called")
async def test_calls_one_after_the_other(server: Server) -> None:
    server.says(
        tool_call("add", {"a": 1}),
        tool_call("echo", {"word": "hi"}),
        tool_call("add", {"a": 1, "b": 5}),
        assistant_message("done"),
    )
    thread = await server.thread(tools=[add, echo])

    result = await thread.run("go")

    assert list(server.calls[-1].tool_outputs.values()) == ["3", "hi", "6"]
    calls = [item for item in result.items if isinstance(item, DynamicToolCallItem)]
    assert [(call.tool, call.success, call.status) for call in calls] == [
        ("add", True, "completed"),
        ("echo", True, "completed"),
        ("add", True, "completed"),
    ]


@requirement("tools:parallel")
async def test_calls_in_one_response(server: Server) -> None:
    server.says(
        together(*(tool_call("add", {"a": number}) for number in range(5))),
        assistant_message("done"),
    )
    thread = await server.thread(tools=[add])

    assert sorted(await outputs(server, thread)) == ["2", "3", "4", "5", "6"]


@requirement("tools:wrong-arguments")
async def test_wrong_arguments(server: Server) -> None:
    server.says(
        tool_call("add", {"a": "1"}),
        tool_call("add", {"b": 1, "c": 2}),
        assistant_message("done"),
    )
    thread = await server.thread(tools=[add])

    assert await outputs(server, thread) == [
        "argument 'a': expected `int`, got `str`",
        "'c' is no argument; there are: a, b; argument 'a' is missing",
    ]


@requirement("tools:failures")
async def test_a_tool_that_raises(server: Server) -> None:
    @tool
    def fail(how: Literal["told", "untold", "exit"]) -> None:
        """Fail."""
        if how == "told":
            raise ToolError("no such city")
        raise ValueError("/secret/path") if how == "untold" else SystemExit(1)

    server.says(
        *(tool_call("fail", {"how": how}) for how in ("told", "untold", "exit")),
        assistant_message("done"),
    )
    thread = await server.thread(tools=[fail])

    result = await thread.run("go")

    told = list(server.calls[-1].tool_outputs.values())
    assert told == ["no such city", UNEXPECTED, UNEXPECTED]
    calls = [item for item in result.items if isinstance(item, DynamicToolCallItem)]
    assert [call.success for call in calls] == [False, False, False]


@requirement("tools:images")
async def test_an_image(server: Server) -> None:
    @tool
    async def look() -> list[str | ToolImage]:
        """Look."""
        return ["here:", ToolImage(PNG)]

    server.says(tool_call("look", {}), assistant_message("done"))
    thread = await server.thread(tools=[look])

    result = await thread.run("go")

    [call] = [item for item in result.items if isinstance(item, DynamicToolCallItem)]
    assert [getattr(part, "type", "") for part in call.content_items or ()] == [
        "inputText",
        "inputImage",
    ]
    # Codex makes the URL anew.
    assert server.calls[-1].last_tool_output.startswith("here:")


@requirement("tools:time")
async def test_a_tool_that_never_returns(server: Server) -> None:
    @tool(timeout=0.2)
    async def wait() -> None:
        """Wait."""
        await anyio.sleep_forever()

    server.says(tool_call("wait", {}), assistant_message("done"))
    thread = await server.thread(tools=[wait])

    assert await outputs(server, thread) == ["the tool did not finish within 0.2 s"]


@requirement("tools:interrupt")
@pytest.mark.parametrize("asynchronous", [True, False])
async def test_an_interrupt_during_a_call(server: Server, *, asynchronous: bool) -> None:
    started, stopped = threading.Event(), threading.Event()

    @tool(name="wait")
    async def in_the_loop(context: ToolContext) -> None:
        """Wait."""
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    @tool(name="wait")
    def in_a_thread(context: ToolContext) -> None:
        """Wait."""
        started.set()
        if context.cancelled.wait(20):
            stopped.set()

    server.says(tool_call("wait", {}))
    thread = await server.thread(tools=[in_the_loop if asynchronous else in_a_thread])
    turn = await thread.turn_start("go")
    await until(started.is_set)

    await turn.interrupt()

    assert (await turn.result()).status == "interrupted"
    await until(stopped.is_set)


async def until(seen: Callable[[], bool]) -> None:
    """Wait for what may happen in another thread."""
    while not seen():  # noqa: ASYNC110 — no event of the loop's
        await anyio.sleep(0.01)


@requirement("tools:unknown", "tools:resumed")
async def test_a_thread_that_is_resumed_without_its_tools_and_with_them(server: Server) -> None:
    server.says(assistant_message("hello"))
    thread = await server.thread(tools=[add, echo])
    await thread.run("hello")
    thread_id = thread.thread_id
    await thread.unsubscribe()
    del thread
    server.says(
        tool_call("add", {"a": 1}),
        tool_call("echo", {"word": "hi"}),
        assistant_message("done"),
    )

    resumed = await server.runtime.thread_resume(
        thread_id, cwd=server.workspace, tools=[tool(add.call, name="add")]
    )
    assert await outputs(server, resumed) == ["3", UNKNOWN]

    server.says(tool_call("echo", {"word": "hi"}), assistant_message("done"))
    fork = await resumed.fork(cwd=server.workspace, tools=[echo])
    assert (await outputs(server, fork))[-1] == "hi"


@requirement("tools:shared")
async def test_two_handles_of_a_thread(server: Server) -> None:
    server.says(assistant_message("hello"))
    thread = await server.thread(tools=[add])
    await thread.run("hello")
    other = await thread.resume(cwd=server.workspace)
    del thread
    server.says(tool_call("add", {"a": 1}), assistant_message("done"))

    assert await outputs(server, other) == ["3"]


@requirement("tools:scopes")
async def test_tools_of_the_runtime(server: Server) -> None:
    @tool(name="add")
    def other(a: int) -> str:
        """Add."""
        return f"other {a}"

    steps = (
        tool_call("add", {"a": 1}),
        tool_call("echo", {"word": "hi"}),
        assistant_message("done"),
    )
    async with server.another(*steps, tools=[add, echo]) as own:
        thread = await own.thread(tools=other)

        assert await outputs(own, thread) == ["other 1", "hi"]


@requirement("tools:one-shot")
async def test_a_one_shot_run(server: Server) -> None:
    server.says(tool_call("add", {"a": 1}), assistant_message("done"))

    await run("go", runtime=server.runtime, cwd=server.workspace, tools=[add])

    assert server.calls[-1].last_tool_output == "3"


@requirement("tools:context")
async def test_a_context(server: Server) -> None:
    @tool
    def where(context: ToolContext) -> dict[str, Any]:
        """Where am I."""
        return {"thread": context.thread_id, "cwd": context.cwd, "tool": context.tool}

    server.says(tool_call("where", {}), assistant_message("done"))
    thread = await server.thread(tools=[where])

    assert msgspec.json.decode((await outputs(server, thread))[0]) == {
        "thread": thread.thread_id,
        "cwd": str(server.workspace),
        "tool": "where",
    }


@requirement("tools:approval")
async def test_a_call_that_needs_an_approval(server: Server) -> None:
    asked: list[ServerRequest] = []
    answers: list[Answer | None] = [Allow(), Deny("not on a Friday"), None]

    def decide(request: ServerRequest) -> Answer | None:
        asked.append(request)
        return answers.pop(0)

    @tool(needs_approval=lambda arguments: arguments["a"] > 0)
    def pay(a: int) -> str:
        """Pay."""
        return f"paid {a}"

    server.says(
        *(tool_call("pay", {"a": number}) for number in (1, 2, 3, 0)),
        assistant_message("done"),
    )
    thread = await server.thread(tools=[pay], approve=decide)

    told = await outputs(server, thread)

    assert [told[0], told[3]] == ["paid 1", "paid 0"]
    assert "not on a Friday" in told[1]
    assert "approved" in told[2]
    assert [
        (request.tool, request.arguments, request.needs_approval)
        for request in asked
        if isinstance(request, ToolCallRequest)
    ] == [("pay", {"a": number}, True) for number in (1, 2, 3)]


# -- before anything is sent


@requirement("tools:offered")
async def test_what_the_model_is_offered(server: Server) -> None:
    @tool
    def find(
        query: str,
        limit: Annotated[int, Meta(ge=1, le=9)] = 5,
        where: tuple[int, str] | None = None,
        kind: Literal["a", "b"] = "a",
        anything: Annotated[Any, "What you like."] = None,
    ) -> None:
        """Find it.

        Args:
            query: What to find.
        """

    server.says(assistant_message("done"))
    thread = await server.thread(tools=[find])
    await thread.run("go")

    offered = server.calls[-1].tool_definitions["find"]
    schema: Mapping[str, Any] = offered.get("parameters") or offered["inputSchema"]  # pyright: ignore[reportAssignmentType] — of the fake
    assert offered["description"] == "Find it."
    properties = schema["properties"]
    assert properties["query"] == {"type": "string", "description": "What to find."}
    assert properties["limit"]["description"] == "At least 1, at most 9. By default 5."
    assert properties["where"]["anyOf"][0]["items"]["anyOf"] == [
        {"type": "integer"},
        {"type": "string"},
    ]
    assert properties["kind"]["type"] == "string"
    assert properties["anything"]["description"] == "What you like."


@requirement("tools:long-schemas")
async def test_a_schema_of_the_longest_length(server: Server) -> None:
    def function(query: str) -> None: ...

    short = tool(function, name="find", description="d").input_schema
    room = LONGEST_SCHEMA - len(msgspec.json.encode(short))
    words = "x" * (room - len(',"description":""'))
    function.__annotations__["query"] = Annotated[str, words]
    server.says(assistant_message("done"))
    thread = await server.thread(tools=[tool(function, name="find", description="d")])
    await thread.run("go")

    offered = server.calls[-1].tool_definitions["find"]
    schema: Any = offered.get("parameters") or offered["inputSchema"]
    assert schema["properties"]["query"]["description"] == words


@requirement("tools:names")
async def test_names(server: Server) -> None:
    for name in ("a.b", "mcp__a", "", "x" * 129, "exec_command", "apply_patch", "view_image"):
        with pytest.raises(InvalidArgument):
            tool(add.call, name=name)
    with pytest.raises(InvalidArgument):
        await server.thread(tools=[add, tool(add, name="add")])
    for names in (["a.b"], ["mcp__a"], [""], [" a"], ["x" * 129], ["a", "a"]):
        specs: list[Any] = [
            {"type": "function", "name": name, "description": "d", "inputSchema": {}}
            for name in names
        ]
        with pytest.raises(RequestRefused, match="dynamic tool"):
            await server.runtime.call_raw("thread/start", {"dynamicTools": specs})


@requirement("tools:experimental")
async def test_without_the_experimental_api(server: Server) -> None:
    async with server.another(experimental_api=False) as other:
        before = sent(other)
        with pytest.raises(ExperimentalApiNeeded) as refusal:
            await other.thread(tools=[add])
        assert sent(other) == before

    assert refusal.value.feature == "thread/start.dynamicTools"
