"""Turns over a server in memory: what belongs to which, how they end, what they return."""

from collections.abc import Callable
from random import Random
from typing import Any

import anyio
import pytest
from runtime.support import PATIENCE, Message, Server, a_thread, settled

from codex_runtime import (
    ItemAbandoned,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    TurnHandle,
    TurnInProgress,
    protocol,
)


async def words_of(turn: TurnHandle) -> list[str]:
    return [text async for text in turn.text()]


async def test_a_turn_tells_its_events_in_order_and_returns_what_it_did(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Say hello.")
        told = [event.method async for event in turn]
        result = await turn.result()

    assert told == [
        "turn/started",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed",
        "turn/completed",
    ]
    assert (result.status, result.text, result.duration) == ("completed", "Hello.", 1.5)
    assert (result.thread_id, result.turn_id) == (thread.thread_id, turn.turn_id)
    assert [type(item) for item in result.items] == [protocol.AgentMessageItem]
    assert (result.abandoned, result.error, result.diff) == ((), None, "")


async def test_run_needs_no_iteration(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        assert (await thread.run("Say hello.")).text == "Hello."
        assert (await thread.run("Again.")).text == "Hello."


async def test_text_is_the_growing_text_and_nothing_else(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Say hello.")
        assert "thread-1" in repr(thread)
        assert turn.turn_id in repr(turn)
        assert await words_of(turn) == ["Hel", "lo."]


async def test_the_result_can_be_asked_for_before_during_and_after_iterating(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        texts: list[str] = []

        async def wait() -> None:
            texts.append((await turn.result()).text)

        events = turn.events()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            assert (await anext(events)).method == "turn/started"
            tasks.start_soon(wait)
            server.message(turn.thread_id, turn.turn_id, "Done.")
            server.complete(turn.thread_id, turn.turn_id)
        await wait()
        assert texts == ["Done."] * 3
        assert [event.method async for event in events] == ["item/completed", "turn/completed"]
        assert [event async for event in events] == []


async def test_events_that_come_before_the_answer_to_turn_start_are_not_lost(
    server: Server,
) -> None:
    def eager(request: Message) -> None:
        ids = request["params"]["threadId"], "turn-9"
        server.begin(*ids)
        server.delta(*ids, "early")
        server.take_turn(request, "turn-9")
        server.message(*ids, "early and late")
        server.complete(*ids)

    server.on["turn/start"] = eager
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Hurry.")
        assert [event.method async for event in turn] == [
            "turn/started",
            "item/agentMessage/delta",
            "item/completed",
            "turn/completed",
        ]
        assert (await turn.result()).text == "early and late"


async def test_a_turn_that_ends_before_the_answer_to_turn_start_has_ended(server: Server) -> None:
    def very_eager(request: Message) -> None:
        ids = request["params"]["threadId"], "turn-9"
        server.begin(*ids)
        server.message(*ids, "Done.")
        server.complete(*ids)
        server.take_turn(request, "turn-9")
        server.running.clear()

    server.on["turn/start"] = very_eager
    async with a_thread(server) as thread:
        with anyio.fail_after(PATIENCE):
            assert (await thread.run("Hurry.")).text == "Done."
            assert (await thread.run("Hurry.")).text == "Done."


async def test_another_turn_that_the_server_starts_at_the_same_moment_does_not_mix_in(
    server: Server,
) -> None:
    def with_a_guest(request: Message) -> None:
        thread_id = request["params"]["threadId"]
        server.delta(thread_id, "turn-guest", "not mine")
        ids = server.take_turn(request)
        server.delta(thread_id, "turn-guest", "not mine either")
        server.delta(*ids, "mine")
        server.complete(*ids)

    server.on["turn/start"] = with_a_guest
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        assert await words_of(turn) == ["mine"]


async def test_turns_of_two_threads_do_not_mix(server: Server) -> None:
    async with a_thread(server) as one:
        two = await one.runtime.thread_start()
        first, second = await one.turn_start("One."), await two.turn_start("Two.")
        for number in range(4):
            server.delta(one.thread_id, first.turn_id, f"one {number} ")
            server.delta(two.thread_id, second.turn_id, f"two {number} ")
        server.complete(one.thread_id, first.turn_id)
        server.complete(two.thread_id, second.turn_id, "interrupted")

        assert "".join(await words_of(first)) == "one 0 one 1 one 2 one 3 "
        assert "".join(await words_of(second)) == "two 0 two 1 two 2 two 3 "
        assert (await first.result()).status == "completed"
        assert (await second.result()).status == "interrupted"


async def test_the_same_turn_id_in_a_fork_is_another_turn(server: Server) -> None:
    def same_id(request: Message) -> None:
        server.begin(*server.take_turn(request, "turn-7"))

    server.on["turn/start"] = same_id
    async with a_thread(server) as source:
        fork = await source.runtime.thread_start()
        first, second = await source.turn_start("One."), await fork.turn_start("Two.")
        assert first.turn_id == second.turn_id
        server.delta(fork.thread_id, "turn-7", "fork")
        server.delta(source.thread_id, "turn-7", "source")
        server.complete(source.thread_id, "turn-7")
        server.complete(fork.thread_id, "turn-7")
        assert await words_of(first) == ["source"]
        assert await words_of(second) == ["fork"]


async def test_events_of_all_threads_and_of_one_can_be_followed(server: Server) -> None:
    async with a_thread(server) as thread:
        runtime = thread.runtime
        async with runtime.events() as all_of_them, runtime.events("thread-9") as of_one:
            server.delta("thread-8", "turn-1", "eight")
            server.delta("thread-9", "turn-1", "nine")
            server.tell("thread/started", thread={"id": "thread-10"})
            assert [(await anext(all_of_them)).method for _ in range(3)] == [
                "item/agentMessage/delta",
                "item/agentMessage/delta",
                "thread/started",
            ]
            event: Any = await anext(of_one)
            assert event.delta == "nine"
        assert [event async for event in of_one] == []


async def test_a_late_end_of_an_item_still_reaches_those_who_follow_the_thread(
    server: Server,
) -> None:
    async with a_thread(server) as thread, thread.runtime.events(thread.thread_id) as events:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        command = {"type": "commandExecution", "id": "c1", "command": "sleep 30"}
        server.item("started", *ids, **command, status="inProgress")
        server.complete(*ids, "interrupted")
        result = await turn.result()
        server.item("completed", *ids, **command, status="completed")

        assert [type(item) for item in result.abandoned] == [protocol.CommandExecutionItem]
        assert [(await anext(events)).method for _ in range(4)] == [
            "turn/started",
            "item/started",
            "turn/completed",
            "item/completed",
        ]


async def test_what_was_started_and_not_completed_is_abandoned_before_the_last_event(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        server.item("started", *ids, type="agentMessage", id="m1", text="")
        server.item("started", *ids, type="agentMessage", id="m2", text="")
        server.message(*ids, "Second.", "m2")
        server.complete(*ids, "interrupted")
        *_, before, last = [event async for event in turn]
        assert isinstance(before, ItemAbandoned)
        assert isinstance(before.item, protocol.AgentMessageItem)
        assert (before.item.id, before.turn_id) == ("m1", turn.turn_id)
        assert isinstance(last, protocol.TurnCompletedNotification)


# -- one turn at a time


async def test_a_thread_with_a_running_turn_takes_no_other(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        assert (await anext(turn.events())).method == "turn/started"
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("More work.")
        assert (caught.value.thread_id, caught.value.turn_id) == (thread.thread_id, turn.turn_id)
        assert len(server.sent("turn/start")) == 1

        server.complete(turn.thread_id, turn.turn_id)
        await turn.result()
        assert (await thread.turn_start("More work.")).status == "inProgress"


async def test_of_two_starts_at_once_one_is_refused_here(server: Server) -> None:
    server.on["turn/start"] = server.nothing
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(thread.turn_start, "One.")
        await server.heard("turn/start")
        with pytest.raises(TurnInProgress):
            await thread.turn_start("Two.")
        assert len(server.sent("turn/start")) == 1
        server.start_turn(server.sent("turn/start")[0])


async def test_a_turn_that_nobody_here_has_started_keeps_its_thread_busy(server: Server) -> None:
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, "turn-of-the-queue")
        await settled()
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("Work.")
        assert caught.value.turn_id == "turn-of-the-queue"
        server.complete(thread.thread_id, "turn-of-the-queue")
        await settled()
        await thread.turn_start("Work.")


async def test_a_start_that_is_refused_leaves_the_thread_free(server: Server) -> None:
    server.on["turn/start"] = lambda request: server.refuse(request, "not now")
    async with a_thread(server) as thread:
        with pytest.raises(RequestRefused, match="not now"):
            await thread.turn_start("Work.")
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


@pytest.mark.parametrize("result", [{}, {"turn": None}, {"turn": {"id": ""}}, [], None])
async def test_a_start_answered_without_a_turn_is_a_typed_error(
    server: Server, result: Any
) -> None:
    server.on["turn/start"] = lambda request: server.answer(request, result)
    async with a_thread(server) as thread:
        with pytest.raises(RemoteProtocolError):
            await thread.turn_start("Work.")
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


@pytest.mark.virtual_time
async def test_a_start_that_is_never_answered_times_out_and_leaves_the_thread_free(
    server: Server,
) -> None:
    server.on["turn/start"] = server.nothing
    async with a_thread(server) as thread:
        with pytest.raises(RequestTimeout) as caught:
            await thread.turn_start("Work.")
        assert caught.value.method == "turn/start"
        with pytest.raises(TurnInProgress):
            await thread.turn_start("More work, while the answer may still come.")
        await anyio.sleep(10.1)
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


# -- frames that come twice, and in another order


async def test_frames_that_come_twice_change_nothing(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Say hello.")
        ids = turn.thread_id, turn.turn_id
        server.begin(*ids)
        for _ in range(2):
            server.message(*ids, "Hello.")
        for _ in range(2):
            server.complete(*ids)
        result = await turn.result()
        assert (result.text, len(result.items)) == ("Hello.", 1)
        assert [event.method async for event in turn].count("turn/completed") == 1
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Again.")).text == "Hello."


@pytest.mark.parametrize("seed", range(5))
async def test_in_whatever_order_the_frames_of_a_turn_come_its_end_is_its_end(
    server: Server, seed: int
) -> None:
    def muddle(request: Message) -> None:
        ids = server.take_turn(request)
        frames: list[Callable[[], None]] = [
            lambda: server.delta(*ids, "Hel"),
            lambda: server.item("started", *ids, type="agentMessage", id="m1", text=""),
            lambda: server.message(*ids, "Hello.", "m1"),
            lambda: server.status(ids[0], "waitingOnApproval"),
            lambda: server.status(ids[0]),
        ]
        Random(seed).shuffle(frames)  # noqa: S311 — no secret is made of it
        server.begin(*ids)
        for send in frames:
            send()
        server.complete(*ids)

    server.on["turn/start"] = muddle
    async with a_thread(server) as thread:
        result = await thread.run("Work.")
        assert (result.status, result.text) == ("completed", "Hello.")
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Again.")).text == "Hello."
