"""Turns that cannot start, that fail, and that lose their server."""

from typing import Any

import pytest
from runtime.support import Server, a_thread, settled

from codex_runtime import (
    ConnectionLost,
    EmptyInput,
    InvalidArgument,
    RuntimeClosed,
    TurnFailed,
    protocol,
)

# -- bad input


@pytest.mark.parametrize("input", ["", "  \n", [], [""], [protocol.TextInput(text=" ")]])
async def test_an_empty_prompt_is_not_sent(server: Server, input: Any) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(EmptyInput):
            await thread.run(input)
        assert not server.sent("turn/start")


@pytest.mark.parametrize("input", [7, [7], None, {"type": "text"}])
async def test_input_of_another_kind_is_not_sent(server: Server, input: Any) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(InvalidArgument):
            await thread.run(input)
        assert not server.sent("turn/start")


@pytest.mark.parametrize("option", ["sandbox_policy", "Model", "max_turns"])
async def test_an_option_that_does_not_exist_is_not_sent(server: Server, option: str) -> None:
    options: Any = {option: "x"}
    async with a_thread(server) as thread:
        with pytest.raises(InvalidArgument, match=option):
            await thread.run("Work.", **options)
        with pytest.raises(InvalidArgument, match=option):
            await thread.runtime.thread_start(**options)
        assert not server.sent("turn/start")


# -- failure


async def test_a_failed_turn_raises_with_all_that_it_did(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        server.message(*ids, "So far so good.")
        server.complete(
            *ids, "failed", {"message": "no money", "codexErrorInfo": "usageLimitExceeded"}
        )
        with pytest.raises(TurnFailed) as caught:
            await turn.result()
        assert caught.value.result.text == "So far so good."
        assert caught.value.result.status == "failed"
        assert caught.value.error is not None
        assert caught.value.error.message == "no money"
        assert "no money" in str(caught.value)
        assert (await turn.result(raise_on_failure=False)).status == "failed"


async def test_a_retried_error_is_no_end(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        ids = {"threadId": turn.thread_id, "turnId": turn.turn_id}
        server.tell("error", **ids, willRetry=True, error={"message": "Reconnecting... 1/5"})
        await settled()
        assert turn.status == "inProgress"
        server.complete(turn.thread_id, turn.turn_id)
        assert (await turn.result()).status == "completed"


async def test_an_end_of_a_kind_from_the_future_is_an_end(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        server.complete(turn.thread_id, turn.turn_id, "sublimated")
        assert (await turn.result()).status == "incomplete"


async def test_a_connection_lost_in_a_turn_ends_it_as_incomplete(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        server.delta(turn.thread_id, turn.turn_id, "half a ")
        server.crash(signal=9, stderr_tail="oops")
        events = turn.events()
        assert (await anext(events)).method == "turn/started"
        assert (await anext(events)).method == "item/agentMessage/delta"
        with pytest.raises(ConnectionLost) as caught:
            await anext(events)
        assert (caught.value.signal, caught.value.stderr_tail) == (9, "oops")
        with pytest.raises(ConnectionLost):
            await turn.result()
        with pytest.raises(ConnectionLost):
            await turn.interrupt()
        with pytest.raises(ConnectionLost):
            await thread.run("More.")
        await turn.wait_ended()
        assert turn.status == "incomplete"


async def test_a_connection_lost_while_a_turn_starts_is_told_there(server: Server) -> None:
    server.on["turn/start"] = lambda _: server.crash(exit_code=1)
    async with a_thread(server) as thread:
        with pytest.raises(ConnectionLost):
            await thread.run("Work.")


async def test_closing_the_runtime_in_a_turn_ends_it_as_incomplete(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await thread.runtime.close()
        with pytest.raises(RuntimeClosed):
            await turn.result()
        with pytest.raises(RuntimeClosed):
            _ = [event async for event in turn]
        with pytest.raises(RuntimeClosed):
            await turn.interrupt()
        assert turn.status == "incomplete"
        assert "incomplete" in repr(turn)


async def test_an_ended_turn_keeps_its_result_when_the_runtime_is_closed(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.wait_ended()
    assert (await turn.result()).text == "Hello."
    assert [event.method async for event in turn][-1] == "turn/completed"
