"""From what callers say to what is sent: the parameters of threads and turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from codex_runtime import protocol
from codex_runtime._arguments import absolute_cwd, given
from codex_runtime.errors import EmptyInput, InvalidArgument
from codex_runtime.options import ThreadOptions, TurnOptions, check_names
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_SANDBOX,
    check_approval_of_wide_sandbox,
    check_sandbox,
    sandbox_policy,
)

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ThreadStartParams,
        ThreadStartResponse,
        TurnStartParams,
        UserInput,
    )

__all__ = ["TurnInput", "check_before_start", "thread_params", "turn_params"]

TurnInput: TypeAlias = "str | UserInput | Sequence[str | UserInput]"
"""What a turn is told: text, or the protocol's input items (`TextInput`, `ImageInput`, …)."""


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
        sandbox=options.get("sandbox") or DEFAULT_SANDBOX,
        approval_policy=options.get("approval_policy") or DEFAULT_APPROVAL_POLICY,
        **given(
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
    info: ThreadStartResponse, input: TurnInput, options: TurnOptions, *, remote: bool
) -> TurnStartParams:
    """The parameters of `turn/start`.

    Args:
        info: What the server said when the thread was opened.
        input: As given by the caller.
        options: As given by the caller.
        remote: Whether the server sees another file system.

    Raises:
        EmptyInput: There is nothing in `input`.
        InvalidArgument: An option cannot be used.
    """
    check_names(options, TurnOptions, "a turn")
    cwd = _checked_cwd(options, remote=remote)
    sandbox = options.get("sandbox")
    if sandbox is None and not isinstance(info.sandbox, protocol.ReadOnlySandboxPolicy):
        check_approval_of_wide_sandbox(options.get("approval_policy"))
    return protocol.TurnStartParams(
        thread_id=info.thread.id,
        input=_input_items(input),
        **given(
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


def _checked_cwd(options: ThreadOptions | TurnOptions, *, remote: bool) -> str | None:
    """The working directory, made absolute, once rule SEC-004 is seen to hold."""
    cwd = absolute_cwd(options.get("cwd"), remote=remote)
    check_sandbox(
        options.get("sandbox"),
        approval_policy=options.get("approval_policy"),
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
