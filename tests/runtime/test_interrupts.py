"""Stopping a turn, with what the real server does to those who ask at the wrong moment."""

from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread, settled

from codex_runtime import ConnectionLost, RequestTimeout, TurnHandle


def take_only(server: Server) -> list[tuple[str, str]]:
    """Have turns taken but not started; returns where their ids will be."""
    taken: list[tuple[str, str]] = []
    server.on["turn/start"] = lambda request: taken.append(server.take_turn(request))
    return taken


async def test_an_interrupt_waits_for_the_turns_start_is_sent_once_and_waits_for_the_end(
    server: Server,
) -> None:
    """Fact 57: sent right after the answer to `turn/start` it is refused, and the turn runs on."""
    taken = take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn.interrupt)
            await settled()
            assert not server.sent("turn/interrupt")

            server.begin(*taken[0])
            request = await server.heard("turn/interrupt")
            assert request["params"] == {"threadId": turn.thread_id, "turnId": turn.turn_id}
        assert turn.status == "interrupted"


async def test_a_turn_that_ends_before_it_is_seen_to_start_needs_no_interrupt(
    server: Server,
) -> None:
    taken = take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn.interrupt)
            await settled()
            server.complete(*taken[0])
        assert not server.sent("turn/interrupt")
        assert turn.status == "completed"


async def test_an_ended_turn_is_not_interrupted(server: Server) -> None:
    """Fact 60: the answer might never come."""
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.result()
        await turn.interrupt()
        await turn.interrupt(kill_commands=True)
    assert not server.sent("turn/interrupt")


async def test_interrupting_twice_asks_once(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.interrupt()
        await turn.interrupt()
        assert (await turn.result()).status == "interrupted"
    assert len(server.sent("turn/interrupt")) == 1


async def test_interrupts_at_the_same_time_ask_once_and_all_wait_for_the_end(
    server: Server,
) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        done: list[str] = []

        async def stop() -> None:
            await turn.interrupt()
            done.append(turn.status)

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(stop)
            await settled()
            assert done == []
            server.interrupt_turn(server.sent("turn/interrupt")[0])
    assert done == ["interrupted"] * 4
    assert len(server.sent("turn/interrupt")) == 1


async def test_the_end_of_the_turn_counts_and_not_the_answer_to_the_interrupt(
    server: Server,
) -> None:
    """Fact 60: a server that has just ended the turn may never answer the interrupt."""

    def end_without_answer(request: Message) -> None:
        ids = request["params"]
        server.complete(ids["threadId"], ids["turnId"], "interrupted")

    server.on["turn/interrupt"] = end_without_answer
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.interrupt()
        assert turn.status == "interrupted"
        assert thread.runtime.statistics().open_requests == 0


async def test_an_interrupt_refused_because_the_turn_has_just_ended_is_no_error(
    server: Server,
) -> None:
    """Fact 59."""

    def too_late(request: Message) -> None:
        ids = request["params"]
        server.refuse(request, "no active turn to interrupt")
        server.complete(ids["threadId"], ids["turnId"])

    server.on["turn/interrupt"] = too_late
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.interrupt()
        assert (await turn.result()).status == "completed"


@pytest.mark.virtual_time
async def test_an_interrupt_that_nobody_answers_ends_in_time(server: Server) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(RequestTimeout) as caught:
            await turn.interrupt(timeout=7)
        assert (caught.value.method, caught.value.seconds) == ("turn/interrupt", 7)
        assert turn.status == "inProgress"
        assert thread.runtime.statistics().open_requests == 0
        # A late end is an end.
        server.complete(turn.thread_id, turn.turn_id, "interrupted")
        assert (await turn.result()).status == "interrupted"


@pytest.mark.virtual_time
async def test_an_interrupt_of_a_turn_that_never_starts_ends_in_time(server: Server) -> None:
    take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(RequestTimeout):
            await turn.interrupt()
        assert not server.sent("turn/interrupt")


async def test_a_connection_lost_while_interrupting_is_told(server: Server) -> None:
    server.on["turn/interrupt"] = lambda _: server.crash(exit_code=1)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(ConnectionLost):
            await turn.interrupt()


async def test_iterating_goes_on_to_the_end_while_another_task_interrupts(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn.interrupt)
            assert [event.method async for event in turn][-1] == "turn/completed"


async def test_a_thread_is_free_again_after_an_interrupt(server: Server) -> None:
    async with a_thread(server) as thread:
        await (await thread.turn_start("Work.")).interrupt()
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Something else.")).text == "Hello."


# -- commands that outlive their turn (fact 61)


def open_command(server: Server, turn: TurnHandle, item_id: str) -> None:
    command: dict[str, Any] = {"type": "commandExecution", "id": item_id, "command": "sleep 30"}
    server.item("started", turn.thread_id, turn.turn_id, **command, status="inProgress")


def list_terminals(server: Server, *item_ids: str) -> None:
    data = [
        {"itemId": item_id, "processId": f"process-{item_id}", "command": "sleep 30"}
        for item_id in item_ids
    ]
    server.on["thread/backgroundTerminals/list"] = lambda request: server.answer(
        request, {"data": data, "nextCursor": None}
    )


async def test_commands_left_running_can_be_killed_and_only_those_of_this_turn(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        open_command(server, turn, "mine")
        list_terminals(server, "of-an-earlier-turn", "mine")
        await settled()
        await turn.interrupt(kill_commands=True)

    killed = server.sent("thread/backgroundTerminals/terminate")
    assert [request["params"] for request in killed] == [
        {"threadId": turn.thread_id, "processId": "process-mine"}
    ]


async def test_without_a_word_commands_are_left_running(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        open_command(server, turn, "mine")
        await settled()
        await turn.interrupt()
    assert not server.sent("thread/backgroundTerminals/list")


async def test_where_no_command_runs_nobody_looks_for_one(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.interrupt(kill_commands=True)
    assert not server.sent("thread/backgroundTerminals/list")


async def test_commands_of_an_interrupted_turn_can_be_killed_afterwards(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        open_command(server, turn, "mine")
        list_terminals(server, "mine")
        await turn.interrupt()
        await turn.interrupt(kill_commands=True)
    assert len(server.sent("turn/interrupt")) == 1
    assert len(server.sent("thread/backgroundTerminals/terminate")) == 1
