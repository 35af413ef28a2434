"""Reviews and compactions of the fake app-server: turns that other requests start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint

from codex_runtime.testing._fake_failures import BROKEN_STREAM, Failure, failure_of
from codex_runtime.testing._fake_gates import wait_for_gate
from codex_runtime.testing._fake_items import agent_message, told_message, user_message
from codex_runtime.testing._fake_params import need, text_or_none, variant
from codex_runtime.testing._fake_state import FakeThread, FakeTurn, Totals
from codex_runtime.testing._fake_threads import Handler, RequestId, loaded_thread
from codex_runtime.testing._fake_turn import START_ROUNDS, TurnPlay
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, member
from codex_runtime.testing._responses import response_usage
from codex_runtime.testing._step_types import (
    AssistantMessage,
    CutStream,
    Fail,
    Stall,
    Step,
    Together,
    Usage,
)

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["REVIEW_HANDLERS", "start_alone"]

NO_REVIEW = "Reviewer failed to output a response."
"""What the review says where there is none."""

INTERRUPTED = "Review was interrupted. Please re-run /review and wait for it to complete."
"""What the thread is told then."""

UNCOMMITTED = (
    "Review the current code changes (staged, unstaged, and untracked files) and provide "
    "prioritized findings."
)
"""What a reviewer of the working tree is asked."""

FINDINGS = "Provide prioritized, actionable findings."
"""How other reviewers are asked at last."""

SUMMARIZE = (
    "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary for another LLM "
    "that will resume the task."
)
"""How codex asks for a summary; its own words are some more."""

SUMMARY = (
    "Another language model started to solve this problem and produced a summary of its thinking "
    "process. Here is the summary produced by the other language model:\n"
)
"""How codex hands a summary on; likewise."""

HEADS_UP = (
    "Heads up: Long threads and multiple compactions can cause the model to be less accurate. "
    "Start a new thread when possible to keep threads small and targeted."
)
"""The warning of 0.163 behind every compaction."""

_TARGETS = ("uncommittedChanges", "baseBranch", "commit", "custom")
_NEEDED = {"baseBranch": "branch", "commit": "sha", "custom": "instructions"}
"""The field of each kind of target that must say something."""


def start_alone(
    process: FakeProcess, thread: FakeThread, turn: FakeTurn, play: type[TurnPlay]
) -> None:
    """Start a turn; one that runs is interrupted for it (facts 41 and 281)."""
    running = thread.turn
    if running is None:
        process.start_turn(thread, turn, play)
        return

    async def replace() -> None:
        running.scope.cancel()
        await running.done.wait()
        process.start_turn(thread, turn, play)

    process.start_soon(replace)


# -- reviews


def _review_start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    target = member(need(params, "target"))
    kind = variant(target.get("type"), _TARGETS)
    field = _NEEDED.get(kind)
    if field is not None:
        need(target, field)
    thread = loaded_thread(process, params)
    if field is not None and not str(target[field]).strip():
        raise Refused(f"{field} must not be empty")
    if text_or_none(params, "delivery") == "detached":
        raise Refused("paginated threads do not support detached review")
    hint, prompt = _words(kind, target)
    turn = FakeTurn(process.ticker.uuid(), [_text(prompt)], None, kind="review", about=hint)
    said = user_message(turn.id, [_text(hint)], None)
    answer = {**turn.as_json(), "rootTurnId": None, "items": [said]}
    process.wire.result(request_id, {"turn": answer, "reviewThreadId": thread.id})
    start_alone(process, thread, turn, ReviewPlay)


def _words(kind: str, target: Json) -> tuple[str, str]:
    """What a review is called, and what the reviewer is asked."""
    match kind:
        case "uncommittedChanges":
            return "current changes", UNCOMMITTED
        case "baseBranch":
            branch = target["branch"]
            return (
                f"changes against '{branch}'",
                f"Review the code changes against the base branch '{branch}'. {FINDINGS}",
            )
        case "commit":
            sha, title = str(target["sha"]), text_or_none(target, "title")
            named = f' ("{title}")' if title else ""
            prompt = f"Review the code changes introduced by commit {sha}{named}."
            return f"commit {sha[:7]}" + (f": {title}" if title else ""), f"{prompt} {FINDINGS}"
        case _:
            text = str(target["instructions"]).strip()
            return text, text


def _text(text: str) -> Json:
    return {"type": "text", "text": text, "text_elements": []}


class ReviewPlay(TurnPlay):
    """Plays a review: a turn of the reviewer's within a turn of the thread's (fact 280).

    The reviewer knows nothing of the thread, and the thread only what the review says.
    """

    def __init__(self, process: FakeProcess, thread: FakeThread, turn: FakeTurn) -> None:
        super().__init__(process, thread, turn)
        # Whatever that of the thread is: a reviewer asks nobody (fact 350).
        self.approval_policy = "never"
        self._said = ""
        self._inner: FakeTurn | None = None
        self._conversation = thread.conversation

    async def run(self) -> None:
        """Play it."""
        for _ in range(START_ROUNDS // 2):
            await cancel_shielded_checkpoint()
        self._mode("enteredReviewMode", self._turn.about)
        await super().run()

    def report_usage(self, usage: Usage | None) -> None:
        """Say nothing: the tokens of a review are not the thread's (fact 280)."""

    def _begin(self) -> None:
        turn, thread = self._turn, self._thread
        if turn.scope.cancel_called:
            return
        turn.inner_id = self._process.ticker.uuid()
        turn.started, turn.started_ms = True, self._process.ticker.now_ms()
        self._process.set_status(thread, {"type": "active", "activeFlags": []})
        started = {**turn.as_json(), "id": turn.inner_id, "rootTurnId": turn.id}
        self._process.tell(thread, "turn/started", {"threadId": thread.id, "turn": started})
        self._conversation, thread.conversation = thread.conversation, []
        self._hear(turn.input, None)
        inner = FakeTurn(turn.inner_id, turn.input, None, root_id=turn.id)
        inner.items = [turn.items.pop()]
        inner.started_ms = turn.started_ms
        thread.turns.insert(thread.turns.index(turn), inner)
        self._inner = inner

    async def _message(self, step: AssistantMessage) -> None:
        # Neither its text nor its end is told.
        self.item_started(agent_message(self._process.ids.next("msg"), "", step.phase))
        if step.gate is not None:
            await wait_for_gate(step.gate)
        self._said = step.text

    async def _partial(self, pieces: tuple[str, ...]) -> None:
        if pieces:
            self.item_started(agent_message(self._process.ids.next("msg"), "", None))

    def before_end(self, status: str) -> None:
        """Tell what the review says, and the model of the thread as well."""
        if self._inner is not None:
            self._inner.status = "interrupted"
        done = status == "completed" and bool(self._said)
        self._mode("exitedReviewMode", self._said if done else NO_REVIEW)
        told = self._said if done else INTERRUPTED
        message = agent_message(f"msg_{self._process.ticker.uuid()}", told, None)
        self.item_started(message)
        self.item_completed(message)
        self._thread.conversation = self._conversation
        about = "was interrupted" if not done else "is complete"
        action = (
            f"<user_action>\n  <context>User initiated a review task, which {about}.</context>\n"
        )
        results = (
            f"  <results>\n  {self._said if done else 'None.'}\n  </results>\n</user_action>\n"
        )
        self._thread.conversation += [
            told_message("user", action + results),
            told_message("assistant", told, "output_text"),
        ]
        if status == "interrupted":
            self._process.mark_unread(self._thread, self._turn)

    def _mode(self, kind: str, review: str) -> None:
        item: Json = {"type": kind, "id": self._process.ticker.uuid(), "review": review}
        self.item_started(item)
        self.item_completed(item)


