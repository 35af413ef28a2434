"""Rule SEC-004, as a table."""

from collections.abc import Callable
from itertools import product
from typing import Any, get_args

import pytest
from msgspec import Struct

from codex_runtime.errors import InvalidArgument, SandboxNotAllowed
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_SANDBOX,
    SandboxMode,
    check_sandbox,
    sandbox_mode,
    sandbox_policy,
)
from codex_runtime.protocol import (
    DangerFullAccessSandboxPolicy,
    ReadOnlySandboxPolicy,
    SandboxPolicy,
    WorkspaceWriteSandboxPolicy,
)

SANDBOXES = [None, "read-only", "workspace-write", "danger-full-access"]
WIDER = {"workspace-write", "danger-full-access"}
NO_POLICY = [None, "", "  ", "never", " never "]
POLICIES = ["on-request", "untrusted", "on-failure", "one-of-the-future"]
NO_CWD = [None, "", " \t"]
CWDS = ["/repo", "."]

OPT_IN = "needs an explicit opt-in; pass privileged_escalation_approved=True"
POLICY = "needs an approval policy other than never; pass approval_policy='on-request'"
SCOPE = "needs an explicit scope; pass cwd="


def expected(
    sandbox: str | None,
    approved: bool,  # noqa: FBT001 — a column of the table
    policy: str | None,
    cwd: str | None,
) -> str | None:
    """The reason of the refusal, written down once more, row by row of the rule."""
    if sandbox not in WIDER:
        return None
    if not approved:
        return OPT_IN
    if policy in NO_POLICY:
        return POLICY
    if cwd in NO_CWD:
        return f"{SCOPE} or writable roots" if sandbox == "workspace-write" else SCOPE
    return None


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("approved", [False, True])
def test_every_combination_is_allowed_or_refused_for_the_first_reason_there_is(
    sandbox: str | None,
    approved: bool,  # noqa: FBT001 — a column of the table
) -> None:
    for policy, cwd in product(NO_POLICY + POLICIES, NO_CWD + CWDS):
        reason: str | None = None
        try:
            check_sandbox(
                sandbox,
                approval_policy=policy,
                privileged_escalation_approved=approved,
                cwd=cwd,
            )
        except SandboxNotAllowed as error:
            reason = str(error)

        wanted = expected(sandbox, approved, policy, cwd)
        row = (policy, cwd)
        assert (row, reason) == (row, wanted and f"sandbox '{sandbox}' {wanted}")


@pytest.mark.parametrize("word", [1, "yes", "false", "True", [True], None, 0, object()])
def test_only_true_itself_is_the_opt_in(word: Any) -> None:
    with pytest.raises(SandboxNotAllowed, match="explicit opt-in"):
        check_sandbox(
            "workspace-write",
            approval_policy="on-request",
            privileged_escalation_approved=word,
            cwd="/repo",
        )


@pytest.mark.parametrize("policy", [{"granular": {}}, 5, ["on-request"]])
def test_an_approval_policy_that_is_no_text_is_refused(policy: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_sandbox(
            "workspace-write",
            approval_policy=policy,
            privileged_escalation_approved=True,
            cwd="/repo",
        )

    assert caught.value.field == "approval_policy"
    assert not isinstance(caught.value, SandboxNotAllowed)


def check_unprivileged(sandbox: str) -> None:
    check_sandbox(sandbox, approval_policy=None, privileged_escalation_approved=False, cwd=None)


@pytest.mark.parametrize("sandbox", ["", "none", "workspaceWrite", "Read-Only", 5, ["read-only"]])
def test_a_sandbox_that_is_none_is_refused_by_name(sandbox: Any) -> None:
    text = f"sandbox is {sandbox!r}; use one of read-only, workspace-write, danger-full-access"
    checks: list[Callable[[str], object]] = [sandbox_mode, sandbox_policy, check_unprivileged]
    for check in checks:
        with pytest.raises(InvalidArgument) as caught:
            check(sandbox)

        assert str(caught.value) == text


@pytest.mark.parametrize("sandbox", get_args(SandboxMode))
def test_a_preset_passes_as_it_is(sandbox: str) -> None:
    assert sandbox_mode(sandbox) == sandbox


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
    assert sandbox_policy(sandbox) == {"type": kind.__struct_config__.tag}
    assert kind in get_args(SandboxPolicy)


def test_what_is_sent_by_default_needs_no_word_from_anybody() -> None:
    check_sandbox(
        DEFAULT_SANDBOX,
        approval_policy=DEFAULT_APPROVAL_POLICY,
        privileged_escalation_approved=False,
        cwd=None,
    )
    assert DEFAULT_SANDBOX == "read-only"
    assert DEFAULT_APPROVAL_POLICY == "never"


class Sly(str):
    """Text that says of itself that it is something else."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other == "read-only" or super().__eq__(other)

    __hash__ = str.__hash__


def test_the_text_of_a_sandbox_counts_and_not_what_it_compares_equal_to() -> None:
    sandbox: Any = Sly("danger-full-access")
    assert type(sandbox_mode(sandbox)) is str
    with pytest.raises(SandboxNotAllowed):
        check_sandbox(
            sandbox, approval_policy="never", privileged_escalation_approved=False, cwd="/project"
        )
