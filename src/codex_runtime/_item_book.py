"""The items that requests of the server are about, which do not say what they hold (fact 79)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from codex_runtime import protocol
from codex_runtime.requests import CommandApproval, FileChangeApproval, McpElicitation

if TYPE_CHECKING:
    from codex_runtime._live import Scope
    from codex_runtime._server_request import ServerRequest

__all__ = ["ItemBook"]

_ASKED_ABOUT: Final = (
    protocol.CommandExecutionItem,
    protocol.FileChangeItem,
    protocol.McpToolCallItem,
)

_QUESTION: Final = 'Allow the {server} MCP server to run tool "{tool}"?'
"""What codex asks about a tool of an MCP server (fact 313)."""

_KEPT: Final = 4_096
"""Items under way at once, of all threads. A turn has a handful; what is beyond is not looked up."""


class ItemBook:
    """Commands and file changes that have been started and not completed."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._asked_about: set[tuple[str, str]] = set()
        """The calls of MCP tools that codex has asked about."""
        self._parents: OrderedDict[str, str] = OrderedDict()

    def started(self, event: Any) -> None:
        """`item/started`. Called by the reader."""
        item = event.item
        if isinstance(item, _ASKED_ABOUT):
            self._items[event.thread_id, item.id] = item
            if len(self._items) > _KEPT:
                self._items.popitem(last=False)
        else:
            self._note_agents(event.thread_id, item)

    def completed(self, event: Any) -> None:
        """`item/completed`. Called by the reader."""
        key = (event.thread_id, getattr(event.item, "id", ""))
        self._items.pop(key, None)
        self._asked_about.discard(key)
        self._note_agents(event.thread_id, event.item)

    def turn_ended(self, event: Any) -> None:
        """`turn/completed`: items of this thread that are open still stay so for ever."""
        for key in [key for key in self._items if key[0] == event.thread_id]:
            del self._items[key]
            self._asked_about.discard(key)

    def parent_of(self, thread_id: str) -> str | None:
        """The thread whose model has started this one as an agent of its own, as far as was seen."""
        return self._parents.get(thread_id)

    def _note_agents(self, thread_id: str, item: Any) -> None:
        # Only what the server itself has made: the other tools name threads that the model chooses.
        if not isinstance(item, protocol.CollabAgentToolCallItem) or item.tool != "spawnAgent":
            return
        for agent in item.receiver_thread_ids or ():
            if agent not in self._parents and agent != thread_id:
                self._parents[agent] = thread_id
                if len(self._parents) > _KEPT:
                    self._parents.popitem(last=False)

    def _mcp_call(self, request: McpElicitation) -> protocol.McpToolCallItem | None:
        """The newest call under way that it is codex's own question about, which it asks once.

        A server can send the same marks, and echo the arguments of its call (fact 314): a question
        with fields, with a page to visit, or in words of its own is one of the server's.
        """
        if not request.claims_tool_approval or request.mode != "form" or request.has_fields:
            return None
        for key, item in reversed(self._items.items()):
            if (
                key[0] == request.thread_id
                and key not in self._asked_about
                and isinstance(item, protocol.McpToolCallItem)
                and item.server == request.server_name
                and item.arguments == request.claimed_tool_params
                and request.message == _QUESTION.format(server=item.server, tool=item.tool)
            ):
                self._asked_about.add(key)
                return item
        return None

    def tell(self, request: ServerRequest, scope: Scope | None) -> None:
        """Put in a request what is known of its item.

        Args:
            request: The request.
            scope: What its thread may touch; None where that is not known.
        """
        item = self._items.get((request.thread_id, request.item_id))
        match request:
            case CommandApproval():
                request.item = item if isinstance(item, protocol.CommandExecutionItem) else None
            case FileChangeApproval():
                if isinstance(item, protocol.FileChangeItem):
                    request.changes = tuple(item.changes or ())
                if scope is not None:
                    roots = (scope.cwd, *scope.sandbox.writable_roots)
                    request.workspace = tuple(root for root in roots if root)
            case McpElicitation():
                request.item = self._mcp_call(request)
            case _:
                pass
