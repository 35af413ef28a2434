"""Opening and closing a runtime, and its threads."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    InvalidArgument,
    RequestRefused,
    Runtime,
    RuntimeClosed,
    TurnHandle,
    WorkingDirectoryMissing,
)
from codex_runtime.protocol import ReadOnlySandboxPolicy, ThreadListParams, methods
from codex_runtime.testing import assistant_message


def absolute(path: str) -> str:
    return str(Path(path).absolute())


def relative_to_here(path: Path) -> str:
    return os.path.relpath(path, Path.cwd())


def same_folder(one: str, other: Path) -> bool:
    return Path(one).samefile(other)


@requirement("handshake:server-info")
async def test_the_server_says_who_it_is(server: Server) -> None:
    info = server.runtime.server_info

    assert info.codex_version is not None
    assert info.codex_version.split(".") >= ["0", "154", "0"]
    assert info.user_agent.startswith(f"codex-runtime/{info.codex_version} ")
    assert Path(info.codex_home).is_absolute()
    assert not server.real or same_folder(info.codex_home, server.home)
    assert info.platform_os in {"linux", "macos"}


@requirement("handshake:client-info")
async def test_the_version_is_the_servers_whatever_the_client_is_called(server: Server) -> None:
    me = {"name": "my tool/9.9.9 (beta)", "version": "8.8.8"}

    async with server.another(client_info=me) as other:
        info = other.runtime.server_info

    assert info.codex_version == server.runtime.server_info.codex_version
    assert info.user_agent.startswith("my tool/9.9.9 (beta)/")
    assert info.user_agent.endswith("(my tool/9.9.9 (beta); 8.8.8)")


@requirement("runtime:not-open")
async def test_a_runtime_that_was_not_entered_refuses_everything(server: Server) -> None:
    _ = server
    runtime = Runtime()

    with pytest.raises(RuntimeClosed):
        await runtime.thread_start()
    with pytest.raises(RuntimeClosed):
        await runtime.call_raw("model/list")
    with pytest.raises(RuntimeClosed):
        _ = runtime.server_info
    with pytest.raises(RuntimeClosed):
        async with runtime.events():
            pass
    assert runtime.statistics().requests == 0
    await runtime.close()


@requirement("runtime:opened-once")
async def test_a_runtime_is_opened_once(server: Server) -> None:
    async with server.another() as other:
        with pytest.raises(RuntimeClosed):
            await other.runtime.__aenter__()

        await other.thread()

    with pytest.raises(RuntimeClosed):
        await other.runtime.__aenter__()


@requirement("runtime:close-settles-all")
async def test_closing_settles_what_waits_and_leaves_no_process(server: Server) -> None:
    gate = server.model.gate()
    refused: list[str] = []

    async def expect_closed(turn: TurnHandle) -> None:
        with pytest.raises(RuntimeClosed):
            await turn.result()
        refused.append(turn.turn_id)

    async with server.another() as other:
        gate = other.model.gate()
        other.says(assistant_message("Never finished", gate=gate))
        thread = await other.thread()
        turn = await thread.turn_start("begin")
        await gate.wait_reached()
        pid = other.runtime.pid
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(expect_closed, turn)
            await anyio.wait_all_tasks_blocked()
            await other.runtime.close()

        assert refused == [turn.turn_id]
        with pytest.raises(RuntimeClosed):
            await thread.turn_start("more")
        await other.runtime.wait_closed()
        assert (pid is not None) is server.real
        if pid is not None:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


@requirement("runtime:any-task-closes")
async def test_a_task_that_did_not_open_a_runtime_may_close_it(server: Server) -> None:
    async with server.another() as other:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other.runtime.close)

        with pytest.raises(RuntimeClosed):
            await other.thread()


@requirement("runtime:errors-come-out-bare")
async def test_what_the_caller_raises_comes_out_as_it_went_in(server: Server) -> None:
    with pytest.raises(ZeroDivisionError):
        async with server.another() as other:
            await other.thread()
            raise ZeroDivisionError

    with anyio.move_on_after(0) as given_up:
        async with server.another() as other:
            await anyio.sleep_forever()
    assert given_up.cancelled_caught


@requirement("runtime:statistics")
async def test_what_happens_is_counted(server: Server) -> None:
    async with server.another(assistant_message("Hello")) as other:
        assert other.runtime.statistics().requests == 1
        thread = await other.thread()
        await thread.run("hello")
        with pytest.raises(RequestRefused):
            await other.runtime.call_raw("no/such/method")

        counts = other.runtime.statistics()

    assert (counts.requests, counts.open_requests, counts.refusals) == (4, 0, 1)
    assert (counts.timeouts, counts.malformed, counts.unknown, counts.degraded) == (0, 0, 0, 0)
    assert counts.notifications >= 9
    assert counts.server_requests == 0


@requirement("thread:safe-defaults")
async def test_a_thread_may_only_read_and_nobody_is_asked(server: Server) -> None:
    thread = await server.thread()

    assert thread.info.approval_policy == "never"
    assert isinstance(thread.info.sandbox, ReadOnlySandboxPolicy)
    assert not thread.info.sandbox.network_access
    assert thread.runtime is server.runtime


@requirement("thread:cwd-is-absolute")
async def test_a_relative_working_directory_is_made_absolute(server: Server) -> None:
    relative = relative_to_here(server.workspace)

    thread = await server.thread(cwd=relative)

    assert not Path(relative).is_absolute()
    assert Path(thread.info.cwd).is_absolute()
    assert same_folder(thread.info.cwd, server.workspace)


@requirement("thread:cwd-exists")
async def test_a_working_directory_that_is_not_there_is_refused(server: Server) -> None:
    sent = server.runtime.statistics().requests
    thread = await server.thread()

    for call in (
        server.runtime.thread_start(cwd="not/there"),
        thread.turn_start("go", cwd="not/there"),
    ):
        with pytest.raises(WorkingDirectoryMissing) as refusal:
            await call
        assert refusal.value.path == absolute("not/there")
        assert refusal.value.path in str(refusal.value)

    assert server.runtime.statistics().requests == sent + 1


@requirement("thread:unknown-option")
async def test_an_option_of_a_thread_that_does_not_exist_is_refused(server: Server) -> None:
    sent = server.runtime.statistics().requests

    with pytest.raises(InvalidArgument) as refusal:
        await server.thread(sandbx="read-only")

    assert refusal.value.field == "sandbx"
    assert "sandbox" in refusal.value.fix
    assert server.runtime.statistics().requests == sent


@requirement("thread:ephemeral")
async def test_an_ephemeral_thread_is_not_listed(server: Server) -> None:
    server.says(assistant_message("Hello"), assistant_message("Hello"))
    kept, passing = await server.thread(), await server.thread(ephemeral=True)
    for thread in (kept, passing):
        await thread.run("hello")

    listing = await server.runtime.request(methods.THREAD_LIST, ThreadListParams(limit=100))

    assert (passing.info.thread.ephemeral, passing.info.thread.path) == (True, None)
    listed = {thread.id for thread in listing.data}
    assert kept.thread_id in listed
    assert passing.thread_id not in listed


@requirement("thread:instructions")
async def test_the_instructions_of_a_thread_reach_the_model(server: Server) -> None:
    server.says(assistant_message("Arr"))
    thread = await server.thread(developer_instructions="Talk like a pirate.")

    await thread.run("hello")

    assert "Talk like a pirate." in str(server.calls[-1].input)
