"""A turn, from its first event to its result."""

from __future__ import annotations

import anyio
import pytest
from spec.reading import told
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import TokenUsage, TurnInProgress
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    AgentMessageItem,
    ItemCompletedNotification,
    ItemStartedNotification,
    ReasoningItem,
    ThreadTokenUsageUpdatedNotification,
    TurnCompletedNotification,
    TurnStartedNotification,
    UserMessageItem,
)
from codex_runtime.testing import Usage, assistant_message, reasoning, shell, together


@requirement("turn:event-order")
async def test_events_come_in_order_and_end_with_the_turn(server: Server) -> None:
    server.says(assistant_message("Hello there", chunks=["Hello ", "there"]))
    thread = await server.thread()

    turn = await thread.turn_start("hello")
    reader = turn.events()
    events = [told(event) async for event in reader]

    assert events == [
        "turn/started",
        "item/started userMessage",
        "item/completed userMessage",
        "item/started agentMessage",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed agentMessage",
        "thread/tokenUsage/updated",
        "turn/completed",
    ]
    assert turn.status == "completed"
    assert [event async for event in reader] == []


@requirement("turn:typed-events")
async def test_events_are_typed_and_carry_their_name_and_time(server: Server) -> None:
    server.says(assistant_message("Hello", chunks=1))
    thread = await server.thread()

    turn = await thread.turn_start("hello")
    events = [event async for event in turn]

    assert [type(event) for event in events] == [
        TurnStartedNotification,
        ItemStartedNotification,
        ItemCompletedNotification,
        ItemStartedNotification,
        AgentMessageDeltaNotification,
        ItemCompletedNotification,
        ThreadTokenUsageUpdatedNotification,
        TurnCompletedNotification,
    ]
    times = [event.emitted_at_ms or 0 for event in events]
    assert all(times)
    assert times == sorted(times)
    match events[1], events[-2]:
        case (
            ItemStartedNotification(item=UserMessageItem() as said, turn_id=turn_id),
            ThreadTokenUsageUpdatedNotification(thread_id=thread_id),
        ):
            assert said.content[0].text == "hello"  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] — the one item is text
            assert (thread_id, turn_id) == (turn.thread_id, turn.turn_id)
        case others:
            pytest.fail(f"unexpected events: {others}")


@requirement("turn:item-completed-is-final")
async def test_a_completed_item_overrules_its_deltas(server: Server) -> None:
    server.says(assistant_message("The right text", chunks=["The wr", "ong text"]))
    thread = await server.thread()

    turn = await thread.turn_start("hello")
    streamed = [
        event.delta async for event in turn if isinstance(event, AgentMessageDeltaNotification)
    ]
    result = await turn.result()

    assert streamed == ["The wr", "ong text"]
    assert result.text == "The right text"
    assert [item.text for item in result.items if isinstance(item, AgentMessageItem)] == [
        "The right text"
    ]


@requirement("turn:text-deltas")
async def test_text_yields_the_messages_and_nothing_else(server: Server) -> None:
    server.says(
        together(
            reasoning("Think first"),
            assistant_message("I look. ", chunks=1, phase="commentary"),
            shell("true"),
        ),
        assistant_message("One two", chunks=["One ", "two"]),
    )
    thread = await server.thread()

    turn = await thread.turn_start("count")
    texts = [text async for text in turn.text()]

    assert texts == ["I look. ", "One ", "two"]


@requirement("turn:final-text")
async def test_the_text_of_a_result_is_the_final_answer(server: Server) -> None:
    server.says(
        together(assistant_message("I look around.", phase="commentary"), shell("true")),
        together(
            assistant_message("The answer.", phase="final_answer"),
            assistant_message("That was all.", phase="commentary"),
        ),
        together(assistant_message("First."), assistant_message("Second.")),
        together(assistant_message("Only a comment.", phase="commentary")),
    )
    thread = await server.thread()

    texts = [(await thread.run(f"question {number}")).text for number in range(3)]

    assert texts == ["The answer.", "Second.", "Only a comment."]


@requirement("turn:usage")
async def test_a_result_counts_the_tokens_of_its_own_turn(server: Server) -> None:
    server.says(
        assistant_message("First.", usage=Usage(input=1000, output=100)),
        shell("true", usage=Usage(input=30, cached=10, output=5, reasoning=2)),
        assistant_message("Second.", usage=Usage(input=40, cached=20, output=6, reasoning=3)),
    )
    thread = await server.thread()

    first, second = await thread.run("one"), await thread.run("two")

    assert first.usage == TokenUsage(input_tokens=1000, output_tokens=100, total_tokens=1100)
    assert second.usage == TokenUsage(
        input_tokens=70,
        cached_input_tokens=30,
        output_tokens=11,
        reasoning_output_tokens=5,
        total_tokens=81,
    )


@requirement("turn:history")
async def test_turns_of_a_thread_are_one_conversation(server: Server) -> None:
    server.says(assistant_message("Noted."), assistant_message("Seven."))
    thread = await server.thread()

    first = await thread.run("Remember seven.")
    second = await thread.run("What was it?")

    assert server.calls[-1].user_texts == ("Remember seven.", "What was it?")
    assert first.turn_id != second.turn_id
    assert first.thread_id == second.thread_id == thread.thread_id


@requirement("turn:result-is-kept")
async def test_a_result_needs_no_iteration_and_events_wait(server: Server) -> None:
    server.says(assistant_message("Hello"))
    thread = await server.thread()

    turn = await thread.turn_start("hello")
    result = await turn.result()

    assert (result.status, result.text) == ("completed", "Hello")
    assert result.duration is not None
    assert 0 <= result.duration < 30
    assert await turn.result() == result
    late = [told(event) async for event in turn]
    assert (late[0], late[-1]) == ("turn/started", "turn/completed")


@requirement("turn:cancelled-read-loses-nothing")
async def test_cancelling_the_wait_for_an_event_loses_none(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Hello there", chunks=["Hello ", "there"], gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    reader = turn.events()
    events: list[str] = []

    with anyio.CancelScope() as reading:
        async for event in reader:
            events.append(told(event))
            if event.method == "item/agentMessage/delta" and len(events) == 6:
                # Nothing more comes before the gate opens: the read below is cancelled waiting.
                reading.cancel()
    gate.open()
    events += [told(event) async for event in reader]

    assert events[4:] == [
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed agentMessage",
        "thread/tokenUsage/updated",
        "turn/completed",
    ]


@requirement("turn:one-at-a-time")
async def test_a_busy_thread_takes_no_second_turn(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Slow", gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("take your time")
    await gate.wait_reached()
    sent = server.runtime.statistics().requests

    with pytest.raises(TurnInProgress) as refusal:
        await thread.turn_start("and another")

    assert (refusal.value.thread_id, refusal.value.turn_id) == (thread.thread_id, turn.turn_id)
    assert server.runtime.statistics().requests == sent
    gate.open()
    assert (await turn.result()).text == "Slow"


@requirement("turn:reasoning")
async def test_reasoning_is_an_item_and_not_the_answer(server: Server) -> None:
    server.says(together(reasoning("First this.", "Then that."), assistant_message("Done.")))
    thread = await server.thread()

    result = await thread.run("think")

    thoughts = [item for item in result.items if isinstance(item, ReasoningItem)]
    assert [item.summary for item in thoughts] == [["First this.", "Then that."]]
    assert result.text == "Done."
