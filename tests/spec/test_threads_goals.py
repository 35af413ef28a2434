"""What threads do by themselves: goals and queues; and what is kept beside them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server
from spec.test_threads_records import ITEM, NOBODY, thread_with_turns

from codex_runtime import (
    EmptyInput,
    InvalidArgument,
    InvalidCursor,
    InvalidRequest,
    RequestRefused,
    Subscription,
    ThreadHandle,
    TurnHandle,
    UnsupportedByServer,
)
from codex_runtime.protocol import (
    CommandExecutionItem,
    Event,
    ItemCompletedNotification,
    ItemStartedNotification,
    TextInput,
    ThreadGoalUpdatedNotification,
    TurnCompletedNotification,
    UserMessageItem,
)
from codex_runtime.testing import assistant_message, shell, stall, tool_call


async def until(events: Subscription, wanted: Callable[[Event], bool]) -> list[Event]:
    """The events up to the first that is wanted."""
    seen: list[Event] = []
    async for event in events:
        seen.append(event)
        if wanted(event):
            break
    return seen


def ended(event: Event) -> bool:
    return isinstance(event, TurnCompletedNotification)


def texts(submissions: list[Any]) -> list[str]:
    """What queued messages say."""
    return [part.text for each in submissions for part in each.input]


# Goals


@requirement("threads:goal")
async def test_a_goal_starts_turns_until_the_model_calls_it_complete(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    server.says(
        assistant_message("I work on it."),
        tool_call("update_goal", {"status": "complete"}),
        assistant_message("Reached."),
    )

    async with server.runtime.events(thread.thread_id) as events:
        goal = await thread.goal.set("Reach it.", token_budget=10_000)
        seen = await until(events, ended) + await until(events, ended)

    assert (goal.objective, goal.status, goal.token_budget) == ("Reach it.", "active", 10_000)
    statuses = [e.goal.status for e in seen if isinstance(e, ThreadGoalUpdatedNotification)]
    assert (statuses[0], statuses[-1]) == ("active", "complete")
    found = await thread.goal.get()
    assert found is not None
    assert found.status == "complete"
    assert found.tokens_used > 0
    assert "Reach it." in str(server.calls[-1].input)
    assert len((await thread.turns()).data) == 3


@requirement("threads:goal-rests")
async def test_a_paused_goal_starts_nothing_and_can_be_given_up(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    assert await thread.goal.get() is None
    assert not await thread.goal.clear()
    paused = await thread.goal.set("Reach it.", status="paused")
    changed = await thread.goal.set(token_budget=500)
    assert await thread.goal.get() == changed
    assert (paused.status, changed.status, changed.token_budget) == ("paused", "paused", 500)
    assert changed.objective == "Reach it."
    assert await thread.goal.clear()
    assert await thread.goal.get() is None
    assert len((await thread.turns()).data) == 1
    with pytest.raises(RequestRefused):
        await thread.goal.set(status="active")


# Queues


@requirement("threads:queue")
async def test_a_queued_message_starts_a_turn_by_itself(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    server.says(assistant_message("Two it is."))

    async with server.runtime.events(thread.thread_id) as events:
        added = await thread.queue.add("two", client_user_message_id="mine")
        seen = await until(events, ended)

    heard = [
        event.item
        for event in seen
        if isinstance(event, ItemCompletedNotification) and isinstance(event.item, UserMessageItem)
    ]
    assert [item.client_id for item in heard] == [added.client_user_message_id] == ["mine"]
    assert (await thread.queue.list()).data == []
    assert len((await thread.turns()).data) == 2


async def busy_thread(server: Server, *queued: str) -> tuple[ThreadHandle, TurnHandle, list[str]]:
    """A thread with a running turn and messages that wait for its end, with their ids."""
    thread = await thread_with_turns(server, "one")
    server.says(stall(after="Half a"))
    turn = await thread.turn_start("two")
    await anext(turn.text())
    added = [await thread.queue.add(words) for words in queued]
    assert len({each.client_user_message_id for each in added}) == len(queued)
    return thread, turn, [each.id for each in added]


@requirement("threads:queue-order")
async def test_queued_messages_can_be_changed_and_taken_back(server: Server) -> None:
    thread, turn, (first, second, third) = await busy_thread(server, "a", "b", "c")

    page = await thread.queue.list(limit=2)
    assert texts(page.data) == ["a", "b"]
    assert texts((await thread.queue.list(cursor=page.next_cursor)).data) == ["c"]
    updated = await thread.queue.update(first, [TextInput(text="A")])
    assert updated.id == first
    await thread.queue.reorder([third, first, second])
    assert await thread.queue.delete(second)
    assert not await thread.queue.delete(second)
    listed = [each async for each in thread.queue.iter_submissions(page_size=1)]
    assert texts(listed) == ["c", "A"]
    for wrong in (thread.queue.start(), thread.queue.reorder([first]), thread.queue.start("no")):
        with pytest.raises(RequestRefused):
            await wrong
    with pytest.raises(InvalidCursor):
        await thread.queue.list(cursor="garbage")
    await turn.interrupt()


@requirement("threads:queue-order")
async def test_after_an_interrupt_queued_messages_wait_for_a_word(server: Server) -> None:
    thread, turn, (_, second) = await busy_thread(server, "a", "b")

    await turn.interrupt()
    assert len((await thread.queue.list()).data) == 2
    server.says(assistant_message("B."), assistant_message("A."))
    async with server.runtime.events(thread.thread_id) as events:
        started = await thread.queue.start(second)
        seen = await until(events, ended) + await until(events, ended)

    turns = [event.turn.id for event in seen if isinstance(event, TurnCompletedNotification)]
    assert turns[0] == started.id
    assert (await thread.queue.list()).data == []
    with pytest.raises(RequestRefused):
        await thread.queue.start()


# Attachments


@requirement("threads:attachments")
async def test_attachments_are_kept_by_type_and_key(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    attachments = thread.attachments
    try:
        first = await attachments.add("note", "a", {"text": "one", "deep": [1, None]})
    except UnsupportedByServer:
        # 0.154 has none.
        return

    again = await attachments.add("note", "a", {"text": "two"})
    other = await attachments.add("ticket", "a", 7)
    page = await attachments.list(limit=1)
    found = [each async for each in attachments.iter_attachments(page_size=1)]

    assert (first.outcome, again.outcome, other.outcome) == ("created", "existing", "created")
    assert again.attachment == first.attachment
    assert first.attachment.payload == {"text": "one", "deep": [1, None]}
    assert page.data == found[:1] == [first.attachment]
    assert found[1:] == [other.attachment]
    await attachments.remove("note", "a")
    await attachments.remove("note", "a")
    assert (await attachments.list()).data == [other.attachment]
    with pytest.raises(InvalidCursor):
        await attachments.list(cursor="garbage")


# Terminals


@requirement("threads:terminals")
@pytest.mark.parametrize("how", ["terminate", "clean"])
async def test_commands_are_listed_and_ended(server: Server, how: str) -> None:
    thread, gate = await server.thread(), server.model.gate()
    server.says(shell("sleep 45", gate=gate))
    turn = await thread.turn_start("wait")
    await gate.wait_reached()
    if server.real:
        gate.open()
    async for event in turn:
        match event:
            case ItemStartedNotification(item=CommandExecutionItem()):
                await turn.interrupt()
            case _:
                pass

    (terminal,) = await listed(thread)
    async with server.runtime.events(thread.thread_id) as events:
        if how == "clean":
            await thread.terminals.clean()
        else:
            assert await thread.terminals.terminate(terminal.process_id)
            assert not await thread.terminals.terminate(terminal.process_id)
        seen = await until(events, lambda event: isinstance(event, ItemCompletedNotification))

    assert terminal.command.endswith("sleep 45'") or terminal.command == "sleep 45"
    last: Any = seen[-1]
    assert last.item.id == terminal.item_id
    assert (await thread.terminals.list()).data == []


async def listed(thread: ThreadHandle) -> list[Any]:
    """The commands that run; the server lists one some milliseconds after its start."""
    found: list[Any] = []
    while not found:
        found = [each async for each in thread.terminals.iter_terminals(page_size=1)]
    return found


# Bad input

BAD_INPUT: list[tuple[str, Callable[[Any], Coroutine[Any, Any, object]]]] = [
    ("include_turns", lambda thread: thread.read(include_turns="yes")),
    ("name", lambda thread: thread.set_name(" ")),
    ("name", lambda thread: thread.set_name(None)),
    ("git_info", lambda thread: thread.update_metadata()),
    ("project_id", lambda thread: thread.update_metadata(project_id=" ")),
    ("daybreak_enabled", lambda thread: thread.update_metadata(daybreak_enabled="yes")),
    ("mode", lambda thread: thread.set_memory_mode("")),
    ("expected_revision", lambda thread: thread.mark_read(expected_revision="")),
    ("section_id", lambda thread: thread.move_to_section("")),
    ("before_thread_id", lambda thread: thread.move_to_section("s", before_thread_id="x")),
    ("before_thread_id", lambda thread: thread.move_to_section(None, before_thread_id=NOBODY)),
    ("items", lambda thread: thread.inject_items([])),
    ("items", lambda thread: thread.inject_items("text")),
    ("items", lambda thread: thread.inject_items(ITEM)),
    ("items[1]", lambda thread: thread.inject_items([ITEM, "text"])),
    ("num_turns", lambda thread: thread.rollback(0)),
    ("num_turns", lambda thread: thread.rollback(-1)),
    ("num_turns", lambda thread: thread.rollback(1.5)),
    ("num_turns", lambda thread: thread.rollback(True)),
    ("interrupt", lambda thread: thread.rollback(1, interrupt="yes")),
    ("limit", lambda thread: thread.turns(limit=0)),
    ("cursor", lambda thread: thread.turns(cursor=1)),
    ("sort_direction", lambda thread: thread.turns(sort_direction="up")),
    ("items_view", lambda thread: thread.turns(items_view="")),
    ("limit", lambda thread: thread.items(limit=-1)),
    ("turn_id", lambda thread: thread.items(turn_id="")),
    ("sort_direction", lambda thread: thread.items(sort_direction=1)),
    ("search_term", lambda thread: thread.search_occurrences(" ")),
    ("limit", lambda thread: thread.search_occurrences("x", limit=0)),
    ("objective", lambda thread: thread.goal.set()),
    ("objective", lambda thread: thread.goal.set(" ")),
    ("objective", lambda thread: thread.goal.set("x" * 4001)),
    ("token_budget", lambda thread: thread.goal.set("x", token_budget=0)),
    ("token_budget", lambda thread: thread.goal.set("x", token_budget=[1])),
    ("status", lambda thread: thread.goal.set(status="")),
    ("input", lambda thread: thread.queue.add("")),
    ("client_user_message_id", lambda thread: thread.queue.add("x", client_user_message_id="")),
    ("limit", lambda thread: thread.queue.list(limit=0)),
    ("input", lambda thread: thread.queue.update("id", [])),
    ("queued_submission_id", lambda thread: thread.queue.update("", "x")),
    ("queued_submission_id", lambda thread: thread.queue.delete("")),
    ("queued_submission_ids", lambda thread: thread.queue.reorder("id")),
    ("queued_submission_ids[0]", lambda thread: thread.queue.reorder([1])),
    ("queued_submission_id", lambda thread: thread.queue.start("")),
    ("attachment_type", lambda thread: thread.attachments.add("", "k", 1)),
    ("identity_key", lambda thread: thread.attachments.add("t", 1, 1)),
    ("limit", lambda thread: thread.attachments.list(limit=0)),
    ("identity_key", lambda thread: thread.attachments.remove("t", "")),
    ("process_id", lambda thread: thread.terminals.terminate("")),
    ("process_id", lambda thread: thread.terminals.terminate("-7")),
    ("process_id", lambda thread: thread.terminals.terminate(7)),
    ("limit", lambda thread: thread.terminals.list(limit=0)),
]

BAD_ITERATIONS: list[tuple[str, Callable[[Any], object]]] = [
    ("page_size", lambda thread: thread.iter_turns(page_size=0)),
    ("sort_direction", lambda thread: thread.iter_turns(sort_direction="up")),
    ("page_size", lambda thread: thread.iter_items(page_size=-1)),
    ("turn_id", lambda thread: thread.iter_items(turn_id="")),
    ("search_term", lambda thread: thread.iter_occurrences("")),
    ("page_size", lambda thread: thread.iter_occurrences("x", page_size="x")),
    ("page_size", lambda thread: thread.queue.iter_submissions(page_size=0)),
    ("page_size", lambda thread: thread.attachments.iter_attachments(page_size=0)),
    ("page_size", lambda thread: thread.terminals.iter_terminals(page_size=0)),
]


@requirement("threads:bad-input")
async def test_what_cannot_be_used_is_refused_by_its_name(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests

    for number, (field, call) in enumerate(BAD_INPUT):
        with pytest.raises(InvalidArgument) as raised:
            await call(thread)
        assert raised.value.field == field, number
    for number, (field, iterate) in enumerate(BAD_ITERATIONS):
        with pytest.raises(InvalidArgument) as raised:
            iterate(thread)
        assert raised.value.field == field, number
    with pytest.raises(EmptyInput):
        await thread.queue.add("  ")

    assert server.runtime.statistics().requests == sent


@requirement("threads:bad-input")
async def test_words_of_open_sets_are_refused_by_the_server(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    with pytest.raises(InvalidRequest):
        await thread.set_memory_mode("perhaps")
    with pytest.raises(InvalidRequest):
        await thread.goal.set("x", status="perhaps")
