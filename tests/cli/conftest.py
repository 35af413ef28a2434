"""Fixtures of the command line's tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.support import CommandLine

from codex_runtime.testing import ScriptedModel


@pytest.fixture
def command(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line, in a folder of its own, with a home of its own."""
    line = CommandLine(tmp_path, tmp_path_factory.getbasetemp() / "bytecode")
    yield line
    line.close()


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """A scripted model without steps; each test enqueues its own."""
    with ScriptedModel() as scripted:
        yield scripted


@pytest.fixture
def codex_home(model: ScriptedModel, tmp_path: Path) -> str:
    """A CODEX_HOME that knows only the scripted model."""
    return str(model.write_home(tmp_path / "codex-home"))


@pytest.fixture
def fake_codex(tmp_path: Path) -> str:
    """A codex of our own making; `CODEX_FAKE` says what is wrong with it."""
    script = tmp_path / "fake-codex"
    program = Path(__file__).with_name("fake_codex.py")
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    script.chmod(0o700)
    return str(script)
