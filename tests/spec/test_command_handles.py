"""Commands and processes of the server that are talked to while they run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server
from spec.test_commands_exec import WORDS, alive, gone

from codex_runtime import (
    CodexRuntimeError,
    CommandEnded,
    CommandHandle,
    CommandNotStarted,
    CommandResult,
    ProcessHandle,
    RequestTimeout,
    RuntimeClosed,
    SandboxNotAllowed,
)

NOT_FAKED = "commands are real processes, and the fake app-server runs none"

Start: TypeAlias = Callable[..., CommandHandle | ProcessHandle]


def read_only(server: Server, *argv: str, **options: Any) -> CommandHandle:
    return server.runtime.commands.start(argv, **options)


def full_access(server: Server, *argv: str, **options: Any) -> CommandHandle:
    wide: dict[str, Any] = {"sandbox": "danger-full-access", "cwd": server.workspace, **WORDS}
    return server.runtime.commands.start(argv, **wide, **options)


def spawned(server: Server, *argv: str, **options: Any) -> ProcessHandle:
    return server.runtime.commands.spawn(argv, cwd=server.workspace, **WORDS, **options)


every_kind = pytest.mark.parametrize("start", [read_only, full_access, spawned])


@requirement("exec:stdin")
@every_kind
async def test_a_megabyte_comes_back_through_cat(server: Server, start: Start) -> None:
    data = os.urandom(1_000_000)
    found: list[bytes] = []
    async with start(server, "cat") as cat:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cat.write, data)
            while sum(map(len, found)) < len(data):
                found.append((await anext(aiter(cat))).data)
        await cat.close_stdin()
        result = await cat.wait()

    assert b"".join(found) == data
    assert result == CommandResult(0, data)


@requirement("exec:stdin-empty")
@every_kind
@pytest.mark.parametrize("stdin", [True, False])
async def test_the_end_of_stdin_is_seen(server: Server, start: Start, *, stdin: bool) -> None:
    async with start(server, "cat", stdin=stdin) as cat:
        await cat.close_stdin()
        result = await cat.wait()

    assert result == CommandResult(0)


@requirement("exec:lines")
@every_kind
async def test_output_is_read_line_by_line_while_it_is_written(
    server: Server, start: Start
) -> None:
    script = 'while read -r line; do echo "got $line"; done; echo end >&2'
    async with start(server, "sh", "-c", script) as shell:
        lines = shell.lines("stdout")
        for text in ("one", "two", "ä"):
            await shell.write(f"{text}\n")
            assert await anext(lines) == f"got {text}"
        await shell.close_stdin()
        assert [line async for line in lines] == []
        result = await shell.wait()

    assert result.stderr == "end\n"


@requirement("exec:terminal")
@every_kind
async def test_a_terminal_has_a_size_that_can_be_changed(server: Server, start: Start) -> None:
    script = "stty size; while read -r line; do stty size; done; echo end >&2"
    async with start(server, "sh", "-c", script, tty=True, size=(7, 90)) as shell:
        lines = shell.lines("stdout")
        assert await anext(lines) == "7 90"
        await shell.resize(50, 120)
        await shell.write("\n")
        assert await anext(lines) == ""
        assert await anext(lines) == "50 120"
        await shell.close_stdin()
        assert "end" in [line async for line in lines]
        result = await shell.wait()

    assert (result.exit_code, result.stderr_bytes) == (0, b"")


@requirement("exec:terminate")
@every_kind
async def test_terminating_kills_the_group_and_those_that_ignore_signals(
    server: Server, start: Start
) -> None:
    script = "trap '' TERM INT HUP; echo up; sleep 77003 & sleep 77003"
    async with start(server, "sh", "-c", script) as shell:
        assert await anext(shell.lines()) == "up"
        await shell.terminate()
        assert shell.exit_code == 137
        assert await gone("sleep 77003")
        await shell.terminate()


@requirement("exec:leaving")
@every_kind
async def test_leaving_the_block_ends_all_processes_of_the_group(
    server: Server, start: Start
) -> None:
    shell = start(server, "sh", "-c", "sleep 77004 & echo up; sleep 77004")
    with pytest.raises(ZeroDivisionError):
        async with shell:
            assert await anext(shell.lines()) == "up"
            assert alive("sleep 77004")
            raise ZeroDivisionError

    assert await shell.wait() == CommandResult(137, b"up\n")
    assert await gone("sleep 77004")


@requirement("exec:leaving")
@every_kind
async def test_whoever_is_cancelled_leaves_nothing_running(server: Server, start: Start) -> None:
    async def use() -> None:
        async with start(server, "sh", "-c", "sleep 77005 & cat; sleep 77005") as shell:
            await shell.write(b"input")
            await anext(aiter(shell))
            await shell.wait()

    for delay in (0, 0.001, 0.005, 0.02, 0.1):
        with anyio.move_on_after(delay):
            await use()
        assert await gone("sleep 77005")
    assert server.runtime.statistics().open_requests == 0


@requirement("exec:background")
@every_kind
async def test_what_is_left_in_the_background_ends_soon_after(server: Server, start: Start) -> None:
    async with start(server, "sh", "-c", "sleep 77006 & echo up") as shell:
        result = await shell.wait()

    assert result == CommandResult(0, b"up\n")
    assert await gone("sleep 77006")


@requirement("exec:timeout")
@every_kind
async def test_a_handle_whose_time_is_up_says_so(server: Server, start: Start) -> None:
    async with start(server, "sh", "-c", "echo up; sleep 77007", timeout=2) as shell:
        lines = [line async for line in shell.lines()]
        result = await shell.wait()

    assert lines == ["up"]
    assert result == CommandResult(124, b"up\n", timed_out=True)


@requirement("exec:truncated")
@every_kind
async def test_the_chunks_hold_what_the_result_has_no_room_for(
    server: Server, start: Start
) -> None:
    async with start(server, "head", "-c", "3000000", "/dev/zero", output_limit=10) as head:
        total = sum([len(chunk.data) async for chunk in head])
        result = await head.wait()

    assert total == 3_000_000
    assert result == CommandResult(0, bytes(10), truncated=True)


@requirement("exec:ended")
@every_kind
async def test_a_command_that_has_ended_takes_nothing_any_more(
    server: Server, start: Start
) -> None:
    async with start(server, "true", tty=True) as command:
        await command.wait()
        with pytest.raises(CommandEnded):
            await command.write(b"late")
        with pytest.raises(CommandEnded):
            await command.resize(1, 1)
        await command.close_stdin()


@requirement("exec:not-started")
async def test_a_process_whose_program_is_missing_is_an_error(server: Server) -> None:
    with pytest.raises(CommandNotStarted):
        async with spawned(server, "no-such-program"):
            raise AssertionError("never entered")


@requirement("exec:connection")
@every_kind
async def test_a_command_ends_with_its_connection(server: Server, start: Start) -> None:
    ended: list[type[CodexRuntimeError]] = []
    async with (
        server.another() as other,
        start(other, "sh", "-c", "echo up; sleep 77008 & sleep 77008") as shell,
        anyio.create_task_group() as tasks,
    ):

        async def wait() -> None:
            try:
                await shell.wait()
            except CodexRuntimeError as error:
                ended.append(type(error))

        tasks.start_soon(wait)
        assert await anext(shell.lines()) == "up"
        await other.runtime.close()

    assert ended == [RuntimeClosed]
    assert await gone("sleep 77008")


@requirement("exec:stuck")
@pytest.mark.parametrize("start", [read_only, spawned])
async def test_a_command_that_does_not_read_cannot_be_ended_by_its_server(
    server: Server, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_runtime.services._running.STOP_BOUND", 1.0)
    async with server.another() as other:
        async with start(other, "sleep", "10", timeout=1) as sleeper:
            with pytest.raises(RequestTimeout):
                for _ in range(140):
                    await sleeper.write(bytes(100_000), timeout=0.5)
            with pytest.raises(RequestTimeout):
                await sleeper.terminate()
        with pytest.raises(RequestTimeout):
            await sleeper.wait()


@requirement("process:unsandboxed")
async def test_a_process_may_write(server: Server) -> None:
    async with spawned(server, "sh", "-c", "echo x > out.txt; pwd") as process:
        result = await process.wait()

    assert result == CommandResult(0, f"{server.workspace}\n".encode())
    assert (server.workspace / "out.txt").read_text() == "x\n"


@requirement("process:unsandboxed")
async def test_a_process_needs_both_words(server: Server) -> None:
    spawn = server.runtime.commands.spawn

    with pytest.raises(SandboxNotAllowed, match="explicit opt-in"):
        spawn(["true"], cwd=server.workspace)
    with pytest.raises(SandboxNotAllowed, match="explicit scope"):
        spawn(["true"], **WORDS)


@requirement("process:unsandboxed", "exec:environment")
async def test_variables_of_a_process_are_added_and_taken_away(server: Server) -> None:
    script = 'echo "${HOME-none} $OWN"'
    async with spawned(server, "sh", "-c", script, env={"HOME": None, "OWN": "x"}) as process:
        result = await process.wait()

    assert result.stdout == "none x\n"
