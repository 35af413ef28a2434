"""Hooks around the use of tools, where it takes MCP servers and agents."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from spec.requirements import requirement
from spec.server import Server
from spec.test_questions import calling, mcp_results, with_mcp
from spec.test_tool_hooks import Watch, Yes

from codex_runtime._hook_selftest import hooks_hold
from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher
from codex_runtime.testing import Step, assistant_message, shell, tool_call

NOT_FAKED = "the fake app-server starts no MCP servers and no agents"


@requirement("toolhooks:mcp")
async def test_a_tool_of_an_mcp_server(server: Server) -> None:
    async with with_mcp(server) as other:
        matcher = HookMatcher(tool_name="tiny/echo")
        no = Watch(action=Block("no"), name="no", matcher=matcher, gate=True)
        fail = Watch(action=Block("no"), name="fail", matcher=HookMatcher(tool_name="tiny/fail"))
        after = Watch("post_tool_use", name="after")
        yes = Yes()
        thread = await other.thread(approve=yes, hooks=[no.hook, fail.hook, after.hook])
        other.says(calling("echo", x="hi"), assistant_message("Done."))
        denied = await thread.run("Work.")
        thread = await other.thread(approve=yes, hooks=[fail.hook, after.hook])
        other.says(calling("echo", x="hi"), assistant_message("Done."))
        allowed = await thread.run("Work.")

    assert (mcp_results(denied), mcp_results(allowed)) == (["failed"], ["completed"])
    (context,) = no.contexts
    asked: Any = context.tool_input
    assert (asked.tool_name, asked.tool_params) == ("echo", {"x": "hi"})
    assert len(yes.asked) == 1
    assert fail.contexts == []
    assert [(each.tool_name, each.status) for each in after.contexts] == [
        ("tiny/echo", "error"),
        ("tiny/echo", "ok"),
    ]


AGENTS: dict[str, list[Step]] = {
    "multi_agent": [
        tool_call("spawn_agent", {"message": "go"}, "multi_agent_v1"),
        shell("touch canary"),
        shell("touch canary"),
        *(assistant_message("Done.") for _ in range(3)),
    ],
    "multi_agent_v2": [
        tool_call("spawn_agent", {"message": "go", "task_name": "t1"}, "collaboration"),
        shell("touch canary"),
        shell("touch canary"),
        *(assistant_message("Done.") for _ in range(3)),
    ],
}
"""By feature, what the model and its agent say: which of the two says what does not matter."""


@requirement("toolhooks:agents")
@pytest.mark.parametrize("scope", ["thread", "call"])
@pytest.mark.parametrize("feature", AGENTS)
async def test_what_an_agent_does(server: Server, feature: str, scope: str) -> None:
    threads: list[str | None] = []
    both = anyio.Event()

    async def forbid(context: HookContext) -> Block:
        await anyio.lowlevel.checkpoint()
        threads.append(context.thread_id)
        if len({*threads}) == 2:
            both.set()
        return Block("no")

    hooks = [Hook("no", forbid, "pre_tool_use")]
    of_thread, of_call = (hooks, []) if scope == "thread" else ([], hooks)
    async with server.another(*AGENTS[feature], config={f"features.{feature}": True}) as other:
        thread = await other.thread(approve=Yes(), hooks=of_thread, approval_policy="never")
        turn = await thread.turn_start("Work.", hooks=of_call)
        with anyio.fail_after(20):
            await both.wait()
        await turn.interrupt()

    assert thread.thread_id in threads
    assert not (server.workspace / "canary").exists()


@requirement("toolhooks:self-test")
async def test_the_self_test(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    held = await hooks_hold()
    assert held.held, held
    assert held.codex_version == server.runtime.server_info.codex_version

    async def nobody(*_: Any) -> None:
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("codex_runtime._tool_gating.gate", nobody)
    passed_by = await hooks_hold()
    assert (passed_by.held, passed_by.called, passed_by.ran) == (False, False, True)
    assert passed_by.problem == "the command ran, and no hook was asked"
