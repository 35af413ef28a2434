"""Lists of threads: a page, or all of them; loaded ones; those that say something."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import (
    checked_cursor,
    checked_limit,
    checked_text,
    checked_thread_ids,
)
from codex_runtime.threads._filtering import list_filters, search_filters
from codex_runtime.threads._pages import Page, Pages, entries_of
from codex_runtime.threads._walk import EXACT_ORDER, LARGEST_PAGE, PageRequest, Walk
from codex_runtime.threads.filters import SearchFilters, ThreadFilters

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        Thread,
        ThreadListResponse,
        ThreadLoadedListResponse,
        ThreadSearchResponse,
        ThreadSearchResult,
    )

__all__ = [
    "all_loaded_threads",
    "all_search_results",
    "all_threads",
    "list_loaded_threads",
    "list_threads",
    "search_threads",
]

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


async def list_threads(
    client: Client, filters: ThreadFilters, *, cursor: str | None, limit: int | None
) -> ThreadListResponse:
    """One page of threads; see `Runtime.thread_list`."""
    params = list_filters(filters, remote=client.remote)
    params = replace(params, cursor=checked_cursor(cursor), limit=checked_limit(limit))
    return await client.request(methods.THREAD_LIST, params)


def all_threads(
    client: Client, filters: ThreadFilters, *, page_size: int | None
) -> AsyncIterator[Thread]:
    """All threads; see `Runtime.iter_threads`."""
    given: Any = dict(filters)
    excluded = given.pop("excluded_thread_ids", None)
    without = () if excluded is None else checked_thread_ids(excluded, "excluded_thread_ids")
    params = list_filters(given, remote=client.remote)

    async def fetch(page: PageRequest) -> ThreadListResponse:
        return await client.request(methods.THREAD_LIST, _placed(params, page))

    def thread_of(entry: Thread) -> Thread:
        return entry

    first = _first(params.sort_key, params.sort_direction, page_size)
    return _Entries(Walk(methods.THREAD_LIST.method, first, thread_of, without), fetch)


async def search_threads(
    client: Client,
    search_term: str,
    filters: SearchFilters,
    *,
    cursor: str | None,
    limit: int | None,
) -> ThreadSearchResponse:
    """One page of threads that say something; see `Runtime.thread_search`."""
    params = protocol.ThreadSearchParams(
        search_term=checked_text(search_term, "search_term"),
        cursor=checked_cursor(cursor),
        limit=checked_limit(limit),
        **search_filters(filters),
    )
    return await client.request(methods.THREAD_SEARCH, params)


def all_search_results(
    client: Client, search_term: str, filters: SearchFilters, *, page_size: int | None
) -> AsyncIterator[ThreadSearchResult]:
    """All threads that say something; see `Runtime.iter_thread_search`."""
    params = protocol.ThreadSearchParams(
        search_term=checked_text(search_term, "search_term"), **search_filters(filters)
    )

    async def fetch(page: PageRequest) -> ThreadSearchResponse:
        return await client.request(methods.THREAD_SEARCH, _placed(params, page))

    def thread_of(entry: ThreadSearchResult) -> Thread:
        return entry.thread

    first = _first(params.sort_key, params.sort_direction, page_size)
    by_creation = first.order == "created_at"
    exact = PageRequest(None, first.limit, EXACT_ORDER, "asc")
    walk = Walk(methods.THREAD_SEARCH.method, exact if by_creation else first, thread_of)
    entries = _Entries(walk, fetch)
    return _ByCreation(entries, newest_first=first.descending) if by_creation else entries


async def list_loaded_threads(
    client: Client, *, cursor: str | None, limit: int | None
) -> ThreadLoadedListResponse:
    """One page of loaded threads; see `Runtime.thread_loaded_list`."""
    params = protocol.ThreadLoadedListParams(
        cursor=checked_cursor(cursor), limit=checked_limit(limit)
    )
    return await client.request(methods.THREAD_LOADED_LIST, params)


def all_loaded_threads(client: Client, *, page_size: int | None) -> AsyncIterator[str]:
    """All loaded threads; see `Runtime.iter_loaded_threads`."""
    checked_limit(page_size, "page_size")

    async def fetch(cursor: str | None) -> ThreadLoadedListResponse:
        return await list_loaded_threads(client, cursor=cursor, limit=page_size)

    return Pages(methods.THREAD_LOADED_LIST.method, fetch)


class _Listed(Page[E_co], Protocol[E_co]):
    """A page, as the answers to both requests have it."""

    @property
    def backwards_cursor(self) -> str | None: ...


class _Entries(Generic[E]):
    """An asynchronous iterator over the entries of a list, along a walk."""

    def __init__(
        self, walk: Walk[E], fetch: Callable[[PageRequest], Awaitable[_Listed[E]]]
    ) -> None:
        self._walk = walk
        self._fetch = fetch
        self._waiting: deque[E] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._waiting:
            request = self._walk.next_request
            if request is None:
                raise StopAsyncIteration
            page = await self._fetch(request)
            data = entries_of(self._walk.method, page)
            self._waiting += self._walk.take(data, page.next_cursor, page.backwards_cursor)
        return self._waiting.popleft()


class _ByCreation:
    """All results of a search, sorted here.

    No version can page a search by creation: behind its first page it finds nothing, and the
    other way round the first page again and again (fact 233).
    """

    def __init__(self, exact: _Entries[ThreadSearchResult], *, newest_first: bool) -> None:
        self._exact = exact
        self._newest_first = newest_first
        self._gathered: list[ThreadSearchResult] = []
        self._sorted: Iterator[ThreadSearchResult] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ThreadSearchResult:
        if self._sorted is None:
            async for each in self._exact:
                self._gathered.append(each)
            self._gathered.sort(key=_creation, reverse=self._newest_first)
            self._sorted = iter(self._gathered)
        for each in self._sorted:
            return each
        raise StopAsyncIteration


def _creation(result: ThreadSearchResult) -> tuple[int, str]:
    return result.thread.created_at or 0, result.thread.id or ""


_Params = TypeVar("_Params", protocol.ThreadListParams, protocol.ThreadSearchParams)


def _placed(params: _Params, page: PageRequest) -> _Params:
    return replace(
        params,
        cursor=_optional(page.cursor),
        limit=page.limit,
        sort_key=_optional(page.sort_key),
        sort_direction=_optional(page.sort_direction),
    )


def _first(sort_key: Any, sort_direction: Any, page_size: int | None) -> PageRequest:
    size = checked_limit(page_size, "page_size") or LARGEST_PAGE
    return PageRequest(None, min(size, LARGEST_PAGE), sort_key or None, sort_direction or None)


def _optional(value: Any) -> Any:
    """What nobody says is not sent."""
    return UNSET if value is None else value
