"""A turn of the fake app-server: steps played as the events that codex would send for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint

from codex_runtime.testing._fake_calls import CallPlay
from codex_runtime.testing._fake_failures import BROKEN_STREAM, Failure, failure_of
from codex_runtime.testing._fake_gates import wait_for_gate
from codex_runtime.testing._fake_idle import count_tokens, pursued, turn_ended
from codex_runtime.testing._fake_input import hear
from codex_runtime.testing._fake_items import agent_message, reasoning_item, user_message
from codex_runtime.testing._fake_questions import TurnCancelled
from codex_runtime.testing._fake_state import CONTEXT_WINDOW, Totals
from codex_runtime.testing._gates import GateTimeout
from codex_runtime.testing._json import Json
from codex_runtime.testing._responses import response_usage, words
from codex_runtime.testing._step_types import (
    AssistantMessage,
    CutStream,
    Fail,
    Output,
    Reasoning,
    Respond,
    Stall,
    Step,
    Together,
    Usage,
)

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread, FakeTurn

__all__ = ["TurnPlay"]

START_ROUNDS = 20
"""Rounds of the scheduler between the answer to `turn/start` and `turn/started`.

The real server takes milliseconds, and an interrupt sent at once is refused 20 times out of 20
(fact 57). Rounds, and not time: a client that reacts to the answer gets its next request through
first on any machine.
"""

BREATHE = 64
"""Deltas sent before other tasks may run."""


class TurnPlay:
    """Plays one turn from `turn/started` to `turn/completed`.

    Attributes:
        approval_policy: When it asks. Settings that are changed meanwhile are not its own (fact 351).
        complained: Whether an error was told that is not the turn's own.
    """

    def __init__(self, process: FakeProcess, thread: FakeThread, turn: FakeTurn) -> None:
        self._process = process
        self._thread = thread
        self._turn = turn
        self.approval_policy = thread.settings.approval_policy
        self._calls = CallPlay(self)
        self._retries = 0
        self._unreported: Usage | None = None
        self.complained = False

    @property
    def process(self) -> FakeProcess:
        """The process it runs in."""
        return self._process

    @property
    def thread(self) -> FakeThread:
        """The thread it runs on."""
        return self._thread

    @property
    def turn(self) -> FakeTurn:
        """What is known of it."""
        return self._turn

    async def run(self) -> None:
        """Play it. Cancelling the turn's scope interrupts it."""
        for _ in range(START_ROUNDS):
            await cancel_shielded_checkpoint()
        self._begin()
        failure: Failure | None = None
        status = "interrupted"
        with self._turn.scope:
            try:
                failure = await self._converse()
                status = "completed" if failure is None else "failed"
            except TurnCancelled:
                status = "interrupted"
        self._end(status, failure)

    def notify(self, method: str, **params: object) -> None:
        """Send a notification of this turn."""
        ids = {"threadId": self._thread.id, "turnId": self._turn.id}
        self._process.tell(self._thread, method, {**params, **ids})

    def item_started(self, item: Json) -> None:
        """Send `item/started`."""
        self.notify("item/started", item=item, startedAtMs=self._process.ticker.now_ms())

    def item_completed(self, item: Json) -> None:
        """Send `item/completed` and keep the item."""
        self._turn.items.append(item)
        self.notify("item/completed", item=item, completedAtMs=self._process.ticker.now_ms())

    def before_end(self, status: str) -> None:
        """Do what the turn does at last; its errors have been told."""

    def report_usage(self, usage: Usage | None) -> None:
        """Send what codex sends when a model response is over, complete or not."""
        thread = self._thread
        if usage is not None:
            thread.last.input, thread.last.cached = usage.input, usage.cached
            thread.last.output, thread.last.reasoning = usage.output, usage.reasoning
            thread.totals.input += usage.input
            thread.totals.cached += usage.cached
            thread.totals.output += usage.output
            thread.totals.reasoning += usage.reasoning
        if any((thread.totals.input, thread.totals.output, thread.totals.assumed)):
            self.notify("thread/tokenUsage/updated", tokenUsage=thread.usage_json())
        self._process.tell(thread, "account/rateLimits/updated", _NO_RATE_LIMITS)
        if usage is not None:
            count_tokens(self._process, thread, usage.input + usage.output)
        self.report_diff()

    def report_diff(self) -> None:
        """Send the diff of the turn, if there is one; codex repeats it after every response."""
        if self._turn.diff:
            self.notify("turn/diff/updated", diff=self._turn.diff)

    def _begin(self) -> None:
        turn = self._turn
        turn.started, turn.started_ms = True, self._process.ticker.now_ms()
        self._process.set_status(self._thread, {"type": "active", "activeFlags": []})
        params = {"threadId": self._thread.id, "turn": turn.as_json()}
        self._process.tell(self._thread, "turn/started", params)
        if turn.input:
            self._hear(turn.input, turn.client_id)
        else:
            hear(self._thread, [])

    def _hear(self, content: list[Json], client_id: str | None) -> None:
        item = user_message(self._process.ticker.uuid(), content, client_id)
        self.item_started(item)
        self.item_completed(item)
        hear(self._thread, content)

    async def _converse(self) -> Failure | None:
        """Ask the model until a response ends the turn; return how it failed, if it did."""
        while True:
            await checkpoint()
            while self._turn.steering:
                self._hear(*self._turn.steering.popleft())
            step = self._process.next_step(self._thread)
            failure = await self._play(step)
            if failure is not None and not self._retry(failure):
                return failure
            if failure is None and not self._calls.any_made and not self._turn.steering:
                return None

    def _retry(self, failure: Failure) -> bool:
        if not failure.retried or self._retries >= self._process.stream_max_retries:
            return False
        self._retries += 1
        error = failure.passing(self._retries, self._process.stream_max_retries)
        self.notify("error", error=error, willRetry=True)
        return True

    async def _play(self, step: Step) -> Failure | None:
        self._calls.any_made = False
        match step:
            case Fail():
                failure = failure_of(step)
                if failure.counted:
                    self.report_usage(None)
                if failure.info == "contextWindowExceeded":
                    full = {"assumed": CONTEXT_WINDOW}
                    self._thread.totals, self._thread.last = Totals(**full), Totals(**full)
                    self.report_usage(None)
                return failure
            case Stall() | CutStream():
                return await self._broken(step)
            case Together():
                return await self._response(step.outputs, response_usage(step))
            case Respond():
                raise AssertionError("the script resolves respond()")
            case _:
                return await self._response((step,), response_usage(step))

    async def _response(self, outputs: tuple[Output, ...], usage: Usage) -> Failure | None:
        """Play a whole response, which steering may break off."""
        steered = False
        for output in outputs:
            # Codex runs calls beside the stream, which is complete long before they are.
            self._unreported = None if isinstance(output, (AssistantMessage, Reasoning)) else usage
            try:
                steered = await self._output(output)
            except GateTimeout as error:
                return self._gave_up(error)
            if steered:
                break
        if not steered:
            self._unreported = usage
        try:
            await self._calls.finish()
        except GateTimeout as error:
            return self._gave_up(error)
        self.report_usage(None if steered else usage)
        self._unreported = None
        self._retries = 0
        return None

    def _gave_up(self, error: GateTimeout) -> Failure:
        self._process.note(error)
        self.report_usage(None)
        return Failure(f"{type(error).__name__}: {error}")

    async def _output(self, output: Output) -> bool:
        """Play one output; return whether steering broke it off."""
        match output:
            case AssistantMessage():
                return await self._streamed(output)
            case Reasoning():
                return await self._streamed(output)
            case _:
                await self._calls.make(output)
                return False

    async def _streamed(self, output: AssistantMessage | Reasoning) -> bool:
        with anyio.CancelScope() as stream:
            self._turn.stream = stream
            try:
                if isinstance(output, AssistantMessage):
                    await self._message(output)
                else:
                    await self._thought(output)
            finally:
                self._turn.stream = None
        return stream.cancelled_caught

    async def _broken(self, step: Stall | CutStream) -> Failure | None:
        for output in step.after:
            if await self._output(output):
                break
        else:
            with anyio.CancelScope() as stream:
                self._turn.stream = stream
                try:
                    await self._partial(step.partial)
                    if isinstance(step, Stall):
                        await anyio.sleep_forever()
                finally:
                    self._turn.stream = None
        await self._calls.finish()
        self.report_usage(None)
        return BROKEN_STREAM if isinstance(step, CutStream) else None

    async def _partial(self, pieces: tuple[str, ...]) -> None:
        if not pieces:
            return
        item_id = self._process.ids.next("msg")
        self.item_started(agent_message(item_id, "", None))
        await self._deltas("item/agentMessage/delta", pieces, 0.0, itemId=item_id)

    async def _message(self, step: AssistantMessage) -> None:
        item_id = self._process.ids.next("msg")
        self.item_started(agent_message(item_id, "", step.phase))
        await self._deltas("item/agentMessage/delta", step.chunks, step.delay, itemId=item_id)
        if step.gate is not None:
            await wait_for_gate(step.gate)
        self.item_completed(agent_message(item_id, step.text, step.phase))
        content = [{"type": "output_text", "text": step.text}]
        said = {"type": "message", "role": "assistant", "content": content}
        self._thread.conversation.append(said)

    async def _thought(self, step: Reasoning) -> None:
        item_id = self._process.ids.next("rs")
        self.item_started(reasoning_item(item_id, ()))
        for index, text in enumerate(step.summary):
            place = {"itemId": item_id, "summaryIndex": index}
            self.notify("item/reasoning/summaryPartAdded", **place)
            await self._deltas("item/reasoning/summaryTextDelta", words(text), step.delay, **place)
        if step.gate is not None:
            await wait_for_gate(step.gate)
        self.item_completed(reasoning_item(item_id, step.summary))

    async def _deltas(
        self, method: str, pieces: tuple[str, ...], delay: float, **place: object
    ) -> None:
        for number, piece in enumerate(pieces):
            if delay:
                await anyio.sleep(delay)
            elif number % BREATHE == 0:
                await checkpoint()
            self.notify(method, delta=piece, **place)

    def _end(self, status: str, failure: Failure | None) -> None:
        turn, thread, process = self._turn, self._thread, self._process
        turn.status, turn.completed_ms = status, process.ticker.now_ms()
        thread.turn, thread.flags, thread.updated = None, 0, process.ticker.now_ms()
        thread.last_interrupted = turn.interrupt_id if status == "interrupted" else None
        if status == "interrupted":
            self._calls.give_up()
            self.report_usage(self._unreported)
        process.answer_interrupts(thread, turn)
        if failure is not None:
            turn.error = failure.final()
            process.set_status(thread, {"type": "systemError"})
            self.notify("error", error=turn.error, willRetry=False)
        self.before_end(status)
        last = turn.last_message() if status == "completed" else None
        if (failure or last or self.complained) and not pursued(thread):
            process.mark_unread(thread, turn)
        if failure is None:
            process.set_status(thread, {"type": "idle"})
        finished = turn.as_json()
        if last is not None:
            finished.update(items=[last], itemsView="summary")
        process.tell(thread, "turn/completed", {"threadId": thread.id, "turn": finished})
        self._calls.questions.resolve_open()
        turn.done.set()
        turn_ended(process, thread, status)


_NO_RATE_LIMITS: Json = {
    "rateLimits": {
        "limitId": "codex",
        "limitName": None,
        "normalModelSlug": None,
        "primary": None,
        "secondary": None,
        "credits": None,
        "individualLimit": None,
        "spendControlReached": None,
        "planType": None,
        "rateLimitReachedType": None,
    }
}
"""All nulls: what a provider that says nothing of limits gets (fact 93)."""
