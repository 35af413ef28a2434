"""Which pages to ask for, so that a list of threads is seen whole and nothing of it twice.

The difficulty is codex 0.154 to 0.163: there the cursor of a page is a point in time, of a second
or a millisecond, and the next page begins strictly behind it. All further threads of that moment
are skipped: of 30 threads made within a second, pages of 3 show 3 (facts 26, 232). So where a
cursor is nothing but a point in time, the next page begins one millisecond before its end, and
what was seen already is left out. If a page has room for nothing else, larger pages are asked
for; if the largest, of 100 threads, cannot hold one moment, the threads of that moment are picked
from the list in order of recency, whose cursors are exact on every version. By `updated_at` such a
server leaves threads of one millisecond out of its pages in other ways, too, so in the end the
list in order of recency is gone through, and what was not seen comes last.

One thing is beyond reach: the list in order of recency has no threads that the server's database
does not know yet. That takes more than 100 records of one second, copied into its CODEX_HOME.

No I/O: `next_request` says what to ask for, `take` takes the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.threads._pages import EMPTY_PAGES

__all__ = ["EXACT_ORDER", "LARGEST_PAGE", "PageRequest", "Walk"]

LARGEST_PAGE: Final = 100
"""Threads of a page, whatever the limit: measured on 0.154 to 0.169 (fact 230)."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
"""A cursor that is nothing but a point in time. Those of later versions have a thread id, too."""

_STEP: Final = timedelta(milliseconds=1)
"""The finest that the server tells moments apart."""

_MOVING: Final = frozenset({"updated_at", "recency_at"})
"""Orders in which a thread moves to the newest end when something happens in it."""

_TIMES: Final = frozenset({"created_at", "updated_at"})
"""Orders whose place of a thread can be told from the thread itself."""

EXACT_ORDER: Final = "recency_at"
"""The order whose cursors name a thread on every version."""


class _Thread(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> int: ...

    @property
    def updated_at(self) -> int: ...


E = TypeVar("E")


@dataclass(frozen=True)
class PageRequest:
    """A page to ask for.

    Attributes:
        cursor: Where it begins; None for the first.
        limit: How many threads it may have.
        sort_key: Its order; None for the server's own, `created_at`.
        sort_direction: Its direction; None for the server's own, `desc`.
    """

    cursor: str | None
    limit: int
    sort_key: str | None
    sort_direction: str | None

    @property
    def descending(self) -> bool:
        """Whether the newest come first."""
        return self.sort_direction != "asc"

    @property
    def order(self) -> str:
        """What it is sorted by."""
        return self.sort_key or "created_at"


@dataclass
class _Sweep(Generic[E]):
    """Picks the threads of one moment from the list in order of recency.

    Attributes:
        moment: Seconds since 1970.
        found: Those of the moment so far, by id.
        after: Where to go on when all are found.
    """

    moment: int
    found: dict[str, E]
    after: PageRequest


class Walk(Generic[E]):
    """The way through one list.

    Args:
        method: The wire name of the request, for errors.
        first: The first page.
        thread_of: The thread of an entry of the list.
        without: Ids of threads to leave out.
    """

    def __init__(
        self,
        method: str,
        first: PageRequest,
        thread_of: Callable[[E], _Thread],
        without: Iterable[str] = (),
    ) -> None:
        self.method = method
        self._thread_of = thread_of
        self._request: PageRequest | None = first
        self._asked: set[PageRequest] = set()
        self._seen = set(without)
        self._empty = 0
        self._newest: str | None = None
        self._catching_up = False
        self._overlapped = False
        self._sweep: _Sweep[E] | None = None
        self._problem: str | None = None

    @property
    def next_request(self) -> PageRequest | None:
        """What to ask for next; None at the end.

        Raises:
            RemoteProtocolError: The list does not come to an end, or cannot be seen whole.
        """
        if self._problem is not None:
            raise RemoteProtocolError(self.method, self._problem)
        return self._request

    def take(
        self, entries: Sequence[E], next_cursor: str | None, backwards_cursor: str | None
    ) -> list[E]:
        """Take the page that was asked for, and return what is new of it, in order."""
        asked = self._request
        assert asked is not None  # noqa: S101 — only what was asked for is taken
        if not self._asked:
            self._newest = backwards_cursor
        self._asked.add(asked)
        # A page may name a thread twice.
        fresh = {
            thread.id: entry
            for entry in entries
            if (thread := self._thread_of(entry)).id not in self._seen
        }
        self._empty = 0 if fresh else self._empty + 1
        if self._sweep is not None:
            return self._take_of_sweep(self._sweep, asked, fresh, next_cursor)
        self._seen.update(fresh)
        if not next_cursor:
            self._end_pass(asked)
        elif _MOMENT.fullmatch(next_cursor) is None:
            self._go_on(replace(asked, cursor=next_cursor))
        else:
            self._overlap(asked, next_cursor, len(entries))
        return [*fresh.values()]

    def _end_pass(self, asked: PageRequest) -> None:
        self._request = None
        if self._catching_up or asked.order not in _MOVING:
            return
        if self._overlapped:
            self._request = PageRequest(None, LARGEST_PAGE, EXACT_ORDER, "asc")
        elif self._newest and asked.descending:
            # What moved to the newest end before it was reached was not seen yet.
            self._request = replace(asked, cursor=self._newest, sort_direction="asc")
        self._catching_up = True

    def _go_on(self, following: PageRequest) -> None:
        self._request = following
        if following in self._asked or self._empty >= EMPTY_PAGES:
            self._problem = "its pages do not come to an end"

    def _overlap(self, asked: PageRequest, next_cursor: str, count: int) -> None:
        self._overlapped = True
        moment = datetime.fromisoformat(next_cursor)
        cursor = _written(moment + _STEP if asked.descending else moment - _STEP)
        if cursor != asked.cursor:
            self._go_on(replace(asked, cursor=cursor))
        elif asked.limit < LARGEST_PAGE and count >= asked.limit:
            # The page holds this moment and nothing else.
            self._go_on(replace(asked, limit=min(2 * asked.limit, LARGEST_PAGE)))
        elif asked.order in _TIMES:
            after = replace(asked, cursor=next_cursor)
            self._sweep = _Sweep(int(moment.timestamp()), {}, after)
            self._go_on(PageRequest(None, LARGEST_PAGE, EXACT_ORDER, "asc"))
        else:
            self._problem = "more threads than a page holds have one place in its order"

    def _take_of_sweep(
        self, sweep: _Sweep[E], asked: PageRequest, fresh: dict[str, E], next_cursor: str | None
    ) -> list[E]:
        for thread_id, entry in fresh.items():
            if self._second(entry, sweep.after.order) == sweep.moment:
                sweep.found[thread_id] = entry
        if next_cursor and _MOMENT.fullmatch(next_cursor) is None:
            self._go_on(replace(asked, cursor=next_cursor))
            return []
        if next_cursor:
            self._problem = "none of its orders can be seen whole"
            return []
        self._sweep = None
        self._asked = {each for each in self._asked if each.order != EXACT_ORDER}
        self._seen.update(sweep.found)
        self._empty = 0
        self._go_on(sweep.after)
        ids = sorted(sweep.found, reverse=sweep.after.descending)
        return [sweep.found[thread_id] for thread_id in ids]

    def _second(self, entry: E, order: str) -> int:
        thread = self._thread_of(entry)
        return thread.created_at if order == "created_at" else thread.updated_at


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
