"""What codex-runtime promises about hooks."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "hooks:order": Requirement(
        "runtime",
        "Around a run that opens its thread, hooks run in all phases, in order, under one correlation id.",
    ),
    "hooks:precedence": Requirement(
        "runtime",
        "Hooks of the runtime come first, then those of the thread, then those of the call; of two with one name the first counts.",
    ),
    "hooks:matcher": Requirement(
        "runtime", "A hook for a folder runs for threads in it, and not for those beside it."
    ),
    "hooks:told": Requirement(
        "runtime",
        "Post hooks are told the thread, the turn, the model and folder in force, and the result.",
    ),
    "hooks:report": Requirement(
        "design:6",
        "What hooks did is in the result of their run, on the thread they opened, and on the runtime.",
    ),
    "hooks:prompt": Requirement(
        "runtime", "The model gets the prompt that hooks have made of the caller's."
    ),
    "hooks:attachments": Requirement(
        "runtime",
        "Attachments of hooks are held to the rules of the caller's; what cannot be used is left out.",
    ),
    "hooks:model-of-a-turn": Requirement(
        "fact:49",
        "A model that a hook chooses for a turn is in force for that turn only, though the server keeps it.",
    ),
    "hooks:model-of-a-thread": Requirement(
        "runtime", "A model that a hook chooses when a thread is opened stays the thread's."
    ),
    "hooks:block": Requirement(
        "runtime", "What a hook blocks is not sent; post phases come where pre phases were passed."
    ),
    "hooks:gate": Requirement("design:6", "A gate that fails blocks; another hook is noted only."),
    "hooks:failures": Requirement(
        "runtime", "Post hooks run when a turn fails, is interrupted, or its caller is cancelled."
    ),
    "hooks:resume-and-fork": Requirement(
        "runtime",
        "Resuming and forking are openings too; the hooks of a handle hold for its turns.",
    ),
    "hooks:use-the-runtime": Requirement(
        "design:2",
        "A hook may use the runtime, and run turns of its own, without coming to itself.",
    ),
    "hooks:other-turns": Requirement(
        "design:6",
        "Hooks are around reviews, compactions and commands too, and are told what they are.",
    ),
    "hooks:other-turns-gate": Requirement(
        "design:6", "What a hook blocks of these is not sent, and nothing of them is changed."
    ),
    "hooks:turns-of-others": Requirement(
        "fact:43", "No hook is around turns of goals, of the queue, and of raw requests."
    ),
    "hooks:shell": Requirement(
        "runtime", "A command of a shell can change what a turn is told, and forbid it."
    ),
}
