"""Threads in sections, and of legacy history: on the real server."""

from __future__ import annotations

import pytest
from spec.reading import kinds
from spec.requirements import requirement
from spec.server import Server
from spec.test_threads_records import NOBODY, thread_with_turns

from codex_runtime import NotSupportedByThread, RequestRefused, ThreadReference
from codex_runtime.testing import assistant_message

NOT_FAKED = "The fake app-server has no sections, and no threads of legacy history."


@requirement("threads:sections")
async def test_a_thread_is_moved_into_a_section_and_out_of_it(server: Server) -> None:
    one, two, three = [await thread_with_turns(server, "one") for _ in range(3)]
    section = await server.runtime.sections.create("Mine")

    await one.move_to_section(section.id)
    await two.move_to_section(section.id)
    await three.move_to_section(section.id, before_thread_id=two.thread_id.upper())
    in_it = server.runtime.iter_threads(
        page_size=1, section_id=section.id, sort_key="section_position", sort_direction="asc"
    )

    assert [each.id async for each in in_it] == [each.thread_id for each in (one, three, two)]
    found = (await one.read()).thread.section
    assert found is not None
    assert found.name == "Mine"
    await one.move_to_section(None)
    left = server.runtime.iter_threads(section_id=section.id)
    assert one.thread_id not in [each.id async for each in left]
    with pytest.raises(RequestRefused):
        await one.move_to_section("no such section")
    with pytest.raises(RequestRefused):
        await two.move_to_section(section.id, before_thread_id=NOBODY)


async def legacy_thread(server: Server, *words: str) -> ThreadReference:
    """A thread of the older kind of history."""
    started = await server.runtime.call_raw(
        "thread/start", {"cwd": str(server.workspace), "historyMode": "legacy"}
    )
    thread = server.runtime.thread(started["thread"]["id"])
    for each in words:
        server.says(assistant_message(f"You said {each}."))
        async with server.runtime.events(thread.thread_id) as events:
            params = {"threadId": thread.thread_id, "input": [{"type": "text", "text": each}]}
            await server.runtime.call_raw("turn/start", params)
            async for event in events:
                if event.method == "turn/completed":
                    break
    return thread


@requirement("threads:rollback-legacy")
async def test_legacy_history_is_read_and_rolled_back_where_the_server_can(
    server: Server,
) -> None:
    thread = await legacy_thread(server, "one", "two")

    whole = await thread.read(include_turns=True)
    assert whole.thread.history_mode == "legacy"
    assert [kinds(turn.items) for turn in whole.thread.turns] == [
        ["userMessage", "agentMessage"]
    ] * 2
    for call in (thread.items(), thread.search_occurrences("x")):
        with pytest.raises(NotSupportedByThread) as raised:
            await call
        assert raised.value.thread_kind == "legacy"

    version = server.runtime.server_info.codex_version or ""
    if version.startswith("0.154."):
        rolled = await thread.rollback(1)
        assert [turn.id for turn in rolled.dropped] == [whole.thread.turns[1].id]
        assert len((await thread.turns()).data) == 1
    else:
        with pytest.raises(NotSupportedByThread) as raised:
            await thread.rollback(1)
        assert raised.value.thread_kind == "legacy"
        assert len((await thread.turns()).data) == 2
