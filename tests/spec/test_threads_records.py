"""Threads by their ids, and their records: reading, naming, archiving, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from spec.reading import kinds
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    InvalidArgument,
    NotSupportedByThread,
    Runtime,
    RuntimeClosed,
    ThreadArchived,
    ThreadHandle,
    ThreadHasActiveWriter,
    ThreadHasForks,
    ThreadNotFound,
    ThreadNotLoaded,
    ThreadReference,
)
from codex_runtime.protocol import (
    NotLoadedThreadStatus,
    ThreadMetadataGitInfoUpdateParams,
    TurnThreadUnreadPosition,
)
from codex_runtime.testing import assistant_message, stall

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

ITEM = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "The word is xyzzy."}],
}


async def thread_with_turns(server: Server, *words: str) -> ThreadHandle:
    """A thread in which each of these was said."""
    server.says(*[assistant_message(f"You said {each}.") for each in words])
    thread = await server.thread()
    for each in words:
        await thread.run(each)
    return thread


# By their ids


@requirement("threads:reference")
async def test_a_reference_costs_no_request_and_takes_every_spelling(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    plain = thread.thread_id
    sent = server.runtime.statistics().requests

    spellings = (plain, plain.upper(), f"urn:uuid:{plain}", f"{{{plain}}}", plain.replace("-", ""))
    references = [server.runtime.thread(each) for each in spellings]

    assert server.runtime.statistics().requests == sent
    assert {each.thread_id for each in references} == {plain}
    assert isinstance(thread, ThreadReference)
    assert repr(references[0]) == f"<ThreadReference {plain}>"
    for each in spellings:
        assert (await server.runtime.thread_read(each)).thread.id == plain


@requirement("threads:reference")
async def test_a_runtime_that_is_not_open_knows_no_thread(server: Server) -> None:
    _ = server
    runtime = Runtime()

    with pytest.raises(RuntimeClosed):
        runtime.thread(NOBODY)
    with pytest.raises(RuntimeClosed):
        await runtime.thread_list()
    with pytest.raises(RuntimeClosed):
        runtime.iter_threads()


BY_ID: dict[str, Callable[[Runtime, Any], Awaitable[object]]] = {
    "thread_read": lambda runtime, thread_id: runtime.thread_read(thread_id),
    "thread_archive": lambda runtime, thread_id: runtime.thread_archive(thread_id),
    "thread_unarchive": lambda runtime, thread_id: runtime.thread_unarchive(thread_id),
    "thread_delete": lambda runtime, thread_id: runtime.thread_delete(thread_id),
    "thread_unsubscribe": lambda runtime, thread_id: runtime.thread_unsubscribe(thread_id),
    "thread_rollback": lambda runtime, thread_id: runtime.thread_rollback(thread_id, 1),
}
"""The operations of a runtime on one thread."""


@requirement("threads:bad-ids")
async def test_what_is_no_thread_id_is_not_sent(server: Server) -> None:
    sent = server.runtime.statistics().requests

    for wrong in ("", " ", "nonsense", f" {NOBODY}", NOBODY[:-1], f"{NOBODY}0", None, 7, b"x"):
        for name, call in BY_ID.items():
            with pytest.raises(InvalidArgument) as raised:
                await call(server.runtime, wrong)
            assert raised.value.field == "thread_id", name
        with pytest.raises(InvalidArgument):
            server.runtime.thread(wrong)  # pyright: ignore[reportArgumentType] — that is the question

    assert server.runtime.statistics().requests == sent


OF_NOBODY: dict[str, Callable[[ThreadReference], Awaitable[object]]] = {
    "read": lambda thread: thread.read(),
    "read with turns": lambda thread: thread.read(include_turns=True),
    "turns": lambda thread: thread.turns(),
    "items": lambda thread: thread.items(),
    "search_occurrences": lambda thread: thread.search_occurrences("x"),
    "archive": lambda thread: thread.archive(),
    "unarchive": lambda thread: thread.unarchive(),
    "delete": lambda thread: thread.delete(),
    "set_name": lambda thread: thread.set_name("x"),
    "update_metadata": lambda thread: thread.update_metadata(daybreak_enabled=True),
    "set_memory_mode": lambda thread: thread.set_memory_mode("enabled"),
    "mark_read": lambda thread: thread.mark_read(),
    "rollback": lambda thread: thread.rollback(1),
    "goal.get": lambda thread: thread.goal.get(),
    "goal.set": lambda thread: thread.goal.set("x"),
    "goal.clear": lambda thread: thread.goal.clear(),
    "queue.list": lambda thread: thread.queue.list(),
    "queue.add": lambda thread: thread.queue.add("x"),
}

OF_NOBODY_LOADED: dict[str, Callable[[ThreadReference], Awaitable[object]]] = {
    "inject_items": lambda thread: thread.inject_items([ITEM]),
    "terminals.list": lambda thread: thread.terminals.list(),
    "terminals.clean": lambda thread: thread.terminals.clean(),
    "terminals.terminate": lambda thread: thread.terminals.terminate("1"),
}
"""Those that need a loaded thread."""


@requirement("threads:unknown-ids")
async def test_a_thread_that_is_not_there_is_not_found(server: Server) -> None:
    nobody = server.runtime.thread(NOBODY)

    for name, call in OF_NOBODY.items():
        with pytest.raises(ThreadNotFound) as raised:
            await call(nobody)
        assert type(raised.value) is ThreadNotFound, name
        assert raised.value.thread_id == NOBODY, name
    for call in OF_NOBODY_LOADED.values():
        with pytest.raises(ThreadNotLoaded):
            await call(nobody)
    assert await nobody.unsubscribe() == "notLoaded"


# Records


@requirement("threads:read")
async def test_a_record_is_read_with_and_without_turns(server: Server) -> None:
    thread = await thread_with_turns(server, "one", "two")

    plain = await thread.read()
    whole = await thread.read(include_turns=True)
    await thread.archive()
    archived = await server.runtime.thread_read(thread.thread_id, include_turns=True)

    assert (plain.thread.preview, plain.thread.turns) == ("one", [])
    assert [kinds(turn.items) for turn in whole.thread.turns] == [
        ["userMessage", "agentMessage"],
        ["userMessage", "agentMessage"],
    ]
    assert [turn.status for turn in whole.thread.turns] == ["completed", "completed"]
    assert [turn.id for turn in archived.thread.turns] == [turn.id for turn in whole.thread.turns]
    assert archived.thread.status == NotLoadedThreadStatus()


@requirement("threads:read")
async def test_reading_with_turns_warns_of_nothing_deprecated(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    async with server.runtime.events() as events:
        await thread.read(include_turns=True)
        await thread.set_name("the end")
        told: list[str] = []
        async for event in events:
            told.append(event.method)
            if event.method == "thread/name/updated":
                break

    assert "deprecationNotice" not in told


@requirement("threads:read-no-turn")
async def test_a_thread_without_a_turn_is_read_with_its_turns(server: Server) -> None:
    thread = await server.thread()

    assert (await thread.read(include_turns=True)).thread.turns == []


@requirement("threads:notes")
async def test_names_and_notes_are_kept(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    git = ThreadMetadataGitInfoUpdateParams(branch="main", sha="0123")

    await thread.set_name("A name\nof two lines")
    await thread.set_memory_mode("disabled")
    updated = await thread.update_metadata(git_info=git, project_id=None, daybreak_enabled=True)
    await thread.update_metadata(git_info=ThreadMetadataGitInfoUpdateParams(sha=None))

    assert updated.git_info is not None
    assert (updated.git_info.branch, updated.git_info.sha) == ("main", "0123")
    found = (await thread.read()).thread
    assert found.name == "A name\nof two lines"
    assert found.git_info is not None
    assert (found.git_info.branch, found.git_info.sha) == ("main", None)
    assert found.project_id is None


@requirement("threads:inject")
async def test_injected_items_are_seen_by_the_model_alone(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    await thread.inject_items([ITEM])
    server.says(assistant_message("I know."))
    await thread.run("What is the word?")

    assert "The word is xyzzy." in str(server.calls[-1].input)
    assert "xyzzy" not in str([entry async for entry in thread.iter_items()])


# Endings


@requirement("threads:archive")
async def test_an_archived_thread_comes_back(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    with pytest.raises(ThreadHasActiveWriter):
        await thread.unarchive()

    await thread.archive()

    with pytest.raises(ThreadNotFound):
        await thread.archive()
    with pytest.raises(ThreadArchived):
        await thread.queue.list()
    with pytest.raises(ThreadNotFound):
        await thread.set_name("x")
    back = await server.runtime.thread_unarchive(thread.thread_id)
    assert (back.id, back.status) == (thread.thread_id, NotLoadedThreadStatus())
    with pytest.raises(ThreadNotFound):
        await thread.unarchive()


@requirement("threads:end-mid-turn")
async def test_archiving_and_deleting_interrupt_the_running_turn(server: Server) -> None:
    for end in (ThreadHandle.archive, ThreadHandle.delete):
        thread = await thread_with_turns(server, "one")
        server.says(stall(after="Half a"))
        turn = await thread.turn_start("two")
        await anext(turn.text())

        await end(thread)

        assert (await turn.result()).status == "interrupted"


@requirement("threads:delete")
async def test_a_deleted_thread_is_gone(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    await server.runtime.thread_delete(thread.thread_id)

    for call in (thread.read, thread.delete, thread.archive, thread.unarchive):
        with pytest.raises(ThreadNotFound):
            await call()
    listed = server.runtime.iter_threads(cwd=server.workspace)
    assert thread.thread_id not in [each.id async for each in listed]


@requirement("threads:delete-forks")
async def test_a_thread_with_forks_is_not_deleted_and_can_be_resumed(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    fork = await server.runtime.thread_fork(thread.thread_id)
    server.says(stall(after="Half a"))
    turn = await thread.turn_start("two")
    await anext(turn.text())

    with pytest.raises(ThreadHasForks) as raised:
        await thread.delete()

    assert raised.value.thread_id == thread.thread_id
    # The refusal has ended its turn and unloaded it all the same.
    assert (await turn.result()).status == "interrupted"
    with pytest.raises(ThreadNotLoaded):
        await thread.run("three")
    again = await server.runtime.thread_resume(thread.thread_id)
    server.says(assistant_message("Here I am."))
    assert (await again.run("three")).text == "Here I am."
    await fork.delete()
    await again.delete()


@requirement("threads:unsubscribe")
async def test_unsubscribing_says_what_it_changed(server: Server) -> None:
    thread = await thread_with_turns(server, "one")

    first = await thread.unsubscribe()
    second = await server.runtime.thread_unsubscribe(thread.thread_id)

    assert (first, second) == ("unsubscribed", "notSubscribed")


NOT_FOR_EPHEMERAL: dict[str, Callable[[ThreadReference], Awaitable[object]]] = {
    name: call
    for name, call in OF_NOBODY.items()
    if name not in {"read", "archive", "unarchive", "mark_read"}
}


@requirement("threads:ephemeral")
async def test_what_an_ephemeral_thread_cannot_do_is_refused(server: Server) -> None:
    server.says(assistant_message("Gone soon."))
    thread = await server.thread(ephemeral=True)
    await thread.run("one")

    for name, call in NOT_FOR_EPHEMERAL.items():
        with pytest.raises(NotSupportedByThread) as raised:
            await call(thread)
        assert raised.value.thread_kind == "ephemeral", name
        assert raised.value.thread_id == thread.thread_id, name
    with pytest.raises(ThreadNotFound):
        await thread.archive()
    assert (await thread.read()).thread.ephemeral


@requirement("threads:notes")
async def test_a_turn_leaves_the_thread_unread_until_it_is_marked(server: Server) -> None:
    thread = await thread_with_turns(server, "one")
    before = (await thread.read()).read_state
    if before is None:
        # 0.154 has no read states.
        return

    read = await thread.mark_read()
    unread = await thread.mark_unread(expected_revision=read.revision)

    assert isinstance(before.first_unread, TurnThreadUnreadPosition)
    assert read.first_unread is None
    assert unread.first_unread is not None
    assert (await thread.read()).read_state == unread
