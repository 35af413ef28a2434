"""What the pytest fixtures `codex` and `fake_codex` give to a test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, Unpack

from codex_runtime import oneshot
from codex_runtime._binary import find_codex
from codex_runtime.errors import CodexNotFound
from codex_runtime.options import RunOptions
from codex_runtime.runtime import Runtime
from codex_runtime.state import TurnResult
from codex_runtime.testing.fake_server import FakeAppServer
from codex_runtime.testing.scripted_model import ScriptedModel
from codex_runtime.thread import TurnInput

if TYPE_CHECKING:
    import pytest

__all__ = ["Workbench", "fake", "find_binary", "forget_user", "make_repository", "real"]

M = TypeVar("M", ScriptedModel, FakeAppServer)

GIT_SECONDS = 30.0
"""Seconds that making the repository may take; it takes some 20 ms."""

_USERS = re.compile(r"(CODEX|OPENAI|XDG)_\w+|\w+_proxy", re.IGNORECASE)
"""Variables of the user that would reach codex and change what it does."""


@dataclass(frozen=True)
class Workbench(Generic[M]):
    """A codex, real or fake, ready for a test.

    Attributes:
        model: Takes the script: `ScriptedModel`, or `FakeAppServer` itself.
        runtime: Open; closed when the test is over.
        workspace: The working directory of `run()`; with the real codex a git repository.
    """

    model: M
    runtime: Runtime
    workspace: Path

    async def run(
        self, prompt: TurnInput, *, raise_on_failure: bool = True, **options: Unpack[RunOptions]
    ) -> TurnResult:
        """Ask codex once, in a new thread in the workspace. See `codex_runtime.run`.

        Cancelling interrupts the turn. Exceptions are those of `codex_runtime.run`.
        """
        options.setdefault("cwd", self.workspace)
        return await oneshot.run(
            prompt, runtime=self.runtime, raise_on_failure=raise_on_failure, **options
        )


def find_binary(explicit: str | None) -> Path | str:
    """Return the codex binary, or why there is none."""
    try:
        return find_codex(explicit).path
    except CodexNotFound as error:
        return str(error)


def make_repository(folder: Path) -> Path | None:
    """Make a git repository with one empty commit; None where there is no git."""
    git = shutil.which("git")
    if git is None:
        return None
    folder.mkdir()
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    # The user's own settings and hooks stay out of it.
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        (*who, "commit", "--quiet", "--allow-empty", "--message=Start"),
    ):
        subprocess.run(  # noqa: S603 — the git of the PATH, with fixed arguments
            [git, *arguments],
            cwd=folder,
            env={**kept, **nothing},
            check=True,
            timeout=GIT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    return folder


def forget_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what would change codex, until the test is over."""
    for name in list(os.environ):
        if _USERS.fullmatch(name):
            monkeypatch.delenv(name)


@asynccontextmanager
async def real(
    model: ScriptedModel, binary: Path, home: Path, workspace: Path
) -> AsyncGenerator[Workbench[ScriptedModel], None]:
    """Run the real codex on `model`."""
    model.write_home(home)
    async with Runtime(
        codex_bin=binary, codex_home=home, cwd=workspace, env=model.environment(home)
    ) as runtime:
        yield Workbench(model, runtime, workspace)


@asynccontextmanager
async def fake(workspace: Path) -> AsyncGenerator[Workbench[FakeAppServer], None]:
    """Run a fake app-server."""
    server = FakeAppServer(cwd=workspace)
    async with server.runtime() as runtime:
        yield Workbench(server, runtime, workspace)
