"""The calls of a fake turn: in which order they are played, and what the model is told of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from anyio.lowlevel import checkpoint

from codex_runtime.testing._fake_asking import ask_permissions, ask_user
from codex_runtime.testing._fake_commands import ABORTED, CommandPlay
from codex_runtime.testing._fake_gates import wait_for_gate
from codex_runtime.testing._fake_goals import use_goal_tool
from codex_runtime.testing._fake_mcp import McpPlay
from codex_runtime.testing._fake_patching import PatchPlay
from codex_runtime.testing._fake_questions import Questions
from codex_runtime.testing._fake_tool_calls import ToolPlay
from codex_runtime.testing._step_types import ApplyPatch, Call, McpCall, Shell, ToolCall

if TYPE_CHECKING:
    from codex_runtime.testing._fake_turn import TurnPlay

__all__ = ["CallPlay"]

ABORTED_CALL = "aborted by user after 0.0s"
"""What codex tells the model of a call that is no command, and whose turn was interrupted."""


class CallPlay:
    """Plays the calls of one turn.

    Attributes:
        play: The turn.
        questions: What the client was asked.
        any_made: Whether the response that is being played made a call, so that the model is
            asked again.
    """

    def __init__(self, play: TurnPlay) -> None:
        self.play = play
        self.questions = Questions(play)
        self.any_made = False
        self._commands = CommandPlay(self)
        self._patches = PatchPlay(self)
        self._mcp = McpPlay(self)
        self._tools = ToolPlay(self)
        self._waiting: deque[tuple[str, Call]] = deque()
        self._alone = False
        self._made: dict[str, Call] = {}
        self._told: dict[str, str] = {}

    async def make(self, call: Call) -> None:
        """Make a call. It begins as soon as it may; `finish()` waits for its end."""
        self.any_made = True
        call_id = self.play.process.ids.next("call")
        self._made[call_id] = call
        self._waiting.append((call_id, call))
        await self._begin()

    async def finish(self) -> None:
        """Wait for the calls of a response, and do what the client answers meanwhile.

        Raises:
            TurnCancelled: It answered `cancel`.
            GateTimeout: Nobody has opened the gate of a call.
        """
        while self._waiting or self._busy:
            await self._begin()
            if self._busy:
                await self.questions.next_answer()
                self._commands.ended()
        self._tell_model()

    def report(self, call_id: str, output: str) -> None:
        """Tell the model what came of a call, with its next request."""
        self._told[call_id] = output

    def give_up(self) -> None:
        """End what an interrupted turn leaves open."""
        self.questions.give_up()
        self._commands.leave()
        self._tools.give_up()
        for call_id, call in self._made.items():
            aborted = ABORTED if isinstance(call, Shell) else ABORTED_CALL
            self._told.setdefault(call_id, aborted)
        self._tell_model()

    @property
    def _busy(self) -> bool:
        return self.questions.any_open or bool(self._commands.running)

    async def _begin(self) -> None:
        # Commands run side by side, everything else alone (fact 316).
        while self._waiting:
            call_id, call = self._waiting[0]
            if self._busy and (self._alone or not isinstance(call, Shell)):
                return
            self._waiting.popleft()
            self._alone = not isinstance(call, Shell)
            await self._start(call_id, call)

    async def _start(self, call_id: str, call: Call) -> None:
        if isinstance(call, Shell):
            self._commands.start(call_id, call)
            return
        if call.gate is not None:
            await wait_for_gate(call.gate)
        await checkpoint()
        match call:
            case ApplyPatch():
                self._patches.start(call_id, call)
            case McpCall():
                self._mcp.start(call_id, call)
            case ToolCall():
                self._use_tool(call_id, call)

    def _use_tool(self, call_id: str, call: ToolCall) -> None:
        thread = self.play.thread
        told = use_goal_tool(self.play.process, thread, call)
        if told is not None:
            self.report(call_id, told)
        elif (call.name, call.namespace) == ("request_user_input", None):
            ask_user(self, call_id, call)
        elif (call.name, call.namespace) == ("request_permissions", None) and (
            "request_permissions_tool" in thread.features
        ):
            ask_permissions(self, call_id, call)
        else:
            self._tools.start(call_id, call)

    def _tell_model(self) -> None:
        """Tell it in the order of the calls, whatever the order of their ends."""
        for call_id in self._made:
            told = {
                "type": "function_call_output",
                "call_id": call_id,
                "output": self._told.get(call_id, ""),
            }
            self.play.thread.conversation.append(told)
        self._made.clear()
        self._told.clear()
