"""A scripted model and a fresh CODEX_HOME for one run on the real binary."""

import contextlib
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kit.process import temporary_folder

READY_SECONDS = 20.0
"""Limit for the model to start; it takes a fraction of a second."""

END_SECONDS = 5.0
"""Limit for the model to end by itself, before it is killed."""

PROGRAM = Path(__file__).resolve().parent.parent / "model.py"


@contextlib.contextmanager
def scripted_model(python: Path) -> Iterator[tuple[str, str]]:
    """Start model.py; give its CODEX_HOME and an empty working directory.

    Raises:
        RuntimeError: the model did not start.
    """
    with temporary_folder() as folder:
        home, cwd = folder / "home", folder / "work"
        cwd.mkdir()
        command = [str(python), str(PROGRAM), str(home)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=folder) as model:
            try:
                _await_ready(model.stdout)
                yield str(home), str(cwd)
            finally:
                _end(model)


def _await_ready(output: IO[bytes] | None) -> None:
    ready = output and select.select([output], [], [], READY_SECONDS)[0]
    if not (ready and output and output.readline()):
        message = "the scripted model did not start"
        raise RuntimeError(message)


def _end(model: subprocess.Popen[bytes]) -> None:
    if model.stdin:
        model.stdin.close()
    try:
        model.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        model.kill()
        model.wait()
