"""Stopping turns that nobody here follows, on servers that are early, late or silent."""

from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread, settled

from codex_runtime import ConnectionLost, InvalidArgument, RequestTimeout, ThreadHandle
from codex_runtime.errors import UnexpectedTurn

STRANGER = "turn-of-somebody"

THREAD = "01a20000-0000-7000-8000-000000000001"
"""A thread id as they are: the runtime takes no other."""


def with_real_id(server: Server) -> None:
    """Have the thread that is opened go by `THREAD`."""
    server.on["thread/start"] = lambda request: server.answer(
        request, server.opened(request, THREAD)
    )


def status(server: Server, kind: str) -> None:
    """Have `thread/read` say how its threads are."""
    state: Message = {"type": kind} if kind != "active" else {"type": kind, "activeFlags": []}

    def read(request: Message) -> None:
        thread = {"id": request["params"]["threadId"], "status": state}
        server.answer(request, {"thread": thread})

    server.on["thread/read"] = read


def refusals(server: Server, *words: str) -> None:
    """Refuse interrupts with these words, one after the other; then take them."""
    left = list(words)

    def interrupt(request: Message) -> None:
        if left:
            server.refuse(request, left.pop(0))
        else:
            server.answer(request, {})

    server.on["turn/interrupt"] = interrupt


async def test_a_stranger_that_runs_is_interrupted_with_one_request(server: Server) -> None:
    with_real_id(server)
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, STRANGER)
        server.running.append((thread.thread_id, STRANGER))
        await settled()
        await thread.runtime.turn_interrupt(thread.thread_id, STRANGER)
        await settled()
        assert thread.active_turn_id is None
        await thread.runtime.turn_interrupt(thread.thread_id, STRANGER)
    [request] = server.sent("turn/interrupt")
    assert request["params"] == {"threadId": thread.thread_id, "turnId": STRANGER}


async def test_a_turn_with_a_handle_is_asked_for_once_whoever_asks(server: Server) -> None:
    with_real_id(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn.interrupt)
            tasks.start_soon(thread.turn_interrupt, turn.turn_id)
            tasks.start_soon(thread.runtime.turn_interrupt, thread.thread_id, turn.turn_id)
        assert turn.status == "interrupted"
    assert len(server.sent("turn/interrupt")) == 1


@pytest.mark.virtual_time
async def test_too_early_an_interrupt_is_tried_again(server: Server) -> None:
    """Fact 57."""
    refusals(server, *["no active turn to interrupt"] * 3)
    async with a_thread(server) as thread:
        await thread.turn_interrupt(STRANGER)
    assert len(server.sent("turn/interrupt")) == 4


async def test_a_start_that_is_seen_has_it_tried_at_once(server: Server) -> None:
    refusals(server, "no active turn to interrupt")
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(thread.turn_interrupt, STRANGER)
        await server.heard("turn/interrupt")
        server.begin(thread.thread_id, STRANGER)
        await settled()
        assert len(server.sent("turn/interrupt")) == 2
        server.complete(thread.thread_id, STRANGER, "interrupted")


@pytest.mark.virtual_time
async def test_a_turn_that_nobody_has_heard_of_counts_as_ended(server: Server) -> None:
    server.on["turn/interrupt"] = lambda request: server.refuse(
        request, "no active turn to interrupt"
    )
    async with a_thread(server) as thread:
        before = anyio.current_time()
        await thread.turn_interrupt(STRANGER)
        assert 1 <= anyio.current_time() - before < 2


@pytest.mark.virtual_time
async def test_an_end_that_is_seen_while_waiting_is_the_answer(server: Server) -> None:
    """Fact 60: there may be no other."""

    def end_without_answer(request: Message) -> None:
        server.complete(request["params"]["threadId"], STRANGER, "interrupted")

    server.on["turn/interrupt"] = end_without_answer
    async with a_thread(server) as thread:
        before = anyio.current_time()
        await thread.turn_interrupt(STRANGER)
        assert anyio.current_time() == before
        assert thread.runtime.statistics().open_requests == 0


@pytest.mark.virtual_time
async def test_a_silent_server_whose_thread_is_idle_has_nothing_to_interrupt(
    server: Server,
) -> None:
    """Fact 60: up to 0.163 a turn that was interrupted before is never answered for."""
    server.on["turn/interrupt"] = server.nothing
    status(server, "idle")
    async with a_thread(server) as thread:
        before = anyio.current_time()
        await thread.turn_interrupt(STRANGER)
        assert anyio.current_time() - before < 5
        assert thread.runtime.statistics().open_requests == 0


