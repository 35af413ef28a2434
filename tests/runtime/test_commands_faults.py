"""Commands and processes whose server does not do what it should, or not in time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from runtime.command_acts import Machine
from runtime.support import Server, settled
from runtime.test_commands import Start, both, spawn_process, start_command

from codex_runtime import (
    CommandNotStarted,
    InvalidArgument,
    RemoteProtocolError,
    RequestTimeout,
    Runtime,
)
from codex_runtime.services.commands import CommandResult


def stops(server: Server) -> list[Any]:
    return server.sent("command/exec/terminate") + server.sent("process/kill")


def nothing_left(runtime: Runtime) -> bool:
    hub = runtime._client.hub
    return runtime.statistics().open_requests == 0 and not hub._named


# -- the end of a command


@both
async def test_leaving_the_block_ends_it_and_waits_for_that(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        async with start(runtime) as handle:
            machine.out(b"working")
        assert not machine.running
        assert await handle.wait() == CommandResult(137, b"working")
        assert len(stops(server)) == 1
        assert nothing_left(runtime)


@both
async def test_an_exception_of_the_block_ends_it_and_comes_out_as_it_was(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(ZeroDivisionError):
            async with start(runtime):
                raise ZeroDivisionError
        assert not machine.running


@both
async def test_who_has_ended_is_not_told_to_end(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        async with start(runtime) as handle:
            machine.exit(0)
            await handle.wait()
            await handle.terminate()
        await settled()
    assert not stops(server)


@both
async def test_terminating_waits_for_the_end_and_asks_once(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(handle.terminate)
        assert handle.exit_code == 137
    assert len(stops(server)) == 1


@both
async def test_a_refusal_to_end_it_because_it_has_just_ended_is_no_error(
    server: Server, machine: Machine, start: Start
) -> None:
    def too_late(request: Any) -> None:
        server.refuse(request, f"{request['params']} is no longer running")
        machine.exit(0)

    server.on["command/exec/terminate"] = server.on["process/kill"] = too_late
    async with server.runtime() as runtime, start(runtime) as handle:
        await handle.terminate()
        assert await handle.wait() == CommandResult(0)


@pytest.mark.virtual_time
@both
async def test_who_is_not_there_yet_is_told_to_end_once_more(
    server: Server, machine: Machine, start: Start
) -> None:
    answer = dict(server.on)

    def too_early(request: Any) -> None:
        server.refuse(request, "no active command/exec for process id")
        server.on.update(answer)

    server.on["command/exec/terminate"] = server.on["process/kill"] = too_early
    async with server.runtime() as runtime, start(runtime) as handle:
        await handle.terminate()
    assert len(stops(server)) == 2


@pytest.mark.virtual_time
@both
async def test_leaving_is_bounded_when_nothing_ends_it(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        async with start(runtime) as handle:
            machine.deaf = True
            left = anyio.current_time()
        assert 9 < anyio.current_time() - left < 12
        with pytest.raises(RequestTimeout):
            await handle.wait()
        assert "lost" in repr(handle)
        assert nothing_left(runtime)


@pytest.mark.virtual_time
@both
async def test_a_command_that_outlives_its_time_is_ended_by_us(
    server: Server, machine: Machine, start: Start
) -> None:
    """Fact 201: a server that is stuck with input does not look at the time."""
    async with server.runtime() as runtime, start(runtime, timeout=100) as handle:
        begun = anyio.current_time()
        result = await handle.wait()
        assert anyio.current_time() - begun == pytest.approx(130, abs=1)
    assert result.exit_code == 137


@pytest.mark.virtual_time
@both
async def test_a_command_that_nothing_ends_is_given_up(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime, timeout=100) as handle:
        machine.deaf = True
        begun = anyio.current_time()
        with pytest.raises(RequestTimeout):
            await handle.wait()
        assert anyio.current_time() - begun == pytest.approx(140, abs=1)
        with pytest.raises(RequestTimeout):
            await anext(aiter(handle))


@both
async def test_an_end_without_an_exit_code_is_no_end_that_can_be_reported(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        machine.exit(None)
        with pytest.raises(RemoteProtocolError, match="no exit code"):
            await handle.wait()


async def test_a_process_may_end_before_its_start_is_answered(
    server: Server, machine: Machine
) -> None:
    def quick(request: Any) -> None:
        name = request["params"]["processHandle"]
        machine.running[name] = request
        machine.out(b"quick")
        machine.exit(5)
        server.answer(request, {})

    server.on["process/spawn"] = quick
    async with server.runtime() as runtime, spawn_process(runtime) as handle:
        assert await handle.wait() == CommandResult(5, b"quick")


async def test_a_process_tells_at_its_end_whether_output_was_held_back(
    server: Server, machine: Machine
) -> None:
    async with server.runtime() as runtime, spawn_process(runtime) as handle:
        name = machine.name
        server.tell("process/exited", processHandle=name, exitCode=0, stderrCapReached=True)
        assert (await handle.wait()).truncated


# -- the start


@both
async def test_a_refused_start_leaves_nothing_behind(
    server: Server, machine: Machine, start: Start
) -> None:
    machine.missing = True
    async with server.runtime() as runtime:
        handle = start(runtime)
        with pytest.raises(CommandNotStarted):
            async with handle:
                raise AssertionError("never entered")
        for again in (handle.wait, handle.terminate, lambda: anext(aiter(handle))):
            with pytest.raises(CommandNotStarted):
                await again()
        assert nothing_left(runtime)
    assert not stops(server)


@pytest.mark.virtual_time
@both
async def test_a_start_without_an_answer_is_given_up_and_undone(
    server: Server, machine: Machine, start: Start
) -> None:
    for method in ("command/exec", "command/exec/write", "process/spawn"):
        server.on[method] = server.nothing
    async with server.runtime() as runtime:
        begun = anyio.current_time()
        with pytest.raises(RequestTimeout) as timeout:
            async with start(runtime):
                raise AssertionError("never entered")
        assert anyio.current_time() - begun == pytest.approx(30, abs=1)
        assert timeout.value.method in {"command/exec", "process/spawn"}
        await anyio.sleep(20)
        assert stops(server)
        assert nothing_left(runtime)
        assert runtime.statistics().timeouts == 1


@pytest.mark.virtual_time
@both
async def test_a_start_that_finds_no_place_among_the_requests_is_not_sent(
    server: Server, machine: Machine, start: Start
) -> None:
    server.on["slow"] = server.nothing
    async with (
        server.runtime(max_in_flight=1) as runtime,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: runtime.call_raw("slow", {}, timeout=1000))
        await server.heard("slow")
        handle = start(runtime)
        with pytest.raises(RequestTimeout):
            async with handle:
                raise AssertionError("never entered")
        with anyio.move_on_after(1):
            async with start(runtime):
                raise AssertionError("never entered")
        assert not machine.running
        assert not stops(server)
        tasks.cancel_scope.cancel()


async def test_whoever_leaves_before_the_start_was_sent_has_started_nothing(
    server: Server, machine: Machine
) -> None:
    server.on["slow"] = server.nothing
    async with (
        server.runtime(max_in_flight=1) as runtime,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: runtime.call_raw("slow", {}, timeout=1000))
        await server.heard("slow")
        handle = start_command(runtime)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as entering:
                entering.start_soon(handle.__aenter__)
                await settled()
                scope.cancel()
        with pytest.raises(InvalidArgument, match="left before it was started"):
            await handle.wait()
        assert not server.sent("command/exec")
        tasks.cancel_scope.cancel()


@pytest.mark.virtual_time
@both
async def test_stdin_that_was_not_closed_in_time_can_be_closed_again(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        machine.deaf = True
        with pytest.raises(RequestTimeout):
            await handle.close_stdin(timeout=1)
        machine.deaf = False
        await handle.close_stdin()
        await handle.close_stdin()
        sent = server.sent("command/exec/write") + server.sent("process/writeStdin")
    assert len([each for each in sent if each["params"].get("closeStdin")]) == 2


@both
async def test_commands_that_run_take_no_place_among_the_requests(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime(max_in_flight=2) as runtime:
        async with start(runtime), start(runtime), start(runtime) as last:
            assert len(machine.running) == 3
            await last.write(b"there is room")
        assert nothing_left(runtime)
