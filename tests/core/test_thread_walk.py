"""Walking through lists of threads: each once, in order, whatever the cursors are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.threads._pages import EMPTY_PAGES
from codex_runtime.threads._walk import LARGEST_PAGE, PageRequest, Walk

START = 1_790_000_000_000
"""Milliseconds since 1970 at which the threads of these tests begin."""

Precision = Literal["seconds", "milliseconds", "exact"]
"""What the cursors of a server are worth: of 0.154 and 0.163, or of 0.169."""


@dataclass(frozen=True)
class Thread:
    """A thread, as far as lists go: `created` and `updated` in milliseconds."""

    id: str
    created: int = START
    updated: int = START

    @property
    def created_at(self) -> int:
        return self.created // 1000

    @property
    def updated_at(self) -> int:
        return self.updated // 1000


@dataclass
class Server:
    """Lists threads as codex does; `recency_at` is exact on every version."""

    threads: list[Thread]
    precision: Precision = "seconds"
    requests: list[PageRequest] = field(default_factory=list[PageRequest])
    left_out: str = ""
    """A thread that pages by `updated_at` leave out."""

    def page(self, request: PageRequest) -> tuple[list[Thread], str | None, str | None]:
        self.requests.append(request)
        placed = self.placed(request)
        if request.cursor is not None:
            placed = [each for each in placed if self._behind(each[0], request)]
        size = max(1, min(request.limit, LARGEST_PAGE))
        page = [thread for _, thread in placed[:size]]
        following = self._cursor(*placed[size - 1], request) if len(placed) > size else None
        back = self._written(placed[0][0][0] + (-1 if request.descending else 1)) if page else None
        return page, following, back

    def placed(self, request: PageRequest) -> list[tuple[tuple[int, str], Thread]]:
        """Each thread with its place in the order, in order."""
        return sorted(
            (
                (self._place(each, request), each)
                for each in self.threads
                if each.id != self.left_out or request.order != "updated_at"
            ),
            key=lambda found: found[0],
            reverse=request.descending,
        )

    def _place(self, thread: Thread, request: PageRequest) -> tuple[int, str]:
        time = thread.created if request.order == "created_at" else thread.updated
        coarse = self.precision == "seconds" and request.order != "recency_at"
        return (time // 1000 * 1000 if coarse else time, thread.id)

    def _cursor(self, place: tuple[int, str], thread: Thread, request: PageRequest) -> str:
        moment = self._written(place[0])
        exact = self.precision == "exact" or request.order == "recency_at"
        return f"{moment}|{thread.id}" if exact else moment

    def _behind(self, place: tuple[int, str], request: PageRequest) -> bool:
        moment, _, thread_id = (request.cursor or "").partition("|")
        milliseconds = round(datetime.fromisoformat(moment).timestamp() * 1000)
        here = place if thread_id else (place[0], "")
        last = (milliseconds, thread_id)
        return here < last if request.descending else here > last

    def _written(self, milliseconds: int) -> str:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
        whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
        rest = milliseconds % 1000
        return f"{whole}.{rest:03}".rstrip("0").rstrip(".") + "Z" if rest else f"{whole}Z"


def same(thread: Thread) -> Thread:
    return thread


def walk_for(
    limit: int = 3,
    sort_key: str | None = None,
    direction: str | None = None,
    without: Sequence[str] = (),
) -> Walk[Thread]:
    first = PageRequest(None, limit, sort_key, direction)
    return Walk("thread/list", first, same, without)


def walked(
    server: Server, walk: Walk[Thread], between: Callable[[], None] = lambda: None
) -> Iterator[Thread]:
    while (request := walk.next_request) is not None:
        yield from walk.take(*server.page(request))
        between()


def threads_at(*milliseconds: int) -> list[Thread]:
    return [
        Thread(f"{index:04}", START + each, START + each) for index, each in enumerate(milliseconds)
    ]


KEYS = st.sampled_from([None, "created_at", "updated_at", "recency_at"])
DIRECTIONS = st.sampled_from([None, "asc", "desc"])
PRECISIONS = st.sampled_from(["seconds", "milliseconds", "exact"])
TIMES = st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 9)), max_size=40)


@given(TIMES, KEYS, DIRECTIONS, PRECISIONS, st.integers(1, 12))
def test_each_thread_comes_once_and_in_order(
    times: list[tuple[int, int]],
    sort_key: str | None,
    direction: str | None,
    precision: Precision,
    limit: int,
) -> None:
    threads = [
        Thread(f"{index:04}", START + created, START + 5000 + updated)
        for index, (created, updated) in enumerate(times)
    ]
    server = Server(threads, precision)

    found = [*walked(server, walk_for(limit, sort_key, direction))]

    in_order = server.placed(PageRequest(None, LARGEST_PAGE, sort_key, direction))
    assert found == [thread for _, thread in in_order]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("sort_key", ["created_at", "updated_at"])
def test_more_threads_of_one_moment_than_a_page_holds_are_all_found(
    sort_key: str, direction: str
) -> None:
    server = Server(threads_at(*[0] * 5, *[1000] * 250, *[2000] * 5))

    found = [*walked(server, walk_for(LARGEST_PAGE, sort_key, direction))]

    assert found == (server.threads if direction == "asc" else server.threads[::-1])
    assert len(server.requests) < 12


def test_a_page_that_is_too_small_for_one_moment_grows_until_it_is_not() -> None:
    server = Server(threads_at(*[0] * 30))

    assert len([*walked(server, walk_for(3))]) == 30

    assert [request.limit for request in server.requests] == [3, 3, 6, 12, 24, 48]


@given(TIMES, st.integers(1, 5), PRECISIONS, st.data())
def test_a_thread_that_moves_ahead_while_pages_are_turned_is_not_missed(
    times: list[tuple[int, int]], limit: int, precision: Precision, data: st.DataObject
) -> None:
    server = Server(threads_at(*(created for created, _ in times)), precision)
    clock = [10_000]

    def touch() -> None:
        if server.threads and data.draw(st.booleans()):
            clock[0] += 1500
            index = data.draw(st.integers(0, len(server.threads) - 1))
            moved = replace(server.threads[index], updated=START + clock[0])
            server.threads[index] = moved

    walk = walk_for(limit, "updated_at", "desc")
    # A server in which something happens between any two pages has no end; these have one.
    found = [*walked(server, walk, lambda: touch() if clock[0] < 20_000 else None)]

    assert sorted(each.id for each in found) == [each.id for each in server.threads]


@given(TIMES, st.integers(1, 5), DIRECTIONS)
def test_threads_made_or_deleted_while_pages_are_turned_harm_no_others(
    times: list[tuple[int, int]], limit: int, direction: str | None
) -> None:
    server = Server(threads_at(*(created for created, _ in times)))
    before, after = [*server.threads], [1000]

    def change() -> None:
        after[0] += 1
        if after[0] < 1010:
            server.threads.append(Thread(f"{after[0]:04}", START + after[0] * 10))

    found = [each.id for each in walked(server, walk_for(limit, None, direction), change)]

    assert len(found) == len(set(found))
    assert {each.id for each in before} <= set(found)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_thread_that_an_old_server_forgets_comes_last(direction: str) -> None:
    server = Server(threads_at(*range(0, 5000, 500)), "milliseconds", left_out="0004")

    found = [*walked(server, walk_for(3, "updated_at", direction))]

    assert len(found) == 10
    assert found[-1].id == "0004"


def test_threads_to_leave_out_are_left_out() -> None:
    server = Server(threads_at(*range(0, 5000, 500)))

    found = [*walked(server, walk_for(without=["0003", "0009"]))]

    assert [each.id for each in found] == [f"{index:04}" for index in (8, 7, 6, 5, 4, 2, 1, 0)]


# Servers that misbehave


def taken(walk: Walk[Thread], *threads: Thread, following: str | None) -> list[Thread]:
    assert walk.next_request is not None
    return walk.take(threads, following, None)


def test_a_cursor_that_comes_again_ends_the_walk_after_what_it_brought() -> None:
    walk, (one, two) = walk_for(), threads_at(0, 1000)

    assert taken(walk, one, following="a|1") == [one]
    assert taken(walk, two, one, following="a|1") == [two]

    with pytest.raises(RemoteProtocolError) as raised:
        _ = walk.next_request
    assert raised.value.method == "thread/list"


def test_pages_that_bring_nothing_new_come_to_an_end() -> None:
    walk, (one,) = walk_for(), threads_at(0)
    pages = 0

    with pytest.raises(RemoteProtocolError):
        while walk.next_request is not None:
            taken(walk, one, following=f"a|{pages}")
            pages += 1

    assert pages == EMPTY_PAGES + 1


def test_a_page_that_names_a_thread_twice_brings_it_once() -> None:
    walk, (one,) = walk_for(), threads_at(0)

    assert taken(walk, one, one, following=None) == [one]
    assert walk.next_request is None


def test_an_order_with_mere_moments_that_nothing_is_known_of_is_given_up() -> None:
    server = Server([Thread(f"{index:04}") for index in range(250)])
    walk = walk_for(LARGEST_PAGE, "by_colour")
    found: list[Thread] = []

    with pytest.raises(RemoteProtocolError):
        found.extend(walked(server, walk))

    assert len(found) == LARGEST_PAGE
    assert len(server.requests) <= 3


def test_a_server_whose_exact_order_is_not_exact_is_given_up() -> None:
    walk, threads = walk_for(LARGEST_PAGE), threads_at(*[0] * LARGEST_PAGE)
    moment = "2026-09-21T14:13:20Z"

    assert taken(walk, *threads, following=moment) == threads
    assert taken(walk, *threads, following=moment) == []
    assert walk.next_request == PageRequest(None, LARGEST_PAGE, "recency_at", "asc")
    assert taken(walk, *threads, following=moment) == []

    with pytest.raises(RemoteProtocolError):
        _ = walk.next_request
