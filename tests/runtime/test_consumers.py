"""Those who take events slowly, late, or not at all: they lose nothing, and nobody else waits."""

from typing import Any

import anyio
import pytest
from runtime.support import Server, a_thread, settled

from codex_runtime import EventsLost, ThreadHandle, _log
from codex_runtime.protocol import AgentMessageDeltaNotification, Event

PIECES = 16_000
"""Deltas of 200 characters: three times what waits untouched for a consumer."""


def say_much(server: Server, thread_id: str, turn_id: str, item_id: str = "message-1") -> str:
    pieces = [f"{number:0200} " for number in range(PIECES)]
    for piece in pieces:
        server.delta(thread_id, turn_id, piece, item_id)
    return "".join(pieces)


def text_in(events: list[Event], item_id: str = "message-1") -> str:
    return "".join(
        event.delta or ""
        for event in events
        if isinstance(event, AgentMessageDeltaNotification) and event.item_id == item_id
    )


async def test_a_consumer_that_lags_gets_merged_deltas_and_the_whole_text(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        said = say_much(server, turn.thread_id, turn.turn_id)
        server.complete(turn.thread_id, turn.turn_id)
        await settled()
        events = [event async for event in turn]

    assert text_in(events) == said
    assert len(events) < PIECES / 2
    assert [events[0].method, events[-1].method] == ["turn/started", "turn/completed"]


async def test_deltas_of_two_items_are_not_merged_into_one(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        for number in range(PIECES):
            item_id = f"message-{number % 2}"
            server.delta(turn.thread_id, turn.turn_id, f"{number:0200} ", item_id)
        server.complete(turn.thread_id, turn.turn_id)
        await settled()
        events = [event async for event in turn]

    for parity in (0, 1):
        said = "".join(f"{number:0200} " for number in range(parity, PIECES, 2))
        assert text_in(events, f"message-{parity}") == said


async def test_nothing_else_is_merged_or_reordered(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        ids = turn.thread_id, turn.turn_id
        for number in range(40):
            server.item("started", *ids, type="agentMessage", id=f"m{number}", text="")
            for _ in range(100):
                server.delta(*ids, "x" * 100, f"m{number}")
            server.message(*ids, "x" * 10_000, f"m{number}")
        server.complete(*ids)
        await settled()
        events: list[Any] = [event async for event in turn]

    items = [event.item.id for event in events if event.method == "item/completed"]
    assert items == [f"m{number}" for number in range(40)]
    opened: set[str] = set()
    for event in events:
        if event.method == "item/started":
            opened.add(event.item.id)
        elif event.method == "item/completed":
            opened.remove(event.item.id)
        elif event.method == "item/agentMessage/delta":
            assert event.item_id in opened


async def test_a_consumer_asleep_holds_back_nobody_else(server: Server) -> None:
    async with a_thread(server) as thread:
        other = await thread.runtime.thread_start()
        sleeper = await thread.turn_start("Talk.")
        awake = await other.turn_start("Talk too.")
        said = say_much(server, sleeper.thread_id, sleeper.turn_id)
        server.delta(awake.thread_id, awake.turn_id, "short")
        server.complete(awake.thread_id, awake.turn_id)
        assert text_in([event async for event in awake]) == "short"
        server.complete(sleeper.thread_id, sleeper.turn_id)
        assert text_in([event async for event in sleeper]) == said


async def test_two_consumers_of_one_thread_each_get_everything(server: Server) -> None:
    async with a_thread(server) as thread:
        runtime, thread_id = thread.runtime, thread.thread_id
        async with runtime.events(thread_id) as slow, runtime.events(thread_id) as late:
            turn = await thread.turn_start("Talk.")
            assert (await anext(slow)).method == "turn/started"
            said = say_much(server, turn.thread_id, turn.turn_id)
            server.complete(turn.thread_id, turn.turn_id)
            assert (await turn.result()).status == "completed"
            for subscription in (slow, late):
                events: list[Event] = []
                while not events or events[-1].method != "turn/completed":
                    events.append(await anext(subscription))
                assert text_in(events) == said


async def test_a_consumer_that_lags_beyond_every_bound_is_told_and_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_log, "_STEP", 20_000)
    monkeypatch.setattr(_log, "_CAP", 100_000)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        for number in range(500):
            server.message(*ids, f"{number} ".rjust(500), f"m{number}")
        await settled()
        reader = turn.events()
        with pytest.raises(EventsLost) as caught:
            await anext(reader)
        server.complete(*ids)
        events: list[Event] = [event async for event in reader]
        result = await turn.result()

    # All that came: the start, the messages, the end.
    assert caught.value.count + len(events) == 502
    assert caught.value.count > 0
    assert events[-1].method == "turn/completed"
    # The result is complete all the same.
    assert len(result.items) == 500


async def test_a_run_keeps_no_events(server: Server) -> None:
    texts: list[str] = []
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:

        async def run(thread: ThreadHandle) -> None:
            texts.append((await thread.run("Talk.")).text)

        tasks.start_soon(run, thread)
        request = await server.heard("turn/start")
        ids = request["params"]["threadId"], server.running[0][1]
        say_much(server, *ids)
        server.message(*ids, "In short: nothing.")
        server.complete(*ids)
    assert texts == ["In short: nothing."]


async def test_an_iteration_that_has_ended_stays_ended(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        events = turn.events()
        _ = [event async for event in events]
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(events)
