"""Turns that fail, and why."""

from __future__ import annotations

from typing import Any

import pytest
from spec.reading import abandoned_in, kinds
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import ThreadHandle, TurnFailed
from codex_runtime.protocol import AgentMessageItem, ErrorNotification, to_plain
from codex_runtime.testing import (
    Step,
    UnexpectedModelCall,
    assistant_message,
    cut_stream,
    fail,
    shell,
)


async def failure_of(server: Server, *steps: Step) -> tuple[TurnFailed, Any]:
    """Run one turn that fails; return its error, and the error's kind as plain data."""
    server.says(*steps)
    thread = await server.thread()
    with pytest.raises(TurnFailed) as failure:
        await thread.run("hello")
    error = failure.value.error
    assert error is not None
    assert error.message in str(failure.value)
    return failure.value, to_plain(error.codex_error_info)


@requirement("failure:bad-request")
async def test_a_bad_request_fails_the_turn_in_the_providers_words(server: Server) -> None:
    failure, kind = await failure_of(server, fail(status=400, message="no such model"))

    assert failure.error is not None
    assert "no such model" in failure.error.message
    assert kind == "other"
    assert len(server.calls) == 1


@requirement("failure:too-many-requests")
async def test_too_many_requests_fail_the_turn_at_once(server: Server) -> None:
    _, kind = await failure_of(server, fail(status=429, headers={"retry-after": "30"}))

    assert kind == {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}
    assert len(server.calls) == 1


@requirement("failure:server-error")
async def test_a_server_error_fails_the_turn(server: Server) -> None:
    _, kind = await failure_of(server, fail(status=500))

    assert kind == "internalServerError"


@requirement("failure:error-code")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("insufficient_quota", "usageLimitExceeded"),
        ("context_length_exceeded", "contextWindowExceeded"),
        ("server_is_overloaded", "serverOverloaded"),
        ("rate_limit_exceeded", "rateLimitExceeded"),
    ],
)
async def test_an_error_within_the_stream_has_its_own_kind(
    server: Server, code: str, expected: str
) -> None:
    _, kind = await failure_of(server, fail(code=code))

    assert kind == expected


@requirement("failure:cut-stream")
async def test_a_stream_that_breaks_abandons_its_half_message(server: Server) -> None:
    server.says(cut_stream(after="Half a"))
    thread = await server.thread()

    turn = await thread.turn_start("hello")
    events = [event async for event in turn]
    with pytest.raises(TurnFailed) as failure:
        await turn.result()

    assert failure.value.error is not None
    assert "stream disconnected" in failure.value.error.message
    assert to_plain(failure.value.error.codex_error_info) == "other"
    assert failure.value.result.text == ""
    assert kinds(failure.value.result.abandoned) == ["agentMessage"]
    assert abandoned_in(events) == ["agentMessage"]
    assert events[-1].method == "turn/completed"


@requirement("failure:retry-is-no-end")
async def test_an_error_that_is_retried_does_not_end_the_turn(server: Server) -> None:
    steps = (cut_stream(after="Half a"), assistant_message("A whole one."))
    async with server.another(*steps, retries=1) as other:
        thread = await other.thread()

        turn = await thread.turn_start("hello")
        errors = [event async for event in turn if isinstance(event, ErrorNotification)]
        result = await turn.result()

    assert [error.will_retry for error in errors] == [True]
    assert (result.status, result.text) == ("completed", "A whole one.")
    assert kinds(result.abandoned) == ["agentMessage"]


@requirement("failure:result-attached")
async def test_a_failure_holds_what_was_done_before_it(server: Server) -> None:
    script = (shell("echo done", output="done\n"), fail(status=400, message="no more"))
    server.says(*script, *script)
    thread = await server.thread()

    with pytest.raises(TurnFailed) as failure:
        await thread.run("hello")
    result = await thread.run("hello", raise_on_failure=False)

    assert failure.value.result.status == result.status == "failed"
    for each in (failure.value.result, result):
        assert kinds(each.items) == ["userMessage", "commandExecution"]
        assert each.error is not None
        assert "no more" in each.error.message
    assert result.usage is not None
    assert result.text == ""


@requirement("failure:thread-stays-usable")
async def test_a_thread_takes_another_turn_after_a_failure(server: Server) -> None:
    thread: ThreadHandle = await server.thread()
    server.says(fail(status=400), assistant_message("Better."))

    first = await thread.run("hello", raise_on_failure=False)
    second = await thread.run("again")

    assert (first.status, second.status) == ("failed", "completed")
    [message] = [item for item in second.items if isinstance(item, AgentMessageItem)]
    assert message.text == second.text == "Better."


@requirement("failure:script-exhausted")
async def test_a_script_that_runs_out_fails_the_turn_and_says_so(server: Server) -> None:
    async with server.another(shell("true")) as other:
        thread = await other.thread()

        with pytest.raises(TurnFailed) as failure:
            await thread.run("a prompt with one step too few")

        with pytest.raises(UnexpectedModelCall):
            other.model.assert_complete()
        assert len(other.calls) == 2

    assert failure.value.error is not None
    assert "UnexpectedModelCall" in failure.value.error.message
    assert "a prompt with one step too few" in failure.value.error.message
