"""Turns that other requests start: reviews, compactions, commands; and turns of others."""

from __future__ import annotations

import anyio
import pytest
from spec.reading import kinds, told
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    InvalidArgument,
    SandboxNotAllowed,
    ThreadHandle,
    TurnFailed,
    TurnInProgress,
    TurnTimedOut,
    protocol,
)
from codex_runtime.testing import assistant_message, fail, respond, shell, stall, together


async def busy_thread(server: Server) -> tuple[ThreadHandle, int]:
    """A thread with a turn that runs, and how many requests were sent so far."""
    server.model.on("take your time", respond(lambda _: stall(), times=None))
    thread = await server.thread()
    turn = await thread.turn_start("take your time")
    await anext(turn.events())
    return thread, server.runtime.statistics().requests


async def called(server: Server, times: int) -> None:
    """Wait until the model was called so often."""
    with anyio.fail_after(20):
        while len(server.calls) < times:  # noqa: ASYNC110 — the model tells nobody
            await anyio.sleep(0.005)


async def script_is_used_up(server: Server) -> None:
    """Wait until the model has been asked for the last step. Unlike a count of calls, a late one of
    an earlier test, which a rule of that test answers, does not disturb it."""
    with anyio.fail_after(20):
        while server.model.remaining_steps:  # noqa: ASYNC110 — the model tells nobody
            await anyio.sleep(0.005)


# -- reviews


@requirement("review:result", "review:events")
async def test_a_review_is_a_turn_whose_text_is_the_review(server: Server) -> None:
    server.says(
        together(assistant_message("I look.", phase="commentary"), shell("true")),
        assistant_message("All is well."),
        assistant_message("You are welcome."),
    )
    thread = await server.thread()

    review = await thread.review("Look at everything.")
    events = [event async for event in review]
    result = await review.result()

    assert [told(event) for event in events if "delta" not in event.method] == [
        "item/started enteredReviewMode",
        "item/completed enteredReviewMode",
        "turn/started",
        "item/started userMessage",
        "item/completed userMessage",
        "item/started agentMessage",
        "item/started commandExecution",
        "item/completed commandExecution",
        "item/started agentMessage",
        "item/started exitedReviewMode",
        "item/completed exitedReviewMode",
        "item/started agentMessage",
        "item/completed agentMessage",
        "item/abandoned agentMessage",
        "item/abandoned agentMessage",
        "turn/completed",
    ]
    assert (result.status, result.text) == ("completed", "All is well.")
    assert kinds(result.abandoned) == ["agentMessage", "agentMessage"]
    assert result.usage is None
    assert thread.active_turn_id is None
    assert (await thread.run("thanks")).text == "You are welcome."
    assert any("All is well." in text for text in server.calls[-1].user_texts)


@requirement("review:interrupt")
async def test_a_review_is_interrupted_like_any_turn(server: Server) -> None:
    server.model.on("for ever", respond(lambda _: stall(), times=None))
    thread = await server.thread()
    for _ in range(2):
        review = await thread.review(protocol.CustomReviewTarget(instructions="for ever"))
        assert thread.active_turn_id == review.turn_id
        await review.interrupt()
        await review.interrupt()
        await thread.turn_interrupt(review.turn_id, timeout=5)
        assert (await review.result()).status == "interrupted"

    server.says(assistant_message("Still here"))
    assert (await thread.run("again")).text == "Still here"


@requirement("review:busy", "compact:busy", "shell:busy")
async def test_what_would_end_or_join_the_running_turn_is_refused(server: Server) -> None:
    thread, sent = await busy_thread(server)

    for start in (
        thread.review("Look"),
        thread.compact(),
        thread.shell_command("true", privileged_escalation_approved=True),
    ):
        with pytest.raises(TurnInProgress) as refusal:
            await start
        assert refusal.value.turn_id == thread.active_turn_id

    assert server.runtime.statistics().requests == sent
    assert thread.active_turn_id
    await thread.turn_interrupt(thread.active_turn_id)


@requirement("review:bad-target")
async def test_a_review_of_nothing_is_not_sent(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests

    for target in (
        "",
        " ",
        protocol.CustomReviewTarget(instructions=" "),
        protocol.CommitReviewTarget(sha=""),
        protocol.BaseBranchReviewTarget(branch="\n"),
        7,
        {"type": "uncommittedChanges"},
    ):
        with pytest.raises(InvalidArgument, match="target"):
            await thread.review(target)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] — what callers without a type checker may pass

    assert server.runtime.statistics().requests == sent


