"""What codex-runtime promises about turns."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- consumers
    "consumers:each-begins-at-the-start": Requirement(
        "design:7", "Each consumer of a turn gets all of it, from its start, however late it comes."
    ),
    "consumers:after-the-end": Requirement(
        "design:7", "A consumer that begins after the end of a turn gets all of it."
    ),
    "consumers:undisturbed": Requirement(
        "design:7", "A consumer that is asleep, or gives up, takes nothing from another."
    ),
    # -- steering
    "steer:heard": Requirement(
        "fact:51", "What a turn is steered with is a user message of it, and reaches the model."
    ),
    "steer:cuts-the-message": Requirement(
        "fact:52", "The message that steering cuts off comes as abandoned before the turn's end."
    ),
    "steer:waits-for-the-start": Requirement(
        "fact:51", "Steering right after the start waits for the turn to begin."
    ),
    "steer:during-a-command": Requirement(
        "fact:51", "Steering during a command leaves the command alone; the model hears it then."
    ),
    "steer:ended": Requirement("fact:51", "A turn that has ended cannot be steered: NoActiveTurn."),
    "steer:wrong-turn": Requirement(
        "fact:51", "Steering another turn than the active one is refused, with both ids."
    ),
    "steer:not-steerable": Requirement(
        "fact:41", "A review and a compaction cannot be steered, and say so."
    ),
    "steer:empty": Requirement("fact:46", "Nothing is sent where there is nothing to say."),
    # -- interrupting by id
    "interrupt:by-id": Requirement(
        "fact:56", "A turn is interrupted by its id, with a handle or without one."
    ),
    "interrupt:by-id-right-after-start": Requirement(
        "fact:57", "A turn without a handle that has not quite begun is interrupted all the same."
    ),
    "interrupt:by-id-again": Requirement(
        "fact:60", "Interrupting a turn that has ended, however it did, is a success, every time."
    ),
    "interrupt:by-id-wrong-turn": Requirement(
        "fact:59", "Interrupting another turn than the active one is refused; that one goes on."
    ),
    "interrupt:by-id-wrong-thread": Requirement(
        "fact:12", "A thread that is not there is ThreadNotLoaded; ids that are none are not sent."
    ),
    # -- turns that other requests start
    "review:result": Requirement(
        "fact:280",
        "A review is a turn whose text is the review; its reviewer's message is abandoned.",
    ),
    "review:events": Requirement(
        "fact:65", "Items of a review come before its turn/started, and all belong to its handle."
    ),
    "review:interrupt": Requirement(
        "fact:282", "A review is interrupted like any turn, and the thread stays usable."
    ),
    "review:busy": Requirement(
        "fact:281", "A review of a busy thread is refused here: it would end the turn that runs."
    ),
    "review:bad-target": Requirement("runtime", "A review of nothing is not sent."),
    "review:failure": Requirement("fact:85", "A review whose model fails is a failed turn."),
    "compact:result": Requirement(
        "fact:41", "A compaction is seen through to its end; later turns get the summary."
    ),
    "compact:busy": Requirement(
        "fact:41", "Compacting a busy thread is refused here: it would end the turn that runs."
    ),
    "compact:failure": Requirement(
        "fact:41", "A compaction whose model fails says so, and the thread stays usable."
    ),
    "compact:timeout": Requirement(
        "design:7", "A compaction whose time is up is interrupted; so is one whose caller leaves."
    ),
    "shell:result": Requirement(
        "fact:283",
        "A command of the user's is run without a model, and its end and output come back.",
    ),
    "shell:opt-in": Requirement(
        "design:6", "A command outside of every sandbox needs the explicit word, or is not sent."
    ),
    "shell:told-to-the-model": Requirement(
        "fact:283", "The next turn's model is told of the command and its output."
    ),
    "shell:timeout": Requirement(
        "fact:283", "A command whose time is up is ended; so is one whose caller leaves."
    ),
    "shell:busy": Requirement(
        "fact:285",
        "A command in a busy thread is refused here: it would belong to the turn that runs.",
    ),
    # -- turns of others
    "foreign:handle": Requirement(
        "fact:43", "A turn that nobody here has started can be followed, from now on."
    ),
    "foreign:left-alone": Requirement(
        "runtime", "Cancelling the wait for somebody else's turn does not interrupt it."
    ),
    "foreign:runs-when-resumed": Requirement(
        "fact:287",
        "A turn that runs when its thread is resumed is known: the thread is busy, and a handle can be had.",
    ),
    "foreign:goal-when-resumed": Requirement(
        "fact:287", "So is a turn that a goal has started while nobody was subscribed."
    ),
    "foreign:review-when-resumed": Requirement(
        "fact:287", "So is a review, by the id under which it ends."
    ),
    "foreign:unknown": Requirement(
        "runtime", "A turn that does not run, as far as is known, gets no handle."
    ),
}
