"""The vendor's `openai-codex`, blocking API: Codex, Thread, TurnHandle.stream."""

from collections.abc import Sequence
from typing import Any, ClassVar

from openai_codex import Codex, CodexConfig

from adapters import Adapter, Pause, Take


class Client(Adapter):
    """A `Codex`."""

    blocking: ClassVar[bool] = True

    async def open(self, command: Sequence[str]) -> None:
        """Start `command` through the public options."""
        self._codex = Codex(CodexConfig(launch_args_override=tuple(command)))

    async def open_real(self, codex: str, home: str, cwd: str) -> None:
        """Start the real binary."""
        self._codex = Codex(CodexConfig(codex_bin=codex, cwd=cwd, env={"CODEX_HOME": home}))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return self._codex.thread_start()

    async def start_turn(self, thread: Any) -> Any:
        """Start a turn."""
        return thread.turn("hi")

    async def drain(self, turn: Any, take: Take, pause: Pause | None = None) -> None:
        """Iterate the turn."""
        for event in turn.stream():
            if event.method == "item/agentMessage/delta":
                take(event.payload.delta)
                if pause is not None:
                    await pause()
                    pause = None

    async def ping(self) -> None:
        """Read the account."""
        self._codex.account()

    async def close(self) -> None:
        """Close the client."""
        self._codex.close()
