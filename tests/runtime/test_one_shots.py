"""Whole conversations on the public fake, and one-shots over a runtime that is given."""

from typing import Any

import pytest
from runtime.support import Server

from codex_runtime import (
    EmptyInput,
    InvalidArgument,
    RequestRefused,
    TurnFailed,
    protocol,
    run,
    stream,
)
from codex_runtime.testing import FakeAppServer, assistant_message, cut_stream, fail, shell

# -- the public fake, end to end


async def test_a_whole_conversation_on_the_public_fake() -> None:
    fake = FakeAppServer(
        shell("ls", output="a.py\n"),
        assistant_message("One file."),
        fail(status=429),
        assistant_message("Fine."),
    )
    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        first = await thread.run("What is here?")
        assert first.text == "One file."
        assert any(isinstance(item, protocol.CommandExecutionItem) for item in first.items)
        with pytest.raises(TurnFailed):
            await thread.run("And now?")
        assert (await thread.run("Again.")).text == "Fine."
    fake.assert_complete()


async def test_a_message_cut_off_and_said_again_is_said_once_in_the_result() -> None:
    fake = FakeAppServer(
        cut_stream("Half a mess"), assistant_message("A message."), stream_max_retries=1
    )
    async with fake.runtime() as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("Talk.")
        methods = [event.method async for event in turn]
        assert (await turn.result()).text == "A message."
    assert methods.count("error") == 1


# -- one-shots over a runtime that is given


async def test_run_over_a_given_runtime_leaves_it_open(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime() as runtime:
        result = await run("Say hello.", runtime=runtime, model="m", effort="low")
        assert result.text == "Hello."
        assert await runtime.call_raw("test/on") == {}
    assert server.sent("thread/start")[0]["params"]["model"] == "m"
    assert server.sent("turn/start")[0]["params"]["effort"] == "low"
    assert "model" not in server.sent("turn/start")[0]["params"]


async def test_leaving_a_stream_early_interrupts_its_turn(server: Server) -> None:
    async with server.runtime() as runtime:
        async with stream("Work.", runtime=runtime) as turn:
            assert (await anext(turn.events())).method == "turn/started"
        assert turn.status == "interrupted"
        assert len(server.sent("turn/interrupt")) == 1
        async with stream("Work.", runtime=runtime) as turn:
            server.complete(turn.thread_id, turn.turn_id)
            await turn.result()
        assert len(server.sent("turn/interrupt")) == 1


async def test_an_error_in_a_stream_comes_out_bare_and_interrupts_the_turn(
    server: Server,
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(ZeroDivisionError):
            async with stream("Work.", runtime=runtime):
                raise ZeroDivisionError
        assert server.running == []


async def test_a_stream_that_cannot_start_leaves_nothing(server: Server) -> None:
    server.on["turn/start"] = lambda request: server.refuse(request, "no")
    no_such: Any = {"no_such": 1}
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused):
            async with stream("Work.", runtime=runtime):
                pytest.fail("it has not started")
        with pytest.raises(EmptyInput):
            await run("", runtime=runtime)
        with pytest.raises(InvalidArgument):
            stream("Work.", runtime=runtime, **no_such)
