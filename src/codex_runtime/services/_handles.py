"""What callers hold of a running command or process."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Self

import anyio

from codex_runtime._arguments import positive_seconds
from codex_runtime.errors import CommandEnded, InvalidArgument
from codex_runtime.services._command_checks import input_bytes, terminal_size
from codex_runtime.services._output import Lines, OutputChunk
from codex_runtime.services._running import STOP_BOUND, CommandResult, Running

__all__ = ["CommandHandle", "ProcessHandle", "StreamedProcess"]


_PIECE: Final = 4 * 2**20
"""Bytes of input in one message. In base64 they are 5.3 MiB: a third of what a server on a
WebSocket takes (fact 113); few, because the server keeps 128 messages that were not read (fact 201)."""


class StreamedProcess:
    """What command and process handles share. Used as `async with … as command:`.

    It runs when the block is entered. Leaving the block ends it, with all processes of its group,
    and waits for that, 10 seconds at the most; one that has moved to a session of its own
    survives where there is no sandbox (fact 202).

    An asynchronous iterator over its output, as `OutputChunk`, for one consumer. Nothing is lost
    while nobody iterates: up to 64 MiB wait. Cancelling the wait for the next chunk loses nothing.

    Raises:
        RequestRefused: On entering: the server could not start it; mostly `CommandNotStarted`.
        RequestTimeout: On entering: the server did not answer in time.
        EventsLost: While iterating: more waited than is kept. Iterating on is allowed.
        ConnectionLost: While iterating: the server went away. A command in a sandbox ends with
            it; another one may run on if the server was killed (fact 111).
        RuntimeClosed: While iterating: the runtime was closed.
    """

    def __init__(self, running: Running, *, stdin: bool, tty: bool, request_timeout: float) -> None:
        self._running = running
        self._stdin_open = stdin
        self._tty = tty
        self._request_timeout = request_timeout
        self._entered = False
        self._writing = anyio.Lock()
        self._lines: dict[str | None, Lines] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.process_id}, {self._state()}>"

    @property
    def process_id(self) -> str:
        """Its name on this connection, chosen here. Not a process id of the system."""
        return self._running.id

    @property
    def exit_code(self) -> int | None:
        """Its exit status; None while it runs, and where that is not known."""
        result = self._running.result
        return None if result is None else result.exit_code

    async def __aenter__(self) -> Self:
        if self._entered:
            raise InvalidArgument("command", "was started before", "make another")
        # Where there is no connection, nothing was started: there is nothing to wait for either.
        self._running.begin()
        self._entered = True
        try:
            await self._running.started.wait()
        except anyio.get_cancelled_exc_class():
            await self._end()
            raise
        if self._running.error is not None:
            raise self._running.error.with_traceback(None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    def __aiter__(self) -> AsyncIterator[OutputChunk]:
        return self

    async def __anext__(self) -> OutputChunk:
        self._check_started()
        chunk = await self._running.output.next_chunk()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def lines(self, stream: str | None = None) -> AsyncIterator[str]:
        """Iterate over its output as lines of text, without their ends; use up its chunks.

        What is not UTF-8 is replaced. A line of more than 1 MiB comes in pieces. A second call
        goes on where the first one was left. Raises what iterating over chunks raises; the
        lines at both edges of a gap that `EventsLost` tells of are incomplete.

        Args:
            stream: `"stdout"` or `"stderr"`; the output of the other one is passed over. By
                default both, as they come: between the two the server keeps no order.

        Raises:
            InvalidArgument: `stream` is something else.
        """
        if stream not in (None, "stdout", "stderr"):
            raise InvalidArgument("stream", f"is {stream!r}", "use 'stdout' or 'stderr'")
        self._check_started()
        return self._lines.setdefault(stream, Lines(self._running.output, stream))

    async def write(
        self, data: bytes | bytearray | memoryview | str, *, timeout: float | None = None
    ) -> None:
        """Write to its stdin (`command/exec/write`, `process/writeStdin`).

        Returns when the server has taken the data, not when the command has read it: the server
        keeps some 128 messages for a command that does not read. With more it takes no further
        ones, and does not even end the command, neither on request nor when its time is up,
        until it reads on (fact 201). Cancelling may leave a part written.

        Args:
            data: Bytes, or text that is sent as UTF-8.
            timeout: Seconds for each 4 MiB; by default the runtime's `request_timeout`.

        Raises:
            InvalidArgument: An argument cannot be used, it has no stdin, or that was closed. Text
                with a lone surrogate is an `UnsendableValue`.
            CommandEnded: The command has ended.
            RequestTimeout: The command has not read for so long. A part may be written.
            ConnectionLost: The server went away.
        """
        content = input_bytes(data)
        seconds = positive_seconds("timeout", timeout, self._request_timeout)
        async with self._writing:
            self._check_stdin()
            for start in range(0, len(content), _PIECE):
                piece = base64.b64encode(content[start : start + _PIECE]).decode()
                await self._running.request(
                    self._running.write_call(piece, close=False), timeout=seconds
                )

    async def close_stdin(self, *, timeout: float | None = None) -> None:
        """Tell it that no more input comes; a second time does nothing.

        On a terminal, the server types Ctrl-D. Cancelling, or a timeout, may leave stdin open or
        closed: it can be closed again.

        Args:
            timeout: Seconds; by default the runtime's `request_timeout`.

        Raises:
            RequestTimeout: The command has not read for so long.
            ConnectionLost: The server went away.
        """
        seconds = positive_seconds("timeout", timeout, self._request_timeout)
        self._check_started()
        async with self._writing:
            if self._stdin_open:
                with contextlib.suppress(CommandEnded):
                    call = self._running.write_call(None, close=True)
                    await self._running.request(call, timeout=seconds)
                # Not before: without an answer it can be tried again, which is harmless.
                self._stdin_open = False

    async def resize(self, rows: int, cols: int, *, timeout: float | None = None) -> None:
        """Change the size of its terminal (`command/exec/resize`, `process/resizePty`).

        Cancelling stops the wait; the size may be changed.

        Args:
            rows: Height in characters, 1 to 65,535.
            cols: Width in characters, 1 to 65,535.
            timeout: Seconds; by default the runtime's `request_timeout`.

        Raises:
            InvalidArgument: It has no terminal, or the size is none.
            CommandEnded: It has ended.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: The server went away.
        """
        self._check_started()
        if not self._tty:
            raise InvalidArgument("command", "has no terminal", "start it with tty=True")
        size = terminal_size((rows, cols))
        seconds = positive_seconds("timeout", timeout, self._request_timeout)
        await self._running.request(self._running.resize_call(*size), timeout=seconds)

    async def terminate(self) -> None:
        """Kill it and wait for its end (`command/exec/terminate`, `process/kill`).

        Does nothing if it has ended. All processes of its group are killed; none gets to clean
        up. Cancelling stops the wait; it is ended all the same.

        Raises:
            RequestTimeout: It did not end within 10 seconds, and may still run.
            ConnectionLost: The server went away; without a sandbox it may still run (fact 111).
        """
        self._check_started()
        self._running.stop_soon()
        await self.wait()

    async def wait(self) -> CommandResult:
        """Wait for its end and return how it ended. Cancelling stops the wait only.

        Needs no iteration and disturbs none: the result holds the beginning of each stream,
        whether somebody reads the chunks or not.

        Raises:
            RequestTimeout: It did not end in its time, nor when it was told to; it may still run.
            RemoteProtocolError: The server did not say how it ended.
            ConnectionLost: The server went away; without a sandbox it may still run (fact 111).
            RuntimeClosed: The runtime was closed.
        """
        self._check_started()
        await self._running.ended.wait()
        if self._running.result is None:
            assert self._running.error is not None  # noqa: S101 — one of both, once it has ended
            # It may be raised many times: each with its own way here alone.
            raise self._running.error.with_traceback(None)
        return self._running.result

    async def _end(self) -> None:
        """End it. The work is the runtime's; here it is only waited for."""
        self._running.stop_soon()
        # Shielded, since whoever leaves may be cancelled already; a little longer than the
        # runtime tries.
        with anyio.move_on_after(STOP_BOUND + 1, shield=True):
            await self._running.ended.wait()

    def _check_started(self) -> None:
        if not self._entered:
            fix = "use `async with` on it"
            raise InvalidArgument("command", "was not started", fix)

    def _check_stdin(self) -> None:
        self._check_started()
        if not self._stdin_open:
            raise InvalidArgument(
                "stdin",
                "is closed",
                "it has been closed, or the command was started without stdin=True",
            )

    def _state(self) -> str:
        if not self._entered:
            return "not started"
        if not self._running.ended.is_set():
            return "running"
        code = self.exit_code
        return "lost" if code is None else f"exit code {code}"


class CommandHandle(StreamedProcess):
    """A command in the server's sandbox (`command/exec`); see `Commands.start`."""


class ProcessHandle(StreamedProcess):
    """A process without a sandbox (`process/spawn`); see `Commands.spawn`."""
