"""Follow a turn while it works."""

import anyio

import codex_runtime as cr
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    CommandExecutionItem,
    ItemCompletedNotification,
)


async def main() -> None:
    async with cr.stream("How many Python files are there?", cwd=".") as turn:
        async for event in turn:
            match event:
                case AgentMessageDeltaNotification(delta=text):
                    print(text, end="", flush=True)
                case ItemCompletedNotification(item=CommandExecutionItem() as command):
                    print(f"$ {command.command} -> exit code {command.exit_code}")
                case _:  # there are some eighty kinds of events
                    pass
        result = await turn.result()
    print(f"\n[{result.status}] {len(result.items)} items")


anyio.run(main)
