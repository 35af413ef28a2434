"""Hooks and the turns that are not started by input: reviews, compactions, commands; and turns of others."""

from __future__ import annotations

import anyio
import pytest
from spec.reading import kinds
from spec.requirements import requirement
from spec.server import Server

from codex_runtime.errors import BlockedByHook
from codex_runtime.hooks import Block, Hook, HookContext, Mutate, hook
from codex_runtime.protocol import TurnCompletedNotification, UncommittedChangesReviewTarget
from codex_runtime.testing import assistant_message, tool_call


@requirement("hooks:other-turns")
async def test_hooks_are_around_reviews_compactions_and_commands(server: Server) -> None:
    server.says(assistant_message("Noted."), assistant_message("Fine."), assistant_message("SUM"))
    seen: list[HookContext] = []
    thread = await server.thread(hooks=[Hook("diary", seen.append, ("pre_turn", "post_turn"))])

    await thread.run("Remember seven.")
    review = await (await thread.review("Look.")).result()
    compaction = await thread.compact()
    await thread.shell_command("echo fine", privileged_escalation_approved=True)

    assert [(context.turn_kind, context.prompt) for context in seen[::2]] == [
        ("turn", "Remember seven."),
        ("review", "Look."),
        ("compact", None),
        ("shell_command", "echo fine"),
    ]
    assert [context.phase for context in seen] == ["pre_turn", "post_turn"] * 4
    for before, after in zip(seen[::2], seen[1::2], strict=True):
        assert before.correlation_id == after.correlation_id
        assert (before.turn_kind, before.cwd) == (after.turn_kind, str(server.workspace))
        assert (before.turn_id, after.status) == (None, "ok")
    results = [context.result for context in seen[1::2] if context.result is not None]
    assert [result.text for result in results[:2]] == ["Noted.", "Fine."]
    assert [kinds(result.items) for result in results[2:]] == [
        ["contextCompaction"],
        ["commandExecution"],
    ]
    assert [context.turn_id for context in seen[1::2]] == [result.turn_id for result in results]
    for result in (review, compaction):
        assert result.hooks is not None
        assert [entry.phase for entry in result.hooks.entries] == ["pre_turn", "post_turn"]


@requirement("hooks:other-turns-gate")
async def test_gates_are_before_reviews_compactions_and_commands(server: Server) -> None:
    @hook("pre_turn", gate=True)
    def no_commands(context: HookContext) -> Block | None:
        words = str(context.prompt)
        return Block(str(context.turn_kind)) if "rm" in words or context.input is None else None

    thread = await server.thread(hooks=[no_commands])
    sent = server.runtime.statistics().requests
    for start, kind in (
        (thread.review("rm everything"), "review"),
        (thread.review(UncommittedChangesReviewTarget()), "review"),
        (thread.compact(), "compact"),
        (
            thread.shell_command("rm -r .", privileged_escalation_approved=True),
            "shell_command",
        ),
    ):
        with pytest.raises(BlockedByHook, match=kind):
            await start
    assert server.runtime.statistics().requests == sent

    item = await thread.shell_command("echo fine", privileged_escalation_approved=True)
    assert item.aggregated_output == "fine\n"


@requirement("hooks:other-turns-gate")
async def test_nothing_of_a_review_can_be_changed(server: Server) -> None:
    server.says(assistant_message("Fine."))

    @hook("pre_turn")
    def meddle(_: HookContext) -> Mutate:
        return Mutate("Something else.", "gpt-other", metadata={"seen": True})

    thread = await server.thread(hooks=[meddle])
    review = await (await thread.review("Look.")).result()

    (call,) = server.calls
    assert not any("Something else." in text for text in call.user_texts)
    assert call.raw["model"] != "gpt-other"
    assert review.hooks is not None
    assert [entry.outcome for entry in review.hooks.entries] == ["mutated"]
    assert [(issue.kind, issue.message) for issue in review.hooks.issues] == [
        ("validation", "prompt cannot be changed at pre_turn of a review"),
        ("validation", "model cannot be changed at pre_turn of a review"),
    ]


@requirement("hooks:turns-of-others")
async def test_no_hook_is_around_turns_that_nobody_here_has_started(server: Server) -> None:
    server.says(
        assistant_message("One"),
        assistant_message("Two"),
        tool_call("update_goal", {"status": "complete"}),
        assistant_message("Reached."),
    )
    seen: list[HookContext] = []
    hooks = [Hook("diary", seen.append, ("pre_turn", "post_turn"))]
    thread = await server.thread(hooks=hooks)
    await thread.run("hello")
    seen.clear()
    params = {"threadId": thread.thread_id, "input": [{"type": "text", "text": "hello"}]}

    async with server.runtime.events(thread.thread_id) as events:
        with anyio.fail_after(20):
            await server.runtime.call_raw("turn/start", params)
            ends = 0
            async for event in events:
                if isinstance(event, TurnCompletedNotification):
                    ends += 1
                    if ends > 1:
                        break
                    await thread.goal.set("Reach it.")

    assert len(server.calls) == 4
    assert seen == []
