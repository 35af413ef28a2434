"""What is in force, compared with what was asked for, as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codex_runtime._effective import asked_in, differences, imposed, strictest_approval
from codex_runtime._params import Asked
from codex_runtime.policy import GranularApproval, Sandbox
from codex_runtime.protocol import (
    ActivePermissionProfile,
    AskForApprovalObject,
    AskForApprovalObjectGranular,
    CollaborationMode,
    ConfigRequirements,
    DangerFullAccessSandboxPolicy,
    ReadOnlySandboxPolicy,
    Settings,
    ThreadSettings,
    TurnStartParams,
    Unknown,
    WorkspaceWriteSandboxPolicy,
)

READ = Sandbox.of("read-only")
WRITE = Sandbox.of("workspace-write")
DATA = Sandbox.of({"type": "workspaceWrite", "writable_roots": ["/data", "/project"]})
ONLINE = Sandbox.of({"type": "readOnly", "network_access": True})
GRANULAR = GranularApproval(sandbox_approval=True)


def in_force(**settings: Any) -> ThreadSettings:
    usual: dict[str, Any] = {
        "sandbox_policy": ReadOnlySandboxPolicy(),
        "approval_policy": "never",
        "approvals_reviewer": "user",
        "cwd": "/project",
        "model": "m",
    }
    return ThreadSettings(**{**usual, **settings})


def profile(name: str) -> ActivePermissionProfile:
    return ActivePermissionProfile(id=name)


def granular(**parts: bool) -> AskForApprovalObject:
    usual = {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}
    return AskForApprovalObject(granular=AskForApprovalObjectGranular(**{**usual, **parts}))


WRITABLE = WorkspaceWriteSandboxPolicy
SAME: list[tuple[Asked, ThreadSettings]] = [
    (Asked(), ThreadSettings()),
    (Asked(sandbox=READ, approval="never", reviewer="user", cwd="/project"), in_force()),
    (Asked(sandbox=READ), in_force(active_permission_profile=profile(":read-only"))),
    (Asked(sandbox=WRITE), in_force(sandbox_policy=WRITABLE())),
    (Asked(sandbox=DATA), in_force(sandbox_policy=WRITABLE(writable_roots=["/data"]))),
    (Asked(sandbox=DATA), in_force(sandbox_policy=WRITABLE(writable_roots=["/data/"]))),
    (Asked(sandbox=ONLINE), in_force(sandbox_policy=ReadOnlySandboxPolicy(network_access=True))),
    (
        Asked(sandbox=Sandbox.of("danger-full-access")),
        in_force(sandbox_policy=DangerFullAccessSandboxPolicy()),
    ),
    (Asked(permissions="mine"), in_force(active_permission_profile=profile("mine"))),
    (Asked(permissions=":read-only"), in_force(active_permission_profile=profile(":read-only"))),
    (Asked(approval=GRANULAR), in_force(approval_policy=granular())),
    (Asked(reviewer="guardian_subagent"), in_force(approvals_reviewer="auto_review")),
    (Asked(cwd="/project/x/../"), in_force()),
    (Asked(model="m", effort="low", summary="auto"), in_force(effort="low", summary="auto")),
]


@pytest.mark.parametrize(("asked", "settings"), SAME)
def test_what_was_asked_for_is_in_force(asked: Asked, settings: ThreadSettings) -> None:
    assert differences(asked, settings) == {}


DIFFERENT: list[tuple[Asked, ThreadSettings, dict[str, str]]] = [
    (
        Asked(sandbox=READ, approval="never", reviewer="user", cwd="/project"),
        ThreadSettings(),
        {
            "sandbox": "asked read-only, in force unknown",
            "approval_policy": "asked never, in force unknown",
            "approvals_reviewer": "asked user, in force unknown",
            "cwd": "asked /project, in force unknown",
        },
    ),
    (
        Asked(sandbox=READ),
        in_force(sandbox_policy=Unknown(raw={"type": "holodeck"})),
        {"sandbox": "asked read-only, in force unknown"},
    ),
    (
        Asked(sandbox=READ),
        in_force(sandbox_policy=ReadOnlySandboxPolicy(network_access=True)),
        {"sandbox": "asked read-only, in force read-only with network access"},
    ),
    (
        Asked(sandbox=READ),
        in_force(active_permission_profile=profile("mine")),
        {"permissions": "asked none, in force mine"},
    ),
    (
        Asked(sandbox=WRITE),
        in_force(sandbox_policy=WRITABLE(writable_roots=["/data"])),
        {"sandbox": "asked workspace-write, in force workspace-write with writable /data"},
    ),
    (
        Asked(sandbox=DATA),
        in_force(sandbox_policy=WRITABLE()),
        {
            "sandbox": "asked workspace-write with writable /data, writable /project, "
            "in force workspace-write"
        },
    ),
    (
        Asked(sandbox=WRITE),
        in_force(sandbox_policy=WRITABLE(exclude_slash_tmp=True)),
        {"sandbox": "asked workspace-write, in force workspace-write with no /tmp"},
    ),
    (
        Asked(sandbox=WRITE),
        in_force(),
        {"sandbox": "asked workspace-write, in force read-only"},
    ),
    (
        Asked(permissions=":read-only"),
        in_force(sandbox_policy=WRITABLE(), active_permission_profile=profile(":read-only")),
        {"sandbox": "asked read-only, in force workspace-write"},
    ),
    (Asked(permissions="mine"), in_force(), {"permissions": "asked mine, in force unknown"}),
    (
        Asked(approval="untrusted"),
        in_force(approval_policy="on-request"),
        {"approval_policy": "asked untrusted, in force on-request"},
    ),
    (
        Asked(approval=GRANULAR),
        in_force(approval_policy=granular(rules=True)),
        {
            "approval_policy": "asked granular (sandbox_approval), "
            "in force granular (sandbox_approval, rules)"
        },
    ),
    (
        Asked(approval="never"),
        in_force(approval_policy={"unheard": {}}),
        {"approval_policy": "asked never, in force unknown"},
    ),
    (
        Asked(reviewer="user"),
        in_force(approvals_reviewer="auto_review"),
        {"approvals_reviewer": "asked user, in force auto_review"},
    ),
    (
        Asked(model="m2", effort="low", summary="auto"),
        in_force(),
        {
            "model": "asked m2, in force m",
            "effort": "asked low, in force unknown",
            "summary": "asked auto, in force unknown",
        },
    ),
    (
        Asked(mode=CollaborationMode(mode="plan", settings=Settings(model="m"))),
        in_force(),
        {"collaboration_mode": "asked plan, in force unknown"},
    ),
]


@pytest.mark.parametrize(("asked", "settings", "found"), DIFFERENT)
def test_what_differs_is_named_with_both_sides(
    asked: Asked, settings: ThreadSettings, found: dict[str, str]
) -> None:
    assert differences(asked, settings) == found


def test_the_parameters_of_a_turn_say_what_they_ask_for() -> None:
    params = TurnStartParams(
        thread_id="t1",
        input=[],
        cwd="/project",
        sandbox_policy=WRITABLE(),
        approval_policy=granular(),
        approvals_reviewer="user",
    )

    assert asked_in(params) == Asked(
        cwd="/project", sandbox=WRITE, approval=GRANULAR, reviewer="user"
    )
    assert asked_in(TurnStartParams(thread_id="t1", input=[])) == Asked()


DEFAULTS = Asked().with_defaults()


def required(**requirements: Any) -> ConfigRequirements:
    return ConfigRequirements(**requirements)


def test_the_organisation_accounts_only_for_defaults_that_it_forbids() -> None:
    found = differences(
        DEFAULTS, in_force(approval_policy="on-request", approvals_reviewer="auto_review")
    )
    policy = {"approval_policy": found["approval_policy"]}
    asking = required(allowed_approval_policies=["on-request", "untrusted"])

    assert imposed(DEFAULTS, found, asking) == policy
    said = replace(DEFAULTS, defaults=frozenset({"approvals_reviewer"}))
    assert imposed(said, found, asking) == {}
    assert imposed(DEFAULTS, found, required()) == {}
    allowing = required(allowed_approval_policies=["never", "on-request"])
    assert imposed(DEFAULTS, found, allowing) == {}
    both = required(
        allowed_approval_policies=["on-request"], allowed_approvals_reviewers=["auto_review"]
    )
    assert imposed(DEFAULTS, found, both) == found


@pytest.mark.parametrize(
    ("allowed", "strictest"),
    [
        (None, None),
        ([], None),
        (["on-request"], "on-request"),
        (["on-request", "untrusted"], "untrusted"),
        (["on-request", granular()], GRANULAR),
        (["one-of-the-future", "on-request"], "on-request"),
        (["on-request", "never"], "never"),
    ],
)
def test_the_strictest_of_what_is_allowed_is_taken(allowed: Any, strictest: object) -> None:
    assert strictest_approval(required(allowed_approval_policies=allowed)) == strictest
