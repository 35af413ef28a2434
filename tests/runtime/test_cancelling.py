"""Cancelled at every wait there is: nothing stays open, no turn runs on, nobody is left behind."""

from typing import Any

import anyio
import pytest
from runtime.support import Server, a_thread, cancelled_at_every_wait, settled

from codex_runtime import Runtime, ThreadHandle, TurnHandle, TurnResult, run, stream


class Leftovers:
    """Compares what is there with what was there."""

    def __init__(self, server: Server, runtime: Runtime) -> None:
        self._server = server
        self._runtime = runtime
        self._tasks = len(anyio.get_running_tasks())

    async def check(self, _result: Any = None) -> None:
        assert self._runtime.statistics().open_requests == 0
        assert self._server.running == []
        assert len(anyio.get_running_tasks()) == self._tasks
        assert await self._runtime.call_raw("test/on") == {}


async def test_run_on_a_turn_that_ends(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        left = Leftovers(server, thread.runtime)

        async def call() -> TurnResult:
            return await run("Work.", runtime=thread.runtime)

        assert await cancelled_at_every_wait(call, left.check) >= 3


async def test_run_on_a_turn_that_goes_on(server: Server) -> None:
    """The wait for its end is the last one there is; only an interrupt ends that."""
    async with a_thread(server) as thread:
        left = Leftovers(server, thread.runtime)
        for waits in range(1, 6):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(thread.run, "Work.")
                    for _ in range(waits * 4):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
            await settled()
            await left.check()
        sent = len(server.sent("turn/interrupt"))
        assert sent == len(server.sent("turn/start"))
        assert sent > 0


async def test_turn_start(server: Server) -> None:
    async with a_thread(server) as thread:
        left = Leftovers(server, thread.runtime)

        async def end_it(turn: TurnHandle | None) -> None:
            if turn is not None:
                await turn.interrupt()
            await settled()
            await left.check()

        async def call() -> TurnHandle:
            return await thread.turn_start("Work.")

        assert await cancelled_at_every_wait(call, end_it) >= 1


async def test_result(server: Server) -> None:
    async with a_thread(server) as thread:
        left = Leftovers(server, thread.runtime)
        turn = await thread.turn_start("Work.")
        results: list[TurnResult | None] = []

        async def call() -> TurnResult:
            if results:
                server.complete(turn.thread_id, turn.turn_id)
            return await turn.result()

        async def again(result: TurnResult | None) -> None:
            nonlocal turn
            results.append(result)
            await left.check()
            assert turn.status == ("completed" if result else "interrupted")
            if result is None:
                turn = await thread.turn_start("Work.")

        assert await cancelled_at_every_wait(call, again) >= 1
        assert results[0] is None


async def test_thread_start(server: Server) -> None:
    async with server.runtime() as runtime:
        left = Leftovers(server, runtime)

        async def call() -> ThreadHandle:
            return await runtime.thread_start()

        assert await cancelled_at_every_wait(call, left.check) >= 1


async def test_waiting_for_events_loses_none_of_them(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        texts = turn.text()
        got: list[str] = []

        async def take() -> None:
            async for text in texts:
                got.append(text)  # noqa: PERF401 — what came before a cancellation counts

        for number in range(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(take)
                for _ in range(number % 4):
                    await anyio.lowlevel.checkpoint()
                server.delta(turn.thread_id, turn.turn_id, f"{number} ")
                for _ in range(number % 7):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        server.complete(turn.thread_id, turn.turn_id)
        await take()
        assert "".join(got) == "".join(f"{number} " for number in range(30))


# -- opening and closing


async def test_opening_and_closing_a_runtime(server: Server) -> None:
    tasks = len(anyio.get_running_tasks())
    runtimes: list[Runtime] = []

    async def call() -> bool:
        async with server.runtime() as runtime:
            runtimes.append(runtime)
            await runtime.call_raw("test/on")
        return True

    async def check(_done: object) -> None:
        assert len(anyio.get_running_tasks()) == tasks
        assert all("closed" in repr(runtime) for runtime in runtimes)

    assert await cancelled_at_every_wait(call, check) >= 3


async def test_closing_is_not_left_half_done(server: Server) -> None:
    async def call() -> bool:
        runtime = server.runtime()
        await runtime.__aenter__()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await runtime.close()
        assert "closed" in repr(runtime)
        return True

    assert await call()


async def test_a_stream_from_its_beginning_to_its_end(server: Server) -> None:
    async with server.runtime() as runtime:
        left = Leftovers(server, runtime)

        async def call() -> bool:
            async with stream("Work.", runtime=runtime) as turn:
                await anext(turn.events())
            return True

        assert await cancelled_at_every_wait(call, left.check) >= 3


async def test_iterating_inside_a_stream(server: Server) -> None:
    async with server.runtime() as runtime:
        left = Leftovers(server, runtime)
        turns: list[TurnHandle] = []
        with anyio.CancelScope() as scope:
            async with stream("Work.", runtime=runtime) as turn:
                turns.append(turn)
                async for _ in turn:
                    scope.cancel()
        assert scope.cancelled_caught
        assert [turn.status for turn in turns] == ["interrupted"]
        await settled()
        await left.check()


@pytest.mark.parametrize("what", ["start", "result"])
async def test_a_deadline_of_the_callers_is_the_callers(server: Server, what: str) -> None:
    if what == "start":
        server.on["turn/start"] = server.nothing

    async def answer_late() -> None:
        if what == "start":
            server.start_turn(await server.heard("turn/start"))

    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as inner:
                inner.start_soon(thread.run, "Work.")
                await server.heard("turn/start")
                scope.cancel()
                tasks.start_soon(answer_late)
        assert scope.cancelled_caught
        assert server.running == []
        assert len(server.sent("turn/interrupt")) == 1
