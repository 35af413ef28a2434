"""Event loops that end, and tasks that are cancelled, in asyncio's own rough way."""

import asyncio  # noqa: TID251 — what asyncio itself does is the subject
import gc
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import trio
from runtime.support import PATIENCE, Server, a_thread, is_alive, rogue

from codex_runtime import Runtime, RuntimeClosed, TurnHandle, _process

pytestmark = [pytest.mark.usefixtures("no_process_left")]


def ended(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on asyncio, debug mode and all; it may not take for ever, nor leave anything."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await main

    began = monotonic()
    asyncio.run(bounded(), debug=True)
    gc.collect()
    assert monotonic() - began < PATIENCE


def test_a_loop_that_ends_with_a_runtime_open_leaves_no_process() -> None:
    runtime = Runtime(command=rogue("plain"))

    async def main() -> None:
        await runtime.__aenter__()

    ended(main())
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


def test_a_trio_run_that_ends_with_a_runtime_open_leaves_no_process() -> None:
    runtime = Runtime(command=rogue("plain"))
    trio.run(runtime.__aenter__)
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


def test_a_loop_that_ends_while_a_stubborn_server_is_being_ended_leaves_no_process(
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    runtime = Runtime(command=rogue("stay", str(notes)))

    async def main() -> None:
        await runtime.__aenter__()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await runtime.close()

    ended(main())
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)
    assert not is_alive(int(notes.read_text()))


def test_a_loop_that_ends_while_a_runtime_is_being_opened_leaves_no_process() -> None:
    runtime = Runtime(command=rogue("silent"))

    async def main() -> None:
        task = asyncio.create_task(runtime.__aenter__())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()

    ended(main())
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


def test_a_loop_that_ends_before_the_opening_has_really_begun_leaves_no_process() -> None:
    runtime = Runtime(command=rogue("silent"))
    tasks: list[object] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(runtime.__aenter__()))

    asyncio.run(main(), debug=True)
    assert runtime.pid is None or not is_alive(runtime.pid)


def test_a_task_cancelled_by_asyncio_interrupts_its_turn(server: Server) -> None:
    async def main() -> None:
        async with a_thread(server) as thread:
            task = asyncio.create_task(thread.run("Work."))
            await server.heard("turn/start")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.running == []
            assert len(server.sent("turn/interrupt")) == 1

    ended(main())


def test_a_timeout_of_asyncio_interrupts_the_turn(server: Server) -> None:
    async def main() -> None:
        async with a_thread(server) as thread:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await thread.run("Work.")
            assert server.running == []

    ended(main())


def test_a_task_group_of_asyncio_that_fails_interrupts_the_turns_in_it(server: Server) -> None:
    async def fail(turn: TurnHandle) -> None:
        await anext(turn.events())
        raise ZeroDivisionError

    async def main() -> None:
        async with a_thread(server) as thread:
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as tasks:
                    turn = await thread.turn_start("Work.")
                    tasks.create_task(turn.result())
                    tasks.create_task(fail(turn))
            assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
            assert server.running == []

    ended(main())


def test_ctrl_c_in_asyncio_run_interrupts_the_turn_and_ends_the_server(server: Server) -> None:
    async def main() -> None:
        async with a_thread(server) as thread:
            turn = await thread.turn_start("Work.")
            await anext(turn.events())
            os.kill(os.getpid(), signal.SIGINT)
            await turn.result()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert server.running == []


def test_ctrl_c_in_trio_run_interrupts_the_turn_and_ends_the_server(server: Server) -> None:
    async def main() -> None:
        async with a_thread(server) as thread:
            turn = await thread.turn_start("Work.")
            await anext(turn.events())
            os.kill(os.getpid(), signal.SIGINT)
            await turn.result()

    with pytest.raises(BaseException) as caught:  # noqa: PT011 — bare or in a group, as trio has it
        trio.run(main)
    assert isinstance(caught.value, KeyboardInterrupt)


@pytest.fixture(autouse=True)
def short_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process, "_EXIT_BY_ITSELF", 0.3)
    monkeypatch.setattr(_process, "_EXIT_ON_TERM", 0.3)


def test_closing_on_another_loop_ends_the_server_at_once(caplog: pytest.LogCaptureFixture) -> None:
    runtime = Runtime(command=rogue("plain"))
    first = asyncio.new_event_loop()
    first.run_until_complete(runtime.__aenter__())
    ended(runtime.close())
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)
    assert "another event loop" in caplog.text
    first.run_until_complete(asyncio.sleep(0))
    first.run_until_complete(runtime.wait_closed())
    first.close()


def test_cancelling_twice_at_once_stops_the_turn_all_the_same(server: Server) -> None:
    async def main() -> None:
        async with a_thread(server) as thread:
            running = asyncio.create_task(thread.run("Work."))
            async with thread.runtime.events() as events:
                await server.heard("turn/start")
                await anext(events)
            running.cancel()
            await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await server.heard("turn/interrupt")

    ended(main())


def test_a_start_cancelled_while_the_connection_ends_stays_cancelled_and_holds_nothing(
    server: Server,
) -> None:
    server.on["turn/start"] = server.nothing

    async def main() -> None:
        async with a_thread(server, max_in_flight=1) as thread:
            client = thread._client
            peer = client.peer
            starting = asyncio.create_task(thread.turn_start("Work."))
            await server.heard("turn/start")
            client.close(RuntimeClosed)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert peer.in_flight.value == 1
            assert not client.hub._starting

    ended(main())
