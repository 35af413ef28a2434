"""The settings of the fake's threads: what requests change in them, as codex 0.163 does it."""

from __future__ import annotations

import posixpath
from copy import copy
from typing import Any

from codex_runtime.testing._fake_params import need, text_or_none, typed, variant
from codex_runtime.testing._fake_state import Settings
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, is_list, is_object, member

__all__ = ["apply_at_opening", "changed_settings", "check_settings"]

_POLICIES = ("untrusted", "on-request", "granular", "never")
_GRANULAR = (
    "sandbox_approval",
    "rules",
    "skill_approval",
    "request_permissions",
    "mcp_elicitations",
)
_NEEDED = ("sandbox_approval", "rules", "mcp_elicitations")
_MODES = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}
_PROFILES = {
    ":read-only": "readOnly",
    ":workspace": "workspaceWrite",
    ":danger-full-access": "dangerFullAccess",
}
_SANDBOXES = ("dangerFullAccess", "readOnly", "externalSandbox", "workspaceWrite")
_FLAGS = ("networkAccess", "excludeTmpdirEnvVar", "excludeSlashTmp")
_REVIEWERS = ("user", "auto_review", "guardian_subagent")
_SUMMARIES = ("auto", "concise", "detailed", "none")
_COLLABORATIONS = ("plan", "code", "custom", "default", "execute", "pair_programming")


def check_settings(method: str, params: Json, *, experimental: bool) -> None:
    """Refuse settings that no request takes, whichever thread it names."""
    policy = _approval(params)
    _sandbox(params)
    _reviewer(params)
    _summary(params)
    if params.get("effort") == "":
        raise Refused("Invalid request: reasoning_effort must not be empty")
    for field in ("permissions", "effort", "serviceTier", "model", "cwd"):
        text_or_none(params, field)
    _collaboration(params)
    if not experimental:
        _check_experimental(method, params, policy)
    named = "sandboxPolicy" if params.get("sandboxPolicy") is not None else "sandbox"
    if params.get("permissions") is not None and params.get(named) is not None:
        raise Refused(f"`permissions` cannot be combined with `{named}`")


def apply_at_opening(settings: Settings, params: Json, base: str) -> None:
    """Put what a request that opens a thread says into `settings`.

    Args:
        settings: Those of the thread.
        params: Of the request.
        base: The folder that a relative `cwd` is taken from.
    """
    config = member(params.get("config"))
    details = member(config.get("sandbox_workspace_write"))
    _set_cwd(settings, params, base)
    settings.roots = [_normal(str(root)) for root in details.get("writable_roots") or ()]
    settings.effort = config.get("model_reasoning_effort") or settings.effort
    settings.summary = config.get("model_reasoning_summary") or settings.summary
    mode, profile = params.get("sandbox"), params.get("permissions")
    if mode is not None:
        settings.sandbox, settings.profile = _of_kind(_MODES[mode]), None
        if mode == "workspace-write":
            settings.sandbox |= {
                "writableRoots": list(settings.roots),
                "networkAccess": details.get("network_access") is True,
                "excludeTmpdirEnvVar": details.get("exclude_tmpdir_env_var") is True,
                "excludeSlashTmp": details.get("exclude_slash_tmp") is True,
            }
    elif profile is not None:
        _set_profile(settings, profile)
    _apply_rest(settings, params)


def changed_settings(settings: Settings, params: Json, base: str) -> Settings:
    """Return settings as a turn or an update of them leaves them; `base` is as above."""
    settings = copy(settings)
    settings.sandbox = dict(settings.sandbox)
    _set_cwd(settings, params, base)
    if (policy := params.get("sandboxPolicy")) is not None:
        kind = str(policy["type"])
        settings.sandbox, settings.profile = {**_of_kind(kind), **_known(policy, kind)}, None
        _join_roots(settings)
    elif (profile := params.get("permissions")) is not None:
        _set_profile(settings, profile)
    if "serviceTier" in params and params["serviceTier"] is None:
        settings.tier = "default"
    _apply_rest(settings, params)
    return settings


def _apply_rest(settings: Settings, params: Json) -> None:
    settings.approval_policy = _approval(params) or settings.approval_policy
    settings.reviewer = _reviewer(params) or settings.reviewer
    for field in ("model", "effort", "summary"):
        if (value := params.get(field)) is not None:
            setattr(settings, field, value)
    if (tier := params.get("serviceTier")) is not None:
        settings.tier = {"fast": "priority"}.get(tier, tier)
    if (mode := params.get("collaborationMode")) is not None:
        inner = mode["settings"]
        settings.mode, settings.model = mode["mode"], inner["model"]
        settings.effort = inner.get("reasoning_effort")
        own = inner.get("developer_instructions")
        settings.instructions = f"Instructions of mode {settings.mode}." if own is None else own


