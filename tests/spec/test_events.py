"""Subscriptions, and many turns at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import RuntimeClosed, Subscription, ThreadHandle, TokenUsage, TurnResult
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    Event,
    ThreadStartedNotification,
    TurnCompletedNotification,
)
from codex_runtime.testing import Usage, assistant_message


async def until_ended(events: Subscription, turns: int) -> AsyncIterator[Event]:
    """Events up to the end of so many turns."""
    async for event in events:
        yield event
        turns -= isinstance(event, TurnCompletedNotification)
        if turns == 0:
            return


@requirement("events:all")
async def test_a_subscription_gets_the_events_of_every_thread(server: Server) -> None:
    server.says(assistant_message("Hello"), assistant_message("Hello"))

    async with server.runtime.events() as events:
        first, second = await server.thread(), await server.thread()
        for thread in (first, second):
            await thread.run("hello")
        seen = [event async for event in until_ended(events, 2)]

    opened = [event.thread.id for event in seen if isinstance(event, ThreadStartedNotification)]
    ended = [event.thread_id for event in seen if isinstance(event, TurnCompletedNotification)]
    assert opened == ended == [first.thread_id, second.thread_id]


@requirement("events:of-a-thread")
async def test_a_subscription_to_a_thread_gets_that_threads_only(server: Server) -> None:
    server.says(assistant_message("Hello"), assistant_message("Hello"))
    mine, other = await server.thread(), await server.thread()

    async with server.runtime.events(mine.thread_id) as events:
        await other.run("hello")
        await mine.run("hello")
        seen = [event async for event in until_ended(events, 1)]

    assert {getattr(event, "thread_id", None) for event in seen} == {mine.thread_id}
    methods = [event.method for event in seen]
    assert methods.count("turn/started") == methods.count("turn/completed") == 1
    assert "thread/status/changed" in methods


@requirement("events:of-foreign-turns")
async def test_a_subscription_sees_turns_that_no_handle_has_started(server: Server) -> None:
    server.says(assistant_message("Hello"))
    thread = await server.thread()

    async with server.runtime.events(thread.thread_id) as events:
        answer = await server.runtime.call_raw(
            "turn/start",
            {"threadId": thread.thread_id, "input": [{"type": "text", "text": "hello"}]},
        )
        seen = [event async for event in until_ended(events, 1)]

    assert isinstance(seen[-1], TurnCompletedNotification)
    assert seen[-1].turn.id == answer["turn"]["id"]
    assert any(isinstance(event, AgentMessageDeltaNotification) for event in seen)


@requirement("events:end-with-the-runtime")
async def test_a_subscription_ends_with_the_runtime(server: Server) -> None:
    async with server.another() as other, other.runtime.events() as events:
        await other.thread()
        await other.runtime.close()

        with pytest.raises(RuntimeClosed):
            async for _ in events:
                pass


@requirement("many:two-threads")
async def test_two_turns_at_once_keep_everything_apart(server: Server) -> None:
    gates = {name: server.model.gate() for name in ("red", "blue")}
    for number, (name, gate) in enumerate(gates.items(), start=1):
        usage = Usage(input=100 * number, output=number)
        message = assistant_message(f"{name} one", chunks=[name, " one"], gate=gate, usage=usage)
        server.model.on(f"say {name}", message)
    threads = {name: await server.thread() for name in gates}
    turns = {name: await threads[name].turn_start(f"say {name}") for name in gates}

    # Both are in the middle of their message now, and end in the order they did not begin in.
    for gate in gates.values():
        await gate.wait_reached()
    gates["blue"].open()
    blue = await turns["blue"].result()
    assert turns["red"].status == "inProgress"
    gates["red"].open()
    red = await turns["red"].result()

    assert (red.text, blue.text) == ("red one", "blue one")
    assert red.usage == TokenUsage(input_tokens=100, output_tokens=1, total_tokens=101)
    assert blue.usage == TokenUsage(input_tokens=200, output_tokens=2, total_tokens=202)
    for name, turn in turns.items():
        events = [event async for event in turn]
        assert {getattr(event, "thread_id", None) for event in events} == {turn.thread_id}
        deltas = [e.delta for e in events if isinstance(e, AgentMessageDeltaNotification)]
        assert "".join(deltas) == f"{name} one"


@requirement("many:hundred-turns")
async def test_a_hundred_turns_on_twenty_threads_all_end_right(server: Server) -> None:
    results: dict[str, list[TurnResult]] = {}
    names = [f"worker {number:02}" for number in range(20)]
    for name in names:
        server.model.on(name, *(assistant_message(f"{name}, turn {turn}") for turn in range(5)))

    async def work(name: str, thread: ThreadHandle) -> None:
        results[name] = [await thread.run(f"{name}: go on") for _ in range(5)]

    async with anyio.create_task_group() as workers:
        for name in names:
            workers.start_soon(work, name, await server.thread(ephemeral=True))

    for name in names:
        assert [result.text for result in results[name]] == [f"{name}, turn {n}" for n in range(5)]
        assert len({result.turn_id for result in results[name]}) == 5
        assert {result.usage for result in results[name]} == {
            TokenUsage(input_tokens=100, output_tokens=10, total_tokens=110)
        }
    assert server.runtime.statistics().open_requests == 0
