"""What codex-runtime promises about ready-made approvers and files of rules."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "rules:listed": Requirement(
        "design:6", "Of commands only those run that are listed word by word, as one plain command."
    ),
    "rules:bypass": Requirement(
        "design:6",
        "Operators, wrappers, shells, interpreters and other paths are no way around a list.",
    ),
    "rules:file": Requirement(
        "runtime",
        "A file of rules allows, denies and leaves open as it says; the strictest rule decides.",
    ),
    "rules:edits": Requirement(
        "fact:308",
        "Changes of files are allowed where all of them really are in the workspace, and not in its .git.",
    ),
    "rules:recorded": Requirement(
        "runtime",
        "Each decision can be kept with who, what and why; the audit names the same approver.",
    ),
    "rules:shell": Requirement(
        "fact:360", "The shell around a command is one of the system's, whatever the model names."
    ),
}
