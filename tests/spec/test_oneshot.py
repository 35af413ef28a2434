"""`run` and `stream`: a thread and a turn in one call."""

from __future__ import annotations

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import TurnFailed, run, stream
from codex_runtime.protocol import AgentMessageDeltaNotification
from codex_runtime.testing import assistant_message, fail, stall


@requirement("oneshot:run")
async def test_run_gives_the_result_of_one_turn(server: Server) -> None:
    server.says(assistant_message("Hello"), fail(status=400), fail(status=400))

    result = await run("hello", runtime=server.runtime, cwd=server.workspace, effort="low")
    with pytest.raises(TurnFailed):
        await run("hello", runtime=server.runtime, cwd=server.workspace)
    failed = await run("hello", runtime=server.runtime, raise_on_failure=False)

    assert (result.status, result.text) == ("completed", "Hello")
    assert failed.status == "failed"
    assert len({result.thread_id, failed.thread_id}) == 2
    assert server.calls[0].raw["reasoning"]["effort"] == "low"


@requirement("oneshot:stream")
async def test_stream_gives_the_handle_of_one_turn(server: Server) -> None:
    server.says(assistant_message("Hello there", chunks=["Hello ", "there"]))

    async with stream("hello", runtime=server.runtime, cwd=server.workspace) as turn:
        texts = [text async for text in turn.text()]

    assert texts == ["Hello ", "there"]
    assert (await turn.result()).status == "completed"


@requirement("oneshot:stream-left-early")
async def test_leaving_a_stream_early_interrupts_the_turn(server: Server) -> None:
    server.says(stall(after="Half"), stall(after="Half"))

    async with stream("hello", runtime=server.runtime, cwd=server.workspace) as turn:
        async for event in turn:
            if isinstance(event, AgentMessageDeltaNotification):
                break
    turns = [turn]
    with pytest.raises(ZeroDivisionError):
        async with stream("hello", runtime=server.runtime) as another:
            turns.append(another)
            async for _ in another.text():
                raise ZeroDivisionError

    statuses = [(await each.result()).status for each in turns]
    assert statuses == ["interrupted", "interrupted"]
