"""The operations on threads that a runtime offers, under the names of the protocol."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Unpack

from codex_runtime._runtime_base import RuntimeBase

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        SkillsListResponse,
        Thread,
        ThreadListResponse,
        ThreadLoadedListResponse,
        ThreadReadResponse,
        ThreadSearchResponse,
        ThreadSearchResult,
        ThreadUnsubscribeStatus,
    )
    from codex_runtime.threads.filters import SearchFilters, ThreadFilters
    from codex_runtime.threads.reference import ThreadReference
    from codex_runtime.threads.rollback import ThreadRollback

__all__ = ["ThreadCalls"]


class ThreadCalls(RuntimeBase):
    """The part of `Runtime` that is about threads."""

    # Imports stay within the methods: this module is loaded before the server is started.

    # -- threads by their ids

    def thread(self, thread_id: str) -> ThreadReference:
        """A thread by its id, loaded or not. The server is not asked.

        Args:
            thread_id: The thread.

        Raises:
            InvalidArgument: It is no thread id.
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime._arguments import checked_thread_id  # noqa: PLC0415 — see the top
        from codex_runtime.threads.reference import ThreadReference  # noqa: PLC0415 — see the top

        return ThreadReference(self._client, checked_thread_id(thread_id))

    async def thread_read(
        self, thread_id: str, *, include_turns: bool = False
    ) -> ThreadReadResponse:
        """Read the record of a thread (`thread/read`); see `ThreadReference.read`."""
        return await self.thread(thread_id).read(include_turns=include_turns)

    async def thread_archive(self, thread_id: str) -> None:
        """Archive a thread (`thread/archive`); see `ThreadReference.archive`."""
        await self.thread(thread_id).archive()

    async def thread_unarchive(self, thread_id: str) -> Thread:
        """Bring a thread back from the archive (`thread/unarchive`); see `ThreadReference`."""
        return await self.thread(thread_id).unarchive()

    async def thread_delete(self, thread_id: str) -> None:
        """Delete a thread for good (`thread/delete`); see `ThreadReference.delete`."""
        await self.thread(thread_id).delete()

    async def thread_unsubscribe(self, thread_id: str) -> ThreadUnsubscribeStatus:
        """Get no more events of a thread (`thread/unsubscribe`); see `ThreadReference`."""
        return await self.thread(thread_id).unsubscribe()

    async def thread_rollback(
        self, thread_id: str, num_turns: int, *, interrupt: bool = False
    ) -> ThreadRollback:
        """Drop the last turns of a thread (`thread/revert`); see `ThreadReference.rollback`."""
        return await self.thread(thread_id).rollback(num_turns, interrupt=interrupt)

    # -- turns by their ids

    async def turn_interrupt(
        self, thread_id: str, turn_id: str, *, timeout: float | None = None
    ) -> None:
        """Stop a turn, whoever has started it (`turn/interrupt`), and see it end.

        Does nothing if it has ended, however often it is called; the server refuses that, or up
        to 0.163 never answers (facts 59 and 60). A turn that has not quite begun is waited for:
        too early an interrupt is refused, and the turn would run on (fact 57). A turn that
        nobody has heard of, in a thread where nothing runs, counts as one that has ended.

        The commands of the turn run on (fact 61); see `TurnHandle.interrupt` and
        `ThreadReference.terminals`. Cancelling stops the wait; the turn may still be interrupted.

        Args:
            thread_id: The thread. It has to be loaded.
            turn_id: The turn.
            timeout: Seconds for all of it; by default the runtime's `request_timeout`.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            UnexpectedTurn: Another turn runs, and this one is not known to have ended.
            ThreadNotLoaded: The thread is not loaded, or there is none.
            RequestTimeout: The turn did not end in time.
            ConnectionLost: The server went away before that.
            RuntimeClosed: The runtime is closed.
        """
        from codex_runtime._arguments import (  # noqa: PLC0415 — see the top
            checked_thread_id,
            checked_turn_id,
            positive_seconds,
        )
        from codex_runtime._interrupting import interrupt_turn  # noqa: PLC0415 — see the top

        thread_id, turn_id = checked_thread_id(thread_id), checked_turn_id(turn_id)
        client = self._client
        seconds = positive_seconds("timeout", timeout, client.request_timeout)
        await interrupt_turn(client, thread_id, turn_id, seconds)

    # -- skills

    async def skills_list(
        self, cwds: Iterable[str | os.PathLike[str]] = (), *, force_reload: bool = False
    ) -> SkillsListResponse:
        """List the skills that threads in these folders can use (`skills/list`).

        The server remembers them: an edit is seen with `force_reload` only (fact 129). Turning one
        on or off, and further folders to look in, are with `catalog`. Cancelling stops the wait.

        Args:
            cwds: Folders, on a remote server absolute ones; by default the server's own.
            force_reload: Look for them anew.

        Returns:
            `data` has an entry for each folder: its `skills`, and `errors` for those that cannot
            be read.

        Raises:
            WorkingDirectoryMissing: One of `cwds` is no folder. The server would leave it out.
            InvalidArgument: `cwds` is no list of paths, or `force_reload` neither True nor False.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services._skills import list_skills  # noqa: PLC0415 — see the top

        return await list_skills(self._client, cwds, force_reload=force_reload)

    # -- lists of threads

    async def thread_list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **filters: Unpack[ThreadFilters],
    ) -> ThreadListResponse:
        """List one page of threads on record (`thread/list`).

        A thread is listed from its first turn on, and an ephemeral one never. For all threads
        use `iter_threads`: up to codex 0.163 the cursor of a page is a mere point in time, and
        whoever follows it misses threads (fact 26). Cancelling stops the wait.

        Args:
            cursor: `next_cursor` of the page before; `backwards_cursor` of a page together with
                the other `sort_direction` gives what has become newer than it.
            limit: Threads of the page; by default 25, and 100 at the most (fact 230).
            **filters: See `ThreadFilters`.

        Raises:
            InvalidArgument: A filter does not exist or cannot be used.
            InvalidCursor: The server does not know the cursor.
            InvalidRequest: It does not know the word of an open set, say a `sort_key`.
            RequestRefused: It refuses the list for another reason.
            RequestTimeout: It did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.threads._listing import list_threads  # noqa: PLC0415 — see the top

        return await list_threads(self._client, filters, cursor=cursor, limit=limit)

    def iter_threads(
        self, *, page_size: int | None = None, **filters: Unpack[ThreadFilters]
    ) -> AsyncIterator[Thread]:
        """Iterate over all threads on record (`thread/list`, page after page).

        Each comes once, in order, on every version, however many were made in one moment. A
        thread that is made while this runs may be missing. By `updated_at` or `recency_at`, a
        thread that moved to where this had been already comes last. Up to codex 0.163 the list
        by `updated_at` is read twice, as its pages leave threads out (fact 232).

        One task may iterate. Cancelling the wait for the next thread loses nothing, and after an
        error iterating on asks for the same page again.

        Args:
            page_size: Threads to ask for at once; by default 100, which is also the most.
            **filters: See `ThreadFilters`; `excluded_thread_ids` may be any number here.

        Raises:
            InvalidArgument: A filter does not exist or cannot be used. At once.
            RuntimeClosed: The runtime is not open. At once, and while iterating.
            RequestRefused: While iterating: as with `thread_list`.
            RequestTimeout: While iterating: the server did not answer in time.
            RemoteProtocolError: While iterating: the server's pages do not come to an end, or
                cannot be told apart.
            ConnectionLost: While iterating: the server went away.
        """
        from codex_runtime.threads._listing import all_threads  # noqa: PLC0415 — see the top

        return all_threads(self._client, filters, page_size=page_size)

    async def thread_loaded_list(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadLoadedListResponse:
        """List the ids of the threads that the server has loaded (`thread/loaded/list`).

        Threads that have no turn yet are among them, and ephemeral ones (facts 14, 24).
        Cancelling stops the wait.

        Args:
            cursor: `next_cursor` of the page before: the last thread of it (fact 27).
            limit: Threads of the page; by default all.

        Raises:
            InvalidArgument: `cursor` is no text, or `limit` no positive number.
            InvalidCursor: The server does not know the cursor.
            RequestTimeout: It did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.threads._listing import list_loaded_threads  # noqa: PLC0415 — see the top

        return await list_loaded_threads(self._client, cursor=cursor, limit=limit)

    def iter_loaded_threads(self, *, page_size: int | None = None) -> AsyncIterator[str]:
        """Iterate over the ids of all loaded threads (`thread/loaded/list`, page after page).

        Cancelling and errors are as with `iter_threads`.

        Args:
            page_size: Threads to ask for at once; by default all.

        Raises:
            InvalidArgument: `page_size` is no positive number. At once.
            RuntimeClosed: The runtime is not open. At once, and while iterating.
        """
        from codex_runtime.threads._listing import all_loaded_threads  # noqa: PLC0415 — see the top

        return all_loaded_threads(self._client, page_size=page_size)

    async def thread_search(
        self,
        search_term: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **filters: Unpack[SearchFilters],
    ) -> ThreadSearchResponse:
        """List one page of threads in which something was said (`thread/search`, experimental).

        Capitals do not count. Each result has a `snippet` around the place. For all of them use
        `iter_thread_search`, for the reason that `thread_list` gives. Cancelling stops the wait.

        Args:
            search_term: What was said.
            cursor: `next_cursor` of the page before.
            limit: Threads of the page; by default 25.
            **filters: See `SearchFilters`.

        Raises:
            InvalidArgument: An argument cannot be used.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            CodexRuntimeError: Besides, whatever `thread_list` raises.
        """
        from codex_runtime.threads._listing import search_threads  # noqa: PLC0415 — see the top

        return await search_threads(self._client, search_term, filters, cursor=cursor, limit=limit)

    def iter_thread_search(
        self, search_term: str, *, page_size: int | None = None, **filters: Unpack[SearchFilters]
    ) -> AsyncIterator[ThreadSearchResult]:
        """Iterate over all threads in which something was said (`thread/search`, page after page).

        Each comes once, in order. By `created_at`, the default, all are fetched before the first
        comes: the server cannot page a search in that order (fact 233). Cancelling and errors are
        as with `iter_threads`.

        Args:
            search_term: What was said; capitals do not count.
            page_size: Threads to ask for at once; by default 100, which is also the most.
            **filters: See `SearchFilters`.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RuntimeClosed: The runtime is not open. At once, and while iterating.
        """
        from codex_runtime.threads._listing import all_search_results  # noqa: PLC0415 — see the top

        return all_search_results(self._client, search_term, filters, page_size=page_size)
