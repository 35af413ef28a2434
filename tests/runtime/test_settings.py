"""Settings with a server that hangs, lies, or says something else in between."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread, settled

from codex_runtime import (
    ConnectionLost,
    PolicyMismatch,
    RequestRefused,
    RequestTimeout,
    SandboxNotAllowed,
)
from codex_runtime.protocol import ReadOnlySandboxPolicy

pytestmark = pytest.mark.virtual_time

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
    "cwd": "/",
}
WRITE: dict[str, Any] = {**WORDS, "sandbox": "workspace-write"}
METHOD = "thread/settings/update"
RECORDED = "01a20d62-01ef-7093-a6dd-e735014be34a"


async def test_an_update_that_is_not_answered_is_bounded_and_may_be_in_force(
    server: Server,
) -> None:
    server.on[METHOD] = server.nothing
    async with a_thread(server, request_timeout=7) as thread:
        began = anyio.current_time()
        with pytest.raises(RequestTimeout):
            await thread.update_settings(**WRITE)
        assert 7 <= anyio.current_time() - began < 8
        assert thread.settings.sandbox_policy == ReadOnlySandboxPolicy()
        with pytest.raises(SandboxNotAllowed, match="workspace-write"):
            await thread.turn_start("Work.", cwd="/tmp")  # noqa: S108 — any other folder


async def test_an_update_that_is_refused_changes_nothing(server: Server) -> None:
    server.on[METHOD] = lambda request: server.refuse(request, "no")
    async with a_thread(server) as thread:
        with pytest.raises(RequestRefused):
            await thread.update_settings(**WRITE)
        await thread.turn_start("Work.", cwd="/tmp")  # noqa: S108 — any other folder


async def test_an_update_of_which_nothing_is_told_is_given_up_after_a_while(
    server: Server,
) -> None:
    server.on[METHOD] = lambda request: server.answer(request, {})
    async with a_thread(server) as thread:
        began = anyio.current_time()
        with pytest.raises(PolicyMismatch, match="sandbox: asked workspace-write, in force read"):
            await thread.update_settings(**WRITE)
        assert 10 <= anyio.current_time() - began < 11
        # Who knows: it counts as the wider of both.
        with pytest.raises(SandboxNotAllowed):
            await thread.turn_start("Work.", cwd="/tmp")  # noqa: S108 — any other folder


async def test_what_may_have_been_so_before_is_waited_for_but_shortly(server: Server) -> None:
    server.on[METHOD] = lambda request: server.answer(request, {})
    async with a_thread(server) as thread:
        began = anyio.current_time()
        await thread.update_settings(summary="auto")
        assert 1 <= anyio.current_time() - began < 2


async def test_an_update_that_ends_up_as_something_else_is_a_mismatch(server: Server) -> None:
    def wider(request: Message) -> None:
        server.answer(request, {})
        server.put_in_force(request, sandboxPolicy={"type": "dangerFullAccess"})

    server.on[METHOD] = wider
    async with a_thread(server) as thread:
        with pytest.raises(PolicyMismatch, match="in force danger-full-access"):
            await thread.update_settings(**WRITE)
        with pytest.raises(SandboxNotAllowed, match="danger-full-access"):
            await thread.turn_start("Work.", approval_policy="never")


async def test_what_others_change_in_between_does_not_end_the_wait(server: Server) -> None:
    def late(request: Message) -> None:
        server.answer(request, {})
        server.put_in_force({"params": {"threadId": "thread-1", "effort": "low"}})
        server.put_in_force(request)

    server.on[METHOD] = late
    async with a_thread(server) as thread:
        await thread.update_settings(model="m2")
        assert (thread.settings.model, thread.settings.effort) == ("m2", "low")


async def test_settings_that_cannot_be_read_count_as_the_widest(server: Server) -> None:
    async with a_thread(server) as thread:
        server.tell("thread/settings/updated", threadId="thread-1", threadSettings=7)
        await settled()
        assert not thread.settings.sandbox_policy
        with pytest.raises(SandboxNotAllowed):
            await thread.turn_start("Work.", cwd="/tmp")  # noqa: S108 — any other folder


# -- for one turn only

ONE_TURN: dict[str, Any] = {"model": "m2", "only_this_turn": True}


def updates(server: Server) -> list[Message]:
    return [message["params"] for message in server.sent(METHOD)]


async def test_settings_are_put_back_however_the_turn_ends(server: Server) -> None:
    async with a_thread(server) as thread:
        before = thread.settings
        for status in ("completed", "failed", "interrupted"):
            turn = await thread.turn_start("Work.", **WRITE, **ONE_TURN)
            assert thread.settings.model == "m2"
            server.complete(turn.thread_id, turn.turn_id, status)
            await turn.result(raise_on_failure=False)
            await settled()
            assert thread.settings.model == before.model
            assert thread.settings.sandbox_policy == before.sandbox_policy
        assert len(updates(server)) == 3


async def test_settings_are_put_back_after_a_turn_that_was_out_of_time(server: Server) -> None:
    async with a_thread(server) as thread:
        result = await thread.run("Work.", timeout=5, raise_on_failure=False, **ONE_TURN)
        assert result.status == "interrupted"
        await settled()
        assert thread.settings.model == "none"


async def test_the_next_turn_waits_until_settings_are_put_back(server: Server) -> None:
    held: list[Message] = []
    server.on[METHOD] = held.append
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        await thread.run("Work.", **ONE_TURN)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(thread.run, "Work on.")
            await settled()
            assert len(server.sent("turn/start")) == 1
            server.update_settings(held.pop())
        assert len(server.sent("turn/start")) == 2
        assert thread.settings.model == "none"


async def test_settings_that_could_not_be_put_back_are_tried_again_before_the_next_turn(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.on[METHOD] = lambda request: server.refuse(request, "no")
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        with caplog.at_level(logging.WARNING, "codex_runtime.thread"):
            await thread.run("Work.", **ONE_TURN)
            await settled()
        assert "settings of a turn could not be put back" in caplog.text
        with pytest.raises(RequestRefused):
            await thread.run("Work on.")
        assert len(server.sent("turn/start")) == 1
        server.on[METHOD] = server.update_settings
        await thread.run("Work on.")
        assert thread.settings.model == "none"
        await thread.run("Work on.")
    assert len(updates(server)) == 3


async def test_a_server_that_never_puts_settings_back_holds_nobody_up_for_ever(
    server: Server,
) -> None:
    server.on[METHOD] = server.nothing
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        await thread.run("Work.", **ONE_TURN)
        began = anyio.current_time()
        with pytest.raises(RequestTimeout):
            await thread.run("Work on.")
        assert anyio.current_time() - began < 25


async def test_a_start_that_is_refused_leaves_nothing_to_put_back(server: Server) -> None:
    server.on["turn/start"] = lambda request: server.refuse(request, "no")
    async with a_thread(server) as thread:
        with pytest.raises(RequestRefused):
            await thread.run("Work.", **ONE_TURN)
        await settled()
        assert updates(server) == []
        server.on["turn/start"] = server.play_turn
        await thread.run("Work.")


async def test_a_start_that_the_server_has_taken_all_the_same_is_put_back(server: Server) -> None:
    late: list[Message] = []
    server.on["turn/start"] = late.append
    async with a_thread(server, request_timeout=5) as thread:
        with pytest.raises(RequestTimeout):
            await thread.run("Work.", **ONE_TURN)
        server.start_turn(late.pop())
        await settled()
        server.on["turn/start"] = server.play_turn
        await thread.run("Work.")
        assert thread.settings.model == "none"
    assert len(server.sent("turn/interrupt")) == 1
    assert len(updates(server)) == 1


async def test_a_start_that_is_cancelled_is_put_back(server: Server) -> None:
    late: list[Message] = []
    server.on["turn/start"] = late.append
    async with a_thread(server) as thread:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: thread.run("Work.", **ONE_TURN))
            await server.heard("turn/start")
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await settled()
                server.start_turn(late.pop())
        server.on["turn/start"] = server.play_turn
        await thread.run("Work.")
        assert thread.settings.model == "none"


async def test_what_stands_differently_by_now_is_left_alone(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", **WRITE, **ONE_TURN)
        server.put_in_force({"params": {"threadId": "thread-1", "model": "m3"}})
        server.complete(turn.thread_id, turn.turn_id)
        await turn.wait_ended()
        await settled()
        assert thread.settings.model == "m3"
        assert thread.settings.sandbox_policy == ReadOnlySandboxPolicy()
    assert [sorted(update) for update in updates(server)] == [
        ["approvalPolicy", "cwd", "sandboxPolicy", "threadId"]
    ]


async def test_an_effort_is_taken_away_within_the_mode(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        await thread.run("Work.", effort="high", service_tier="flex", only_this_turn=True)
        await settled()
    (update,) = updates(server)
    assert update == {
        "threadId": "thread-1",
        "serviceTier": None,
        "collaborationMode": {
            "mode": "default",
            "settings": {"model": "none", "developer_instructions": ""},
        },
    }


async def test_a_runtime_that_is_closed_puts_nothing_back(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_thread(server) as thread:
        await thread.turn_start("Work.", **ONE_TURN)
    assert updates(server) == []
    assert caplog.records == []


async def test_a_server_that_is_gone_puts_nothing_back(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", **ONE_TURN)
        server.crash(exit_code=1)
        await turn.wait_ended()
        await thread.runtime.wait_closed()
    assert updates(server) == []


@pytest.mark.parametrize("way", ["turn", "add"])
async def test_who_waits_for_settings_to_be_put_back_is_told_that_the_server_is_gone(
    server: Server, way: str
) -> None:
    server.on[METHOD] = server.nothing
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        await thread.run("Work.", **ONE_TURN)
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                with pytest.raises(ConnectionLost):
                    await (thread.run("On.") if way == "turn" else thread.queue.add("On."))

            tasks.start_soon(wait)
            await server.heard(METHOD)
            await settled()
            server.crash(exit_code=1)
        assert anyio.current_time() - began < 1


# -- what is in force in a turn


async def test_a_turn_with_another_policy_than_asked_for_is_interrupted(server: Server) -> None:
    def wider(request: Message) -> None:
        ids = server.take_turn(request)
        server.put_in_force(request, sandboxPolicy={"type": "dangerFullAccess"})
        server.begin(*ids)

    server.on["turn/start"] = wider
    async with a_thread(server) as thread:
        with pytest.raises(PolicyMismatch, match="in force danger-full-access"):
            await thread.run("Work.", **WRITE)
        await server.heard("turn/interrupt")
        await settled()
        assert server.running == []


async def test_a_change_that_is_told_after_the_answer_counts(server: Server) -> None:
    def late(request: Message) -> None:
        ids = request["params"]["threadId"], "turn-1"
        server.answer(request, {"turn": {"id": "turn-1", "status": "inProgress", "items": []}})
        server.put_in_force(request)
        server.begin(*ids)
        server.complete(*ids)

    server.on["turn/start"] = late
    async with a_thread(server) as thread:
        result = await thread.run("Work.", **WRITE)
        assert result.status == "completed"
    assert server.sent("turn/interrupt") == []


# -- several calls at once


async def test_what_is_being_widened_counts_for_a_turn_that_is_started_meanwhile(
    server: Server,
) -> None:
    held: list[Message] = []
    server.on[METHOD] = held.append
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: thread.update_settings(**WRITE))
        await server.heard(METHOD)

        async def second() -> None:
            with pytest.raises(SandboxNotAllowed):
                await thread.turn_start("Work.", cwd="/tmp")  # noqa: S108 — any other folder

        tasks.start_soon(second)
        await settled()
        server.update_settings(held.pop())
    assert server.sent("turn/start") == []


async def test_a_turn_that_is_being_started_counts_for_an_update_meanwhile(server: Server) -> None:
    held: list[Message] = []
    server.on["turn/start"] = held.append
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: thread.turn_start("Work.", **WRITE))
        await server.heard("turn/start")

        async def second() -> None:
            with pytest.raises(SandboxNotAllowed):
                await thread.update_settings(approval_policy="never")

        tasks.start_soon(second)
        await settled()
        server.start_turn(held.pop())
    assert updates(server) == []


@pytest.mark.parametrize("way", ["add", "start", "goal"])
async def test_what_makes_the_server_start_turns_waits_until_settings_are_put_back(
    server: Server, way: str
) -> None:
    held: list[Message] = []
    server.on[METHOD] = held.append
    methods = {"add": "thread/queue/add", "start": "thread/queue/start", "goal": "thread/goal/set"}
    async with a_thread(server, request_timeout=5) as thread:
        calls: dict[str, Any] = {
            "add": lambda: thread.queue.add("Work on."),
            "start": thread.queue.start,
            "goal": lambda: thread.goal.set("Work on."),
        }
        await thread.turn_start("Work.", **WRITE, **ONE_TURN)
        await server.heard(METHOD)
        with pytest.raises(RequestTimeout):
            await calls[way]()
    assert server.sent(methods[way]) == []


async def test_settings_that_a_resume_does_not_tell_are_known_and_put_back(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(RECORDED)
        await thread.update_settings(summary="concise")
        await thread.resume()
        assert thread.settings.summary == "concise"
        await thread.run("Work.", summary="detailed", only_this_turn=True)
        await settled()
    assert [update["summary"] for update in updates(server)] == ["concise", "concise"]


async def test_a_turn_waits_for_a_rollback_that_has_looked_already(server: Server) -> None:
    held: list[Message] = []
    server.on["thread/read"] = held.append
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:

        async def roll_back() -> None:
            with pytest.raises(RequestRefused):
                await thread.rollback(1)

        tasks.start_soon(roll_back)
        await server.heard("thread/read")
        tasks.start_soon(thread.turn_start, "Work.")
        await settled()
        assert server.sent("turn/start") == []
        server.refuse(held.pop(), "no")
    assert len(server.sent("turn/start")) == 1


@pytest.mark.parametrize("way", ["turn", "review", "queue", "settings", "rollback"])
async def test_a_call_that_hangs_keeps_others_from_a_thread_only_for_the_time_of_a_request(
    server: Server, way: str
) -> None:
    async with server.runtime(request_timeout=5) as runtime:
        thread = await runtime.thread_resume(RECORDED)
        server.on["thread/resume"] = server.nothing
        calls: dict[str, Any] = {
            "turn": lambda: thread.turn_start("Work."),
            "review": lambda: thread.review("All of it."),
            "queue": lambda: thread.queue.add("Work."),
            "settings": lambda: thread.update_settings(model="m2"),
            "rollback": lambda: thread.rollback(1),
        }
        async with anyio.create_task_group() as tasks:
            # It has 120 seconds.
            tasks.start_soon(thread.resume)
            await server.heard("thread/resume", 2)
            sent, began = len(server.received), anyio.current_time()
            with pytest.raises(RequestTimeout):
                await calls[way]()
            assert 5 <= anyio.current_time() - began < 6
            assert len(server.received) == sent
            tasks.cancel_scope.cancel()


async def test_a_call_that_is_cancelled_while_it_waits_for_a_thread_leaves_it_to_others(
    server: Server,
) -> None:
    held: list[Message] = []
    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        server.on[METHOD] = held.append
        tasks.start_soon(lambda: thread.update_settings(model="m2"))
        await server.heard(METHOD)
        with anyio.move_on_after(1) as patience:
            await thread.turn_start("Work.")
        assert patience.cancelled_caught
        server.update_settings(held.pop())
        await thread.turn_start("Work.")
    assert len(server.sent("turn/start")) == 1
