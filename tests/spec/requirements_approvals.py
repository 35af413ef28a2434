"""What codex-runtime promises about what the server asks."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "approvals:nobody": Requirement(
        "design:6",
        "Where nobody decides, nothing runs outside the sandbox, whatever the policy and the sandbox.",
    ),
    "approvals:command": Requirement(
        "design:6",
        "The approval of a command says what it is, where it runs, why, and which item it belongs to.",
    ),
    "approvals:decisions": Requirement(
        "fact:73", "Yes, yes for the session, no and cancel do to a command what they say."
    ),
    "approvals:parallel": Requirement(
        "fact:76",
        "Of several commands at once each is decided by itself, in any order; cancelling one takes the others back.",
    ),
    "approvals:interrupt": Requirement(
        "fact:75",
        "An interrupt ends a turn that waits for a decision; the request is withdrawn, and a late answer refused here.",
    ),
    "approvals:resume": Requirement(
        "fact:318", "A request that is asked again after a resume is decided once."
    ),
    "approvals:shutdown": Requirement(
        "design:6", "A runtime that is closed while it is asked ends at once, and nothing runs."
    ),
    "approvals:files": Requirement(
        "fact:79",
        "The approval of file changes says what is changed, and whether it is within the workspace.",
    ),
    "approvals:questions": Requirement(
        "fact:80",
        "Questions of the model are answered by a person; where nobody does, it is told so.",
    ),
    "approvals:permissions": Requirement(
        "fact:81",
        "Permissions are granted as asked, in part, or not at all, for a turn or the session.",
    ),
    "approvals:mcp": Requirement(
        "fact:83",
        "A tool of an MCP server is asked about with its name and arguments; a yes may hold for the session.",
    ),
    "approvals:elicitation": Requirement(
        "fact:83", "A form of an MCP server is filled in by a person, or declined."
    ),
    "approvals:agents": Requirement(
        "fact:327", "What an agent of the model asks is decided by whoever decides for its thread."
    ),
    "approvals:time": Requirement("fact:325", "The server is told the time when it asks for it."),
    "approvals:tokens": Requirement(
        "fact:323", "Fresh tokens of an account come from the program that has signed it in."
    ),
    "approvals:terminal": Requirement(
        "design:6",
        "A person at a terminal decides: nothing but a yes of theirs lets anything happen.",
    ),
}
