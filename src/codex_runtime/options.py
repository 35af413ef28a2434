"""The options of threads and turns, in the protocol's words.

What is left out, or None, is not sent, except the safe defaults of a thread: approval policy
`never`, sandbox `read-only`, and the user as who is asked for approvals.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

from codex_runtime._option_checks import list_options
from codex_runtime.policy import ApprovalPolicy, SandboxChoice

if TYPE_CHECKING:
    from codex_runtime.hooks import Hook
    from codex_runtime.requests import Approvers
    from codex_runtime.tools import Tool

__all__ = [
    "ForkOptions",
    "ResumeOptions",
    "RunOptions",
    "SettingsOptions",
    "ThreadOptions",
    "TurnOptions",
]


class _Common(TypedDict, total=False):
    model: str
    """Model to use."""
    cwd: str | os.PathLike[str]
    """Working directory. On a local server it must exist, and a relative one is taken from this
    process's; on a remote one it must be absolute."""
    sandbox: SandboxChoice
    """What commands may touch: `read-only`, `workspace-write`, `danger-full-access`, or details,
    say `protocol.WorkspaceWriteSandboxPolicy(writable_roots=["/data"])` or the same as a mapping
    (see `SandboxChoice`). A preset means its details at their defaults, whatever a config.toml
    says. Wider than `read-only` (access to the network is wider) needs
    `privileged_escalation_approved`, an `approval_policy` other than never, and a scope, `cwd` or
    writable roots, all in the same call (rule SEC-004). In a git repository the server then also
    marks the project as trusted in the user's config.toml (fact 23)."""
    permissions: str
    """A permission profile instead of a sandbox: `":read-only"`, `":workspace"`,
    `":danger-full-access"`, or one of config.toml. Any but the first needs the words of a wide
    sandbox, since a profile may grant anything. Experimental."""
    approval_policy: ApprovalPolicy
    """When the server asks before it acts: `untrusted`, `on-request`, `never`, or a
    `GranularApproval`; an open set."""
    approvals_reviewer: str
    """Who is asked: `user` (this client, and the default) or `auto_review`, a model of the
    server's; an open set. Any but `user` needs the words of a wide sandbox, since it grants by
    itself what goes beyond the sandbox."""
    privileged_escalation_approved: bool
    """The explicit word for a sandbox wider than read-only, and for settings in `config` that are
    not known to be harmless. Given for the one, it is given for the other in the same call."""
    service_tier: str
    """Service tier; an open set."""


class _Hooked(_Common, total=False):
    hooks: "Hook | Iterable[Hook]"
    """Hooks besides those of the runtime, and behind them. Those of a thread hold for all that its
    handle starts, those of a call for that call."""

    approve: "Approvers"
    """Who decides about what the server asks: a function of a `ServerRequest`, or several that are
    asked in order (see `codex_runtime.approvers`). For a turn before those of the thread, and for a
    thread before those of the runtime; nobody has an opinion: refused. Where it is given for a
    thread, or for the runtime, and no `approval_policy` is named, a thread is opened with
    `on-request` instead of `never`, under which nothing is ever asked."""


class ResumeOptions(_Hooked, total=False):
    """Options of `thread/resume`.

    On a thread that is loaded already, the server ignores all of them without a word (fact 33).
    """

    tools: "Tool[..., Any] | Collection[Tool[..., Any]]"
    """Functions of yours that the model can call (see `codex_runtime.tools`), besides those of the
    runtime; one takes the place of another of its name. A new thread is given them for good: codex
    keeps their definitions on record. So they cannot be added to a thread that is resumed or forked:
    there they are the functions behind what it knows already, and any other of its tools is refused
    when the model calls it (fact 82). All handles of a thread share them. Experimental."""
    developer_instructions: str
    """Instructions to the model, besides the user's."""
    base_instructions: str
    """Instructions to the model, instead of codex's own."""
    model_provider: str
    """Provider of the model, as named in config.toml."""
    config: Mapping[str, Any]
    """Settings of config.toml for this thread alone. Those that decide what it may do are refused:
    there are options for them. Those that are known to be harmless (`model_reasoning_effort`,
    `model_verbosity`, `instructions`, …) pass; any other (`mcp_servers`, `hooks`, `notify`,
    `agents`, `model_providers`, most features, what is not known here) needs
    `privileged_escalation_approved`, whatever the sandbox, since what codex itself starts for it
    runs outside of every sandbox and asks nobody. A policy and a scope are not needed for that."""


