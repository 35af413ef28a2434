"""From what callers say to what is sent: the parameters of threads and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from codex_runtime import protocol
from codex_runtime._arguments import absolute_cwd, without_none
from codex_runtime.errors import EmptyInput, InvalidArgument
from codex_runtime.options import ThreadOptions, TurnOptions, check_names
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_SANDBOX,
    SandboxMode,
    check_sandbox,
    sandbox_mode,
    sandbox_policy,
)

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ThreadStartParams,
        ThreadStartResponse,
        TurnStartParams,
        UserInput,
    )

__all__ = ["Scope", "TurnInput", "check_before_start", "thread_params", "turn_params"]

TurnInput: TypeAlias = "str | UserInput | Sequence[str | UserInput]"
"""What a turn is told: text, or the protocol's input items (`TextInput`, `ImageInput`, …)."""


@dataclass(frozen=True)
class Scope:
    """What a thread may touch at the moment, as far as this process has said or was told.

    Attributes:
        thread_id: The thread.
        sandbox: The preset in force; one that is not known here counts as the widest.
        cwd: The working directory in force: what a writable sandbox is about.
    """

    thread_id: str
    sandbox: SandboxMode
    cwd: str | None

    @classmethod
    def of(cls, info: ThreadStartResponse) -> Scope:
        """As the server said when the thread was opened."""
        kind = getattr(info.sandbox, "type", None)
        return cls(info.thread.id, _PRESETS.get(kind, "danger-full-access"), info.cwd or None)

    def after(self, params: TurnStartParams) -> Scope:
        """As it is when a turn with these parameters was started: what it names stays in force."""
        policy: Any = params.sandbox_policy or {}
        kind: str | None = policy.get("type") if hasattr(policy, "get") else None
        return replace(
            self,
            sandbox=_PRESETS.get(kind, self.sandbox),
            cwd=params.cwd or self.cwd,
        )

    def widened_by(self, cwd: str | None, approval_policy: str | None) -> bool:
        """Whether a turn that names no sandbox would still widen what a wide one allows."""
        if self.sandbox == "read-only":
            return False
        return approval_policy == "never" or (cwd is not None and cwd != self.cwd)


_PRESETS: Final[dict[str | None, SandboxMode]] = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


def check_before_start(prompt: TurnInput, options: ThreadOptions) -> None:
    """Find out what can be found out without a server, before one is started for nothing.

    Raises:
        EmptyInput: There is nothing in `prompt`.
        InvalidArgument: An option cannot be used.
    """
    if isinstance(prompt, str) and not prompt.strip():
        raise EmptyInput
    _checked_cwd(options, remote=False)


def thread_params(options: ThreadOptions, *, remote: bool) -> ThreadStartParams:
    """The parameters of `thread/start`, with the safe defaults.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    check_names(options, ThreadOptions, "a thread")
    cwd = _checked_cwd(options, remote=remote)
    return protocol.ThreadStartParams(
        sandbox=sandbox_mode(options.get("sandbox") or DEFAULT_SANDBOX),
        approval_policy=options.get("approval_policy") or DEFAULT_APPROVAL_POLICY,
        **without_none(
            cwd=cwd,
            model=options.get("model"),
            model_provider=options.get("model_provider"),
            service_tier=options.get("service_tier"),
            ephemeral=options.get("ephemeral"),
            developer_instructions=options.get("developer_instructions"),
            base_instructions=options.get("base_instructions"),
            config=options.get("config"),
        ),
    )


def turn_params(
    scope: Scope, input: TurnInput, options: TurnOptions, *, remote: bool
) -> TurnStartParams:
    """The parameters of `turn/start`.

    Args:
        scope: What the thread may touch as it is.
        input: As given by the caller.
        options: As given by the caller.
        remote: Whether the server sees another file system.

    Raises:
        EmptyInput: There is nothing in `input`.
        InvalidArgument: An option cannot be used.
    """
    check_names(options, TurnOptions, "a turn")
    cwd = _checked_cwd(options, remote=remote, scope=scope)
    sandbox = options.get("sandbox")
    return protocol.TurnStartParams(
        thread_id=scope.thread_id,
        input=_input_items(input),
        **without_none(
            model=options.get("model"),
            effort=options.get("effort"),
            summary=options.get("summary"),
            cwd=cwd,
            sandbox_policy=None if sandbox is None else sandbox_policy(sandbox),
            approval_policy=options.get("approval_policy"),
            service_tier=options.get("service_tier"),
            output_schema=options.get("output_schema"),
            client_user_message_id=options.get("client_id"),
        ),
    )


def _checked_cwd(
    options: ThreadOptions | TurnOptions, *, remote: bool, scope: Scope | None = None
) -> str | None:
    """The working directory, made absolute, once rule SEC-004 is seen to hold."""
    cwd = absolute_cwd(options.get("cwd"), remote=remote)
    approval_policy = options.get("approval_policy")
    sandbox = options.get("sandbox")
    if sandbox is None and scope is not None and scope.widened_by(cwd, approval_policy):
        sandbox = scope.sandbox
    check_sandbox(
        sandbox,
        approval_policy=approval_policy,
        privileged_escalation_approved=options.get("privileged_escalation_approved", False),
        cwd=cwd,
    )
    return cwd


def _input_items(input: TurnInput) -> list[UserInput]:
    listed = [input] if isinstance(input, str) or not isinstance(input, Sequence) else input
    items = [_input_item(item, index) for index, item in enumerate(listed)]
    if not any(_says_something(item) for item in items):
        raise EmptyInput
    return items


def _input_item(item: str | UserInput, index: int) -> UserInput:
    if isinstance(item, str):
        return protocol.TextInput(text=item)
    if not isinstance(item, Struct):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(
            f"input[{index}]",
            f"is of type {type(item).__name__}",
            "use text or an input item such as codex_runtime.protocol.ImageInput",
        )
    return item


def _says_something(item: UserInput) -> bool:
    return not isinstance(item, protocol.TextInput) or bool(item.text.strip())
