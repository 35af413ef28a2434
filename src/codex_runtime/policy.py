"""Rules about what a thread or turn may be allowed to do. Pure: nothing is sent, nothing is read."""

from typing import Final, Literal, TypeAlias

from codex_runtime.errors import InvalidArgument, SandboxNotAllowed

__all__ = [
    "DEFAULT_APPROVAL_POLICY",
    "DEFAULT_SANDBOX",
    "ApprovalPolicy",
    "SandboxMode",
    "check_sandbox",
    "sandbox_mode",
    "sandbox_policy",
]

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
"""The presets of `thread/start.sandbox`."""

ApprovalPolicy: TypeAlias = str
"""When the server asks before it acts: `untrusted`, `on-request`, `never`. An open set: it has
changed between releases of codex."""

DEFAULT_SANDBOX: Final = "read-only"
"""Sent where the caller names no sandbox: the strictest there is."""

DEFAULT_APPROVAL_POLICY: Final = "never"
"""Sent where the caller names none: what the sandbox blocks fails, nobody is asked."""

_POLICY_TYPES: Final = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}
"""`thread/start.sandbox` and `turn/start.sandboxPolicy` spell the same thing in two ways, and
each refuses or ignores the other's form (measured on 0.163 and 0.169)."""


def sandbox_mode(sandbox: str) -> str:
    """Check the name of a sandbox preset.

    Raises:
        InvalidArgument: It is none of the presets.
    """
    if isinstance(sandbox, str):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        # The text itself: a subclass may compare as it likes, but the server reads the text.
        sandbox = str.__str__(sandbox)
    # A tuple, because a dict raises for what cannot be hashed.
    if sandbox not in tuple(_POLICY_TYPES):
        raise InvalidArgument(
            "sandbox", f"is {sandbox!r}", f"use one of {', '.join(_POLICY_TYPES)}"
        )
    return sandbox


def sandbox_policy(sandbox: str) -> dict[str, str]:
    """The form of a preset that `turn/start.sandboxPolicy` takes.

    Raises:
        InvalidArgument: `sandbox` is none of the presets.
    """
    return {"type": _POLICY_TYPES[sandbox_mode(sandbox)]}


def check_sandbox(
    sandbox: str | None,
    *,
    approval_policy: str | None,
    privileged_escalation_approved: bool,
    cwd: str | None,
) -> None:
    """Hold rule SEC-004: a sandbox wider than read-only needs three explicit words.

    In this order: the opt-in, an approval policy other than never (absent or blank counts as
    never), and a scope (a working directory).

    Args:
        sandbox: A preset, or None where the caller names none.
        approval_policy: As given by the caller.
        privileged_escalation_approved: As given by the caller. Only True itself is a yes: a text
            such as `"false"`, out of a form or a file, is none.
        cwd: As given by the caller; blank counts as absent.

    Raises:
        SandboxNotAllowed: One of the three is missing. Nothing was sent.
        InvalidArgument: `sandbox` is no preset, or `approval_policy` is not text.
    """
    if sandbox is None or sandbox_mode(sandbox) == "read-only":
        return
    if privileged_escalation_approved is not True:
        raise SandboxNotAllowed(
            problem=f"{sandbox!r} needs an explicit opt-in",
            fix="pass privileged_escalation_approved=True",
        )
    if not _may_ask(approval_policy):
        raise SandboxNotAllowed(
            problem=f"{sandbox!r} needs an approval policy other than never",
            fix="pass approval_policy='on-request'",
        )
    if cwd is None or not cwd.strip():
        raise SandboxNotAllowed(problem=f"{sandbox!r} needs an explicit scope", fix="pass cwd=")


def _may_ask(approval_policy: object) -> bool:
    if approval_policy is None:
        return False
    if not isinstance(approval_policy, str):
        raise InvalidArgument(
            "approval_policy", f"is of type {type(approval_policy).__name__}", "use text"
        )
    return approval_policy.strip() not in {"", "never"}
