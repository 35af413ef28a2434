"""What a turn may widen on a thread, and what then has to be said (rule SEC-004)."""

import pytest

from codex_runtime import SandboxNotAllowed, TurnOptions
from codex_runtime._params import Scope, turn_params
from codex_runtime.inputs import PreparedInput
from codex_runtime.policy import SandboxMode
from codex_runtime.protocol import (
    DangerFullAccessSandboxPolicy,
    ReadOnlySandboxPolicy,
    SandboxPolicy,
    TextInput,
    Thread,
    ThreadStartResponse,
    Unknown,
    WorkspaceWriteSandboxPolicy,
)

WIDE: list[SandboxMode] = ["workspace-write", "danger-full-access"]
WORK = PreparedInput([TextInput(text="Work.")], {})


def scope(sandbox: SandboxMode, cwd: str | None = "/project") -> Scope:
    return Scope("thread-1", sandbox, cwd)


def start(at: Scope, options: TurnOptions) -> Scope:
    return at.after(turn_params(at, WORK, options, remote=True))


@pytest.mark.parametrize("sandbox", WIDE)
@pytest.mark.parametrize(
    "options", [TurnOptions(cwd="/elsewhere"), TurnOptions(approval_policy="never")]
)
def test_a_turn_that_widens_a_wide_thread_needs_all_the_words(
    sandbox: SandboxMode, options: TurnOptions
) -> None:
    with pytest.raises(SandboxNotAllowed):
        turn_params(scope(sandbox), WORK, options, remote=True)


@pytest.mark.parametrize("sandbox", WIDE)
def test_a_turn_may_move_a_wide_thread_with_all_the_words(sandbox: SandboxMode) -> None:
    moved = start(
        scope(sandbox),
        TurnOptions(
            cwd="/elsewhere", approval_policy="on-request", privileged_escalation_approved=True
        ),
    )
    assert moved == scope(sandbox, "/elsewhere")


@pytest.mark.parametrize("sandbox", WIDE)
def test_a_turn_that_widens_nothing_needs_no_words(sandbox: SandboxMode) -> None:
    at = scope(sandbox)
    assert start(at, TurnOptions()) == at
    assert start(at, TurnOptions(cwd="/project", approval_policy="untrusted")) == at
    assert start(at, TurnOptions(sandbox="read-only", approval_policy="never")) == scope(
        "read-only"
    )


def test_a_turn_may_go_anywhere_where_nothing_can_be_written() -> None:
    options = TurnOptions(cwd="/elsewhere", approval_policy="never")
    assert start(scope("read-only"), options) == scope("read-only", "/elsewhere")


def test_a_sandbox_that_a_turn_has_widened_stays_wide_for_the_next() -> None:
    words = TurnOptions(
        sandbox="workspace-write",
        cwd="/project",
        approval_policy="on-request",
        privileged_escalation_approved=True,
    )
    widened = start(scope("read-only", None), words)
    assert widened == scope("workspace-write")
    with pytest.raises(SandboxNotAllowed):
        start(widened, TurnOptions(cwd="/elsewhere"))


@pytest.mark.parametrize(
    ("policy", "sandbox"),
    [
        (ReadOnlySandboxPolicy(), "read-only"),
        (WorkspaceWriteSandboxPolicy(), "workspace-write"),
        (DangerFullAccessSandboxPolicy(), "danger-full-access"),
        (Unknown(raw={"type": "holodeck"}), "danger-full-access"),
    ],
)
def test_a_sandbox_that_is_not_known_counts_as_the_widest(
    policy: SandboxPolicy, sandbox: SandboxMode
) -> None:
    info = ThreadStartResponse(thread=Thread(id="thread-1"), sandbox=policy, cwd="/project")
    assert Scope.of(info) == scope(sandbox)
