"""What codex-runtime promises about errors."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "refusal:thread-id": Requirement(
        "fact:13", "A thread id in the wrong form is InvalidThreadId, whatever was asked."
    ),
    "refusal:no-record": Requirement(
        "fact:12", "What needs the record of a thread that has none is ThreadNotFound."
    ),
    "refusal:not-loaded": Requirement(
        "fact:12", "What needs a loaded thread that is none is ThreadNotLoaded."
    ),
    "refusal:archived": Requirement("fact:36", "Resuming an archived thread is ThreadArchived."),
    "refusal:busy-elsewhere": Requirement(
        "fact:32", "A thread that another process has loaded is ThreadBusyElsewhere, and retryable."
    ),
    "refusal:active-writer": Requirement(
        "fact:18", "Unarchiving a loaded thread is ThreadHasActiveWriter."
    ),
    "refusal:forks": Requirement(
        "fact:38", "Deleting a thread that forks refer to is ThreadHasForks."
    ),
    "refusal:ephemeral": Requirement(
        "fact:24", "What an ephemeral thread cannot do is NotSupportedByThread, with its kind."
    ),
    "refusal:legacy": Requirement(
        "runtime", "What a thread of legacy history cannot do is NotSupportedByThread."
    ),
    "refusal:no-turn-yet": Requirement(
        "fact:16", "The turns of a thread that has none yet are NotSupportedByThread."
    ),
    "refusal:no-turn": Requirement(
        "runtime", "A turn that the thread does not have is TurnNotFound."
    ),
    "refusal:idle": Requirement(
        "fact:51", "Steering or interrupting where nothing runs is NoActiveTurn."
    ),
    "refusal:other-turn": Requirement(
        "fact:59", "Steering or interrupting another turn is UnexpectedTurn, with both turns."
    ),
    "refusal:not-steerable": Requirement(
        "fact:41", "Input for a turn that compacts or reviews is TurnNotSteerable, with its kind."
    ),
    "refusal:cursor": Requirement("fact:25", "A cursor that a list did not give is InvalidCursor."),
    "refusal:parameters": Requirement(
        "runtime", "Parameters that the server cannot read are InvalidRequest."
    ),
    "refusal:experimental": Requirement(
        "fact:9", "What needs the experimental API is ExperimentalApiNeeded, and says how."
    ),
    "refusal:unknown-method": Requirement(
        "fact:11", "A method that this codex does not have is UnsupportedByServer, in one line."
    ),
    "refusal:too-large": Requirement(
        "fact:45", "Input that the server finds too large is InputTooLarge, with both numbers."
    ),
    "refusal:configuration": Requirement(
        "fact:103", "Settings that cannot be loaded or written are ConfigurationRefused."
    ),
    "refusal:account": Requirement(
        "fact:94", "What needs an account is AccountNeeded without one."
    ),
    "refusal:draining": Requirement(
        "fact:112", "New work for a server that is about to end is ServerDraining, and retryable."
    ),
    "refusal:overloaded": Requirement(
        "fact:115", "Requests beyond what the server takes are ServerOverloaded, and retryable."
    ),
}
