"""What a turn or an update may widen on a thread, and what then has to be said (rule SEC-004)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from codex_runtime import SandboxNotAllowed, SettingsOptions, TurnOptions
from codex_runtime._live import LiveThread, Scope, settings_of
from codex_runtime._params import (
    asked_of,
    fork_params,
    resume_params,
    settings_params,
    start_params,
    turn_params,
)
from codex_runtime._prepared_input import PreparedInput
from codex_runtime.errors import InvalidArgument
from codex_runtime.policy import GranularApproval, Sandbox, SandboxMode, approval_of, may_ask
from codex_runtime.protocol import (
    ActivePermissionProfile,
    DangerFullAccessSandboxPolicy,
    ReadOnlySandboxPolicy,
    SandboxPolicy,
    TextInput,
    Thread,
    ThreadSettings,
    ThreadStartResponse,
    Unknown,
    WorkspaceWriteSandboxPolicy,
)

WIDE: list[SandboxMode] = ["workspace-write", "danger-full-access"]
WORK = PreparedInput([TextInput(text="Work.")], {})
WORDS: dict[str, Any] = {
    "cwd": "/elsewhere",
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
}
TO_WRITE = TurnOptions(
    sandbox="workspace-write",
    cwd="/elsewhere",
    approval_policy="on-request",
    privileged_escalation_approved=True,
)


def scope(
    sandbox: SandboxMode, cwd: str | None = "/project", permissions: str | None = None
) -> Scope:
    return Scope("thread-1", Sandbox.of(sandbox), cwd, permissions)


def start(at: Scope, options: TurnOptions) -> Scope:
    return at.after(turn_params(at, WORK, options, remote=True))


def update(at: Scope, options: SettingsOptions) -> Scope:
    asked = asked_of(options, remote=True, scope=at)
    params, _ = settings_params(at.thread_id, options, asked)
    return at.after(params)


CHANGES: list[Any] = [start, update]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sandbox", WIDE)
@pytest.mark.parametrize(
    "options",
    [
        {"cwd": "/elsewhere"},
        {"approval_policy": "never"},
        {"approval_policy": GranularApproval()},
        {"approvals_reviewer": "auto_review"},
        {"permissions": ":workspace"},
        {"sandbox": {"type": "readOnly", "network_access": True}},
    ],
)
def test_what_widens_a_wide_thread_needs_all_the_words(
    change: Any, sandbox: SandboxMode, options: dict[str, Any]
) -> None:
    with pytest.raises(SandboxNotAllowed):
        change(scope(sandbox), options)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sandbox", WIDE)
def test_a_wide_thread_may_be_moved_with_all_the_words(change: Any, sandbox: SandboxMode) -> None:
    assert change(scope(sandbox), WORDS) == scope(sandbox, "/elsewhere")


@pytest.mark.parametrize("change", CHANGES)
def test_a_thread_with_a_profile_may_be_moved_with_all_the_words(change: Any) -> None:
    at = scope("read-only", permissions="mine")
    with pytest.raises(SandboxNotAllowed) as caught:
        change(at, {"cwd": "/elsewhere"})

    assert caught.value.field == "permissions"
    assert change(at, WORDS) == scope("read-only", "/elsewhere", "mine")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sandbox", WIDE)
def test_what_widens_nothing_needs_no_words(change: Any, sandbox: SandboxMode) -> None:
    at = scope(sandbox)
    assert change(at, {}) == at
    assert change(at, {"cwd": "/project", "approval_policy": "untrusted"}) == at
    narrowed = {"sandbox": "read-only", "approval_policy": "never"}
    assert change(at, narrowed) == scope("read-only")
    assert change(at, {"permissions": ":read-only"}) == scope("read-only", permissions=":read-only")


@pytest.mark.parametrize("change", CHANGES)
def test_a_thread_may_go_anywhere_where_nothing_can_be_written(change: Any) -> None:
    options = {"cwd": "/elsewhere", "approval_policy": "never"}
    assert change(scope("read-only"), options) == scope("read-only", "/elsewhere")


@pytest.mark.parametrize("change", CHANGES)
def test_a_sandbox_that_was_widened_stays_wide_for_what_follows(change: Any) -> None:
    widened = change(
        scope("read-only", None), {**WORDS, "sandbox": "workspace-write", "cwd": "/project"}
    )
    assert widened == scope("workspace-write")
    with pytest.raises(SandboxNotAllowed):
        change(widened, {"cwd": "/elsewhere"})


def opened(sandbox: SandboxPolicy, profile: str | None = None) -> ThreadStartResponse:
    return ThreadStartResponse(
        thread=Thread(id="thread-1"),
        sandbox=sandbox,
        cwd="/project",
        approval_policy="never",
        approvals_reviewer="user",
        active_permission_profile=None if profile is None else ActivePermissionProfile(id=profile),
    )


@pytest.mark.parametrize(
    ("policy", "sandbox"),
    [
        (ReadOnlySandboxPolicy(), "read-only"),
        (WorkspaceWriteSandboxPolicy(), "workspace-write"),
        (DangerFullAccessSandboxPolicy(), "danger-full-access"),
        (Unknown(raw={"type": "holodeck"}), "danger-full-access"),
    ],
)
def test_a_sandbox_that_is_not_known_counts_as_the_widest(
    policy: SandboxPolicy, sandbox: SandboxMode
) -> None:
    assert Scope.of("thread-1", settings_of(opened(policy))) == scope(sandbox)


def test_what_nobody_has_told_of_counts_as_wide() -> None:
    assert LiveThread("thread-1").scope.wide
    assert Scope.of("thread-1", ThreadSettings()).wide


@pytest.mark.parametrize(("profile", "wide"), [(None, False), (":read-only", False), ("x", True)])
def test_a_profile_of_ones_own_counts_as_wide(profile: str | None, wide: bool) -> None:  # noqa: FBT001 — a column of the table
    settings = settings_of(opened(ReadOnlySandboxPolicy(), profile))

    assert Scope.of("thread-1", settings).wide is wide


def test_what_was_asked_for_in_vain_counts_only_if_it_is_wider() -> None:
    live = LiveThread("thread-1")
    live.note(settings_of(opened(ReadOnlySandboxPolicy())))
    wide = turn_params(live.scope, WORK, TO_WRITE, remote=True)
    live.suspect(wide)
    assert live.scope == scope("workspace-write", "/elsewhere")
    assert live.settings.sandbox_policy == ReadOnlySandboxPolicy()

    live.suspect(turn_params(live.scope, WORK, {"sandbox": "read-only"}, remote=True))
    assert live.scope.wide
    live.note(settings_of(opened(ReadOnlySandboxPolicy())))
    assert live.scope == scope("read-only")


def test_the_servers_word_outweighs_what_was_sent() -> None:
    live = LiveThread("thread-1")
    live.note(settings_of(opened(ReadOnlySandboxPolicy())))
    params = turn_params(live.scope, WORK, TO_WRITE, remote=True)
    before = live.told
    live.note(settings_of(opened(DangerFullAccessSandboxPolicy())))

    live.assume(params, told=before)
    assert live.scope == scope("danger-full-access")
    live.assume(params, told=live.told)
    assert live.scope == scope("workspace-write", "/elsewhere")


@pytest.mark.parametrize("policy", ["", "  "])
def test_a_blank_approval_policy_is_refused(policy: str) -> None:
    with pytest.raises(InvalidArgument, match="approval_policy is blank"):
        asked_of({"approval_policy": policy}, remote=True)


# -- no way around the rule

ANYTHING: dict[str, Any] = {
    "sandbox": st.sampled_from(
        [
            None,
            "read-only",
            "workspace-write",
            "danger-full-access",
            ReadOnlySandboxPolicy(),
            ReadOnlySandboxPolicy(network_access=True),
            WorkspaceWriteSandboxPolicy(writable_roots=["/data"]),
            {"type": "workspaceWrite"},
            {"type": "readOnly", "networkAccess": True},
            {"type": "externalSandbox"},
            {"type": "dangerFullAccess"},
        ]
    ),
    "permissions": st.sampled_from([None, None, ":read-only", ":workspace", "mine"]),
    "approvals_reviewer": st.sampled_from([None, "user", "auto_review", "other"]),
    "approval_policy": st.sampled_from(
        [
            None,
            "",
            " ",
            "never",
            "untrusted",
            "on-request",
            "other",
            GranularApproval(),
            GranularApproval(rules=True),
        ]
    ),
    "privileged_escalation_approved": st.sampled_from([None, True, False, "yes", 1]),
    "cwd": st.sampled_from([None, "/project", "/elsewhere"]),
    "config": st.sampled_from(
        [
            None,
            {"model_verbosity": "low"},
            {"sandbox_mode": "danger-full-access"},
            {"sandbox_workspace_write.network_access": True},
            {"approval_policy": "never"},
            {"default_permissions": ":workspace"},
            {"projects": {"/project": "trusted"}},
        ]
    ),
}
OPTIONS: Any = st.fixed_dictionaries({}, optional=ANYTHING)
SCOPES = st.builds(
    Scope,
    st.just("t1"),
    st.sampled_from(["read-only", "workspace-write", "danger-full-access"]).map(Sandbox.of),
    st.sampled_from([None, "/project"]),
    st.sampled_from([None, ":read-only", "mine"]),
    st.sampled_from(["user", "auto_review"]),
)


def spoken(options: dict[str, Any]) -> bool:
    """Whether all three words are said, written down once more."""
    sandbox = options.get("sandbox")
    roots = Sandbox.of(sandbox).writable_roots if sandbox is not None else ()
    return (
        options.get("privileged_escalation_approved") is True
        and may_ask(approval_of(options.get("approval_policy")))
        and bool(options.get("cwd") or roots)
    )


@given(OPTIONS)
def test_no_thread_is_opened_with_more_than_reading_without_three_words(
    options: dict[str, Any],
) -> None:
    try:
        asked = asked_of(options, remote=True).with_defaults()
        made: Any = (start_params, resume_params, fork_params)
        start, resume, fork = made
        sent = [start(options, asked), resume("t1", options, asked), fork("t1", options, asked)]
    except InvalidArgument:
        return

    for params in sent:
        config = dict(params.config)
        extras = config.pop("sandbox_workspace_write")
        assert config in ({}, {"model_verbosity": "low"})
        if not spoken(options):
            assert (params.sandbox, params.permissions) in READ_ONLY
            assert params.approvals_reviewer == "user"
            assert params.approval_policy
            assert not any(extras.values())
            # What comes after the opening, where the preset cannot say it.
            assert asked.sandbox is None or not asked.sandbox.wider


READ_ONLY = [("read-only", UNSET), (UNSET, ":read-only")]


@given(SCOPES, OPTIONS, st.sampled_from(CHANGES))
def test_nothing_widens_a_thread_in_use_without_three_words(
    at: Scope, options: dict[str, Any], change: Any
) -> None:
    options.pop("config", None)
    try:
        after = change(at, options)
    except InvalidArgument:
        return

    if not spoken(options):
        reads = not after.sandbox.wider and after.permissions in {None, ":read-only"}
        as_before = (after.sandbox, after.permissions, after.cwd)
        assert reads or as_before == (at.sandbox, at.permissions, at.cwd)
        assert after.reviewer in {at.reviewer, "user"}
        named = approval_of(options.get("approval_policy"))
        assert reads or named is None or may_ask(named)
