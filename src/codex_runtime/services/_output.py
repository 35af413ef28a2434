"""What a command or process writes: its beginning for the result, all of it for whoever reads."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Self

from codex_runtime._parking import Parking
from codex_runtime.errors import CodexRuntimeError, EventsLost, InvalidArgument

__all__ = ["Lines", "Output", "OutputChunk"]

_STRAINED: Final = 4 * 2**20
"""Bytes that wait for a consumer from which on the reader takes a gentler pace: as for events."""

_CAP: Final = 64 * 2**20
"""Bytes that may wait for a consumer at all. Beyond it, it loses chunks, and is told."""

_CHUNK_OVERHEAD: Final = 200
"""Bytes that a chunk costs in memory besides its data, roughly."""

_LONGEST_LINE: Final = 2**20
"""Bytes of a line without an end that are kept before they are handed out as they are."""


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """Some output, as it came. The server cuts it anywhere, also within a character.

    Attributes:
        stream: `"stdout"` or `"stderr"`; on a terminal everything is `"stdout"`.
        data: The bytes.
    """

    stream: str
    data: bytes

    def __repr__(self) -> str:
        # Output may be long, and may hold secrets.
        return f"OutputChunk(stream={self.stream!r}, {len(self.data)} bytes)"


class _Kept:
    """The beginning of one stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self.seen = 0

    def add(self, data: bytes) -> None:
        self.seen += len(data)
        if self._held < self._limit:
            part = data[: self._limit - self._held]
            self._parts.append(part)
            self._held += len(part)

    def joined(self) -> bytes:
        return b"".join(self._parts)

    @property
    def truncated(self) -> bool:
        return self.seen > self._limit


@dataclass(slots=True)
class _Gap:
    """Chunks that are missing at this place."""

    chunks: int


class Output:
    """The output of one command: filled by the reader, which waits for nobody.

    Attributes:
        truncated: Whether the result holds less than there was.
    """

    def __init__(self, limit: int, *, streamed: bool) -> None:
        """Keep `limit` bytes of each stream; if `streamed`, also all there is, for a consumer."""
        self._kept = {"stdout": _Kept(limit), "stderr": _Kept(limit)}
        self._streamed = streamed
        self._waiting: deque[OutputChunk | _Gap] = deque()
        self._bytes = 0
        self._flooded = False
        """Whether there is no room: all that comes is dropped until the gap at the end is read, so
        that a consumer which lags finds one gap and not thousands."""
        self._read = False
        """Whether anybody has ever read."""
        self._incomplete = False
        self._over = False
        self._error: CodexRuntimeError | None = None
        self._parking = Parking()

    @property
    def strained(self) -> bool:
        """Whether so much waits for a consumer that the reader should take it easy."""
        # Where chunks are lost already, no pace would help.
        return self._read and not self._flooded and self._bytes > _STRAINED

    @property
    def truncated(self) -> bool:
        return self._incomplete or any(kept.truncated for kept in self._kept.values())

    def kept(self, stream: str) -> bytes:
        """The beginning of a stream."""
        return self._kept[stream].joined()

    def add(self, stream: str, data: bytes) -> None:
        """Take the next chunk."""
        if self._over:
            return
        if stream in self._kept:
            self._kept[stream].add(data)
        if not self._streamed or not data:
            return
        if self._flooded or self._bytes > _CAP:
            self._flooded = True
            self._lose()
            return
        self._waiting.append(OutputChunk(stream, data))
        self._bytes += len(data) + _CHUNK_OVERHEAD
        self._parking.wake()

    def add_unreadable(self) -> None:
        """Note that a chunk came which nobody can read."""
        self._incomplete = True
        if self._streamed and not self._over:
            self._lose()

    def cut(self) -> None:
        """Note that the server has held something back."""
        self._incomplete = True

    def close(self, error: CodexRuntimeError | None) -> None:
        """Let no more come; what waits can still be read, then comes the end, or `error`."""
        if not self._over:
            self._over = True
            self._error = error
            self._parking.wake()

    async def next_chunk(self) -> OutputChunk | None:
        """Wait for the next chunk; None at the end. Cancelling loses nothing. For one task.

        Raises:
            EventsLost: Chunks are missing here; the next call goes on behind the gap.
            InvalidArgument: Another task waits here already.
            CodexRuntimeError: What `close` was given, at the end.
        """
        self._read = True
        while not self._waiting:
            if self._over:
                if self._error is not None:
                    # It may be raised many times: each with its own way here alone.
                    raise self._error.with_traceback(None)
                return None
            if self._parking.occupied:
                raise InvalidArgument(
                    "output", "is read by two tasks at once", "read it in one task"
                )
            await self._parking.wait()
        found = self._waiting.popleft()
        self._bytes -= _CHUNK_OVERHEAD
        if isinstance(found, _Gap):
            # The gap of a flood is always the last thing that waits.
            self._flooded = self._flooded and bool(self._waiting)
            raise EventsLost(found.chunks)
        self._bytes -= len(found.data)
        return found

    def _lose(self) -> None:
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, _Gap):
            last.chunks += 1
        else:
            self._waiting.append(_Gap(1))
            self._bytes += _CHUNK_OVERHEAD
        self._parking.wake()


