"""Rule SEC-004, as a table; sandboxes and approval policies, as they may be spelled."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from codex_runtime.errors import InvalidArgument, SandboxNotAllowed
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_REVIEWER,
    DEFAULT_SANDBOX,
    GranularApproval,
    check_command,
    check_config,
    check_sandbox,
    sandbox_mode,
)
from codex_runtime.protocol import (
    DangerFullAccessSandboxPolicy,
    ExternalSandboxSandboxPolicy,
    ReadOnlySandboxPolicy,
    WorkspaceWriteSandboxPolicy,
)

SANDBOXES = [None, "read-only", "workspace-write", "danger-full-access"]
WIDER = {"workspace-write", "danger-full-access"}
NO_POLICY: list[Any] = [None, "", "  ", "never", " never ", GranularApproval()]
POLICIES: list[Any] = [
    "on-request",
    "untrusted",
    "on-failure",
    "one-of-the-future",
    GranularApproval(rules=True),
    {"granular": {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}},
]
NO_CWD = [None, "", " \t"]
CWDS = ["/repo", "."]

OPT_IN = "needs an explicit opt-in; pass privileged_escalation_approved=True"
POLICY = "needs an approval policy other than never; pass approval_policy='on-request'"
SCOPE = "needs an explicit scope; pass cwd="

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
    "cwd": "/repo",
}


def expected(
    sandbox: str | None,
    approved: bool,  # noqa: FBT001 — a column of the table
    policy: object,
    cwd: str | None,
) -> str | None:
    """The reason of the refusal, written down once more, row by row of the rule."""
    if sandbox not in WIDER:
        return None
    if not approved:
        return OPT_IN
    if policy in NO_POLICY:
        return POLICY
    if cwd in NO_CWD:
        return f"{SCOPE} or writable roots" if sandbox == "workspace-write" else SCOPE
    return None


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("approved", [False, True])
def test_every_combination_is_allowed_or_refused_for_the_first_reason_there_is(
    sandbox: str | None,
    approved: bool,  # noqa: FBT001 — a column of the table
) -> None:
    for policy, cwd in product(NO_POLICY + POLICIES, NO_CWD + CWDS):
        reason: str | None = None
        try:
            check_sandbox(
                sandbox,
                approval_policy=policy,
                privileged_escalation_approved=approved,
                cwd=cwd,
            )
        except SandboxNotAllowed as error:
            reason = str(error)

        wanted = expected(sandbox, approved, policy, cwd)
        row = (policy, cwd)
        assert (row, reason) == (row, wanted and f"sandbox '{sandbox}' {wanted}")


DETAILED: list[tuple[object, str | None]] = [
    (ReadOnlySandboxPolicy(), None),
    ({"type": "readOnly"}, None),
    ({"type": "readOnly", "networkAccess": False}, None),
    (ReadOnlySandboxPolicy(network_access=True), "read-only with network access"),
    ({"type": "readOnly", "network_access": True}, "read-only with network access"),
    (WorkspaceWriteSandboxPolicy(), "workspace-write"),
    (DangerFullAccessSandboxPolicy(), "danger-full-access"),
    (ExternalSandboxSandboxPolicy(), "external"),
    ({"type": "externalSandbox", "network_access": "enabled"}, "external with network access"),
]
"""Sandboxes in their details, and what each is called where it is wider than read-only."""


@pytest.mark.parametrize(("sandbox", "name"), DETAILED)
def test_details_are_held_to_the_same_rule(sandbox: object, name: str | None) -> None:
    check_sandbox(sandbox, **WORDS)
    for word, left_out in (
        ("privileged_escalation_approved", False),
        ("approval_policy", "never"),
        ("cwd", None),
    ):
        words: dict[str, Any] = {**WORDS, word: left_out}
        if name is None:
            check_sandbox(sandbox, **words)
            continue
        with pytest.raises(SandboxNotAllowed) as caught:
            check_sandbox(sandbox, **words)
        assert str(caught.value).startswith(f"sandbox '{name}' needs an ")


def test_a_writable_root_is_a_scope() -> None:
    words = {**WORDS, "cwd": None}

    check_sandbox(WorkspaceWriteSandboxPolicy(writable_roots=["/data"]), **words)
    with pytest.raises(SandboxNotAllowed, match="scope; pass cwd= or writable roots"):
        check_sandbox(WorkspaceWriteSandboxPolicy(network_access=True), **words)


@pytest.mark.parametrize("profile", [":workspace", ":danger-full-access", "mine", ":READ-ONLY"])
def test_any_permission_profile_but_read_only_needs_the_words_of_a_wide_sandbox(
    profile: str,
) -> None:
    check_sandbox(None, permissions=profile, **WORDS)
    for word in WORDS:
        with pytest.raises(SandboxNotAllowed) as caught:
            check_sandbox(None, permissions=profile, **{**WORDS, word: None})
        assert caught.value.field == "permissions"
        assert repr(profile) in str(caught.value)


def test_the_read_only_profile_needs_no_words() -> None:
    check_sandbox(
        None,
        permissions=":read-only",
        approval_policy=None,
        privileged_escalation_approved=None,
        cwd=None,
    )


@pytest.mark.parametrize("reviewer", ["auto_review", "guardian_subagent", "robot"])
def test_a_reviewer_that_is_not_the_user_needs_the_words_of_a_wide_sandbox(reviewer: str) -> None:
    for sandbox in (None, "read-only"):
        check_sandbox(sandbox, approvals_reviewer=reviewer, **WORDS)
        for word in WORDS:
            with pytest.raises(SandboxNotAllowed) as caught:
                check_sandbox(sandbox, approvals_reviewer=reviewer, **{**WORDS, word: None})
            assert caught.value.field == "approvals_reviewer"


def test_a_sandbox_and_a_profile_exclude_each_other() -> None:
    with pytest.raises(InvalidArgument, match="permissions cannot be combined with sandbox"):
        check_sandbox("read-only", permissions=":read-only", **WORDS)


@pytest.mark.parametrize("profile", [5, "", " ", ["mine"]])
def test_a_profile_that_is_no_name_is_refused(profile: object) -> None:
    with pytest.raises(InvalidArgument, match="permissions is "):
        check_sandbox(None, permissions=profile, **WORDS)


def test_a_command_of_the_callers_own_needs_the_opt_in_and_the_scope() -> None:
    check_command(None, privileged_escalation_approved=False, cwd=None)
    check_command("read-only", privileged_escalation_approved=False, cwd=None)
    check_command("workspace-write", privileged_escalation_approved=True, cwd="/repo")
    with pytest.raises(SandboxNotAllowed, match="explicit opt-in"):
        check_command("workspace-write", privileged_escalation_approved=False, cwd="/repo")
    with pytest.raises(SandboxNotAllowed, match="explicit scope"):
        check_command({"type": "dangerFullAccess"}, privileged_escalation_approved=True, cwd=" ")
    with pytest.raises(SandboxNotAllowed, match="permissions 'mine' needs an explicit opt"):
        check_command(None, permissions="mine", privileged_escalation_approved=None, cwd="/repo")


@pytest.mark.parametrize("word", [1, "yes", "false", "True", [True], None, 0, object()])
def test_only_true_itself_is_the_opt_in(word: Any) -> None:
    with pytest.raises(SandboxNotAllowed, match="explicit opt-in"):
        check_sandbox("workspace-write", **{**WORDS, "privileged_escalation_approved": word})


def test_what_is_sent_by_default_needs_no_word_from_anybody() -> None:
    check_sandbox(
        DEFAULT_SANDBOX,
        approval_policy=DEFAULT_APPROVAL_POLICY,
        privileged_escalation_approved=False,
        cwd=None,
        approvals_reviewer=DEFAULT_REVIEWER,
    )
    assert DEFAULT_SANDBOX == "read-only"
    assert DEFAULT_APPROVAL_POLICY == "never"
    assert DEFAULT_REVIEWER == "user"


class Sly(str):
    """Text that says of itself that it is something else."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other in ("read-only", "readOnly", ":read-only", "user") or super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def test_the_text_counts_and_not_what_it_compares_equal_to() -> None:
    sly: Any = Sly("danger-full-access")
    assert type(sandbox_mode(sly)) is str
    asked: list[dict[str, Any]] = [
        {"sandbox": sly},
        {"sandbox": {"type": Sly("dangerFullAccess")}},
        {"sandbox": None, "permissions": Sly(":danger-full-access")},
        {"sandbox": None, "approvals_reviewer": Sly("auto_review")},
    ]
    for named in asked:
        with pytest.raises(SandboxNotAllowed):
            check_sandbox(
                approval_policy="never",
                privileged_escalation_approved=False,
                cwd="/project",
                **named,
            )


