"""The examples, what the scripted model says to each, and what each prints then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codex_runtime.testing import (
    Step,
    apply_patch,
    assistant_message,
    patch_text,
    reasoning,
    shell,
    stall,
    together,
    tool_call,
    update_file,
)

__all__ = ["EXAMPLES", "PROGRAMS", "ROOT", "Program"]

ROOT: Final = Path(__file__).parent.parent.parent
"""The repository."""

EXAMPLES: Final = ROOT / "examples"

_BUG = "    return a - b"
_FIX = "    return a + b"


@dataclass(frozen=True)
class Program:
    """One example.

    Attributes:
        steps: What the model says; in a function, as steps with gates serve once.
        prints: All of stdout.
        files: What the working directory holds at first.
    """

    steps: Callable[[], tuple[Step, ...]]
    prints: str
    files: dict[str, str] = field(default_factory=dict[str, str])


PROGRAMS: Final[dict[str, Program]] = {
    "quickstart.py": Program(
        lambda: (
            assistant_message(
                "- A calculator for the command line.\n- It adds and subtracts, and has tests."
            ),
        ),
        "- A calculator for the command line.\n"
        "- It adds and subtracts, and has tests.\n"
        "[completed] TokenUsage(input_tokens=100, cached_input_tokens=0, output_tokens=10, "
        "reasoning_output_tokens=0, total_tokens=110)\n",
    ),
    "stream_events.py": Program(
        lambda: (
            together(reasoning("Count the files."), shell("find . -name '*.py' | wc -l")),
            assistant_message("There are two of them."),
        ),
        "$ /bin/bash -lc \"find . -name '*.py' | wc -l\" -> exit code 0\n"
        "There are two of them.\n"
        "[completed] 4 items\n",
        {"calc.py": f"def add(a, b):\n{_FIX}\n", "test_calc.py": "import calc\n"},
    ),
    "threads_and_turns.py": Program(
        lambda: (
            assistant_message("add() subtracts."),
            apply_patch(patch_text(update_file("calc.py", _BUG, _FIX))),
            shell("sh test.sh"),
            assistant_message("Fixed; the test passes."),
        ),
        "add() subtracts.\n"
        "$ /bin/bash -lc 'sh test.sh' -> exit code 0\n"
        "diff --git a/calc.py b/calc.py\n"
        "index 12ee7431b8e0e3e366c904c33ef3dee767b1bc20"
        "..4693ad3cf8b0903b98497fb89b8b524fbf1b93f4\n"
        "--- a/calc.py\n"
        "+++ b/calc.py\n"
        "@@ -1,2 +1,2 @@\n"
        " def add(a, b):\n"
        f"-{_BUG}\n"
        f"+{_FIX}\n"
        "\n"
        "Fixed; the test passes.\n",
        {"calc.py": f"def add(a, b):\n{_BUG}\n", "test.sh": "grep -q 'a + b' calc.py\n"},
    ),
    "scripted_model.py": Program(
        # It brings a script of its own.
        lambda: (),
        "One file. The model was asked 2 times.\n",
        {"calc.py": ""},
    ),
    "hooks.py": Program(
        lambda: (assistant_message("Good morning!"),),
        "post_run: ok\n"
        "Good morning!\n"
        "pre_run: no_keys noop\n"
        "pre_turn: in_english mutated\n"
        "post_run: note noop\n"
        "blocked by hook 'no_keys' at pre_run: the prompt holds a key\n",
    ),
    "approvals.py": Program(
        lambda: (
            shell("touch done.txt", escalate=True),
            shell("rm notes.old", escalate=True),
            assistant_message("Noted; nothing was removed."),
        ),
        "allowed: runtime approver house_rules\n"
        "denied: 'rm notes.old' is not on the list\n"
        "Noted; nothing was removed.\n",
        {"notes.old": ""},
    ),
    "tools.py": Program(
        lambda: (
            together(
                tool_call("stock", {"product": "tea"}), tool_call("stock", {"product": "coffee"})
            ),
            tool_call("order", {"product": "coffee", "pieces": 0}),
            tool_call("order", {"product": "coffee", "pieces": 24, "speed": "fast"}),
            assistant_message("Coffee was out of stock; 24 pieces are ordered."),
        ),
        "order: 24 coffee, fast\nCoffee was out of stock; 24 pieces are ordered.\n",
    ),
    "threads_on_record.py": Program(
        lambda: (
            assistant_message("Blue."),
            assistant_message("Green."),
            assistant_message("Red."),
        ),
        "Colours: began with 'Name a colour.'\n"
        "completed Blue.\n"
        "completed Green.\n"
        "dropped from the fork: 1 of 2\n"
        "Red.\n"
        "archived: True\n",
    ),
    "interrupt_and_timeout.py": Program(
        lambda: (stall(after="Roses are"), stall(after="Violets are"), stall(after="Sing, O")),
        "first: interrupted\nsecond: interrupted after 2.0 s\nthird: cancelled\n",
    ),
    "several_consumers.py": Program(
        lambda: (
            stall(after="Blue..."),
            assistant_message("Red."),
            assistant_message("It is."),
            assistant_message("They talked about colours."),
        ),
        "counted: True True\n2 user messages; 1 message cut off\nRed.\nlate: Blue...Red.\nreview: It is.\n",
    ),
    "input_items.py": Program(
        lambda: (
            assistant_message("old.py."),
            assistant_message("It cannot divide yet."),
        ),
        "old.py.\nIt cannot divide yet.\ninput[1].path is not there; nothing was sent\n",
        {"calc.py": f"def add(a, b):\n{_FIX}\n", "old.py": ""},
    ),
    "typed_requests.py": Program(
        lambda: (),
        # The models are those of the catalogue in the binary, so only the beginning is known.
        "models: ",
    ),
    "commands_and_files.py": Program(
        lambda: (),
        "files: calc.py\n"
        "may write: False\n"
        "sorted: 9\n"
        "sorted: 10\n"
        "CommandResult(exit_code=0, stdout=5 bytes, stderr=0 bytes, timed_out=False, "
        "truncated=False)\n"
        "changed: notes.txt\n"
        "found: notes.txt\n"
        "refused: sandbox 'workspace-write' needs an explicit opt-in; "
        "pass privileged_escalation_approved=True\n",
        {"calc.py": ""},
    ),
    "blocking_in_a_loop.py": Program(
        lambda: (
            assistant_message("It adds."),
            assistant_message("calc.py."),
            assistant_message("Yes."),
        ),
        "It adds.\ncalc.py.\nYes.\n",
    ),
}