class _Line:
    """The line of one stream that has not ended yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that they complete, with their ends."""
        *ended, rest = data.split(b"\n")
        lines = [part + b"\n" for part in ended]
        if lines:
            lines[0] = self.take() + lines[0]
        if rest:
            self._parts.append(rest)
            self._held += len(rest)
        if self._held > _LONGEST_LINE:
            lines.append(self._take_whole_characters())
        return lines

    def take(self) -> bytes:
        """What there is of the line; it begins anew."""
        line = b"".join(self._parts)
        self._parts, self._held = [], 0
        return line

    def _take_whole_characters(self) -> bytes:
        line = self.take()
        end = _end_of_last_character(line)
        if line[end:]:
            self._parts, self._held = [line[end:]], len(line) - end
        return line[:end]


_CONTINUED: Final = 0b1000_0000
"""The two highest bits of a byte within a character of UTF-8."""

_LONGEST_CHARACTER: Final = 4
"""Bytes, in UTF-8."""


def _end_of_last_character(text: bytes) -> int:
    """Where the last character that may be incomplete begins."""
    for back in range(1, min(_LONGEST_CHARACTER, len(text)) + 1):
        if text[-back] & 0b1100_0000 != _CONTINUED:
            is_whole = text[-back] < _CONTINUED
            return len(text) if is_whole else len(text) - back
    return len(text)


class Lines:
    """Output as lines; see `StreamedProcess.lines`."""

    def __init__(self, output: Output, stream: str | None) -> None:
        self._output = output
        self._stream = stream
        self._open: dict[str, _Line] = {}
        self._ready: deque[str] = deque()
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            await self._take_chunk()
        return self._ready.popleft()

    async def _take_chunk(self) -> None:
        try:
            chunk = await self._output.next_chunk()
        except EventsLost:
            # What follows belongs to another line.
            self._end_open_lines()
            raise
        except InvalidArgument:
            # Two readers at once: the line goes on.
            raise
        except CodexRuntimeError:
            # The end. What there is of a line comes before it: the next call raises again.
            self._end_open_lines()
            if not self._ready:
                raise
            return
        if chunk is None:
            self._end_open_lines()
            self._over = True
        elif self._stream in {None, chunk.stream}:
            line = self._open.setdefault(chunk.stream, _Line())
            self._ready.extend(map(_text, line.feed(chunk.data)))

    def _end_open_lines(self) -> None:
        rests = [line.take() for line in self._open.values()]
        self._ready.extend(_text(rest) for rest in rests if rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")