# -- settings of config.toml


@pytest.mark.parametrize(
    "key",
    [
        "sandbox_mode",
        "sandbox_workspace_write",
        "sandbox_workspace_write.writable_roots",
        "sandbox_of_the_future",
        "approval_policy",
        "approvals_reviewer",
        "default_permissions",
        "permissions",
        "permissions.mine.network",
        "profile",
        "projects",
        'projects."/repo".trust_level',
        ' "Sandbox_Mode" ',
    ],
)
def test_a_setting_that_decides_what_a_thread_may_do_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_config({"model_verbosity": "low", key: "x"})

    assert caught.value.field == f"config[{key!r}]"
    assert "sandbox=" in caught.value.fix


@pytest.mark.parametrize(
    "config",
    [
        {"features": {"guardianv2": True}},
        {"features.guardian_approval": True},
        {"features": {"memories": False, "use_legacy_landlock": 1}},
        {"features.request_permissions_tool": "yes"},
        {"features.network_proxy.enabled": True},
    ],
)
def test_a_feature_that_widens_what_a_thread_may_do_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="which widens what the thread may do"):
        check_config(config)


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        {"model_reasoning_effort": "low", "model_verbosity": "low", "model_context_window": 9000},
        {"hide_agent_reasoning": True, "history.persistence": "none", "instructions": "Be brief."},
        {"web_search": "disabled", "tools": {"view_image": False, "web_search": False}},
        {"features": {"memories": False, "tool_suggest": True, "request_permissions_tool": False}},
        {"features.shell_tool": False, "features.guardian_approval": False, "features": {}},
        {"notice": {"fast_default_opt_out": True}, "notice.model_migrations": {"a": "b"}},
    ],
)
def test_settings_that_are_known_to_be_harmless_pass_as_they_are(
    config: dict[str, Any] | None,
) -> None:
    assert check_config(config) == config


