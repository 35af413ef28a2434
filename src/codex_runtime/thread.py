"""A thread: one conversation, in which turns follow each other."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Unpack

from msgspec.structs import replace

from codex_runtime._arguments import absolute_cwd, checked_approvers, positive_seconds
from codex_runtime._client import Client
from codex_runtime._effective import approval_in_force
from codex_runtime._escalating import (
    Escalation,
    checked_hooks,
    escalation_of,
    explained,
    with_escalation,
)
from codex_runtime._feed import TurnFeed
from codex_runtime._outgoing import encode
from codex_runtime._params import turn_params
from codex_runtime._prepared_input import PreparedInput, prepared_input, snapshot
from codex_runtime._restoring import (
    Restore,
    following,
    holding,
    only_this_turn,
    plan_restore,
    restoring,
)
from codex_runtime._settings import check_turn
from codex_runtime._starting import start_turn
from codex_runtime._thread_turns import ThreadWithTurns
from codex_runtime._timekeeper import keep_time
from codex_runtime.errors import InvalidArgument
from codex_runtime.inputs import TurnInput
from codex_runtime.options import ForkOptions, ResumeOptions, TurnOptions
from codex_runtime.policy import DEFAULT_APPROVAL_POLICY, approval_wire
from codex_runtime.protocol import methods
from codex_runtime.state import TurnResult
from codex_runtime.turn import DEFAULT_TURN_TIMEOUT, TurnHandle

if TYPE_CHECKING:
    from codex_runtime._hook_changes import Subject
    from codex_runtime._hook_report import HookReport
    from codex_runtime._hooked import TurnHooks
    from codex_runtime._live import Opened
    from codex_runtime.hooks import Hooks
    from codex_runtime.protocol.types import TurnStartParams
    from codex_runtime.requests import Approver
    from codex_runtime.runtime import Runtime

__all__ = ["ThreadHandle", "TurnInput"]

logger = logging.getLogger("codex_runtime.thread")


class ThreadHandle(ThreadWithTurns):
    """A thread that this runtime has loaded. Made by `thread_start`, `thread_resume`, `thread_fork`.

    Attributes:
        info: What the server answered when the thread was opened: its model, policy, sandbox,
            working directory, as they were in force then; `settings` has those of now.
        adjusted: Defaults of ours that the organisation's requirements forbid, and an approval
            policy that `pre_tool_use` hooks cannot do with, and what is in force in their place;
            empty as a rule.
        hooks: What hooks did when the thread was opened; None where there were none.
        own_hooks: The hooks that were given when it was opened, if any. They hold for what this
            handle starts, behind those of the runtime.
    """

    def __init__(
        self, runtime: Runtime, client: Client, info: Opened, adjusted: tuple[str, ...] = ()
    ) -> None:
        super().__init__(client, info, adjusted)
        self._runtime = runtime
        self.hooks: HookReport | None = None

    @property
    def runtime(self) -> Runtime:
        """The runtime that it belongs to."""
        return self._runtime

    async def turn_start(self, input: TurnInput, **options: Unpack[TurnOptions]) -> TurnHandle:
        """Start a turn (`turn/start`). Returns as soon as the server has taken it.

        Cancelling while the server has not answered yet interrupts the turn, if it came about,
        and waits for its end, 10 seconds at the most.

        Args:
            input: What to do: text, or input items.
            **options: See `TurnOptions`.

        Raises:
            EmptyInput: There is nothing in `input`.
            InvalidArgument: An item or an option cannot be used; `InputTooLarge`,
                `AttachmentMissing`, `AttachmentTooLarge`, `SandboxNotAllowed`,
                `WorkingDirectoryMissing` and `UnsendableValue` are of this kind.
            TurnInProgress: The thread has an active turn.
            PolicyMismatch: Something else is in force in the turn than was asked for; it is
                interrupted. Or settings of the turn before could not be put back.
            BlockedByHook: A hook forbids it.
            RequestRefused: The server does not take the turn.
            RequestTimeout: The server did not answer in time, or other calls kept the thread for
                as long.
            ConnectionLost: The server went away.
            RuntimeClosed: The runtime is closed.
        """
        options = checked_hooks(options)
        if self._has_hooks(options):
            # What cannot be sent reaches no hook.
            await self._prepare(input, options)
        return await self._begin(input, options, keep_events=True)

    async def run(
        self, input: TurnInput, *, raise_on_failure: bool = True, **options: Unpack[TurnOptions]
    ) -> TurnResult:
        """Run a turn to its end and return what it did: `turn_start` and `result` in one.

        Cancelling interrupts the turn and waits for its end, 10 seconds at the most.

        Args:
            input: What to do: text, or input items.
            raise_on_failure: As in `TurnHandle.result`.
            **options: See `TurnOptions`.

        Raises:
            TurnFailed: The turn failed. Its `result` holds what was done.
            TurnTimedOut: Its time was up and it was interrupted. Likewise.
            CodexRuntimeError: Besides, whatever `turn_start` raises.
        """
        options = checked_hooks(options)
        if self._has_hooks(options):
            return await self._run_with_hooks(input, options, raise_on_failure=raise_on_failure)
        turn = await self._begin(input, options, keep_events=False)
        return await turn.result(raise_on_failure=raise_on_failure)

    def _folder(self) -> str | None:
        return self._live.scope.cwd

    async def resume(self, **options: Unpack[ResumeOptions]) -> ThreadHandle:
        """Open this thread again (`thread/resume`); see `Runtime.thread_resume`."""
        return await self._runtime.thread_resume(self.thread_id, **options)

    async def fork(self, **options: Unpack[ForkOptions]) -> ThreadHandle:
        """Open a copy of this thread (`thread/fork`); see `Runtime.thread_fork`."""
        return await self._runtime.thread_fork(self.thread_id, **options)

    def _has_hooks(self, options: TurnOptions) -> bool:
        return self._client.hook_book.wanted(self.own_hooks, options.get("hooks"))

    async def _run_with_hooks(
        self, input: TurnInput, options: TurnOptions, *, raise_on_failure: bool
    ) -> TurnResult:
        from codex_runtime._hooked import run_with_hooks  # noqa: PLC0415 — few have hooks

        await self._prepare(input, options)

        async def run(hooks: Hooks, about: Subject) -> TurnResult:
            joined: TurnOptions = {**options, "hooks": hooks}
            turn = await self._begin_with_hooks(about, joined, keep_events=False)
            return await turn.result(raise_on_failure=raise_on_failure)

        scopes = (self.own_hooks, options.get("hooks"))
        return await run_with_hooks(self._client, scopes, self._about(input, options), run)

    async def _begin(
        self, input: TurnInput, options: TurnOptions, *, keep_events: bool
    ) -> TurnHandle:
        if self._has_hooks(options):
            about = self._about(input, options)
            return await self._begin_with_hooks(about, options, keep_events=keep_events)
        turn, _ = await self._start(input, options, keep_events=keep_events)
        return turn

    async def _begin_with_hooks(
        self, about: Subject, options: TurnOptions, *, keep_events: bool
    ) -> TurnHandle:
        from codex_runtime._hooked import turn_with_hooks  # noqa: PLC0415 — few have hooks

        async def start(about: Subject, hooks: TurnHooks) -> tuple[TurnHandle, TurnFeed]:
            changed: TurnOptions = {**options}
            if about.model_changed and about.model:
                changed["model"] = about.model
            return await self._start(
                about.input or "",
                changed,
                keep_events=keep_events,
                for_this_turn=("model",) if about.model_changed else (),
                hooks=hooks,
            )

        scopes = (self.own_hooks, options.get("hooks"))
        return await turn_with_hooks(self._client, scopes, about, start)

    def _about(self, input: TurnInput, options: TurnOptions) -> Subject:
        from codex_runtime._hook_changes import Subject  # noqa: PLC0415 — few have hooks

        live, client = self._live, self._client
        fixed = "cannot be changed for one turn: the one before could not be put back"
        return Subject(
            thread_id=self.thread_id,
            cwd=absolute_cwd(options.get("cwd"), remote=client.remote) or live.scope.cwd,
            model=options.get("model") or live.settings.model or None,
            # What hooks have seen is what is sent.
            input=snapshot(input),
            kind="turn",
            model_fixed="" if client.experimental and live.settings.model else fixed,
        )

    async def _start(
        self,
        input: TurnInput,
        options: TurnOptions,
        *,
        keep_events: bool,
        for_this_turn: Collection[str] = (),
        hooks: TurnHooks | None = None,
    ) -> tuple[TurnHandle, TurnFeed]:
        """Start a turn.

        Args:
            input: As given by the caller.
            options: Likewise.
            keep_events: Whether somebody is going to iterate.
            for_this_turn: Options whose settings are put back once the turn runs, besides those
                that the caller has said to be for this turn only.
            hooks: Its hooks, for its handle.
        """
        client, hub, live = self._client, self._client.hub, self._live
        allowed, prepared, (params, encoded) = await self._prepare(input, options)
        approvers = self._approvers(options)
        scope, escalation = live.scope, self._escalation(options)
        async with holding(client, live, methods.TURN_START.method, self._check_idle):
            if (live.scope, self._escalation(options)) != (scope, escalation):
                # Somebody has changed meanwhile what the thread may touch, or when it asks.
                escalation = self._escalation(options)
                params, encoded = self._encoded(prepared, options)
            restore = self._plan_restore(options, for_this_turn)
            feed = TurnFeed(hub, self.thread_id, keep_events=keep_events)
            feed.approvers, feed.hooks = approvers, hooks
            turn = TurnHandle(client, feed, hooks)
            self._note_escalation(escalation, hooks)
            with explained(escalation), restoring(client, live, params, restore, feed):
                with following(live, params):
                    await start_turn(client, feed, turn, encoded)
                client.spawn(keep_time, turn, feed, allowed)
                try:
                    await check_turn(client, live, params, feed)
                except BaseException:
                    turn.interrupt_soon()
                    raise
        return turn, feed

    async def _prepare(
        self, input: TurnInput, options: TurnOptions
    ) -> tuple[float, PreparedInput, tuple[TurnStartParams, bytes]]:
        """Check all that can be checked before anything is sent."""
        client, live = self._client, self._live
        allowed = positive_seconds("timeout", options.get("timeout"), DEFAULT_TURN_TIMEOUT)
        cwd = absolute_cwd(options.get("cwd"), remote=client.remote) or live.scope.cwd
        prepared = await prepared_input(input, cwd=cwd, remote=client.remote)
        request = self._encoded(prepared, options)
        self._plan_restore(options)
        self._check_idle()
        return allowed, prepared, request

    def _encoded(
        self, prepared: PreparedInput, options: TurnOptions
    ) -> tuple[TurnStartParams, bytes]:
        """Check against what is in force what is then sent."""
        said = with_escalation(options, self._escalation(options))
        params = turn_params(self._live.scope, prepared, said, remote=self._client.remote)
        return params, encode(params)

    def _escalation(self, options: TurnOptions) -> Escalation | None:
        return escalation_of(
            options,
            self._client.hook_book,
            thread_id=self.thread_id,
            own=self.own_hooks,
            in_force=approval_in_force(self._live.settings.approval_policy),
            # Nobody is told of changes then.
            unsure=not self._client.experimental,
        )

    def _plan_restore(
        self, options: TurnOptions, for_this_turn: Collection[str] = ()
    ) -> Restore | None:
        """Plan what is put back: what is for this turn only, and a policy for hooks of this call."""
        client, live, escalation = self._client, self._live, self._escalation(options)
        names = {*for_this_turn, *only_this_turn(options)}
        if escalation is None or escalation.lasting or not escalation.raises:
            return plan_restore(client, live, names)
        if not client.experimental:
            raise InvalidArgument(
                "hooks",
                f"at pre_tool_use need the approval policy {escalation.approval} for this turn, and "
                "the one before could not be put back",
                f"pass approval_policy={escalation.approval!r}, give them with the thread, or open "
                "the runtime with experimental_api=True",
            )
        restore = plan_restore(client, live, {*names, "approval_policy"})
        if restore is not None and escalation.named and not options.get("only_this_turn"):
            # What the caller has said for later turns holds for them.
            restore.before = replace(
                restore.before, approval_policy=approval_wire(escalation.replaced or "")
            )
        return restore

    def _approvers(self, options: TurnOptions) -> tuple[Approver, ...]:
        found = checked_approvers("approve", options.get("approve"))
        policy = options.get("approval_policy") or self._live.settings.approval_policy
        if found and policy == DEFAULT_APPROVAL_POLICY:
            logger.warning(
                "a turn of thread %s has approvers, and the approval policy %s, under which nothing "
                "leaves the sandbox and codex does not ask: name approval_policy='on-request'",
                self.thread_id,
                DEFAULT_APPROVAL_POLICY,
            )
        return found

    def _note_escalation(self, escalation: Escalation | None, hooks: TurnHooks | None) -> None:
        if escalation is not None and escalation.raises:
            logger.info("a turn of thread %s: %s", self.thread_id, escalation.text)
            if hooks is not None:
                hooks.run.escalated = escalation.text
