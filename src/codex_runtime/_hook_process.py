"""The process of a shell hook: talked to from all sides at once, and ended with all it started."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import anyio

from codex_runtime._process import ChildProcess

__all__ = ["MAX_ANSWER", "Finished", "run_shell"]

MAX_ANSWER: Final = 2**20
"""Bytes of stdout that are kept. An answer is some words and a prompt; more is a mistake, and is
read and dropped, so that the hook can come to its end."""

_LAST_WORDS: Final = 4_096
"""Bytes of stderr that are kept, the last ones: more than is shown, so that no secret is cut
before it is recognised."""

_CHUNK: Final = 65_536
"""Bytes read or written at once: what a pipe holds."""

_LOOK_AGAIN: Final = 0.005
"""Seconds between two looks at whether the process has ended."""

_AFTER_END: Final = 0.5
"""Seconds for what is left in the pipes once the process has ended. They are at their end then,
unless something that left the process group keeps them open."""


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes:
        status: As `subprocess.Popen.returncode`: negative for a signal.
        answer: What it wrote to stdout, `MAX_ANSWER` bytes at the most.
        complete: Whether that is all.
        last_words: The end of what it wrote to stderr.
    """

    status: int
    answer: bytes
    complete: bool
    last_words: bytes

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.status >= 0:
            return f"exited with status {self.status}"
        number = -self.status
        known = number in signal.valid_signals()
        return f"was ended by {signal.Signals(number).name if known else f'signal {number}'}"


async def run_shell(
    command: str, question: bytes, *, env: Mapping[str, str], cwd: str | None
) -> Finished:
    """Run `sh -c command`, in a process group of its own, with `question` on its stdin.

    When it ends, or the caller is cancelled, all of its group is killed.

    Raises:
        StartupFailed: The operating system refused.
    """
    process = ChildProcess(["/bin/sh", "-c", command], env=env, cwd=cwd)
    answer = _Kept(MAX_ANSWER)
    words = _LastWords()
    try:
        async with anyio.create_task_group() as sides:
            # All at once: whichever side waits for another one here would wait for ever.
            sides.start_soon(_feed, process, question)
            async with anyio.create_task_group() as readers:
                readers.start_soon(_read, process.stdout, answer.take)
                readers.start_soon(_read, process.stderr, words.take)
                await _wait_ended(process)
                readers.cancel_scope.deadline = anyio.current_time() + _AFTER_END
            sides.cancel_scope.cancel()
    finally:
        process.kill_now()
        # Has ended, so that it only closes the pipes.
        await process.end(lambda: None)
    status = process.returncode
    assert status is not None  # noqa: S101 — `poll` has said that it ended
    return Finished(status, bytes(answer.kept), answer.complete, bytes(words.kept))


class _Kept:
    """The beginning of what is read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.kept = bytearray()
        self.complete = True

    def take(self, chunk: bytes) -> None:
        room = self._limit - len(self.kept)
        self.kept += chunk[:room]
        self.complete = self.complete and len(chunk) <= room


class _LastWords:
    """The end of what is read."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def take(self, chunk: bytes) -> None:
        self.kept += chunk
        del self.kept[:-_LAST_WORDS]


async def _wait_ended(process: ChildProcess) -> None:
    while not process.poll():  # noqa: ASYNC110 — nothing tells of the end of a process
        await anyio.sleep(_LOOK_AGAIN)


async def _feed(process: ChildProcess, question: bytes) -> None:
    left = memoryview(question)
    try:
        while left:
            await anyio.wait_writable(process.stdin)
            try:
                left = left[os.write(process.stdin, left[:_CHUNK]) :]
            except BlockingIOError:
                continue
    except OSError:
        # It does not want to know all of it.
        pass
    process.close_stdin()


async def _read(descriptor: int, take: Callable[[bytes], None]) -> None:
    while True:
        await anyio.wait_readable(descriptor)
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            continue
        if not chunk:
            return
        take(chunk)
