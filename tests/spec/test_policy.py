"""Rule SEC-004: what must be said before a sandbox may be wider than read-only."""

from __future__ import annotations

from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import InvalidArgument, SandboxNotAllowed, run
from codex_runtime.protocol import WorkspaceWriteSandboxPolicy

WIDER = ("workspace-write", "danger-full-access")

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "opt-in"),
    ({"approval_policy": "on-request", "cwd": "."}, "opt-in"),
    ({"privileged_escalation_approved": False, "approval_policy": "on-request"}, "opt-in"),
    ({"privileged_escalation_approved": True}, "approval policy"),
    ({"privileged_escalation_approved": True, "cwd": "."}, "approval policy"),
    (
        {"privileged_escalation_approved": True, "approval_policy": "never", "cwd": "."},
        "approval policy",
    ),
    ({"privileged_escalation_approved": True, "approval_policy": "on-request"}, "scope"),
]
"""What is said, and the first thing that is missing."""


@requirement("policy:sec-004")
async def test_a_wider_sandbox_needs_three_words_or_nothing_is_sent(server: Server) -> None:
    sent = server.runtime.statistics().requests

    for sandbox in WIDER:
        for words, missing in REFUSED:
            with pytest.raises(SandboxNotAllowed) as refusal:
                await server.runtime.thread_start(sandbox=sandbox, **words)
            assert missing in refusal.value.problem
            with pytest.raises(SandboxNotAllowed):
                await run("hello", runtime=server.runtime, sandbox=sandbox, **words)

    assert server.runtime.statistics().requests == sent
    thread = await server.writable_thread()
    assert isinstance(thread.info.sandbox, WorkspaceWriteSandboxPolicy)
    assert thread.info.approval_policy == "on-request"


@requirement("policy:sec-004-turn")
async def test_a_turn_is_held_to_the_same_rule(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests

    for sandbox in WIDER:
        for words, missing in REFUSED:
            with pytest.raises(SandboxNotAllowed) as refusal:
                await thread.turn_start("hello", sandbox=sandbox, **words)
            assert missing in refusal.value.problem

    assert server.runtime.statistics().requests == sent
    assert server.calls == ()


@requirement("policy:unknown-sandbox")
async def test_a_sandbox_that_is_no_preset_is_refused(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests
    wrong: Any = "workspaceWrite"

    for call in (
        server.runtime.thread_start(sandbox=wrong),
        thread.turn_start("hello", sandbox=wrong),
    ):
        with pytest.raises(InvalidArgument) as refusal:
            await call
        assert refusal.value.field == "sandbox"
        assert "read-only" in refusal.value.fix

    assert server.runtime.statistics().requests == sent
