"""Lists of a server that misbehaves: cursors that repeat, pages without end, without data, too large."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread

from codex_runtime import (
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    Runtime,
)
from codex_runtime.threads._pages import EMPTY_PAGES

pytestmark = pytest.mark.virtual_time

T = "01a20d62-01ef-7093-a6dd-e735014be34a"

Page = Callable[[str | None], tuple[list[Any] | None, str | None]]
"""From a cursor to the data of a page and its next cursor."""

LISTS: dict[str, tuple[str, Callable[[Runtime], AsyncIterator[Any]]]] = {
    "threads": ("thread/list", lambda runtime: runtime.iter_threads()),
    "results": ("thread/search", lambda runtime: runtime.iter_thread_search("x")),
    "loaded threads": ("thread/loaded/list", lambda runtime: runtime.iter_loaded_threads()),
    "turns": ("thread/turns/list", lambda runtime: runtime.thread(T).iter_turns()),
    "items": ("thread/items/list", lambda runtime: runtime.thread(T).iter_items()),
    "places": (
        "thread/searchOccurrences",
        lambda runtime: runtime.thread(T).iter_occurrences("x"),
    ),
    "messages": ("thread/queue/list", lambda runtime: runtime.thread(T).queue.iter_submissions()),
    "attachments": (
        "thread/attachment/list",
        lambda runtime: runtime.thread(T).attachments.iter_attachments(),
    ),
    "terminals": (
        "thread/backgroundTerminals/list",
        lambda runtime: runtime.thread(T).terminals.iter_terminals(),
    ),
}

each_list = pytest.mark.parametrize("what", LISTS)


def entry(what: str, number: int) -> Any:
    """One entry of a list, different for each number."""
    name = f"{number:08}-0000-7000-8000-000000000000"
    turn: Any = {"id": name, "items": [], "status": "completed"}
    entries: dict[str, Any] = {
        "threads": {"id": name, "createdAt": number},
        "results": {"thread": {"id": name, "createdAt": number}, "snippet": "x"},
        "loaded threads": name,
        "items": {"turnId": name, "item": {"type": "agentMessage", "id": name, "text": "x"}},
        "places": {"turnId": name, "itemId": name, "snippet": "x", "turnCursor": "c"},
        "terminals": {"processId": str(number), "itemId": name, "command": "x", "cwd": "/"},
    }
    return entries.get(what, turn)


def serving(what: str, page: Page) -> Server:
    server = Server()
    method, _ = LISTS[what]

    def answer(request: Message) -> None:
        data, following = page(request["params"].get("cursor"))
        found: Message = {"nextCursor": following}
        server.answer(request, found if data is None else {**found, "data": data})

    server.on[method] = answer
    return server


async def everything(listed: AsyncIterator[Any]) -> tuple[list[Any], Exception | None]:
    """What a list gives, and how it failed if it did."""
    found: list[Any] = []
    try:
        async for each in listed:
            found.append(each)  # noqa: PERF401 — what came before a failure counts
    except RemoteProtocolError as error:
        return found, error
    return found, None


@each_list
async def test_a_list_of_many_pages_is_given_whole_and_once(what: str) -> None:
    def page(cursor: str | None) -> tuple[list[Any], str | None]:
        number = int((cursor or "c|0").partition("|")[2])
        data = [entry(what, 2 * number), entry(what, 2 * number + 1)]
        return data, f"c|{number + 1}" if number < 49 else None

    server = serving(what, page)
    method, listing = LISTS[what]

    async with server.runtime() as runtime:
        found, error = await everything(listing(runtime))

    assert error is None
    assert len(found) == 100
    assert len({str(each) for each in found}) == 100
    assert len(server.sent(method)) == 50


@each_list
async def test_a_cursor_that_repeats_is_an_error_behind_what_was_given(what: str) -> None:
    server = serving(what, lambda _: ([entry(what, 1)], "again"))
    method, listing = LISTS[what]

    async with server.runtime() as runtime:
        listed = listing(runtime)
        found, error = await everything(listed)
        again, same = await everything(listed)

    assert isinstance(error, RemoteProtocolError)
    assert isinstance(same, RemoteProtocolError)
    assert error.method == method
    assert again == []
    assert len(server.sent(method)) <= 3
    assert len(found) <= 2


@each_list
async def test_empty_pages_come_to_an_end(what: str) -> None:
    count = [0]

    def page(cursor: str | None) -> tuple[list[Any], str | None]:
        _ = cursor
        count[0] += 1
        return [], f"c|{count[0]}"

    server = serving(what, page)
    _, listing = LISTS[what]

    async with server.runtime() as runtime:
        found, error = await everything(listing(runtime))

    assert found == []
    assert isinstance(error, RemoteProtocolError)
    assert count[0] == EMPTY_PAGES


@each_list
@pytest.mark.parametrize("data", [None, "null", [7], {"a": 1}])
async def test_a_page_without_data_is_not_taken_for_an_empty_one(what: str, data: Any) -> None:
    method, listing = LISTS[what]
    server = serving(what, lambda _: (None, None))
    if data is not None:
        answer = {"data": None if data == "null" else data, "nextCursor": None}
        server.on[method] = lambda request: server.answer(request, answer)

    async with server.runtime() as runtime:
        found, error = await everything(listing(runtime))

    assert found == []
    assert isinstance(error, RemoteProtocolError)
    assert error.method == method


@each_list
async def test_a_page_that_is_far_too_large_is_taken(what: str) -> None:
    server = serving(what, lambda _: ([entry(what, number) for number in range(20_000)], None))
    _, listing = LISTS[what]

    async with server.runtime() as runtime:
        found, error = await everything(listing(runtime))

    assert error is None
    assert len(found) == 20_000


@each_list
async def test_after_a_failure_the_same_page_is_asked_for_again(what: str) -> None:
    server = serving(what, lambda cursor: ([entry(what, 0 if cursor is None else 1)], None))
    method, listing = LISTS[what]
    well = server.on[method]
    server.on[method] = lambda request: server.refuse(request, "not now")

    async with server.runtime(request_timeout=0.5) as runtime:
        listed = listing(runtime)
        with pytest.raises(RequestRefused):
            await anext(listed)
        server.on[method] = server.nothing
        with pytest.raises(RequestTimeout):
            await anext(listed)
        with anyio.move_on_after(0.1):
            await anext(listed)
        server.on[method] = well
        found, error = await everything(listed)

    assert error is None
    assert len(found) == 1


async def test_a_thread_that_stands_on_several_pages_is_given_once() -> None:
    pages = {None: [1, 2, 3], "c|1": [3, 4, 1], "c|2": [5, 5]}

    def page(cursor: str | None) -> tuple[list[Any], str | None]:
        following = {None: "c|1", "c|1": "c|2", "c|2": None}[cursor]
        return [entry("threads", number) for number in pages[cursor]], following

    async with serving("threads", page).runtime() as runtime:
        found, _ = await everything(runtime.iter_threads())

    assert [each.created_at for each in found] == [1, 2, 3, 4, 5]


async def test_threads_without_ids_and_times_harm_nobody() -> None:
    data: list[Any] = [{}, {"id": T}, {"createdAt": None}, {"id": 7}]
    server = serving("threads", lambda _: (data, None))

    async with server.runtime() as runtime:
        found, error = await everything(runtime.iter_threads())

    assert error is None
    assert T in [each.id for each in found]


# Rolling back


def history(server: Server, *turns: Message, **thread: Any) -> None:
    """Have a thread with these turns, newest first."""
    on_record: Message = {"id": T, "historyMode": "paginated", "ephemeral": False, **thread}
    server.on["thread/read"] = lambda request: server.answer(request, {"thread": on_record})
    server.on["thread/turns/list"] = lambda request: server.answer(request, {"data": [*turns]})


def turn(turn_id: str, status: str = "completed") -> Message:
    return {"id": turn_id, "items": [], "status": status}


async def test_a_rollback_waits_until_the_server_has_said_so() -> None:
    server = Server()
    history(server, turn("b"), turn("a"))

    server.on["thread/revert"] = server.nothing
    rolled: list[Any] = []
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:

        async def roll() -> None:
            rolled.append(await runtime.thread_rollback(T, 1))

        tasks.start_soon(roll)
        request = await server.heard("thread/revert")
        server.answer(request, {"thread": {"id": T}})
        await anyio.wait_all_tasks_blocked()
        assert not rolled
        server.tell("thread/reverted", threadId=T)

    assert [each.id for each in rolled[0].dropped] == ["b"]
    assert server.sent("thread/revert")[0]["params"] == {"threadId": T, "beforeTurnId": "b"}


async def test_a_rollback_on_a_server_without_revert_is_done_by_number() -> None:
    server = Server()
    history(server, turn("b"), turn("a"))
    unknown = "Invalid request: unknown variant `thread/revert`, expected one of `initialize`"
    server.on["thread/revert"] = lambda request: server.refuse(request, unknown)
    server.on["thread/rollback"] = lambda request: server.answer(request, {"thread": {"id": T}})

    async with server.runtime() as runtime:
        rolled = await runtime.thread_rollback(T, 2)

    assert rolled.thread.id == T
    assert [each.id for each in rolled.dropped] == ["a", "b"]
    assert server.sent("thread/rollback")[0]["params"] == {"threadId": T, "numTurns": 2}


async def test_a_rollback_that_asks_for_an_end_that_never_comes_is_bounded() -> None:
    server = Server()
    history(server, turn("b", "inProgress"), turn("a"))
    server.on["turn/interrupt"] = lambda request: server.answer(request, {})

    async with server.runtime(request_timeout=0.5) as runtime:
        with pytest.raises(RequestTimeout):
            await runtime.thread_rollback(T, 1, interrupt=True)

    assert server.sent("thread/revert") == []


async def test_a_thread_handle_rolls_back_under_its_own_id() -> None:
    server = Server()
    history(server, turn("b"))

    def revert(request: Message) -> None:
        server.answer(request, {"thread": {"id": request["params"]["threadId"]}})
        server.tell("thread/reverted", threadId=request["params"]["threadId"])

    server.on["thread/revert"] = revert
    async with a_thread(server) as thread:
        rolled = await thread.rollback(1)

    assert rolled.thread.id == thread.thread_id


async def test_folders_on_another_machine_are_named_in_full() -> None:
    server = serving("threads", lambda _: ([], None))
    async with server.runtime(remote=True) as runtime:
        await runtime.thread_list(cwd=["/srv/a", "/srv/b"])

        wrong: list[tuple[Any, str]] = [("src", "cwd"), (["/srv/a", "~/b"], "cwd[1]")]
        for folders, field in wrong:
            with pytest.raises(InvalidArgument) as refusal:
                await runtime.thread_list(cwd=folders)
            assert refusal.value.field == field

    [request] = server.sent("thread/list")
    assert request["params"]["cwd"] == ["/srv/a", "/srv/b"]
