"""CODEX_HOME: where the server keeps its threads, settings and sign-in."""

import fcntl
import os
import pwd
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from codex_runtime.errors import InvalidArgument

__all__ = ["FirstStart", "home_of", "prepare_home"]

_LOCK_NAME: Final = ".codex-runtime.lock"

_USED: Final = b"a server has started here\n"
"""Written into the lock file once a start has succeeded: from then on nobody need queue."""

_LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at a lock that another process holds: a first start takes 0.2 s."""


def home_of(environment: Mapping[str, str], cwd: str | None = None) -> Path:
    """The CODEX_HOME that a server with this environment uses, found as codex does (measured on 0.163).

    An empty variable counts as absent, a relative folder starts at the server's working
    directory, `~` means nothing, and without HOME the password database is asked.

    Args:
        environment: What the server gets.
        cwd: Its working directory; None for this process's.

    Raises:
        InvalidArgument: Nobody knows this user's home.
    """
    named = environment.get("CODEX_HOME")
    return Path(cwd or "") / (named or Path(environment.get("HOME") or _home_of_user(), ".codex"))


def _home_of_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise InvalidArgument(
            "codex_home", "is not known: this user has no home", "name a folder"
        ) from None


def prepare_home(home: Path) -> None:
    """Create a CODEX_HOME that is not there yet, for its owner only.

    Raises:
        InvalidArgument: It cannot be created, or is no folder.
    """
    try:
        if home.is_dir():
            return
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700)
    except FileExistsError:
        if not home.is_dir():
            raise InvalidArgument(
                "codex_home", f"{home} is not a folder", "move it away, or name another"
            ) from None
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            "codex_home", f"cannot be created: {error}", "name one that can be written"
        ) from error


class FirstStart:
    """The right to start on a CODEX_HOME that no server has used yet, one process at a time.

    Several first starts at once kill each other: of 40 servers of 0.163 started together on a
    fresh home, 39 exited with status 1. A home that was used once is safe, and is not locked.
    Where the lock cannot be had in time, or not at all (a read-only disk), the start
    goes ahead: the lock is a courtesy between starters, not a guard.
    """

    def __init__(self, home: Path | None) -> None:
        """Look whether there is anything to wait for.

        Args:
            home: The CODEX_HOME; None where nobody here knows it.
        """
        self._handle = None if home is None else _open_lock(home)

    def try_now(self) -> bool:
        """Whether the start may go ahead at once."""
        return self._handle is None or _try_lock(self._handle)

    async def wait(self, timeout: float) -> None:
        """Wait until the start may go ahead, `timeout` seconds at the most."""
        import anyio  # noqa: PLC0415 — 10 ms of imports that no start need wait for

        with anyio.move_on_after(timeout):
            while not self.try_now():  # noqa: ASYNC110 — another process sets no event of ours
                await anyio.sleep(_LOOK_AGAIN)

    def end(self, *, started: bool) -> None:
        """Let the next one go ahead.

        Args:
            started: The server is up: from now on nobody need wait.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            # A disk that is full costs the next start its short cut, not this server its life.
            with suppress(OSError):
                if started:
                    os.pwrite(handle, _USED, 0)
        finally:
            # Closing releases the lock. The file stays: taking it away would let two processes
            # hold "the" lock on two different files.
            os.close(handle)


def _open_lock(home: Path) -> int | None:
    try:
        handle = os.open(home / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    with suppress(OSError):
        if os.pread(handle, len(_USED), 0) != _USED:
            return handle
    os.close(handle)
    return None


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
