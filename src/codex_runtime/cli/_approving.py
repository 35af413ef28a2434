"""Who decides in a run: what is named by `--approve`, as approvers."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from codex_runtime._lines import Line
from codex_runtime.approvers import deny_all, edits_within
from codex_runtime.cli._screen import Screen
from codex_runtime.errors import InvalidArgument
from codex_runtime.policy import ApprovalPolicy
from codex_runtime.requests import Approver
from codex_runtime.rules import Rules
from codex_runtime.terminal import ask_in_terminal

__all__ = ["NOT_ASKED", "approvers_of", "warnings_for"]

_FIELD: Final = "--approve"

NOT_ASKED: Final = (
    "commands that stay inside the sandbox are not asked about under on-request; "
    "with --policy untrusted all are"
)
"""What to know of rules about commands."""


def approvers_of(words: Sequence[str], screen: Screen) -> tuple[Approver, ...]:
    """The approvers of these words, in their order; none where all that is said is `deny`.

    Raises:
        InvalidArgument: A word names nobody, a file of rules cannot be used, or somebody is to be
            asked where nobody sits.
    """
    if all(word == "deny" for word in words):
        # Then nothing need be asked at all.
        return ()
    return tuple(_approver(word, screen) for word in words)


def warnings_for(approvers: Sequence[Approver], policy: ApprovalPolicy | None) -> list[Line]:
    """What to know of these before a run under that policy; None is the one of `run`."""
    rules = [each for each in approvers if isinstance(each, Rules)]
    about_commands = any(rule.command for each in rules for rule in each.rules)
    if not about_commands or policy == "untrusted":
        return []
    return [Line(f"rules: {NOT_ASKED}", "warning")]


def _approver(word: str, screen: Screen) -> Approver:
    match word:
        case "deny":
            return deny_all
        case "edits":
            return edits_within()
        case "ask":
            if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
                raise InvalidArgument(
                    f"{_FIELD} ask",
                    "needs a terminal on stdin and stderr",
                    "name a file of rules, or deny",
                )
            return ask_in_terminal(while_asking=screen.asking)
        case _:
            return _rules(word)


def _is_terminal(stream: object) -> bool:
    return getattr(stream, "isatty", bool)()


def _rules(word: str) -> Rules:
    named = word.endswith(".toml") or (Path(word).exists() and not Path(word).is_dir())
    if not named:
        raise InvalidArgument(
            _FIELD, f"is {word!r}", "use deny, ask, edits, or the name of a file of rules"
        )
    return Rules.load(word)
