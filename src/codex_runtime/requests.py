"""What the server asks of us, with what it takes to decide.

Each request of the server is one of these objects, from when it comes until it is settled: answered,
refused, expired or withdrawn. An approver is handed one and returns an answer; anybody else may call
`respond` on it, from anywhere, and whoever comes first counts.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from codex_runtime import protocol
from codex_runtime._command_lines import plain_argv, unwrapped
from codex_runtime._server_request import (
    Decision,
    RequestDecided,
    RequestState,
    ServerRequest,
    text_field,
)
from codex_runtime.answers import Answer
from codex_runtime.protocol import MISSING

if TYPE_CHECKING:
    from codex_runtime.protocol import types as t

__all__ = [
    "Approver",
    "Approvers",
    "AttestationRequest",
    "AuthTokensRefresh",
    "CommandApproval",
    "CurrentTimeRequest",
    "Decision",
    "FileChangeApproval",
    "LegacyCommandApproval",
    "LegacyPatchApproval",
    "McpElicitation",
    "PermissionsApproval",
    "RequestDecided",
    "RequestState",
    "ServerRequest",
    "ToolCallRequest",
    "UnknownRequest",
    "UserInputRequest",
]


class _WithReason(ServerRequest):
    @property
    def reason(self) -> str:
        """Why it is asked; empty if neither the model nor the server says."""
        return self.params.reason or ""


class _WithFolder(_WithReason):
    @property
    def cwd(self) -> str:
        """The working directory that it is meant from; empty if the server does not say."""
        return self.params.cwd or ""


class CommandApproval(_WithFolder):
    """May this command run (`item/commandExecution/requestApproval`)?"""

    kind = "command"
    params: t.CommandExecutionRequestApprovalParams
    item: t.CommandExecutionItem | None = None
    """The command as its item shows it, where that was seen."""

    @property
    def wire_command(self) -> str:
        """The command line as the server says it, shell wrapper and all; empty if it does not."""
        return self.params.command or ""

    @property
    def command(self) -> str:
        """What the shell is told: `wire_command` without its wrapper, `/bin/bash -lc '…'`."""
        return unwrapped(self.wire_command)

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of `command`, if it is one plain command: no operator, no expansion, no wrapper.

        Empty for anything else, so that no rule about words can be led astray by what a shell would
        make of them.
        """
        return () if self.is_input else plain_argv(self.command)

    @property
    def proposed_amendment(self) -> tuple[str, ...]:
        """The beginning of commands that the server offers never to ask for again.

        Beware: that is a permanent rule for all threads and processes of the CODEX_HOME (fact 73),
        and what it covers runs outside of the sandbox (fact 304). It may be about another part of
        the command line than the one that matters.
        """
        return tuple(self.params.proposed_execpolicy_amendment or ())

    @property
    def offered(self) -> tuple[str, ...]:
        """The decisions that the server offers, by their wire names. It takes others too (fact 73)."""
        return tuple(_name(each) for each in self.params.available_decisions or ())

    @property
    def network(self) -> t.NetworkApprovalContext | None:
        """The host that a command wants to reach, where that is what is asked."""
        return self.params.network_approval_context

    @property
    def additional_permissions(self) -> t.AdditionalPermissionProfile | None:
        """What the command wants besides what the sandbox allows."""
        return self.params.additional_permissions

    @property
    def is_input(self) -> bool:
        """Whether it is about text typed into a command that runs already, not about a new one."""
        return self.params.kind == "writeStdin"


