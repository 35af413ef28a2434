"""The options of threads and turns, in the protocol's words.

What is left out is not sent, except the safe defaults of a thread: approval policy `never` and
sandbox `read-only`.
"""

import os
from collections.abc import Mapping
from typing import Any, TypedDict

from codex_runtime.errors import InvalidArgument
from codex_runtime.policy import ApprovalPolicy, SandboxMode

__all__ = ["RunOptions", "ThreadOptions", "TurnOptions", "check_names"]


class _Common(TypedDict, total=False):
    model: str
    """Model to use."""
    cwd: str | os.PathLike[str]
    """Working directory; a relative one is made absolute against this process. It must exist,
    unless the server is remote."""
    sandbox: SandboxMode
    """What commands may touch. Wider than `read-only` needs `privileged_escalation_approved`, an
    `approval_policy` other than never, and `cwd`, all in the same call (rule SEC-004). In a git
    repository the server then also marks the project as trusted in the user's config.toml
    (fact 23)."""
    approval_policy: ApprovalPolicy
    """When the server asks before it acts: `untrusted`, `on-request`, `never`; an open set."""
    privileged_escalation_approved: bool
    """The explicit word for a sandbox wider than read-only."""
    service_tier: str
    """Service tier; an open set."""


class ThreadOptions(_Common, total=False):
    """Options of `thread/start`."""

    ephemeral: bool
    """Keep no record of the thread: it cannot be resumed, forked or listed."""
    developer_instructions: str
    """Instructions to the model, besides the user's."""
    base_instructions: str
    """Instructions to the model, instead of codex's own."""
    model_provider: str
    """Provider of the model, as named in config.toml."""
    config: Mapping[str, Any]
    """Settings of config.toml for this thread alone."""


class TurnOptions(_Common, total=False):
    """Options of `turn/start`.

    All but `output_schema`, `client_id` and `timeout` stay in force for the later turns of the
    thread: the server keeps them (fact 49).
    """

    effort: str
    """Reasoning effort, say `"low"`, `"medium"`, `"high"`; an open set."""
    summary: str
    """Reasoning summary: `"auto"`, `"concise"`, `"detailed"`, `"none"`."""
    output_schema: Mapping[str, Any]
    """JSON Schema for the final message. Sent as a strict one: objects closed, all keys required."""
    client_id: str
    """Comes back as `client_id` of the turn's user message; tells whether a submission arrived."""
    timeout: float
    """Seconds of active time until the turn is interrupted; by default 3,600. Time in which it
    waits for a person does not count."""


class RunOptions(ThreadOptions, TurnOptions, total=False):
    """Options of a one-shot run: those of its thread and of its turn."""


def check_names(options: Mapping[str, Any], known: type, what: str) -> None:
    """Refuse options that do not exist. One that is None counts as not said.

    Raises:
        InvalidArgument: There is one.
    """
    for name in options:
        if name not in known.__annotations__:
            names = ", ".join(sorted(known.__annotations__))
            raise InvalidArgument(name, f"is no option of {what}", f"there are: {names}")
