"""Commands and processes on a server played by hand."""

from __future__ import annotations

import base64
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from runtime.command_acts import Machine
from runtime.support import Message, Server, settled

from codex_runtime import CommandEnded, CommandNotStarted, InvalidArgument, Runtime
from codex_runtime.errors import EventsLost
from codex_runtime.services.commands import (
    CommandHandle,
    CommandResult,
    OutputChunk,
    ProcessHandle,
)

Start = Callable[..., CommandHandle | ProcessHandle]


def start_command(runtime: Runtime, **options: Any) -> CommandHandle:
    return runtime.commands.start(["prog", "arg"], **options)


def spawn_process(runtime: Runtime, **options: Any) -> ProcessHandle:
    words: dict[str, Any] = {"cwd": "/", "privileged_escalation_approved": True}
    return runtime.commands.spawn(["prog", "arg"], **words, **options)


both = pytest.mark.parametrize("start", [start_command, spawn_process])


@asynccontextmanager
async def running(machine: Machine, *argv: str, **options: Any) -> AsyncGenerator[list[Any]]:
    """A `run` under way; its result is in the list at the end."""
    results: list[Any] = []
    async with machine.server.runtime() as runtime, anyio.create_task_group() as tasks:

        async def run() -> None:
            results.append(await runtime.commands.run([*argv] or ["prog"], **options))

        tasks.start_soon(run)
        await machine.server.heard("command/exec/write")
        yield results


# -- run


async def test_a_command_is_run_read_only_for_ten_seconds_and_1_mib_of_each_stream(
    machine: Machine,
) -> None:
    async with running(machine, "ls", "-l") as results:
        [request] = machine.server.sent("command/exec")
        machine.exit(0)

    assert request["params"] == {
        "command": ["ls", "-l"],
        "processId": request["params"]["processId"],
        "sandboxPolicy": {"type": "readOnly", "networkAccess": False},
        "streamStdoutStderr": True,
        "timeoutMs": 10_000,
        "outputBytesCap": 1_048_577,
    }
    assert results == [CommandResult(0)]


async def test_what_the_caller_says_is_sent(machine: Machine, tmp_path: Path) -> None:
    options = {
        "cwd": tmp_path,
        "env": {"A": "1", "B": None},
        "timeout": 0.0101,
        "output_limit": 5,
        "sandbox": {"type": "workspaceWrite", "writable_roots": ["/data"]},
        "privileged_escalation_approved": True,
    }
    async with running(machine, **options):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)

    params = request["params"]
    assert params["cwd"] == str(tmp_path)
    assert params["env"] == {"A": "1", "B": None}
    assert (params["timeoutMs"], params["outputBytesCap"]) == (11, 6)
    assert params["sandboxPolicy"]["writableRoots"] == ["/data", str(tmp_path)]


async def test_a_permission_profile_stands_in_place_of_the_sandbox(machine: Machine) -> None:
    async with running(machine, permissions=":read-only"):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)

    assert request["params"]["permissionProfile"] == ":read-only"
    assert "sandboxPolicy" not in request["params"]


async def test_no_limit_of_time_is_said_in_so_many_words(machine: Machine) -> None:
    async with running(machine, timeout=math.inf):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)

    assert request["params"]["disableTimeout"] is True
    assert "timeoutMs" not in request["params"]


async def test_the_result_holds_what_came_before_the_answer(machine: Machine) -> None:
    async with running(machine) as results:
        machine.out(b"\xffone ")
        machine.out(b"bad", "stderr")
        machine.out(b"two")
        machine.exit(3)

    [result] = results
    assert result == CommandResult(3, b"\xffone two", b"bad")
    assert (result.stdout, result.stderr) == ("\ufffdone two", "bad")
    assert "two" not in repr(result)


