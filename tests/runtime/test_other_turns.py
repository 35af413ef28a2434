"""Turns that other requests start, with servers that are early, late, silent or wrong."""

from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread, cancelled_at_every_wait, settled

from codex_runtime import (
    ConnectionLost,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    RuntimeClosed,
    TurnInProgress,
    TurnResult,
    TurnTimedOut,
)

COMPACT, SHELL, REVIEW = "thread/compact/start", "thread/shellCommand", "review/start"

SUMMARY: Message = {"type": "contextCompaction", "id": "c1"}


def command(**more: Any) -> Message:
    return {"type": "commandExecution", "id": "s1", "source": "userShell", "command": "ls", **more}


def thread_of(request: Message) -> str:
    return str(request["params"]["threadId"])


def play_compaction(server: Server, turn_id: str = "turn-c") -> None:
    """Have a compaction taken, started and completed."""

    def compact(request: Message) -> None:
        ids = thread_of(request), turn_id
        server.answer(request, {})
        server.begin(*ids)
        server.item("started", *ids, **SUMMARY)
        server.item("completed", *ids, **SUMMARY)
        server.complete(*ids)

    server.on[COMPACT] = compact


# -- which turn is it?


async def test_the_turn_that_starts_behind_the_answer_is_the_one(server: Server) -> None:
    play_compaction(server)
    async with a_thread(server) as thread:
        result = await thread.compact()
        assert (result.turn_id, result.status) == ("turn-c", "completed")
        assert thread.active_turn_id is None
        assert (await thread.compact()).status == "completed"


async def test_a_turn_that_starts_before_the_answer_is_known_by_its_item(server: Server) -> None:
    def eager(request: Message) -> None:
        ids = thread_of(request), "turn-c"
        server.begin(*ids)
        server.item("started", *ids, **SUMMARY)
        server.answer(request, {})
        server.item("completed", *ids, **SUMMARY)
        server.complete(*ids)

    server.on[COMPACT] = eager
    async with a_thread(server) as thread:
        result = await thread.compact()
    assert (result.turn_id, len(result.items)) == ("turn-c", 1)


async def test_a_turn_that_others_start_at_the_same_moment_is_not_taken_for_it(
    server: Server,
) -> None:
    def with_a_guest(request: Message) -> None:
        thread_id = thread_of(request)
        server.begin(thread_id, "guest")
        server.message(thread_id, "guest", "not mine")
        server.answer(request, {})
        server.complete(thread_id, "guest", "interrupted")
        server.begin(thread_id, "turn-c")
        server.item("started", thread_id, "turn-c", **SUMMARY)
        server.item("completed", thread_id, "turn-c", **SUMMARY)
        server.complete(thread_id, "turn-c")

    server.on[COMPACT] = with_a_guest
    async with a_thread(server) as thread:
        result = await thread.compact()
    assert (result.turn_id, result.status, len(result.items)) == ("turn-c", "completed", 1)


