"""The vendor's `openai-codex`, asynchronous API: AsyncCodex, AsyncThread, AsyncTurnHandle.stream."""

from collections.abc import Sequence
from typing import Any

from openai_codex import AsyncCodex, CodexConfig

from adapters import Adapter, Pause, Take


class Client(Adapter):
    """An `AsyncCodex`."""

    async def _open(self, config: CodexConfig) -> None:
        self._codex = AsyncCodex(config)
        await self._codex.__aenter__()

    async def open(self, command: Sequence[str]) -> None:
        """Start `command` through the public options."""
        await self._open(CodexConfig(launch_args_override=tuple(command)))

    async def open_real(self, codex: str, home: str, cwd: str) -> None:
        """Start the real binary."""
        await self._open(CodexConfig(codex_bin=codex, cwd=cwd, env={"CODEX_HOME": home}))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return await self._codex.thread_start()

    async def start_turn(self, thread: Any) -> Any:
        """Start a turn."""
        return await thread.turn("hi")

    async def drain(self, turn: Any, take: Take, pause: Pause | None = None) -> None:
        """Iterate the turn."""
        async for event in turn.stream():
            if event.method == "item/agentMessage/delta":
                take(event.payload.delta)
                if pause is not None:
                    await pause()
                    pause = None

    async def ping(self) -> None:
        """Read the account."""
        await self._codex.account()

    async def close(self) -> None:
        """Close the client."""
        await self._codex.close()
