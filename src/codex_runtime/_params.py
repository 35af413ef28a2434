"""From what callers say to what is sent: the parameters of threads and turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import ValidationError as WrongShape
from msgspec import convert

from codex_runtime import protocol
from codex_runtime._arguments import absolute_cwd, without_none
from codex_runtime._live import Scope
from codex_runtime._option_checks import check_options
from codex_runtime._prepared_input import PreparedInput, check_input
from codex_runtime.errors import InvalidArgument
from codex_runtime.inputs import TurnInput
from codex_runtime.options import (
    ForkOptions,
    ResumeOptions,
    SettingsOptions,
    ThreadOptions,
    TurnOptions,
)
from codex_runtime.policy import (
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_REVIEWER,
    DEFAULT_SANDBOX,
    Approval,
    Sandbox,
    approval_of,
    approval_wire,
    check_config,
    check_sandbox,
    named_reviewer,
    permission_profile,
)

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        CollaborationMode,
        DynamicToolSpec,
        ThreadForkParams,
        ThreadResumeParams,
        ThreadSettingsUpdateParams,
        ThreadStartParams,
        TurnStartParams,
    )
    from codex_runtime.tools import Tool

__all__ = [
    "Asked",
    "asked_of",
    "check_before_start",
    "fork_params",
    "name_of",
    "policy_params",
    "resume_params",
    "settings_params",
    "start_params",
    "turn_params",
]

_UNNAMED: Final = "Untitled"
"""The name of a durable thread that is given none."""


@dataclass(frozen=True)
class Asked:
    """What a call asks for of what a thread may do, read and checked.

    Attributes:
        cwd: The working directory, absolute.
        sandbox: The sandbox in its details; None where none or a profile is named.
        permissions: The permission profile.
        approval: The approval policy.
        reviewer: Who is asked for approvals.
        model: The model.
        effort: The reasoning effort; looked at in settings only.
        summary: The reasoning summary; likewise.
        mode: The collaboration mode; likewise.
        defaults: The options among these that stand at our default, not at the caller's word.
    """

    cwd: str | None = None
    sandbox: Sandbox | None = None
    permissions: str | None = None
    approval: Approval | None = None
    reviewer: str | None = None
    model: str | None = None
    effort: str | None = None
    summary: str | None = None
    mode: CollaborationMode | None = None
    defaults: frozenset[str] = frozenset()

    def with_defaults(self, approval: str = DEFAULT_APPROVAL_POLICY) -> Asked:
        """The same for a thread that is opened: what nobody says stands at the safe defaults.

        Args:
            approval: The approval policy where nobody names one.
        """
        sandbox, defaults = self.sandbox, set[str]()
        if sandbox is None and self.permissions is None:
            sandbox = Sandbox.of(DEFAULT_SANDBOX)
            defaults.add("sandbox")
        if self.approval is None:
            defaults.add("approval_policy")
        if self.reviewer is None:
            defaults.add("approvals_reviewer")
        return replace(
            self,
            sandbox=sandbox,
            approval=self.approval or approval,
            reviewer=self.reviewer or DEFAULT_REVIEWER,
            defaults=frozenset(defaults),
        )


def asked_of(options: Mapping[str, Any], *, remote: bool, scope: Scope | None = None) -> Asked:
    """Read what a call asks for, once rule SEC-004 is seen to hold.

    Args:
        options: As given by the caller.
        remote: Whether the server sees another file system.
        scope: What the thread may touch as it is; None where it is opened.

    Raises:
        SandboxNotAllowed: A word is missing that a wide sandbox needs.
        InvalidArgument: An option cannot be used.
    """
    cwd = absolute_cwd(options.get("cwd"), remote=remote)
    # Each is read once: what is checked is what is sent, whatever the caller's own would say next.
    given = options.get("sandbox")
    sandbox = None if given is None else Sandbox.of(given)
    permissions = permission_profile(options.get("permissions"))
    reviewer = named_reviewer(options.get("approvals_reviewer"))
    approval = approval_of(options.get("approval_policy"))
    hold_sec_004 = partial(
        check_sandbox,
        approval_policy=approval,
        privileged_escalation_approved=options.get("privileged_escalation_approved"),
        cwd=cwd,
    )
    hold_sec_004(sandbox, permissions=permissions, approvals_reviewer=reviewer)
    _check_said(approval)
    if sandbox is None and permissions is None and scope and scope.widened_by(cwd, approval):
        # What is in force is as good as named again. It may have a sandbox and a profile at once.
        in_force = reviewer or scope.reviewer
        hold_sec_004(scope.sandbox, approvals_reviewer=in_force)
        hold_sec_004(None, permissions=scope.permissions, approvals_reviewer=in_force)
    return Asked(
        cwd=cwd,
        sandbox=sandbox,
        permissions=permissions,
        approval=approval,
        reviewer=reviewer,
        model=options.get("model"),
    )


def check_before_start(prompt: TurnInput, options: ThreadOptions, *, remote: bool = False) -> None:
    """Find out what can be found out without a server, before one is started for nothing.

    Raises:
        EmptyInput: There is nothing in `prompt`.
        InvalidArgument: An item or an option cannot be used.
    """
    check_input(prompt)
    check_options(options, ThreadOptions, "a thread")
    asked_of(options, remote=remote)
    _config(options)
    if options.get("tools") is not None:
        from codex_runtime._tool_calls import checked_tools  # noqa: PLC0415 — few have tools

        checked_tools(options.get("tools"))


def start_params(
    options: ThreadOptions, asked: Asked, tools: Iterable[Tool[..., Any]] = ()
) -> ThreadStartParams:
    """The parameters of `thread/start`.

    Args:
        options: As given by the caller.
        asked: What of them is about what the thread may do.
        tools: The tools that it is to have.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    return protocol.ThreadStartParams(
        **_opening(options, asked),
        **without_none(
            ephemeral=options.get("ephemeral"),
            service_name=options.get("service_name"),
            project_id=options.get("project_id"),
            dynamic_tools=_specs(tools),
        ),
    )


