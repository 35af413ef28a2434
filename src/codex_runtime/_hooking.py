"""The hooks of one run, from its first phase to its last."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import anyio

from codex_runtime._hook_book import RUNNING, HookBook, callers
from codex_runtime._hook_calls import Answer, call_hook, in_words, redact
from codex_runtime._hook_changes import Change, Subject, copy_of
from codex_runtime._hook_report import (
    HookEntry,
    HookIssue,
    HookIssueKind,
    HookOutcome,
    HookPhase,
    HookReport,
)
from codex_runtime.answers import Deny
from codex_runtime.errors import BlockedByHook
from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher, Hooks, HookStatus, Mutate

if TYPE_CHECKING:
    from codex_runtime.state import TurnResult

__all__ = ["HookRun", "Outcome"]

logger = logging.getLogger("codex_runtime.hooks")


@dataclass(frozen=True)
class Outcome:
    """How it went, for post phases. The fields are those of `HookContext`."""

    status: HookStatus
    result: TurnResult | None = None
    error: BaseException | None = None


class HookRun(Hooks):
    """The hooks of one run: one correlation id, one set of notes, one report.

    It is a collection of hooks too, so that one step of the run can hand it to the next as its
    `hooks`: the step takes part in this run then, instead of beginning one of its own.
    """

    def __init__(self, book: HookBook, scoped: Iterable[Hook], *, remote: bool) -> None:
        """Begin a run.

        Args:
            book: The hooks of the runtime, and where the report goes.
            scoped: Those of this run besides.
            remote: Whether the server sees another file system.

        Raises:
            InvalidArgument: One is no hook.
            IncompatibleHook: One is made for another contract.
        """
        super().__init__((*book.hooks, *Hooks(scoped)))
        self._book = book
        book.in_use = True
        self._remote = remote
        self._metadata: dict[str, Any] = {}
        self._entries: list[HookEntry] = []
        self._started_by = callers()
        self.calls = RUNNING.get()
        """The calls of hooks that this run was started by: what it brings about, it does for them."""
        self.correlation_id = f"hk-{uuid4().hex}"
        self.thread_id: str | None = None
        """The thread that the run is about, once it is known."""
        self.turn_id: str | None = None
        """The turn, likewise."""
        self.owed: list[anyio.Event] = []
        """Set when the post phases of steps are over that have begun."""
        self.tools_used: list[Any] = []
        """The errands that tell hooks of tools that were used, of the turn that runs."""
        self.escalated = ""
        """What was sent in place of an approval policy that never asks, in words."""

    def report(self) -> HookReport:
        """What the hooks have done so far."""
        return HookReport(self.correlation_id, tuple(self._entries), self.escalated)

    def publish(self) -> None:
        """Make the report the latest one of the runtime: the run is over."""
        self._book.latest = self.report()

    async def before(
        self, phase: HookPhase, subject: Subject, more: Iterable[Hook] = ()
    ) -> Subject:
        """Run a pre phase; return what it is about as the hooks want it.

        Cancelling cancels the hook that is running.

        Args:
            phase: The phase.
            subject: What it is about.
            more: Hooks behind those of the run, which have come since.

        Raises:
            BlockedByHook: A hook forbids it, or a gate failed.
        """
        self.thread_id = subject.thread_id or self.thread_id
        for hook in self._called_at(phase, subject, more):
            answer = await call_hook(hook, self._context(phase, subject))
            change = Change(phase, subject, self._metadata, remote=self._remote)
            blocked = await self._take(hook, answer, change, phase)
            if blocked is not None:
                raise BlockedByHook(hook.name, phase, blocked, self.report())
            subject, self._metadata = change.subject, change.metadata
        return subject

    async def after(
        self, phase: HookPhase, subject: Subject, outcome: Outcome, more: Iterable[Hook] = ()
    ) -> None:
        """Run a post phase: nothing can be changed or blocked any more.

        Whatever hooks do, it raises no `Exception`: what is over keeps its result.
        """
        self.thread_id = subject.thread_id or self.thread_id
        self.turn_id = subject.turn_id or self.turn_id
        for hook in self._called_at(phase, subject, more):
            context = self._context(phase, subject, outcome)
            answer = await call_hook(hook, context)
            change = Change(phase, subject, self._metadata, remote=self._remote)
            await self._take(hook, answer, change, phase)

    def pass_by(self, subject: Subject, why: str) -> None:
        """Note that hooks before the use of tools are not called in what is about to be done.

        Raises:
            BlockedByHook: One of them is a gate.
        """
        for hook in self._called_at("pre_tool_use", subject):
            if hook.gate:
                self._note(hook, "pre_tool_use", _Verdict("blocked", reason=why))
                raise BlockedByHook(hook.name, "pre_tool_use", why, self.report())
            self._skip(hook, "pre_tool_use", why)

    def leave_out(self, phase: HookPhase, subject: Subject, why: str) -> None:
        """Note that hooks of this phase are not called."""
        for hook in self:
            if phase in hook.phases:
                self._skip(hook, phase, why, subject.item_id)

    def _skip(self, hook: Hook, phase: HookPhase, why: str, item_id: str | None = None) -> None:
        entry = HookEntry(hook.name, phase, "skipped", note=why, item_id=item_id or "")
        self._entries.append(entry)

    def _called_at(
        self, phase: HookPhase, subject: Subject, more: Iterable[Hook] = ()
    ) -> Iterator[Hook]:
        seen: set[str] = set()
        for hook in (*self, *more):
            is_first = hook.name not in seen
            seen.add(hook.name)
            if phase not in hook.phases:
                continue
            try:
                why_not = self._why_not(hook, phase, subject, is_first=is_first)
            except Exception as error:
                failed = _Verdict("failed", "execution", (f"its matcher: {in_words(error)}",))
                reason = self._note(hook, phase, failed, item_id=subject.item_id)
                if reason is not None:
                    raise BlockedByHook(hook.name, phase, reason, self.report()) from error
                continue
            if why_not:
                self._skip(hook, phase, why_not, subject.item_id)
            else:
                yield hook

    def _why_not(self, hook: Hook, phase: HookPhase, subject: Subject, *, is_first: bool) -> str:
        if not is_first:
            return "another hook of this name comes first"
        if self._is_own(hook, phase):
            return "it is running: this was started by it"
        if hook.matcher is not None:
            context = self._context(phase, subject)
            # What cannot be told is no reason to pass a gate by.
            own = type(hook.matcher).matches is not HookMatcher.matches
            widely = hook.gate and phase == "pre_tool_use" and not own
            matcher = hook.matcher
            if not (matcher.may_match(context) if widely else matcher.matches(context)):
                return "its matcher does not match"
        return ""

    def _is_own(self, hook: Hook, phase: HookPhase) -> bool:
        """Whether this is what the hook itself does.

        Pre phases, where gates are, are left out only while it is being called. A post phase
        belongs to the beginning of the run: it may come when that call is over.
        """
        started_by = callers() if phase.startswith("pre_") else (*callers(), *self._started_by)
        return any(each is hook for each in started_by)

    def _context(
        self, phase: HookPhase, subject: Subject, outcome: Outcome | None = None
    ) -> HookContext:
        given = subject.input
        return HookContext(
            phase=phase,
            correlation_id=self.correlation_id,
            at=time.time(),
            # Copies: a hook that keeps or changes what it was shown changes nothing for others.
            metadata=MappingProxyType(copy_of(self._metadata)),
            thread_id=subject.thread_id,
            turn_id=subject.turn_id,
            cwd=subject.cwd,
            model=subject.model,
            input=tuple(given) if isinstance(given, list) else given,
            turn_kind=subject.kind,
            item_id=subject.item_id,
            tool_name=subject.tool_name,
            tool_input=subject.tool_input,
            **({} if outcome is None else vars(outcome)),
        )

    async def _take(
        self, hook: Hook, answer: Answer, change: Change, phase: HookPhase
    ) -> str | None:
        """Do what the hook wants and note it. Returns why it blocks, if it does."""
        try:
            verdict = await _verdict(answer, change, is_pre=phase.startswith("pre_"))
        except Exception as error:  # noqa: BLE001 — the boundary to user code: what it returned
            change.undo()
            verdict = _Verdict("failed", "execution", (f"its action: {in_words(error)}",))
        return self._note(hook, phase, verdict, answer.seconds, change.subject.item_id)

    def _note(
        self,
        hook: Hook,
        phase: HookPhase,
        verdict: _Verdict,
        seconds: float = 0.0,
        item_id: str | None = None,
    ) -> str | None:
        """Note what came of a hook. Returns why it blocks, if it does."""
        issues = tuple(
            HookIssue(hook.name, phase, verdict.kind, redact(problem))
            for problem in verdict.problems
        )
        reason = verdict.reason
        if hook.gate and issues and reason is None and phase.startswith("pre_"):
            reason = f"a gate that fails blocks: {issues[0].message}"
        for issue in issues:
            logger.warning("hook %s at %s: %s", hook.name, phase, issue.message)
        self._entries.append(
            HookEntry(
                hook.name,
                phase,
                verdict.outcome,
                seconds,
                issues,
                note="" if reason is None else redact(reason),
                item_id=item_id or "",
            )
        )
        return reason


_NO_REASON: Final = "it gave no reason"
"""What a `Block` without a reason says, and one whose reason cannot be read."""


def _words_of(reason: Any) -> str:
    try:
        return str(reason).strip() or _NO_REASON
    except Exception:  # noqa: BLE001 — the boundary to user code: it blocks all the same
        return _NO_REASON


@dataclass(frozen=True)
class _Verdict:
    """What an answer comes to.

    Attributes:
        outcome: For the report.
        kind: Of what went wrong, if anything did.
        problems: What went wrong, in words.
        reason: Why it blocks; None if it does not.
    """

    outcome: HookOutcome
    kind: HookIssueKind = "validation"
    problems: tuple[str, ...] = ()
    reason: str | None = None


async def _verdict(answer: Answer, change: Change, *, is_pre: bool) -> _Verdict:
    if answer.failed is not None:
        outcome: HookOutcome = "timed_out" if answer.failed == "timeout" else "failed"
        return _Verdict(outcome, answer.failed, (answer.problem,))
    match answer.action:
        case None:
            return _Verdict("noop")
        # What an approver calls a no is one here too: whoever mixes them up does not mean yes.
        case Block(reason=reason) | Deny(reason=reason):
            too_late = _Verdict("failed", problems=("blocked what is over already",))
            blocked = _Verdict("blocked", reason=_words_of(reason))
            return blocked if is_pre else too_late
        case Mutate() as wanted:
            await change.make(wanted)
            problems = tuple(change.problems)
            return _Verdict("mutated" if change.done else "noop", problems=problems)
        case other:
            kind = type(other).__name__
            return _Verdict("failed", problems=(f"returned a {kind}, which is no action",))
