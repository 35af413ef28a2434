"""What both transports promise, whoever holds their other end."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from runtime.support import PATIENCE

from codex_runtime._process import ChildProcess
from codex_runtime.transports import Ending, Transport, TransportClosed
from codex_runtime.transports.memory import memory_pair
from codex_runtime.transports.stdio import StdioTransport

pytestmark = pytest.mark.usefixtures("no_process_left")


@asynccontextmanager
async def an_echo(kind: str) -> AsyncGenerator[Transport]:
    """A transport whose far side says everything back."""
    if kind == "stdio":
        transport: Transport = StdioTransport(ChildProcess(["cat"], env=dict(os.environ)))
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(transport.serve)
                yield transport
                tasks.cancel_scope.cancel()
        finally:
            await transport.aclose()
        return
    near, far = memory_pair()

    async def say_back() -> None:
        while batch := await far.receive():
            for message in batch:
                far.send(message.removesuffix(b"\n"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(say_back)
        yield near
        tasks.cancel_scope.cancel()
    await near.aclose()


@pytest.fixture(params=["stdio", "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def received(transport: Transport, count: int) -> list[bytes]:
    messages: list[bytes] = []
    with anyio.fail_after(PATIENCE):
        while len(messages) < count:
            batch = await transport.receive()
            assert batch, "it has ended"
            messages += batch
    return messages


async def test_messages_arrive_whole_and_in_order(kind: str) -> None:
    sent = [b"%d" % number * 1000 for number in range(200)]
    async with an_echo(kind) as transport:
        for message in sent:
            transport.send(message + b"\n")
        assert await received(transport, len(sent)) == sent


async def test_a_cancelled_wait_loses_nothing(kind: str) -> None:
    async with an_echo(kind) as transport:
        with anyio.move_on_after(0.01):
            await transport.receive()
        transport.send(b"one\n")
        for _ in range(5):
            with anyio.CancelScope() as scope:
                scope.cancel()
                assert await transport.receive() == []
        assert await received(transport, 1) == [b"one"]


async def test_after_the_end_nothing_is_sent_and_nothing_comes(kind: str) -> None:
    async with an_echo(kind) as transport:
        await transport.aclose()
        await transport.aclose()
        with pytest.raises(TransportClosed):
            transport.send(b"late\n")
        with anyio.fail_after(PATIENCE):
            assert await transport.receive() == []
        assert transport.oversized == 0


async def test_several_may_end_it_at_the_same_time(kind: str) -> None:
    async with an_echo(kind) as transport:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(transport.aclose)
        with anyio.fail_after(PATIENCE):
            assert await transport.receive() == []
        assert transport.ending() == Ending(exit_code=0 if kind == "stdio" else None)


async def test_every_receive_lets_others_run(kind: str) -> None:
    async with an_echo(kind) as transport:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count)
            for _ in range(10):
                transport.send(b"x\n")
                await received(transport, 1)
            tasks.cancel_scope.cancel()
        # On trio, who is first in a round is left to chance.
        assert turns >= 5


async def test_a_process_that_ended_by_itself_tells_its_exit_code() -> None:
    process = ChildProcess(["sh", "-c", "exit 5"], env=dict(os.environ))
    transport = StdioTransport(process)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.serve)
        with anyio.fail_after(PATIENCE):
            assert await transport.receive() == []
        tasks.cancel_scope.cancel()
    await transport.aclose()
    assert transport.ending() == Ending(exit_code=5)


async def test_what_was_sent_before_the_end_of_a_pair_is_still_received() -> None:
    near, far = memory_pair()
    near.send(b"last")
    near.end(Ending(exit_code=1))
    near.end(Ending(exit_code=2))
    assert await far.receive() == [b"last"]
    assert await far.receive() == []
    assert far.ending() == Ending(exit_code=1)
    await far.serve()