# -- compactions


def _compact_start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = loaded_thread(process, params)
    process.wire.result(request_id, {})
    turn = FakeTurn(process.ticker.uuid(), [], None, kind="compact")
    start_alone(process, thread, turn, CompactPlay)


class CompactPlay(TurnPlay):
    """Plays a compaction: the model is asked for a summary, which takes the place of the rest."""

    async def _converse(self) -> Failure | None:
        await checkpoint()
        thread, process = self._thread, self._process
        item: Json = {"type": "contextCompaction", "id": process.ticker.uuid()}
        self.item_started(item)
        before = [*thread.conversation]
        thread.conversation.append(told_message("user", SUMMARIZE))
        try:
            step = process.next_step(thread, "compaction")
        finally:
            thread.conversation.pop()
        summary = await self._summary(step)
        if isinstance(summary, Failure):
            return summary
        self.report_usage(None)
        self.report_usage(
            response_usage(step) if isinstance(step, AssistantMessage | Together) else None
        )
        prompts = [each for each in before if each.get("role") == "user"]
        thread.conversation[:] = [*prompts, told_message("user", SUMMARY + summary)]
        # Some four characters a token.
        thread.last = Totals(assumed=len(str(thread.conversation)) // 4)
        self.report_usage(None)
        self.item_completed(item)
        process.tell(thread, "warning", {"threadId": thread.id, "message": HEADS_UP})
        return None

    async def _summary(self, step: Step) -> str | Failure:
        match step:
            case AssistantMessage():
                if step.gate is not None:
                    await wait_for_gate(step.gate)
                return step.text
            case Together(outputs=outputs):
                return next(
                    (each.text for each in outputs if isinstance(each, AssistantMessage)), ""
                )
            case Fail():
                return failure_of(step)
            case CutStream():
                return BROKEN_STREAM
            case Stall():
                await anyio.sleep_forever()
            case _:
                pass
        return ""


REVIEW_HANDLERS: dict[str, Handler] = {
    "review/start": _review_start,
    "thread/compact/start": _compact_start,
}
"""What plays each request."""
