"""Look at what is about to be done, change it, and forbid it."""

import anyio

import codex_runtime as cr


@cr.hook("pre_run", gate=True)
def no_keys(context: cr.HookContext) -> cr.Block | None:
    return cr.Block("the prompt holds a key") if "sk-" in (context.prompt or "") else None


@cr.hook("pre_turn")
def in_english(context: cr.HookContext) -> cr.Mutate:
    return cr.Mutate(prompt=f"{context.prompt}\n\nAnswer in English.")


@cr.hook("post_run")
def note(context: cr.HookContext) -> None:
    print(f"{context.phase}: {context.status}")


async def main() -> None:
    async with cr.Runtime(hooks=[no_keys, in_english, note]) as runtime:
        result = await cr.run("Greet me", runtime=runtime)
        print(result.text)
        for entry in result.hooks.entries if result.hooks else ():
            print(f"{entry.phase}: {entry.hook} {entry.outcome}")

        try:
            await cr.run("Is sk-12345 a good key?", runtime=runtime)
        except cr.BlockedByHook as blocked:
            print(blocked)


anyio.run(main)
