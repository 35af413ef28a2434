"""Rules about what a thread or turn may be allowed to do. Pure: nothing is sent, nothing is read.

`__all__` has what callers may name. The rest, imported under its own name, is for this package.
"""

from codex_runtime.policy._approvals import (
    ASKING_POLICY,
    DEFAULT_APPROVAL_POLICY,
    GATED_POLICY,
    ApprovalPolicy,
    GranularApproval,
)
from codex_runtime.policy._approvals import Approval as Approval
from codex_runtime.policy._approvals import approval_of as approval_of
from codex_runtime.policy._approvals import approval_wire as approval_wire
from codex_runtime.policy._approvals import may_ask as may_ask
from codex_runtime.policy._harmless import HARMLESS, HARMLESS_FEATURES
from codex_runtime.policy._harmless import is_harmless as is_harmless
from codex_runtime.policy._harmless import may_be as may_be
from codex_runtime.policy._rules import DEFAULT_REVIEWER, READ_ONLY_PROFILE
from codex_runtime.policy._rules import check_command as check_command
from codex_runtime.policy._rules import check_config as check_config
from codex_runtime.policy._rules import check_sandbox as check_sandbox
from codex_runtime.policy._rules import named_reviewer as named_reviewer
from codex_runtime.policy._rules import permission_profile as permission_profile
from codex_runtime.policy._sandboxes import (
    DEFAULT_SANDBOX,
    SandboxChoice,
    SandboxMode,
    SandboxStruct,
)
from codex_runtime.policy._sandboxes import Sandbox as Sandbox
from codex_runtime.policy._sandboxes import sandbox_mode as sandbox_mode

__all__ = [
    "ASKING_POLICY",
    "DEFAULT_APPROVAL_POLICY",
    "DEFAULT_REVIEWER",
    "DEFAULT_SANDBOX",
    "GATED_POLICY",
    "HARMLESS",
    "HARMLESS_FEATURES",
    "READ_ONLY_PROFILE",
    "ApprovalPolicy",
    "GranularApproval",
    "SandboxChoice",
    "SandboxMode",
    "SandboxStruct",
]
