"""Opening threads: starting, resuming, forking, and what is then in force."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    InvalidArgument,
    PolicyMismatch,
    Runtime,
    SandboxNotAllowed,
    ThreadHandle,
    ThreadNotFound,
    TurnNotFound,
    WorkingDirectoryMissing,
)
from codex_runtime.protocol import (
    ReadOnlySandboxPolicy,
)
from codex_runtime.testing import FakeAppServer, assistant_message

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
}


@asynccontextmanager
async def another_process(server: Server) -> AsyncGenerator[Runtime]:
    """A second app-server on the same CODEX_HOME."""
    model = server.model
    if isinstance(model, FakeAppServer):
        async with model.runtime() as runtime:
            yield runtime
        return
    environment = model.environment(server.home)
    async with Runtime(codex_home=server.home, env=environment) as runtime:
        yield runtime


def sent(server: Server) -> int:
    return server.runtime.statistics().requests


# -- ids


@requirement("opening:thread-id")
async def test_a_thread_id_may_be_spelled_in_all_the_ways_that_the_server_takes(
    server: Server,
) -> None:
    thread = await server.thread(durable=True)
    plain = thread.thread_id

    for spelled in (plain, plain.upper(), f"urn:uuid:{plain}", plain.replace("-", "")):
        assert (await server.runtime.thread_resume(spelled)).thread_id == plain
        assert (await server.runtime.thread_fork(spelled)).info.thread.forked_from_id == plain


@requirement("opening:bad-thread-id")
async def test_what_is_no_thread_id_is_refused_before_anything_is_sent(server: Server) -> None:
    before = sent(server)

    for wrong in ("", "  ", "thread-1", f"{NOBODY}0", f" {NOBODY}", "urn:uuid:", 5, None):
        thread_id: Any = wrong
        for call in (server.runtime.thread_resume, server.runtime.thread_fork):
            with pytest.raises(InvalidArgument) as refusal:
                await call(thread_id)
            assert refusal.value.field == "thread_id"

    assert sent(server) == before


@requirement("opening:unknown-thread")
async def test_a_thread_that_is_not_on_record_is_not_found(server: Server) -> None:
    without_turn = await server.thread()
    ephemeral = await server.thread(ephemeral=True)

    for thread_id in (NOBODY, without_turn.thread_id, ephemeral.thread_id):
        for call in (server.runtime.thread_resume, server.runtime.thread_fork):
            with pytest.raises(ThreadNotFound) as refusal:
                await call(thread_id)
            assert refusal.value.thread_id == thread_id


# -- durable threads


@requirement("opening:durable")
async def test_a_durable_thread_can_be_resumed_before_its_first_turn(server: Server) -> None:
    async with another_process(server) as first:
        thread = await first.thread_start(durable=True, cwd=server.workspace)
        named = await first.thread_start(name="Release notes", cwd=server.workspace)

    again = await server.runtime.thread_resume(thread.thread_id)
    assert again.info.thread.name == "Untitled"
    other = await server.runtime.thread_resume(named.thread_id)
    assert other.info.thread.name == "Release notes"
    server.says(assistant_message("Hello."))
    assert (await again.run("hello")).text == "Hello."


@requirement("opening:durable-or-ephemeral")
async def test_a_thread_is_either_kept_or_not(server: Server) -> None:
    before = sent(server)
    wrong: list[dict[str, Any]] = [
        {"durable": True},
        {"name": "Release notes"},
        {"durable": True, "name": "Release notes"},
    ]

    for options in wrong:
        with pytest.raises(InvalidArgument, match="cannot be combined with ephemeral"):
            await server.thread(ephemeral=True, **options)

    assert sent(server) == before


DETAILS: dict[str, Any] = {
    "type": "workspaceWrite",
    "network_access": True,
    "exclude_slash_tmp": True,
    "exclude_tmpdir_env_var": True,
}


# -- resuming


@requirement("opening:resume")
async def test_a_thread_is_resumed_with_the_defaults_and_what_is_said(server: Server) -> None:
    async with another_process(server) as first:
        server.says(assistant_message("Hello."))
        thread = await first.thread_start(cwd=server.workspace, sandbox="workspace-write", **WORDS)
        await thread.run("hello")

    again = await server.runtime.thread_resume(thread.thread_id, model="gpt-5.4")
    assert again.thread_id == thread.thread_id
    assert again.runtime is server.runtime
    assert again.info.sandbox == ReadOnlySandboxPolicy()
    assert again.info.approval_policy == "never"
    assert again.info.model == "gpt-5.4"
    assert again.info.cwd == str(server.workspace)
    assert list(again.info.thread.turns) == []
    server.says(assistant_message("Once more."))
    assert (await again.run("and again")).text == "Once more."
    assert server.calls[-1].user_texts[-2:] == ("hello", "and again")


@requirement("opening:resume-words")
async def test_a_wide_sandbox_is_resumed_with_its_words_only(server: Server) -> None:
    thread = await server.writable_thread(durable=True)
    before = sent(server)

    said: list[dict[str, Any]] = [{}, {"approval_policy": "on-request"}, WORDS]
    wide: list[Any] = ["workspace-write", {"type": "readOnly", "network_access": True}]
    for wider in wide:
        for options in said:
            for call in (server.runtime.thread_resume, server.runtime.thread_fork):
                with pytest.raises(SandboxNotAllowed):
                    await call(thread.thread_id, sandbox=wider, **options)
    with pytest.raises(WorkingDirectoryMissing):
        await thread.resume(cwd=server.workspace / "nowhere")

    assert sent(server) == before


@requirement("opening:resume-loaded")
async def test_a_loaded_thread_is_used_only_as_it_is(server: Server) -> None:
    thread = await server.writable_thread(durable=True)
    words: dict[str, Any] = {**WORDS, "sandbox": "workspace-write", "cwd": server.workspace}
    tries: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {"sandbox", "approval_policy"}),
        ({**words, "approval_policy": "untrusted"}, {"approval_policy"}),
        ({**words, "sandbox": {**DETAILS, "writable_roots": []}}, {"sandbox"}),
        ({**words, "cwd": server.workspace.parent}, {"cwd"}),
        ({**words, "model": "gpt-5.4"}, {"model"}),
        ({**words, "sandbox": None, "permissions": ":workspace"}, {"permissions"}),
        ({**words, "approvals_reviewer": "auto_review"}, {"approvals_reviewer"}),
    ]

    for options, different in tries:
        with pytest.raises(PolicyMismatch) as mismatch:
            await thread.resume(**options)
        assert mismatch.value.thread_id == thread.thread_id
        assert {text.split(":")[0] for text in mismatch.value.differences} == different
    again = await thread.resume(**words)

    # Whoever used it before goes on to do so.
    server.says(assistant_message("Hello."), assistant_message("Hello."))
    assert (await thread.run("hello")).text == "Hello."
    assert (await again.run("hello")).text == "Hello."


@requirement("opening:mismatch-not-used")
async def test_a_thread_that_is_not_used_is_given_up(server: Server) -> None:
    async with another_process(server) as first:
        thread_id = (await first.thread_start(durable=True, cwd=server.workspace)).thread_id
    wide = {"sandbox": "workspace-write", "approvalPolicy": "on-request", "excludeTurns": True}
    await server.runtime.call_raw("thread/resume", {"threadId": thread_id, **wide})

    with pytest.raises(PolicyMismatch):
        await server.runtime.thread_resume(thread_id)
    # Another request, so that what was sent in the background has been looked at.
    await server.runtime.thread_read(thread_id)
    assert await server.runtime.thread_unsubscribe(thread_id) == "notSubscribed"


# -- forking


@requirement("opening:fork")
async def test_a_fork_goes_on_with_the_history_under_an_id_of_its_own(server: Server) -> None:
    server.says(*(assistant_message(f"Answer {number}.") for number in (1, 2, 3)))
    thread = await server.writable_thread()
    first = await thread.run("one")
    second = await thread.run("two")

    whole = await thread.fork()
    assert whole.thread_id != thread.thread_id
    assert whole.info.thread.forked_from_id == thread.thread_id
    assert whole.runtime is server.runtime
    assert list(whole.info.thread.turns) == []
    # What its source may do is not taken over.
    assert whole.info.sandbox == ReadOnlySandboxPolicy()
    assert whole.info.approval_policy == "never"
    cut = await server.runtime.thread_fork(thread.thread_id, last_turn_id=first.turn_id)
    also_cut = await thread.fork(before_turn_id=second.turn_id, ephemeral=True)
    assert also_cut.info.thread.ephemeral

    await whole.run("three")
    assert server.calls[-1].user_texts[-3:] == ("one", "two", "three")
    server.says(assistant_message("Answer 4."), assistant_message("Answer 5."))
    for fork in (cut, also_cut):
        await fork.run("three")
        assert server.calls[-1].user_texts[-2:] == ("one", "three")
        assert "two" not in server.calls[-1].user_texts


@requirement("opening:fork-bad-turn")
async def test_a_fork_is_cut_at_a_turn_that_there_is_and_at_one_only(server: Server) -> None:
    server.says(assistant_message("Hello."))
    thread = await server.thread()
    turn_id = (await thread.run("hello")).turn_id
    before = sent(server)

    with pytest.raises(InvalidArgument, match="before_turn_id cannot be combined"):
        await thread.fork(last_turn_id=turn_id, before_turn_id=turn_id)
    for wrong in ("", 5):
        turn: Any = wrong
        with pytest.raises(InvalidArgument, match="last_turn_id is"):
            await thread.fork(last_turn_id=turn)
    assert sent(server) == before
    for unknown in (NOBODY, "nothing"):
        with pytest.raises(TurnNotFound):
            await thread.fork(last_turn_id=unknown)
        with pytest.raises(TurnNotFound):
            await thread.fork(before_turn_id=unknown)


@requirement("opening:at-once")
async def test_a_refused_resume_takes_the_thread_from_nobody(server: Server) -> None:
    server.says(*[assistant_message("Hello.")] * 2)
    thread = await server.thread()
    await thread.run("hello")
    await thread.unsubscribe()
    thread_id, outcomes = thread.thread_id, list[object]()
    del thread

    async def resume(**options: Any) -> None:
        try:
            outcomes.append(await server.runtime.thread_resume(thread_id, **options))
        except PolicyMismatch as error:
            outcomes.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(resume)
        tasks.start_soon(lambda: resume(sandbox="workspace-write", cwd=server.workspace, **WORDS))

    # One of them is refused, as a loaded thread is used as it is only; the other one works.
    (used,) = (each for each in outcomes if isinstance(each, ThreadHandle))
    with anyio.fail_after(20):
        assert (await used.run("hello")).status == "completed"


@requirement("opening:at-once")
async def test_a_refused_resume_leaves_a_turn_alone_whose_thread_nobody_holds(
    server: Server,
) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Hello.", gate=gate))
    turn = await (await server.thread()).turn_start("hello")
    gc.collect()
    await gate.wait_reached()
    with pytest.raises(PolicyMismatch):
        await server.runtime.thread_resume(
            turn.thread_id, sandbox="workspace-write", cwd=server.workspace, **WORDS
        )
    # What is given up is given up in the background, before this comes to an end.
    for _ in range(3):
        await server.runtime.thread(turn.thread_id).read()
    gate.open()
    with anyio.fail_after(20):
        assert (await turn.result()).status == "completed"
