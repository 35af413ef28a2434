"""The history of a thread: its turns, its items, and dropping the last of them."""

from __future__ import annotations

import pytest
from spec.reading import kinds
from spec.requirements import requirement
from spec.server import Server
from spec.test_threads_records import thread_with_turns

from codex_runtime import (
    InvalidArgument,
    InvalidCursor,
    InvalidRequest,
    NotSupportedByThread,
    ThreadNotLoaded,
    TurnInProgress,
)
from codex_runtime.testing import assistant_message, stall


@requirement("threads:turns")
async def test_turns_are_paged_in_both_directions(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two", "three")

    newest = await thread.turns(limit=2)
    oldest = await thread.turns(cursor=newest.next_cursor)
    back = await thread.turns(cursor=newest.backwards_cursor, sort_direction="asc")
    forward = [turn.id async for turn in thread.iter_turns(page_size=2, sort_direction="asc")]
    backward = [turn.id async for turn in thread.iter_turns(page_size=1)]

    found = [turn.id for page in (newest, oldest) for turn in page.data]
    assert len(found) == 3
    assert oldest.next_cursor is None
    assert [turn.id for turn in back.data] == found[:1]
    assert backward == found
    assert forward == found[::-1]


@requirement("threads:turns")
async def test_turns_have_as_many_items_as_are_asked_for(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    views = {
        view: [kinds(turn.items) async for turn in thread.iter_turns(items_view=view)]
        for view in ("notLoaded", "summary", "full")
    }

    both = [["userMessage", "agentMessage"]]
    assert views == {"notLoaded": [[]], "summary": both, "full": both}


@requirement("threads:turns")
async def test_a_running_turn_is_among_the_turns(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    server.says(stall(after="Half a"))
    turn = await thread.turn_start("two")
    await anext(turn.text())

    page = await thread.turns(limit=1, items_view="full")
    await turn.interrupt()
    after = await thread.turns(limit=1, items_view="full")

    assert [(each.id, each.status) for each in page.data] == [(turn.turn_id, "inProgress")]
    assert [(each.status, kinds(each.items)) for each in after.data] == [
        ("interrupted", ["userMessage"])
    ]


@requirement("threads:items")
async def test_items_are_paged_in_both_directions(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two")
    turns = [turn.id async for turn in thread.iter_turns(sort_direction="asc")]

    first = await thread.items(limit=3)
    second = await thread.items(cursor=first.next_cursor)
    everything = [entry async for entry in thread.iter_items(page_size=1)]
    backward = [entry async for entry in thread.iter_items(sort_direction="desc")]
    of_one = [entry async for entry in thread.iter_items(turn_id=turns[1])]
    of_none = [entry async for entry in thread.iter_items(turn_id="no such")]

    assert kinds(entry.item for entry in everything) == ["userMessage", "agentMessage"] * 2
    assert [entry.turn_id for entry in everything] == [turns[0]] * 2 + [turns[1]] * 2
    assert [*first.data, *second.data] == everything
    assert backward == everything[::-1]
    assert of_one == everything[2:]
    assert of_none == []


@requirement("threads:items")
async def test_what_the_server_does_not_know_of_a_history_is_refused_by_it(
    server: Server,
) -> None:
    thread = await thread_with_turns(server, "one")

    for call in (thread.turns, thread.items):
        with pytest.raises(InvalidCursor):
            await call(cursor="garbage")
    with pytest.raises(InvalidCursor):
        await thread.search_occurrences("x", cursor="garbage")
    with pytest.raises(InvalidRequest):
        await thread.turns(items_view="everything")


@requirement("threads:history-no-turn")
async def test_a_thread_without_a_turn_has_an_empty_history(server: Server) -> None:
    thread = await server.thread()

    assert (await thread.turns()).data == []
    assert (await thread.items()).data == []
    assert (await thread.search_occurrences("x")).data == []
    assert [turn async for turn in thread.iter_turns()] == []
    assert [entry async for entry in thread.iter_items()] == []
    # None of that has harmed it.
    server.says(assistant_message("Hello."))
    assert (await thread.run("one")).text == "Hello."


@requirement("threads:occurrences")
async def test_places_where_something_was_said_are_found(server: Server) -> None:
    thread = await thread_with_turns(server, "ONE", "two")

    places = [each async for each in thread.iter_occurrences("one", page_size=1)]

    assert [each.snippet for each in places] == ["ONE", "You said ONE."]
    for each in places:
        found = each.snippet[each.snippet_match_range.start : each.snippet_match_range.end]
        assert found == "ONE"
    page = await thread.turns(cursor=places[0].turn_cursor, sort_direction="asc")
    assert page.data[0].id == places[0].turn_id
    assert [each async for each in thread.iter_occurrences("three")] == []


@requirement("threads:rollback")
async def test_a_rollback_drops_the_last_turns_and_gives_them_back(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two", "three")
    before = [turn async for turn in thread.iter_turns(sort_direction="asc", items_view="full")]

    rolled = await thread.rollback(2)

    assert rolled.thread.id == thread.thread_id
    assert list(rolled.dropped) == before[1:]
    assert [kinds(turn.items) for turn in rolled.dropped] == [["userMessage", "agentMessage"]] * 2
    assert [turn.id async for turn in thread.iter_turns()] == [before[0].id]
    server.says(assistant_message("Only one."))
    assert (await thread.run("What did I say?")).text == "Only one."
    said = str(server.calls[-1].input)
    assert "You said one." in said
    assert "You said two." not in said
    assert "You said three." not in said


@requirement("threads:rollback")
async def test_all_turns_can_be_dropped(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two")

    rolled = await server.runtime.thread_rollback(thread.thread_id, 2)

    assert len(rolled.dropped) == 2
    assert [turn async for turn in thread.iter_turns()] == []
    server.says(assistant_message("A new start."))
    assert (await thread.run("three")).text == "A new start."


@requirement("threads:rollback")
async def test_after_a_rollback_a_thread_that_was_not_subscribed_is_followed(
    server: Server,
) -> None:
    thread = await thread_with_turns(server, "one", "two")
    await thread.unsubscribe()

    await thread.rollback(1)

    server.says(assistant_message("Seen."))
    assert (await thread.run("three")).text == "Seen."


@requirement("threads:rollback-busy")
async def test_a_rollback_is_refused_while_a_turn_runs(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    server.says(stall(after="Half a"))
    turn = await thread.turn_start("two")

    with pytest.raises(TurnInProgress) as early:
        await thread.rollback(1)
    await anext(turn.text())
    with pytest.raises(TurnInProgress) as late:
        await thread.rollback(1)

    assert turn.status == "inProgress"
    assert early.value.turn_id == late.value.turn_id == turn.turn_id
    await turn.interrupt()


@requirement("threads:rollback-busy")
async def test_a_rollback_interrupts_the_running_turn_if_asked_to(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two")
    server.says(stall(after="Half a"))
    turn = await thread.turn_start("three")
    await anext(turn.text())

    rolled = await thread.rollback(2, interrupt=True)

    assert (await turn.result()).status == "interrupted"
    assert [each.status for each in rolled.dropped] == ["completed", "interrupted"]
    assert rolled.dropped[1].id == turn.turn_id
    assert [kinds(each.items) for each in rolled.dropped][1] == ["userMessage"]
    assert len((await thread.turns()).data) == 1


@requirement("threads:rollback-refused")
async def test_a_rollback_of_more_turns_than_there_are_changes_nothing(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two")
    fresh = await server.thread()

    for of, count, field in ((thread, 3, "2 turns"), (fresh, 1, "no turns")):
        with pytest.raises(InvalidArgument, match=field) as raised:
            await of.rollback(count)
        assert raised.value.field == "num_turns"

    assert len((await thread.turns()).data) == 2
    server.says(assistant_message("Still there."))
    assert (await fresh.run("one")).text == "Still there."


@requirement("threads:rollback-refused")
async def test_a_rollback_of_what_has_no_history_or_is_not_loaded_is_refused(
    server: Server,
) -> None:
    server.says(assistant_message("Gone soon."))
    ephemeral = await server.thread(ephemeral=True)
    await ephemeral.run("one")
    away = await thread_with_turns(server, "one")
    await away.archive()

    with pytest.raises(NotSupportedByThread) as raised:
        await ephemeral.rollback(1)
    assert raised.value.thread_kind == "ephemeral"
    with pytest.raises(ThreadNotLoaded):
        await away.rollback(1)
    await away.unarchive()
    with pytest.raises(ThreadNotLoaded):
        await away.rollback(1)
    assert len((await away.turns()).data) == 1
