"""The command line as its users have it: a process of its own."""

import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import codex_runtime

__all__ = ["CommandLine", "Ended", "Terminal", "servers_of"]

PATIENCE = 20.0
"""Seconds after which a test gives up on a process: it takes one or two."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it wrote."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs `python -m codex_runtime`, and ends what it started."""

    def __init__(self, folder: Path, bytecode: Path) -> None:
        self.folder = folder
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        home = folder / "user"
        home.mkdir()
        source = Path(codex_runtime.__file__).parent.parent
        self.env = {
            **os.environ,
            "PYTHONPATH": str(source),
            "HOME": str(home),
            "TMPDIR": str(self.tmp),
            "COLUMNS": "200",
            # Shared by all runs: compiling typer and rich anew takes longer than a turn.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(bytecode),
        }
        for name in ("CODEX_HOME", "NO_COLOR", "FORCE_COLOR"):
            self.env.pop(name, None)
        self._started: list[subprocess.Popen[str]] = []
        self._terminals: list[Terminal] = []

    def start(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "codex_runtime", *words],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str, env: dict[str, str] | None = None, stdin: str = "") -> Ended:
        process = self.start(*words, env=env)
        out, err = process.communicate(stdin, timeout=PATIENCE)
        return Ended(process.returncode, out, err)

    def redirected(self, redirection: str, *words: str) -> Ended:
        """Run it with its streams as a shell sets them up, say `2>&-`."""
        line = f"{shlex.join([sys.executable, '-m', 'codex_runtime', *words])} {redirection}"
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def at_terminal(self, *words: str, env: dict[str, str] | None = None) -> "Terminal":
        """Run it with somebody at a terminal of 200 columns."""
        return self.program("-m", "codex_runtime", *words, env=env)

    def program(self, *words: str, env: dict[str, str] | None = None) -> "Terminal":
        """Run another program of Python's likewise."""
        terminal = Terminal(words, self.folder, {**self.env, "TERM": "xterm", **(env or {})})
        self._terminals.append(terminal)
        return terminal

    def close(self) -> None:
        for terminal in self._terminals:
            terminal.close()
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE)


_AT_HOME = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal on stdin the one that controls the session, as it is for a shell's programs."""


class Terminal:
    """A program at a terminal, and who types there.

    Attributes:
        seen: Everything that the program has written, and the terminal has echoed.
    """

    def __init__(self, words: tuple[str, ...], folder: Path, env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AT_HOME, sys.executable, *words],
            cwd=folder,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.pid = self._process.pid
        self.seen = ""
        self._read = 0

    def until(self, words: str) -> str:
        """Read on until these words; return what came before them."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen[self._read :]:
            if not self._take(deadline - time.monotonic()):
                raise AssertionError(f"no {words!r} in {self.seen[self._read :]!r}")
        end = self.seen.index(words, self._read)
        before, self._read = self.seen[self._read : end], end + len(words)
        return before

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, and hands it over line by line."""
        mode = termios.tcgetattr(self._ours)[3]
        return bool(mode & termios.ECHO and mode & termios.ICANON)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Read what is left; return the exit code."""
        while self._take(PATIENCE):
            pass
        return self._process.wait(timeout=PATIENCE)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=PATIENCE)
        os.close(self._ours)

    def _take(self, patience: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(patience, 0))
        try:
            found = os.read(self._ours, 65536) if ready else b""
        except OSError:
            # Nobody has the other end open any more.
            found = b""
        self.seen += found.decode(errors="replace")
        return bool(found)


def servers_of(folder: Path) -> list[str]:
    """The command lines of processes whose environment or arguments name `folder`."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            whole = words + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in whole and int(entry.name) != os.getpid():
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found
