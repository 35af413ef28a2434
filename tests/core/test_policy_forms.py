"""Sandboxes and approval policies, in all the forms that they may be given in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import Struct, to_builtins

from codex_runtime.errors import InvalidArgument, SandboxNotAllowed
from codex_runtime.policy import (
    GranularApproval,
    Sandbox,
    SandboxMode,
    approval_of,
    approval_wire,
    check_sandbox,
    may_ask,
    sandbox_mode,
)
from codex_runtime.protocol import (
    AskForApprovalObject,
    AskForApprovalObjectGranular,
    DangerFullAccessSandboxPolicy,
    ExternalSandboxSandboxPolicy,
    ReadOnlySandboxPolicy,
    SandboxPolicy,
    TextInput,
    Unknown,
    WorkspaceWriteSandboxPolicy,
)

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
    "cwd": "/repo",
}


# -- approval policies

WRONG_POLICIES: list[tuple[object, str]] = [
    (5, "approval_policy"),
    (["on-request"], "approval_policy"),
    ({}, "approval_policy"),
    ({"granular": 5}, "approval_policy"),
    ({"granular": {}, "more": 1}, "approval_policy"),
    ({"granular": {}}, "approval_policy.granular.sandbox_approval"),
    ({"granular": {"sandbox_approval": True}}, "approval_policy.granular.rules"),
    ({"granular": {"everything": True}}, "approval_policy.granular.everything"),
    (
        {"granular": {"sandbox_approval": 1, "rules": True, "mcp_elicitations": True}},
        "approval_policy.sandbox_approval",
    ),
]


@pytest.mark.parametrize(("policy", "field"), WRONG_POLICIES)
def test_an_approval_policy_that_is_none_is_refused_by_its_place(
    policy: object, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_sandbox(
            "workspace-write",
            approval_policy=policy,
            privileged_escalation_approved=True,
            cwd="/repo",
        )

    assert caught.value.field == field
    assert not isinstance(caught.value, SandboxNotAllowed)


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_a_granular_policy_holds_nothing_but_true_and_false(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"approval_policy.rules is .*; use True or False"):
        GranularApproval(rules=value)


def test_a_granular_policy_is_the_same_in_all_its_forms() -> None:
    wire = {
        "granular": {
            "sandbox_approval": True,
            "rules": False,
            "mcp_elicitations": False,
            "request_permissions": False,
            "skill_approval": True,
        }
    }
    struct = AskForApprovalObject(
        granular=AskForApprovalObjectGranular(
            sandbox_approval=True, rules=False, mcp_elicitations=False, skill_approval=True
        )
    )
    ours = GranularApproval(sandbox_approval=True, skill_approval=True)

    assert approval_of(wire) == approval_of(struct) == approval_of(ours) == ours
    assert approval_wire(ours) == wire
    assert approval_wire("untrusted") == "untrusted"
    assert str(ours) == "granular (sandbox_approval, skill_approval)"
    assert str(GranularApproval()) == "granular (nothing)"


@pytest.mark.parametrize("part", GranularApproval.__dataclass_fields__)
def test_a_granular_policy_counts_as_never_only_with_nothing_in_it(part: str) -> None:
    assert may_ask(GranularApproval(**{part: True}))
    assert not may_ask(GranularApproval())


# -- sandboxes


def check_unprivileged(sandbox: str) -> None:
    check_sandbox(sandbox, approval_policy=None, privileged_escalation_approved=False, cwd=None)


@pytest.mark.parametrize(
    "sandbox",
    ["", "none", "workspaceWrite", "Read-Only", 5, ["read-only"], b"x", TextInput(text="x")],
)
def test_a_sandbox_that_is_none_is_refused_by_name(sandbox: Any) -> None:
    text = f"sandbox is {sandbox!r}; use one of read-only, workspace-write, danger-full-access"
    checks: list[Callable[[str], object]] = [sandbox_mode, Sandbox.of, check_unprivileged]
    for check in checks:
        with pytest.raises(InvalidArgument) as caught:
            check(sandbox)

        assert str(caught.value) == text


WRONG_DETAILS: list[tuple[dict[Any, Any], str]] = [
    ({}, "sandbox.type"),
    ({"type": "holodeck"}, "sandbox.type"),
    ({"type": ["readOnly"]}, "sandbox.type"),
    ({"type": "readOnly", "writable_roots": []}, "sandbox.writable_roots"),
    ({"type": "readOnly", "networkAccess": 1}, "sandbox.network_access"),
    ({"type": "dangerFullAccess", "network_access": True}, "sandbox.network_access"),
    ({"type": "externalSandbox", "network_access": True}, "sandbox.network_access"),
    ({"type": "externalSandbox", "networkAccess": "some"}, "sandbox.network_access"),
    ({"type": "workspaceWrite", "writable_roots": "/a"}, "sandbox.writable_roots"),
    ({"type": "workspaceWrite", "writable_roots": ["/a", "b"]}, "sandbox.writable_roots[1]"),
    ({"type": "workspaceWrite", "writableRoots": ["b"]}, "sandbox.writable_roots[0]"),
    ({"type": "workspaceWrite", "writable_roots": [""]}, "sandbox.writable_roots[0]"),
    ({"type": "workspaceWrite", "writable_roots": ["~/x"]}, "sandbox.writable_roots[0]"),
    ({"type": "workspaceWrite", "writable_roots": ["/a\0"]}, "sandbox.writable_roots[0]"),
    ({"type": "workspaceWrite", "writable_roots": [5]}, "sandbox.writable_roots[0]"),
    ({"type": "workspaceWrite", "exclude_slash_tmp": "yes"}, "sandbox.exclude_slash_tmp"),
    ({"type": "workspaceWrite", "writeable_roots": ["/a"]}, "sandbox.writeable_roots"),
    (
        {"type": "workspaceWrite", "writable_roots": ["/a"], "writableRoots": []},
        "sandbox.writableRoots",
    ),
    ({"type": "readOnly", 5: True}, "sandbox.5"),
]


@pytest.mark.parametrize(("details", "field"), WRONG_DETAILS)
def test_a_detail_that_cannot_be_used_is_refused_by_its_place(
    details: dict[Any, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Sandbox.of(details)

    assert caught.value.field == field


def test_a_struct_with_a_relative_root_is_refused_too() -> None:
    with pytest.raises(InvalidArgument, match=r"sandbox.writable_roots\[0\] is 'data'"):
        Sandbox.of(WorkspaceWriteSandboxPolicy(writable_roots=["data"]))


@pytest.mark.parametrize("sandbox", get_args(SandboxMode))
def test_a_preset_passes_as_it_is(sandbox: str) -> None:
    assert sandbox_mode(sandbox) == sandbox
    assert Sandbox.of(sandbox).mode == sandbox
    assert str(Sandbox.of(sandbox)) == sandbox


STRUCTS: list[SandboxPolicy] = [
    ReadOnlySandboxPolicy(),
    ReadOnlySandboxPolicy(network_access=True),
    WorkspaceWriteSandboxPolicy(),
    WorkspaceWriteSandboxPolicy(
        writable_roots=["/a", "/b"],
        network_access=True,
        exclude_slash_tmp=True,
        exclude_tmpdir_env_var=True,
    ),
    DangerFullAccessSandboxPolicy(),
    ExternalSandboxSandboxPolicy(),
    ExternalSandboxSandboxPolicy(network_access="enabled"),
]


@pytest.mark.parametrize("struct", STRUCTS)
def test_a_sandbox_is_the_same_in_all_its_forms(struct: Any) -> None:
    sandbox = Sandbox.of(struct)

    assert Sandbox.of(sandbox) is sandbox
    assert Sandbox.of(sandbox.as_policy()) == sandbox
    assert Sandbox.in_force(struct) == sandbox
    assert Sandbox.of(struct).as_policy().items() >= to_builtins(struct).items()
    if sandbox.kind == "workspaceWrite":
        details = sandbox.as_config()["sandbox_workspace_write"]
        assert Sandbox.of({"type": "workspaceWrite", **details}) == sandbox


def test_paths_may_be_given_as_such() -> None:
    sandbox = Sandbox.of({"type": "workspaceWrite", "writable_roots": (Path("/data"),)})

    assert sandbox.writable_roots == ("/data",)


def test_only_some_sandboxes_are_for_opening_a_thread() -> None:
    assert [Sandbox.of(struct).mode for struct in STRUCTS] == [
        "read-only",
        None,
        "workspace-write",
        "workspace-write",
        "danger-full-access",
        None,
        None,
    ]


def test_no_sandbox_but_a_writable_one_brings_anything_of_a_config_along() -> None:
    for struct in STRUCTS:
        sandbox = Sandbox.of(struct)
        if sandbox.kind != "workspaceWrite":
            details = sandbox.as_config()["sandbox_workspace_write"]
            assert not any(details.values())


@pytest.mark.parametrize(
    "said", [None, "readOnly", Unknown(raw={"type": "readOnly"}), {"type": "readOnly", "x": 1}, 5]
)
def test_what_a_server_says_in_unknown_words_is_not_known(said: object) -> None:
    assert Sandbox.in_force(said) is None


@pytest.mark.parametrize(
    ("sandbox", "kind"),
    [
        ("read-only", ReadOnlySandboxPolicy),
        ("workspace-write", WorkspaceWriteSandboxPolicy),
        ("danger-full-access", DangerFullAccessSandboxPolicy),
    ],
)
def test_a_turn_spells_the_same_preset_in_the_protocols_other_way(
    sandbox: str, kind: type[Struct]
) -> None:
    assert Sandbox.of(sandbox).as_policy()["type"] == kind.__struct_config__.tag
    assert kind in get_args(SandboxPolicy)
