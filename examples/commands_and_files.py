"""Run commands on the server's machine, talk to one, watch a folder. No model is involved."""

import anyio

import codex_runtime as cr


async def main() -> None:
    async with cr.Runtime() as runtime:
        # Without more words a command may read, and nothing else.
        result = await runtime.commands.run(["sh", "-c", "ls; touch new.txt"], cwd=".")
        print("files:", *result.stdout.split())
        print("may write:", result.exit_code == 0)

        # A command to talk to. Leaving the block ends it, with all that it has started.
        async with runtime.commands.start(["sort", "-n"]) as sort:
            await sort.write("10\n9\n")
            await sort.close_stdin()
            async for line in sort.lines():
                print("sorted:", line)
            print(await sort.wait())

        # Files have no sandbox: these calls are the program's own.
        async with runtime.files.watch(".") as changes:
            await runtime.files.write_text("notes.txt", "Seen.\n")
            change = await anext(changes)
            print("changed:", *(path.rpartition("/")[2] for path in change.changed_paths))
        for found in await runtime.files.search("notes.txt", ["."], limit=1):
            print("found:", found.path)

        try:
            await runtime.commands.run(["make"], sandbox="workspace-write", cwd=".")
        except cr.SandboxNotAllowed as refusal:
            print("refused:", refusal)


anyio.run(main)
