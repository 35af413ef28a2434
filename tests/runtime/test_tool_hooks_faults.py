"""Hooks before the use of tools that end in ways of their own: never a yes, and no harm to others."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from runtime.request_support import PARAMS, ask, asking
from runtime.support import Server
from runtime.test_tool_hooks import a_hook, allow

from codex_runtime import tool
from codex_runtime.answers import Allow, Deny
from codex_runtime.hooks import HookAction, HookContext
from codex_runtime.requests import ToolCallRequest

pytestmark = pytest.mark.virtual_time

TOOL = list(PARAMS)[5]


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("error", [GeneratorExit])
async def test_a_hook_that_ends_in_a_way_of_its_own_is_no_opinion(
    server: Server, error: type[BaseException], *, gate: bool
) -> None:
    async def work(_: HookContext) -> HookAction:
        raise error

    async with asking(server, hooks=[a_hook(work, gate=gate)], approve=allow) as (thread, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}
        assert await thread.runtime.call_raw("test/on") == {}


async def test_a_gate_that_comes_late_without_a_word_blocks(server: Server) -> None:
    async def work(_: HookContext) -> HookAction:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(10)
        return None

    async with asking(server, hooks=[a_hook(work, gate=True, timeout=1)], approve=allow) as (
        _,
        _,
        ids,
    ):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_what_a_hook_does_to_the_arguments_of_a_tool_changes_nothing(server: Server) -> None:
    seen: list[Any] = []

    async def work(context: HookContext) -> HookAction:
        shown: Any = context.tool_input
        shown.arguments["to"] = "evil"
        return None

    async def look(request: ToolCallRequest) -> Deny:
        seen.append(request.arguments)
        return Deny()

    @tool(needs_approval=True)
    def send(to: str) -> str:
        """Send it."""
        return to

    async with server.runtime(hooks=[a_hook(work)], approve=look, tools=[send]) as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("Work.")
        ask(server, (turn.thread_id, turn.turn_id), TOOL, tool="send", arguments={"to": "home"})
        await server.answered()
        assert seen == [{"to": "home"}]


async def test_what_an_approver_does_to_the_arguments_of_a_tool_changes_nothing(
    server: Server,
) -> None:
    sent: list[str] = []

    async def approve(request: ToolCallRequest) -> Allow:
        request.arguments["to"] = "evil"
        return Allow()

    @tool(needs_approval=True)
    async def send(to: str) -> str:
        """Send it."""
        sent.append(to)
        return to

    async with server.runtime(approve=approve, tools=[send]) as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("Work.")
        ask(server, (turn.thread_id, turn.turn_id), TOOL, tool="send", arguments={"to": "home"})
        await server.answered()
    assert sent == ["home"]
