"""Decide about what codex asks: one rule, and whatever it does not know is refused."""

import anyio

import codex_runtime as cr


async def house_rules(request: cr.ServerRequest) -> cr.Allow | cr.Deny | None:
    match request:
        case cr.CommandApproval(argv=("touch", name)) if name.endswith(".txt"):
            return cr.Allow()
        case cr.CommandApproval(command=command):
            return cr.Deny(f"{command!r} is not on the list")
        case _:
            return None


async def main() -> None:
    async with cr.Runtime(approve=house_rules) as runtime:
        thread = await runtime.thread_start(cwd=".")
        turn = await thread.turn_start("Note that we are done, and clean up.")
        async for event in turn:
            if isinstance(event, cr.RequestDecided):
                print(f"{event.decision}: {event.reason or event.by}")
        print((await turn.result()).text)


anyio.run(main)
