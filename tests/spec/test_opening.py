"""Opening threads: starting, resuming, forking, and what is then in force."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    ExperimentalApiNeeded,
    GranularApproval,
    InvalidArgument,
    PolicyMismatch,
    Runtime,
    SandboxNotAllowed,
    ThreadNotFound,
    TurnNotFound,
    WorkingDirectoryMissing,
)
from codex_runtime.protocol import (
    AskForApprovalObject,
    DangerFullAccessSandboxPolicy,
    ExternalSandboxSandboxPolicy,
    ReadOnlySandboxPolicy,
    WorkspaceWriteSandboxPolicy,
)
from codex_runtime.testing import FakeAppServer, assistant_message

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
}


@asynccontextmanager
async def another_process(server: Server) -> AsyncGenerator[Runtime]:
    """A second app-server on the same CODEX_HOME."""
    model = server.model
    if isinstance(model, FakeAppServer):
        async with model.runtime() as runtime:
            yield runtime
        return
    environment = model.environment(server.home)
    async with Runtime(codex_home=server.home, env=environment) as runtime:
        yield runtime


def sent(server: Server) -> int:
    return server.runtime.statistics().requests


# -- ids


@requirement("opening:thread-id")
async def test_a_thread_id_may_be_spelled_in_all_the_ways_that_the_server_takes(
    server: Server,
) -> None:
    thread = await server.thread(durable=True)
    plain = thread.thread_id

    for spelled in (plain, plain.upper(), f"urn:uuid:{plain}", plain.replace("-", "")):
        assert (await server.runtime.thread_resume(spelled)).thread_id == plain
        assert (await server.runtime.thread_fork(spelled)).info.thread.forked_from_id == plain


@requirement("opening:bad-thread-id")
async def test_what_is_no_thread_id_is_refused_before_anything_is_sent(server: Server) -> None:
    before = sent(server)

    for wrong in ("", "  ", "thread-1", f"{NOBODY}0", f" {NOBODY}", "urn:uuid:", 5, None):
        thread_id: Any = wrong
        for call in (server.runtime.thread_resume, server.runtime.thread_fork):
            with pytest.raises(InvalidArgument) as refusal:
                await call(thread_id)
            assert refusal.value.field == "thread_id"

    assert sent(server) == before


@requirement("opening:unknown-thread")
async def test_a_thread_that_is_not_on_record_is_not_found(server: Server) -> None:
    without_turn = await server.thread()
    ephemeral = await server.thread(ephemeral=True)

    for thread_id in (NOBODY, without_turn.thread_id, ephemeral.thread_id):
        for call in (server.runtime.thread_resume, server.runtime.thread_fork):
            with pytest.raises(ThreadNotFound) as refusal:
                await call(thread_id)
            assert refusal.value.thread_id == thread_id


# -- durable threads


@requirement("opening:durable")
async def test_a_durable_thread_can_be_resumed_before_its_first_turn(server: Server) -> None:
    async with another_process(server) as first:
        thread = await first.thread_start(durable=True, cwd=server.workspace)
        named = await first.thread_start(name="Release notes", cwd=server.workspace)

    again = await server.runtime.thread_resume(thread.thread_id)
    assert again.info.thread.name == "Untitled"
    other = await server.runtime.thread_resume(named.thread_id)
    assert other.info.thread.name == "Release notes"
    server.says(assistant_message("Hello."))
    assert (await again.run("hello")).text == "Hello."


@requirement("opening:durable-or-ephemeral")
async def test_a_thread_is_either_kept_or_not(server: Server) -> None:
    before = sent(server)
    wrong: list[dict[str, Any]] = [
        {"durable": True},
        {"name": "Release notes"},
        {"durable": True, "name": "Release notes"},
    ]

    for options in wrong:
        with pytest.raises(InvalidArgument, match="cannot be combined with ephemeral"):
            await server.thread(ephemeral=True, **options)

    assert sent(server) == before


# -- what is in force when a thread is opened

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


# -- resuming


@requirement("opening:resume")
async def test_a_thread_is_resumed_with_the_defaults_and_what_is_said(server: Server) -> None:
    async with another_process(server) as first:
        server.says(assistant_message("Hello."))
        thread = await first.thread_start(cwd=server.workspace, sandbox="workspace-write", **WORDS)
        await thread.run("hello")

    again = await server.runtime.thread_resume(thread.thread_id, model="gpt-5.4")
    assert again.thread_id == thread.thread_id
    assert again.runtime is server.runtime
    assert again.info.sandbox == ReadOnlySandboxPolicy()
    assert again.info.approval_policy == "never"
    assert again.info.model == "gpt-5.4"
    assert again.info.cwd == str(server.workspace)
    assert list(again.info.thread.turns) == []
    server.says(assistant_message("Once more."))
    assert (await again.run("and again")).text == "Once more."
    assert server.calls[-1].user_texts[-2:] == ("hello", "and again")


@requirement("opening:resume-words")
async def test_a_wide_sandbox_is_resumed_with_its_words_only(server: Server) -> None:
    thread = await server.writable_thread(durable=True)
    before = sent(server)

    said: list[dict[str, Any]] = [{}, {"approval_policy": "on-request"}, WORDS]
    wide: list[Any] = ["workspace-write", {"type": "readOnly", "network_access": True}]
    for wider in wide:
        for options in said:
            for call in (server.runtime.thread_resume, server.runtime.thread_fork):
                with pytest.raises(SandboxNotAllowed):
                    await call(thread.thread_id, sandbox=wider, **options)
    with pytest.raises(WorkingDirectoryMissing):
        await thread.resume(cwd=server.workspace / "nowhere")

    assert sent(server) == before


@requirement("opening:resume-loaded")
async def test_a_loaded_thread_is_used_only_as_it_is(server: Server) -> None:
    thread = await server.writable_thread(durable=True)
    words: dict[str, Any] = {**WORDS, "sandbox": "workspace-write", "cwd": server.workspace}
    tries: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {"sandbox", "approval_policy"}),
        ({**words, "approval_policy": "untrusted"}, {"approval_policy"}),
        ({**words, "sandbox": {**DETAILS, "writable_roots": []}}, {"sandbox"}),
        ({**words, "cwd": server.workspace.parent}, {"cwd"}),
        ({**words, "model": "gpt-5.4"}, {"model"}),
        ({**words, "sandbox": None, "permissions": ":workspace"}, {"permissions"}),
        ({**words, "approvals_reviewer": "auto_review"}, {"approvals_reviewer"}),
    ]

    for options, different in tries:
        with pytest.raises(PolicyMismatch) as mismatch:
            await thread.resume(**options)
        assert mismatch.value.thread_id == thread.thread_id
        assert {text.split(":")[0] for text in mismatch.value.differences} == different
    again = await thread.resume(**words)

    # Whoever used it before goes on to do so.
    server.says(assistant_message("Hello."), assistant_message("Hello."))
    assert (await thread.run("hello")).text == "Hello."
    assert (await again.run("hello")).text == "Hello."


@requirement("opening:mismatch-not-used")
async def test_a_thread_that_is_not_used_is_given_up(server: Server) -> None:
    async with another_process(server) as first:
        thread_id = (await first.thread_start(durable=True, cwd=server.workspace)).thread_id
    wide = {"sandbox": "workspace-write", "approvalPolicy": "on-request", "excludeTurns": True}
    await server.runtime.call_raw("thread/resume", {"threadId": thread_id, **wide})

    with pytest.raises(PolicyMismatch):
        await server.runtime.thread_resume(thread_id)
    # Another request, so that what was sent in the background has been looked at.
    await server.runtime.thread_read(thread_id)
    assert await server.runtime.thread_unsubscribe(thread_id) == "notSubscribed"


# -- forking


@requirement("opening:fork")
async def test_a_fork_goes_on_with_the_history_under_an_id_of_its_own(server: Server) -> None:
    server.says(*(assistant_message(f"Answer {number}.") for number in (1, 2, 3)))
    thread = await server.writable_thread()
    first = await thread.run("one")
    second = await thread.run("two")

    whole = await thread.fork()
    assert whole.thread_id != thread.thread_id
    assert whole.info.thread.forked_from_id == thread.thread_id
    assert whole.runtime is server.runtime
    assert list(whole.info.thread.turns) == []
    # What its source may do is not taken over.
    assert whole.info.sandbox == ReadOnlySandboxPolicy()
    assert whole.info.approval_policy == "never"
    cut = await server.runtime.thread_fork(thread.thread_id, last_turn_id=first.turn_id)
    also_cut = await thread.fork(before_turn_id=second.turn_id, ephemeral=True)
    assert also_cut.info.thread.ephemeral

    await whole.run("three")
    assert server.calls[-1].user_texts[-3:] == ("one", "two", "three")
    server.says(assistant_message("Answer 4."), assistant_message("Answer 5."))
    for fork in (cut, also_cut):
        await fork.run("three")
        assert server.calls[-1].user_texts[-2:] == ("one", "three")
        assert "two" not in server.calls[-1].user_texts


@requirement("opening:fork-bad-turn")
async def test_a_fork_is_cut_at_a_turn_that_there_is_and_at_one_only(server: Server) -> None:
    server.says(assistant_message("Hello."))
    thread = await server.thread()
    turn_id = (await thread.run("hello")).turn_id
    before = sent(server)

    with pytest.raises(InvalidArgument, match="before_turn_id cannot be combined"):
        await thread.fork(last_turn_id=turn_id, before_turn_id=turn_id)
    for wrong in ("", 5):
        turn: Any = wrong
        with pytest.raises(InvalidArgument, match="last_turn_id is"):
            await thread.fork(last_turn_id=turn)
    assert sent(server) == before
    for unknown in (NOBODY, "nothing"):
        with pytest.raises(TurnNotFound):
            await thread.fork(last_turn_id=unknown)
        with pytest.raises(TurnNotFound):
            await thread.fork(before_turn_id=unknown)
