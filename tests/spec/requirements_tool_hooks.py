"""What codex-runtime promises about hooks around the use of tools."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "toolhooks:forbid": Requirement(
        "design:6",
        "A command or a change of files that a hook forbids does not happen, and no approver is asked; the turn goes on.",
    ),
    "toolhooks:never-yes": Requirement(
        "runtime",
        "A hook without an opinion says neither yes nor no: approvers are asked then, and where there are none it is refused.",
    ),
    "toolhooks:told": Requirement(
        "runtime",
        "Hooks are told the thread, the turn, the item, the folder, the model, the tool, and what it is used for.",
    ),
    "toolhooks:gate": Requirement(
        "design:6",
        "A gate that fails or hangs forbids the use of the tool; another hook that does is noted.",
    ),
    "toolhooks:matcher": Requirement("runtime", "A hook for one tool is called for that one only."),
    "toolhooks:scopes": Requirement(
        "runtime",
        "Hooks of a thread or of a call gate their own turns, in the order of their scopes, and no other ones.",
    ),
    "toolhooks:report": Requirement(
        "design:6",
        "What hooks around tools did is in the report of the run, each with the item that it was about.",
    ),
    "toolhooks:after": Requirement(
        "runtime",
        "Hooks after the use of tools are told of each completed item, in order, and the result waits for them.",
    ),
    "toolhooks:own-tools": Requirement(
        "runtime",
        "A tool of the caller's that a hook forbids is not called; the model is told the reason.",
    ),
    "toolhooks:escalates-threads": Requirement(
        "fact:78",
        "Where there are hooks before the use of tools, a thread is opened with a policy that asks, whichever way it is opened, and says so.",
    ),
    "toolhooks:escalates-turns": Requirement(
        "fact:351",
        "So is a turn; where its hooks are its own, the thread has its policy back afterwards, and the turn asks to its end.",
    ),
    "toolhooks:escalates-settings": Requirement(
        "runtime", "An update of settings cannot take the policy away that hooks need."
    ),
    "toolhooks:sandbox": Requirement(
        "runtime", "The policy that hooks bring about is what rule SEC-004 is held against."
    ),
    "toolhooks:review": Requirement(
        "fact:350",
        "Within a review nobody is asked: a gate forbids it, and the report of any other hook says that it was passed by.",
    ),
    "toolhooks:shell": Requirement(
        "runtime", "A command of a shell can be a hook around tools, and is told of them as JSON."
    ),
    "toolhooks:mcp": Requirement(
        "fact:83", "The use of an MCP tool is gated by the names of its server and of itself."
    ),
    "toolhooks:agents": Requirement(
        "fact:353", "Hooks of a turn gate what the agents do that its model starts."
    ),
    "toolhooks:self-test": Requirement(
        "design:6", "The self-test tells whether a command that a hook forbids runs."
    ),
}
