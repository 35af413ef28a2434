"""Turns that are stopped: by an interrupt, by their time, by a caller who leaves."""

from __future__ import annotations

import anyio
import pytest
from spec.reading import kinds, told
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import TurnHandle, TurnTimedOut
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    CommandExecutionItem,
    Event,
    ItemStartedNotification,
    TurnCompletedNotification,
)
from codex_runtime.testing import assistant_message, respond, shell, stall


async def events_until_stopped(turn: TurnHandle, kind: type[Event]) -> list[Event]:
    """Follow a turn, interrupt it at the first event of `kind`, and follow it to its end."""
    events: list[Event] = []
    async for event in turn:
        events.append(event)
        if isinstance(event, kind) and turn.status == "inProgress":
            await turn.interrupt()
    return events


@requirement("interrupt:mid-stream")
async def test_an_interrupt_abandons_the_half_message(server: Server) -> None:
    server.says(stall(after="Half a message"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")

    events = await events_until_stopped(turn, AgentMessageDeltaNotification)
    result = await turn.result()

    assert (result.status, result.text, result.error) == ("interrupted", "", None)
    assert kinds(result.items) == ["userMessage"]
    assert kinds(result.abandoned) == ["agentMessage"]
    assert told(events[-2]) == "item/abandoned agentMessage"
    assert isinstance(events[-1], TurnCompletedNotification)
    assert turn.status == "interrupted"


@requirement("interrupt:right-after-start")
async def test_an_interrupt_right_after_the_start_ends_the_turn(server: Server) -> None:
    thread = await server.thread()
    refused = server.runtime.statistics().refusals

    # The model may or may not be asked before the interrupt gets there.
    server.model.on("stop at once", respond(lambda _: stall(), times=None))

    for _ in range(5):
        turn = await thread.turn_start("stop at once")
        await turn.interrupt()
        assert (await turn.result()).status == "interrupted"

    assert server.runtime.statistics().refusals == refused


@requirement("interrupt:twice")
async def test_interrupting_twice_is_answered_and_sent_once(server: Server) -> None:
    server.says(stall(after="Half"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await anext(turn.text())
    sent = server.runtime.statistics().requests

    async with anyio.create_task_group() as callers:
        for _ in range(3):
            callers.start_soon(turn.interrupt)
    await turn.interrupt()

    assert (await turn.result()).status == "interrupted"
    assert server.runtime.statistics().requests == sent + 1


@requirement("interrupt:after-the-end")
async def test_interrupting_a_turn_that_has_ended_sends_nothing(server: Server) -> None:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    result = await turn.result()
    sent = server.runtime.statistics().requests

    await turn.interrupt()
    await turn.interrupt(kill_commands=True)

    assert server.runtime.statistics().requests == sent
    assert await turn.result() == result
    assert result.status == "completed"


@requirement("interrupt:running-command", "interrupt:kill-commands")
@pytest.mark.parametrize("kill", [False, True])
async def test_an_interrupt_abandons_a_running_command(server: Server, kill: bool) -> None:  # noqa: FBT001 — a parameter of the test
    gate = server.model.gate()
    # The fake's command runs as long as its gate is shut; the real model waits before it calls.
    server.says(shell("sleep 45", gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("wait")
    await gate.wait_reached()
    if server.real:
        gate.open()

    events: list[Event] = []
    async for event in turn:
        events.append(event)
        match event:
            case ItemStartedNotification(item=CommandExecutionItem()):
                await turn.interrupt(kill_commands=kill)
            case _:
                pass
    result = await turn.result()
    terminals = await server.runtime.call_raw(
        "thread/backgroundTerminals/list", {"threadId": thread.thread_id}
    )

    assert result.status == "interrupted"
    assert kinds(result.abandoned) == ["commandExecution"]
    assert told(events[-2]) == "item/abandoned commandExecution"
    assert len(terminals["data"]) == (0 if kill else 1)


@requirement("interrupt:thread-stays-usable")
async def test_a_thread_takes_another_turn_after_an_interrupt(server: Server) -> None:
    server.says(stall(after="Half"), assistant_message("Whole"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await events_until_stopped(turn, AgentMessageDeltaNotification)

    result = await thread.run("again")

    assert (result.status, result.text) == ("completed", "Whole")
    assert result.turn_id != turn.turn_id
    assert "hello" in server.calls[-1].user_texts


@requirement("timeout:stops-the-turn")
async def test_a_turn_whose_time_is_up_is_interrupted(server: Server) -> None:
    server.says(shell("echo done", output="done\n"), stall(after="Half"))
    thread = await server.thread()

    with pytest.raises(TurnTimedOut) as timeout:
        await thread.run("take for ever", timeout=0.8)

    assert timeout.value.seconds == 0.8
    result = timeout.value.result
    assert result.status == "interrupted"
    assert kinds(result.items) == ["userMessage", "commandExecution"]
    assert kinds(result.abandoned) == ["agentMessage"]
    server.says(assistant_message("Whole"))
    assert (await thread.run("again", timeout=20)).text == "Whole"


@requirement("cancel:run")
async def test_cancelling_run_interrupts_the_turn_on_the_server(server: Server) -> None:
    server.says(stall(after="Half"))
    thread = await server.thread()
    ends: list[str] = []

    async with server.runtime.events(thread.thread_id) as events:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(thread.run, "hello")
            async for event in events:
                if isinstance(event, AgentMessageDeltaNotification):
                    tasks.cancel_scope.cancel()
                    break
        async for event in events:
            if isinstance(event, TurnCompletedNotification):
                ends.append(event.turn.status)
                break

    assert ends == ["interrupted"]
    server.says(assistant_message("Still here"))
    assert (await thread.run("again")).text == "Still here"


@requirement("cancel:wait-ended")
async def test_cancelling_wait_ended_stops_the_wait_only(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Whole", gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await gate.wait_reached()

    with anyio.move_on_after(0.01) as patience:
        await turn.wait_ended()
    gate.open()
    await turn.wait_ended()

    assert patience.cancelled_caught
    assert (await turn.result()).text == "Whole"
