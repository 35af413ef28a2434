"""Stopping turns by their ids: those with a handle here, and those of others."""

from __future__ import annotations

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import InvalidArgument, ThreadHandle, TurnHandle
from codex_runtime.errors import ThreadNotLoaded, UnexpectedTurn
from codex_runtime.protocol import AgentMessageDeltaNotification, TurnCompletedNotification
from codex_runtime.testing import assistant_message, respond, stall

NOBODY = "01a20000-0000-7000-8000-000000000000"
"""An id that nothing has."""


async def until_half_said(turn: TurnHandle) -> None:
    async for event in turn:
        if isinstance(event, AgentMessageDeltaNotification):
            return


async def started_by_somebody(server: Server, thread: ThreadHandle, text: str) -> str:
    """Start a turn that has no handle, and never ends by itself; return its id."""
    server.model.on(text, respond(lambda _: stall(), times=None))
    params = {"threadId": thread.thread_id, "input": [{"type": "text", "text": text}]}
    answer = await server.runtime.call_raw("turn/start", params)
    return str(answer["turn"]["id"])


@requirement("interrupt:by-id")
async def test_a_turn_with_a_handle_is_interrupted_by_its_id(server: Server) -> None:
    server.says(stall(after="Half"), stall(after="Half"))
    thread = await server.thread()
    first = await thread.turn_start("hello")
    await until_half_said(first)

    await thread.turn_interrupt(first.turn_id)
    assert first.status == "interrupted"

    second = await thread.turn_start("hello")
    await until_half_said(second)
    await server.runtime.turn_interrupt(thread.thread_id.upper(), second.turn_id)
    assert second.status == "interrupted"


@requirement("interrupt:by-id", "interrupt:by-id-right-after-start")
async def test_a_turn_without_a_handle_is_interrupted_however_early(server: Server) -> None:
    thread = await server.thread()
    ends: list[tuple[str, str]] = []

    async with server.runtime.events(thread.thread_id) as events:
        for number in range(5):
            turn_id = await started_by_somebody(server, thread, f"go on for ever, {number}")
            await thread.turn_interrupt(turn_id)
            async for event in events:
                if isinstance(event, TurnCompletedNotification):
                    ends.append((event.turn.id, event.turn.status))
                    break
            assert ends[-1] == (turn_id, "interrupted")


@requirement("interrupt:by-id-again")
async def test_interrupting_what_has_ended_is_a_success_every_time(server: Server) -> None:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    completed = await thread.turn_start("hello")
    await completed.result()
    await thread.turn_interrupt(completed.turn_id)
    interrupted = await started_by_somebody(server, thread, "for ever")

    for _ in range(3):
        await thread.turn_interrupt(interrupted, timeout=5)
    await thread.turn_interrupt(completed.turn_id, timeout=5)
    await server.runtime.turn_interrupt(thread.thread_id, NOBODY, timeout=5)

    server.model.on("still here, by id?", assistant_message("Still here"))
    assert (await thread.run("still here, by id?")).text == "Still here"


@requirement("interrupt:by-id-wrong-turn", "interrupt:by-id-again")
async def test_another_turn_than_the_active_one_is_not_interrupted(server: Server) -> None:
    server.says(assistant_message("Done"), stall(after="Half"))
    thread = await server.thread()
    ended = await thread.turn_start("one")
    await ended.result()
    running = await thread.turn_start("two")
    await until_half_said(running)

    with pytest.raises(UnexpectedTurn) as refusal:
        await thread.turn_interrupt(NOBODY)
    await thread.turn_interrupt(ended.turn_id)

    assert (refusal.value.expected, refusal.value.found) == (NOBODY, running.turn_id)
    assert running.status == "inProgress"
    await running.interrupt()


@requirement("interrupt:by-id-wrong-thread")
async def test_a_thread_that_is_not_there_and_ids_that_are_none(server: Server) -> None:
    thread = await server.thread()
    with pytest.raises(ThreadNotLoaded) as refusal:
        await server.runtime.turn_interrupt(NOBODY, NOBODY)
    assert refusal.value.thread_id == NOBODY

    sent = server.runtime.statistics().requests
    for thread_id, turn_id in (
        ("", NOBODY),
        ("not a thread", NOBODY),
        (thread.thread_id, ""),
        (thread.thread_id, " "),
    ):
        with pytest.raises(InvalidArgument):
            await server.runtime.turn_interrupt(thread_id, turn_id)
    with pytest.raises(InvalidArgument):
        await thread.turn_interrupt("\t")
    with pytest.raises(InvalidArgument):
        await thread.turn_interrupt(NOBODY, timeout=0)
    assert server.runtime.statistics().requests == sent
