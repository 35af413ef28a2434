"""What is in force in a thread, compared with what was asked for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from codex_runtime._arguments import normal_path
from codex_runtime._params import Asked
from codex_runtime.errors import InvalidArgument
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_REVIEWER,
    READ_ONLY_PROFILE,
    Approval,
    Sandbox,
    approval_of,
)

if TYPE_CHECKING:
    from codex_runtime.protocol.types import ConfigRequirements, ThreadSettings, TurnStartParams

__all__ = [
    "Differences",
    "approval_in_force",
    "asked_in",
    "differences",
    "imposed",
    "strictest_approval",
]

Differences = dict[str, str]
"""By option, what was asked for and what is in force instead."""

_BUILT_IN: Final = (None, READ_ONLY_PROFILE, ":workspace", ":danger-full-access")
"""Profiles whose sandbox says all that they allow; one of a config.toml may allow more."""

_SAME_REVIEWER: Final = {"guardian_subagent": "auto_review"}
"""An old name that the server still takes, and its new one (fact 246)."""

_STRICTNESS: Final = ("never", "untrusted", "granular", "on-request")
"""Approval policies for a thread that may only read, the strictest first."""


def differences(asked: Asked, settings: ThreadSettings) -> Differences:
    """Compare what a call asked for with the settings that the server says are in force.

    What the server does not say, or says in words that are not known here, is a difference.
    What the call did not ask for is not looked at. One thing cannot be told apart: a permission
    profile that is no object is left out when the answer is decoded, as if there was none. The
    sandbox, which says all that built-in profiles allow, is compared then as always.
    """
    found: Differences = {}
    _compare_sandbox(asked, settings, found)
    _compare(found, "approval_policy", asked.approval, approval_in_force(settings.approval_policy))
    reviewer = _SAME_REVIEWER.get(asked.reviewer or "", asked.reviewer)
    _compare(found, "approvals_reviewer", reviewer, settings.approvals_reviewer or None)
    _compare(found, "cwd", _folder(asked.cwd), _folder(settings.cwd or None))
    _compare(found, "model", asked.model, settings.model or None)
    _compare(found, "effort", asked.effort, settings.effort)
    _compare(found, "summary", asked.summary, settings.summary or None)
    if asked.mode is not None:
        mode = settings.collaboration_mode.mode if settings.collaboration_mode else None
        _compare(found, "collaboration_mode", asked.mode.mode, mode)
    return found


def asked_in(params: TurnStartParams) -> Asked:
    """What the parameters of a turn ask for of what the thread may do."""
    policy = params.sandbox_policy
    return Asked(
        cwd=params.cwd or None,
        sandbox=Sandbox.of(policy) if policy else None,
        permissions=params.permissions or None,
        approval=approval_in_force(params.approval_policy),
        reviewer=params.approvals_reviewer or None,
    )


def imposed(asked: Asked, found: Differences, requirements: ConfigRequirements) -> Differences:
    """Those differences that the organisation's requirements account for.

    Only where a default of ours stood: what the caller has said is never replaced in silence.
    """
    allowed = {
        "approval_policy": _allows(requirements.allowed_approval_policies, DEFAULT_APPROVAL_POLICY),
        "approvals_reviewer": _allows(requirements.allowed_approvals_reviewers, DEFAULT_REVIEWER),
    }
    return {
        option: text
        for option, text in found.items()
        if option in asked.defaults and allowed.get(option) is False
    }


def strictest_approval(requirements: ConfigRequirements) -> Approval | None:
    """The strictest approval policy that the organisation allows; None where it names none."""
    policies = [approval_in_force(each) for each in requirements.allowed_approval_policies or ()]
    known = [each for each in policies if each is not None]
    return min(known, key=_rank, default=None)


def _rank(approval: Approval) -> int:
    name = approval if isinstance(approval, str) else "granular"
    return _STRICTNESS.index(name) if name in _STRICTNESS else len(_STRICTNESS)


def _allows(allowed: list[Any] | None, value: str) -> bool:
    return not allowed or value in allowed


def _compare(found: Differences, option: str, asked: object, in_force: object) -> None:
    if asked is not None and asked != in_force:
        shown = "unknown" if in_force is None else in_force
        found[option] = f"asked {asked}, in force {shown}"


def approval_in_force(approval: object) -> Approval | None:
    """Read what the server says is in force; None where it says nothing that is known here."""
    try:
        return approval_of(approval or None)
    except InvalidArgument:
        return None


def _compare_sandbox(asked: Asked, settings: ThreadSettings, found: Differences) -> None:
    profile = settings.active_permission_profile
    active = (profile.id or "unknown") if profile else None
    in_force = Sandbox.in_force(settings.sandbox_policy)
    if asked.permissions is not None:
        _compare(found, "permissions", asked.permissions, active)
        if asked.permissions == READ_ONLY_PROFILE and (in_force is None or in_force.wider):
            found["sandbox"] = f"asked read-only, in force {in_force or 'unknown'}"
    elif asked.sandbox is not None:
        if active not in _BUILT_IN:
            found["permissions"] = f"asked none, in force {active}"
        if in_force is None or not _same(asked, asked.sandbox, in_force, settings.cwd or None):
            found["sandbox"] = f"asked {asked.sandbox}, in force {in_force or 'unknown'}"


def _same(asked: Asked, sandbox: Sandbox, in_force: Sandbox, cwd: str | None) -> bool:
    mine, theirs = (
        (each.kind, each.network, each.exclude_slash_tmp, each.exclude_tmpdir_env_var)
        for each in (sandbox, in_force)
    )
    # The working directory is writable anyway, and the server leaves it out of the list.
    base = {_folder(each) for each in (asked.cwd, cwd) if each is not None}
    wanted = base | {_folder(root) for root in sandbox.writable_roots}
    there = base | {_folder(root) for root in in_force.writable_roots}
    return mine == theirs and wanted == there


def _folder(path: str | None) -> str | None:
    return None if path is None else normal_path(path)
