"""What the benchmarks need, made on demand in benchmarks/build/: the fake and two environments."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kit.fake import FAKE

BENCHMARKS = Path(__file__).resolve().parent.parent
"""The folder that holds run.py."""

PROJECT = BENCHMARKS.parent
"""The project's root, which is installed as it is now."""

BUILD = FAKE.parent
"""Ignored by git; may be removed at any time."""

VENDOR = "openai-codex==0.163.0"
"""The vendor's Python SDK."""

CODEX = "openai-codex-cli-bin==0.163.0"
"""The real binary for all clients: the one that the vendor's SDK is pinned to."""

INSTALL_SECONDS = 900.0
"""Limit of one installation; the binary's wheel is 160 MB."""


def build_fake() -> None:
    """Compile fake/fakeapp.c unless the program is newer."""
    source = BENCHMARKS / "fake" / "fakeapp.c"
    if FAKE.exists() and FAKE.stat().st_mtime > source.stat().st_mtime:
        return
    BUILD.mkdir(exist_ok=True)
    options = ["-O2", "-Wall", "-Wextra", "-pthread"]
    subprocess.run(["cc", *options, "-o", str(FAKE), str(source)], check=True, timeout=60)


class Environment:
    """A virtual environment under benchmarks/build/, by uv where it is there, else by venv and pip."""

    def __init__(self, name: str) -> None:
        self.path = BUILD / name
        self.python = self.path / "bin" / "python"
        self._stamp = self.path / "installed.txt"
        self._uv = os.environ.get("UV") or shutil.which("uv")

    def ensure(self, *requirements: str) -> None:
        """Make it and install the requirements, unless exactly these are installed."""
        wanted = "\n".join((sys.version, *requirements))
        if self.python.exists() and self._stamp.exists() and self._stamp.read_text() == wanted:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        print(f"making {self.path.name}: {', '.join(requirements)}", file=sys.stderr)
        if self._uv:
            _run(self._uv, "venv", "--quiet", "--python", sys.executable, str(self.path))
        else:
            _run(sys.executable, "-m", "venv", str(self.path))
        self.install(*requirements)
        self._stamp.write_text(wanted)

    def install(self, *arguments: str) -> None:
        """Install with byte code, as pip does: a first import that compiles would be no measure."""
        if self._uv:
            command = [
                self._uv,
                "pip",
                "install",
                "--compile-bytecode",
                "--python",
                str(self.python),
            ]
        else:
            # The environment may have been made by uv, which puts no pip into it.
            _run(str(self.python), "-m", "ensurepip")
            command = [str(self.python), "-m", "pip", "install"]
        _run(*command, "--quiet", *arguments)

    def codex(self) -> str:
        """The path of the real binary in this environment."""
        (found,) = self.path.glob("lib/python*/site-packages/codex_cli_bin/bin/codex")
        return str(found)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=PROJECT, timeout=INSTALL_SECONDS)


def prepare() -> tuple[Environment, Environment]:
    """Build everything; give our environment and the vendor's."""
    build_fake()
    ours, vendor = Environment("venv-ours"), Environment("venv-vendor")
    vendor.ensure(VENDOR)
    ours.ensure(".[codex]", CODEX)
    ours.install("--no-deps", "--force-reinstall", ".")
    return ours, vendor
