"""The history of a thread: its turns and their items, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from codex_runtime import protocol
from codex_runtime.errors import NotSupportedByThread
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import (
    checked_cursor,
    checked_direction,
    checked_limit,
    checked_text,
)
from codex_runtime.threads._pages import Pages
from codex_runtime.threads._part import ThreadPart

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        SortDirection,
        ThreadItemEntry,
        ThreadItemsListResponse,
        ThreadSearchOccurrence,
        ThreadSearchOccurrencesResponse,
        ThreadTurnsListResponse,
        Turn,
        TurnItemsView,
    )

__all__ = ["FULL_PAGE", "ThreadHistory"]

FULL_PAGE: Final = 25
"""Turns with all their items asked for at once; the server's own number."""


class ThreadHistory(ThreadPart):
    """A thread, as far as its history goes."""

    async def turns(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        sort_direction: SortDirection | None = None,
        items_view: TurnItemsView | None = None,
    ) -> ThreadTurnsListResponse:
        """List one page of turns, by default the newest first (`thread/turns/list`).

        Works whether the thread is loaded, archived or neither, also while another process has
        it. A running turn is among them, with its completed items. Cancelling stops the wait.

        Args:
            cursor: `next_cursor` of the page before; or `backwards_cursor` of a page together
                with the other direction, which begins with the same turn.
            limit: Turns of the page; by default 25.
            sort_direction: `"desc"` (default) or `"asc"`, oldest first.
            items_view: What there is of items: `"summary"` (default, the first message of the
                user and the last of the agent), `"full"`, `"notLoaded"`; an open set.

        Returns:
            The page; an empty one for a thread that has no turn yet, which the server itself
            refuses (fact 235).

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            InvalidRequest: It does not know the `items_view`.
            ThreadNotFound: There is no record of the thread.
            NotSupportedByThread: It is ephemeral.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadTurnsListParams(
            thread_id=self.thread_id,
            cursor=checked_cursor(cursor),
            limit=checked_limit(limit),
            sort_direction=_direction(sort_direction),
            items_view=UNSET if items_view is None else checked_text(items_view, "items_view"),
        )
        try:
            return await self._ask(methods.THREAD_TURNS_LIST, params)
        except NotSupportedByThread as refusal:
            if refusal.thread_kind == "empty":
                return protocol.ThreadTurnsListResponse(data=[])
            raise

    def iter_turns(
        self,
        *,
        page_size: int | None = None,
        sort_direction: SortDirection | None = None,
        items_view: TurnItemsView | None = None,
    ) -> AsyncIterator[Turn]:
        """Iterate over all turns, by default the newest first (`thread/turns/list`, paged).

        Cancelling the wait for the next one loses nothing, and after an error iterating on asks
        for the same page again. One task may iterate.

        Args:
            page_size: Turns to ask for at once; by default 25.
            sort_direction: As for `turns`.
            items_view: As for `turns`.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the server's pages do not come to an end.
            CodexRuntimeError: While iterating: whatever `turns` raises.
        """
        checked_limit(page_size, "page_size")
        checked_direction(sort_direction)

        async def fetch(cursor: str | None) -> ThreadTurnsListResponse:
            return await self.turns(
                cursor=cursor,
                limit=page_size,
                sort_direction=sort_direction,
                items_view=items_view,
            )

        return Pages(methods.THREAD_TURNS_LIST.method, fetch)

    async def items(
        self,
        *,
        turn_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        sort_direction: SortDirection | None = None,
    ) -> ThreadItemsListResponse:
        """List one page of items, by default the oldest first (`thread/items/list`).

        Completed items only; what an interrupt or a failure cut off is not among them (fact 30).
        Cancelling stops the wait.

        Args:
            turn_id: Only items of this turn; a turn that does not exist has none.
            cursor: `next_cursor` of the page before; or `backwards_cursor` of a page together
                with the other direction, which begins with the same item.
            limit: Items of the page; by default as the server likes.
            sort_direction: `"asc"` (default) or `"desc"`.

        Returns:
            The page: each entry has the `item`, its `turn_id`, and from 0.163 on times in
            milliseconds since 1970. An empty page for a thread that has no turn yet.

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            ThreadNotFound: There is no record of the thread.
            NotSupportedByThread: It is ephemeral, or of legacy history (fact 29): `turns` with
                `items_view="full"` reads those.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadItemsListParams(
            thread_id=self.thread_id,
            turn_id=UNSET if turn_id is None else checked_text(turn_id, "turn_id"),
            cursor=checked_cursor(cursor),
            limit=checked_limit(limit),
            sort_direction=_direction(sort_direction),
        )
        try:
            return await self._ask(methods.THREAD_ITEMS_LIST, params)
        except NotSupportedByThread as refusal:
            await self._explain(refusal)
            return protocol.ThreadItemsListResponse(data=[])

    def iter_items(
        self,
        *,
        turn_id: str | None = None,
        page_size: int | None = None,
        sort_direction: SortDirection | None = None,
    ) -> AsyncIterator[ThreadItemEntry]:
        """Iterate over all items, by default the oldest first (`thread/items/list`, paged).

        Cancelling and errors are as with `iter_turns`.

        Args:
            turn_id: As for `items`.
            page_size: Items to ask for at once; by default as the server likes.
            sort_direction: As for `items`.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the server's pages do not come to an end.
            CodexRuntimeError: While iterating: whatever `items` raises.
        """
        checked_limit(page_size, "page_size")
        checked_direction(sort_direction)
        if turn_id is not None:
            checked_text(turn_id, "turn_id")

        async def fetch(cursor: str | None) -> ThreadItemsListResponse:
            return await self.items(
                turn_id=turn_id, cursor=cursor, limit=page_size, sort_direction=sort_direction
            )

        return Pages(methods.THREAD_ITEMS_LIST.method, fetch)

    async def search_occurrences(
        self, search_term: str, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadSearchOccurrencesResponse:
        """List one page of places where something was said (`thread/searchOccurrences`).

        In messages of the user and of the agent, oldest first; capitals do not count.
        Experimental. Cancelling stops the wait.

        Args:
            search_term: What was said.
            cursor: `next_cursor` of the page before, of the same search.
            limit: Places of the page; by default as the server likes.

        Returns:
            The page: each place has a `snippet`, the range of the match in it in UTF-16 units,
            its `turn_id` and `item_id`, and a `turn_cursor` for `turns`. An empty page for a
            thread that has no turn yet.

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            ThreadNotFound: There is no record of the thread.
            NotSupportedByThread: It is ephemeral, or of legacy history.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadSearchOccurrencesParams(
            thread_id=self.thread_id,
            search_term=checked_text(search_term, "search_term"),
            cursor=checked_cursor(cursor),
            limit=checked_limit(limit),
        )
        try:
            return await self._ask(methods.THREAD_SEARCH_OCCURRENCES, params)
        except NotSupportedByThread as refusal:
            await self._explain(refusal)
            return protocol.ThreadSearchOccurrencesResponse(data=[])

    def iter_occurrences(
        self, search_term: str, *, page_size: int | None = None
    ) -> AsyncIterator[ThreadSearchOccurrence]:
        """Iterate over all places where something was said (`thread/searchOccurrences`, paged).

        Cancelling and errors are as with `iter_turns`.

        Args:
            search_term: What was said.
            page_size: Places to ask for at once; by default as the server likes.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the server's pages do not come to an end.
            CodexRuntimeError: While iterating: whatever `search_occurrences` raises.
        """
        checked_limit(page_size, "page_size")
        checked_text(search_term, "search_term")

        async def fetch(cursor: str | None) -> ThreadSearchOccurrencesResponse:
            return await self.search_occurrences(search_term, cursor=cursor, limit=page_size)

        return Pages(methods.THREAD_SEARCH_OCCURRENCES.method, fetch)

    async def _explain(self, refusal: NotSupportedByThread) -> None:
        """Find out what a vague refusal means; return if the thread merely has no turn yet.

        The server says the same of threads that are not there, that have no turn, that are
        ephemeral, or of legacy history (fact 12). To requests for turns it says which.
        """
        if refusal.thread_kind:
            raise refusal
        try:
            found = await self.turns(limit=1, items_view="notLoaded")
        except NotSupportedByThread as clearer:
            refusal.thread_kind = clearer.thread_kind
            raise refusal from clearer
        if found.data:
            refusal.thread_kind = "legacy"
            raise refusal


def _direction(sort_direction: SortDirection | None) -> Any:
    checked = checked_direction(sort_direction)
    return UNSET if checked is None else checked
