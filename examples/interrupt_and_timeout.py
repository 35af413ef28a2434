"""Three ways to stop a turn."""

import anyio

import codex_runtime as cr


async def main() -> None:
    async with cr.Runtime() as runtime:
        thread = await runtime.thread_start(cwd=".")

        # 1. Interrupt it. What it did until then is in the result.
        turn = await thread.turn_start("Write a poem of a hundred lines")
        async for _ in turn.text():
            await turn.interrupt()
        print("first:", (await turn.result()).status)

        # 2. Give it a time, in seconds.
        try:
            await thread.run("Write a poem of a thousand lines", timeout=2)
        except cr.TurnTimedOut as timeout:
            print("second:", timeout.result.status, "after", timeout.seconds, "s")

        # 3. Cancel whoever waits for it: run() and result() take the turn along.
        with anyio.move_on_after(2) as patience:
            await thread.run("Write an epic")
        print("third: cancelled" if patience.cancelled_caught else "third: finished")


anyio.run(main)
