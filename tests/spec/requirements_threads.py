"""What codex-runtime promises about threads: their lists, records, histories, goals and queues."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- lists
    "threads:each-once": Requirement(
        "fact:26",
        "iter_threads() gives each thread once and in order, though many are of one second.",
    ),
    "threads:moving": Requirement(
        "runtime",
        "A thread that is used, made or named while pages are turned harms no other, and is seen.",
    ),
    "threads:filters": Requirement(
        "runtime", "Each filter of a list leaves out what it says, and nothing else."
    ),
    "threads:page": Requirement(
        "fact:230", "One page is what the server gives, with cursors to go on with."
    ),
    "threads:loaded": Requirement(
        "fact:27", "Loaded threads are listed from their start on, all of them, page by page."
    ),
    "threads:search": Requirement(
        "fact:233", "A search gives each thread in which something was said once, in order."
    ),
    "threads:bad-filters": Requirement(
        "runtime", "A filter that cannot be used is refused by its name, and nothing is sent."
    ),
    # -- references and records
    "threads:reference": Requirement(
        "runtime", "A thread by its id costs no request, and takes every spelling of the id."
    ),
    "threads:bad-ids": Requirement(
        "fact:13", "What is no thread id is refused before anything is sent."
    ),
    "threads:unknown-ids": Requirement(
        "fact:12", "Every operation on a thread that does not exist raises an error that says so."
    ),
    "threads:read": Requirement(
        "readme#threads", "A record is read with or without its turns, loaded or not."
    ),
    "threads:read-no-turn": Requirement(
        "fact:16", "A thread without a turn is read with its turns, of which there are none."
    ),
    "threads:notes": Requirement(
        "fact:17", "Name, repository and marks of a thread are kept on its record."
    ),
    "threads:inject": Requirement(
        "fact:69", "Injected items are seen by the model, and not in the history."
    ),
    "threads:archive": Requirement(
        "fact:39",
        "An archived thread is listed among the archived, is read, and comes back unloaded.",
    ),
    "threads:end-mid-turn": Requirement(
        "fact:39", "Archiving or deleting a thread ends its running turn as interrupted."
    ),
    "threads:delete": Requirement("readme#threads", "A deleted thread is gone."),
    "threads:delete-forks": Requirement(
        "fact:38",
        "A thread with forks is not deleted: ThreadHasForks, its turn is ended, resuming repairs it.",
    ),
    "threads:unsubscribe": Requirement("fact:42", "Unsubscribing says what it has changed."),
    "threads:ephemeral": Requirement(
        "fact:24", "What an ephemeral thread cannot do is refused as NotSupportedByThread."
    ),
    # -- histories
    "threads:turns": Requirement(
        "fact:28", "Turns are paged in both directions, with as many items as are asked for."
    ),
    "threads:items": Requirement(
        "fact:28", "Items are paged in both directions, of all turns or of one."
    ),
    "threads:history-no-turn": Requirement(
        "fact:235", "The history of a thread without a turn is empty, and no error."
    ),
    "threads:occurrences": Requirement(
        "readme#threads", "Places where something was said are found within a thread."
    ),
    # -- rollback
    "threads:rollback": Requirement(
        "fact:40",
        "rollback() drops the last turns, gives them back, and the model sees them no more.",
    ),
    "threads:rollback-busy": Requirement(
        "fact:40",
        "While a turn runs, rollback() is refused, or interrupts it first if asked to.",
    ),
    "threads:rollback-refused": Requirement(
        "fact:237",
        "A rollback of what cannot be rolled back raises a typed error, and changes nothing.",
    ),
    "threads:rollback-legacy": Requirement(
        "fact:40", "A thread of legacy history is rolled back where the server can, else refused."
    ),
    # -- goals, queues, attachments, terminals, sections
    "threads:goal": Requirement(
        "fact:43", "A goal makes the server start turns until the model calls it complete."
    ),
    "threads:goal-rests": Requirement(
        "fact:234", "A paused goal starts nothing, and a goal can be given up."
    ),
    "threads:queue": Requirement(
        "fact:55", "A queued message starts the next turn by itself, with its own id."
    ),
    "threads:queue-order": Requirement(
        "fact:55",
        "Queued messages can be changed, reordered and taken back, and rest after an interrupt.",
    ),
    "threads:attachments": Requirement(
        "runtime", "Attachments are kept by type and key, listed in pages, and removed."
    ),
    "threads:terminals": Requirement(
        "fact:61", "Commands that run in the background are listed and ended, one or all."
    ),
    "threads:sections": Requirement(
        "runtime", "A thread is moved into a section, before another, and out of it."
    ),
    "threads:bad-input": Requirement(
        "runtime",
        "What no operation on threads can use is refused by its name, and nothing is sent.",
    ),
}