class FileChangeApproval(_WithReason):
    """May these files be changed (`item/fileChange/requestApproval`)?

    The request itself does not say what is changed: that is taken from its item (fact 79).
    """

    kind = "file change"
    params: t.FileChangeRequestApprovalParams
    changes: tuple[t.FileUpdateChange, ...] = ()
    """What is changed, file by file; empty where the item was not seen."""
    workspace: tuple[str, ...] = ()
    """The folders that the thread works in: its working directory and writable roots."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All files that are touched, absolute; those that are moved under both names."""
        from codex_runtime._changed_paths import paths_of  # noqa: PLC0415 — few need it

        return paths_of(self.changes, self.workspace)

    @property
    def diff(self) -> str:
        """All changes as one unified diff; empty where they are not known."""
        from codex_runtime._changed_paths import diff_of  # noqa: PLC0415 — few need it

        return diff_of(self.changes)

    @property
    def inside_workspace(self) -> bool | None:
        """Whether all files are within the workspace, symbolic links followed; None if not known.

        Looks at the file system of this process.
        """
        from codex_runtime._changed_paths import all_within  # noqa: PLC0415 — few need it

        return all_within(self.paths, self.workspace)

    @property
    def grant_root(self) -> str:
        """A folder that a yes would open for the rest of the session; empty where there is none."""
        return self.params.grant_root or ""


class PermissionsApproval(_WithFolder):
    """May the model have these permissions (`item/permissions/requestApproval`)?"""

    kind = "permissions"
    params: t.PermissionsRequestApprovalParams

    @property
    def permissions(self) -> t.RequestPermissionProfile:
        """What is asked for."""
        return self.params.permissions


class UserInputRequest(ServerRequest):
    """Questions of the model to a person (`item/tool/requestUserInput`)."""

    kind = "questions"
    params: t.ToolRequestUserInputParams

    @property
    def questions(self) -> tuple[t.ToolRequestUserInputQuestion, ...]:
        """The questions, with their options."""
        return tuple(self.params.questions or ())


class McpElicitation(ServerRequest):
    """A question of an MCP server (`mcpServer/elicitation/request`), or one whether its tool may run."""

    kind = "elicitation"
    item: t.McpToolCallItem | None = None
    """The call of a tool that it is about, where codex asks whether that may run."""

    @property
    def server_name(self) -> str:
        """The MCP server, as named in config.toml."""
        return text_field(self.params, "server_name")

    @property
    def mode(self) -> str:
        """`form`, `url`, and further ones; an open set."""
        return text_field(self.params, "mode")

    @property
    def message(self) -> str:
        """What the server says."""
        return text_field(self.params, "message")

    @property
    def url(self) -> str:
        """The page that a person is sent to; empty in other modes."""
        return text_field(self.params, "url")

    @property
    def schema(self) -> t.McpElicitationSchema | None:
        """The fields of the form; None where there is none."""
        found: Any = getattr(self.params, "requested_schema", None)
        return found if isinstance(found, protocol.McpElicitationSchema) else None

    @property
    def has_fields(self) -> bool:
        """Whether there is something to fill in, or something that this version cannot read."""
        form: Any = getattr(self.params, "requested_schema", None)
        return bool(form) and bool(getattr(form, "properties", True))

    @property
    def is_tool_approval(self) -> bool:
        """Whether it is codex that asks whether a tool of the server may run (fact 83).

        Believed only where such a call of a tool is under way, since a server can send the same
        marks itself (fact 314).
        """
        return self.item is not None

    @property
    def tool_name(self) -> str:
        """That tool; empty where it is about none."""
        return (self.item.tool or "") if self.item else ""

    @property
    def tool_params(self) -> Any:
        """What that tool is called with, as plain data; None where it is about none."""
        return self.item.arguments if self.item else None

    @property
    def claimed_tool_params(self) -> Any:
        """What the request itself says that a tool is called with; a server may have made it up."""
        return self._meta().get("tool_params")

    @property
    def claims_tool_approval(self) -> bool:
        """Whether the request itself says that it is about the use of a tool; likewise."""
        return self._meta().get("codex_approval_kind") == "mcp_tool_call"

    @property
    def may_persist(self) -> tuple[str, ...]:
        """For how long a yes may hold: `session`, `always`; empty where only for once."""
        offered: Any = self._meta().get("persist")
        given: Any = [offered] if isinstance(offered, str) else offered
        return tuple(map(str, given)) if isinstance(given, list) else ()  # pyright: ignore[reportUnknownArgumentType] — plain data

    def _meta(self) -> dict[str, Any]:
        meta: Any = getattr(self.params, "meta", None)
        return cast("dict[str, Any]", meta) if isinstance(meta, dict) else {}