async def test_output_that_comes_before_the_server_has_confirmed_is_kept(
    server: Server, machine: Machine
) -> None:
    confirm = server.on["command/exec/write"]

    def write_first(request: Message) -> None:
        machine.out(b"quick")
        machine.exit(0)
        confirm(request)

    server.on["command/exec/write"] = write_first
    async with server.runtime() as runtime:
        assert await runtime.commands.run(["prog"]) == CommandResult(0, b"quick")


@pytest.mark.parametrize(("written", "truncated"), [(b"12345", False), (b"123456", True)])
async def test_a_result_is_truncated_when_one_byte_more_than_wanted_came(
    machine: Machine, written: bytes, *, truncated: bool
) -> None:
    async with running(machine, output_limit=5) as results:
        machine.out(written, capped=len(written) == 6)
        machine.exit(0)

    assert results == [CommandResult(0, b"12345", truncated=truncated)]


async def test_a_command_that_cannot_be_started_says_so(server: Server, machine: Machine) -> None:
    machine.missing = True
    async with server.runtime() as runtime:
        with pytest.raises(CommandNotStarted) as refused:
            await runtime.commands.run(["nothing"])
    assert refused.value.errno == 2
    assert not server.sent("command/exec/terminate")


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("code", "seconds", "timed_out"), [(124, 10.0, True), (124, 1.0, False), (0, 10.0, False)]
)
async def test_a_command_whose_time_was_up_says_so(
    machine: Machine, code: int, seconds: float, *, timed_out: bool
) -> None:
    async with running(machine) as results:
        await anyio.sleep(seconds)
        machine.exit(code)

    assert results == [CommandResult(code, timed_out=timed_out)]


# -- handles