@pytest.mark.virtual_time
async def test_a_turn_that_never_starts_is_a_timeout_and_the_thread_is_free_again(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(RequestTimeout) as caught:
            await thread.compact()
        assert caught.value.method == COMPACT
        with pytest.raises(TurnInProgress):
            await thread.run("It may still come.")
        await anyio.sleep(10.1)
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


@pytest.mark.virtual_time
async def test_a_turn_that_starts_after_all_is_stopped(server: Server) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(RequestTimeout):
            await thread.compact()
        server.begin(thread.thread_id, "turn-c")
        server.running.append((thread.thread_id, "turn-c"))
        await settled()
        assert server.running == []
        assert thread.active_turn_id is None


async def test_a_refusal_leaves_the_thread_free(server: Server) -> None:
    server.on[COMPACT] = lambda request: server.refuse(request, "not now")
    async with a_thread(server) as thread:
        with pytest.raises(RequestRefused, match="not now"):
            await thread.compact()
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


async def test_a_connection_lost_before_the_turn_has_started_is_told(server: Server) -> None:
    def answer_and_die(request: Message) -> None:
        server.answer(request, {})
        server.crash(exit_code=1)

    server.on[COMPACT] = answer_and_die
    async with a_thread(server) as thread:
        with pytest.raises(ConnectionLost):
            await thread.compact()
        with pytest.raises(ConnectionLost):
            await thread.review("Look.")


async def test_closing_before_the_turn_has_started_is_told(server: Server) -> None:
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:

        async def compact() -> None:
            with pytest.raises(RuntimeClosed):
                await thread.compact()

        tasks.start_soon(compact)
        await server.heard(COMPACT)
        await thread.runtime.close()


async def test_cancelled_at_every_wait_nothing_is_left(server: Server) -> None:
    play_compaction(server)
    async with a_thread(server) as thread:
        tasks = len(anyio.get_running_tasks())

        async def check(_: TurnResult | None) -> None:
            assert thread.runtime.statistics().open_requests == 0
            assert thread.active_turn_id is None
            assert len(anyio.get_running_tasks()) == tasks

        assert await cancelled_at_every_wait(thread.compact, check) >= 1


async def test_cancelling_a_compaction_that_goes_on_interrupts_it(server: Server) -> None:
    def begin(request: Message) -> None:
        server.answer(request, {})
        server.begin(thread_of(request), "turn-c")
        server.running.append((thread_of(request), "turn-c"))

    server.on[COMPACT] = begin
    async with a_thread(server) as thread:
        for rounds in (1, 5, 20, 60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(thread.compact)
                await settled(rounds)
                tasks.cancel_scope.cancel()
            await settled()
            assert server.running == []
            assert thread.active_turn_id is None


async def test_frames_beyond_repair_are_no_turn_and_no_harm(server: Server) -> None:
    def broken(request: Message) -> None:
        thread_id = thread_of(request)
        for method in ("turn/started", "item/started", "thread/status/changed", "turn/completed"):
            server.say(method=method, params={"threadId": thread_id, "turnId": "x", "turn": 7})
            server.say(method=method, params={"threadId": thread_id, "item": 7, "status": []})
            server.say(method=method, params=[thread_id])
        server.answer(request, {})
        server.begin(thread_id, "turn-c")
        server.item("started", thread_id, "turn-c", **SUMMARY)
        server.complete(thread_id, "turn-c")

    server.on[COMPACT] = broken
    async with a_thread(server) as thread:
        assert (await thread.compact()).turn_id == "turn-c"
        assert thread.active_turn_id is None


# -- commands


def play_command(server: Server, **end: Any) -> None:
    def shell(request: Message) -> None:
        ids = thread_of(request), "turn-s"
        server.answer(request, {})
        server.begin(*ids)
        server.item("started", *ids, **command(status="inProgress"))
        if end:
            server.item("completed", *ids, **command(**end))
        server.complete(*ids)

    server.on[SHELL] = shell


async def test_a_command_comes_back_and_its_time_is_told_to_the_server(server: Server) -> None:
    play_command(server, exitCode=2, aggregatedOutput="no\n", status="failed")
    async with a_thread(server) as thread:
        item = await thread.shell_command("ls", privileged_escalation_approved=True, timeout=1.5)
        await thread.shell_command("ls", privileged_escalation_approved=True, timeout=1e300)
    assert (item.exit_code, item.aggregated_output) == (2, "no\n")
    first, second = (request["params"] for request in server.sent(SHELL))
    assert first == {"threadId": thread.thread_id, "command": "ls", "timeoutMs": 11_500}
    assert second["timeoutMs"] < 2**63


async def test_a_turn_that_tells_of_no_command_is_a_typed_error(server: Server) -> None:
    play_command(server)
    async with a_thread(server) as thread:
        with pytest.raises(RemoteProtocolError, match="without the command"):
            await thread.shell_command("ls", privileged_escalation_approved=True)


@pytest.mark.virtual_time
async def test_a_command_that_takes_too_long_is_interrupted(server: Server) -> None:
    def begin(request: Message) -> None:
        server.answer(request, {})
        server.begin(thread_of(request), "turn-s")
        server.running.append((thread_of(request), "turn-s"))

    server.on[SHELL] = begin
    async with a_thread(server) as thread:
        with pytest.raises(TurnTimedOut):
            await thread.shell_command("ls", privileged_escalation_approved=True, timeout=5)
        assert server.running == []


@pytest.mark.parametrize("timeout", [0, -1, True, "long"])
async def test_a_time_that_is_none_is_not_sent(server: Server, timeout: Any) -> None:
    async with a_thread(server) as thread:
        for start in (
            thread.compact(timeout=timeout),
            thread.review("Look.", timeout=timeout),
            thread.shell_command("ls", privileged_escalation_approved=True, timeout=timeout),
        ):
            with pytest.raises(InvalidArgument, match="timeout"):
                await start
    assert not any(server.sent(method) for method in (COMPACT, SHELL, REVIEW))


# -- reviews


def take_review(server: Server) -> None:
    """Have a review taken that runs within itself, as the server does it (fact 280)."""

    def review(request: Message) -> None:
        ids = server.take_turn(request)
        server.item("started", *ids, type="enteredReviewMode", id="e1", review="Look.")
        server.begin(ids[0], f"inner-{ids[1]}")

    server.on[REVIEW] = review

    def interrupt(request: Message) -> None:
        assert request["params"]["turnId"].startswith("inner-")
        server.answer(request, {})
        outer = request["params"]["turnId"].removeprefix("inner-")
        server.complete(thread_of(request), outer, "interrupted")

    server.on["turn/interrupt"] = interrupt


async def test_a_review_has_the_start_of_its_inner_turn_and_is_interrupted_by_it(
    server: Server,
) -> None:
    take_review(server)
    async with a_thread(server) as thread:
        for _ in range(2):
            review = await thread.review("Look.")
            await settled()
            assert thread.active_turn_id == review.turn_id
            with pytest.raises(TurnInProgress):
                await thread.run("Work.")
            await review.interrupt()
            assert [event.method async for event in review] == [
                "item/started",
                "turn/started",
                "item/abandoned",
                "turn/completed",
            ]
            assert thread.active_turn_id is None
        server.on["turn/start"] = server.play_turn
        assert (await thread.run("Work.")).text == "Hello."


async def test_a_review_that_is_told_of_before_its_answer_is_whole(server: Server) -> None:
    def eager(request: Message) -> None:
        ids = thread_of(request), "outer"
        server.item("started", *ids, type="enteredReviewMode", id="e1", review="Look.")
        server.begin(ids[0], "inner")
        server.take_turn(request, "outer")
        server.message(*ids, "Fine.")
        server.complete(*ids)

    server.on[REVIEW] = eager
    async with a_thread(server) as thread:
        review = await thread.review("Look.")
        assert [event.method async for event in review][:2] == ["item/started", "turn/started"]
        assert (await review.result()).text == "Fine."
        assert thread.active_turn_id is None


@pytest.mark.parametrize("result", [{}, {"turn": None}, {"turn": {"id": ""}}, []])
async def test_a_review_answered_without_a_turn_is_a_typed_error(
    server: Server, result: Any
) -> None:
    server.on[REVIEW] = lambda request: server.answer(request, result)
    async with a_thread(server) as thread:
        with pytest.raises(RemoteProtocolError) as caught:
            await thread.review("Look.")
        assert caught.value.method == REVIEW
        assert thread.active_turn_id is None


async def test_a_review_of_somebody_else_ends_with_its_thread_at_rest(server: Server) -> None:
    """It starts under one id and ends under another."""
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, "inner")
        await settled()
        assert thread.active_turn_id == "inner"
        server.tell("thread/status/changed", threadId=thread.thread_id, status={"type": "idle"})
        server.complete(thread.thread_id, "outer")
        await settled()
        assert thread.active_turn_id is None


# -- handles to the turns of others


async def test_a_handle_to_somebody_elses_turn_is_shared(server: Server) -> None:
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, "stranger")
        await settled()
        first, second = thread.turn("stranger"), thread.turn("stranger")
        server.delta(thread.thread_id, "stranger", "Hello.")
        server.complete(thread.thread_id, "stranger")
        assert [text async for text in first.text()] == ["Hello."]
        assert [text async for text in second.text()] == ["Hello."]
        assert (await first.result()) == (await second.result())
        with pytest.raises(InvalidArgument):
            thread.turn("stranger")


async def test_a_handle_to_a_turn_of_ours_is_the_same_turn_from_its_start(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await settled()
        again = thread.turn(turn.turn_id)
        with anyio.move_on_after(0):
            await again.result()
        await settled()
        assert not server.sent("turn/interrupt")
        server.complete(turn.thread_id, turn.turn_id)
        assert [event.method async for event in again] == ["turn/started", "turn/completed"]


async def test_a_handle_needs_a_connection(server: Server) -> None:
    async with a_thread(server) as thread:
        server.begin(thread.thread_id, "stranger")
        await settled()
        server.crash(exit_code=1)
        await settled()
        with pytest.raises(ConnectionLost):
            thread.turn("stranger")
    with pytest.raises(RuntimeClosed):
        thread.turn("stranger")
