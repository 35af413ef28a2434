"""Every program of examples/ runs as it is, on the scripted model."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from docs.programs import EXAMPLES, PROGRAMS

import codex_runtime
from codex_runtime.testing import ScriptedModel

pytestmark = pytest.mark.real

_PATIENCE = 50.0
"""Seconds that one program may take; the slowest waits for its own two times 2 s."""


def environment_of(model: ScriptedModel, home: Path) -> dict[str, str]:
    """What a program needs to find the scripted model, and this package."""
    source = Path(codex_runtime.__file__).parent.parent
    return {
        **model.environment(model.write_home(home)),
        **{name: os.environ[name] for name in ("CODEX_RUNTIME_BIN",) if name in os.environ},
        "PYTHONPATH": str(source),
        "PYTHONWARNINGS": "error",
    }


def output_of(argv: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a program to its end; return its stdout. Anything on stderr fails the test."""
    ended = subprocess.run(
        [sys.executable, *argv],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_an_example_prints_what_it_should(name: str, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    folder = tmp_path / "work"
    # The diff of a turn is relative to the repository.
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True, timeout=_PATIENCE)
    for path, text in program.files.items():
        (folder / path).write_text(text)

    with ScriptedModel(*program.steps()) as model:
        environment = environment_of(model, tmp_path / "home")
        printed = output_of([str(EXAMPLES / name)], folder, environment)
        model.assert_complete()

    if name == "typed_requests.py":
        assert printed.startswith(program.prints)
        assert printed.endswith("signed in: False\nrefused: thread/read -32600\n")
    else:
        assert printed == program.prints


def test_the_example_of_a_test_suite_passes(tmp_path: Path) -> None:
    entry_points = importlib.metadata.entry_points(group="pytest11", name="codex_runtime")
    # Where the package is on the path only, and not installed, pytest is told of the plugin.
    plugin = [] if entry_points else ["-p", "codex_runtime.testing.plugin"]
    suite = tmp_path / "test_your_agent.py"
    suite.write_text((EXAMPLES / "test_your_agent.py").read_text())

    with ScriptedModel() as model:
        environment = environment_of(model, tmp_path / "home")
    printed = output_of(
        [
            *("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *plugin),
            *(f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'base'}", str(suite)),
        ],
        tmp_path,
        environment,
    )

    assert "passed" in printed
    assert "skipped" not in printed


def test_every_example_is_run() -> None:
    files = {path.name for path in EXAMPLES.glob("*.py")}

    assert files == {*PROGRAMS, "test_your_agent.py"}
