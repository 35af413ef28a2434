"""`thread/shellCommand` of the fake app-server, with the little that it knows of shells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from codex_runtime.testing._fake_failures import Failure
from codex_runtime.testing._fake_items import command_execution, told_message
from codex_runtime.testing._fake_params import need
from codex_runtime.testing._fake_state import FakeThread, FakeTurn
from codex_runtime.testing._fake_threads import Handler, RequestId, loaded_thread
from codex_runtime.testing._fake_turn import TurnPlay
from codex_runtime.testing._fake_wire import INVALID_PARAMS, Refused
from codex_runtime.testing._json import Json

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["SHELL_HANDLERS"]

ABORTED = "command aborted by user"
"""The output of a command whose turn was interrupted."""

TIMED_OUT = "execution error: Sandbox(Timeout { timed_out: true })"
"""The output of a command whose time was up; codex puts all that it knows of it in there."""


def _shell_command(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    command = str(need(params, "command"))
    milliseconds = params.get("timeoutMs")
    thread = loaded_thread(process, params)
    if not command.strip():
        raise Refused("command must not be empty")
    if isinstance(milliseconds, int) and milliseconds < 0:
        raise Refused(
            f"thread/shellCommand timeoutMs must be non-negative, got {milliseconds}",
            code=INVALID_PARAMS,
        )
    turn = FakeTurn(process.ticker.uuid(), [], None, kind="shell", about=command)
    if isinstance(milliseconds, int):
        turn.timeout = milliseconds / 1000
    process.wire.result(request_id, {})
    running = thread.turn
    if running is None:
        process.start_turn(thread, turn, ShellPlay)
    else:
        # It becomes a part of the turn that runs.
        turn.id = running.id
        process.start_soon(ShellPlay(process, thread, turn).run_command)


class ShellPlay(TurnPlay):
    """Plays a command of the user's: `sleep SECONDS`, `echo TEXT`, `exit CODE`, joined by `;`.

    Anything else does nothing and succeeds.
    """

    async def _converse(self) -> Failure | None:
        await self.run_command()
        # The model is not asked, whatever it was told meanwhile (fact 284).
        while self._turn.steering:
            self._hear(*self._turn.steering.popleft())
        return None

    async def run_command(self) -> None:
        """Run it."""
        process, thread, command = self._process, self._thread, self._turn.about
        item_id = process.ticker.uuid()
        item = command_execution(item_id, command, thread.settings.cwd)
        item["source"] = "userShell"
        self.item_started(item)
        output, exit_code = ABORTED, -1
        try:
            with anyio.move_on_after(self._turn.timeout) as patience:
                output, exit_code = await self._run(item_id, command)
            if patience.cancelled_caught:
                output = TIMED_OUT
        finally:
            done = {"aggregatedOutput": output or None, "exitCode": exit_code, "durationMs": 0}
            status = "completed" if exit_code == 0 else "failed"
            self.item_completed({**item, **done, "status": status})
            _tell_model(thread, command, exit_code, output)

    async def _run(self, item_id: str, command: str) -> tuple[str, int]:
        output = ""
        for part in command.split(";"):
            match part.strip().split(maxsplit=1):
                case ["sleep", seconds]:
                    await anyio.sleep(float(seconds))
                case ["echo", text]:
                    output += f"{text}\n"
                    method = "item/commandExecution/outputDelta"
                    self.notify(method, itemId=item_id, delta=f"{text}\n")
                case ["exit", code]:
                    return output, int(code)
                case _:
                    pass
        return output, 0


def _tell_model(thread: FakeThread, command: str, exit_code: int, output: str) -> None:
    result = f"Exit code: {exit_code}\nDuration: 0.0000 seconds\nOutput:\n{output}\n"
    text = (
        f"<user_shell_command>\n<command>\n{command}\n</command>\n"
        f"<result>\n{result}</result>\n</user_shell_command>"
    )
    thread.conversation.append(told_message("user", text))


SHELL_HANDLERS: dict[str, Handler] = {"thread/shellCommand": _shell_command}
"""What plays each request."""