@requirement("review:failure")
async def test_a_review_whose_model_fails_is_a_failed_turn(server: Server) -> None:
    server.says(fail(status=400, message="no reviewers here"))
    thread = await server.thread()

    review = await thread.review(protocol.UncommittedChangesReviewTarget())
    with pytest.raises(TurnFailed, match="no reviewers here"):
        await review.result()

    server.says(assistant_message("Still here"))
    assert (await thread.run("again")).text == "Still here"


# -- compactions


@requirement("compact:result")
async def test_a_compaction_is_seen_through_to_its_end(server: Server) -> None:
    server.says(
        assistant_message("Noted."), assistant_message("THE SUMMARY"), assistant_message("Yes.")
    )
    thread = await server.thread()
    await thread.run("Remember seven.")

    result = await thread.compact()

    assert (result.status, result.text, kinds(result.items)) == (
        "completed",
        "",
        ["contextCompaction"],
    )
    assert [call.kind for call in server.calls] == ["turn", "compaction"]
    assert (await thread.run("Do you?")).text == "Yes."
    told_then = server.calls[-1].user_texts
    assert "Remember seven." in told_then
    assert any(text.endswith("THE SUMMARY") for text in told_then)
    assert not any("Noted." in str(item) for item in server.calls[-1].input)


@requirement("compact:failure")
async def test_a_compaction_whose_model_fails_says_so(server: Server) -> None:
    server.says(fail(status=400, message="no summaries here"), assistant_message("Still here"))
    thread = await server.thread()

    with pytest.raises(TurnFailed, match="no summaries here") as failure:
        await thread.compact()

    assert failure.value.result.status == "failed"
    assert (await thread.run("again")).text == "Still here"


@requirement("compact:timeout")
async def test_a_compaction_is_stopped_when_its_time_is_up_or_its_caller_leaves(
    server: Server,
) -> None:
    async with server.another() as own:
        own.model.on("CHECKPOINT", respond(lambda _: stall(), times=None))
        thread = await own.thread()

        with pytest.raises(TurnTimedOut) as timeout:
            await thread.compact(timeout=1.5)
        assert timeout.value.result.status == "interrupted"
        assert kinds(timeout.value.result.abandoned) == ["contextCompaction"]

        with anyio.move_on_after(0.3):
            await thread.compact()
        assert thread.active_turn_id is None
        own.says(assistant_message("Still here"))
        assert (await thread.run("again")).text == "Still here"


# -- commands of the user's


@requirement("shell:result", "shell:told-to-the-model")
async def test_a_command_comes_back_with_its_end_and_output(server: Server) -> None:
    server.says(assistant_message("I see."))
    thread = await server.thread()

    bad = await thread.shell_command("echo oops; exit 3", privileged_escalation_approved=True)
    good = await thread.shell_command("echo fine", privileged_escalation_approved=True)

    assert (bad.exit_code, bad.aggregated_output, bad.status) == (3, "oops\n", "failed")
    assert (good.exit_code, good.aggregated_output, good.status) == (0, "fine\n", "completed")
    assert good.source == "userShell"
    assert server.calls == ()
    await thread.run("What happened?")
    first, second, *_ = server.calls[-1].user_texts
    assert "Exit code: 3" in first
    assert "fine" in second


@requirement("shell:opt-in")
async def test_a_command_outside_of_every_sandbox_needs_the_word(server: Server) -> None:
    thread = await server.writable_thread()
    sent = server.runtime.statistics().requests

    for word in (
        {},
        {"privileged_escalation_approved": False},
        {"privileged_escalation_approved": 1},
    ):
        with pytest.raises(SandboxNotAllowed):
            await thread.shell_command("true", **word)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] — only True itself is a yes
    for command in ("", "  "):
        with pytest.raises(InvalidArgument, match="command"):
            await thread.shell_command(command, privileged_escalation_approved=True)

    assert server.runtime.statistics().requests == sent


@requirement("shell:timeout")
async def test_a_command_is_ended_when_its_time_is_up_or_its_caller_leaves(server: Server) -> None:
    thread = await server.thread()

    with pytest.raises(TurnTimedOut) as timeout:
        await thread.shell_command("sleep 20", privileged_escalation_approved=True, timeout=1.5)
    [item] = timeout.value.result.items
    assert isinstance(item, protocol.CommandExecutionItem)
    assert (item.status, item.exit_code) == ("failed", -1)

    with anyio.move_on_after(0.3):
        await thread.shell_command("sleep 20", privileged_escalation_approved=True)
    assert thread.active_turn_id is None


