"""Runs, openings of threads and turns with hooks around them.

Imported only where there are hooks. Pre phases run in the caller's task, and end with it. Post
phases run in a task of the runtime's, which sees them through whatever becomes of the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import anyio

from codex_runtime._client import Client
from codex_runtime._errand import LEAVING_BOUND, Errand
from codex_runtime._feed import TurnFeed
from codex_runtime._hook_changes import Subject
from codex_runtime._hook_report import HookPhase, HookReport
from codex_runtime._hooking import HookRun, Outcome
from codex_runtime.errors import BlockedByHook, CodexRuntimeError
from codex_runtime.hooks import Hook, Hooks

if TYPE_CHECKING:
    from codex_runtime.state import TurnResult
    from codex_runtime.thread import ThreadHandle
    from codex_runtime.turn import TurnHandle

__all__ = ["HookedRun", "TurnHooks", "open_with_hooks", "run_with_hooks", "turn_with_hooks"]

HookScope: TypeAlias = "Hook | Iterable[Hook] | None"
"""The hooks of one scope, of a thread or of a call, as their option takes them."""


class HookedRun:
    """One run from `pre_run` to `post_run`. `hooks` is what its steps take part by.

    Where the run is itself a step of another, it does nothing of its own.
    """

    def __init__(self, client: Client, scopes: Iterable[HookScope], subject: Subject) -> None:
        """Begin.

        Args:
            client: Of the runtime.
            scopes: The hooks besides those of the runtime, outermost first.
            subject: What the run is about.

        Raises:
            InvalidArgument: There is something that is no hook.
            IncompatibleHook: One is made for another contract.
        """
        self._client = client
        self.hooks, self._is_whole = _run_of(client, scopes)
        self._subject = subject

    async def begin(self) -> Subject:
        """Run `pre_run`; return what the run is about as the hooks want it.

        Raises:
            BlockedByHook: A hook forbids it. There is nothing to finish then.
        """
        if self._is_whole:
            try:
                self._subject = await self.hooks.before("pre_run", self._subject)
            except BaseException:
                self.hooks.publish()
                raise
        return self._subject

    async def finish(self, outcome: Outcome, *, leaving: bool = False) -> HookReport:
        """Run `post_run`; return what all hooks of the run did.

        Args:
            outcome: How it went.
            leaving: Whether the caller is being cancelled.
        """
        if self._is_whole:

            async def work() -> None:
                await self._see_steps_through()
                await self._post_run(outcome)

            post_run = Errand(work)
            await post_run.send(self._client)
            await post_run.wait(leaving=leaving)
        return self.hooks.report()

    async def finish_turn(self, turn: TurnHandle, *, given_up: bool) -> None:
        """The same for a run whose turn somebody has followed, and which nobody waits for any more.

        Args:
            turn: The turn.
            given_up: Whether its end has been waited for, in vain where it still runs.
        """

        async def post_run() -> None:
            if not given_up:
                await self._see_steps_through()
            await self._post_run(await _outcome_of_handle(turn))

        if self._is_whole:
            errand = Errand(post_run)
            await errand.send(self._client)
            await errand.wait()

    async def fail(self, error: BaseException) -> None:
        """The same for a run that raises `error`; what that holds of hooks is made complete."""
        report = await self.finish(_outcome_of(error), leaving=_is_cancellation(error))
        if isinstance(error, BlockedByHook):
            if error.report is not None and error.report.correlation_id == report.correlation_id:
                error.report = report
        elif isinstance(error, CodexRuntimeError) and hasattr(error, "result"):
            held: Any = error
            held.result = replace(held.result, hooks=report)

    async def _post_run(self, outcome: Outcome) -> None:
        hooks = self.hooks
        about = replace(self._subject, thread_id=hooks.thread_id, turn_id=hooks.turn_id)
        try:
            await hooks.after("post_run", about, outcome)
        finally:
            hooks.publish()

    async def _see_steps_through(self) -> None:
        """Wait for the post phases of the run's steps, which come first. None is owed as a rule.

        A caller that is cancelled again and again gets here while its turn is being stopped.
        """
        with anyio.move_on_after(LEAVING_BOUND):
            for over in self.hooks.owed:
                await over.wait()


async def run_with_hooks(
    client: Client,
    scopes: Iterable[HookScope],
    subject: Subject,
    run: Callable[[HookRun, Subject], Awaitable[TurnResult]],
) -> TurnResult:
    """A run that ends with a result, with `pre_run` before and `post_run` after it.

    Args:
        client: Of the runtime.
        scopes: The hooks besides those of the runtime, outermost first.
        subject: What the run is about.
        run: Does the rest; gets what takes part in this run as `hooks`, and what the run is
            about as the hooks want it.

    Raises:
        BlockedByHook: A hook forbids it.
        CodexRuntimeError: Besides, what `run` raises.
    """
    hooked = HookedRun(client, scopes, subject)
    changed = await hooked.begin()
    try:
        result = await run(hooked.hooks, changed)
    except BaseException as error:
        await hooked.fail(error)
        raise
    return replace(result, hooks=await hooked.finish(_outcome_of_result(result)))


async def open_with_hooks(
    client: Client,
    scopes: Iterable[HookScope],
    subject: Subject,
    open_thread: Callable[[Subject], Awaitable[ThreadHandle]],
    escalated: str = "",
) -> ThreadHandle:
    """The opening of a thread, with `pre_session_start` before and `post_session_start` after it.

    Args:
        client: Of the runtime.
        scopes: The hooks besides those of the runtime, outermost first.
        subject: What the opening is about.
        open_thread: Opens it, as the hooks want it.
        escalated: For the report, see `HookReport.escalated`.

    Raises:
        BlockedByHook: A hook forbids it.
        CodexRuntimeError: Besides, what `open_thread` raises.
    """
    step = _Step(client, scopes, "pre_session_start", "post_session_start")
    step.hooks.escalated = escalated
    changed = await step.before(subject)
    book, resumed = client.hook_book, subject.thread_id
    try:
        # Before the server asks again what nobody has answered yet (fact 318).
        with book.adopting(resumed, step.own) if resumed else nullcontext():
            thread = await open_thread(changed)
    except BaseException as error:
        await step.after(changed, _outcome_of(error), leaving=_is_cancellation(error))
        raise
    book.adopt(thread.thread_id, step.own)
    info = thread.info
    about = replace(
        changed,
        thread_id=thread.thread_id,
        cwd=info.cwd or changed.cwd,
        model=info.model or changed.model,
    )
    await step.after(about, Outcome("ok"))
    thread.hooks = step.hooks.report()
    thread.own_hooks = step.own
    return thread


async def turn_with_hooks(
    client: Client,
    scopes: Iterable[HookScope],
    subject: Subject,
    start: Callable[[Subject, TurnHooks], Awaitable[tuple[TurnHandle, TurnFeed]]],
) -> TurnHandle:
    """The start of a turn, with `pre_turn` before it, and `post_turn` when it has ended.

    Raises:
        BlockedByHook: A hook forbids it.
        CodexRuntimeError: Besides, what `start` raises.
    """
    step = _Step(client, scopes, "pre_turn", "post_turn")
    changed = await step.before(subject)
    hooks = TurnHooks(step, changed)
    try:
        if changed.kind == "review":
            step.hooks.pass_by(changed, _NEVER_ASKED)
        turn, feed = await start(changed, hooks)
    except BaseException as error:
        await step.after(changed, _outcome_of(error), leaving=_is_cancellation(error))
        raise
    await hooks.follow(replace(changed, turn_id=turn.turn_id), feed)
    return turn


_NEVER_ASKED: Final = "codex asks nobody within a review (fact 350)"


class TurnHooks:
    """The hooks of one turn, as its handle and its feed know them.

    Attributes:
        run: Those of the run that the turn is a step of, or is.
        subject: What they know of the turn.
    """

    def __init__(self, step: _Step, subject: Subject) -> None:
        self.run = step.hooks
        self.subject = subject
        self._step = step
        self._post_turn: Errand | None = None

    async def follow(self, subject: Subject, feed: TurnFeed) -> None:
        """Have `post_turn` run when the turn of `feed` has ended."""

        async def post_turn() -> None:
            await feed.ended.wait()
            try:
                await self._see_tools_through()
            finally:
                await self._step.run_post(subject, _outcome_of_turn(feed))

        self._post_turn = await self._step.send(post_turn)

    async def report(self, *, leaving: bool = False) -> HookReport:
        """Wait for `post_turn`; return what all hooks did. The turn has to be on its way to its end.

        Args:
            leaving: Whether the caller is being cancelled.
        """
        if self._post_turn is not None:
            await self._post_turn.wait(leaving=leaving)
        return self._step.hooks.report()

    async def _see_tools_through(self) -> None:
        """Wait until hooks were told of the tools that the turn has used; not without an end."""
        with anyio.move_on_after(LEAVING_BOUND):
            for told in self.run.tools_used:
                await told.over.wait()


class _Step:
    """One thing that is done, with a pre phase before and a post phase after it.

    Attributes:
        client: Of the runtime.
        hooks: Those of the run that this is a step of, or is.
        own: Those of this step alone, if it is no step of another run.
    """

    def __init__(
        self, client: Client, scopes: Iterable[HookScope], pre: HookPhase, post: HookPhase
    ) -> None:
        self.client = client
        self._pre: HookPhase = pre
        self._post: HookPhase = post
        given = [each if isinstance(each, HookRun) else Hooks(each or ()) for each in scopes]
        self.hooks, self._is_whole = _run_of(client, given)
        self.own = Hooks(_all_of(given)) if self._is_whole else Hooks()

    async def before(self, subject: Subject) -> Subject:
        """Run the pre phase."""
        try:
            return await self.hooks.before(self._pre, subject)
        except BaseException:
            self._publish()
            raise

    async def after(self, subject: Subject, outcome: Outcome, *, leaving: bool = False) -> None:
        """Have the post phase run, and wait for it."""
        post = await self.send(lambda: self.run_post(subject, outcome))
        await post.wait(leaving=leaving)

    async def send(self, work: Callable[[], Awaitable[None]]) -> Errand:
        """Have the runtime do the work of the post phase."""
        post = Errand(work)
        self.hooks.owed.append(post.over)
        await post.send(self.client)
        return post

    async def run_post(self, subject: Subject, outcome: Outcome) -> None:
        """Run the post phase."""
        try:
            await self.hooks.after(self._post, subject, outcome)
        finally:
            self._publish()

    def _publish(self) -> None:
        if self._is_whole:
            self.hooks.publish()


def _outcome_of(error: BaseException) -> Outcome:
    """How something went that raised."""
    if _is_cancellation(error):
        return Outcome("interrupted")
    blocked = isinstance(error, BlockedByHook)
    return Outcome("blocked" if blocked else "error", getattr(error, "result", None), error)


def _outcome_of_result(result: TurnResult) -> Outcome:
    """How a turn went that raises nothing."""
    match result.status:
        case "completed":
            return Outcome("ok", result)
        case "interrupted":
            return Outcome("interrupted", result)
        case _:
            return Outcome("error", result)


def _outcome_of_turn(feed: TurnFeed) -> Outcome:
    result = feed.state.result()
    error = feed.failure(result)
    return (
        _outcome_of_result(result) if error is None else replace(_outcome_of(error), result=result)
    )


async def _outcome_of_handle(turn: TurnHandle) -> Outcome:
    if turn.status == "inProgress":
        # It did not confirm its end in time.
        return Outcome("error")
    try:
        return _outcome_of_result(await turn.result())
    except CodexRuntimeError as error:
        return _outcome_of(error)


def _is_cancellation(error: BaseException) -> bool:
    return isinstance(error, anyio.get_cancelled_exc_class())


def _run_of(client: Client, scopes: Iterable[HookScope]) -> tuple[HookRun, bool]:
    """The run that is going on, or a new one; and whether it is new."""
    given = list(scopes)
    for scope in given:
        if isinstance(scope, HookRun):
            return scope, False
    return HookRun(client.hook_book, _all_of(given), remote=client.remote), True


def _all_of(scopes: Iterable[HookScope]) -> list[Hook]:
    return [hook for scope in scopes for hook in Hooks(scope or ())]
