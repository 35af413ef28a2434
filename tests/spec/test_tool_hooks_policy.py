"""Hooks before the use of tools bring about a policy under which codex asks."""

from __future__ import annotations

from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server
from spec.test_tool_hooks import STEPS, Watch, Yes, items, policy

from codex_runtime import GranularApproval, run
from codex_runtime.errors import PolicyMismatch, SandboxNotAllowed
from codex_runtime.hooks import Block
from codex_runtime.testing import assistant_message, shell


@requirement("toolhooks:escalates-threads")
async def test_a_thread_is_opened_with_a_policy_that_asks(server: Server) -> None:
    no = Watch(action=Block("no")).hook
    never: tuple[Any, ...] = (
        {},
        {"approval_policy": "never"},
        {"approval_policy": GranularApproval()},
        {"approve": Yes()},
    )
    for options in never:
        thread = await server.thread(hooks=[no], **options)
        said = str(options.get("approval_policy", "none"))
        assert policy(thread) == "untrusted"
        assert thread.adjusted == (
            f"approval_policy: untrusted in place of {said}, for pre_tool_use hooks",
        )
        assert thread.hooks is not None
        assert thread.hooks.escalated == thread.adjusted[0]

    asking = await server.thread(hooks=[no], approval_policy="on-request")
    assert (policy(asking), asking.adjusted) == ("on-request", ())
    plain = await server.thread()
    assert (policy(plain), plain.adjusted) == ("never", ())

    server.says(assistant_message("Hello"), *STEPS[:1], assistant_message("Done."))
    await plain.run("hello")
    fork = await plain.fork(hooks=[no])
    assert policy(fork) == "untrusted"
    result = await fork.run("Leave a trace.")
    assert items(result) == [("commandExecution", "declined")]


@requirement("toolhooks:escalates-threads")
async def test_a_resumed_thread(server: Server) -> None:
    no = Watch(action=Block("no")).hook
    async with server.another(assistant_message("Hello")) as first:
        thread = await first.thread(durable=True)
        await thread.run("hello")
        with pytest.raises(PolicyMismatch, match="pre_tool_use hooks"):
            # It is loaded, and keeps its settings.
            await thread.resume(hooks=[no])
        await thread.update_settings(approval_policy="untrusted")
        again = await thread.resume(hooks=[no])
        assert policy(again) == "untrusted"


@requirement("toolhooks:escalates-turns")
@pytest.mark.parametrize("said", [{}, {"approval_policy": "never"}])
async def test_a_turn_with_hooks_of_its_own(server: Server, said: dict[str, Any]) -> None:
    no = Watch(action=Block("no"))
    # As many uses as it takes for the policy to be put back under way.
    server.says(shell("sleep 0.2"), *STEPS, assistant_message("Done."))
    thread = await server.thread()

    result = await thread.run("Leave a trace.", hooks=[no.hook], **said)

    assert {status for _, status in items(result)} == {"declined"}
    assert len(no.contexts) == 3
    assert result.hooks is not None
    assert result.hooks.escalated == (
        "approval_policy: untrusted in place of never, for pre_tool_use hooks"
    )
    server.says(assistant_message("Hello"))
    after = await thread.run("hello")
    assert (policy(thread), after.hooks) == ("never", None)


@requirement("toolhooks:escalates-turns")
async def test_a_turn_of_a_thread_that_got_hooks_later(server: Server) -> None:
    no = Watch(action=Block("no"))
    steps = (shell("true"), assistant_message("Done."))
    async with server.another(*steps * 2) as other:
        thread = await other.thread()
        assert policy(thread) == "never"
        other.runtime.register_hooks(no.hook)
        for _ in range(2):
            result = await thread.run("Leave a trace.", approval_policy="never")
            assert items(result) == [("commandExecution", "declined")]
            assert policy(thread) == "untrusted"


@requirement("toolhooks:escalates-settings")
async def test_settings_keep_a_policy_that_asks(server: Server) -> None:
    no = Watch(action=Block("no"))
    thread = await server.thread(hooks=[no.hook])

    await thread.update_settings(approval_policy="never")
    assert policy(thread) == "untrusted"
    await thread.update_settings(approval_policy="on-request")
    assert policy(thread) == "on-request"
    await thread.update_settings(effort="low", approval_policy="never")
    assert policy(thread) == "untrusted"


@requirement("toolhooks:sandbox")
async def test_a_wider_sandbox_needs_its_other_words(server: Server) -> None:
    no = Watch(action=Block("no"))
    words: Any = {"sandbox": "workspace-write", "privileged_escalation_approved": True}
    with pytest.raises(SandboxNotAllowed):
        await server.thread(**words)
    with pytest.raises(SandboxNotAllowed):
        await server.thread(sandbox="workspace-write", hooks=[no.hook])

    thread = await server.thread(**words, hooks=[no.hook])
    assert policy(thread) == "untrusted"
    server.says(*STEPS, assistant_message("Done."))
    result = await run(
        "Leave a trace.",
        runtime=server.runtime,
        cwd=server.workspace,
        hooks=[no.hook],
        **words,
        approval_policy="never",
    )
    assert {status for _, status in items(result)} == {"declined"}
    assert not (server.workspace / "canary").exists()
