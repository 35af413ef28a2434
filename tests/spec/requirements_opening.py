"""What codex-runtime promises about opening threads and about their settings."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- opening
    "opening:thread-id": Requirement(
        "fact:240", "A thread id is taken in all spellings that the server takes."
    ),
    "opening:bad-thread-id": Requirement(
        "fact:13", "What is no thread id is refused by name, and nothing is sent."
    ),
    "opening:unknown-thread": Requirement(
        "fact:15", "A thread that is not on record cannot be resumed or forked: ThreadNotFound."
    ),
    "opening:durable": Requirement(
        "fact:17", "A durable thread is named at once and can be resumed before its first turn."
    ),
    "opening:durable-or-ephemeral": Requirement(
        "fact:24", "A thread that is to be kept cannot be ephemeral; nothing is sent."
    ),
    "opening:details": Requirement(
        "design:6", "A sandbox in its details is in force when a thread is opened, however."
    ),
    "opening:presets": Requirement(
        "fact:243", "A preset means its details at their defaults, whatever a config.toml says."
    ),
    "opening:not-by-preset": Requirement(
        "fact:244",
        "A sandbox that a thread cannot be opened with is put in force right after its opening.",
    ),
    "opening:profiles": Requirement(
        "design:6", "A permission profile is held to SEC-004, unless it is the read-only one."
    ),
    "opening:granular": Requirement(
        "fact:241", "An approval policy may be granular; with nothing in it, it counts as never."
    ),
    "opening:reviewer": Requirement(
        "design:6", "Only the user is asked, unless another reviewer is named with all the words."
    ),
    "opening:config": Requirement(
        "fact:242", "Settings that decide what a thread may do are refused; there are options."
    ),
    "opening:config-opt-in": Requirement(
        "design:6", "Settings that are not known to be harmless need the opt-in; nothing is sent."
    ),
    "opening:without-experiments": Requirement(
        "fact:9", "What needs the experimental API is refused by name where it was not asked for."
    ),
    "opening:resume": Requirement(
        "fact:33", "A thread that is not loaded is resumed with the defaults and what is said."
    ),
    "opening:resume-words": Requirement(
        "design:6", "Resuming and forking are held to SEC-004, and nothing is sent."
    ),
    "opening:resume-loaded": Requirement(
        "fact:33",
        "A loaded thread is used only if what is asked for is in force; others keep using it.",
    ),
    "opening:mismatch-not-used": Requirement(
        "design:6", "A thread with another policy than asked for is unsubscribed from."
    ),
    "opening:fork": Requirement(
        "fact:37", "A fork has its source's history up to a turn, and the defaults of a new thread."
    ),
    "opening:fork-bad-turn": Requirement(
        "fact:37", "A fork at no turn or at two places is refused."
    ),
    # -- settings
    "settings:update": Requirement(
        "fact:49", "Settings that are changed hold for later turns, and the handle shows them."
    ),
    "settings:no-change": Requirement(
        "fact:247", "An update that changes nothing is over at once, though nothing is told of it."
    ),
    "settings:mode": Requirement("runtime", "A collaboration mode is a setting like others."),
    "settings:bad-input": Requirement(
        "runtime", "Settings that cannot be used are refused by name, and nothing is sent."
    ),
    "settings:sec-004": Requirement(
        "design:6", "An update that widens anything is held to SEC-004, and nothing is sent."
    ),
    "settings:followed": Requirement(
        "design:6", "Every handle follows what anybody changes, and holds SEC-004 by it."
    ),
    "settings:only-this-turn": Requirement(
        "fact:49", "What is said for one turn only is put back when it ends, however it ends."
    ),
    "settings:only-this-turn-cancelled": Requirement(
        "fact:49", "It is put back too where the caller is cancelled."
    ),
    "settings:only-this-turn-default": Requirement(
        "fact:248", "An effort that was nobody's comes back to that, without a word to the model."
    ),
    "settings:only-this-turn-unknown": Requirement(
        "runtime", "What could not be put back is refused by name, and nothing is sent."
    ),
    "settings:only-this-turn-others": Requirement(
        "runtime", "What somebody else has changed during the turn stays."
    ),
    "settings:only-this-turn-profile": Requirement(
        "runtime", "A permission profile is put back as such."
    ),
    "settings:only-this-turn-queue": Requirement(
        "fact:288",
        "A turn keeps what is said for it only; what the server starts after it never has it.",
    ),
    "settings:at-once": Requirement(
        "design:6", "Of two calls at once the second is held to what the first has widened."
    ),
    "opening:at-once": Requirement(
        "design:6", "A resume that is refused takes the thread from nobody who uses it."
    ),
    "settings:turn-read-back": Requirement(
        "design:6", "A turn with something else in force than it asked for is stopped."
    ),
}
"""The table."""