@pytest.mark.virtual_time
async def test_a_silent_server_whose_thread_is_active_is_waited_for_in_vain(
    server: Server,
) -> None:
    server.on["turn/interrupt"] = server.nothing
    status(server, "active")
    async with a_thread(server) as thread:
        before = anyio.current_time()
        with pytest.raises(RequestTimeout) as caught:
            await thread.turn_interrupt(STRANGER, timeout=9)
        assert (caught.value.method, caught.value.seconds) == ("turn/interrupt", 9)
        assert anyio.current_time() - before == 9
        assert thread.runtime.statistics().open_requests == 0
    assert len(server.sent("turn/interrupt")) == 1


OTHER = f"expected active turn id {STRANGER} but found turn-9"


@pytest.mark.virtual_time
async def test_a_turn_that_is_only_said_to_be_active_is_not_believed(server: Server) -> None:
    """Fact 57: up to 0.163 that is the last one that was interrupted, whatever runs."""
    refusals(server, OTHER, OTHER)
    status(server, "idle")
    async with a_thread(server) as thread:
        await thread.turn_interrupt(STRANGER)
    assert len(server.sent("turn/interrupt")) == 3


@pytest.mark.virtual_time
@pytest.mark.parametrize("listed", [[], ["turn-9"], [f"{STRANGER} inProgress"]])
async def test_another_turn_that_runs_is_a_typed_error(server: Server, listed: list[str]) -> None:
    server.on["turn/interrupt"] = lambda request: server.refuse(request, OTHER)
    status(server, "active")
    record(server, *listed)
    async with a_thread(server) as thread:
        with pytest.raises(UnexpectedTurn) as caught:
            await thread.turn_interrupt(STRANGER)
        assert (caught.value.expected, caught.value.found) == (STRANGER, "turn-9")


@pytest.mark.virtual_time
async def test_a_turn_that_is_on_record_as_ended_needs_no_interrupt(server: Server) -> None:
    server.on["turn/interrupt"] = lambda request: server.refuse(request, OTHER)
    status(server, "active")
    record(server, "turn-9", f"{STRANGER} completed")
    async with a_thread(server) as thread:
        await thread.turn_interrupt(STRANGER)


@pytest.mark.virtual_time
async def test_a_thread_without_a_record_has_its_refusal_stand(server: Server) -> None:
    server.on["turn/interrupt"] = lambda request: server.refuse(request, OTHER)
    for method in ("thread/read", "thread/turns/list"):
        server.on[method] = lambda request: server.refuse(request, "not supported yet")
    async with a_thread(server) as thread:
        with pytest.raises(UnexpectedTurn):
            await thread.turn_interrupt(STRANGER)


def record(server: Server, *turns: str) -> None:
    data: list[Message] = [
        {"id": turn_id, "status": state or "inProgress", "items": []}
        for turn_id, _, state in (turn.partition(" ") for turn in turns)
    ]
    server.on["thread/turns/list"] = lambda request: server.answer(request, {"data": data})


async def test_a_review_of_a_stranger_is_interrupted_under_its_inner_id(server: Server) -> None:
    """Fact 282."""
    refusals(server, f"expected active turn id {STRANGER} but found inner")
    async with a_thread(server) as thread:
        turn: Message = {"id": "inner", "rootTurnId": STRANGER, "status": "inProgress", "items": []}
        server.tell("turn/started", threadId=thread.thread_id, turn=turn)
        await settled()
        await thread.turn_interrupt(STRANGER)
    assert [request["params"]["turnId"] for request in server.sent("turn/interrupt")] == [
        STRANGER,
        "inner",
    ]


async def test_a_lost_connection_is_told(server: Server) -> None:
    server.on["turn/interrupt"] = lambda _: server.crash(exit_code=1)
    async with a_thread(server) as thread:
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                await thread.turn_interrupt(STRANGER)


@pytest.mark.virtual_time
async def test_cancelling_stops_the_wait_and_leaves_nothing_behind(server: Server) -> None:
    server.on["turn/interrupt"] = server.nothing
    status(server, "active")
    async with a_thread(server) as thread:
        for seconds in (0, 0.5, 3, 7):
            with anyio.move_on_after(seconds):
                await thread.turn_interrupt(STRANGER)
            assert thread.runtime.statistics().open_requests == 0
            assert not subscribers(thread)


def subscribers(thread: ThreadHandle) -> dict[Any, Any]:
    return thread._client.hub._subscribers


@pytest.mark.parametrize("turn_id", ["", " ", "\n", None, 7])
async def test_an_id_that_is_none_is_not_sent(server: Server, turn_id: Any) -> None:
    async with a_thread(server) as thread:
        for interrupt in (
            thread.turn_interrupt(turn_id),
            thread.runtime.turn_interrupt(THREAD, turn_id),
        ):
            with pytest.raises(InvalidArgument, match="turn_id"):
                await interrupt
        with pytest.raises(InvalidArgument, match="thread_id"):
            await thread.runtime.turn_interrupt("", STRANGER)
    assert not server.sent("turn/interrupt")
