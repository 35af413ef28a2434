"""JSON lines over the pipes of a child process."""

import fcntl
import logging
import os
import re
from collections import deque
from typing import Final

import anyio
from anyio.lowlevel import checkpoint

from codex_runtime._framing import DEFAULT_MAX_FRAME_BYTES, LineSplitter
from codex_runtime._process import ChildProcess
from codex_runtime._redaction import Redactor
from codex_runtime.transports import Ending, TransportClosed
from codex_runtime.transports._readiness import Readiness

__all__ = ["StdioTransport"]

logger = logging.getLogger("codex_runtime.server")

_CHUNK: Final = 2**20
"""Bytes read at once. Under a flood one read then carries about four thousand events, which is
what keeps the cost of waking the reader, and each of many consumers, out of the cost of an
event."""

_PIPE_SIZE: Final = 2**20
"""Bytes the kernel may hold for us (Linux; its default is 65,536), so that the server need not
wait while this process is busy elsewhere."""

_STDERR_TAIL: Final = 8_192
"""Bytes shown of what the server writes to stderr: its last words, for errors."""

_LOGGED_LINE: Final = 16_384
"""Bytes of the longest line of stderr that is logged. A secret can be told only in a whole line,
so one that has not ended is held back, up to here; a longer one is left out."""

_LOOK_AGAIN: Final = 0.25
"""Seconds between two looks at whether the process has ended, where the kernel does not tell."""

_AFTERGLOW: Final = 0.5
"""Seconds that output is still waited for once the process has ended. Its children may hold
the pipe open for as long as they live; what it wrote itself is in the pipe already."""

_READS_AT_ONCE: Final = 64
"""Reads of one pipe before anybody else gets a turn: a child that writes as fast as it is read
would otherwise keep the event loop to itself."""

_ANSI: Final = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")


