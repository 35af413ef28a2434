"""Threads on record: list them, read them, fork one, take a turn back, put them away."""

import anyio

import codex_runtime as cr


async def main() -> None:
    async with cr.Runtime() as runtime:
        thread = await runtime.thread_start(cwd=".")
        await thread.run("Name a colour.")
        await thread.run("Another one.")
        await thread.set_name("Colours")

        async for each in runtime.iter_threads(cwd=".", archived=False):
            print(f"{each.name}: began with {each.preview!r}")
        async for turn in thread.iter_turns(sort_direction="asc"):
            print(turn.status, *(item.text for item in turn.items if item.type == "agentMessage"))

        fork = await runtime.thread_fork(thread.thread_id)
        rolled = await fork.rollback(1)
        print("dropped from the fork:", len(rolled.dropped), "of 2")
        print((await fork.run("A third one.")).text)

        # By its id, from anywhere: no handle is needed, and nothing is loaded.
        record = runtime.thread(thread.thread_id)
        try:
            await record.delete()
        except cr.ThreadHasForks:
            await record.archive()
        archived = [each.id async for each in runtime.iter_threads(cwd=".", archived=True)]
        print("archived:", thread.thread_id in archived)


anyio.run(main)
