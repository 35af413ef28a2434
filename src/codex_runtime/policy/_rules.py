"""Rule SEC-004: what must be said before a sandbox may be wider than read-only."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

from codex_runtime._plain import is_mapping, plain, plain_copy
from codex_runtime.errors import InvalidArgument, SandboxNotAllowed
from codex_runtime.policy._approvals import approval_of, may_ask
from codex_runtime.policy._harmless import harmful
from codex_runtime.policy._sandboxes import Sandbox

__all__ = [
    "DEFAULT_REVIEWER",
    "READ_ONLY_PROFILE",
    "check_command",
    "check_config",
    "check_sandbox",
    "named_reviewer",
    "permission_profile",
]

READ_ONLY_PROFILE: Final = ":read-only"
"""The one permission profile that is known to grant no more than reading."""

DEFAULT_REVIEWER: Final = "user"
"""Who is asked for approvals where the caller names nobody: the client, and so its user. Any
other reviewer is a model of the server's that grants by itself what goes beyond the sandbox."""

_DECIDING: Final = frozenset(
    {
        "approval_policy",
        "approvals_reviewer",
        "default_permissions",
        "permissions",
        "profile",
        "profiles",
        "projects",
    }
)
"""Settings of config.toml that decide what a thread may do; those that begin with `sandbox` too.
`projects` holds what is trusted: a trusted project is opened with a wider sandbox, and settings
of its own are applied (fact 242)."""


_WIDENING_FEATURES: Final = frozenset(
    {
        "exec_permission_approvals",
        "network_proxy",
        "request_permissions_tool",
        "use_legacy_landlock",
    }
)
"""Features that let the model ask for more, open a way to the network, or weaken the sandbox; those
that begin with `guardian`, a model that grants approvals, too (list of 0.163)."""


class _Wider(NamedTuple):
    """What is wider than read-only in a call: the argument, how it reads, what gives a scope."""

    field: str
    shown: str
    scoped: bool = False
    scope: str = "cwd="


def check_sandbox(
    sandbox: object,
    *,
    approval_policy: object,
    privileged_escalation_approved: object,
    cwd: str | None,
    permissions: object = None,
    approvals_reviewer: object = None,
) -> None:
    """Hold rule SEC-004: what is wider than read-only needs three explicit words.

    In this order: the opt-in, an approval policy other than never (absent, blank, or granular with
    nothing in it counts as never), and a scope (a working directory or a writable root). Wider is
    any sandbox but `read-only` without access to the network, any permission profile but
    `:read-only`, since a profile may grant anything, and any reviewer but the user.

    Args:
        sandbox: A preset or details, or None where the caller names none.
        approval_policy: As given by the caller.
        privileged_escalation_approved: As given by the caller. Only True itself is a yes: a text
            such as `"false"`, out of a form or a file, is none.
        cwd: As given by the caller; blank counts as absent.
        permissions: The permission profile, as given by the caller.
        approvals_reviewer: As given by the caller.

    Raises:
        SandboxNotAllowed: One of the three is missing. Nothing was sent.
        InvalidArgument: An argument is of no use, or both a sandbox and a profile are named.
    """
    for wider in _wider(sandbox, permissions, approvals_reviewer):
        _opt_in(wider, privileged_escalation_approved)
        if not may_ask(approval_of(approval_policy)):
            raise SandboxNotAllowed(
                field=wider.field,
                problem=f"{wider.shown} needs an approval policy other than never",
                fix="pass approval_policy='on-request'",
            )
        _scope(wider, cwd)


def check_command(
    sandbox: object,
    *,
    privileged_escalation_approved: object,
    cwd: str | None,
    permissions: object = None,
) -> None:
    """Hold rule SEC-004 for a command that the caller gives itself, outside of any thread.

    Nobody but the caller chooses it and nobody is asked about it, so there is no approval policy
    to name; the opt-in and the scope are needed all the same.

    Args:
        sandbox: A preset or details, or None where the caller names none.
        privileged_escalation_approved: As given by the caller.
        cwd: As given by the caller.
        permissions: The permission profile, as given by the caller.

    Raises:
        SandboxNotAllowed: A word is missing. Nothing was sent.
        InvalidArgument: An argument is of no use, or both a sandbox and a profile are named.
    """
    for wider in _wider(sandbox, permissions, None):
        _opt_in(wider, privileged_escalation_approved)
        _scope(wider, cwd)