class StdioTransport:
    """Owns a server process and speaks to it in lines; satisfies `Transport`."""

    def __init__(
        self,
        process: ChildProcess,
        *,
        redact: Redactor | None = None,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
    ) -> None:
        self.process = process
        self._splitter = LineSplitter(max_frame_bytes)
        self._redact = redact or Redactor()
        self._lines: list[bytes] = []
        self._backlog: deque[memoryview] = deque()
        self._backlogged = anyio.Event()
        self._stderr = bytearray()
        # Room for a secret that stands across the start of what is shown.
        self._stderr_kept = _STDERR_TAIL + self._redact.longest
        self._stderr_cut = False
        self._stderr_lines = LineSplitter(_LOGGED_LINE)
        self._closing = False
        self._output_over = False
        self._closed = anyio.Event()
        self._stdin_lost = anyio.Event()
        self._readiness = Readiness(process.stdout)
        _widen(process.stdout)

    @property
    def oversized(self) -> int:
        """How many lines were dropped for their length."""
        return self._splitter.oversized

    def send(self, message: bytes) -> None:
        """Write one whole message, or queue what the pipe does not take."""
        if self._closing or self._output_over:
            raise TransportClosed
        rest = memoryview(message)
        if not self._backlog:
            rest = rest[self._write(rest) :]
        if rest:
            self._backlog.append(rest)
            self._backlogged.set()

    async def receive(self) -> list[bytes]:
        """Wait for the next lines; an empty list when the server's output has ended."""
        waited = False
        if self._lines:
            await checkpoint()
        while not self._lines and not self._output_over:
            try:
                chunk = os.read(self.process.stdout, _CHUNK)
            except BlockingIOError:
                waited = True
                if not await self._readiness.wait():
                    self._output_over = True
                continue
            if not chunk:
                self._output_over = True
            # Kept here while others run: to be cancelled now is to lose nothing.
            self._lines = self._splitter.feed(chunk)
            if not self._lines or not waited:
                await checkpoint()
        lines, self._lines = self._lines, []
        return lines

    async def serve(self) -> None:
        """Write the backlog, drain stderr, notice the end of the process."""
        async with anyio.create_task_group() as duties:
            duties.start_soon(self._write_backlog)
            duties.start_soon(self._drain_stderr)
            duties.start_soon(self._notice_exit)
            duties.start_soon(self._notice_lost_stdin)

    async def aclose(self) -> None:
        """End the process and its group (see `ChildProcess.end`)."""
        if self._closing:
            with anyio.CancelScope(shield=True):
                await self._closed.wait()
            return
        self._closing = True
        self._readiness.close()
        try:
            await self.process.end(self._discard)
        finally:
            self._output_over = True
            self._closed.set()

    def ending(self) -> Ending:
        """How the process ended, and its last words."""
        code = self.process.returncode
        ended_by_signal = code is not None and code < 0
        return Ending(
            exit_code=None if ended_by_signal else code,
            signal=-code if code is not None and ended_by_signal else None,
            stderr_tail=self._last_words(),
        )

    def _last_words(self) -> str:
        text = _plain(self._stderr)
        start = 0
        if self._stderr_cut:
            # Secrets may have lost their beginnings: known ones within this many characters, of
            # others those in the line that was cut.
            start = text.find("\n", self._redact.longest) + 1 or len(text)
            if not text[start:].strip():
                return f"[a line of more than {_STDERR_TAIL} bytes]"
        return self._redact(text, start).strip()[-_STDERR_TAIL:]

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self.process.stdin, data)
        except BlockingIOError:
            return 0
        except OSError:
            # The far end of stdin is gone. Its output may still hold the reason, so reading
            # goes on for a little while.
            self._stdin_lost.set()
            return len(data)

    async def _write_backlog(self) -> None:
        while True:
            while self._backlog:
                await anyio.wait_writable(self.process.stdin)
                rest = self._backlog.popleft()
                rest = rest[self._write(rest) :]
                if rest:
                    self._backlog.appendleft(rest)
            self._backlogged = anyio.Event()
            await self._backlogged.wait()

    async def _drain_stderr(self) -> None:
        while self._read_stderr():
            await anyio.wait_readable(self.process.stderr)

    def _read_stderr(self) -> bool:
        """Take what is there; False when there will be no more."""
        for _ in range(_READS_AT_ONCE):
            try:
                chunk = os.read(self.process.stderr, 65_536)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._log(chunk or b"\n")
            if not chunk:
                return False
            self._stderr += chunk
            self._stderr_cut |= len(self._stderr) > self._stderr_kept
            del self._stderr[: -self._stderr_kept]
        return True

    def _log(self, chunk: bytes) -> None:
        # Split whether or not it is logged: that may be switched on in the middle of a line.
        lines = self._stderr_lines.feed(chunk)
        if not logger.isEnabledFor(logging.DEBUG):
            return
        for line in lines:
            text = self._redact(_plain(line).rstrip())
            logger.debug("%s", text, extra={"pid": self.process.pid})

    async def _notice_exit(self) -> None:
        await self._wait_exit()
        await anyio.sleep(_AFTERGLOW)
        self._end_output()

    async def _notice_lost_stdin(self) -> None:
        await self._stdin_lost.wait()
        await anyio.sleep(_AFTERGLOW)
        self._end_output()

    def _end_output(self) -> None:
        if not self._output_over:
            self._output_over = True
            self._readiness.close()

    async def _wait_exit(self) -> None:
        try:
            descriptor = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") else -1
        except OSError:
            descriptor = -1
        if descriptor >= 0:
            try:
                await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        while not self.process.poll():  # noqa: ASYNC110 — the kernel sets no event of ours
            await anyio.sleep(_LOOK_AGAIN)

    def _discard(self) -> None:
        """Empty the pipes: a server that cannot write may not come to its end."""
        self._read_stderr()
        try:
            for _ in range(_READS_AT_ONCE):
                if not os.read(self.process.stdout, _CHUNK):
                    return
        except OSError:
            return


def _plain(text: bytes | bytearray) -> str:
    return _ANSI.sub(b"", text).decode("utf-8", "replace")


def _widen(pipe: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            # The user's share of pipe memory is used up; the default size works as well.
            return
