"""Hooks before the use of tools and the approval policy, with a server that has its own mind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio.lowlevel
import pytest
from runtime.support import Message, Server, a_thread

from codex_runtime import (
    GranularApproval,
    InvalidArgument,
    PolicyMismatch,
    RequestRefused,
    SandboxNotAllowed,
    run,
)
from codex_runtime.hooks import Hook, HookContext

pytestmark = pytest.mark.virtual_time

WIDE: dict[str, Any] = {
    "sandbox": "workspace-write",
    "privileged_escalation_approved": True,
    "cwd": "/",
}
RECORDED = "01a20d62-01ef-7093-a6dd-e735014be34a"


async def looks(_: HookContext) -> None:
    await anyio.lowlevel.checkpoint()


GATE = Hook("gate", looks, "pre_tool_use", gate=True)
AFTER = Hook("after", looks, "post_tool_use")


def policies(server: Server, method: str = "turn/start") -> list[Any]:
    return [each["params"].get("approvalPolicy") for each in server.sent(method)]


async def test_where_the_organisation_forbids_it_no_thread_is_opened(server: Server) -> None:
    def opened(request: Message) -> None:
        server.answer(request, server.opened(request, "thread-1", approvalPolicy="never"))

    server.on["thread/start"] = opened
    requirements = {"allowedApprovalPolicies": ["never"]}
    server.on["configRequirements/read"] = lambda request: server.answer(
        request, {"requirements": requirements}
    )
    async with server.runtime(hooks=[GATE]) as runtime:
        with pytest.raises(PolicyMismatch) as caught:
            await runtime.thread_start()
    (difference,) = caught.value.differences
    assert difference == (
        "approval_policy: asked untrusted, in force never (untrusted is asked for by pre_tool_use "
        "hooks, which are called where codex asks)"
    )


async def test_a_turn_that_the_server_refuses_says_who_wanted_the_policy(server: Server) -> None:
    async with a_thread(server) as thread:
        server.on["turn/start"] = lambda request: server.refuse(request, "not allowed: Untrusted")
        with pytest.raises(RequestRefused) as caught:
            await thread.turn_start("Work.", hooks=[GATE])
        assert "pre_tool_use hooks" in caught.value.__notes__[0]


@pytest.mark.parametrize("kind", [list, iter, tuple])
async def test_hooks_that_can_be_read_only_once(server: Server, kind: Any) -> None:
    async with server.runtime() as runtime:
        thread = await runtime.thread_start(hooks=kind([GATE]))
        await thread.turn_start("Work.")
        beside = await runtime.thread_start()
        await beside.turn_start("Work.", hooks=kind([GATE]))
    assert policies(server, "thread/start") == ["untrusted", "never"]
    assert policies(server) == [None, "untrusted"]


async def test_a_policy_that_says_something_else_each_time(server: Server) -> None:
    class Sly(dict[str, Any]):
        """Asks when it is looked at first, and never afterwards."""

        looks = 0

        def items(self) -> Any:
            self.looks += 1
            return super().items()

        def __iter__(self) -> Iterator[str]:
            self.looks += 1
            return super().__iter__()

        def __getitem__(self, key: str) -> Any:
            asks = self.looks < 2
            return {"sandbox_approval": asks, "rules": asks, "mcp_elicitations": asks}

    async with a_thread(server) as thread:
        sly = Sly(granular=None)
        await thread.turn_start("Work.", hooks=[GATE], approval_policy=sly)
    (sent,) = policies(server)
    assert sent == "untrusted" or sent["granular"]["sandbox_approval"]


async def test_a_turn_of_a_client_that_is_not_told_of_settings(server: Server) -> None:
    async with server.runtime(experimental_api=False) as runtime:
        thread = await runtime.thread_start()
        with pytest.raises(InvalidArgument, match="could not be put back") as caught:
            await thread.turn_start("Work.", hooks=[GATE])
        assert caught.value.field == "hooks"
        assert server.sent("turn/start") == []

        asking = await runtime.thread_start(approval_policy="on-request")
        await asking.turn_start("Work.", hooks=[GATE])
        gated = await runtime.thread_start(hooks=[GATE])
        await gated.turn_start("Work.", approval_policy="never")
    # Nobody here would hear of it, had somebody else changed it.
    assert policies(server) == ["on-request", "untrusted"]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({}, "on-request"),
        ({"approval_policy": "never"}, "never"),
        ({"approval_policy": "never", "only_this_turn": True}, "on-request"),
        ({"approval_policy": GranularApproval()}, "granular"),
    ],
)
async def test_what_is_put_back_is_what_the_caller_has_said(
    server: Server, said: dict[str, Any], left: str
) -> None:
    async with server.runtime() as runtime:
        thread = await runtime.thread_start(approval_policy="on-request")
        turn = await thread.turn_start("Work.", hooks=[GATE], **said)
        server.complete(turn.thread_id, turn.turn_id)
        await turn.result()
        await thread.turn_start("More.")
        assert left in str(server.settings[thread.thread_id]["approvalPolicy"])
    escalates = [] if not said else ["untrusted"]
    assert [each for each in policies(server) if each] == escalates


async def test_hooks_after_the_use_of_tools_need_nobody_to_be_asked(server: Server) -> None:
    async with server.runtime(hooks=[AFTER]) as runtime:
        thread = await runtime.thread_start(hooks=[AFTER])
        await thread.turn_start("Work.", hooks=[AFTER])
        assert thread.adjusted == ()
    assert policies(server, "thread/start") == ["never"]
    assert policies(server) == [None]


@pytest.mark.parametrize("policy", [None, "never", "on-request"])
async def test_resuming_is_opening(server: Server, policy: str | None) -> None:
    said: dict[str, Any] = {} if policy is None else {"approval_policy": policy}
    async with server.runtime(hooks=[GATE]) as runtime:
        thread = await runtime.thread_resume(RECORDED, **said)
        assert thread.hooks is not None
        escalated = policy != "on-request"
        assert (thread.hooks.escalated != "") is escalated
        assert (thread.adjusted != ()) is escalated
    expected = "untrusted" if escalated else policy
    assert policies(server, "thread/resume") == [expected]


async def test_blank_is_no_policy(server: Server) -> None:
    async with server.runtime(hooks=[GATE]) as runtime:
        with pytest.raises(InvalidArgument, match="blank"):
            await runtime.thread_start(approval_policy=" ")
    assert server.sent("thread/start") == []


async def test_a_wide_sandbox_goes_with_what_is_sent(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(SandboxNotAllowed):
            await run("Work.", runtime=runtime, **WIDE, approval_policy="never")
        server.on["turn/start"] = server.play_turn
        await run("Work.", runtime=runtime, **WIDE, approval_policy="never", hooks=[GATE])
        thread = await runtime.thread_start(**WIDE, hooks=[GATE])
        await thread.run("Work.", approval_policy="never")
        with pytest.raises(SandboxNotAllowed):
            # The other words are needed all the same.
            await thread.run("Work.", sandbox="danger-full-access", approval_policy="never")
    assert policies(server, "thread/start") == ["untrusted"] * 2
    assert policies(server) == [None, "untrusted"]


async def test_settings(server: Server) -> None:
    async with a_thread(server) as thread:
        await thread.update_settings(approval_policy="on-request")
        await thread.update_settings(approval_policy="never")
        thread.runtime.register_hooks(GATE)
        await thread.update_settings(effort="low")
        await thread.update_settings(approval_policy="never")
        await thread.update_settings(effort="high")
    method = "thread/settings/update"
    assert policies(server, method) == ["on-request", "never", "untrusted", "untrusted", None]
