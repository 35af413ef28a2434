"""The tool calls of a fake turn: commands, patches and dynamic tools, with their approvals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import checkpoint

from codex_runtime.testing._fake_gates import wait_for_gate
from codex_runtime.testing._fake_goals import use_goal_tool
from codex_runtime.testing._fake_items import (
    command_execution,
    dynamic_tool_call,
    file_change,
    turn_diff,
)
from codex_runtime.testing._fake_state import Terminal
from codex_runtime.testing._fake_tools import knows_tool, tool_result
from codex_runtime.testing._fake_wire import Question
from codex_runtime.testing._gates import Gate, GateTimeout
from codex_runtime.testing._json import Json, member, text_of
from codex_runtime.testing._patches import FileChange, read_patch
from codex_runtime.testing._step_types import ApplyPatch, Shell, ToolCall

if TYPE_CHECKING:
    from codex_runtime.testing._fake_turn import TurnPlay

__all__ = ["CallPlay", "TurnCancelled"]

NEVER_ESCALATES = (
    "approval policy is Never; reject command — you cannot ask for escalated permissions if the "
    "approval policy is Never"
)
"""What codex tells the model of an escalated command under `never`."""

ABORTED = "Wall time: 0.0 seconds\naborted by user"
"""What codex tells the model of a command whose turn was interrupted."""

BLOCKED_PATCH = (
    "patch rejected: writing is blocked by {sandbox} sandbox; rejected by user approval settings"
)
"""What codex tells the model of a patch that the sandbox blocks under `never`."""


class TurnCancelled(Exception):
    """The client answered an approval with `cancel`: the turn ends as interrupted."""


@dataclass(eq=False)
class _Asked:
    """A call that waits for an approval; `decided` gets the decision or None for nonsense."""

    question: Question
    decided: Callable[[object], bool]


class CallPlay:
    """Plays the calls of one turn.

    Attributes:
        any_made: Whether the response that is being played made a call, so that the model is
            asked again.
    """

    def __init__(self, play: TurnPlay) -> None:
        self._play = play
        self._asked: list[_Asked] = []
        self.any_made = False

    async def make(self, call: Shell | ApplyPatch | ToolCall) -> None:
        """Start a call; one that needs no approval is played to its end.

        Several calls of one response ask at once (fact 76); `finish()` waits for them.
        """
        self.any_made = True
        call_id = self._play.process.ids.next("call")
        match call:
            case Shell():
                await self._shell(call_id, call)
            case ApplyPatch():
                await self._patch(call_id, call)
            case ToolCall():
                await self._tool(call_id, call)

    async def finish(self) -> None:
        """Wait for the approvals of a response and do what they say, in the order they come.

        Raises:
            TurnCancelled: One of them was `cancel`.
        """
        while self._asked:
            await self._next_answer()
            for asked in [each for each in self._asked if each.question.answer is not None]:
                self._asked.remove(asked)
                self._decide(asked)

    def resolve_open(self) -> None:
        """Say of every approval left open that it is settled: the turn has ended (fact 75)."""
        for asked in self._asked:
            self._resolved(asked.question)
        self._asked.clear()

    async def _next_answer(self) -> None:
        with anyio.CancelScope() as until_first:

            async def watch(question: Question) -> None:
                await question.answered.wait()
                until_first.cancel()

            async with anyio.create_task_group() as watchers:
                for asked in self._asked:
                    watchers.start_soon(watch, asked.question)

    def _decide(self, asked: _Asked) -> None:
        self._resolved(asked.question)
        decision = member(member(asked.question.answer).get("result")).get("decision")
        cancelled = asked.decided(decision)
        if cancelled:
            self._play.process.unflag(self._play.thread)
            raise TurnCancelled

    def _resolved(self, question: Question) -> None:
        process, thread = self._play.process, self._play.thread
        process.wire.questions.pop(question.id, None)
        params = {"threadId": thread.id, "requestId": question.id}
        process.tell(thread, "serverRequest/resolved", params)

    # -- commands

    async def _shell(self, call_id: str, call: Shell) -> None:
        thread = self._play.thread
        policy = thread.settings.approval_policy
        if call.escalate and policy == "never":
            self._report(call_id, NEVER_ESCALATES)
            return
        cwd = call.workdir or thread.settings.cwd
        item = command_execution(call_id, call.cmd, cwd)
        if self._command_needs_approval(call):
            self._ask_command(call_id, call, item)
            return
        self._launch(item)
        self._play.item_started(item)
        if call.gate is None:
            self._exited(call, item)
        else:
            await self._while_running(call, call.gate, item)

    def _command_needs_approval(self, call: Shell) -> bool:
        settings = self._play.thread.settings
        if (
            f"command:{call.cmd}" in self._play.thread.approved
            or settings.approval_policy == "never"
        ):
            return False
        if settings.approval_policy == "untrusted":
            return True
        return call.escalate and settings.sandbox.get("type") != "dangerFullAccess"

    def _launch(self, item: Json) -> None:
        item["processId"] = self._play.process.ticker.process_id()
        item["source"] = "unifiedExecStartup"

    async def _while_running(self, call: Shell, gate: Gate, item: Json) -> None:
        terminal = Terminal(item["id"], int(item["processId"]), call.cmd, item["cwd"])
        self._play.thread.terminals[terminal.process_id] = terminal
        self._play.process.start_soon(self._run, terminal, call, gate, item)
        try:
            await terminal.ended.wait()
        except anyio.get_cancelled_exc_class():
            # Interrupting a turn does not stop its command (fact 61).
            if not terminal.ended.is_set():
                terminal.left = True
                self._report(terminal.item_id, ABORTED)
            raise
        if terminal.failure is not None:
            raise terminal.failure

    async def _run(self, terminal: Terminal, call: Shell, gate: Gate, item: Json) -> None:
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

    def _exited(self, call: Shell, item: Json, terminal: Terminal | None = None) -> None:
        if terminal is not None and call.output:
            # Output before the first poll is never sent as a delta (fact 66).
            method = "item/commandExecution/outputDelta"
            self._play.notify(method, itemId=item["id"], delta=call.output)
        status = "completed" if call.exit_code == 0 else "failed"
        self._command_completed(item, status, call.output or None, call.exit_code)
        if terminal is not None and terminal.left:
            return
        count = -(-len(call.output) // 4)
        self._report(
            item["id"],
            f"Chunk ID: 000000\nWall time: 0.0000 seconds\nProcess exited with code "
            f"{call.exit_code}\nOriginal token count: {count}\nOutput:\n{call.output}",
        )

    def _was_killed(self, terminal: Terminal, item: Json) -> None:
        self._command_completed(item, "failed", None, -1)
        if terminal.left:
            return
        if terminal.killed == "clean":
            gone = f"UnknownProcessId {{ process_id: {terminal.process_id} }}"
            self._report(terminal.item_id, f"exec_command failed: {gone}")
        else:
            head = "Chunk ID: 000000\nWall time: 0.0000 seconds\nOriginal token count: 0\n"
            self._report(terminal.item_id, f"{head}Output:\n")

    def _command_completed(
        self, item: Json, status: str, output: str | None, exit_code: int
    ) -> None:
        done = {"aggregatedOutput": output, "exitCode": exit_code, "durationMs": 0}
        self._play.item_completed({**item, "status": status, **done})

    def _ask_command(self, call_id: str, call: Shell, item: Json) -> None:
        process, thread = self._play.process, self._play.thread
        process.flag(thread)
        self._play.item_started(item)
        rule = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": call.cmd.split()}}
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
            "proposedExecpolicyAmendment": call.cmd.split(),
            "availableDecisions": ["accept", rule, "cancel"],
        }
        params = {name: value for name, value in params.items() if value is not None}
        question = process.wire.ask("item/commandExecution/requestApproval", params, thread)

        def decided(decision: object) -> bool:
            return self._command_decided(call_id, call, item, decision)

        self._asked.append(_Asked(question, decided))

    def _command_decided(self, call_id: str, call: Shell, item: Json, decision: object) -> bool:
        process, thread = self._play.process, self._play.thread
        lasting = decision == "acceptForSession" or isinstance(decision, dict)
        if lasting:
            thread.approved.add(f"command:{call.cmd}")
        if lasting or decision == "accept":
            self._launch(item)
            process.unflag(thread)
            self._exited(call, item)
            return False
        refused = decision in ("decline", "cancel")
        self._play.item_completed({**item, "status": "declined" if refused else "failed"})
        why = "rejected by user" if refused else "approval request failed"
        self._report(
            call_id, f'exec_command failed: CreateProcess {{ message: "Rejected(\\"{why}\\")" }}'
        )
        if decision != "cancel":
            process.unflag(thread)
        return decision == "cancel"

    # -- patches

    async def _patch(self, call_id: str, call: ApplyPatch) -> None:
        await checkpoint()
        thread = self._play.thread
        changes = read_patch(call.patch)
        settings = thread.settings
        blocked = self._play.process.blocks(thread, [change.path for change in changes])
        if blocked and settings.approval_policy == "never":
            self._report(call_id, BLOCKED_PATCH.format(sandbox=blocked))
            return
        item = file_change(call_id, changes, settings.cwd)
        self._play.item_started(item)
        known = all(f"file:{change.path}" in thread.approved for change in changes)
        if (blocked or settings.approval_policy == "untrusted") and not known:
            self._ask_patch(call_id, changes, item)
        else:
            self._applied(call_id, changes, item)

    def _ask_patch(self, call_id: str, changes: tuple[FileChange, ...], item: Json) -> None:
        process, thread = self._play.process, self._play.thread
        process.flag(thread)
        params = {
            "threadId": thread.id,
            "turnId": self._play.turn.id,
            "itemId": call_id,
            "startedAtMs": process.ticker.now_ms(),
            "reason": None,
            "grantRoot": None,
        }
        question = process.wire.ask("item/fileChange/requestApproval", params, thread)

        def decided(decision: object) -> bool:
            return self._patch_decided(call_id, changes, item, decision)

        self._asked.append(_Asked(question, decided))

    def _patch_decided(
        self, call_id: str, changes: tuple[FileChange, ...], item: Json, decision: object
    ) -> bool:
        process, thread = self._play.process, self._play.thread
        if decision == "cancel":
            self._report(call_id, "patch rejected by user")
            return True
        process.unflag(thread)
        if decision == "acceptForSession":
            thread.approved.update(f"file:{change.path}" for change in changes)
        if decision in ("accept", "acceptForSession"):
            self._applied(call_id, changes, item)
            return False
        self._play.item_completed({**item, "status": "declined"})
        refused = decision == "decline"
        self._report(call_id, "patch rejected by user" if refused else "approval request failed")
        return False

    def _applied(self, call_id: str, changes: tuple[FileChange, ...], item: Json) -> None:
        self._play.item_completed({**item, "status": "completed"})
        self._play.turn.diff += turn_diff(changes)
        self._play.report_diff()
        marks = {"add": "A", "update": "M", "delete": "D"}
        listed = "".join(f"{marks[each.kind]} {each.move_to or each.path}\n" for each in changes)
        success = "Success. Updated the following files:\n"
        self._report(call_id, f"Exit code: 0\nWall time: 0 seconds\nOutput:\n{success}{listed}")

    # -- dynamic tools

    async def _tool(self, call_id: str, call: ToolCall) -> None:
        await checkpoint()
        process, thread = self._play.process, self._play.thread
        if (told := use_goal_tool(process, thread, call)) is not None:
            self._report(call_id, told)
            return
        if not knows_tool(thread.dynamic_tools, call):
            self._report(call_id, f"unsupported call: {call.name}")
            return
        try:
            arguments = json.loads(call.arguments)
        except ValueError as error:
            self._report(call_id, f"failed to parse function arguments: {error}")
            return
        item = dynamic_tool_call(call_id, call.name, call.namespace, arguments)
        self._play.item_started(item)
        params = {
            "threadId": thread.id,
            "turnId": self._play.turn.id,
            "callId": call_id,
            "namespace": call.namespace,
            "tool": call.name,
            "arguments": arguments,
        }
        question = process.wire.ask("item/tool/call", params, thread)
        try:
            await question.answered.wait()
        except anyio.get_cancelled_exc_class():
            self._tool_done(item, [], success=False)
            raise
        finally:
            process.wire.questions.pop(question.id, None)
        content, success = tool_result(member(question.answer))
        self._tool_done(item, content, success=success)
        self._report(call_id, text_of(content, between="\n"))

    def _tool_done(self, item: Json, content: list[Json], *, success: bool) -> None:
        status = "completed" if success else "failed"
        self._play.item_completed(
            {**item, "status": status, "contentItems": content, "success": success, "durationMs": 0}
        )

    def _report(self, call_id: str, output: str) -> None:
        """Tell the model what came of a call, with its next request."""
        told = {"type": "function_call_output", "call_id": call_id, "output": output}
        self._play.thread.conversation.append(told)
