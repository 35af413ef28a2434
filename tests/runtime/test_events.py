"""Waiting for events: woken by the next one or by the end, and cancelled without a loss."""

import anyio
import pytest
from core.support import completed

from codex_runtime._channel import Channel
from codex_runtime.errors import CodexRuntimeError, ConnectionLost
from codex_runtime.protocol import (
    Event,
)


async def test_a_waiting_consumer_gets_an_event_as_soon_as_it_is_there() -> None:
    channel = Channel()
    found: list[Event] = []

    async def consume() -> None:
        found.append(await anext(channel))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await anyio.wait_all_tasks_blocked()
            assert found == []
            channel.push(completed("a"), 100)

    assert found == [completed("a")]


@pytest.mark.parametrize("error", [None, ConnectionLost(exit_code=1)])
async def test_a_waiting_consumer_is_told_of_the_end(error: CodexRuntimeError | None) -> None:
    channel = Channel()
    ends: list[BaseException] = []

    async def consume() -> None:
        with pytest.raises((StopAsyncIteration, ConnectionLost)) as caught:
            await anext(channel)
        ends.append(caught.value)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await anyio.wait_all_tasks_blocked()
            channel.close(error)

    assert len(ends) == 1
    assert isinstance(ends[0], StopAsyncIteration) if error is None else ends[0] is error


async def test_cancelling_a_wait_loses_nothing() -> None:
    channel = Channel()
    for _ in range(2):
        with anyio.move_on_after(0) as wait:
            await anext(channel)
        assert wait.cancelled_caught

    channel.push(completed("a"), 100)
    channel.push(completed("b"), 100)

    with anyio.fail_after(5):
        assert await anext(channel) == completed("a")
        assert await anext(channel) == completed("b")


async def test_a_channel_can_be_iterated_to_its_end() -> None:
    channel = Channel()
    for name in "abc":
        channel.push(completed(name), 100)
    channel.close()

    with anyio.fail_after(5):
        assert [event async for event in channel] == [completed(name) for name in "abc"]
