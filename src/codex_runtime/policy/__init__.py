"""Rules about what a thread or turn may be allowed to do. Pure: nothing is sent, nothing is read."""

from codex_runtime.policy._approvals import (
    DEFAULT_APPROVAL_POLICY,
    Approval,
    ApprovalPolicy,
    GranularApproval,
    approval_of,
    approval_wire,
    may_ask,
)
from codex_runtime.policy._harmless import HARMLESS, HARMLESS_FEATURES, is_harmless, may_be
from codex_runtime.policy._plain import members, plain, plain_copy
from codex_runtime.policy._rules import (
    DEFAULT_REVIEWER,
    READ_ONLY_PROFILE,
    check_command,
    check_config,
    check_sandbox,
    named_reviewer,
    permission_profile,
)
from codex_runtime.policy._sandboxes import (
    DEFAULT_SANDBOX,
    Sandbox,
    SandboxChoice,
    SandboxMode,
    SandboxStruct,
    sandbox_mode,
    sandbox_policy,
)

__all__ = [
    "DEFAULT_APPROVAL_POLICY",
    "DEFAULT_REVIEWER",
    "DEFAULT_SANDBOX",
    "HARMLESS",
    "HARMLESS_FEATURES",
    "READ_ONLY_PROFILE",
    "Approval",
    "ApprovalPolicy",
    "GranularApproval",
    "Sandbox",
    "SandboxChoice",
    "SandboxMode",
    "SandboxStruct",
    "approval_of",
    "approval_wire",
    "check_command",
    "check_config",
    "check_sandbox",
    "is_harmless",
    "may_ask",
    "may_be",
    "members",
    "named_reviewer",
    "permission_profile",
    "plain",
    "plain_copy",
    "sandbox_mode",
    "sandbox_policy",
]