@both
async def test_a_handle_is_checked_at_once_and_starts_when_its_block_is_entered(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        handle = start(runtime)
        await settled()
        assert not machine.running
        assert "not started" in repr(handle)

        async with handle as entered:
            assert entered is handle
            assert machine.name == handle.process_id
            assert handle.exit_code is None
            assert "running" in repr(handle)
            machine.exit(4)
            assert await handle.wait() == CommandResult(4)
        assert handle.exit_code == 4
        assert "exit code 4" in repr(handle)
        assert "prog" not in repr(handle)


async def test_a_command_to_talk_to_has_an_hour_and_all_its_output(
    server: Server, machine: Machine
) -> None:
    async with server.runtime() as runtime, start_command(runtime):
        [request] = server.sent("command/exec")
    params = request["params"]
    assert params["timeoutMs"] == 3_600_000
    assert params["disableOutputCap"] is params["streamStdin"] is True
    assert not {"tty", "size", "outputBytesCap"} & {*params}


async def test_a_process_is_spawned_without_caps(server: Server, machine: Machine) -> None:
    async with server.runtime() as runtime, spawn_process(runtime, env={"A": None}):
        [request] = server.sent("process/spawn")
    assert request["params"] == {
        "command": ["prog", "arg"],
        "cwd": "/",
        "env": {"A": None},
        "processHandle": request["params"]["processHandle"],
        "streamStdin": True,
        "streamStdoutStderr": True,
        "timeoutMs": 3_600_000,
        "outputBytesCap": None,
    }


@both
async def test_no_limit_of_time_is_no_timeout(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime, timeout=math.inf):
        params = machine.running[machine.name]["params"]
    # One family has a flag for it, the other takes null.
    assert params.get("disableTimeout") or ("timeoutMs" in params and params["timeoutMs"] is None)


@both
async def test_a_terminal_has_a_size_that_can_be_changed_and_always_input(
    server: Server, machine: Machine, start: Start
) -> None:
    options = {"tty": True, "size": (3, 4), "stdin": False}
    async with server.runtime() as runtime, start(runtime, **options) as handle:
        params = machine.running[machine.name]["params"]
        assert (params["tty"], params["streamStdin"]) == (True, True)
        assert params["size"] == {"rows": 3, "cols": 4}

        await handle.resize(50, 60)
        await handle.write("typed")
    [*_, resize] = server.sent("command/exec/resize") + server.sent("process/resizePty")
    assert resize["params"]["size"] == {"rows": 50, "cols": 60}


@both
async def test_chunks_are_kept_until_they_are_read_and_the_result_is_complete_all_the_same(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        machine.out(b"a\n")
        machine.out(b"b", "stderr")
        machine.exit(0)
        assert await handle.wait() == CommandResult(0, b"a\n", b"b")
        assert [chunk async for chunk in handle] == [
            OutputChunk("stdout", b"a\n"),
            OutputChunk("stderr", b"b"),
        ]


@both
async def test_reading_lines_goes_on_where_it_was_left(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        machine.out(b"one\ntwo\nthr")
        async for line in handle.lines():
            assert line == "one"
            break
        machine.out(b"ee\n")
        machine.exit(0)
        assert [line async for line in handle.lines()] == ["two", "three"]


@both
async def test_a_chunk_that_is_no_base64_is_a_gap(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        machine.out("%%%")
        machine.exit(0)
        result = await handle.wait()
        with pytest.raises(EventsLost):
            await anext(aiter(handle))
    assert result == CommandResult(0, truncated=True)


@both
async def test_events_of_others_and_of_the_past_do_not_matter(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        async with start(runtime) as handle:
            name = machine.name
            machine.out(b"stranger", name="command-0")
            machine.out(b"stranger", name="process-0")
            server.tell("process/exited", processHandle="process-0", exitCode=1)
            server.tell("command/exec/outputDelta", deltaBase64="YQ==")
            machine.out(b"own")
            machine.exit(0)
            await handle.wait()
            machine.out(b"late", name=name)
            server.tell("process/exited", processHandle=name, exitCode=9)
            await settled()
        assert [chunk.data async for chunk in handle] == [b"own"]
        assert await handle.wait() == CommandResult(0, b"own")


@both
async def test_two_at_once_do_not_hear_each_other(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as one, start(runtime) as two:
        for handle, text in ((one, b"one"), (two, b"two")):
            machine.out(text, name=handle.process_id)
            machine.exit(0, handle.process_id)
        assert (await one.wait()).stdout == "one"
        assert (await two.wait()).stdout == "two"


# -- input


def pieces(server: Server) -> list[Message]:
    sent = server.sent("command/exec/write") + server.sent("process/writeStdin")
    # The first of a command asks whether it runs.
    return [each["params"] for each in sent if each["params"].get("deltaBase64") != ""]


@both
async def test_input_is_sent_in_pieces_and_in_order(
    server: Server, machine: Machine, start: Start
) -> None:
    data = bytes(range(256)) * 2**14 + b"more"
    async with server.runtime() as runtime, start(runtime) as handle:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(handle.write, data)
            await settled(2)
            tasks.start_soon(handle.write, "é")
        await handle.write(b"")
        await handle.write(memoryview(b"view"))
        sent = [base64.b64decode(piece["deltaBase64"]) for piece in pieces(server)]
    assert [len(piece) for piece in sent] == [2**22, 4, 2, 4]
    assert b"".join(sent) == data + "é".encode() + b"view"


@both
async def test_stdin_is_closed_once_and_takes_nothing_then(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        await handle.close_stdin()
        await handle.close_stdin()
        with pytest.raises(InvalidArgument, match="stdin is closed"):
            await handle.write(b"more")
        [closing] = pieces(server)
    assert closing["closeStdin"] is True
    assert "deltaBase64" not in closing


@both
async def test_without_stdin_nothing_can_be_written(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime, stdin=False) as handle:
        with pytest.raises(InvalidArgument, match="stdin is closed"):
            await handle.write(b"more")
        await handle.close_stdin()
        assert "streamStdin" not in machine.running[machine.name]["params"]
    assert not pieces(server)


@both
async def test_who_has_ended_takes_neither_input_nor_another_size(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime, tty=True) as handle:
        machine.exit(0)
        with pytest.raises(CommandEnded):
            await handle.write(b"more")
        with pytest.raises(CommandEnded):
            await handle.resize(1, 1)
        await handle.close_stdin()
