"""Settings of config.toml that are known to do no harm: one list, wherever a setting is given."""

from __future__ import annotations

import re
from typing import Final

from codex_runtime._plain import is_mapping

__all__ = ["HARMLESS", "HARMLESS_FEATURES", "HARMLESS_VALUES", "harmful", "is_harmless", "may_be"]

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
command run, nor name a file that is read or a server that the conversation goes to. A list of what
is harmless and not of what is not: codex gets new settings in every release, and a key can be
spelled in several ways (`"sandbox_mode"` is `sandbox_mode`). `model_provider` only chooses among the
providers that codex knows or that the owner has described."""

_NOTICE: Final = re.compile(
    r"(?!hide_[A-Za-z0-9_-]*warning(?:\.|\Z))[A-Za-z0-9_-]+(?:\..*)?", re.DOTALL
)
"""What of `notice` is harmless: not a warning that is hidden, since codex asks for a word of consent
with those, say before full access; and neither the whole table nor a quoted key, which may be one."""

HARMLESS_FEATURES: Final = frozenset(
    {"api_key_model_discovery", "auth_elicitation", "mentions_v2", "tool_suggest"}
)
"""Features (0.154 to 0.169) that give nobody more rights, on or off. `remote_control` is not among
them, nor is `memories`, which keeps for later threads, in files, what this one has seen."""

_OFFERED: Final = frozenset(
    {
        "browser_use",
        "code_mode",
        "computer_use",
        "exec_permission_approvals",
        "goals",
        "guardian",
        "guardian_approval",
        "image_generation",
        "memories",
        "multi_agent",
        "multi_agent_v2",
        "request_permissions_tool",
        "shell_tool",
        "skill_mcp_dependency_install",
        "standalone_web_search",
        "use_legacy_landlock",
        "view_image",
        "web_search_cached",
        "web_search_request",
    }
)
"""Features that offer the model more: to turn one off is harmless. That cannot be said of each:
without `hooks` or `plugins` the owner's gates are gone, without `write_stdin_approval` a question."""

HARMLESS_VALUES: Final[dict[str, tuple[object, ...]]] = {
    "tools.view_image": (False,),
    "tools.web_search": (False,),
    "web_search": ("disabled",),
    **{f"features.{name}": (True, False) for name in sorted(HARMLESS_FEATURES)},
    **{f"features.{name}": (False,) for name in sorted(_OFFERED)},
}
"""Values that are harmless where others are not. A search of the web runs at the model's provider and
outside of the sandbox, and what the model looks for leaves with it, so only `disabled` is."""

_TABLES: Final = frozenset({"features", "notice", "tools"})
"""Tables that are harmless in part: each of their settings is looked at by itself."""


def is_harmless(key_path: str) -> bool:
    """Whether a setting can neither widen anything nor hold a secret, whatever its value."""
    root, _, rest = key_path.partition(".")
    return root in HARMLESS and (root != "notice" or _NOTICE.fullmatch(rest) is not None)


def may_be(key_path: str, value: object) -> bool:
    """Whether a setting, taken by itself, may be this without a word."""
    allowed = HARMLESS_VALUES.get(key_path, ())
    # 0 and 0.0 equal False, and are something else to codex.
    known = any(type(value) is type(one) and value == one for one in allowed)
    return known or is_harmless(key_path)


def harmful(key_path: str, value: object) -> str | None:
    """Look for something that is not known to be harmless, at a setting or below it.

    Only where a table is laid over the one that is there: where it replaces that, what it leaves out
    is removed, which may do harm.

    Args:
        key_path: The setting, spelled as codex spells it; any other spelling is not known.
        value: Plain data, as it is sent.

    Returns:
        The path of the first that is found; None where all is harmless.
    """
    parts = [(key_path, value)]
    if key_path in _TABLES and is_mapping(value):
        parts = [(f"{key_path}.{name}", each) for name, each in value.items()]
    return next((path for path, each in parts if not may_be(path, each)), None)
