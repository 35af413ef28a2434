"""Many consumers of one turn: each of them waits, is woken, leaves and comes back on its own."""

import gc
from typing import Any

import anyio
import pytest
from runtime.support import Server, a_thread, settled

from codex_runtime import InvalidArgument, TurnHandle
from codex_runtime.protocol import AgentMessageDeltaNotification, Event


def text_in(events: list[Event]) -> str:
    return "".join(
        event.delta or "" for event in events if isinstance(event, AgentMessageDeltaNotification)
    )


async def test_consumers_that_wait_are_all_woken_by_one_event(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        await settled()
        heard: list[str] = []

        async def follow() -> None:
            async for text in turn.text():
                heard.append(text)  # noqa: PERF401 — as it comes

        async with anyio.create_task_group() as consumers:
            for _ in range(5):
                consumers.start_soon(follow)
            await settled()
            server.delta(turn.thread_id, turn.turn_id, "a")
            await settled()
            assert heard == ["a"] * 5
            server.delta(turn.thread_id, turn.turn_id, "b")
            await settled()
            assert heard == ["a"] * 5 + ["b"] * 5
            server.complete(turn.thread_id, turn.turn_id)


async def test_consumers_that_come_at_any_time_read_the_same(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        readers: list[Any] = []
        texts: list[list[str]] = []
        for number in range(60):
            server.delta(turn.thread_id, turn.turn_id, f"{number} ")
            await settled(8)
            if number % 10 == 0:
                readers.append(turn.text())
                texts.append([])
            for reader, got in zip(readers, texts, strict=True):
                with anyio.move_on_after(0):
                    got.append(await anext(reader))
        server.complete(turn.thread_id, turn.turn_id)
        for reader, got in zip(readers, texts, strict=True):
            got.extend([text async for text in reader])

    assert {"".join(got) for got in texts} == {"".join(f"{number} " for number in range(60))}


async def test_an_iteration_goes_on_after_a_break_and_the_turn_begins_anew(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        events = turn.events()
        async for event in events:
            if event.method == "item/agentMessage/delta":
                break
        assert text_in([event async for event in events]) == "lo."
        assert text_in([event async for event in turn]) == "Hello."


async def test_one_iteration_is_for_one_task(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        await settled()
        events = turn.events()
        assert (await anext(events)).method == "turn/started"

        async def read() -> None:
            await anext(events)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await settled()
            with pytest.raises(InvalidArgument):
                await anext(events)
            # Another consumer is another matter.
            assert (await anext(turn.events())).method == "turn/started"
            server.delta(turn.thread_id, turn.turn_id, "a")


async def test_a_cancelled_wait_is_woken_later_and_loses_nothing(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        await settled()
        events = turn.events()
        await anext(events)
        for number in range(20):
            for _ in range(2):
                with anyio.move_on_after(0):
                    await anext(events)
            server.delta(turn.thread_id, turn.turn_id, f"{number}")
            event: Any = await anext(events)
            assert event.delta == f"{number}"
        server.complete(turn.thread_id, turn.turn_id)


async def test_a_turn_of_a_run_keeps_no_events(server: Server) -> None:
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(thread.run, "Work.")
        await server.heard("turn/start")
        await settled()
        turn = thread.turn(thread.active_turn_id or "")
        for look in (turn.events, turn.text):
            with pytest.raises(InvalidArgument, match="keeps no events"):
                look()
        server.message(turn.thread_id, turn.turn_id, "Done.")
        server.complete(turn.thread_id, turn.turn_id)
        assert (await turn.result()).text == "Done."


async def test_nobody_who_left_slows_the_reader_down(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Talk.")
        server.message(turn.thread_id, turn.turn_id, "x" * 5_000_000, "large")
        await settled()
        hub = thread._client.hub

        async def look_once(turn: TurnHandle) -> None:
            async for _ in turn:
                return

        assert not hub.strained
        kept = turn.events()
        assert hub.strained
        await anext(kept)
        await look_once(turn)
        gc.collect()
        assert not hub.strained
        server.complete(turn.thread_id, turn.turn_id)
