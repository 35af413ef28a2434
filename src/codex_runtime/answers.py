"""What can be answered to a request of the server. Each is a value; sending it is `respond`.

    async with Runtime(approve=lambda request: Deny("not on a Friday")) as runtime: ...

`Allow`, `Deny` and `Cancel` fit every request that asks for a yes or no. The others are for one kind
of request each, and the protocol's own response types are taken as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from codex_runtime._arguments import positive_seconds

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ApplyPatchApprovalResponse,
        AttestationGenerateResponse,
        ChatgptAuthTokensRefreshResponse,
        CommandExecutionRequestApprovalResponse,
        CurrentTimeReadResponse,
        DynamicToolCallResponse,
        ExecCommandApprovalResponse,
        FileChangeRequestApprovalResponse,
        GrantedPermissionProfile,
        McpServerElicitationRequestResponse,
        PermissionsRequestApprovalResponse,
        ToolRequestUserInputResponse,
    )

__all__ = [
    "Allow",
    "Answer",
    "Answers",
    "AttestationToken",
    "AuthTokens",
    "Cancel",
    "Deny",
    "ElicitationAnswer",
    "GrantPermissions",
    "Later",
    "ToolResult",
]


@dataclass(frozen=True)
class Allow:
    """Yes.

    Attributes:
        for_session: Also for what is the same, for as long as the thread is loaded: the identical
            command, changes of the same files (facts 73 and 79). Never for more than that: rules
            that outlive the thread are only written by the protocol's own answer.
    """

    for_session: bool = False


@dataclass(frozen=True)
class Deny:
    """No; the turn goes on, and the model is told that it was refused.

    Attributes:
        reason: Why, for the audit. The protocol has no place for it except in tool calls, so
            the model sees it there only.
    """

    reason: str = ""


@dataclass(frozen=True)
class Cancel:
    """No, and the turn ends as interrupted, whatever kind of request it is.

    Where the request has an answer of its own for that, it is used (facts 73 and 79); else the
    request is refused and the turn interrupted.

    Attributes:
        reason: Why, for the audit.
    """

    reason: str = ""


@dataclass(frozen=True)
class Later:
    """Somebody will call `respond` on the request: keep it open, and ask no other approver.

    Attributes:
        timeout: Seconds from now until it is refused; None for what the request has left. Never
            longer than that.

    Raises:
        InvalidArgument: When made with a time that is none.
    """

    timeout: float | None = None

    def __post_init__(self) -> None:
        """Check it."""
        positive_seconds("timeout", self.timeout, 0.0)


@dataclass(frozen=True)
class GrantPermissions:
    """Grant a part of the permissions that were asked for (`item/permissions/requestApproval`).

    Attributes:
        permissions: What is granted. Codex ignores what was not asked for (fact 81).
        for_session: For as long as the thread is loaded, not only for this turn.
    """

    permissions: GrantedPermissionProfile
    for_session: bool = False


@dataclass(frozen=True, repr=False)
class Answers:
    """What a person says to the questions of `item/tool/requestUserInput`.

    Attributes:
        answers: By question id: a text, or several where more than one option was chosen.
            Questions may be left out; the model sees that.
    """

    answers: Mapping[str, str | Sequence[str]]

    def __repr__(self) -> str:
        # Answers may be secrets.
        return f"<Answers to {', '.join(map(str, self.answers)) or 'nothing'}>"


@dataclass(frozen=True, repr=False)
class ElicitationAnswer:
    """What a person says to an MCP server that asks for something (`mcpServer/elicitation/request`).

    Attributes:
        content: The fields of its form; None where there is none.
        for_session: Of an MCP tool that asks to be used: do not ask again in this thread.
    """

    content: Mapping[str, Any] | None = None
    for_session: bool = False

    def __repr__(self) -> str:
        named = ", ".join(map(str, self.content)) if self.content else "nothing"
        return f"<ElicitationAnswer of {named}>"


@dataclass(frozen=True, repr=False)
class ToolResult:
    """What a tool gives to the model (`item/tool/call`).

    Attributes:
        content: Texts, and images as `data:` URLs in `ToolResult.Image`.
        success: Whether the tool did what it was called for.
    """

    @dataclass(frozen=True, repr=False)
    class Image:
        """An image.

        Attributes:
            url: A `data:` URL, or one that the model's provider can load.
        """

        url: str

        def __repr__(self) -> str:
            return f"<ToolResult.Image of {len(self.url)} characters>"

    content: str | Sequence[str | ToolResult.Image]
    success: bool = True

    def __repr__(self) -> str:
        parts = 1 if isinstance(self.content, str) else len(self.content)
        return f"<ToolResult of {parts} parts, {'success' if self.success else 'failure'}>"


@dataclass(frozen=True)
class AuthTokens:
    """Fresh tokens of a ChatGPT account (`account/chatgptAuthTokens/refresh`).

    Attributes:
        access_token: The token.
        account_id: The workspace that it is for.
        plan_type: Its plan; None to have it read from the token.
    """

    access_token: str = field(repr=False)
    account_id: str
    plan_type: str | None = None


@dataclass(frozen=True)
class AttestationToken:
    """What proves this client to the vendor (`attestation/generate`).

    Attributes:
        token: The token.
    """

    token: str = field(repr=False)


if TYPE_CHECKING:
    WireAnswer: TypeAlias = (
        CommandExecutionRequestApprovalResponse
        | FileChangeRequestApprovalResponse
        | PermissionsRequestApprovalResponse
        | ToolRequestUserInputResponse
        | McpServerElicitationRequestResponse
        | DynamicToolCallResponse
        | ChatgptAuthTokensRefreshResponse
        | AttestationGenerateResponse
        | CurrentTimeReadResponse
        | ExecCommandApprovalResponse
        | ApplyPatchApprovalResponse
    )

_Own: TypeAlias = (
    Allow
    | Deny
    | Cancel
    | Later
    | GrantPermissions
    | Answers
    | ElicitationAnswer
    | ToolResult
    | AuthTokens
    | AttestationToken
)

Answer: TypeAlias = "_Own | WireAnswer"
"""What an approver may return, or `respond` be given: one of these, or the protocol's own response."""
