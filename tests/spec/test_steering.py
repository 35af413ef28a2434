"""Adding to a turn while it runs."""

from __future__ import annotations

import anyio
import pytest
from spec.reading import abandoned_in, kinds
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import EmptyInput, TurnHandle, TurnInput
from codex_runtime.errors import NoActiveTurn, TurnNotSteerable, UnexpectedTurn
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    CommandExecutionItem,
    Event,
    ItemStartedNotification,
    UserMessageItem,
)
from codex_runtime.testing import Gate, assistant_message, respond, shell, stall


async def until_half_said(turn: TurnHandle) -> None:
    async for event in turn:
        if isinstance(event, AgentMessageDeltaNotification):
            return


def cuts(server: Server) -> bool:
    """Whether this server cuts the message that is being streamed; older ones do not (fact 52)."""
    version = server.runtime.server_info.codex_version or ""
    return not version.startswith(("0.154.", "0.158."))


@requirement("steer:heard", "steer:cuts-the-message")
async def test_steering_cuts_the_message_and_reaches_the_model(server: Server) -> None:
    if not cuts(server):
        pytest.skip("it finishes its message first")
    server.says(stall(after="Half a"), assistant_message("Whole"))
    thread = await server.thread()
    turn = await thread.turn_start("go north")
    await until_half_said(turn)

    await turn.steer("no, south", client_id="second-thoughts")
    result = await turn.result()

    assert (result.status, result.text) == ("completed", "Whole")
    said = [item for item in result.items if isinstance(item, UserMessageItem)]
    assert [item.client_id for item in said] == [None, "second-thoughts"]
    assert server.calls[-1].user_texts == ("go north", "no, south")
    assert kinds(result.abandoned) == ["agentMessage"]
    events: list[Event] = [event async for event in turn]
    assert abandoned_in(events) == ["agentMessage"]
    assert events[-2].method == "item/abandoned"


def slow_command(server: Server) -> Gate:
    """Have a command run for a while; on the fake until the gate is opened."""
    gate = server.model.gate()
    server.says(
        shell("sleep 0.4; echo done", output="done\n", gate=None if server.real else gate),
        assistant_message("Ok"),
    )
    return gate


async def until_command_runs(turn: TurnHandle) -> None:
    async for event in turn:
        if isinstance(event, ItemStartedNotification) and isinstance(
            event.item, CommandExecutionItem
        ):
            return


@requirement("steer:heard")
async def test_the_thread_can_steer_the_turn_by_its_id(server: Server) -> None:
    gate = slow_command(server)
    thread = await server.thread()
    turn = await thread.turn_start("one")
    await until_command_runs(turn)

    assert await thread.turn_steer(turn.turn_id, ["two", "three"]) == turn.turn_id
    gate.open()
    await turn.result()

    assert server.calls[-1].user_texts[-1] == "two three"


@requirement("steer:during-a-command")
async def test_steering_during_a_command_leaves_it_alone(server: Server) -> None:
    gate = slow_command(server)
    thread = await server.thread()
    turn = await thread.turn_start("run it")
    await until_command_runs(turn)

    await turn.steer("and then stop")
    gate.open()
    result = await turn.result()

    [command] = [item for item in result.items if isinstance(item, CommandExecutionItem)]
    assert (command.exit_code, command.status) == (0, "completed")
    assert result.abandoned == ()
    assert "and then stop" in server.calls[-1].user_texts


@requirement("steer:waits-for-the-start")
async def test_steering_right_after_the_start_is_not_too_early(server: Server) -> None:
    if not cuts(server):
        pytest.skip("it waits for a message that never ends here")
    server.model.on("begin", respond(lambda _: stall(), times=None))
    server.model.on("go on", respond(lambda _: assistant_message("Ok"), times=None))
    thread = await server.thread()
    refused = server.runtime.statistics().refusals

    turn = await thread.turn_start("begin")
    await turn.steer("go on")
    result = await turn.result()

    assert server.runtime.statistics().refusals == refused
    assert len([item for item in result.items if isinstance(item, UserMessageItem)]) == 2


@requirement("steer:ended")
async def test_a_turn_that_has_ended_cannot_be_steered(server: Server) -> None:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await turn.result()

    with pytest.raises(NoActiveTurn) as refusal:
        await turn.steer("more")

    assert (refusal.value.method, refusal.value.thread_id) == ("turn/steer", thread.thread_id)
    with pytest.raises(NoActiveTurn):
        await thread.turn_steer(turn.turn_id, "more")


@requirement("steer:wrong-turn")
async def test_another_turn_than_the_active_one_is_not_steered(server: Server) -> None:
    server.says(assistant_message("First"), stall(after="Half"))
    thread = await server.thread()
    first = await thread.turn_start("one")
    await first.result()
    second = await thread.turn_start("two")
    await until_half_said(second)

    for steer in (first.steer("more"), thread.turn_steer(first.turn_id, "more")):
        with pytest.raises(UnexpectedTurn) as refusal:
            await steer
        assert (refusal.value.expected, refusal.value.found) == (first.turn_id, second.turn_id)

    assert second.status == "inProgress"
    await second.interrupt()


@requirement("steer:not-steerable")
async def test_a_review_cannot_be_steered(server: Server) -> None:
    server.model.on("Look", respond(lambda _: stall(), times=None))
    thread = await server.thread()
    review = await thread.review("Look")

    with pytest.raises(TurnNotSteerable) as refusal:
        await review.steer("and there")
    assert refusal.value.turn_kind == "review"
    await review.interrupt()


@requirement("steer:not-steerable")
async def test_a_compaction_cannot_be_steered(server: Server) -> None:
    async with (
        server.another() as own,
        own.runtime.events() as events,
        anyio.create_task_group() as tasks,
    ):
        own.model.on("CHECKPOINT", respond(lambda _: stall(), times=None))
        thread = await own.thread()
        tasks.start_soon(thread.compact)
        async for event in events:
            if event.method == "item/started":
                break
        with pytest.raises(TurnNotSteerable) as refusal:
            await thread.turn_steer(thread.active_turn_id or "", "shorter")
        assert refusal.value.turn_kind == "compact"
        tasks.cancel_scope.cancel()


@requirement("steer:empty")
async def test_nothing_is_sent_where_there_is_nothing_to_say(server: Server) -> None:
    server.says(stall(after="Half"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await until_half_said(turn)
    sent = server.runtime.statistics().requests

    nothing: list[TurnInput] = ["", "  \n", []]
    for empty in nothing:
        with pytest.raises(EmptyInput):
            await turn.steer(empty)
        with pytest.raises(EmptyInput):
            await thread.turn_steer(turn.turn_id, empty)

    assert server.runtime.statistics().requests == sent
    await turn.interrupt()
