"""The settings of a thread: changing them, following them, putting them back."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from spec.requirements import requirement
from spec.server import WORDS, Server, sent

from codex_runtime import (
    InvalidArgument,
    PolicyMismatch,
    RequestRefused,
    SandboxNotAllowed,
    ThreadHandle,
    TurnFailed,
    WorkingDirectoryMissing,
)
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    CollaborationMode,
    ReadOnlySandboxPolicy,
    Settings,
    ThreadSettings,
    ThreadSettingsUpdatedNotification,
    TurnCompletedNotification,
    WorkspaceWriteSandboxPolicy,
)
from codex_runtime.testing import ModelCall, assistant_message, fail, respond, stall


def effort(call: ModelCall) -> str:
    asked: str = call.raw["reasoning"]["effort"]
    return asked


def policy(thread: ThreadHandle) -> tuple[object, ...]:
    settings = thread.settings
    return settings.sandbox_policy, settings.approval_policy, settings.cwd


@requirement("settings:update")
async def test_settings_that_are_changed_hold_for_later_turns(server: Server) -> None:
    thread = await server.thread()
    assert thread.settings.effort is None
    assert not thread.settings.summary

    await thread.update_settings(
        model="gpt-5.4",
        effort="low",
        summary="detailed",
        approval_policy="untrusted",
        cwd=server.workspace.parent,
    )
    settings = thread.settings
    assert (settings.model, settings.effort, settings.summary) == ("gpt-5.4", "low", "detailed")
    assert policy(thread) == (
        ReadOnlySandboxPolicy(),
        "untrusted",
        str(server.workspace.parent),
    )
    for _ in range(2):
        server.says(assistant_message("Hello."))
        await thread.run("hello")
        assert server.calls[-1].model == "gpt-5.4"
        assert effort(server.calls[-1]) == "low"


@requirement("settings:no-change")
async def test_what_changes_nothing_is_over_at_once(server: Server) -> None:
    thread = await server.thread()

    with anyio.fail_after(5):
        for _ in range(2):
            await thread.update_settings(effort="low", sandbox="read-only", cwd=server.workspace)
        # Whether a summary is in force is not known before, and of no change nobody is told.
        await thread.update_settings(summary="auto")
        await thread.update_settings(summary="auto")
        await thread.update_settings(service_tier="flex")

    assert thread.settings.effort == "low"
    assert thread.settings.summary == "auto"


@requirement("settings:mode")
async def test_a_collaboration_mode_is_a_setting(server: Server) -> None:
    thread = await server.thread()
    mode = CollaborationMode(
        mode="plan", settings=Settings(model="gpt-5.4", developer_instructions="Only plan.")
    )

    await thread.update_settings(collaboration_mode=mode)

    assert thread.settings.collaboration_mode == mode
    assert thread.settings.model == "gpt-5.4"
    with pytest.raises(InvalidArgument, match="collaboration_mode cannot be combined with model"):
        await thread.update_settings(collaboration_mode=mode, model="gpt-5.5")


@requirement("settings:bad-input")
async def test_settings_that_cannot_be_used_are_refused_and_nothing_is_sent(
    server: Server,
) -> None:
    thread = await server.thread()
    before = sent(server)
    wrong: list[dict[str, Any]] = [
        {},
        {"effort": None},
        {"efort": "low"},
        {"effort": ""},
        {"model": 5},
        {"summary": " "},
        {"sandbox": "workspaceWrite"},
        {"sandbox": {"type": "workspaceWrite", "writable_roots": ["data"]}, **WORDS},
        {"approval_policy": ""},
        {"approval_policy": {"granular": {}}},
        {"permissions": ":read-only", "sandbox": "read-only"},
        {"collaboration_mode": {"mode": "plan"}},
    ]

    for options in wrong:
        with pytest.raises(InvalidArgument):
            await thread.update_settings(**options)
    with pytest.raises(WorkingDirectoryMissing):
        await thread.update_settings(cwd=server.workspace / "nowhere")

    assert sent(server) == before
    unknown: list[dict[str, Any]] = [{"summary": "somehow"}, {"approval_policy": "on-failure"}]
    for options in unknown:
        with pytest.raises(RequestRefused):
            await thread.update_settings(**options)
    assert thread.settings.approval_policy == "never"


@requirement("settings:sec-004")
async def test_settings_are_held_to_sec_004(server: Server) -> None:
    thread = await server.thread()
    before = sent(server)
    wider: list[dict[str, Any]] = [
        {"sandbox": "workspace-write"},
        {"sandbox": {"type": "readOnly", "network_access": True}},
        {"sandbox": {"type": "externalSandbox"}},
        {"permissions": ":workspace"},
        {"approvals_reviewer": "auto_review"},
    ]
    said: list[dict[str, Any]] = [{}, {"approval_policy": "on-request"}, WORDS]
    for options in wider:
        for words in said:
            with pytest.raises(SandboxNotAllowed):
                await thread.update_settings(**options, **words)
    assert sent(server) == before

    root = str(server.workspace / "data")
    sandbox = WorkspaceWriteSandboxPolicy(writable_roots=[root], network_access=True)
    await thread.update_settings(sandbox=sandbox, **WORDS)
    assert policy(thread) == (sandbox, "on-request", str(server.workspace))
    before = sent(server)
    moves: list[dict[str, Any]] = [
        {"cwd": server.workspace.parent},
        {"approval_policy": "never"},
    ]
    for options in moves:
        with pytest.raises(SandboxNotAllowed):
            await thread.update_settings(**options)
        with pytest.raises(SandboxNotAllowed):
            await thread.turn_start("hello", **options)
    assert sent(server) == before
    await thread.update_settings(sandbox="read-only", approval_policy="never")
    assert policy(thread) == (ReadOnlySandboxPolicy(), "never", str(server.workspace))


@requirement("settings:followed")
async def test_a_handle_follows_what_anybody_changes(server: Server) -> None:
    thread = await server.thread(durable=True)
    again = await thread.resume()

    await again.update_settings(sandbox="workspace-write", cwd=server.workspace, **WORDS)
    assert policy(thread) == policy(again)
    async with server.runtime.events(thread.thread_id) as events:
        params = {"threadId": thread.thread_id, "sandboxPolicy": {"type": "dangerFullAccess"}}
        await server.runtime.call_raw("thread/settings/update", params)
        with anyio.fail_after(10):
            while not isinstance(await anext(events), ThreadSettingsUpdatedNotification):
                pass

    for handle in (thread, again):
        with pytest.raises(SandboxNotAllowed, match="danger-full-access"):
            await handle.turn_start("hello", cwd=server.workspace.parent)
    await thread.update_settings(sandbox="read-only")
    server.says(assistant_message("Hello."))
    await again.run("hello", cwd=server.workspace.parent)


# -- for one turn only


async def a_thread(server: Server) -> tuple[ThreadHandle, ThreadSettings]:
    """A thread of which all settings are known."""
    thread = await server.thread()
    await thread.update_settings(effort="low", summary="auto")
    return thread, thread.settings


def for_one_turn(server: Server) -> dict[str, Any]:
    return {
        "only_this_turn": True,
        "model": "gpt-5.4",
        "effort": "high",
        "summary": "detailed",
        "sandbox": WorkspaceWriteSandboxPolicy(network_access=True),
        "cwd": server.workspace.parent,
        **WORDS,
    }


@requirement("settings:only-this-turn")
async def test_what_is_said_for_one_turn_is_put_back_when_it_ends(server: Server) -> None:
    thread, before = await a_thread(server)
    server.says(assistant_message("Hello."), fail(status=400), stall(after="Half"))

    turn = await thread.turn_start("hello", **for_one_turn(server))
    assert policy(thread)[1:] == ("on-request", str(server.workspace.parent))
    await turn.result()
    with pytest.raises(TurnFailed):
        await thread.run("hello", **for_one_turn(server))
    turn = await thread.turn_start("hello", **for_one_turn(server))
    await anext(turn.text())
    await turn.interrupt()
    server.says(assistant_message("Hello."))
    await thread.run("hello")

    assert [call.model for call in server.calls] == ["gpt-5.4"] * 3 + ["gpt-5.5"]
    assert [effort(call) for call in server.calls] == ["high"] * 3 + ["low"]
    assert thread.settings == before


@requirement("settings:only-this-turn-cancelled")
async def test_a_caller_that_is_cancelled_leaves_no_setting_behind(server: Server) -> None:
    thread, before = await a_thread(server)
    server.says(stall(after="Half"))

    async with anyio.create_task_group() as tasks, server.runtime.events() as events:
        tasks.start_soon(partial(thread.run, "hello", **for_one_turn(server)))
        async for event in events:
            if isinstance(event, AgentMessageDeltaNotification):
                break
        tasks.cancel_scope.cancel()
    server.says(assistant_message("Hello."))
    await thread.run("hello")

    assert thread.settings == before
    assert server.calls[-1].model == "gpt-5.5"


@requirement("settings:only-this-turn-default")
async def test_an_effort_that_nobody_has_named_comes_back_too(server: Server) -> None:
    server.says(*[assistant_message("Hello.")] * 3)
    thread = await server.thread()
    await thread.update_settings(service_tier="flex")
    await thread.run("hello")
    await thread.run("hello", effort="high", service_tier="priority", only_this_turn=True)
    await thread.run("hello")

    first, second, third = (effort(call) for call in server.calls)
    assert first == third != second == "high"
    assert thread.settings.effort is None
    assert thread.settings.service_tier == "flex"
    # Nothing is said to the model on the way.
    told = [
        [item for item in call.input if item.get("role") == "developer"] for call in server.calls
    ]
    assert told[0] == told[2]


@requirement("settings:only-this-turn-unknown")
async def test_what_could_not_be_put_back_is_refused(server: Server) -> None:
    thread = await server.thread()
    before = sent(server)

    with pytest.raises(InvalidArgument) as refusal:
        await thread.turn_start("hello", summary="detailed", only_this_turn=True)

    assert refusal.value.field == "summary"
    assert "update_settings(summary=…)" in refusal.value.fix
    assert sent(server) == before
    server.says(assistant_message("Hello."))
    await thread.run("hello", only_this_turn=True)


@requirement("settings:only-this-turn-others")
async def test_what_somebody_else_has_changed_meanwhile_stays(server: Server) -> None:
    thread, before = await a_thread(server)
    server.says(stall(after="Half"))

    turn = await thread.turn_start(
        "hello", effort="high", approval_policy="untrusted", only_this_turn=True
    )
    await anext(turn.text())
    await thread.update_settings(effort="medium", model="gpt-5.4")
    await turn.interrupt()
    server.says(assistant_message("Hello."))
    await thread.run("hello")

    settings = thread.settings
    assert (settings.effort, settings.model) == ("medium", "gpt-5.4")
    assert settings.approval_policy == before.approval_policy


@requirement("settings:only-this-turn-profile")
async def test_a_permission_profile_is_put_back_as_such(server: Server) -> None:
    thread = await server.thread(permissions=":read-only")
    server.says(*[assistant_message("Hello.")] * 2)

    await thread.run(
        "hello", sandbox="workspace-write", cwd=server.workspace, only_this_turn=True, **WORDS
    )
    await thread.run("hello")

    assert thread.settings.sandbox_policy == ReadOnlySandboxPolicy()
    assert thread.settings.active_permission_profile
    assert thread.settings.active_permission_profile.id == ":read-only"


@requirement("settings:turn-read-back")
async def test_a_turn_with_more_in_force_than_asked_for_is_stopped(server: Server) -> None:
    # What a thread is opened with is added to whatever a turn names.
    sandbox = WorkspaceWriteSandboxPolicy(writable_roots=["/srv"])
    thread = await server.thread(sandbox=sandbox, **WORDS)
    server.model.on("do not do it", respond(lambda _: stall(), times=None))

    async with server.runtime.events(thread.thread_id) as events:
        with pytest.raises(PolicyMismatch) as mismatch:
            await thread.turn_start(
                "do not do it", sandbox="workspace-write", cwd=server.workspace, **WORDS
            )
        async for event in events:
            if isinstance(event, TurnCompletedNotification):
                assert event.turn.status == "interrupted"
                break

    (difference,) = mismatch.value.differences or ("",)
    assert difference == (
        "sandbox: asked workspace-write, in force workspace-write with writable /srv"
    )


@requirement("settings:only-this-turn-queue")
async def test_what_the_server_starts_by_itself_never_has_what_was_for_one_turn(
    server: Server,
) -> None:
    thread, before = await a_thread(server)
    gate = server.model.gate()
    server.says(assistant_message("One.", gate=gate), assistant_message("Two."))

    async with server.runtime.events(thread.thread_id) as events:
        turn = await thread.turn_start("hello", **for_one_turn(server))
        await gate.wait_reached()
        await thread.queue.add("and then")
        # By then it is put back, while the turn still runs.
        assert thread.settings == before
        gate.open()
        ended = 0
        async for event in events:
            ended += isinstance(event, TurnCompletedNotification)
            if ended == 2:
                break

    assert (await turn.result()).status == "completed"
    assert [effort(call) for call in server.calls] == ["high", "low"]
    assert [call.model for call in server.calls] == ["gpt-5.4", "gpt-5.5"]


@requirement("settings:at-once")
@pytest.mark.parametrize("kind", ["turn", "settings", "never"])
async def test_of_two_calls_at_once_the_second_is_held_to_what_the_first_widens(
    server: Server, kind: str
) -> None:
    thread = await server.thread()
    parent = server.workspace.parent
    refused: list[SandboxNotAllowed] = []

    async def second() -> None:
        with pytest.raises(SandboxNotAllowed) as refusal:
            match kind:
                case "turn":
                    await thread.turn_start("hello", cwd=parent)
                case "settings":
                    await thread.update_settings(cwd=parent)
                case _:
                    await thread.update_settings(approval_policy="never")
        refused.append(refusal.value)

    async with anyio.create_task_group() as tasks:
        wide = {"sandbox": "workspace-write", "cwd": server.workspace, **WORDS}
        tasks.start_soon(partial(thread.update_settings, **wide))
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(second)

    assert len(refused) == 1
    assert policy(thread)[1:] == ("on-request", str(server.workspace))
