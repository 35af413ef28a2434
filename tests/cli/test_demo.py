"""`codex-runtime demo`: it shows a bug being fixed, or it fails."""

import shlex
import signal
import sys
from pathlib import Path

import pytest
from cli.support import PATIENCE, CommandLine, servers_of

from codex_runtime._binary import find_codex
from codex_runtime.cli import _demo
from codex_runtime.cli._demo import DemoFailed, Play
from codex_runtime.testing import ModelCall, Step
from codex_runtime.testing.steps import ApplyPatch, AssistantMessage, Shell, Together

READ = "Process exited with code 0\nOutput:\n    return sum(prices) - discount\n"
FAILS = (
    "Process exited with code 1\nOutput:\nAssertionError: 10 % off 200 should leave 180, not 190"
)
PATCHED = "Exit code: 0\nOutput:\nSuccess. Updated the following files:\nM cart.py\n"
PASSES = "Process exited with code 0\nOutput:\nall tests passed\n"
NO_PYTHON = "Process exited with code 127\nOutput:\nbash: python3: command not found\n"


def reported(text: str) -> ModelCall:
    output = {"type": "function_call_output", "call_id": "c", "output": text}
    return ModelCall(1, {"input": [output]}, {})


def last_output(step: Step) -> object:
    return step.outputs[-1] if isinstance(step, Together) else step


def played(*reports: str) -> tuple[Play, list[object]]:
    play = Play()
    steps = [play.answer(reported(text)) for text in ("", *reports)]
    return play, [last_output(step) for step in steps]


def test_the_model_reads_tests_patches_and_tests_again() -> None:
    play, steps = played(READ, FAILS, PATCHED, PASSES)

    assert [type(step) for step in steps] == [Shell, Shell, ApplyPatch, Shell, AssistantMessage]
    assert play.finished


def test_without_a_python3_the_test_runs_on_the_python_of_the_demo() -> None:
    _, steps = played(READ, NO_PYTHON, FAILS, PATCHED, PASSES)

    commands = [step.cmd for step in steps if isinstance(step, Shell)]
    assert commands[1] == "python3 test_cart.py"
    assert commands[2] == commands[3] != commands[1]


@pytest.mark.parametrize(
    ("reports", "what"),
    [
        (["cat: cart.py: No such file"], "read cart.py"),
        ([READ, PASSES], "see the test complain"),
        ([READ, FAILS.replace("code 1", "code 0")], "see the test fail"),
        ([READ, FAILS, "patch rejected"], "apply the patch"),
        ([READ, FAILS, PATCHED, FAILS], "see the test pass"),
        ([READ, NO_PYTHON, NO_PYTHON], "see the test complain"),
        ([READ, FAILS, PATCHED, PASSES, PASSES], "asked again after the last word"),
    ],
)
def test_the_model_gives_up_when_a_step_did_not_do_its_work(reports: list[str], what: str) -> None:
    with pytest.raises(DemoFailed, match=what):
        played(*reports)


@pytest.mark.real
def test_the_real_codex_fixes_the_bug_and_leaves_nothing_behind(command: CommandLine) -> None:
    ended = command.run("demo")

    assert ended.code == 0, ended.err
    assert "-    return sum(prices) - discount" in ended.out
    assert "+    return sum(prices) * (100 - discount) / 100" in ended.out
    assert "This was a scripted model on the real codex 0." in ended.out
    *program, _, _ = shlex.split(ended.out.splitlines()[-1])
    assert program == [sys.executable, "-m", "codex_runtime"]
    shown = ended.err
    order = ["$ cat cart.py", "$ python3 test_cart.py", "exit 1", "edit cart.py +1 -1"]
    places = [*map(shown.index, order), shown.rindex("all tests passed")]
    assert places == sorted(places)
    assert list(command.tmp.iterdir()) == []
    assert servers_of(command.folder) == []


@pytest.mark.real
def test_a_demo_whose_bug_is_not_fixed_fails(command: CommandLine) -> None:
    # A codex that spoils the test before it starts, so that no fix can make it pass.
    spoiler = command.folder / "spoiler"
    shop = f"{shlex.quote(str(command.tmp))}/codex-runtime-demo-*/shop"
    spoiler.write_text(
        "#!/bin/sh\n"
        f"echo 'raise SystemExit(1)' | tee -a {shop}/test_cart.py\n"
        f'exec {shlex.quote(str(find_codex().path))} "$@"\n'
    )
    spoiler.chmod(0o700)

    ended = command.run("demo", "--codex-bin", str(spoiler))

    assert ended.code == 1
    assert "DemoFailed: could not see the test pass" in ended.err
    assert "scripted model on the real codex" not in ended.out
    assert list(command.tmp.iterdir()) == []


def test_the_advice_names_the_program_as_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "codex-runtime"
    script.touch(mode=0o700)
    monkeypatch.setattr(sys, "argv", [str(script)])

    monkeypatch.setenv("PATH", "/no/such/folder")
    elsewhere = _demo._program()
    monkeypatch.setenv("PATH", str(tmp_path))
    on_the_path = _demo._program()

    assert (elsewhere, on_the_path) == (shlex.quote(str(script)), "codex-runtime")


def test_without_git_the_demo_says_so(command: CommandLine) -> None:
    ended = command.run("demo", env={"PATH": str(command.folder)})

    assert ended.code == 1
    assert "the demo needs git" in ended.err


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_leaves_nothing_behind(
    number: signal.Signals, command: CommandLine
) -> None:
    process = command.start("demo")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("codex 0."):
            break

    process.send_signal(number)
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert list(command.tmp.iterdir()) == []
    assert servers_of(command.folder) == []