NEEDING_THE_WORD: list[tuple[str, Any]] = [
    ("mcp_servers", {"x": {"command": "true"}}),
    ("mcp_servers.x.command", "true"),
    ("hooks", {"PermissionRequest": []}),
    ("bypass_hook_trust", True),
    ("notify", ["true"]),
    ("agents.x.config_file", "/x.toml"),
    ("apps", {}),
    ("plugins.x.enabled", True),
    ("skills.config", []),
    ("model_providers.mine.base_url", "http://127.0.0.1"),
    ("openai_base_url", "http://127.0.0.1"),
    ("chatgpt_base_url", "http://127.0.0.1"),
    ("model_instructions_file", "/etc/passwd"),
    ("experimental_compact_prompt_file", "/etc/passwd"),
    ("project_root_markers", []),
    ("project_doc_fallback_filenames", ["x"]),
    ("shell_environment_policy.inherit", "all"),
    ("otel.exporter", "x"),
    ("log_dir", "/srv"),
    ("tools", {"view_image": True}),
    ("tools.web_search", {"allowed_domains": ["example.org"]}),
    ("tools", True),
    ("web_search", "live"),
    ("web_search", "cached"),
    ("notice", {"hide_full_access_warning": True}),
    ("notice.hide_full_access_warning", True),
    ("features", True),
    ("features.web_search_request", True),
    ("features", {"memories": True}),
    ("features", {"memories": 0}),
    ("features.hooks", False),
    ("features.plugins", False),
    ("features", {"write_stdin_approval": False}),
    ("features.network_proxy", False),
    ("features.brand_new", True),
    ("brand_new", 1),
    ("Model", "x"),
    (" model", "x"),
    ('"model"', "x"),
    ("", {}),
]


@pytest.mark.parametrize(("key", "value"), NEEDING_THE_WORD)
def test_a_setting_that_is_not_known_to_be_harmless_needs_the_opt_in(key: str, value: Any) -> None:
    config = {"model_verbosity": "low", key: value}
    for word in (None, False, 1, "true"):
        with pytest.raises(SandboxNotAllowed) as caught:
            check_config(config, privileged_escalation_approved=word)
        assert caught.value.field == f"config[{key!r}]"
        assert "privileged_escalation_approved=True" in caught.value.fix
    assert check_config(config, privileged_escalation_approved=True) == config


def test_the_opt_in_is_no_word_for_a_setting_that_decides() -> None:
    for config in (
        {"notify": ["true"], "sandbox_mode": "danger-full-access"},
        {"features": {"guardianv2": True}},
    ):
        with pytest.raises(InvalidArgument, match=r"sandbox=|widens"):
            check_config(config, privileged_escalation_approved=True)


@pytest.mark.parametrize("config", ["x", 5, [("a", 1)], {5: "x"}])
def test_settings_that_are_none_are_refused(config: object) -> None:
    with pytest.raises(InvalidArgument, match="config "):
        check_config(config)
