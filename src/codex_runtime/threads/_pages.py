"""Page after page of what the server lists."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, Self, TypeVar

from msgspec import UNSET, UnsetType

from codex_runtime.errors import RemoteProtocolError

__all__ = ["EMPTY_PAGES", "Page", "Pages", "entries_of"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

EMPTY_PAGES: Final = 100
"""Pages in a row that may bring nothing new. A list that is filtered on its way may have some; one
that never ends would keep its reader busy for ever."""


class Page(Protocol[T_co]):
    """A page, as all answers that list something have it."""

    @property
    def data(self) -> Sequence[T_co] | UnsetType | None:
        """What it lists; UNSET or None where the server left it out."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """Where the next one begins; None after the last."""
        ...


def entries_of(method: str, page: Page[T]) -> Sequence[T]:
    """Return what a page lists.

    Raises:
        RemoteProtocolError: It lists nothing that could be read, which is not the same as nothing.
    """
    if page.data is None or page.data is UNSET:
        raise RemoteProtocolError(method, "a page of it has no data")
    return page.data


class Pages(Generic[T]):
    """An asynchronous iterator over all entries of a list, for one task.

    Cancelling the wait for the next entry loses nothing, and an error of the server ends nothing:
    going on asks for the same page again.
    """

    def __init__(self, method: str, fetch: Callable[[str | None], Awaitable[Page[T]]]) -> None:
        self._method = method
        self._fetch = fetch
        self._waiting: deque[T] = deque()
        self._cursor: str | None = None
        self._used: set[str] = set()
        self._empty = 0
        self._ended = False
        self._endless = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            if self._endless:
                raise RemoteProtocolError(self._method, "its pages do not come to an end")
            self._take(await self._fetch(self._cursor))
        return self._waiting.popleft()

    def _take(self, page: Page[T]) -> None:
        data = entries_of(self._method, page)
        self._waiting.extend(data)
        self._empty = 0 if data else self._empty + 1
        following = page.next_cursor
        if not following:
            self._ended = True
        elif following in self._used or self._empty >= EMPTY_PAGES:
            self._endless = True
        else:
            self._used.add(following)
            self._cursor = following