def _specs(tools: Iterable[Tool[..., Any]]) -> list[DynamicToolSpec] | None:
    return [
        protocol.FunctionDynamicToolSpec(
            name=each.name, description=each.description, input_schema=each.input_schema
        )
        for each in tools
    ] or None


def name_of(options: ThreadOptions) -> str | None:
    """The name that a thread is to be given at once; None where it is to have none.

    Raises:
        InvalidArgument: It is to be kept and not to be kept.
    """
    named = options.get("name") is not None
    if options.get("ephemeral") and (named or options.get("durable")):
        raise InvalidArgument(
            "name" if named else "durable", "cannot be combined with ephemeral", "name one of them"
        )
    if named and options.get("durable") is False:
        raise InvalidArgument("durable", "is False", "a thread with a name is durable")
    return options.get("name") or (_UNNAMED if options.get("durable") else None)


def resume_params(thread_id: str, options: ResumeOptions, asked: Asked) -> ThreadResumeParams:
    """The parameters of `thread/resume`.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    return protocol.ThreadResumeParams(
        thread_id=thread_id, exclude_turns=True, **_opening(options, asked)
    )


def fork_params(thread_id: str, options: ForkOptions, asked: Asked) -> ThreadForkParams:
    """The parameters of `thread/fork`.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    last, before = options.get("last_turn_id"), options.get("before_turn_id")
    if last is not None and before is not None:
        raise InvalidArgument(
            "before_turn_id", "cannot be combined with last_turn_id", "name one of them"
        )
    return protocol.ThreadForkParams(
        thread_id=thread_id,
        exclude_turns=True,
        **_opening(options, asked),
        **without_none(
            ephemeral=options.get("ephemeral"), last_turn_id=last, before_turn_id=before
        ),
    )


