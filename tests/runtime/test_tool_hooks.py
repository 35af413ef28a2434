"""Hooks before the use of tools, with a server that asks for all there is, at any time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from runtime.request_support import COMMAND, PARAMS, ask, asking
from runtime.support import Message, Server, settled

from codex_runtime.answers import Allow, Deny
from codex_runtime.hooks import (
    Block,
    Hook,
    HookAction,
    HookContext,
    HookEntry,
    HookMatcher,
    HookPhase,
    Mutate,
)
from codex_runtime.requests import RequestDecided, ServerRequest, UnknownRequest

pytestmark = pytest.mark.virtual_time

PATCH, PERMISSIONS, QUESTIONS, FORM, TOOL, OLD_COMMAND, OLD_PATCH = list(PARAMS)[1:]

APPROVAL: dict[str, Any] = {
    "_meta": {"codex_approval_kind": "mcp_tool_call", "tool_params": {"path": "x"}},
    "message": 'Allow the files MCP server to run tool "read"?',
    "requestedSchema": {"type": "object", "properties": {}},
}
"""What marks an elicitation as one about the use of a tool."""

Work = Callable[[HookContext], Awaitable[HookAction]]


def a_hook(work: Work | HookAction = None, name: str = "hook", **options: Any) -> Hook:
    """A hook before the use of tools that does this, or answers this."""

    async def call(context: HookContext) -> HookAction:
        await anyio.lowlevel.checkpoint()
        return work if not callable(work) else await work(context)

    return Hook(name, call, options.pop("phases", "pre_tool_use"), **options)


async def allow(_: ServerRequest) -> Allow:
    await anyio.lowlevel.checkpoint()
    return Allow()


class Notes:
    """Keeps what a hook is told."""

    def __init__(self, action: HookAction = None) -> None:
        self.contexts: list[HookContext] = []
        self._action = action

    async def __call__(self, context: HookContext) -> HookAction:
        await anyio.lowlevel.checkpoint()
        self.contexts.append(context)
        return self._action

    @property
    def tools(self) -> list[str | None]:
        return [context.tool_name for context in self.contexts]


REFUSED: dict[str, tuple[str | None, Any]] = {
    COMMAND: ("command", {"decision": "decline"}),
    PATCH: ("file_change", {"decision": "decline"}),
    PERMISSIONS: ("permissions", {"permissions": {}, "scope": "turn"}),
    TOOL: (
        "weather",
        {
            "contentItems": [{"type": "inputText", "text": "this call was refused: not today"}],
            "success": False,
        },
    ),
    OLD_COMMAND: ("command", {"decision": {"denied": {"rejection": "not today"}}}),
    OLD_PATCH: ("file_change", {"decision": {"denied": {"rejection": "not today"}}}),
}
"""What tools are called, and what is sent where a hook forbids their use."""


@pytest.mark.parametrize("method", REFUSED)
async def test_each_kind_of_use_can_be_forbidden(server: Server, method: str) -> None:
    notes = Notes(Block("not today"))
    async with asking(server, approve=allow, hooks=[a_hook(notes)]) as (thread, turn, ids):
        async with thread.runtime.events() as events:
            ask(server, ids, method)
            answer = await server.answered()
            tool, result = REFUSED[method]
            assert answer["result"] == result
            async for event in events:
                if isinstance(event, RequestDecided):
                    assert (event.decision, event.by) == ("denied", "hook hook")
                    assert event.reason == "not today"
                    break
        assert notes.tools == [tool]
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        (entry,) = result.hooks.entries
        assert (entry.outcome, entry.note) == ("blocked", "not today")


@pytest.mark.parametrize("method", [QUESTIONS, FORM])
async def test_questions_are_no_use_of_a_tool(server: Server, method: str) -> None:
    notes = Notes(Block("not today"))
    async with asking(server, hooks=[a_hook(notes)]) as (_, _, ids):
        ask(server, ids, method)
        await server.answered()
        assert notes.contexts == []


async def test_a_tool_of_an_mcp_server_goes_by_the_call_that_is_under_way(server: Server) -> None:
    notes = Notes(Block("no"))
    hooks = [a_hook(notes, matcher=HookMatcher(tool_name="files/read"))]
    async with asking(server, approve=allow, hooks=hooks) as (_, _, ids):
        call = {"type": "mcpToolCall", "id": "m1", "server": "files", "tool": "read"}
        server.item("started", *ids, **call, arguments={"path": "x"}, status="inProgress")
        ask(server, ids, FORM, **APPROVAL)
        assert (await server.answered())["result"]["action"] == "decline"
        assert notes.tools == ["files/read"]


@pytest.mark.parametrize("gate", [True, False])
async def test_a_tool_that_is_not_known_passes_no_gate(server: Server, *, gate: bool) -> None:
    notes = Notes(Block("no"))
    matcher = HookMatcher(tool_name="files/read")
    hooks = [a_hook(notes, matcher=matcher, gate=gate)]
    async with asking(server, hooks=hooks) as (_, turn, ids):
        # A server may say so itself: no call of a tool is under way.
        ask(server, ids, FORM, **APPROVAL)
        await server.answered()
        assert notes.tools == ([None] if gate else [])
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        assert [entry.outcome for entry in result.hooks.entries] == [
            "blocked" if gate else "skipped"
        ]


@pytest.mark.parametrize("gate", [True, False])
async def test_a_folder_that_is_not_known_passes_no_gate(server: Server, *, gate: bool) -> None:
    notes = Notes()
    matcher = HookMatcher(cwd_prefix="/srv/app")
    async with server.runtime(hooks=[a_hook(notes, matcher=matcher, gate=gate)]):
        # Of this thread nobody here has heard.
        ask(server, ("another", "turn"), PATCH)
        await server.answered()
        assert notes.tools == (["file_change"] if gate else [])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("item/newKind/requestApproval", {"threadId": "t", "turnId": "u"}),
        (COMMAND, {"threadId": 7, "turnId": [], "command": {"a": 1}}),
    ],
)
async def test_what_this_version_does_not_know_may_be_the_use_of_a_tool(
    server: Server, method: str, params: Message
) -> None:
    notes = Notes(Block("no"))

    async def approve(_: ServerRequest) -> Any:
        await anyio.lowlevel.checkpoint()
        raise AssertionError("nobody was to be asked")

    async with server.runtime(hooks=[a_hook(notes)], approve=approve):
        server.say(id=0, method=method, params=params)
        answer = await server.answered()
        assert "accept" not in str(answer)
        (context,) = notes.contexts
        if method != COMMAND:
            assert isinstance(context.tool_input, UnknownRequest)


async def test_a_turn_whose_start_is_not_answered_yet_has_its_hooks(server: Server) -> None:
    notes = Notes(Block("no"))

    def start(request: Message) -> None:
        ask(server, (request["params"]["threadId"], "turn-1"))
        server.start_turn(request)

    server.on["turn/start"] = start
    of_turn: Any = {"hooks": [a_hook(notes)]}
    async with asking(server, approve=allow, of_turn=of_turn) as (_, turn, ids):
        assert (await server.answered())["result"] == {"decision": "decline"}
        (context,) = notes.contexts
        assert context.turn_id == "turn-1"
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        assert len(result.hooks.entries) == 1


async def test_many_at_once(server: Server) -> None:
    async def odd(context: HookContext) -> HookAction:
        await anyio.sleep(int(context.item_id or 0) % 7 / 10)
        number = int(context.item_id or 0)
        return Block("odd") if number % 2 else Mutate(metadata={str(number): True})

    async with asking(server, approve=allow, hooks=[a_hook(odd)]) as (_, turn, ids):
        for number in range(200):
            ask(server, ids, id=number, itemId=str(number))
        await server.answered(200)
        decisions = {each["id"]: each["result"]["decision"] for each in server.answers()}
        assert decisions == {number: "decline" if number % 2 else "accept" for number in range(200)}
        server.complete(*ids)
        result = await turn.result()
        assert result.hooks is not None
        assert len({entry.item_id for entry in result.hooks.entries}) == 200


@pytest.mark.parametrize(
    ("options", "warned"), [({}, False), ({"approval_policy": "on-request"}, True)]
)
async def test_a_policy_under_which_hooks_see_little_is_told_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture, *, options: Any, warned: bool
) -> None:
    async with server.runtime(hooks=[a_hook()]) as runtime:
        await runtime.thread_start(**options)
    assert ("they see nothing else" in caplog.text) == warned


async def test_what_an_approver_calls_a_no_is_one_for_a_hook_too(server: Server) -> None:
    denies: Any = Deny("not this")
    async with asking(server, hooks=[a_hook(denies)], approve=allow) as (_, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_until_hooks_have_spoken_nobody_else_can_answer(server: Server) -> None:
    asked, release = anyio.Event(), anyio.Event()

    async def thinks(_: HookContext) -> HookAction:
        asked.set()
        await release.wait()
        return None

    async with asking(server, hooks=[a_hook(thinks)]) as (thread, _, ids):
        runtime = thread.runtime
        async with runtime.requests() as requests:
            ask(server, ids)
            await asked.wait()
            assert runtime.pending_requests() == ()
            assert runtime.statistics().open_server_requests == 1
            release.set()
            request = await anext(aiter(requests))
            assert runtime.pending_requests() == (request,)
            request.respond(Allow())
        assert (await server.answered())["result"] == {"decision": "accept"}


async def test_a_hook_is_cancelled_when_nobody_waits_for_an_answer_any_more(
    server: Server,
) -> None:
    asked, cancelled = anyio.Event(), anyio.Event()

    async def thinks(_: HookContext) -> HookAction:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    async with asking(server, hooks=[a_hook(thinks, timeout=1000)]) as (_, turn, ids):
        ask(server, ids)
        await asked.wait()
        server.complete(*ids)
        with anyio.fail_after(5):
            await cancelled.wait()
            await turn.result()


async def test_a_turn_of_somebody_else(server: Server) -> None:
    of_runtime, of_thread = Notes(), Notes(Block("no"))
    async with server.runtime(approve=allow, hooks=[a_hook(of_runtime, "first")]) as runtime:
        thread = await runtime.thread_start(cwd="/", hooks=[a_hook(of_thread, "second")])
        ids = thread.thread_id, "goal-1"
        server.begin(*ids)
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}
        (context,) = of_thread.contexts
        assert (context.thread_id, context.turn_id) == ids
        assert (context.cwd, context.turn_kind) == ("/", None)
        report = runtime.hook_report
        assert report is not None
        assert [(each.hook, each.outcome) for each in report.entries] == [
            ("first", "noop"),
            ("second", "blocked"),
        ]
        # Of the thread that was closed nothing holds any more, but for what is the runtime's.
        server.tell("thread/closed", threadId=thread.thread_id)
        ask(server, ids, id=1)
        assert (await server.answered(2))["result"] == {"decision": "accept"}


async def test_hooks_that_come_while_a_turn_runs(server: Server) -> None:
    late = Notes(Block("no"))
    async with asking(server, approve=allow) as (thread, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "accept"}
        thread.runtime.register_hooks(a_hook(late))
        ask(server, ids, id=1)
        assert (await server.answered(2))["result"] == {"decision": "decline"}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_the_process_ends_no_connection(
    server: Server, error: BaseException
) -> None:
    async def leaves(_: HookContext) -> HookAction:
        await anyio.lowlevel.checkpoint()
        raise error

    async with asking(server, approve=allow, hooks=[a_hook(leaves)]) as (_, turn, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}
        server.complete(*ids)
        assert (await turn.result()).status == "completed"


async def test_a_matcher_that_fails_passes_no_gate(server: Server) -> None:
    class Broken(HookMatcher):
        def matches(self, context: HookContext, *, unknown: bool = False) -> bool:
            raise ValueError(f"broken at {context.phase}, {unknown}")

    hooks = [a_hook(matcher=Broken(), gate=True)]
    async with asking(server, approve=allow, hooks=hooks) as (_, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_a_hook_that_uses_tools_does_not_come_to_itself(server: Server) -> None:
    nested: list[Any] = []

    async def looks_itself(context: HookContext) -> HookAction:
        thread = await runtime.thread_start(cwd="/")
        turn = await thread.turn_start("Look.")
        ids = turn.thread_id, turn.turn_id
        ask(server, ids, id=100)
        await server.answered(1)
        server.complete(*ids)
        nested.append(await turn.result())
        return Block(f"looked at {context.tool_name}")

    hooks = [a_hook(looks_itself, "looks", timeout=100), a_hook(None, "other")]
    async with server.runtime(approve=allow, hooks=hooks) as runtime:
        thread = await runtime.thread_start(cwd="/")
        turn = await thread.turn_start("Work.")
        ask(server, (turn.thread_id, turn.turn_id))
        # The server tells only one at a time of what it hears.
        await settled(200)

    assert [each["result"]["decision"] for each in server.answers()] == ["accept", "decline"]
    entries: list[HookEntry] = nested[0].hooks.entries
    assert [(each.hook, each.outcome) for each in entries] == [
        ("looks", "skipped"),
        ("other", "noop"),
    ]


@pytest.mark.parametrize("phase", ["pre_tool_use", "post_tool_use"])
async def test_agents_have_the_hooks_of_the_turn_that_has_started_them(
    server: Server, phase: HookPhase
) -> None:
    of_thread, of_call = Notes(), Notes()
    of_turn: Any = {"hooks": [a_hook(of_call, "call", phases=phase)]}
    hooks = [a_hook(of_thread, "thread", phases=phase)]
    async with asking(server, hooks=hooks, of_turn=of_turn) as (_, _, ids):
        started = {"type": "subAgentActivity", "id": "a", "kind": "started", "agentPath": "/x"}
        server.item("started", *ids, **started, agentThreadId="agent-1")
        spawned = {"type": "collabAgentToolCall", "id": "b", "tool": "spawnAgent"}
        server.item(
            "completed",
            *ids,
            **spawned,
            receiverThreadIds=["agent-2", ids[0]],
            senderThreadId=ids[0],
            agentsStates={},
            status="completed",
        )
        for number, agent in enumerate(("agent-1", "agent-2")):
            ask(server, (agent, "turn"), id=number)
            command = {"type": "commandExecution", "id": "c", "command": "ls", "cwd": "/"}
            server.item("completed", agent, "turn", **command, status="completed")
        await settled(200)
        for notes in (of_thread, of_call):
            assert {each.thread_id for each in notes.contexts} == {"agent-1", "agent-2"}