def check_config(
    config: object, *, privileged_escalation_approved: object = None
) -> dict[str, Any] | None:
    """Hold rule SEC-004 for settings that a thread is opened with.

    Those that decide what the thread may do are refused always: there are options for that. Others
    pass if they are known to be harmless, and need the opt-in if not: codex itself starts what some
    of them name (MCP servers, hooks, `notify`) outside of every sandbox and asks nobody, a hook may
    approve in the user's place, and a provider gets the conversation. The other two words of the
    rule, a policy and a scope, are about the sandbox and have no hold on any of that, so they are
    not asked for.

    Args:
        config: As given by the caller.
        privileged_escalation_approved: As given by the caller. Only True itself is a yes.

    Returns:
        A copy, which is what was looked at.

    Raises:
        SandboxNotAllowed: A setting needs the opt-in. Nothing was sent.
        InvalidArgument: One decides what the thread may do, or `config` is no mapping with text
            for keys.
    """
    if config is None:
        return None
    if not is_mapping(config):
        raise InvalidArgument("config", f"is of type {type(config).__name__}", "use a mapping")
    settings = cast("dict[Any, Any]", plain_copy(config, "config"))
    for key, value in settings.items():
        _check_deciding(key, value)
    for key, value in settings.items():
        unknown = harmful(key, value)
        if unknown is not None and privileged_escalation_approved is not True:
            raise SandboxNotAllowed(
                field=f"config[{key!r}]",
                problem=f"{unknown!r} is not known to be harmless and needs an explicit opt-in",
                fix="pass privileged_escalation_approved=True",
            )
    return settings


def _check_deciding(key: object, value: object) -> None:
    if not isinstance(key, str):
        raise InvalidArgument("config", f"has the key {key!r}", "use text for keys")
    # Keys may be dotted. The server takes no other spelling; who tries one means it.
    head, *rest = (part.strip().strip("\"'").strip().lower() for part in key.split("."))
    if head in _DECIDING or head.startswith("sandbox"):
        raise InvalidArgument(
            f"config[{key!r}]",
            "decides what the thread may do",
            "say it with sandbox=, permissions=, approval_policy= or approvals_reviewer=",
        )
    if head == "features":
        _check_features(key, {rest[0]: value} if rest else value)


def _check_features(key: str, features: object) -> None:
    for name, value in features.items() if is_mapping(features) else ():
        feature = str(name).strip().lower()
        widens = feature in _WIDENING_FEATURES or feature.startswith("guardian")
        if widens and value is not False:
            raise InvalidArgument(
                f"config[{key!r}]",
                f"turns on {feature}, which widens what the thread may do",
                "say what it may do with sandbox=, permissions= or approvals_reviewer=",
            )


def permission_profile(permissions: object) -> str | None:
    """Check the name of a permission profile; None where there is none.

    Raises:
        InvalidArgument: It is no text, or blank.
    """
    if permissions is None:
        return None
    if not isinstance(permissions, str):
        raise InvalidArgument("permissions", f"is of type {type(permissions).__name__}", "use text")
    profile: str = plain(permissions)
    if not profile.strip():
        raise InvalidArgument("permissions", "is blank", "name a profile, or leave it out")
    return profile


def named_reviewer(reviewer: object) -> str | None:
    """Check who is to be asked for approvals; None where nobody is named.

    Raises:
        InvalidArgument: It is no text.
    """
    if reviewer is None:
        return None
    if not isinstance(reviewer, str):
        problem = f"is of type {type(reviewer).__name__}"
        raise InvalidArgument("approvals_reviewer", problem, "use text")
    return cast("str", plain(reviewer))


def _wider(sandbox: object, permissions: object, reviewer: object) -> list[_Wider]:
    found: list[_Wider] = []
    profile = permission_profile(permissions)
    if sandbox is not None and profile is not None:
        raise InvalidArgument("permissions", "cannot be combined with sandbox", "name one of them")
    if sandbox is not None and (read := Sandbox.of(sandbox)).wider:
        scope = "cwd= or writable roots" if read.kind == "workspaceWrite" else "cwd="
        found.append(_Wider("sandbox", repr(str(read)), bool(read.writable_roots), scope))
    if profile not in (None, READ_ONLY_PROFILE):
        found.append(_Wider("permissions", repr(profile)))
    named = named_reviewer(reviewer)
    if named not in (None, DEFAULT_REVIEWER):
        found.append(_Wider("approvals_reviewer", repr(named)))
    return found


def _opt_in(wider: _Wider, approved: object) -> None:
    if approved is not True:
        raise SandboxNotAllowed(
            field=wider.field,
            problem=f"{wider.shown} needs an explicit opt-in",
            fix="pass privileged_escalation_approved=True",
        )


def _scope(wider: _Wider, cwd: str | None) -> None:
    if not wider.scoped and (cwd is None or not cwd.strip()):
        raise SandboxNotAllowed(
            field=wider.field,
            problem=f"{wider.shown} needs an explicit scope",
            fix=f"pass {wider.scope}",
        )