def settings_params(
    thread_id: str, options: SettingsOptions, asked: Asked
) -> tuple[ThreadSettingsUpdateParams, Asked]:
    """The parameters of `thread/settings/update`, and what they ask for.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    mode = _collaboration_mode(options)
    asked = replace(asked, effort=options.get("effort"), summary=options.get("summary"), mode=mode)
    params = protocol.ThreadSettingsUpdateParams(
        thread_id=thread_id,
        **without_none(
            model=options.get("model"),
            effort=asked.effort,
            summary=asked.summary,
            service_tier=options.get("service_tier"),
            collaboration_mode=mode,
            **_later(asked),
        ),
    )
    return params, asked


def policy_params(thread_id: str, asked: Asked) -> ThreadSettingsUpdateParams:
    """The parameters of `thread/settings/update` that bring about what a thread may do."""
    return protocol.ThreadSettingsUpdateParams(thread_id=thread_id, **_later(asked))


def turn_params(
    scope: Scope, input: PreparedInput, options: TurnOptions, *, remote: bool
) -> TurnStartParams:
    """The parameters of `turn/start`.

    Args:
        scope: What the thread may touch as it is.
        input: As it is sent.
        options: As given by the caller.
        remote: Whether the server sees another file system.

    Raises:
        InvalidArgument: An option cannot be used.
    """
    check_options(options, TurnOptions, "a turn")
    asked = asked_of(options, remote=remote, scope=scope)
    return protocol.TurnStartParams(
        thread_id=scope.thread_id,
        input=input.items,
        **without_none(
            additional_context=input.additional_context or None,
            model=options.get("model"),
            effort=options.get("effort"),
            summary=options.get("summary"),
            service_tier=options.get("service_tier"),
            output_schema=options.get("output_schema"),
            client_user_message_id=options.get("client_id"),
            **_later(asked),
        ),
    )


def _check_said(approval: Approval | None) -> None:
    if isinstance(approval, str) and not approval.strip():
        raise InvalidArgument(
            "approval_policy", "is blank", "use untrusted, on-request or never, or leave it out"
        )


def _policy(asked: Asked, **sandbox: Any) -> dict[str, Any]:
    """What is asked for, next to the form that a method takes a sandbox in."""
    return without_none(
        cwd=asked.cwd,
        permissions=asked.permissions,
        approval_policy=None if asked.approval is None else approval_wire(asked.approval),
        approvals_reviewer=asked.reviewer,
        **sandbox,
    )


def _later(asked: Asked) -> dict[str, Any]:
    """What turns and settings take."""
    policy = None if asked.sandbox is None else asked.sandbox.as_policy()
    return _policy(asked, sandbox_policy=policy)


def _opening(options: ResumeOptions, asked: Asked) -> dict[str, Any]:
    """What start, resume and fork take alike."""
    details = asked.sandbox or Sandbox.of(DEFAULT_SANDBOX)
    config = {**(_config(options) or {}), **details.as_config()}
    mode = None
    if asked.sandbox is not None:
        # What a thread cannot be opened with comes afterwards, and until then it only reads.
        mode = asked.sandbox.mode or DEFAULT_SANDBOX
    return {
        **_policy(asked, sandbox=mode),
        **without_none(
            config=config,
            model=options.get("model"),
            model_provider=options.get("model_provider"),
            service_tier=options.get("service_tier"),
            developer_instructions=options.get("developer_instructions"),
            base_instructions=options.get("base_instructions"),
        ),
    }


def _config(options: ResumeOptions) -> dict[str, Any] | None:
    return check_config(
        options.get("config"),
        privileged_escalation_approved=options.get("privileged_escalation_approved"),
    )


def _collaboration_mode(options: SettingsOptions) -> CollaborationMode | None:
    mode = options.get("collaboration_mode")
    if mode is None:
        return None
    for name in ("model", "effort"):
        if options.get(name) is not None:
            raise InvalidArgument(
                "collaboration_mode", f"cannot be combined with {name}", "it names both itself"
            )
    if isinstance(mode, protocol.CollaborationMode):
        return mode
    try:
        return convert(mode, protocol.CollaborationMode)
    except WrongShape as error:
        raise InvalidArgument(
            "collaboration_mode", f"cannot be used: {error}", "use a protocol.CollaborationMode"
        ) from None