class ThreadOptions(ResumeOptions, total=False):
    """Options of `thread/start`."""

    ephemeral: bool
    """Keep no record of the thread: it cannot be resumed, forked or listed."""
    durable: bool
    """Give the thread a name at once, so that it can be resumed before its first turn (fact 17)."""
    name: str
    """The name to give it; a thread with a name is durable."""
    service_name: str
    """Name of the service that the thread works for, in the server's telemetry."""
    project_id: str
    """The project that the thread belongs to."""


class ForkOptions(ResumeOptions, total=False):
    """Options of `thread/fork`. The source's sandbox is not taken over (fact 245)."""

    ephemeral: bool
    """Keep no record of the fork."""
    last_turn_id: str
    """The last turn to take over; later ones are left out. It must have ended."""
    before_turn_id: str
    """The first turn to leave out, with all that follow. Not together with `last_turn_id`."""


class SettingsOptions(_Common, total=False):
    """Options of `thread/settings/update`: they hold for later turns."""

    effort: str
    """Reasoning effort, say `"low"`, `"medium"`, `"high"`; an open set."""
    summary: str
    """Reasoning summary: `"auto"`, `"concise"`, `"detailed"`, `"none"`; an open set."""
    collaboration_mode: Any
    """A `protocol.CollaborationMode`; it names model and effort itself."""


class TurnOptions(_Hooked, total=False):
    """Options of `turn/start`.

    What is said of `model`, `cwd`, `sandbox`, `permissions`, `approval_policy`,
    `approvals_reviewer`, `service_tier`, `effort` and `summary` stays in force for the later turns
    of the thread: the server keeps it (fact 49). `only_this_turn` takes it back.
    """

    effort: str
    """Reasoning effort, say `"low"`, `"medium"`, `"high"`; an open set. Stays in force."""
    summary: str
    """Reasoning summary: `"auto"`, `"concise"`, `"detailed"`, `"none"`; an open set. Stays in
    force."""
    output_schema: Mapping[str, Any]
    """JSON Schema for the final message. Sent as a strict one: objects closed, all keys required.
    For this turn alone."""
    client_id: str
    """Comes back as `client_id` of the turn's user message; tells whether a submission arrived."""
    timeout: float
    """Seconds of active time until the turn is interrupted; by default 3,600. Time in which it
    waits for a person does not count."""
    only_this_turn: bool
    """Put the settings that this call changes back to what they were, as soon as the turn runs: it
    keeps its own to its end. The next `turn_start` of the thread waits for that. What somebody else
    has changed meanwhile stays. A `summary` can only be put back where the one before is known: where an
    `update_settings` or a turn has named one. Experimental."""


class RunOptions(ThreadOptions, TurnOptions, total=False):
    """Options of a one-shot run: those of its thread and of its turn."""


_IN_ONE_LINE: Final = {
    "approval_policy": "When the server asks before it acts; `never` for a new thread.",
    "approvals_reviewer": "Who is asked; `user` for a new thread.",
    "approve": "Who decides about what the server asks; by default everything is refused.",
    "base_instructions": "Instructions to the model, instead of codex's own.",
    "before_turn_id": "The first turn to leave out.",
    "client_id": "Comes back as `client_id` of the turn's user message.",
    "collaboration_mode": "A `protocol.CollaborationMode`; it names model and effort itself.",
    "config": "Settings of config.toml for this thread alone.",
    "cwd": "Working directory.",
    "developer_instructions": "Instructions to the model, besides the user's.",
    "durable": "Give the thread a name, so that it can be resumed before its first turn.",
    "effort": "Reasoning effort, say `high`.",
    "ephemeral": "Keep no record of the thread.",
    "hooks": "Hooks besides those of the runtime.",
    "last_turn_id": "The last turn to take over.",
    "model": "Model to use.",
    "model_provider": "Provider of the model, as named in config.toml.",
    "name": "The name to give the thread.",
    "only_this_turn": "Put back afterwards what this call changes.",
    "output_schema": "JSON Schema for the final message.",
    "permissions": "A permission profile instead of a sandbox.",
    "privileged_escalation_approved": "The word for what is wider than reading (rule SEC-004).",
    "project_id": "The project that the thread belongs to.",
    "sandbox": "What commands may touch; `read-only` for a new thread.",
    "service_name": "Name of the service that the thread works for.",
    "service_tier": "Service tier.",
    "summary": "Reasoning summary, say `concise`.",
    "tools": "Functions that the model can call.",
    "timeout": "Seconds of active time until the turn is interrupted; 3,600 by default.",
}
"""Each option in one line, for `help()`."""

list_options(
    [ThreadOptions, ResumeOptions, ForkOptions, SettingsOptions, TurnOptions, RunOptions],
    _IN_ONE_LINE,
)
