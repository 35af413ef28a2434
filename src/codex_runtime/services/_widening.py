"""Rule SEC-004 for what is written to config.toml: which settings may widen what codex may do."""

from __future__ import annotations

from typing import Any, Final

from codex_runtime.errors import SandboxNotAllowed
from codex_runtime.policy import HARMLESS_FEATURES, may_be

__all__ = ["NARROWING", "check_feature", "check_setting"]

NARROWING: Final[dict[str, tuple[object, ...]]] = {
    "approval_policy": ("untrusted",),
    "default_permissions": (":read-only",),
    "sandbox_mode": ("read-only",),
}
"""The strictest values of settings that decide policy. Removing one is not among them: without a
setting the default holds, which may be wider."""


def check_setting(field: str, key_path: str, value: Any, *, approved: bool) -> None:
    """Hold rule SEC-004 where a setting is written.

    Args:
        field: How the call spells the argument that names the setting.
        key_path: The setting.
        value: What it is to be; None removes it.
        approved: As given by the caller. Only True itself is a yes.

    Raises:
        SandboxNotAllowed: The setting may widen what codex may do. Nothing was sent.
    """
    if approved is True or may_be(key_path, value):
        return
    if isinstance(value, str) and value in NARROWING.get(key_path, ()):
        return
    raise SandboxNotAllowed(
        field=field,
        problem=(
            f"{key_path!r} is not known to be harmless: it may widen what codex may do, for every "
            "thread and program of its home"
        ),
        fix="check its spelling, or pass privileged_escalation_approved=True",
    )


def check_feature(name: str, *, enabled: bool, approved: bool) -> None:
    """Hold the same rule where a feature is turned on or off.

    Args:
        name: The feature.
        enabled: On or off.
        approved: As given by the caller. Only True itself is a yes.

    Raises:
        SandboxNotAllowed: Turned on, it may widen what codex may do. Nothing was sent.
    """
    if enabled and approved is not True and name not in HARMLESS_FEATURES:
        raise SandboxNotAllowed(
            field=f"enablement[{name!r}]",
            problem="may widen what codex may do, for every thread of this server",
            fix="pass privileged_escalation_approved=True",
        )
