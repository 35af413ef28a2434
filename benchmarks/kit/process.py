"""Measured programs as child processes: a clean environment, a watchdog, CPU by wait4."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kit.measure import START_VARIABLE

TIMEOUT = 120.0
"""Seconds after which a measured program is killed: the longest case takes a fifth of it."""

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR")
"""Variables of ours that a measured program sees."""


@dataclass(frozen=True)
class Finished:
    """A program that has ended."""

    returncode: int
    stdout: str
    stderr: str
    cpu_ms: float

    @property
    def last_words(self) -> str:
        """The end of stderr on one line, with the exit code."""
        lines = self.stderr.split("\n")[-4:]
        return f"exit {self.returncode}: {' | '.join(filter(None, lines))}"


def kill_group(pid: int) -> None:
    """Kill a process that was started as the leader of its own group, and that group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, even if a server still writes into it for a moment."""
    with tempfile.TemporaryDirectory(prefix="codex-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def run(command: Sequence[str], cwd: Path, *, timeout: float = TIMEOUT) -> Finished:
    """Run a program to its end in a fresh HOME.

    CPU time is the program's own and that of the children it has waited for.
    """
    with (
        temporary_folder() as home,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env |= {"HOME": str(home), START_VARIABLE: str(time.monotonic_ns())}
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
        watchdog = threading.Timer(timeout, kill_group, [child.pid])
        watchdog.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watchdog.cancel()
            if child.returncode is None:
                kill_group(child.pid)
                child.wait()
        return Finished(
            returncode=child.returncode,
            stdout=_text(out),
            stderr=_text(err),
            cpu_ms=(usage.ru_utime + usage.ru_stime) * 1e3,
        )


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
