"""The time that a turn may take, in virtual time: hours pass in milliseconds."""

import logging

import anyio
import pytest
from runtime.support import Message, Server, a_thread, settled

from codex_runtime import InvalidArgument, TurnTimedOut

pytestmark = pytest.mark.virtual_time


async def test_a_turn_that_takes_too_long_is_interrupted(server: Server) -> None:
    async with a_thread(server) as thread:
        began = anyio.current_time()
        with pytest.raises(TurnTimedOut) as caught:
            await thread.run("Work.", timeout=600)
        assert 600 <= anyio.current_time() - began < 601
        assert (caught.value.seconds, caught.value.result.status) == (600, "interrupted")
        assert len(server.sent("turn/interrupt")) == 1
        assert server.running == []


async def test_without_a_word_a_turn_may_take_an_hour(server: Server) -> None:
    async with a_thread(server) as thread:
        began = anyio.current_time()
        with pytest.raises(TurnTimedOut) as caught:
            await thread.run("Work.")
        assert 3600 <= anyio.current_time() - began < 3601
        assert caught.value.seconds == 3600


async def test_the_result_of_a_turn_out_of_time_can_be_had_without_an_exception(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        result = await thread.run("Work.", timeout=5, raise_on_failure=False)
        assert result.status == "interrupted"
        assert thread.runtime.statistics().open_requests == 0


async def test_events_of_a_turn_out_of_time_end_with_its_end(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=5)
        assert [event.method async for event in turn] == ["turn/started", "turn/completed"]


async def test_waiting_for_a_person_stops_the_clock(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=100)
        began = anyio.current_time()
        await anyio.sleep(60)
        server.status(turn.thread_id, "waitingOnApproval")
        await anyio.sleep(5_000)
        server.status(turn.thread_id)
        await anyio.sleep(30)
        server.status(turn.thread_id, "waitingOnUserInput")
        await anyio.sleep(5_000)
        assert turn.status == "inProgress"
        server.status(turn.thread_id)
        with pytest.raises(TurnTimedOut):
            await turn.result()
        assert anyio.current_time() - began == pytest.approx(10_100, abs=1)  # pyright: ignore[reportUnknownMemberType] — pytest's own stub


async def test_a_person_of_another_thread_stops_no_clock_here(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=100)
        server.status("thread-of-others", "waitingOnApproval")
        began = anyio.current_time()
        with pytest.raises(TurnTimedOut):
            await turn.result()
        assert anyio.current_time() - began < 101


async def test_a_turn_may_end_while_it_waits_for_a_person(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=100)
        server.status(turn.thread_id, "waitingOnApproval")
        await anyio.sleep(1_000)
        server.complete(turn.thread_id, turn.turn_id)
        assert (await turn.result()).status == "completed"
        # Nor does its clock strike later.
        await anyio.sleep(10_000)
        assert not server.sent("turn/interrupt")


async def test_a_server_that_ignores_the_interrupt_leaves_the_turn_incomplete(
    server: Server,
) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=60)
        server.message(turn.thread_id, turn.turn_id, "So far.")
        began = anyio.current_time()
        with pytest.raises(TurnTimedOut) as caught:
            await turn.result()
        assert anyio.current_time() - began < 60 + 11
        assert (caught.value.result.status, caught.value.result.text) == ("incomplete", "So far.")
        assert (await turn.result(raise_on_failure=False)).status == "incomplete"
        with pytest.raises(TurnTimedOut):
            _ = [event async for event in turn]
        # Asking for its end afterwards is no error either.
        await turn.interrupt()


async def test_a_turn_that_never_starts_is_given_up_in_time(server: Server) -> None:
    server.on["turn/start"] = lambda request: (server.take_turn(request), None)[1]
    async with a_thread(server) as thread:
        with pytest.raises(TurnTimedOut) as caught:
            await thread.run("Work.", timeout=60)
        assert caught.value.result.status == "incomplete"


async def test_a_turn_that_ends_by_itself_at_the_last_moment_is_not_out_of_time(
    server: Server,
) -> None:
    def just_done(request: Message) -> None:
        ids = request["params"]["threadId"], request["params"]["turnId"]
        server.refuse(request, "no active turn to interrupt")
        server.message(*ids, "Done.")
        server.complete(*ids)

    server.on["turn/interrupt"] = just_done
    async with a_thread(server) as thread:
        assert (await thread.run("Work.", timeout=60)).text == "Done."


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
async def test_the_time_is_a_positive_number_of_seconds(server: Server, timeout: float) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(InvalidArgument, match="timeout"):
            await thread.run("Work.", timeout=timeout)
        assert not server.sent("turn/start")


async def test_cancelling_a_run_on_a_server_that_ignores_the_interrupt_is_bounded(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with a_thread(server) as thread:
        began = anyio.current_time()
        with caplog.at_level(logging.WARNING):
            with anyio.move_on_after(100):
                await thread.run("Work.")
            await settled()
        assert 100 <= anyio.current_time() - began < 111
        assert "may still run" in caplog.text


async def test_cancelling_a_start_on_a_server_that_does_not_answer_is_bounded(
    server: Server,
) -> None:
    server.on["turn/start"] = server.nothing
    async with a_thread(server) as thread:
        began = anyio.current_time()
        with anyio.move_on_after(5) as scope:
            await thread.turn_start("Work.")
        assert scope.cancelled_caught
        assert anyio.current_time() - began < 16
        await settled()
        # The thread is free again.
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."
