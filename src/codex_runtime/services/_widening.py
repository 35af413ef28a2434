"""Rule SEC-004 for what is written to config.toml: which settings may widen what codex may do."""

from __future__ import annotations

import re
from typing import Any, Final

from codex_runtime.errors import SandboxNotAllowed

__all__ = [
    "HARMLESS",
    "HARMLESS_FEATURES",
    "NARROWING",
    "check_feature",
    "check_setting",
    "is_harmless",
]

HARMLESS: Final = frozenset(
    {
        "analytics",
        "check_for_update_on_startup",
        "compact_prompt",
        "developer_instructions",
        "feedback",
        "file_opener",
        "hide_agent_reasoning",
        "history",
        "instructions",
        "model",
        "model_auto_compact_token_limit",
        "model_auto_compact_token_limit_scope",
        "model_context_window",
        "model_provider",
        "model_reasoning_effort",
        "model_reasoning_summary",
        "model_verbosity",
        "notice",
        "personality",
        "plan_mode_reasoning_effort",
        "project_doc_max_bytes",
        "review_model",
        "service_tier",
        "show_raw_agent_reasoning",
        "tool_output_token_limit",
    }
)
"""Settings, with all below them, that can neither widen a sandbox, nor spare an approval, nor have a
command run. A list of what is harmless and not of what is not: codex gets new settings in every
release, and a key can be spelled in several ways (`"sandbox_mode"` is `sandbox_mode`)."""

_NOTICE: Final = re.compile(
    r"(?!hide_[A-Za-z0-9_-]*warning(?:\.|\Z))[A-Za-z0-9_-]+(?:\..*)?", re.DOTALL
)
"""What of `notice` is harmless: not a warning that is hidden, since codex asks for a word of consent
with those, say before full access; and neither the whole table nor a quoted key, which may be one."""

NARROWING: Final[dict[str, tuple[object, ...]]] = {
    "approval_policy": ("untrusted",),
    "default_permissions": (":read-only",),
    "sandbox_mode": ("read-only",),
}
"""The strictest values of settings that decide policy. Removing one is not among them: without a
setting the default holds, which may be wider."""


HARMLESS_FEATURES: Final = frozenset(
    {"api_key_model_discovery", "auth_elicitation", "memories", "mentions_v2", "tool_suggest"}
)
"""Features of those that can be turned on while a server runs (0.154 to 0.169) that give nobody more
rights. `remote_control`, for one, is not among them."""


def is_harmless(key_path: str) -> bool:
    """Whether a setting can neither widen anything nor hold a secret."""
    root, _, rest = key_path.partition(".")
    return root in HARMLESS and (root != "notice" or _NOTICE.fullmatch(rest) is not None)


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
    if approved is True or is_harmless(key_path):
        return
    if isinstance(value, str) and value in NARROWING.get(key_path, ()):
        return
    raise SandboxNotAllowed(
        field=field,
        problem=f"{key_path!r} may widen what codex may do, for every thread and program of its home",
        fix="pass privileged_escalation_approved=True",
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
