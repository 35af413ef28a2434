"""The edges of a turn: taken but not started, asked to stop in vain, over before it was named."""

import anyio
import pytest
from runtime.support import Message, Server, a_thread, cancelled_at_every_wait, settled
from runtime.test_cancelling import Leftovers

from codex_runtime import RuntimeClosed, TurnInProgress


async def test_a_turn_that_is_taken_but_not_started_yet_keeps_its_thread_busy(
    server: Server,
) -> None:
    server.on["turn/start"] = lambda request: (server.take_turn(request), None)[1]
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(TurnInProgress) as caught:
            await thread.turn_start("More work.")
        assert caught.value.turn_id == turn.turn_id


async def test_an_interrupt_may_be_cancelled_at_any_wait_and_asked_for_again(
    server: Server,
) -> None:
    async with a_thread(server) as thread:
        left = Leftovers(server, thread.runtime)
        turn = await thread.turn_start("Work.")

        async def again(done: object) -> None:
            nonlocal turn
            if not done:
                with anyio.fail_after(5):
                    await turn.interrupt()
            await settled()
            await left.check()
            turn = await thread.turn_start("Work.")

        async def call() -> bool:
            await turn.interrupt()
            return True

        await cancelled_at_every_wait(call, again)


async def test_an_interrupt_does_not_queue_behind_hung_requests(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    async with a_thread(server, max_in_flight=1) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(thread.runtime.call_raw, "test/slow")
            await server.heard("test/slow")
            with anyio.fail_after(5):
                await turn.interrupt()
            tasks.cancel_scope.cancel()
        assert turn.status == "interrupted"


async def test_a_start_that_comes_again_behind_the_end_does_not_block_the_thread(
    server: Server,
) -> None:
    def twice(request: Message) -> None:
        ids = server.take_turn(request)
        server.begin(*ids)
        server.complete(*ids)
        server.begin(*ids)

    server.on["turn/start"] = twice
    async with a_thread(server) as thread:
        for _ in range(2):
            assert (await thread.run("Work.")).status == "completed"


@pytest.mark.virtual_time
async def test_closing_the_runtime_does_not_wait_for_a_turn_that_is_being_stopped(
    server: Server,
) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", timeout=60)
        await anyio.sleep(61)
        await settled()
        began = anyio.current_time()
        await thread.runtime.close()
        assert anyio.current_time() - began < 1
        with pytest.raises(RuntimeClosed):
            await turn.result()


async def test_nothing_comes_behind_the_end_of_a_turn(server: Server) -> None:
    """All of it in one batch with the answer to turn/start, so it is handed on by claim()."""

    def all_at_once(request: Message) -> None:
        ids = server.take_turn(request)
        server.begin(*ids)
        server.complete(*ids)
        server.message(*ids, "late")

    server.on["turn/start"] = all_at_once
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        assert [event.method async for event in turn][-1] == "turn/completed"
