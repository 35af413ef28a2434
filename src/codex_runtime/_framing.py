"""Bytes to lines, and nothing else."""

from typing import Final

__all__ = ["DEFAULT_MAX_FRAME_BYTES", "LineSplitter"]

DEFAULT_MAX_FRAME_BYTES: Final = 256 * 2**20
"""Bytes. An 80 MB answer in one line was seen (thread with a large history); three times that
is taken for a fault rather than an answer."""


class LineSplitter:
    """Cut a stream of bytes into lines, whatever the sizes of the chunks it comes in.

    Never raises: a line longer than `max_frame_bytes` costs that line, not the connection.

    Attributes:
        oversized: How many lines were dropped for their length.
    """

    __slots__ = ("_dropping", "_held", "_parts", "max_frame_bytes", "oversized")

    def __init__(self, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes = max_frame_bytes
        self.oversized = 0
        # Parts of the line that has not ended yet; joined once, so that a line of many
        # chunks costs its length and not its length times the number of chunks.
        self._parts: list[bytes] = []
        self._held = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next chunk; return the lines it completes, without their ends."""
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and (self._parts or self._dropping):
            lines[0] = self._finish(lines[0])
        if rest:
            self._keep(rest)
        if len(chunk) > self.max_frame_bytes:
            lines = self._without_oversized(lines)
        if b"" in lines:
            lines = [line for line in lines if line]
        return lines

    def _finish(self, end: bytes) -> bytes:
        if self._held + len(end) > self.max_frame_bytes and not self._dropping:
            self.oversized += 1
            self._dropping = True
        line = b"" if self._dropping else b"".join((*self._parts, end))
        self._forget()
        self._dropping = False
        return line

    def _keep(self, part: bytes) -> None:
        if self._dropping:
            return
        self._parts.append(part)
        self._held += len(part)
        if self._held > self.max_frame_bytes:
            self.oversized += 1
            self._dropping = True
            self._forget()

    def _forget(self) -> None:
        self._parts.clear()
        self._held = 0

    def _without_oversized(self, lines: list[bytes]) -> list[bytes]:
        kept = [line for line in lines if len(line) <= self.max_frame_bytes]
        self.oversized += len(lines) - len(kept)
        return kept
