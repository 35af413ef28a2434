"""The commands of a fake turn: when the client is asked, and what then becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.testing._fake_command_line import (
    is_forced_removal,
    one_command,
    proposed_prefix,
    rejection,
    wrapped,
)
from codex_runtime.testing._fake_gates import wait_for_gate
from codex_runtime.testing._fake_items import command_execution
from codex_runtime.testing._fake_questions import APPROVAL, TurnCancelled
from codex_runtime.testing._fake_state import Terminal
from codex_runtime.testing._gates import Gate, GateTimeout
from codex_runtime.testing._json import Json, is_list, is_object, member
from codex_runtime.testing._step_types import Shell

if TYPE_CHECKING:
    from codex_runtime.testing._fake_calls import CallPlay

__all__ = ["CommandPlay"]

ABORTED = "Wall time: 0.0 seconds\naborted by user"
"""What codex tells the model of a command whose turn was interrupted."""

CANNOT_ESCALATE = (
    "approval policy is {0}; reject command — you cannot ask for escalated permissions if the "
    "approval policy is {0}"
)
"""What it tells the model of an escalated command where nobody may be asked."""

NOT_PERMITTED = "rm -f style commands are not permitted. Use a safer approach"
"""Why it does not run such a command where nobody may be asked."""

EMPTY_RULE = (
    "Failed to apply execpolicy amendment: failed to update rules file "
    "{home}/rules/default.rules: prefix rule requires at least one token"
)
"""What it complains of when it is to allow every command."""


class CommandPlay:
    """Plays the commands of one turn.

    Attributes:
        running: Those that run at their gates.
    """

    def __init__(self, calls: CallPlay) -> None:
        self._calls = calls
        self._play = calls.play
        self.running: list[Terminal] = []

    def start(self, call_id: str, call: Shell) -> None:
        """Run a command, ask about it, or refuse it."""
        refusal = self._refusal(call)
        if refusal is not None:
            self._calls.report(call_id, refusal)
            return
        item = command_execution(call_id, call.cmd, call.workdir or self._play.thread.settings.cwd)
        if self._needs_approval(call):
            self._ask(call_id, call, item)
            return
        self._launch(item)
        self._play.item_started(item)
        self._run(call, item)

    def ended(self) -> None:
        """Forget the commands that have come to their end.

        Raises:
            GateTimeout: Nobody has opened the gate of one.
        """
        over = [terminal for terminal in self.running if terminal.ended.is_set()]
        self.running = [terminal for terminal in self.running if terminal not in over]
        for terminal in over:
            if terminal.failure is not None:
                raise terminal.failure

    def leave(self) -> None:
        """Let the commands run on: interrupting a turn does not stop them (fact 61)."""
        for terminal in self.running:
            terminal.left = True

    # -- whether the client is asked

    def _refusal(self, call: Shell) -> str | None:
        """What the model is told of a command that nobody may be asked about."""
        policy = self._play.approval_policy
        if not _asks_nobody(policy):
            return None
        if call.escalate:
            return CANNOT_ESCALATE.format(_shown(policy))
        if is_forced_removal(call.cmd):
            named = f"`{wrapped(call.cmd)}` rejected: " if policy == "never" else ""
            return rejection(named + NOT_PERMITTED)
        return None

    def _needs_approval(self, call: Shell) -> bool:
        thread = self._play.thread
        policy, sandbox = self._play.approval_policy, thread.settings.sandbox
        if policy == "never" or _key(call) in thread.approved or self._is_allowed(call):
            return False
        if policy == "untrusted" or is_forced_removal(call.cmd):
            return True
        return call.escalate and sandbox.get("type") != "dangerFullAccess"

    def _is_allowed(self, call: Shell) -> bool:
        words = one_command(call.cmd) or []
        return any(words[: len(rule)] == rule for rule in self._play.process.world.rules)

    def _ask(self, call_id: str, call: Shell, item: Json) -> None:
        process, thread = self._play.process, self._play.thread
        process.flag(thread, APPROVAL)
        self._play.item_started(item)
        prefix = proposed_prefix(call.cmd)
        rule = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": prefix}}
        params: Json = {
            "kind": "command",
            "threadId": thread.id,
            "turnId": self._play.turn.id,
            "itemId": call_id,
            "startedAtMs": process.ticker.now_ms(),
            "environmentId": "local",
            "reason": call.justification,
            "command": item["command"],
            "cwd": item["cwd"],
            "commandActions": item["commandActions"],
            "proposedExecpolicyAmendment": prefix,
            "availableDecisions": ["accept", rule, "cancel"],
        }
        self._calls.questions.ask(
            "item/commandExecution/requestApproval",
            {name: value for name, value in params.items() if value is not None},
            lambda answer: self._decided(call_id, call, item, member(answer.get("result"))),
        )

    def _decided(self, call_id: str, call: Shell, item: Json, result: Json) -> None:
        process, thread, decision = self._play.process, self._play.thread, result.get("decision")
        if _accepts(decision):
            self._launch(item)
            process.unflag(thread)
            self._remember(call, decision)
            self._run(call, item)
            return
        refused = decision in ("decline", "cancel")
        self._play.item_completed({**item, "status": "declined" if refused else "failed"})
        if decision != "cancel":
            why = "rejected by user" if refused else "approval request failed"
            self._calls.report(call_id, rejection(why))
        process.unflag(thread)
        if decision == "cancel":
            raise TurnCancelled

    def _remember(self, call: Shell, decision: object) -> None:
        thread, world = self._play.thread, self._play.process.world
        if decision == "acceptForSession":
            thread.approved.add(_key(call))
        rule = _rule(decision)
        if rule:
            world.rules.append(rule)
        elif rule is not None:
            # And the command runs (fact 304).
            message = EMPTY_RULE.format(home=world.codex_home)
            told = {"threadId": thread.id, "message": message}
            self._play.process.tell(thread, "warning", told)

    # -- what becomes of them

    def _launch(self, item: Json) -> None:
        item["processId"] = self._play.process.ticker.process_id()
        item["source"] = "unifiedExecStartup"

    def _run(self, call: Shell, item: Json) -> None:
        if call.gate is None:
            self._calls.questions.when_settled(lambda: self._exited(call, item))
            return
        terminal = Terminal(item["id"], int(item["processId"]), call.cmd, item["cwd"])
        self._play.thread.terminals[terminal.process_id] = terminal
        self.running.append(terminal)
        self._play.process.start_soon(self._until_gate, terminal, call, call.gate, item)

    async def _until_gate(self, terminal: Terminal, call: Shell, gate: Gate, item: Json) -> None:
        try:
            with terminal.scope:
                await wait_for_gate(gate)
        except GateTimeout as error:
            terminal.failure = error
        else:
            if terminal.killed is None:
                self._exited(call, item, terminal)
            else:
                self._was_killed(terminal, item)
        self._play.thread.terminals.pop(terminal.process_id, None)
        terminal.ended.set()
        self._calls.questions.news()

    def _exited(self, call: Shell, item: Json, terminal: Terminal | None = None) -> None:
        if terminal is not None and call.output:
            # Output before the first poll is never sent as a delta (fact 66).
            method = "item/commandExecution/outputDelta"
            self._play.notify(method, itemId=item["id"], delta=call.output)
        status = "completed" if call.exit_code == 0 else "failed"
        self._completed(item, status, call.output or None, call.exit_code)
        if terminal is not None and terminal.left:
            return
        count = -(-len(call.output) // 4)
        self._calls.report(
            item["id"],
            f"Chunk ID: 000000\nWall time: 0.0000 seconds\nProcess exited with code "
            f"{call.exit_code}\nOriginal token count: {count}\nOutput:\n{call.output}",
        )

    def _was_killed(self, terminal: Terminal, item: Json) -> None:
        self._completed(item, "failed", None, -1)
        if terminal.left:
            return
        if terminal.killed == "clean":
            gone = f"UnknownProcessId {{ process_id: {terminal.process_id} }}"
            self._calls.report(terminal.item_id, f"exec_command failed: {gone}")
        else:
            head = "Chunk ID: 000000\nWall time: 0.0000 seconds\nOriginal token count: 0\n"
            self._calls.report(terminal.item_id, f"{head}Output:\n")

    def _completed(self, item: Json, status: str, output: str | None, exit_code: int) -> None:
        done = {"aggregatedOutput": output, "exitCode": exit_code, "durationMs": 0}
        self._play.item_completed({**item, "status": status, **done})


def _accepts(decision: object) -> bool:
    if is_object(decision):
        # Also without a question about the network (fact 304).
        return _rule(decision) is not None or "applyNetworkPolicyAmendment" in decision
    return decision in ("accept", "acceptForSession")


def _rule(decision: object) -> list[str] | None:
    """The prefix that a decision allows for good."""
    amendment = member(decision).get("acceptWithExecpolicyAmendment")
    words = member(amendment).get("execpolicy_amendment")
    return [str(word) for word in words] if is_list(words) else None


def _asks_nobody(policy: str | Json) -> bool:
    granular = member(member(policy).get("granular"))
    return policy == "never" or granular.get("sandbox_approval") is False


def _shown(policy: str | Json) -> str:
    if not is_object(policy):
        return "Never"
    parts = (
        "sandbox_approval",
        "rules",
        "skill_approval",
        "request_permissions",
        "mcp_elicitations",
    )
    granular = member(policy.get("granular"))
    said = ", ".join(f"{part}: {str(granular.get(part) is True).lower()}" for part in parts)
    return f"Granular(GranularApprovalConfig {{ {said} }})"


def _key(call: Shell) -> str:
    """What `acceptForSession` is for (fact 303)."""
    return f"command:{call.escalate}:{call.workdir}:{call.cmd}"
