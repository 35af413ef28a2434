"""The use of a tool, as hooks see it: what the server asks before, and what it says was done."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from codex_runtime import protocol
from codex_runtime._server_request import ServerRequest
from codex_runtime.errors import InvalidAnswer
from codex_runtime.requests import (
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    PermissionsApproval,
    ToolCallRequest,
    UnknownRequest,
)

if TYPE_CHECKING:
    from codex_runtime._server_request import Desk
    from codex_runtime.answers import Answer
    from codex_runtime.hooks import HookStatus

__all__ = ["ToolUse", "asked_use", "done_use"]

R = TypeVar("R", bound=ServerRequest)

COMMAND: Final = "command"
FILE_CHANGE: Final = "file_change"
PERMISSIONS: Final = "permissions"


class ToolUse(NamedTuple):
    """One use of a tool.

    Attributes:
        name: The tool; None where it is not known.
        input: What is asked, or the completed item.
        cwd: Where it is to run, as far as it says so itself.
        status: How it went; of one that is asked for, it is not said yet.
    """

    name: str | None
    input: Any
    cwd: str | None = None
    status: HookStatus = "ok"


def asked_use(request: ServerRequest) -> ToolUse | None:
    """The use of a tool that a request is about; None where it is about something else.

    A request that this version does not know, or cannot read, may be about anything: it counts.
    """
    name: str | None = None
    cwd: str | None = None
    match request:
        case CommandApproval() | LegacyCommandApproval():
            name, cwd = COMMAND, request.cwd or None
        case FileChangeApproval() | LegacyPatchApproval():
            name = FILE_CHANGE
        case PermissionsApproval():
            name, cwd = PERMISSIONS, request.cwd or None
        case ToolCallRequest():
            name = _joined(request.namespace, request.tool)
        case McpElicitation() if request.is_tool_approval or request.claims_tool_approval:
            # A claim alone may be made up by the server, so it gives no name.
            name = _joined(request.server_name, request.tool_name)
        case UnknownRequest():
            pass
        case _:
            return None
    return ToolUse(name, _shown(request), cwd)


def done_use(item: Any) -> ToolUse | None:
    """The use of a tool that a completed item is; None for an item of another kind."""
    name: str | None
    match item:
        case protocol.CommandExecutionItem():
            name = COMMAND
        case protocol.FileChangeItem():
            name = FILE_CHANGE
        case protocol.McpToolCallItem():
            name = _joined(item.server, item.tool)
        case protocol.DynamicToolCallItem():
            name = _joined(item.namespace, item.tool)
        case _:
            return None
    return ToolUse(name, item, status=_STATUSES.get(item.status or "", "error"))


_STATUSES: Final[dict[str, HookStatus]] = {"completed": "ok", "declined": "blocked"}
"""How it went, by the status of the item; any other is an error."""


def _joined(space: str | None, name: str | None) -> str | None:
    if not name:
        return None
    return f"{space}/{name}" if space else name


def _shown(request: R) -> R:
    """A request as hooks see it: not to be answered by them."""
    view = copy.copy(request)
    # What a hook does to what it is shown must not change what is then done.
    view.params = copy.deepcopy(request.params)
    view._desk = _LookOnly(request._desk)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] — private to users
    return view


class _LookOnly:
    """Keeps a request from being answered by whoever may only forbid it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, request: ServerRequest, answer: Answer | Mapping[str, Any], by: str) -> None:
        _ = answer, by
        raise InvalidAnswer(
            "answer",
            "comes from a hook, and hooks cannot say yes",
            "return Block(reason) from it, or give the runtime an approver",
            request.request_id,
        )

    def now(self) -> float:
        return self._desk.now()
