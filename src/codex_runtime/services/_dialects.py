"""The two families of methods that run something: `command/exec` and `process/spawn`."""

from __future__ import annotations

from typing import Any

import anyio
from msgspec import structs

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime._outgoing import encode
from codex_runtime._peer import Peer, Pending
from codex_runtime.errors import RequestRefused
from codex_runtime.protocol import UNSET, Event, methods
from codex_runtime.services._calls import Call
from codex_runtime.services._output import Output
from codex_runtime.services._running import Running

__all__ = ["RunningCommand", "RunningProcess"]


class RunningCommand(Running):
    """What `command/exec` runs: its answer is its end."""

    field = "process_id"
    noun = "command"

    def __init__(
        self,
        client: Client,
        params: protocol.CommandExecParams,
        *,
        seconds: float,
        output: Output,
    ) -> None:
        super().__init__(client, seconds=seconds, output=output)
        self._params = structs.replace(params, process_id=self.id)

    def start_call(self) -> Call:
        return methods.COMMAND_EXEC, self._params

    def write_call(self, data: str | None, *, close: bool) -> Call:
        return methods.COMMAND_EXEC_WRITE, protocol.CommandExecWriteParams(
            process_id=self.id,
            delta_base64=UNSET if data is None else data,
            close_stdin=close or UNSET,
        )

    def resize_call(self, rows: int, cols: int) -> Call:
        return methods.COMMAND_EXEC_RESIZE, protocol.CommandExecResizeParams(
            process_id=self.id, size=protocol.CommandExecTerminalSize(rows=rows, cols=cols)
        )

    def stop_call(self) -> Call:
        return methods.COMMAND_EXEC_TERMINATE, protocol.CommandExecTerminateParams(
            process_id=self.id
        )

    async def _confirm(self, peer: Peer, start: Pending) -> None:
        # Nothing tells that the command runs. But requests about one process are handled in
        # order (fact 200): when this one is answered, whatever it says, the command runs, or
        # its refusal is here.
        method, params = self.write_call("", close=False)
        try:
            with peer.open(method.method, encode(params)) as answer:
                await answer.wait()
        except RequestRefused:
            pass
        with anyio.CancelScope() as at_once:
            at_once.cancel()
            await start.wait()

    async def _exit_code(self, peer: Peer, start: Pending) -> int:
        return peer.codec.result(methods.COMMAND_EXEC, await start.wait()).exit_code

    def push(self, event: Event, size: int) -> None:
        del size
        if isinstance(event, protocol.CommandExecOutputDeltaNotification):
            self._take_delta(event.stream, event.delta_base64, event.cap_reached)


class RunningProcess(Running):
    """What `process/spawn` runs: a notification is its end."""

    field = "process_handle"
    noun = "process"

    def __init__(
        self,
        client: Client,
        params: protocol.ProcessSpawnParams,
        *,
        seconds: float,
        output: Output,
    ) -> None:
        super().__init__(client, seconds=seconds, output=output)
        self._params = structs.replace(params, process_handle=self.id)
        self._exited = anyio.Event()
        self._code: Any = UNSET

    def start_call(self) -> Call:
        return methods.PROCESS_SPAWN, self._params

    def write_call(self, data: str | None, *, close: bool) -> Call:
        return methods.PROCESS_WRITE_STDIN, protocol.ProcessWriteStdinParams(
            process_handle=self.id,
            delta_base64=UNSET if data is None else data,
            close_stdin=close or UNSET,
        )

    def resize_call(self, rows: int, cols: int) -> Call:
        return methods.PROCESS_RESIZE_PTY, protocol.ProcessResizePtyParams(
            process_handle=self.id, size=protocol.ProcessTerminalSize(rows=rows, cols=cols)
        )

    def stop_call(self) -> Call:
        return methods.PROCESS_KILL, protocol.ProcessKillParams(process_handle=self.id)

    async def _confirm(self, peer: Peer, start: Pending) -> None:
        del peer
        await start.wait()

    async def _exit_code(self, peer: Peer, start: Pending) -> int:
        del peer, start
        await self._exited.wait()
        code: int = self._code
        return code

    def push(self, event: Event, size: int) -> None:
        del size
        if isinstance(event, protocol.ProcessOutputDeltaNotification):
            self._take_delta(event.stream, event.delta_base64, event.cap_reached)
        elif isinstance(event, protocol.ProcessExitedNotification):
            if event.stdout_cap_reached is True or event.stderr_cap_reached is True:
                self.output.cut()
            self._code = event.exit_code
            self._exited.set()
