"""Threads that a server opens in another way than it was asked to."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from runtime.support import FORK, Message, Server, a_thread, settled

from codex_runtime import (
    PolicyMismatch,
    RemoteProtocolError,
    RequestRefused,
    Runtime,
    ThreadHandle,
    ThreadIdMismatch,
)

pytestmark = pytest.mark.virtual_time

RECORDED = "01a20d62-01ef-7093-a6dd-e735014be34a"
OTHER = "01a20d62-01ef-7093-a6dd-00000000beef"

Open = Callable[[Runtime], Awaitable[ThreadHandle]]

WAYS: dict[str, Open] = {
    "thread/start": lambda runtime: runtime.thread_start(),
    "thread/resume": lambda runtime: runtime.thread_resume(RECORDED),
    "thread/fork": lambda runtime: runtime.thread_fork(RECORDED),
}
OPENED = {"thread/start": "thread-1", "thread/resume": RECORDED, "thread/fork": FORK}

WEAKER: list[tuple[dict[str, Any], set[str]]] = [
    ({"sandbox": {"type": "workspaceWrite"}}, {"sandbox"}),
    ({"sandbox": {"type": "dangerFullAccess"}}, {"sandbox"}),
    ({"sandbox": {"type": "externalSandbox", "networkAccess": "restricted"}}, {"sandbox"}),
    ({"sandbox": {"type": "holodeck"}}, {"sandbox"}),
    ({"sandbox": None}, {"sandbox"}),
    ({"sandbox": {"type": "readOnly", "networkAccess": True}}, {"sandbox"}),
    ({"activePermissionProfile": {"id": "mine"}}, {"permissions"}),
    ({"approvalPolicy": "on-request"}, {"approval_policy"}),
    ({"approvalPolicy": None}, {"approval_policy"}),
    ({"approvalPolicy": {"granular": {"rules": True}}}, {"approval_policy"}),
    ({"approvalsReviewer": "auto_review"}, {"approvals_reviewer"}),
    ({"approvalsReviewer": None}, {"approvals_reviewer"}),
    (
        {"sandbox": {"type": "workspaceWrite"}, "approvalPolicy": "on-request"},
        {"sandbox", "approval_policy"},
    ),
]


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize(("differing", "options"), WEAKER)
async def test_a_thread_with_another_policy_is_not_used(
    server: Server, method: str, differing: dict[str, Any], options: set[str]
) -> None:
    server.on[method] = lambda request: server.answer(
        request, server.opened(request, OPENED[method], **differing)
    )
    async with server.runtime() as runtime:
        with pytest.raises(PolicyMismatch) as caught:
            await WAYS[method](runtime)

        assert caught.value.thread_id == OPENED[method]
        assert {text.split(":")[0] for text in caught.value.differences} == options
        given_up = await server.heard("thread/unsubscribe")
        assert given_up["params"] == {"threadId": OPENED[method]}


@pytest.mark.parametrize("method", WAYS)
async def test_a_thread_whose_policy_is_not_told_is_not_used(server: Server, method: str) -> None:
    server.on[method] = lambda request: server.answer(request, {"thread": {"id": OPENED[method]}})
    async with server.runtime() as runtime:
        with pytest.raises(PolicyMismatch, match="in force unknown"):
            await WAYS[method](runtime)
        await server.heard("thread/unsubscribe")


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("answer", [{}, {"thread": {}}, {"thread": {"id": ""}}])
async def test_an_answer_without_a_thread_is_none(
    server: Server, method: str, answer: Message
) -> None:
    server.on[method] = lambda request: server.answer(request, answer)
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError, match="it names no thread"):
            await WAYS[method](runtime)


@pytest.mark.parametrize("actual", [OTHER, "thread-2", RECORDED[:-1]])
async def test_a_resumed_thread_that_is_another_one_is_not_used(
    server: Server, actual: str
) -> None:
    server.on["thread/resume"] = lambda request: server.answer(
        request, server.opened(request, actual)
    )
    async with server.runtime() as runtime:
        with pytest.raises(ThreadIdMismatch) as caught:
            await runtime.thread_resume(RECORDED)

        assert (caught.value.requested, caught.value.actual) == (RECORDED, actual)
        assert (await server.heard("thread/unsubscribe"))["params"] == {"threadId": actual}


async def test_a_thread_in_use_is_not_given_up_for_another_ones_mistake(server: Server) -> None:
    async with server.runtime() as runtime:
        used = await runtime.thread_resume(RECORDED)
        server.on["thread/resume"] = lambda request: server.answer(
            request, server.opened(request, RECORDED, sandbox={"type": "dangerFullAccess"})
        )
        for thread_id, error in ((OTHER, ThreadIdMismatch), (RECORDED, PolicyMismatch)):
            with pytest.raises(error):
                await runtime.thread_resume(thread_id)
            await settled()

        assert server.sent("thread/unsubscribe") == []
        assert used.thread_id == RECORDED


async def test_a_thread_whose_turn_runs_is_not_given_up_though_its_handle_is_gone(
    server: Server,
) -> None:
    async with server.runtime() as runtime:
        turn = await (await runtime.thread_resume(RECORDED)).turn_start("Work.")
        gc.collect()
        server.on["thread/resume"] = lambda request: server.answer(
            request, server.opened(request, RECORDED, sandbox={"type": "dangerFullAccess"})
        )
        with pytest.raises(PolicyMismatch):
            await runtime.thread_resume(RECORDED)
        await settled()
        assert server.sent("thread/unsubscribe") == []
        server.complete(turn.thread_id, turn.turn_id)
        await turn.result()


async def test_the_server_may_spell_an_id_as_it_likes(server: Server) -> None:
    server.on["thread/resume"] = lambda request: server.answer(
        request, server.opened(request, RECORDED.upper())
    )
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(f"urn:uuid:{RECORDED}")
        assert thread.thread_id == RECORDED.upper()
    assert server.sent("thread/resume")[0]["params"]["threadId"] == RECORDED


async def test_a_fork_that_is_its_own_source_is_none(server: Server) -> None:
    server.on["thread/fork"] = lambda request: server.answer(
        request, server.opened(request, RECORDED)
    )
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError, match="the thread that was to be forked"):
            await runtime.thread_fork(RECORDED)


async def test_giving_up_is_bounded_and_nobody_waits_for_it(server: Server) -> None:
    server.on["thread/unsubscribe"] = server.nothing
    server.on["thread/start"] = lambda request: server.answer(request, {"thread": {"id": "t"}})
    async with server.runtime() as runtime:
        began = anyio.current_time()
        with pytest.raises(PolicyMismatch):
            await runtime.thread_start()
        assert anyio.current_time() - began < 1
        await anyio.sleep(11)
        assert runtime.statistics().open_requests == 0


async def test_a_start_that_is_cancelled_while_it_is_looked_at_gives_the_thread_up(
    server: Server,
) -> None:
    server.on["configRequirements/read"] = server.nothing
    server.on["thread/start"] = lambda request: server.answer(
        request, server.opened(request, "thread-1", approvalPolicy="on-request")
    )
    async with server.runtime() as runtime:
        with anyio.move_on_after(5) as patience:
            await runtime.thread_start()
        assert patience.cancelled_caught
        await server.heard("thread/unsubscribe")


# -- what the organisation requires


def require(server: Server, **requirements: Any) -> None:
    server.on["configRequirements/read"] = lambda request: server.answer(
        request, {"requirements": requirements or None}
    )


def fall_back(server: Server, **in_force: Any) -> None:
    server.on["thread/start"] = lambda request: server.answer(
        request, server.opened(request, "thread-1", **in_force)
    )


async def test_the_strictest_policy_that_is_allowed_stands_for_the_default(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    require(server, allowedApprovalPolicies=["on-request", "untrusted"])
    fall_back(server, approvalPolicy="on-request")
    async with server.runtime() as runtime:
        with caplog.at_level(logging.WARNING, "codex_runtime.thread"):
            thread = await runtime.thread_start()

        assert thread.adjusted == ("approval_policy: untrusted in place of never",)
        assert thread.settings.approval_policy == "untrusted"
    (update,) = server.sent("thread/settings/update")
    assert update["params"]["approvalPolicy"] == "untrusted"
    assert "untrusted in place of never" in caplog.text
    assert server.sent("thread/unsubscribe") == []


async def test_what_the_server_falls_back_to_is_taken_where_it_is_the_strictest(
    server: Server,
) -> None:
    require(
        server, allowedApprovalPolicies=["untrusted"], allowedApprovalsReviewers=["auto_review"]
    )
    fall_back(server, approvalPolicy="untrusted", approvalsReviewer="auto_review")
    for options in ({}, {"experimental_api": False}):
        async with server.runtime(**options) as runtime:
            thread = await runtime.thread_start()
            assert thread.adjusted == (
                "approval_policy: untrusted in place of never",
                "approvals_reviewer: auto_review in place of user",
            )
    assert server.sent("thread/settings/update") == []


async def test_what_the_organisation_does_not_account_for_is_a_mismatch(server: Server) -> None:
    fall_back(server, approvalPolicy="on-request")
    async with server.runtime() as runtime:
        require(server)
        with pytest.raises(PolicyMismatch):
            await runtime.thread_start()
        require(server, allowedApprovalPolicies=["never", "on-request"])
        with pytest.raises(PolicyMismatch):
            await runtime.thread_start()
        server.on["configRequirements/read"] = lambda request: server.refuse(request, "no")
        with pytest.raises(PolicyMismatch):
            await runtime.thread_start()
        require(server, allowedApprovalPolicies=["on-request", "untrusted"])
        # Nobody's word is replaced in silence.
        with pytest.raises(PolicyMismatch):
            await runtime.thread_start(approval_policy="never")


async def test_without_the_experimental_api_a_stricter_policy_cannot_be_brought_about(
    server: Server,
) -> None:
    require(server, allowedApprovalPolicies=["on-request", "untrusted"])
    fall_back(server, approvalPolicy="on-request")
    async with server.runtime(experimental_api=False) as runtime:
        with pytest.raises(PolicyMismatch, match="asked untrusted, in force on-request"):
            await runtime.thread_start()


async def test_as_a_rule_nobody_is_asked_what_the_organisation_requires(server: Server) -> None:
    async with a_thread(server) as thread:
        assert thread.adjusted == ()
    assert server.sent("configRequirements/read") == []
    assert server.sent("thread/settings/update") == []


# -- what comes after the opening

ONLINE: dict[str, Any] = {
    "sandbox": {"type": "readOnly", "network_access": True},
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
    "cwd": "/",
}


async def test_a_sandbox_that_comes_afterwards_is_there_when_the_thread_is(server: Server) -> None:
    async with server.runtime() as runtime:
        thread = await runtime.thread_start(**ONLINE)
        assert thread.settings.sandbox_policy.network_access  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] — read-only with details
    assert server.sent("thread/start")[0]["params"]["sandbox"] == "read-only"


@pytest.mark.parametrize("fault", ["refused", "not told", "not in force"])
async def test_a_thread_that_does_not_get_its_sandbox_afterwards_is_not_used(
    server: Server, fault: str
) -> None:
    def update(request: Message) -> None:
        if fault == "refused":
            server.refuse(request, "invalid thread settings override")
            return
        server.answer(request, {})
        if fault == "not in force":
            server.put_in_force(request, sandboxPolicy={"type": "dangerFullAccess"})

    server.on["thread/settings/update"] = update
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused if fault == "refused" else PolicyMismatch):
            await runtime.thread_start(**ONLINE)
        await server.heard("thread/unsubscribe")


async def test_a_thread_that_cannot_be_named_is_not_kept(server: Server) -> None:
    server.on["thread/name/set"] = lambda request: server.refuse(request, "no")
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused):
            await runtime.thread_start(durable=True)
        await server.heard("thread/unsubscribe")