class ToolCallRequest(ServerRequest):
    """A call of a tool of ours (`item/tool/call`)."""

    kind = "tool call"
    params: t.DynamicToolCallParams
    needs_approval: bool = False
    """Whether an approver is asked whether it may run."""

    @property
    def tool(self) -> str:
        """The name of the tool."""
        return self.params.tool or ""

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it has none."""
        return self.params.namespace or ""

    @property
    def arguments(self) -> Any:
        """What it is called with, as plain data; the server does not check it (fact 82)."""
        return self.params.arguments if self.params.arguments is not MISSING else None

    @property
    def call_id(self) -> str:
        """Names the call."""
        return self.params.call_id or ""


class AuthTokensRefresh(ServerRequest):
    """The server wants fresh tokens (`account/chatgptAuthTokens/refresh`)."""

    kind = "token refresh"
    params: t.ChatgptAuthTokensRefreshParams

    @property
    def reason(self) -> str:
        """Why; an open set."""
        return self.params.reason or ""

    @property
    def previous_account_id(self) -> str:
        """The workspace that the tokens were for; empty if the server does not know."""
        return self.params.previous_account_id or ""


class AttestationRequest(ServerRequest):
    """The server wants a proof of what this client is (`attestation/generate`)."""

    kind = "attestation"
    params: t.AttestationGenerateParams


class CurrentTimeRequest(ServerRequest):
    """The server wants to know the time (`currentTime/read`). Answered without asking anybody."""

    kind = "current time"
    params: t.CurrentTimeReadParams


class LegacyCommandApproval(_WithFolder):
    """May this command run, as older servers ask (`execCommandApproval`)?"""

    kind = "command"
    params: t.ExecCommandApprovalParams

    @property
    def argv(self) -> tuple[str, ...]:
        """The command."""
        return tuple(self.params.command or ())

    @property
    def command(self) -> str:
        """The same as one line of a shell."""
        return shlex.join(self.argv)


class LegacyPatchApproval(_WithReason):
    """May these files be changed, as older servers ask (`applyPatchApproval`)?"""

    kind = "file change"
    params: t.ApplyPatchApprovalParams

    @property
    def changes(self) -> Mapping[str, t.FileChange]:
        """What is changed, by file."""
        return self.params.file_changes or {}


class UnknownRequest(ServerRequest):
    """A request of a kind that this version does not know, or cannot read in full.

    `params` is plain data. Any answer under wire names can be given to it.
    """

    kind = "unknown request"


Approver: TypeAlias = "Callable[[Any], Answer | Awaitable[Answer | None] | None]"
"""Decides about a `ServerRequest`: returns an answer, or None to leave it to the next one. A plain
function runs in a thread of its own, so it may block."""

Approvers: TypeAlias = "Approver | Iterable[Approver]"
"""One approver, or several that are asked in order."""

REQUEST_TYPES: Final[dict[str, type[ServerRequest]]] = {
    "item/commandExecution/requestApproval": CommandApproval,
    "item/fileChange/requestApproval": FileChangeApproval,
    "item/permissions/requestApproval": PermissionsApproval,
    "item/tool/requestUserInput": UserInputRequest,
    "mcpServer/elicitation/request": McpElicitation,
    "item/tool/call": ToolCallRequest,
    "account/chatgptAuthTokens/refresh": AuthTokensRefresh,
    "attestation/generate": AttestationRequest,
    "currentTime/read": CurrentTimeRequest,
    "execCommandApproval": LegacyCommandApproval,
    "applyPatchApproval": LegacyPatchApproval,
}
"""The type of each request that this version knows, by its wire name."""


def _name(decision: t.CommandExecutionApprovalDecision) -> str:
    if isinstance(decision, str):
        return decision
    amends = decision.accept_with_execpolicy_amendment is not None
    return "acceptWithExecpolicyAmendment" if amends else "applyNetworkPolicyAmendment"
