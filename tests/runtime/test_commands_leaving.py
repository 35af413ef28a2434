"""Commands and processes whose caller is cancelled, or whose connection ends, at any moment."""

from __future__ import annotations

import asyncio  # noqa: TID251 — what asyncio itself does is the subject of one test
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.command_acts import Machine
from runtime.support import Message, Server, cancelled_at_every_wait, settled
from runtime.test_commands import Start, both, running, start_command
from runtime.test_commands_faults import nothing_left, stops

from codex_runtime import CodexRuntimeError, ConnectionLost, RuntimeClosed
from codex_runtime.services.commands import CommandResult

# -- cancelling


@both
async def test_cancelling_at_any_moment_leaves_nothing_running(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:

        async def use() -> int:
            async with start(runtime, tty=True) as handle:
                machine.out(b"line\n")
                await handle.write(b"input")
                await handle.resize(1, 2)
                await anext(aiter(handle))
                await handle.close_stdin()
                machine.exit(0)
                return (await handle.wait()).exit_code

        async def check(code: int | None) -> None:
            assert code in {None, 0}
            assert not machine.running
            assert nothing_left(runtime)

        assert await cancelled_at_every_wait(use, check) > 5


async def test_cancelling_a_run_at_any_moment_ends_its_command(
    server: Server, machine: Machine
) -> None:
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        first = True

        async def ending() -> None:
            nonlocal first
            while True:
                await settled(1)
                if machine.running and not first:
                    machine.exit(0)

        tasks.start_soon(ending)

        async def run() -> CommandResult:
            nonlocal first
            await settled(3)
            first = False
            return await runtime.commands.run(["prog"])

        async def check(result: CommandResult | None) -> None:
            assert result in {None, CommandResult(0)}
            assert not machine.running
            assert nothing_left(runtime)

        assert await cancelled_at_every_wait(run, check) > 2
        tasks.cancel_scope.cancel()


@both
@pytest.mark.parametrize("rounds", range(14))
async def test_leaving_in_the_moment_in_which_there_is_room_leaves_nothing_running(
    server: Server, machine: Machine, start: Start, rounds: int
) -> None:
    held: list[Message] = []
    server.on["slow"] = held.append
    async with server.runtime(max_in_flight=1) as runtime, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: runtime.call_raw("slow", {}, timeout=1000))
        await server.heard("slow")

        async def use() -> None:
            async with start(runtime):
                await anyio.sleep_forever()

        async with anyio.create_task_group() as entering:
            entering.start_soon(use)
            await settled()
            server.answer(held[0], {})
            for _ in range(rounds):
                await checkpoint()
            entering.cancel_scope.cancel()
        await settled()
        assert not machine.running
        assert nothing_left(runtime)


async def test_an_error_that_several_are_told_does_not_grow(
    server: Server, machine: Machine
) -> None:
    depths: list[int] = []
    async with server.runtime() as runtime, start_command(runtime) as handle:
        server.crash(exit_code=1)
        for _ in range(3):
            with pytest.raises(ConnectionLost) as lost:
                await handle.wait()
            depths.append(len(lost.traceback))
    assert depths == depths[:1] * 3


@pytest.mark.virtual_time
async def test_cancelling_a_run_waits_for_the_end_of_its_command(
    server: Server, machine: Machine
) -> None:
    async with server.runtime() as runtime:
        with anyio.move_on_after(5):
            await runtime.commands.run(["prog"], timeout=100)
        assert not machine.running
        assert nothing_left(runtime)
    assert len(stops(server)) == 1


# -- the connection


@both
async def test_the_end_of_the_connection_reaches_every_waiter(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime, start(runtime, tty=True) as handle:
        hub = runtime._client.hub
        server.on["command/exec/resize"] = server.on["process/resizePty"] = server.nothing
        server.on["command/exec/write"] = server.on["process/writeStdin"] = server.nothing
        server.on["command/exec/terminate"] = server.on["process/kill"] = server.nothing
        lost: list[type[CodexRuntimeError]] = []

        async def wait(call: Callable[[], Awaitable[Any]]) -> None:
            try:
                await call()
            except CodexRuntimeError as error:
                lost.append(type(error))

        calls: list[Callable[[], Awaitable[Any]]] = [
            handle.wait,
            handle.wait,
            handle.terminate,
            lambda: handle.write(b"x"),
            lambda: handle.resize(1, 1),
            lambda: anext(aiter(handle)),
            lambda: runtime.commands.run(["other"]),
        ]
        async with anyio.create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(wait, call)
            await settled()
            server.crash(exit_code=1)
        assert lost == [ConnectionLost] * len(calls)
        with pytest.raises(ConnectionLost):
            await anext(handle.lines())
    assert not hub._named


@both
async def test_closing_the_runtime_ends_what_runs(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        async with start(runtime) as handle:
            machine.out(b"last words")
            await settled()
            await runtime.close()
            assert (await anext(aiter(handle))).data == b"last words"
            with pytest.raises(RuntimeClosed):
                await handle.wait()
        with pytest.raises(RuntimeClosed):
            await start(runtime).__aenter__()


@both
async def test_a_handle_is_of_no_use_once_the_connection_is_lost(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        handle = start(runtime)
        server.crash(exit_code=1)
        await runtime.wait_closed()
        with pytest.raises(ConnectionLost):
            await handle.__aenter__()


async def test_a_run_during_which_the_connection_is_lost_says_so(machine: Machine) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with running(machine):
            machine.server.crash(signal=9)
    assert raised.group_contains(ConnectionLost)


def test_cancelling_twice_in_asyncios_own_way_ends_the_command_all_the_same() -> None:
    """The second one goes through every shield."""

    async def main() -> None:
        server = Server()
        machine = Machine(server)
        async with server.runtime() as runtime:
            task = asyncio.create_task(runtime.commands.run(["prog"], timeout=100))
            await server.heard("command/exec/write")
            answer = server.on["command/exec/terminate"]
            server.on["command/exec/terminate"] = server.nothing
            for _ in range(2):
                task.cancel()
                await settled(5)
            assert task.done()
            answer(await server.heard("command/exec/terminate"))
            await settled()
            assert not machine.running
            assert nothing_left(runtime)

    asyncio.run(main(), debug=True)
