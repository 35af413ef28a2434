"""Lists of threads: a page, all of them, loaded ones, and those in which something was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    InvalidArgument,
    InvalidCursor,
    InvalidRequest,
    ThreadFilters,
    ThreadHandle,
)
from codex_runtime.protocol import Thread
from codex_runtime.testing import assistant_message

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"


async def threads_of(server: Server, count: int) -> list[ThreadHandle]:
    """Make threads with a turn each, all at once, so that most are of one second."""
    server.says(*[assistant_message(f"Answer {number}.") for number in range(count)])
    made: list[ThreadHandle] = []

    async def make(number: int) -> None:
        thread = await server.thread()
        await thread.run(f"Question {number}?")
        made.append(thread)

    async with anyio.create_task_group() as makers:
        for number in range(count):
            makers.start_soon(make, number)
    return made


async def ids(threads: AsyncIterator[Thread]) -> list[str]:
    return [thread.id async for thread in threads]


@requirement("threads:each-once")
async def test_threads_of_one_second_are_each_seen_once_and_in_order(server: Server) -> None:
    made = await threads_of(server, 24)
    for thread in made[:9]:
        await thread.archive()

    for archived, count in ((False, 15), (True, 9)):
        for sort_key in ("created_at", "updated_at", "recency_at"):
            for direction in ("asc", "desc"):
                filters = ThreadFilters(
                    cwd=server.workspace,
                    archived=archived,
                    sort_key=sort_key,
                    sort_direction=direction,
                )
                page = await server.runtime.thread_list(limit=100, **filters)
                found = await ids(server.runtime.iter_threads(page_size=4, **filters))

                assert found == [thread.id for thread in page.data]
                assert len(set(found)) == count


@requirement("threads:moving")
async def test_a_thread_that_moves_ahead_while_pages_are_turned_is_seen(server: Server) -> None:
    made = await threads_of(server, 6)
    listed = server.runtime.iter_threads(page_size=2, cwd=server.workspace, sort_key="updated_at")
    found = [(await anext(listed)).id, (await anext(listed)).id]
    unseen = next(thread for thread in made if thread.thread_id not in found)

    server.says(assistant_message("Still here."))
    await unseen.run("Are you there?")
    found += await ids(listed)

    assert sorted(found) == sorted(thread.thread_id for thread in made)


@requirement("threads:moving")
async def test_threads_made_and_named_while_pages_are_turned_harm_no_other(
    server: Server,
) -> None:
    made = await threads_of(server, 6)
    listed = server.runtime.iter_threads(page_size=2, cwd=server.workspace)
    found = [(await anext(listed)).id]

    for thread in made:
        await thread.set_name(f"Named {thread.thread_id}")
    await threads_of(server, 2)
    found += await ids(listed)

    assert len(found) == len(set(found))
    assert {thread.thread_id for thread in made} <= set(found)


@requirement("threads:filters")
async def test_filters_leave_out_what_they_say(server: Server) -> None:
    one, two, three = await threads_of(server, 3)
    await one.set_name("Waldo")
    await two.archive()
    here = ThreadFilters(cwd=server.workspace)
    everything: list[tuple[ThreadFilters, set[ThreadHandle]]] = [
        ({}, {one, three}),
        ({"archived": False}, {one, three}),
        ({"archived": True}, {two}),
        ({"cwd": [server.workspace, "/nowhere"]}, {one, three}),
        ({"cwd": "/nowhere"}, set()),
        ({"search_term": "Waldo"}, {one}),
        ({"search_term": "waldo"}, set()),
        ({"model_providers": []}, {one, three}),
        ({"model_providers": ["nobody"]}, set()),
        ({"source_kinds": ["vscode"]}, {one, three}),
        ({"source_kinds": ["exec"]}, set()),
        ({"parent_thread_id": NOBODY}, set()),
        ({"ancestor_thread_id": NOBODY}, set()),
        ({"project_id": None}, {one, three}),
        ({"section_id": None}, {one, three}),
        ({"section_id": "no such"}, set()),
        ({"use_state_db_only": True}, {one, three}),
    ]

    for filters, left in everything:
        chosen: ThreadFilters = {**here, **filters}
        found = await ids(server.runtime.iter_threads(**chosen))
        assert sorted(found) == sorted(thread.thread_id for thread in left), filters

    without: ThreadFilters = {**here, "excluded_thread_ids": [one.thread_id.upper(), NOBODY]}
    listed = server.runtime.iter_threads(page_size=1, **without)
    assert await ids(listed) == [three.thread_id]


@requirement("threads:page")
async def test_a_page_leads_to_the_next_and_back(server: Server) -> None:
    made = await threads_of(server, 3)
    order = ThreadFilters(cwd=server.workspace, sort_key="recency_at")

    first = await server.runtime.thread_list(limit=2, **order)
    second = await server.runtime.thread_list(limit=2, cursor=first.next_cursor, **order)
    newer = await server.runtime.thread_list(
        cursor=second.backwards_cursor, **{**order, "sort_direction": "asc"}
    )

    found = [thread.id for page in (first, second) for thread in page.data]
    assert sorted(found) == sorted(thread.thread_id for thread in made)
    assert second.next_cursor is None
    assert {thread.id for thread in first.data} <= {thread.id for thread in newer.data}
    assert all(thread.preview.startswith("Question") for thread in first.data)


@requirement("threads:page")
async def test_what_the_server_does_not_know_of_a_list_is_refused_by_it(server: Server) -> None:
    # 0.154 looks at a cursor only where there is something to list.
    await server.thread()
    with pytest.raises(InvalidCursor):
        await server.runtime.thread_list(cursor="garbage")
    with pytest.raises(InvalidCursor):
        await server.runtime.thread_loaded_list(cursor="garbage")
    with pytest.raises(InvalidRequest):
        await server.runtime.thread_list(sort_key="colour")
    with pytest.raises(InvalidRequest):
        await server.runtime.thread_list(source_kinds=["nobody"])
    with pytest.raises(InvalidRequest):
        await anext(server.runtime.iter_threads(sort_key="colour"))


@requirement("threads:loaded")
async def test_loaded_threads_are_listed_from_their_start_on(server: Server) -> None:
    fresh = await server.thread()
    ephemeral = await server.thread(ephemeral=True)
    (away,) = await threads_of(server, 1)
    await away.archive()

    page = await server.runtime.thread_loaded_list(limit=1)
    found = [each async for each in server.runtime.iter_loaded_threads(page_size=1)]
    all_at_once = (await server.runtime.thread_loaded_list()).data

    assert len(page.data) == 1
    assert page.next_cursor == page.data[0]
    assert found == all_at_once
    assert {fresh.thread_id, ephemeral.thread_id} <= set(found)
    assert away.thread_id not in found


@requirement("threads:search")
async def test_a_search_gives_each_thread_once(server: Server) -> None:
    word = f"xyzzy{server.workspace.name.replace('-', '')}"
    server.says(*[assistant_message(f"Say {word} {number}.") for number in range(7)])
    made: list[str] = []
    for _ in range(7):
        thread = await server.thread()
        await thread.run("What is the word?")
        made.append(thread.thread_id)

    for sort_key in ("created_at", "updated_at", "recency_at"):
        results = server.runtime.iter_thread_search(word.upper(), page_size=2, sort_key=sort_key)
        found = [result async for result in results]
        assert sorted(each.thread.id for each in found) == sorted(made), sort_key
        assert all(word in each.snippet for each in found)
    by_creation = server.runtime.iter_thread_search(word, sort_direction="asc")
    assert [each.thread.id async for each in by_creation] == made

    page = await server.runtime.thread_search(word, limit=2)
    assert len(page.data) == 2
    assert [each async for each in server.runtime.iter_thread_search(f"{word}{word}")] == []


NOT_FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"archivd": True}, "archivd"),
    ({"archived": "yes"}, "archived"),
    ({"cwd": ""}, "cwd"),
    ({"cwd": 3}, "cwd"),
    ({"cwd": ["/a", 3]}, "cwd[1]"),
    ({"model_providers": "openai"}, "model_providers"),
    ({"model_providers": [1]}, "model_providers[0]"),
    ({"source_kinds": [""]}, "source_kinds[0]"),
    ({"search_term": ""}, "search_term"),
    ({"search_term": 3}, "search_term"),
    ({"parent_thread_id": "x"}, "parent_thread_id"),
    ({"ancestor_thread_id": ""}, "ancestor_thread_id"),
    ({"parent_thread_id": NOBODY, "ancestor_thread_id": NOBODY}, "ancestor_thread_id"),
    ({"excluded_thread_ids": NOBODY}, "excluded_thread_ids"),
    ({"excluded_thread_ids": ["x"]}, "excluded_thread_ids[0]"),
    ({"project_id": ""}, "project_id"),
    ({"section_id": 3}, "section_id"),
    ({"sort_key": ""}, "sort_key"),
    ({"sort_key": "section_position"}, "sort_key"),
    ({"sort_direction": "up"}, "sort_direction"),
    ({"sort_direction": 1}, "sort_direction"),
    ({"use_state_db_only": 1}, "use_state_db_only"),
]
"""What neither a page nor a whole list takes."""

NOT_PAGES: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "limit"),
    ({"limit": -1}, "limit"),
    ({"limit": 2.5}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": "3"}, "limit"),
    ({"limit": 2**32}, "limit"),
    ({"cursor": 3}, "cursor"),
    ({"excluded_thread_ids": [NOBODY] * 101}, "excluded_thread_ids"),
]


@requirement("threads:bad-filters")
async def test_filters_that_cannot_be_used_are_refused_by_name(server: Server) -> None:
    runtime: Any = server.runtime
    sent = server.runtime.statistics().requests

    for filters, field in NOT_FILTERS + NOT_PAGES:
        with pytest.raises(InvalidArgument) as raised:
            await runtime.thread_list(**filters)
        assert raised.value.field == field, filters
    for filters, field in NOT_FILTERS:
        with pytest.raises(InvalidArgument) as raised:
            runtime.iter_threads(**filters)
        assert raised.value.field == field, filters
    for call, arguments, field in (
        (runtime.iter_threads, {"page_size": 0}, "page_size"),
        (runtime.iter_loaded_threads, {"page_size": -1}, "page_size"),
        (runtime.iter_thread_search, {"search_term": ""}, "search_term"),
        (runtime.iter_thread_search, {"search_term": "x", "page_size": 0}, "page_size"),
        (runtime.iter_thread_search, {"search_term": "x", "cwd": "/"}, "cwd"),
    ):
        with pytest.raises(InvalidArgument) as raised:
            call(**arguments)
        assert raised.value.field == field, arguments

    assert server.runtime.statistics().requests == sent
