"""What a thread may do that was just opened."""

from __future__ import annotations

from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import WORDS, Server, sent

from codex_runtime import (
    ExperimentalApiNeeded,
    GranularApproval,
    InvalidArgument,
    SandboxNotAllowed,
)
from codex_runtime.protocol import (
    AskForApprovalObject,
    DangerFullAccessSandboxPolicy,
    ExternalSandboxSandboxPolicy,
    ReadOnlySandboxPolicy,
    WorkspaceWriteSandboxPolicy,
)
from codex_runtime.testing import assistant_message

DETAILS: dict[str, Any] = {
    "type": "workspaceWrite",
    "network_access": True,
    "exclude_slash_tmp": True,
    "exclude_tmpdir_env_var": True,
}


@requirement("opening:details")
async def test_a_thread_is_opened_with_the_details_of_its_sandbox(server: Server) -> None:
    root = str(server.workspace / "data")
    details = {**DETAILS, "writable_roots": [root]}
    wanted = WorkspaceWriteSandboxPolicy(
        writable_roots=[root],
        network_access=True,
        exclude_slash_tmp=True,
        exclude_tmpdir_env_var=True,
    )

    thread = await server.thread(sandbox=details, name="detailed", **WORDS)
    assert thread.info.sandbox == wanted
    fork = await thread.fork(sandbox=wanted, **WORDS)
    assert fork.info.sandbox == wanted
    again = await thread.resume(sandbox=details, **WORDS)
    assert again.info.sandbox == wanted


@requirement("opening:presets")
async def test_a_preset_means_its_details_at_their_defaults(server: Server) -> None:
    config = {"sandbox_workspace_write": {"writable_roots": ["/srv"], "network_access": True}}
    async with server.another(config=config) as other:
        thread = await other.writable_thread()
        assert thread.info.sandbox == WorkspaceWriteSandboxPolicy()
        reading = await other.thread()
        await reading.update_settings(sandbox="workspace-write", cwd=other.workspace, **WORDS)
        assert reading.settings.sandbox_policy == WorkspaceWriteSandboxPolicy()
        await reading.update_settings(permissions=":workspace", cwd=other.workspace, **WORDS)
        assert reading.settings.sandbox_policy == WorkspaceWriteSandboxPolicy()
        full = await other.thread(sandbox="danger-full-access", **WORDS)
        assert full.info.sandbox == DangerFullAccessSandboxPolicy()


@requirement("opening:not-by-preset")
async def test_what_no_preset_says_comes_right_after_the_opening(server: Server) -> None:
    online = ReadOnlySandboxPolicy(network_access=True)
    thread = await server.thread(sandbox=online, name="online", **WORDS)
    assert thread.settings.sandbox_policy == online
    fork = await thread.fork(sandbox=online, cwd=server.workspace, **WORDS)
    assert fork.settings.sandbox_policy == online
    again = await thread.resume(sandbox=online, cwd=server.workspace, **WORDS)
    assert again.info.sandbox == online

    external = await server.thread(sandbox={"type": "externalSandbox"}, **WORDS)
    assert external.settings.sandbox_policy == ExternalSandboxSandboxPolicy()


@requirement("opening:profiles")
async def test_a_thread_is_opened_with_a_permission_profile(server: Server) -> None:
    thread = await server.thread(permissions=":read-only", name="profiled")
    assert thread.info.active_permission_profile
    assert thread.info.active_permission_profile.id == ":read-only"
    assert thread.info.sandbox == ReadOnlySandboxPolicy()

    for profile in (":workspace", ":danger-full-access", "mine"):
        before = sent(server)
        for options in ({}, {"approval_policy": "on-request"}, {**WORDS, "cwd": None}):
            with pytest.raises(SandboxNotAllowed) as refusal:
                await server.thread(permissions=profile, **options)
            assert refusal.value.field == "permissions"
        assert sent(server) == before
    wide = await server.thread(permissions=":workspace", **WORDS)
    assert wide.info.active_permission_profile
    assert wide.info.active_permission_profile.id == ":workspace"
    with pytest.raises(SandboxNotAllowed):
        await wide.turn_start("hello", cwd=server.workspace.parent)

    with pytest.raises(InvalidArgument, match="permissions cannot be combined with sandbox"):
        await server.thread(permissions=":read-only", sandbox="read-only")


@requirement("opening:granular")
async def test_an_approval_policy_may_be_granular(server: Server) -> None:
    policy = GranularApproval(sandbox_approval=True)
    thread = await server.writable_thread(approval_policy=policy)

    assert isinstance(thread.info.approval_policy, AskForApprovalObject)
    assert thread.info.approval_policy.granular.sandbox_approval
    assert not thread.info.approval_policy.granular.rules
    before = sent(server)
    with pytest.raises(SandboxNotAllowed, match="approval policy other than never"):
        await server.writable_thread(approval_policy=GranularApproval())
    assert sent(server) == before


