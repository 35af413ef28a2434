"""One turn, several consumers, and a change of mind on the way."""

import anyio

import codex_runtime as cr
from codex_runtime.protocol import UserMessageItem


async def main() -> None:
    async with cr.Runtime() as runtime:
        thread = await runtime.thread_start(cwd=".")
        turn = await thread.turn_start("Name a colour.")

        async def count() -> None:
            # A consumer of its own: it begins at the start of the turn and disturbs no other.
            kinds = {event.method async for event in turn}
            print("counted:", "turn/started" in kinds, "turn/completed" in kinds)

        async with anyio.create_task_group() as consumers:
            consumers.start_soon(count)
            async for _ in turn.text():
                # What the model is saying is cut off; it answers anew.
                await turn.steer("A warm one, please.")
                break

        result = await turn.result()
        said = [item for item in result.items if isinstance(item, UserMessageItem)]
        print(len(said), "user messages;", len(result.abandoned), "message cut off")
        print(result.text)

        # Late, after the end: all of it is still there.
        print("late:", "".join([text async for text in turn.text()]))

        review = await thread.review("Is that a colour?")
        print("review:", (await review.result()).text)
        await thread.compact()


anyio.run(main)
