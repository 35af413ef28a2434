"""A child process in a session of its own, and its certain end: a server, or a shell hook."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from codex_runtime.errors import StartupFailed

__all__ = ["ChildProcess"]

_EXIT_BY_ITSELF: Final = 2.0
"""Seconds between closing stdin and SIGTERM. The server takes 0.02 to 0.1 s (fact 95), also
in the middle of a turn and with five loaded threads."""

_EXIT_ON_TERM: Final = 2.0
"""Seconds between SIGTERM and SIGKILL. The server takes 0.02 to 0.1 s (fact 95); one that did not
end with its stdin may have its reasons, so it gets as long once more."""

_EXIT_ON_KILL: Final = 5.0
"""Seconds for the kernel to end what was killed; longer only in uninterruptible sleep."""

_EXIT_AT_ONCE: Final = 1.0
"""Seconds that the event loop is blocked for at the most, waiting for the killed to end: it takes
some milliseconds, and a loop that is being torn down has nothing better to do."""

_LOOK_AGAIN: Final = 0.005
"""Seconds between two looks at whether the process has ended."""


class ChildProcess:
    """A child process with pipes, leader of its own session.

    Its own session, because Ctrl-C in a terminal goes to the whole process group and would
    kill a server without clean-up (fact 96). Starting is synchronous (a few milliseconds),
    so that a server boots while the rest of this package is still being imported.

    Attributes:
        pid: The process id, which is the id of its process group too.
        stdin: Descriptor to write to, not blocking.
        stdout: Descriptor to read from, not blocking.
        stderr: Descriptor to read from, not blocking.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | Path | None = None
    ) -> None:
        """Start `argv`.

        Raises:
            StartupFailed: The operating system refused.
        """
        try:
            self._popen = subprocess.Popen(  # noqa: S603 — running this argv is what was asked for
                argv,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            # It names what is missing: the program, or the working directory.
            what = os.fsdecode(error.filename or argv[0])
            raise StartupFailed(reason=f"{what}: {error.strerror or error}") from error
        assert self._popen.stdin and self._popen.stdout and self._popen.stderr  # noqa: S101, PT018 — PIPE was asked for
        self.pid = self._popen.pid
        self.stdin = self._popen.stdin.fileno()
        self.stdout = self._popen.stdout.fileno()
        self.stderr = self._popen.stderr.fileno()
        self._stdin_open = True
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(descriptor, False)

    @property
    def returncode(self) -> int | None:
        """As `subprocess.Popen.returncode`: negative for a signal, None while it runs."""
        return self._popen.returncode

    def poll(self) -> bool:
        """Whether it has ended. Whatever is left of its process group is killed then."""
        if self._popen.returncode is not None:
            return True
        if not self._has_ended():
            return False
        # Before it is reaped: until then nobody else can have its process group's id.
        self._signal_group(signal.SIGKILL)
        return self._popen.poll() is not None

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self.pid, flags) is not None
        except ChildProcessError:
            # Somebody else in this process has reaped it; Popen knows how to live with that.
            return self._popen.poll() is not None

    def close_stdin(self) -> None:
        """Tell it that nothing more will come. A server ends by itself then."""
        if self._stdin_open and self._popen.stdin:
            self._stdin_open = False
            self._popen.stdin.close()

    async def end(self, drain: Callable[[], None]) -> None:
        """End the process and its group: close stdin, wait, SIGTERM, wait, SIGKILL, reap.

        Bounded at every step, and shielded: cancelling it has no effect.

        Args:
            drain: Called again and again while waiting; empties the pipes, because one that
                cannot write may not come to its end.
        """
        import anyio  # noqa: PLC0415 — 10 ms of imports that no start need wait for

        try:
            with anyio.CancelScope(shield=True):
                self.close_stdin()
                if not await self._wait(_EXIT_BY_ITSELF, drain):
                    self._signal_group(signal.SIGTERM)
                    if not await self._wait(_EXIT_ON_TERM, drain):
                        self._signal_group(signal.SIGKILL)
                        await self._wait(_EXIT_ON_KILL, drain)
        except BaseException:
            self.kill_now()
            raise
        finally:
            for pipe in (self._popen.stdout, self._popen.stderr):
                if pipe:
                    pipe.close()

    def kill_now(self) -> None:
        """Kill, without a loop to wait in: asyncio's, when it ends, cancels through every shield."""
        if not self.poll():
            self._signal_group(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(_EXIT_AT_ONCE)

    async def _wait(self, seconds: float, drain: Callable[[], None]) -> bool:
        import anyio  # noqa: PLC0415 — see `end`

        with anyio.move_on_after(seconds):
            while not self.poll():
                drain()
                await anyio.sleep(_LOOK_AGAIN)
        drain()
        return self.poll()

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            # Gone already; on macOS a group of zombies answers with a lack of permission.
            return
