"""`codex-runtime demo`: the real codex mends a real bug, and needs no account for it.

Only the model is scripted. It reads what codex reports back and gives up when that is not what
it should be, so the demo cannot succeed where the sandbox, a command or the patch did not work.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio

from codex_runtime._lines import Line, diff_lines
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._run import Outcome, RunRequest, run_turn
from codex_runtime.cli._screen import Screen
from codex_runtime.cli._views import HumanView
from codex_runtime.testing import (
    ModelCall,
    ScriptedModel,
    Step,
    apply_patch,
    assistant_message,
    patch_text,
    respond,
    shell,
    together,
    update_file,
)
from codex_runtime.testing.steps import Shell

__all__ = ["Play", "demo"]

_PROMPT: Final = "test_cart.py fails. Find the bug and fix it."

_CODE: Final = '''\
def total(prices, discount=0):
    """The sum of the prices, less a discount in percent."""
    return sum(prices) - discount
'''
_WRONG: Final = "    return sum(prices) - discount"
_RIGHT: Final = "    return sum(prices) * (100 - discount) / 100"

_TEST: Final = """\
from cart import total

assert total([150, 50]) == 200
left = total([150, 50], discount=10)
assert left == 180, f"10 % off 200 should leave 180, not {left}"
print("all tests passed")
"""
_COMPLAINT: Final = "10 % off 200 should leave 180"
_PASSED: Final = "all tests passed"

_TOOL_SECONDS: Final = 30.0
"""Seconds that git or the test may take here: 0.1 is usual."""

_TURN_SECONDS: Final = 120.0
"""Seconds of active time for the turn: 2 are usual."""


class DemoFailed(Exception):
    """Something that the demo shows did not happen. Comes out as the reason of a failed turn."""


class Play:
    """The scripted model: what it says next depends on what codex has reported."""

    def __init__(self) -> None:
        self._next: Callable[[ModelCall], Step] = self._begin
        self._python = "python3"
        self.finished = False
        """Whether it got to its last word."""

    def answer(self, call: ModelCall) -> Step:
        """Say the next thing.

        Raises:
            DemoFailed: What codex reported is not what it has to be.
        """
        return self._next(call)

    def _begin(self, _call: ModelCall) -> Step:
        self._next = self._after_reading
        return together(
            assistant_message("I look at the code and its test.", phase="commentary"),
            shell("cat cart.py test_cart.py"),
        )

    def _after_reading(self, call: ModelCall) -> Step:
        _expect(call, _WRONG.strip(), "read cart.py")
        self._next = self._after_failing
        return together(
            assistant_message(
                "The discount is in percent and is taken off as if it were money. "
                "I run the test to see that fail.",
                phase="commentary",
            ),
            self._test(),
        )

    def _after_failing(self, call: ModelCall) -> Step:
        if self._python == "python3" and _exited(127) in call.last_tool_output:
            # The shell of the sandbox knows no python3; the one that runs this does exist.
            self._python = shlex.quote(sys.executable)
            return self._test()
        _expect(call, _COMPLAINT, "see the test complain")
        _expect(call, _exited(1), "see the test fail")
        self._next = self._after_patching
        return together(
            assistant_message("It fails, as it should. Here is the fix.", phase="commentary"),
            apply_patch(patch_text(update_file("cart.py", _WRONG, _RIGHT))),
        )

    def _after_patching(self, call: ModelCall) -> Step:
        _expect(call, "Success", "apply the patch")
        self._next = self._after_passing
        return self._test()

    def _after_passing(self, call: ModelCall) -> Step:
        _expect(call, _PASSED, "see the test pass")
        _expect(call, _exited(0), "see the test pass")
        self._next = self._after_the_end
        self.finished = True
        return assistant_message(
            "Fixed: `total` took the discount off as money, and it is a percentage. "
            "The test failed before the change and passes now.",
            phase="final_answer",
        )

    def _after_the_end(self, call: ModelCall) -> Step:
        raise DemoFailed(f"codex asked again after the last word: {call.last_tool_output}")

    def _test(self) -> Shell:
        return shell(f"{self._python} test_cart.py")


def _exited(code: int) -> str:
    """How `exec_command` reports an exit code to the model (0.154 to 0.163)."""
    return f"exited with code {code}\n"


def _expect(call: ModelCall, words: str, what: str) -> None:
    if words not in call.last_tool_output:
        raise DemoFailed(f"could not {what}; codex reported: {call.last_tool_output.strip()}")


def demo(*, codex_bin: str | None, screen: Screen) -> Exit:
    """Run the demo. Takes some seconds; leaves no folder and no process.

    Returns:
        `DONE` only if the bug was there before and is gone now, by the demo's own run of the
        test.
    """
    if shutil.which("git") is None:
        screen.show([Line("error: the demo needs git; install it and try again", "bad")])
        return Exit.FAILED
    screen.show([Line("The real codex, a scripted model, a bug in a temporary git repository.")])
    with tempfile.TemporaryDirectory(prefix="codex-runtime-demo-") as folder:
        repo, home = Path(folder).resolve() / "shop", Path(folder).resolve() / "home"
        _make_repo(repo)
        if _test_passes(repo):
            screen.show([Line("error: the bug of the demo is not there to be fixed", "bad")])
            return Exit.FAILED
        play = Play()
        with ScriptedModel(respond(play.answer, times=None)) as model:
            request = RunRequest(
                prompt=_PROMPT,
                cwd=repo,
                sandbox="workspace-write",
                timeout=_TURN_SECONDS,
                codex_bin=codex_bin,
                codex_home=model.write_home(home),
                # Codex's sandbox leaves a folder in TMPDIR (seen on 0.163).
                env={**model.environment(home), "TMPDIR": str(home)},
            )
            screen.show([Line(f"> {_PROMPT}", "heading")])
            outcome = anyio.run(run_turn, request, HumanView(screen))
        if outcome.code is not Exit.DONE:
            return outcome.code
        return _verify(repo, play, outcome, screen)


def _verify(repo: Path, play: Play, outcome: Outcome, screen: Screen) -> Exit:
    diff = _run("git", "diff", "--no-color", cwd=repo).stdout
    screen.print([Line(""), *diff_lines(diff, indent="")])
    if not (play.finished and diff and _test_passes(repo)):
        screen.show([Line("error: codex says it is done, and the test still fails", "bad")])
        return Exit.FAILED
    program = _program()
    screen.print(
        [
            Line(""),
            Line("The test passes, run once more from outside.", "good"),
            Line(
                f"This was a scripted model on the real codex {outcome.codex_version or ''}; "
                f"{program} doctor says how to sign in. Then, in a repository of your own:"
            ),
            Line(f"  {program} run 'Explain this repository in two bullets'", "command"),
        ]
    )
    return Exit.DONE


def _program() -> str:
    """The command that started this, fit for a shell in any folder."""
    started = Path(sys.argv[0]).absolute()
    if started.name == "codex-runtime" and os.access(started, os.X_OK):
        found = shutil.which(started.name)
        return started.name if found and Path(found) == started else shlex.quote(str(started))
    return f"{shlex.quote(sys.executable)} -m codex_runtime"


def _make_repo(repo: Path) -> None:
    repo.mkdir()
    (repo / "cart.py").write_text(_CODE)
    (repo / "test_cart.py").write_text(_TEST)
    who = ("-c", "user.name=demo", "-c", "user.email=demo@localhost")
    _run("git", "init", "--quiet", cwd=repo)
    _run("git", "add", ".", cwd=repo)
    _run("git", *who, "commit", "--quiet", "--message", "A shop with a bug", cwd=repo)


def _test_passes(repo: Path) -> bool:
    # -B: a cached bytecode file of the same second would hide the change of the source.
    done = _run(sys.executable, "-B", "test_cart.py", cwd=repo, check=False)
    return done.returncode == 0 and _PASSED in done.stdout


def _run(*words: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    # The user's own git settings (signing, hooks, templates) have no part in this.
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(  # noqa: S603 — fixed words, no shell
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TOOL_SECONDS,
        check=check,
    )
