"""Refusals that take a real disk, a second process or a real account to come about."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from spec.refusing import NOBODY, TEXT, refusal
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    AccountNeeded,
    ConfigurationRefused,
    ExperimentalApiNeeded,
    InvalidCursor,
    NotSupportedByThread,
    Runtime,
    Subscription,
    ThreadBusyElsewhere,
    ThreadHandle,
    ThreadHasActiveWriter,
    ThreadHasForks,
    ThreadNotFound,
    ThreadNotLoaded,
    TurnNotFound,
    TurnNotSteerable,
)
from codex_runtime.protocol import ItemStartedNotification
from codex_runtime.testing import ScriptedModel, assistant_message

NOT_FAKED = "they need files, processes and settings, which the fake app-server does not have"


async def kept_thread(server: Server) -> ThreadHandle:
    server.says(assistant_message("Done"))
    thread = await server.thread()
    await thread.run("Something to keep")
    return thread


@asynccontextmanager
async def another_process(server: Server) -> AsyncGenerator[Server]:
    """A second server on the same CODEX_HOME."""
    model = server.model
    assert isinstance(model, ScriptedModel)
    environment = model.environment(server.home)
    async with Runtime(codex_home=server.home, env=environment) as runtime:
        shared = server._shared
        yield Server(server.kind, runtime, server.workspace, shared, len(model.calls))


# The thread


@requirement("refusal:busy-elsewhere")
async def test_a_thread_that_another_process_has_loaded_is_worth_another_try(
    server: Server,
) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}

    async with another_process(server) as other:
        for method in ("thread/resume", "thread/archive", "thread/delete"):
            error = await refusal(other, ThreadBusyElsewhere, method, **here)
            assert isinstance(error, ThreadHasActiveWriter)
            assert error.thread_id == thread.thread_id
            assert error.retryable
        await refusal(other, ThreadNotLoaded, "turn/start", **here, input=TEXT)


@requirement("refusal:active-writer")
async def test_a_loaded_thread_cannot_be_unarchived(server: Server) -> None:
    thread = await kept_thread(server)

    error = await refusal(
        server, ThreadHasActiveWriter, "thread/unarchive", threadId=thread.thread_id
    )

    assert not error.retryable


@requirement("refusal:forks")
async def test_a_thread_with_forks_cannot_be_deleted(server: Server) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}
    await server.runtime.call_raw("thread/fork", {**here, "excludeTurns": True})

    error = await refusal(server, ThreadHasForks, "thread/delete", **here)

    assert error.thread_id == thread.thread_id


@requirement("refusal:no-record")
async def test_what_has_no_record_is_not_found_in_all_the_words_there_are(server: Server) -> None:
    for method, params in [
        ("thread/fork", {}),
        ("thread/unarchive", {}),
        ("thread/delete", {}),
        ("thread/name/set", {"name": "x"}),
        ("thread/goal/get", {}),
        ("thread/queue/list", {}),
        ("thread/turns/list", {}),
        ("thread/section/move", {"sectionId": None}),
    ]:
        error = await refusal(server, ThreadNotFound, method, threadId=NOBODY, **params)
        assert error.thread_id == NOBODY


@requirement("refusal:not-loaded")
async def test_what_needs_a_loaded_thread_says_so(server: Server) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}

    async with another_process(server) as other:
        for method, params in [
            ("turn/interrupt", {"turnId": NOBODY}),
            ("thread/compact/start", {}),
            ("thread/settings/update", {"effort": "low"}),
            ("thread/revert", {"beforeTurnId": NOBODY}),
            ("thread/queue/start", {}),
        ]:
            error = await refusal(other, ThreadNotLoaded, method, **here, **params)
            assert error.thread_id == thread.thread_id


@requirement("refusal:ephemeral")
async def test_an_ephemeral_thread_has_no_record_to_change(server: Server) -> None:
    thread = await server.thread(ephemeral=True)

    for method, params in [
        ("thread/name/set", {"name": "x"}),
        ("thread/metadata/update", {"gitInfo": {"branch": "x"}}),
        ("thread/goal/get", {}),
        ("thread/queue/list", {}),
        ("thread/turns/list", {}),
        ("thread/delete", {}),
    ]:
        error = await refusal(
            server, NotSupportedByThread, method, threadId=thread.thread_id, **params
        )
        assert (error.thread_id, error.thread_kind) == (thread.thread_id, "ephemeral")


@requirement("refusal:legacy")
async def test_a_thread_of_legacy_history_cannot_be_reverted_or_listed_by_items(
    server: Server,
) -> None:
    options = {"cwd": str(server.workspace), "sandbox": "read-only", "approvalPolicy": "never"}
    answer = await server.runtime.call_raw("thread/start", {**options, "historyMode": "legacy"})
    here = {"threadId": answer["thread"]["id"]}

    revert = await refusal(
        server, NotSupportedByThread, "thread/revert", **here, beforeTurnId=NOBODY
    )
    items = await refusal(server, NotSupportedByThread, "thread/items/list", **here)

    assert revert.thread_kind == "legacy"
    assert items.thread_kind == ""
    assert revert.thread_id == items.thread_id == here["threadId"]


# The turn


@requirement("refusal:no-turn")
async def test_a_turn_that_a_thread_does_not_have_is_not_found(server: Server) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}

    for method, params in [
        ("thread/fork", {"lastTurnId": NOBODY}),
        ("thread/fork", {"beforeTurnId": NOBODY}),
        ("thread/revert", {"beforeTurnId": NOBODY}),
    ]:
        error = await refusal(server, TurnNotFound, method, **here, **params)
        assert (error.thread_id, error.turn_id) == (thread.thread_id, NOBODY)


async def started_turn(events: Subscription) -> str:
    """The turn of the next item: the one that a review announces is another (fact 65)."""
    async for event in events:
        if isinstance(event, ItemStartedNotification):
            return event.turn_id
    raise AssertionError("there is no item")


@requirement("refusal:not-steerable")
@pytest.mark.parametrize("kind", ["compact", "review"])
async def test_a_thread_that_compacts_or_reviews_takes_no_input(server: Server, kind: str) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}
    target = {"target": {"type": "custom", "instructions": "look"}}
    gate = server.model.gate()
    server.says(assistant_message("Well", gate=gate))
    async with server.runtime.events(thread.thread_id) as events:
        if kind == "compact":
            await server.runtime.call_raw("thread/compact/start", here)
        else:
            await server.runtime.call_raw("review/start", {**here, **target})
        turn_id = await started_turn(events)
    await gate.wait_reached()

    steer = await refusal(
        server, TurnNotSteerable, "turn/steer", **here, expectedTurnId=turn_id, input=TEXT
    )
    start = await refusal(server, TurnNotSteerable, "turn/start", **here, input=TEXT)
    gate.open()
    await server.runtime.call_raw("turn/interrupt", {**here, "turnId": ""})

    for error in (steer, start):
        assert (error.thread_id, error.turn_kind) == (thread.thread_id, kind)


# The request


@requirement("refusal:cursor")
async def test_every_list_refuses_a_cursor_that_it_did_not_give(server: Server) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}

    for method, params in [
        ("thread/loaded/list", {}),
        ("thread/turns/list", here),
        ("thread/items/list", here),
        ("thread/timeline/list", here),
        ("thread/queue/list", here),
        ("thread/backgroundTerminals/list", here),
        ("model/list", {}),
        ("mcpServerStatus/list", {}),
        ("permissionProfile/list", {}),
        ("project/list", {}),
    ]:
        await refusal(server, InvalidCursor, method, **params, cursor="garbage")


@requirement("refusal:experimental")
async def test_methods_fields_and_values_can_be_experimental(server: Server) -> None:
    granular = {"granular": {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}}

    async with server.another(experimental_api=False) as other:
        for method, params, feature in [
            ("thread/queue/list", {"threadId": NOBODY}, "thread/queue/list"),
            ("thread/start", {"historyMode": "legacy"}, "thread/start.historyMode"),
            ("thread/start", {"approvalPolicy": granular}, "askForApproval.granular"),
        ]:
            error = await refusal(other, ExperimentalApiNeeded, method, **params)
            assert error.feature == feature


@requirement("refusal:account")
async def test_what_is_about_an_account_needs_one(server: Server) -> None:
    for method in ("account/rateLimits/read", "account/usage/read", "remoteControl/enable"):
        error = await refusal(server, AccountNeeded, method)
        assert "codex login" in str(error)


# The settings


@contextmanager
def settings_added(home: Path, text: str) -> Generator[None]:
    file = home / "config.toml"
    before = file.read_text()
    file.write_text(before + text)
    yield
    file.write_text(before)


@requirement("refusal:configuration")
async def test_settings_that_cannot_be_loaded_are_told(server: Server) -> None:
    thread = await kept_thread(server)
    here = {"threadId": thread.thread_id}

    for broken, reads in [
        ("\nmodel_reasoning_effort = 5\n", ["mcpServerStatus/list", "config/read"]),
        ("\n[[[nonsense\n", ["config/read"]),
    ]:
        with settings_added(server.home, broken):
            async with another_process(server) as other:
                for method, params in [
                    ("thread/start", {}),
                    ("thread/resume", here),
                    *((read, {}) for read in reads),
                ]:
                    error = await refusal(other, ConfigurationRefused, method, **params)
                    assert error.reason == ""
    await refusal(server, ConfigurationRefused, "thread/start", modelProvider="nobody")


@requirement("refusal:configuration")
async def test_settings_that_cannot_be_written_tell_why(server: Server) -> None:
    change = {"keyPath": "model_verbosity", "mergeStrategy": "replace"}

    wrong = await refusal(server, ConfigurationRefused, "config/value/write", **change, value=5)
    stale = await refusal(
        server,
        ConfigurationRefused,
        "config/value/write",
        **change,
        value="low",
        expectedVersion="stale",
    )

    assert wrong.reason == "configValidationError"
    assert stale.reason == "configVersionConflict"
