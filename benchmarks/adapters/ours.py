"""codex_runtime, the public asynchronous API: Runtime, ThreadHandle, TurnHandle."""

from collections.abc import Sequence
from typing import Any

import codex_runtime as cr
from adapters import Adapter, Pause, Take
from codex_runtime import protocol


class Client(Adapter):
    """A `Runtime`."""

    async def _open(self, runtime: cr.Runtime) -> None:
        self._runtime = runtime
        await runtime.__aenter__()

    async def open(self, command: Sequence[str]) -> None:
        """Start `command` through the public options."""
        await self._open(cr.Runtime(command=command))

    async def open_real(self, codex: str, home: str, cwd: str) -> None:
        """Start the real binary."""
        await self._open(cr.Runtime(codex_bin=codex, codex_home=home, cwd=cwd))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return await self._runtime.thread_start()

    async def start_turn(self, thread: Any) -> Any:
        """Start a turn."""
        return await thread.turn_start("hi")

    async def drain(self, turn: Any, take: Take, pause: Pause | None = None) -> None:
        """Iterate the turn."""
        delta = protocol.AgentMessageDeltaNotification
        async for event in turn:
            if isinstance(event, delta):
                take(event.delta)
                if pause is not None:
                    await pause()
                    pause = None

    async def ping(self) -> None:
        """Read the account."""
        await self._runtime.request(protocol.ACCOUNT_READ, protocol.GetAccountParams())

    async def close(self) -> None:
        """Close the client."""
        await self._runtime.__aexit__(None, None, None)
