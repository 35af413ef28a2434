"""What the server refuses, as errors that a program can tell apart."""

from __future__ import annotations

import pytest
from spec.refusing import NOBODY, TEXT, refusal, settled_refusal
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    ExperimentalApiNeeded,
    InputTooLarge,
    InvalidCursor,
    InvalidRequest,
    InvalidThreadId,
    NoActiveTurn,
    NotSupportedByThread,
    ThreadArchived,
    ThreadNotFound,
    ThreadNotLoaded,
    UnexpectedTurn,
    UnsupportedByServer,
)
from codex_runtime.testing import assistant_message


@requirement("refusal:thread-id")
async def test_an_id_in_the_wrong_form_is_told_apart_from_an_unknown_one(server: Server) -> None:
    for method, params in [
        ("thread/read", {}),
        ("thread/resume", {}),
        ("turn/start", {"input": TEXT}),
    ]:
        for wrong in ("nonsense", ""):
            error = await refusal(server, InvalidThreadId, method, threadId=wrong, **params)
            assert error.thread_id == wrong


@requirement("refusal:no-record")
async def test_a_thread_without_a_record_is_not_found(server: Server) -> None:
    for method in ("thread/read", "thread/resume", "thread/archive"):
        error = await refusal(server, ThreadNotFound, method, threadId=NOBODY)
        assert error.thread_id == NOBODY
        assert not error.retryable


@requirement("refusal:not-loaded")
async def test_a_thread_that_is_not_loaded_is_told_apart(server: Server) -> None:
    error = await refusal(server, ThreadNotLoaded, "turn/start", threadId=NOBODY, input=TEXT)

    assert isinstance(error, ThreadNotFound)
    assert error.thread_id == NOBODY
    assert "resume the thread first" in str(error)


@requirement("refusal:archived")
async def test_an_archived_thread_says_so(server: Server) -> None:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    await thread.run("Something to keep")
    await server.runtime.call_raw("thread/archive", {"threadId": thread.thread_id})

    error = await settled_refusal(
        server, ThreadArchived, "thread/resume", passing=ThreadNotFound, threadId=thread.thread_id
    )

    assert error.thread_id == thread.thread_id
    assert "unarchive it first" in str(error)


@requirement("refusal:ephemeral")
async def test_an_ephemeral_thread_cannot_be_read_with_its_turns(server: Server) -> None:
    thread = await server.thread(ephemeral=True)

    error = await refusal(
        server, NotSupportedByThread, "thread/read", threadId=thread.thread_id, includeTurns=True
    )

    assert (error.thread_id, error.thread_kind) == (thread.thread_id, "ephemeral")


@requirement("refusal:no-turn-yet")
async def test_a_thread_without_a_turn_has_none_to_read(server: Server) -> None:
    thread = await server.thread()

    error = await refusal(
        server, NotSupportedByThread, "thread/read", threadId=thread.thread_id, includeTurns=True
    )

    assert (error.thread_id, error.thread_kind) == (thread.thread_id, "")
    assert error.code == -32601


@requirement("refusal:idle")
async def test_an_idle_thread_has_nothing_to_steer_or_interrupt(server: Server) -> None:
    thread = await server.thread()
    here = {"threadId": thread.thread_id}

    steer = await refusal(
        server, NoActiveTurn, "turn/steer", **here, expectedTurnId=NOBODY, input=TEXT
    )
    interrupt = await refusal(server, NoActiveTurn, "turn/interrupt", **here, turnId=NOBODY)

    for error in (steer, interrupt):
        assert error.thread_id == thread.thread_id


@requirement("refusal:other-turn")
async def test_a_turn_that_is_not_the_active_one_is_named_with_it(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Wait", gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("Say something")
    await gate.wait_reached()
    here = {"threadId": thread.thread_id}

    steer = await refusal(
        server, UnexpectedTurn, "turn/steer", **here, expectedTurnId=NOBODY, input=TEXT
    )
    interrupt = await refusal(server, UnexpectedTurn, "turn/interrupt", **here, turnId=NOBODY)
    gate.open()
    await turn.wait_ended()

    for error in (steer, interrupt):
        assert (error.thread_id, error.expected, error.found) == (
            thread.thread_id,
            NOBODY,
            turn.turn_id,
        )


@requirement("refusal:cursor")
async def test_a_cursor_that_the_list_did_not_give_is_told(server: Server) -> None:
    await refusal(server, InvalidCursor, "thread/list", cursor="garbage")


@requirement("refusal:parameters")
async def test_parameters_that_cannot_be_read_are_told(server: Server) -> None:
    thread = await server.thread()

    missing = await refusal(server, InvalidRequest, "thread/read")
    unknown = await refusal(
        server, InvalidRequest, "turn/start", threadId=thread.thread_id, input=[{"type": "bogus"}]
    )

    for error, field in ((missing, "`threadId`"), (unknown, "`bogus`")):
        assert field in str(error)


@requirement("refusal:experimental")
async def test_an_experimental_feature_says_how_it_is_turned_on(server: Server) -> None:
    tool = {"type": "function", "name": "t", "description": "", "inputSchema": {"type": "object"}}
    wanted = {"thread/start.dynamicTools": ("thread/start", {"dynamicTools": [tool]})}
    wanted |= {
        name: (name, {"threadId": NOBODY})
        for name in ("thread/backgroundTerminals/list", "thread/backgroundTerminals/clean")
    }

    async with server.another(experimental_api=False) as other:
        for feature, (method, params) in wanted.items():
            error = await refusal(other, ExperimentalApiNeeded, method, **params)
            assert error.feature == feature
            assert "experimental_api=True" in str(error)


@requirement("refusal:unknown-method")
async def test_a_method_that_is_not_there_is_told_in_one_line(server: Server) -> None:
    error = await refusal(server, UnsupportedByServer, "thread/fly", threadId=NOBODY)

    assert error.codex_version == server.runtime.server_info.codex_version
    assert str(error) == (
        f"codex app-server refused thread/fly: codex {error.codex_version} has no such method "
        "(-32600)"
    )


@requirement("refusal:too-large")
async def test_input_that_is_too_large_is_told_with_its_size(server: Server) -> None:
    thread = await server.thread()
    large = [{"type": "text", "text": "x" * 1_048_577}]

    with pytest.raises(InputTooLarge) as caught:
        await server.runtime.call_raw("turn/start", {"threadId": thread.thread_id, "input": large})

    assert (caught.value.max_chars, caught.value.actual_chars) == (1_048_576, 1_048_577)
