"""Several turns in one thread, which may change the files in its folder."""

import anyio

import codex_runtime as cr
from codex_runtime.protocol import CommandExecutionItem


async def main() -> None:
    async with cr.Runtime() as runtime:
        thread = await runtime.thread_start(
            cwd=".",
            sandbox="workspace-write",  # needs the next two lines as well, and a cwd
            approval_policy="on-request",
            privileged_escalation_approved=True,
        )
        review = await thread.run("Find one bug. Change nothing yet.", effort="high")
        print(review.text)

        fix = await thread.run("Fix it and run the tests.", timeout=600)
        for item in fix.items:
            if isinstance(item, CommandExecutionItem):
                print(f"$ {item.command} -> exit code {item.exit_code}")
        print(fix.diff)
        print(fix.text)


anyio.run(main)
