"""Turns that run already when their thread is resumed."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, settled

from codex_runtime import ConnectionLost, Runtime, ThreadHandle, TurnInProgress

RECORDED = "01a20d62-01ef-7093-a6dd-e735014be34a"

LIST = "thread/turns/list"


def resumed(server: Server, status: Any = None) -> None:
    """Have threads answered for with this status."""

    def answer(request: Message) -> None:
        opened = server.opened(request, request["params"]["threadId"])
        opened["thread"]["status"] = status or {"type": "active", "activeFlags": []}
        server.answer(request, opened)

    server.on["thread/resume"] = answer


def on_record(
    server: Server,
    *turns: Message,
    before: Callable[[], None] = lambda: None,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Have these turns on record, newest first.

    Args:
        server: Of the test.
        turns: For each page.
        before: Called before the answer.
        then: Called after it.
    """

    def answer(request: Message) -> None:
        before()
        server.answer(request, {"data": list(turns), "nextCursor": None})
        then()

    server.on[LIST] = answer


def turn(turn_id: str = "turn-x", status: str = "inProgress", root: str | None = None) -> Message:
    return {"id": turn_id, "rootTurnId": root or turn_id, "items": [], "status": status}


async def test_the_turn_that_runs_is_known(server: Server) -> None:
    resumed(server)
    on_record(server, turn())
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert [message["params"] for message in server.sent(LIST)] == [
            {"threadId": RECORDED, "itemsView": "notLoaded", "limit": 1, "sortDirection": "desc"}
        ]
        assert thread.active_turn_id == "turn-x"
        with pytest.raises(TurnInProgress) as caught:
            await thread.run("Work.")
        assert caught.value.turn_id == "turn-x"
        assert not server.sent("turn/start")
        running = thread.turn("turn-x")
        server.message(RECORDED, "turn-x", "Hello.")
        server.complete(RECORDED, "turn-x")
        assert (await running.result()).text == "Hello."
        assert thread.active_turn_id is None
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


async def test_it_is_interrupted_like_any_turn(server: Server) -> None:
    resumed(server)
    on_record(server, turn())
    server.running.append((RECORDED, "turn-x"))
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        running = thread.turn("turn-x")
        await running.interrupt()
        assert (await running.result()).status == "interrupted"


async def test_a_review_goes_by_its_own_id_and_is_interrupted_by_that_of_its_inner_turn(
    server: Server,
) -> None:
    resumed(server)
    on_record(server, turn("inner", root="outer"))

    def interrupt(request: Message) -> None:
        assert request["params"]["turnId"] == "inner"
        server.answer(request, {})
        server.complete(RECORDED, "outer", "interrupted")

    server.on["turn/interrupt"] = interrupt
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id == "outer"
        review = thread.turn("outer")
        await review.interrupt()
        assert (await review.result()).status == "interrupted"
        assert thread.active_turn_id is None


@pytest.mark.parametrize("status", ["idle", "systemError", "notLoaded", "holodeck"])
async def test_of_a_thread_at_rest_nothing_is_asked(server: Server, status: str) -> None:
    resumed(server, {"type": status})
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert not server.sent(LIST)
        assert thread.active_turn_id is None


@pytest.mark.parametrize(
    "turns", [[], [turn(status="completed")], [{"id": ""}], [turn(status="holodeck")]]
)
async def test_a_record_without_a_running_turn(server: Server, turns: list[Message]) -> None:
    resumed(server)
    on_record(server, *turns)
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id is None


@pytest.mark.parametrize("result", [None, [], {}, {"data": None}, {"data": [7]}, {"data": "x"}])
async def test_a_record_that_makes_no_sense(server: Server, result: Any) -> None:
    resumed(server)
    server.on[LIST] = lambda request: server.answer(request, result)
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id is None


async def test_a_record_that_is_refused_is_left_alone(server: Server) -> None:
    resumed(server)
    server.on[LIST] = lambda request: server.refuse(request, "not supported yet")
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id is None


@pytest.mark.virtual_time
async def test_a_record_that_never_comes_is_not_waited_for_long(server: Server) -> None:
    resumed(server)
    server.on[LIST] = server.nothing
    async with server.runtime(request_timeout=60) as runtime:
        began = anyio.current_time()
        thread = await runtime.thread_resume(RECORDED)
        assert 10 <= anyio.current_time() - began < 11
        assert thread.active_turn_id is None


async def test_a_connection_that_is_lost_meanwhile_is_told(server: Server) -> None:
    resumed(server)
    server.on[LIST] = lambda _: server.crash(exit_code=1)
    async with server.runtime() as runtime:
        with pytest.raises(ConnectionLost):
            await runtime.thread_resume(RECORDED)


async def test_an_end_that_is_heard_meanwhile_counts(server: Server) -> None:
    resumed(server)
    on_record(server, turn(), before=lambda: server.complete(RECORDED, "turn-x"))
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id is None
        # The next one is known by its start.
        server.begin(RECORDED, "turn-y")
        await settled()
        assert thread.active_turn_id == "turn-y"


async def test_an_end_that_is_heard_right_behind_the_record_counts(server: Server) -> None:
    resumed(server)
    on_record(server, turn(), then=lambda: server.complete(RECORDED, "turn-x"))
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        await settled()
        assert thread.active_turn_id is None


async def test_a_turn_that_begins_meanwhile_counts(server: Server) -> None:
    def next_turn() -> None:
        server.complete(RECORDED, "turn-x")
        server.begin(RECORDED, "turn-y")

    resumed(server)
    on_record(server, turn(), before=next_turn)
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert thread.active_turn_id == "turn-y"


async def test_a_turn_of_ours_is_known_without_asking(server: Server) -> None:
    resumed(server)

    async def again(runtime: Runtime, thread: ThreadHandle) -> None:
        turn = await thread.turn_start("Work.")
        resumed = await runtime.thread_resume(RECORDED)
        assert resumed.active_turn_id == turn.turn_id
        await turn.interrupt()

    on_record(server)
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        assert len(server.sent(LIST)) == 1
        await again(runtime, thread)
        assert len(server.sent(LIST)) == 1


async def test_one_that_nobody_follows_is_looked_for_again(server: Server) -> None:
    """While the thread was not subscribed to another one may have begun."""
    resumed(server)
    on_record(server, turn("turn-y"))
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        on_record(server, turn("turn-z"))
        again = await runtime.thread_resume(RECORDED)
        assert again.active_turn_id == thread.active_turn_id == "turn-z"