# -- turns of others


@requirement("foreign:handle", "foreign:left-alone")
async def test_a_turn_of_somebody_else_can_be_followed_and_is_left_alone(server: Server) -> None:
    gate = server.model.gate()
    server.model.on(
        "hello from afar", assistant_message("Hello there", chunks=["Hello ", "there"], gate=gate)
    )
    thread = await server.thread()
    params = {
        "threadId": thread.thread_id,
        "input": [{"type": "text", "text": "hello from afar"}],
    }
    async with server.runtime.events(thread.thread_id) as events:
        answer = await server.runtime.call_raw("turn/start", params)
        async for event in events:
            if getattr(event, "delta", "") == "there":
                break

    assert thread.active_turn_id == answer["turn"]["id"]
    turn = thread.turn(answer["turn"]["id"])
    with anyio.move_on_after(0.05) as patience:
        await turn.result()
    assert patience.cancelled_caught
    assert turn.status == "inProgress"
    again = thread.turn(turn.turn_id)
    gate.open()
    result = await turn.result()

    assert (result.status, result.text) == ("completed", "Hello there")
    assert [told(event) async for event in again] == [
        "item/completed agentMessage",
        "thread/tokenUsage/updated",
        "turn/completed",
    ]


@requirement("foreign:runs-when-resumed")
async def test_a_turn_that_runs_when_its_thread_is_resumed_is_known(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("One"))
    server.model.on(
        "while nobody listens", assistant_message("Two", gate=gate), assistant_message("Three")
    )
    thread = await server.thread()
    await thread.run("hello")
    await thread.unsubscribe()
    params = {
        "threadId": thread.thread_id,
        "input": [{"type": "text", "text": "while nobody listens"}],
    }
    answer = await server.runtime.call_raw("turn/start", params)
    await called(server, 2)
    assert thread.active_turn_id is None

    resumed = await thread.resume()

    assert resumed.active_turn_id == thread.active_turn_id == answer["turn"]["id"]
    with pytest.raises(TurnInProgress) as refusal:
        await resumed.run("me too")
    assert refusal.value.turn_id == answer["turn"]["id"]
    turn = resumed.turn(answer["turn"]["id"])
    gate.open()
    result = await turn.result()
    assert (result.status, result.text) == ("completed", "Two")
    assert resumed.active_turn_id is None
    assert (await resumed.run("hello")).text == "Three"


@requirement("foreign:goal-when-resumed")
async def test_a_turn_of_a_goal_that_runs_when_its_thread_is_resumed_is_known(
    server: Server,
) -> None:
    server.says(assistant_message("One"), stall())
    thread = await server.thread()
    await thread.run("hello")
    await thread.unsubscribe()
    await thread.goal.set("Dream on.")
    await script_is_used_up(server)

    resumed = await thread.resume()

    assert resumed.active_turn_id
    with pytest.raises(TurnInProgress):
        await resumed.turn_start("me too")
    turn = resumed.turn(resumed.active_turn_id)
    await turn.interrupt()
    assert (await turn.result()).status == "interrupted"
    assert resumed.active_turn_id is None
    await resumed.goal.clear()


@requirement("foreign:review-when-resumed")
async def test_a_review_that_runs_when_its_thread_is_resumed_is_known(server: Server) -> None:
    server.model.on("look and look", respond(lambda _: stall(), times=None))
    server.says(assistant_message("One"))
    thread = await server.thread()
    await thread.run("hello")
    await thread.unsubscribe()
    target = {"type": "custom", "instructions": "look and look"}
    params = {"threadId": thread.thread_id, "target": target}
    answer = await server.runtime.call_raw("review/start", params)
    await called(server, 2)

    resumed = await thread.resume()

    assert resumed.active_turn_id
    with pytest.raises(TurnInProgress):
        await resumed.compact()
    if resumed.active_turn_id == answer["turn"]["id"]:
        # Before 0.163 nothing tells that the turn on record is one within the review.
        review = resumed.turn(answer["turn"]["id"])
        await review.interrupt()
        assert (await review.result()).status == "interrupted"
        assert resumed.active_turn_id is None


@requirement("foreign:unknown")
async def test_a_turn_that_does_not_run_gets_no_handle(server: Server) -> None:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    await turn.result()

    for turn_id in (turn.turn_id, "nonsense", "", " "):
        with pytest.raises(InvalidArgument, match="turn_id"):
            thread.turn(turn_id)
    assert thread.active_turn_id is None
