"""Run the spec suite on other versions of codex than the installed one.

    python tools/compat.py 0.154.0 0.158.0       the oldest supported and one in between

Each version is installed by name from the package index, into a folder of its own under
`.compat/` that later runs use again (300 MB a version). Only the tests on the real binary are
run. Exit codes: 0 all green, 1 some version is not, 2 a version cannot be installed.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

PACKAGE = "openai-codex-cli-bin"
"""What holds the binary, on the package index."""

_INSTALL_SECONDS = 600.0
"""Longest that a version may take to be installed: some 140 MB to fetch."""

_SUITE_SECONDS = 900.0
"""Longest that the suite may take on one version; it takes two to four minutes on two cores."""


class Outcome(NamedTuple):
    """How it went with a version."""

    version: str
    code: int
    words: str


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="+", metavar="VERSION", help="say 0.154.0")
    parser.add_argument("--cache", type=Path, default=ROOT / ".compat", help="the folder for them")
    parser.add_argument("--install-only", action="store_true", help="run no test")
    options, more = parser.parse_known_args(arguments)
    outcomes = [
        _outcome(version, options.cache, [] if options.install_only else ["tests/spec", *more])
        for version in options.versions
    ]
    print(f"\n{'codex':<12}outcome")
    for outcome in outcomes:
        print(f"{outcome.version:<12}{outcome.words}")
    return max(outcome.code for outcome in outcomes)


def _outcome(version: str, cache: Path, tests: list[str]) -> Outcome:
    try:
        binary = installed(version, cache)
    except (OSError, subprocess.SubprocessError) as error:
        return Outcome(version, 2, f"cannot be installed: {error}")
    if not tests:
        return Outcome(version, 0, f"installed: {binary}")
    print(f"\n==> codex {version}: {binary}", flush=True)
    return tested(version, binary, tests)


def installed(version: str, cache: Path) -> Path:
    """Return the binary of a version, which is installed first where it is not there yet.

    Raises:
        OSError: It holds no binary, or no installer can be run.
        subprocess.SubprocessError: It cannot be fetched, or not in time.
    """
    if not re.fullmatch(r"[0-9][0-9A-Za-z.]*", version):
        raise OSError(f"{version!r} is no version")
    folder = cache / version
    binary = folder / "codex_cli_bin/bin/codex"
    if not binary.is_file():
        # A folder that was left half filled has no name that a later run would trust.
        partial = cache / f"{version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        subprocess.run(_install_command(version, partial), check=True, timeout=_INSTALL_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    if not os.access(binary, os.X_OK):
        raise OSError(f"there is no executable {binary}")
    return binary


def _install_command(version: str, folder: Path) -> list[str]:
    wanted = ["--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    if importlib.util.find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    else:
        installer = ["uv", "pip", "install", "--python", sys.executable]
    return [*installer, "--quiet", *wanted, f"{PACKAGE}=={version}"]


def tested(version: str, binary: Path, tests: list[str]) -> Outcome:
    """Run the tests on a binary."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "real", *tests]
    environment = {**os.environ, "CODEX_RUNTIME_BIN": str(binary)}
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=environment, timeout=_SUITE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Outcome(version, 1, f"was not through in {_SUITE_SECONDS:g} s")
    seconds = f"in {time.monotonic() - began:.0f} s"
    if done.returncode:
        return Outcome(version, 1, f"RED (pytest's exit status {done.returncode}) {seconds}")
    return Outcome(version, 0, f"green {seconds}")


if __name__ == "__main__":
    sys.exit(main())