def _set_cwd(settings: Settings, params: Json, base: str) -> None:
    if (cwd := text_or_none(params, "cwd")) is not None:
        settings.cwd = _normal(posixpath.join(base, cwd))


def _set_profile(settings: Settings, profile: str) -> None:
    if profile not in _PROFILES:
        raise Refused(
            "failed to load configuration: default_permissions requires a `[permissions]` table"
        )
    settings.sandbox = _of_kind(_PROFILES[profile])
    settings.profile = {"id": profile, "extends": None}
    _join_roots(settings)


def _join_roots(settings: Settings) -> None:
    """What a thread was opened with stays writable in every later `workspaceWrite`."""
    if settings.sandbox["type"] == "workspaceWrite":
        roots = [*settings.roots, *settings.sandbox["writableRoots"]]
        others = [root for root in roots if root != settings.cwd]
        settings.sandbox["writableRoots"] = [*dict.fromkeys(others)]


def _of_kind(kind: str) -> Json:
    match kind:
        case "readOnly":
            return {"type": kind, "networkAccess": False}
        case "externalSandbox":
            return {"type": kind, "networkAccess": "restricted"}
        case "workspaceWrite":
            return {"type": kind, "writableRoots": [], **dict.fromkeys(_FLAGS, False)}
        case _:
            return {"type": kind}


def _known(policy: Json, kind: str) -> Json:
    """The details that such a sandbox has; others are ignored."""
    details = {name: policy[name] for name in _of_kind(kind) if name in policy}
    if "writableRoots" in details:
        details["writableRoots"] = [_normal(str(root)) for root in details["writableRoots"]]
    return details


def _approval(params: Json) -> str | Json | None:
    value = params.get("approvalPolicy")
    if value is None:
        return None
    if not is_object(value):
        if not isinstance(value, str):
            raise Refused(f"Invalid request: invalid type: {typed(value)}, expected string or map")
        if value == "granular":
            raise Refused("Invalid request: invalid type: unit variant, expected struct variant")
        return variant(value, _POLICIES)
    variant(next(iter(value), ""), _POLICIES)
    parts = member(value["granular"])
    for name in _NEEDED:
        need(parts, name)
    return {"granular": {name: _flag(parts.get(name, False)) for name in _GRANULAR}}


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"Invalid request: invalid type: {typed(value)}, expected a boolean")
    return value


def _sandbox(params: Json) -> None:
    if (mode := params.get("sandbox")) is not None:
        variant(mode, tuple(_MODES))
    policy = params.get("sandboxPolicy")
    if policy is None:
        return
    kind = variant(need(member(policy), "type"), _SANDBOXES)
    if kind == "externalSandbox":
        variant(policy.get("networkAccess", "restricted"), ("restricted", "enabled"))
        return
    for name in _FLAGS:
        _flag(policy.get(name, False))
    _check_roots(policy.get("writableRoots", []))


def _check_roots(roots: object) -> None:
    if not is_list(roots):
        raise Refused(f"Invalid request: invalid type: {typed(roots)}, expected a sequence")
    if not all(isinstance(root, str) and root.startswith("/") for root in roots):
        raise Refused("Invalid request: AbsolutePathBuf deserialized without a base path")


def _reviewer(params: Json) -> str | None:
    value = params.get("approvalsReviewer")
    if value is None:
        return None
    return {"guardian_subagent": "auto_review"}.get(value, variant(value, _REVIEWERS))


def _summary(params: Json) -> None:
    if (value := params.get("summary")) is not None:
        variant(value, _SUMMARIES)


def _collaboration(params: Json) -> None:
    mode: Any = params.get("collaborationMode")
    if mode is not None:
        variant(mode.get("mode"), _COLLABORATIONS)
        need(member(need(mode, "settings")), "model")


def _check_experimental(method: str, params: Json, policy: object) -> None:
    for field in ("permissions", "collaborationMode"):
        if params.get(field) is not None:
            raise Refused(f"{method}.{field} requires experimentalApi capability")
    if is_object(policy):
        raise Refused("askForApproval.granular requires experimentalApi capability")


def _normal(path: str) -> str:
    return posixpath.normpath(path)
