"""The command line as its users have it: a process of its own."""

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import codex_runtime

__all__ = ["CommandLine", "Ended", "servers_of"]

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

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE)


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