@requirement("opening:reviewer")
async def test_the_user_is_asked_unless_somebody_else_is_named_with_all_the_words(
    server: Server,
) -> None:
    before = sent(server)
    with pytest.raises(SandboxNotAllowed) as refusal:
        await server.thread(approvals_reviewer="auto_review", approval_policy="on-request")
    assert refusal.value.field == "approvals_reviewer"
    assert sent(server) == before

    reviewed = await server.thread(approvals_reviewer="auto_review", name="reviewed", **WORDS)
    assert reviewed.info.approvals_reviewer == "auto_review"
    # A fork would take the reviewer over, if nothing was said.
    assert (await reviewed.fork()).info.approvals_reviewer == "user"


@requirement("opening:config")
async def test_settings_that_decide_what_a_thread_may_do_are_refused(server: Server) -> None:
    thread = await server.thread(durable=True)
    before = sent(server)
    for key, value in (
        ("sandbox_mode", "danger-full-access"),
        ("sandbox_workspace_write.network_access", True),
        ("approval_policy", "on-request"),
        ("default_permissions", ":workspace"),
        ("projects", {str(server.workspace): {"trust_level": "trusted"}}),
    ):
        for call in (server.thread, thread.resume, thread.fork):
            with pytest.raises(InvalidArgument) as refusal:
                await call(config={key: value})
            assert refusal.value.field == f"config[{key!r}]"
    assert sent(server) == before

    configured = await server.thread(config={"model_reasoning_effort": "low"})
    assert configured.info.reasoning_effort == "low"


@requirement("opening:config-opt-in")
async def test_a_setting_that_has_codex_run_something_needs_the_opt_in(server: Server) -> None:
    canary = server.workspace / "canary"
    hook = [{"hooks": [{"type": "command", "command": f"touch '{canary}'"}]}]
    touched = {"command": "touch", "args": [str(canary)]}
    thread = await server.thread(durable=True)
    before = sent(server)
    for config in (
        {"bypass_hook_trust": True, "model_verbosity": "low"},
        {"hooks": {"UserPromptSubmit": hook, "PermissionRequest": hook}},
        {"notify": ["touch", str(canary)]},
        {"mcp_servers": {"mine": touched}},
        {"mcp_servers.mine": touched},
        {"model_providers.mine.base_url": "http://127.0.0.1:9"},
    ):
        for call in (server.thread, thread.resume, thread.fork):
            with pytest.raises(SandboxNotAllowed) as refusal:
                await call(config=config, approval_policy="on-request")
            assert refusal.value.field == f"config[{next(iter(config))!r}]"
    assert sent(server) == before
    assert not canary.exists()

    # With the word it runs, outside of the sandbox: that is what the word is for.
    trusted = {"bypass_hook_trust": True, "hooks": {"UserPromptSubmit": hook}}
    hooked = await server.thread(config=trusted, privileged_escalation_approved=True)
    server.says(assistant_message("Hello."))
    await hooked.run("hello")
    assert hooked.settings.sandbox_policy == ReadOnlySandboxPolicy()
    assert canary.exists() == server.real


@requirement("opening:without-experiments")
async def test_what_is_experimental_is_refused_by_name_where_it_was_not_asked_for(
    server: Server,
) -> None:
    async with server.another(experimental_api=False) as other:
        thread = await other.writable_thread(sandbox={**DETAILS, "writable_roots": ["/srv"]})
        before = sent(other)
        for sandbox in ({"type": "readOnly", "network_access": True}, {"type": "externalSandbox"}):
            with pytest.raises(InvalidArgument) as refusal:
                await other.thread(sandbox=sandbox, **WORDS)
            assert refusal.value.field == "sandbox"
            assert "give it with the turn" in refusal.value.fix
        with pytest.raises(ExperimentalApiNeeded):
            await thread.update_settings(effort="low")
        with pytest.raises(InvalidArgument, match="only_this_turn is experimental"):
            await thread.turn_start("hello", effort="low", only_this_turn=True)
        assert sent(other) == before

        other.says(assistant_message("Hello."))
        online = {"type": "readOnly", "network_access": True}
        result = await thread.run("hello", sandbox=online, cwd=other.workspace, **WORDS)
        assert result.text == "Hello."
        with pytest.raises(ExperimentalApiNeeded):
            await other.thread(permissions=":read-only")
