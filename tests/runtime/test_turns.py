"""Turns over a server in memory: what belongs to which, how they end, what they return."""

from typing import Any

import anyio
import pytest

from codex_runtime import (
    ConnectionLost,
    EmptyInput,
    InvalidArgument,
    ItemAbandoned,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    RuntimeClosed,
    ThreadHandle,
    TurnFailed,
    TurnHandle,
    TurnInProgress,
    protocol,
    run,
    stream,
)
from codex_runtime.testing import FakeAppServer, assistant_message, cut_stream, fail, shell
from runtime.support import PATIENCE, Message, Server, a_thread, settled


async def words_of(turn: TurnHandle) -> list[str]:
    return [text async for text in turn.text()]


async def test_a_turn_tells_its_events_in_order_and_returns_what_it_did(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Say hello.")
        told = [event.method async for event in turn]
        result = await turn.result()

    assert told == [
        "turn/started",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed",
        "turn/completed",
    ]
    assert (result.status, result.text, result.duration) == ("completed", "Hello.", 1.5)
    assert (result.thread_id, result.turn_id) == (thread.thread_id, turn.turn_id)
    assert [type(item) for item in result.items] == [protocol.AgentMessageItem]
    assert (result.abandoned, result.error, result.diff) == ((), None, "")


async def test_run_needs_no_iteration(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        assert (await thread.run("Say hello.")).text == "Hello."
        assert (await thread.run("Again.")).text == "Hello."


async def test_text_is_the_growing_text_and_nothing_else(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Say hello.")
        assert "thread-1" in repr(thread)
        assert turn.turn_id in repr(turn)
        assert await words_of(turn) == ["Hel", "lo."]


async def test_the_result_can_be_asked_for_before_during_and_after_iterating(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        texts: list[str] = []

        async def wait() -> None:
            texts.append((await turn.result()).text)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            assert (await anext(turn)).method == "turn/started"
            tasks.start_soon(wait)
            server.message(turn.thread_id, turn.turn_id, "Done.")
            server.complete(turn.thread_id, turn.turn_id)
        await wait()
        assert texts == ["Done."] * 3
        assert [event.method async for event in turn] == ["item/completed", "turn/completed"]
        assert [event async for event in turn] == []


async def test_events_that_come_before_the_answer_to_turn_start_are_not_lost(
    server: Server,
) -> None:
    def eager(request: Message) -> None:
        ids = request["params"]["threadId"], "turn-9"
        server.begin(*ids)
        server.delta(*ids, "early")
        server.take_turn(request, "turn-9")
        server.message(*ids, "early and late")
        server.complete(*ids)

    server.on["turn/start"] = eager
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Hurry.")
        assert [event.method async for event in turn] == [
            "turn/started",
            "item/agentMessage/delta",
            "item/completed",
            "turn/completed",
        ]
        assert (await turn.result()).text == "early and late"


async def test_a_turn_that_ends_before_the_answer_to_turn_start_has_ended(server: Server) -> None:
    def very_eager(request: Message) -> None:
        ids = request["params"]["threadId"], "turn-9"
        server.begin(*ids)
        server.message(*ids, "Done.")
        server.complete(*ids)
        server.take_turn(request, "turn-9")
        server.running.clear()

    server.on["turn/start"] = very_eager
    async with a_thread(server) as thread:
        with anyio.fail_after(PATIENCE):
            assert (await thread.run("Hurry.")).text == "Done."
            assert (await thread.run("Hurry.")).text == "Done."


async def test_another_turn_that_the_server_starts_at_the_same_moment_does_not_mix_in(
    server: Server,
) -> None:
    def with_a_guest(request: Message) -> None:
        thread_id = request["params"]["threadId"]
        server.delta(thread_id, "turn-guest", "not mine")
        ids = server.take_turn(request)
        server.delta(thread_id, "turn-guest", "not mine either")
        server.delta(*ids, "mine")
        server.complete(*ids)

    server.on["turn/start"] = with_a_guest
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        assert await words_of(turn) == ["mine"]


async def test_turns_of_two_threads_do_not_mix(server: Server) -> None:
    async with a_thread(server) as one:
        two = await one.runtime.thread_start()
        first, second = await one.turn_start("One."), await two.turn_start("Two.")
        for number in range(4):
            server.delta(one.thread_id, first.turn_id, f"one {number} ")
            server.delta(two.thread_id, second.turn_id, f"two {number} ")
        server.complete(one.thread_id, first.turn_id)
        server.complete(two.thread_id, second.turn_id, "interrupted")

        assert "".join(await words_of(first)) == "one 0 one 1 one 2 one 3 "
        assert "".join(await words_of(second)) == "two 0 two 1 two 2 two 3 "
        assert (await first.result()).status == "completed"
        assert (await second.result()).status == "interrupted"


async def test_the_same_turn_id_in_a_fork_is_another_turn(server: Server) -> None:
    def same_id(request: Message) -> None:
        server.begin(*server.take_turn(request, "turn-7"))

    server.on["turn/start"] = same_id
    async with a_thread(server) as source:
        fork = await source.runtime.thread_start()
        first, second = await source.turn_start("One."), await fork.turn_start("Two.")
        assert first.turn_id == second.turn_id
        server.delta(fork.thread_id, "turn-7", "fork")
        server.delta(source.thread_id, "turn-7", "source")
        server.complete(source.thread_id, "turn-7")
        server.complete(fork.thread_id, "turn-7")
        assert await words_of(first) == ["source"]
        assert await words_of(second) == ["fork"]


async def test_events_of_all_threads_and_of_one_can_be_followed(server: Server) -> None:
    async with a_thread(server) as thread:
        runtime = thread.runtime
        async with runtime.events() as all_of_them, runtime.events("thread-9") as of_one:
            server.delta("thread-8", "turn-1", "eight")
            server.delta("thread-9", "turn-1", "nine")
            server.tell("thread/started", thread={"id": "thread-10"})
            assert [(await anext(all_of_them)).method for _ in range(3)] == [
                "item/agentMessage/delta",
                "item/agentMessage/delta",
                "thread/started",
            ]
            event: Any = await anext(of_one)
            assert event.delta == "nine"
        assert [event async for event in of_one] == []


async def test_a_late_end_of_an_item_still_reaches_those_who_follow_the_thread(
    server: Server,
) -> None:
    async with a_thread(server) as thread, thread.runtime.events(thread.thread_id) as events:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        command = {"type": "commandExecution", "id": "c1", "command": "sleep 30"}
        server.item("started", *ids, **command, status="inProgress")
        server.complete(*ids, "interrupted")
        result = await turn.result()
        server.item("completed", *ids, **command, status="completed")

        assert [type(item) for item in result.abandoned] == [protocol.CommandExecutionItem]
        assert [(await anext(events)).method for _ in range(4)] == [
            "turn/started",
            "item/started",
            "turn/completed",
            "item/completed",
        ]


async def test_what_was_started_and_not_completed_is_abandoned_before_the_last_event(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        ids = turn.thread_id, turn.turn_id
        server.item("started", *ids, type="agentMessage", id="m1", text="")
        server.item("started", *ids, type="agentMessage", id="m2", text="")
        server.message(*ids, "Second.", "m2")
        server.complete(*ids, "interrupted")
        *_, before, last = [event async for event in turn]
        assert isinstance(before, ItemAbandoned)
        assert isinstance(before.item, protocol.AgentMessageItem)
        assert (before.item.id, before.turn_id) == ("m1", turn.turn_id)
        assert isinstance(last, protocol.TurnCompletedNotification)


# -- one turn at a time


async def test_a_thread_with_a_running_turn_takes_no_other(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        assert (await anext(turn)).method == "turn/started"
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("More work.")
        assert (caught.value.thread_id, caught.value.turn_id) == (thread.thread_id, turn.turn_id)
        assert len(server.sent("turn/start")) == 1

        server.complete(turn.thread_id, turn.turn_id)
        await turn.result()
        assert (await thread.turn_start("More work.")).status == "inProgress"


async def test_a_turn_that_is_taken_but_not_started_yet_keeps_its_thread_busy(
    server: Server,
) -> None:
    server.on["turn/start"] = lambda request: (server.take_turn(request), None)[1]
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("More work.")
        assert caught.value.turn_id == turn.turn_id


async def test_of_two_starts_at_once_one_is_refused_here(server: Server) -> None:
    server.on["turn/start"] = server.nothing
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(thread.turn_start, "One.")
        await server.heard("turn/start")
        with pytest.raises(TurnInProgress):
            await thread.turn_start("Two.")
        assert len(server.sent("turn/start")) == 1
        server.start_turn(server.sent("turn/start")[0])


async def test_a_turn_that_nobody_here_has_started_keeps_its_thread_busy(server: Server) -> None:
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, "turn-of-the-queue")
        await settled()
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("Work.")
        assert caught.value.turn_id == "turn-of-the-queue"
        server.complete(thread.thread_id, "turn-of-the-queue")
        await settled()
        await thread.turn_start("Work.")


async def test_a_start_that_is_refused_leaves_the_thread_free(server: Server) -> None:
    server.on["turn/start"] = lambda request: server.refuse(request, "not now")
    async with a_thread(server) as thread:
        with pytest.raises(RequestRefused, match="not now"):
            await thread.turn_start("Work.")
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


@pytest.mark.parametrize("result", [{}, {"turn": None}, {"turn": {"id": ""}}, [], None])
async def test_a_start_answered_without_a_turn_is_a_typed_error(
    server: Server, result: Any
) -> None:
    server.on["turn/start"] = lambda request: server.answer(request, result)
    async with a_thread(server) as thread:
        with pytest.raises(RemoteProtocolError):
            await thread.turn_start("Work.")
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


@pytest.mark.virtual_time
async def test_a_start_that_is_never_answered_times_out_and_leaves_the_thread_free(
    server: Server,
) -> None:
    server.on["turn/start"] = server.nothing
    async with a_thread(server) as thread:
        with pytest.raises(RequestTimeout) as caught:
            await thread.turn_start("Work.")
        assert caught.value.method == "turn/start"
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


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
        assert (await anext(turn)).method == "turn/started"
        assert (await anext(turn)).method == "item/agentMessage/delta"
        with pytest.raises(ConnectionLost) as caught:
            await anext(turn)
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
        assert [type(item) for item in first.items if item.type == "commandExecution"] == [
            protocol.CommandExecutionItem
        ]
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
            assert (await anext(turn)).method == "turn/started"
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
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused):
            async with stream("Work.", runtime=runtime):
                pytest.fail("it has not started")
        with pytest.raises(EmptyInput):
            await run("", runtime=runtime)
        with pytest.raises(InvalidArgument):
            stream("Work.", runtime=runtime, **{"no_such": 1})  # type: ignore[arg-type]

