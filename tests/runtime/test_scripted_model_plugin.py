"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import codex_runtime

SECONDS = 60.0
"""Longest run of an inner pytest; it takes about two."""

ALONE = ("-p", "no:codex_runtime", "-p", "codex_runtime.testing.plugin")
"""Load the plugin once, whether or not the package is installed with its entry point."""

SOURCES = Path(codex_runtime.__file__).parents[1]
"""Where this package is, installed or not."""

BOTH = """
    import pytest
    from codex_runtime.testing import assistant_message, shell

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param
"""


def run_pytest(
    folder: Path, source: str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    lines = source.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    (folder / "test_inner.py").write_text("\n".join(line[margin:] for line in lines) + "\n")
    return subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-rsfEx", "-W", "error", "-p", "no:cacheprovider",
            "-p", "no:randomly", "-o", "anyio_mode=auto", *ALONE, *options, "test_inner.py",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )  # fmt: skip  # one a line would hide the rest


def test_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import codex_runtime.testing.plugin;"
        "new = set(sys.modules) - before;"
        "print(sorted(m for m in new if not m.startswith('codex_runtime')));"
        "print(sorted(m for m in new if m.startswith('codex_runtime')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )

    others, ours = done.stdout.splitlines()
    assert others == "[]"
    assert ours == str(
        [
            "codex_runtime",
            "codex_runtime._version",
            "codex_runtime.testing",
            "codex_runtime.testing.plugin",
        ]
    )


def test_a_run_that_does_not_use_it_goes_on_as_ever(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "def test_nothing(): pass")

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.real
def test_a_test_drives_the_real_codex(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        BOTH
        + """
    async def test_it(codex):
        (codex.workspace / "a.txt").write_text("hello")
        codex.model.enqueue(shell("cat a.txt && git log --oneline"), assistant_message("done"))

        result = await codex.run("read it")

        assert result.text == "done"
        assert "hello" in codex.model.last_call.last_tool_output
        assert "Start" in codex.model.last_call.last_tool_output
        assert codex.runtime.pid is not None
    """,
        OPENAI_API_KEY="sk-none",
    )

    if "skipped" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_a_test_drives_the_fake(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        BOTH
        + """
    async def test_it(fake_codex):
        fake_codex.model.enqueue(shell("ls", output="a.txt"), assistant_message("done"))

        result = await fake_codex.run("read it")

        assert result.text == "done"
        assert result.items[1].aggregated_output == "a.txt"
        assert result.items[1].cwd == str(fake_codex.workspace)
    """,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_a_script_left_over_fails_a_test_that_passed(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        from codex_runtime.testing import assistant_message

        def test_it(scripted_model):
            scripted_model.enqueue(assistant_message("never said"))
        """,
    )

    assert done.returncode == 1
    assert "codex_runtime.testing.UnconsumedSteps: 1 scripted step never used" in done.stdout


def test_a_script_left_over_adds_nothing_to_a_test_that_failed(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        BOTH
        + """
    def test_one(scripted_model):
        scripted_model.enqueue(assistant_message("never said"))
        assert False, "the reason"

    @pytest.mark.xfail(strict=True, reason="what it leaves fails it")
    async def test_two(fake_codex):
        fake_codex.model.enqueue(assistant_message("never said"))
        assert False, "the reason"
    """,
    )

    assert "1 failed, 2 xfailed" in done.stdout
    assert "UnconsumedSteps" not in done.stdout


def test_a_test_without_a_binary_is_skipped_with_the_reason(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        BOTH
        + """
    async def test_it(codex):
        pass
    """,
        "--codex-bin",
        "/nowhere/codex",
    )

    assert done.returncode == 0, done.stdout
    assert "2 skipped" in done.stdout
    assert "/nowhere/codex is not an executable file" in done.stdout
