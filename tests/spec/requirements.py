"""What codex-runtime promises, one sentence each, and who proves it.

`@requirement("turn:event-order")` ties a test to a row of the table. `test_requirements.py` checks
both directions: no row without a test, no test without a row, no source that leads nowhere.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec

import anyio
from spec import (
    requirements_approvals,
    requirements_commands,
    requirements_errors,
    requirements_hooks,
    requirements_input,
    requirements_opening,
    requirements_rules,
    requirements_services,
    requirements_threads,
    requirements_tool_hooks,
    requirements_tools,
    requirements_turns,
)
from spec.requirement import Requirement

__all__ = ["REQUIREMENTS", "Requirement", "requirement"]

P = ParamSpec("P")

_BOUND: Final = 30.0
"""Seconds that a test may take; 0.01 to 0.5 are usual. No test can hang."""


REQUIREMENTS: Final[dict[str, Requirement]] = {
    **requirements_approvals.REQUIREMENTS,
    **requirements_commands.REQUIREMENTS,
    **requirements_errors.REQUIREMENTS,
    **requirements_hooks.REQUIREMENTS,
    **requirements_input.REQUIREMENTS,
    **requirements_opening.REQUIREMENTS,
    **requirements_rules.REQUIREMENTS,
    **requirements_services.REQUIREMENTS,
    **requirements_threads.REQUIREMENTS,
    **requirements_tool_hooks.REQUIREMENTS,
    **requirements_tools.REQUIREMENTS,
    **requirements_turns.REQUIREMENTS,
    # -- opening and closing
    "handshake:server-info": Requirement(
        "readme#initialization",
        "The server's version, home and operating system are known once the runtime is open.",
    ),
    "handshake:client-info": Requirement(
        "fact:6",
        "A client's own name is told to the server, and its digits are never taken for the version.",
    ),
    "runtime:not-open": Requirement(
        "runtime", "A runtime that was not entered refuses everything with RuntimeClosed."
    ),
    "runtime:opened-once": Requirement(
        "runtime", "A runtime is opened once; the second time is refused."
    ),
    "runtime:close-settles-all": Requirement(
        "runtime", "Closing settles whatever waits, with RuntimeClosed, and leaves no process."
    ),
    "runtime:any-task-closes": Requirement(
        "design:2", "A task that did not open a runtime may close it."
    ),
    "runtime:errors-come-out-bare": Requirement(
        "design:2", "What the caller raises in the block comes out as it went in, in no group."
    ),
    "runtime:statistics": Requirement(
        "runtime", "Requests, refusals, server requests and notifications are counted."
    ),
    # -- threads
    "thread:safe-defaults": Requirement(
        "design:6", "A thread that names none gets approval policy never and sandbox read-only."
    ),
    "thread:cwd-is-absolute": Requirement(
        "runtime", "A relative working directory is made absolute against this process."
    ),
    "thread:cwd-exists": Requirement(
        "fact:19", "A working directory that does not exist is refused, with its absolute form."
    ),
    "thread:unknown-option": Requirement(
        "runtime", "An option that does not exist is refused by name before anything is sent."
    ),
    "thread:ephemeral": Requirement(
        "fact:24", "An ephemeral thread has no file and is not listed."
    ),
    "thread:instructions": Requirement(
        "runtime", "Developer instructions of a thread reach the model."
    ),
    # -- turns
    "turn:event-order": Requirement(
        "readme#turn-events",
        "A turn's events come in order, from turn/started to turn/completed, and then end.",
    ),
    "turn:typed-events": Requirement(
        "runtime", "Events are typed, carry their wire name, and the time the server sent them."
    ),
    "turn:item-completed-is-final": Requirement(
        "readme#items", "A completed item overrules its deltas."
    ),
    "turn:text-deltas": Requirement(
        "runtime", "text() yields the deltas of the agent's messages and nothing else."
    ),
    "turn:final-text": Requirement(
        "design:7",
        "The text of a result is the last message, a final answer before others, no commentary.",
    ),
    "turn:usage": Requirement(
        "runtime", "A result counts the tokens of its own turn, over all its model calls."
    ),
    "turn:history": Requirement(
        "readme#core-primitives", "Turns of a thread follow each other in one conversation."
    ),
    "turn:result-is-kept": Requirement(
        "runtime", "A result needs no iteration, and can be asked for again; so can late events."
    ),
    "turn:cancelled-read-loses-nothing": Requirement(
        "design:7", "Cancelling the wait for the next event loses none."
    ),
    "turn:one-at-a-time": Requirement(
        "fact:53",
        "A second turn on a busy thread is refused here, and the first goes on untouched.",
    ),
    "turn:reasoning": Requirement(
        "readme#items", "Reasoning arrives as an item of its own and never as text of the result."
    ),
    # -- input
    "input:empty": Requirement("fact:46", "A prompt that holds nothing is not sent."),
    "input:items": Requirement("readme#core-primitives", "Several input items reach the model."),
    "input:wrong-type": Requirement(
        "runtime", "An input item that is none is refused with its place and type."
    ),
    "input:client-id": Requirement(
        "fact:50", "The client id of a turn comes back with its user message."
    ),
    "input:output-schema": Requirement(
        "fact:48", "An output schema reaches the model, as a strict one, for its turn only."
    ),
    "input:overrides-persist": Requirement(
        "fact:49", "The effort given with a turn stays in force for the later ones."
    ),
    "input:unsendable": Requirement(
        "fact:122", "What JSON cannot carry is refused here, with the place of the value."
    ),
    "input:too-large": Requirement(
        "fact:45",
        "A prompt over the server's limit is refused here, with the numbers that the server gives.",
    ),
    "input:unknown-option": Requirement(
        "runtime", "An option of a turn that does not exist, or a timeout that is none, is refused."
    ),
    # -- commands and files
    "command:exit-code-and-output": Requirement(
        "fact:66", "A completed command holds its exit code and its whole output."
    ),
    "command:output-reaches-the-model": Requirement(
        "readme#items", "The model is told what a command printed."
    ),
    "command:no-writing-by-default": Requirement(
        "design:6", "Without a word of the caller a command cannot write, and the turn goes on."
    ),
    "command:blocked-is-told": Requirement(
        "fact:136",
        "A command that the sandbox blocks is told to the model, be it an item of the turn or not.",
    ),
    "command:writes-in-the-workspace": Requirement(
        "design:6", "With all three words of SEC-004 a command can write in the workspace."
    ),
    "patch:adds-a-file": Requirement(
        "fact:68", "A patch is a file change item, and the diff of the turn is in its result."
    ),
    "patch:changes-a-file": Requirement(
        "fact:68", "A patch of a file shows both sides in its diff."
    ),
    "patch:refused-when-read-only": Requirement(
        "fact:78", "Under never a patch that the sandbox blocks is refused, without a question."
    ),
    # -- approvals and policy
    "approval:escalation-under-never": Requirement(
        "fact:78", "Under never an escalated command is refused by the server, without a question."
    ),
    "approval:command-declined": Requirement(
        "fact:73", "A command that asks is declined, its item says so, and the turn goes on."
    ),
    "approval:patch-declined": Requirement(
        "fact:79", "A file change that asks is declined, its item says so, and the turn goes on."
    ),
    "approval:several-at-once": Requirement(
        "fact:76", "Several questions at once are each answered with no."
    ),
    "policy:sec-004": Requirement(
        "design:6",
        "A wider sandbox needs opt-in, policy and scope, in this order, or nothing is sent.",
    ),
    "policy:sec-004-turn": Requirement("design:6", "SEC-004 holds for the options of a turn too."),
    "policy:unknown-sandbox": Requirement(
        "runtime", "A sandbox that is no preset is refused, with the presets named."
    ),
    # -- failures
    "failure:bad-request": Requirement(
        "fact:86", "HTTP 400 fails the turn, with the provider's own words."
    ),
    "failure:too-many-requests": Requirement(
        "fact:86", "HTTP 429 fails the turn at once, after one request."
    ),
    "failure:server-error": Requirement(
        "fact:86", "A last HTTP 500 fails the turn as an internal server error."
    ),
    "failure:error-code": Requirement(
        "fact:86", "An error within the stream fails the turn with its own kind."
    ),
    "failure:cut-stream": Requirement(
        "fact:88", "A stream that breaks fails the turn, and its half message is abandoned."
    ),
    "failure:retry-is-no-end": Requirement(
        "fact:87", "An error that the server will retry does not end the turn."
    ),
    "failure:result-attached": Requirement(
        "runtime", "TurnFailed holds what was done; raise_on_failure=False returns it instead."
    ),
    "failure:thread-stays-usable": Requirement(
        "fact:85", "A thread takes another turn after one that failed."
    ),
    "failure:script-exhausted": Requirement(
        "runtime", "A script that runs out fails the turn at once and says what was asked."
    ),
    # -- stopping
    "interrupt:mid-stream": Requirement(
        "fact:56", "An interrupted turn ends as interrupted, and its half message is abandoned."
    ),
    "interrupt:right-after-start": Requirement(
        "fact:57",
        "An interrupt right after the start ends the turn, although the server refuses it.",
    ),
    "interrupt:twice": Requirement(
        "fact:60", "Interrupting twice, at once or later, is answered and sent once."
    ),
    "interrupt:after-the-end": Requirement(
        "fact:59", "Interrupting a turn that has ended does nothing and sends nothing."
    ),
    "interrupt:running-command": Requirement(
        "fact:61", "An interrupt ends a turn whose command is still running; the item is abandoned."
    ),
    "interrupt:kill-commands": Requirement(
        "fact:61", "kill_commands=True ends the command that the turn leaves behind."
    ),
    "interrupt:thread-stays-usable": Requirement(
        "fact:63", "A thread takes another turn after one that was interrupted."
    ),
    "timeout:stops-the-turn": Requirement(
        "design:7", "A turn whose time is up is interrupted; TurnTimedOut holds what was done."
    ),
    "cancel:run": Requirement("design:7", "Cancelling run() interrupts the turn on the server."),
    "cancel:wait-ended": Requirement(
        "runtime", "Cancelling wait_ended() stops the wait and not the turn."
    ),
    # -- requests
    "request:typed": Requirement(
        "design:4", "Any method can be called with typed parameters and gives a typed result."
    ),
    "request:raw": Requirement(
        "design:4", "Any method can be called by name, with plain data both ways."
    ),
    "request:unknown-thread": Requirement(
        "fact:12", "A request about an unknown thread is refused, with the server's words."
    ),
    "request:unknown-method": Requirement(
        "fact:11", "An unknown method is refused, with the code the server uses for everything."
    ),
    "request:unsendable": Requirement(
        "fact:122", "NaN is refused here and not sent: the server would never answer."
    ),
    "request:many-at-once": Requirement(
        "fact:115", "More requests at once than the server can take are all answered."
    ),
    "request:name-makes-durable": Requirement(
        "fact:17", "A thread that was given a name can be read by it before its first turn."
    ),
    # -- events
    "events:all": Requirement("fact:109", "A subscription gets the events of every thread."),
    "events:of-a-thread": Requirement(
        "runtime", "A subscription to a thread gets that thread's events only."
    ),
    "events:of-foreign-turns": Requirement(
        "fact:43", "A subscription sees turns that no handle of ours has started."
    ),
    "events:end-with-the-runtime": Requirement(
        "runtime", "A subscription ends with RuntimeClosed when the runtime is closed."
    ),
    # -- many at once
    "many:two-threads": Requirement(
        "design:7", "Two turns at once keep their events, texts and usage apart."
    ),
    "many:hundred-turns": Requirement(
        "fact:119", "A hundred turns on twenty threads of one runtime all end right."
    ),
    # -- one shot
    "oneshot:run": Requirement("runtime", "run() gives the result of one turn in a new thread."),
    "oneshot:stream": Requirement(
        "runtime", "stream() gives the handle of one turn, and leaving it late does nothing."
    ),
    "oneshot:stream-left-early": Requirement(
        "design:7", "Leaving the block of stream() early interrupts the turn."
    ),
}


def requirement(
    *ids: str,
) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[None]]]:
    """Tie a test to the requirements that it proves, and bound its time.

    Args:
        ids: Rows of the table.

    Raises:
        KeyError: There is no such row.
    """
    for each in ids:
        REQUIREMENTS[each]

    def tie(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
        @functools.wraps(test)
        async def bounded(*args: P.args, **kwargs: P.kwargs) -> None:
            with anyio.fail_after(_BOUND):
                await test(*args, **kwargs)

        return bounded

    return tie
