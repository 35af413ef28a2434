"""What can be done in a thread besides starting turns of one's own input."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from codex_runtime import protocol
from codex_runtime._arguments import checked_turn_id, positive_seconds
from codex_runtime._feed import OwnItem, TurnFeed
from codex_runtime._interrupting import interrupt_turn
from codex_runtime._outgoing import encode
from codex_runtime._restoring import holding
from codex_runtime._starting import start_turn
from codex_runtime._steering import Steering
from codex_runtime._thread_settings import ThreadWithSettings
from codex_runtime._timekeeper import keep_time
from codex_runtime.errors import (
    InvalidArgument,
    RemoteProtocolError,
    SandboxNotAllowed,
    TurnInProgress,
)
from codex_runtime.protocol import Method, methods
from codex_runtime.turn import DEFAULT_TURN_TIMEOUT, TurnHandle

if TYPE_CHECKING:
    from codex_runtime._hook_report import TurnKind
    from codex_runtime._hooked import TurnHooks
    from codex_runtime.hooks import Hooks
    from codex_runtime.inputs import TurnInput
    from codex_runtime.protocol.types import CommandExecutionItem, ReviewTarget
    from codex_runtime.state import TurnResult

__all__ = ["ThreadWithTurns"]

_SHELL_MARGIN: Final = 10.0
"""Seconds by which the server's own limit for a command is longer than ours: it is there for the
case that nobody is left here to stop it."""

_LONGEST: Final = 1e9
"""Seconds that are asked for at the most, some 30 years: milliseconds have to fit into 64 bits."""


_KINDS: Final[dict[str, TurnKind]] = {
    methods.REVIEW_START.method: "review",
    methods.THREAD_COMPACT_START.method: "compact",
    methods.THREAD_SHELL_COMMAND.method: "shell_command",
}
"""What hooks call the turns that other requests than `turn/start` start."""


class ThreadWithTurns(ThreadWithSettings):
    """The part of `ThreadHandle` that is about turns of all kinds."""

    own_hooks: Hooks | None = None

    @property
    def active_turn_id(self) -> str | None:
        """The turn that runs in this thread, whoever has started it, as far as was seen here.

        None where nothing is known to run. A turn that was running already when the thread was
        resumed is known too: `thread_resume` asks for it (fact 287).
        """
        return self._client.hub.active_turn(self.thread_id) or None

    def turn(self, turn_id: str) -> TurnHandle:
        """A handle to the turn that runs, whoever has started it: a goal, the queue, another client.

        It may have been running already when the thread was resumed. Does not ask the server. Of a
        turn that nobody here follows yet, events and result begin now: what happened before is not
        in them. Its text is right all the same, if its last message is still to come. Cancelling
        `result()` does not interrupt it. No hook is around it.

        Args:
            turn_id: As in the `TurnStartedNotification` of `Runtime.events`, or `active_turn_id`.

        Raises:
            InvalidArgument: That turn does not run in this thread, as far as was seen here.
            RuntimeClosed: The runtime is closed.
            ConnectionLost: The server went away.
        """
        turn_id = checked_turn_id(turn_id)
        client, hub = self._client, self._client.hub
        client.peer  # noqa: B018 — raises where there is no connection
        feed = hub.sink_of(self.thread_id, turn_id)
        if not isinstance(feed, TurnFeed):
            if hub.active_turn(self.thread_id) != turn_id:
                raise InvalidArgument(
                    "turn_id",
                    f"is {turn_id!r}, which does not run in thread {self.thread_id}",
                    "use active_turn_id, or read what the thread has on record",
                )
            feed = TurnFeed(hub, self.thread_id, keep_events=True, joins=turn_id)
        return TurnHandle(client, feed, owned=False)

    async def turn_steer(
        self,
        expected_turn_id: str,
        input: TurnInput,
        *,
        client_id: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Add to the running turn, if it is that one (`turn/steer`); return its id.

        As `TurnHandle.steer`, which says what becomes of a half-written message. Of a turn that
        was not started here nobody knows whether it has started: the server refuses too early a
        call.

        Cancelling stops the wait; the turn may be steered all the same.

        Args:
            expected_turn_id: The turn that has to be the active one.
            input: What to add: text, or input items.
            client_id: Comes back as `client_id` of the user message.
            timeout: Seconds for all of it; by default the runtime's `request_timeout`.

        Raises:
            EmptyInput: There is nothing in `input`. Nothing was sent.
            InvalidArgument: An argument cannot be used. Nothing was sent.
            NoActiveTurn: Nothing runs in the thread.
            UnexpectedTurn: Another turn runs.
            TurnNotSteerable: The turn compacts the thread, or is a review.
            ThreadNotLoaded: The thread is not loaded any more.
            RequestTimeout: The server did not answer in time.
            RemoteProtocolError: It answered with no turn, or with another one.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        turn_id = checked_turn_id(expected_turn_id, "expected_turn_id")
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        feed = self._client.hub.sink_of(self.thread_id, turn_id)
        steering = Steering(self.thread_id, turn_id, input, client_id)
        followed = feed if isinstance(feed, TurnFeed) else None
        return await steering.send(self._client, followed, seconds)

    async def turn_interrupt(self, turn_id: str, *, timeout: float | None = None) -> None:
        """Stop a turn of this thread (`turn/interrupt`); see `Runtime.turn_interrupt`.

        Args:
            turn_id: The turn, whoever has started it.
            timeout: Seconds for all of it; by default the runtime's `request_timeout`.
        """
        turn_id = checked_turn_id(turn_id)
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        await interrupt_turn(self._client, self.thread_id, turn_id, seconds)

    async def review(
        self, target: ReviewTarget | str, *, timeout: float | None = None
    ) -> TurnHandle:
        """Have code reviewed (`review/start`), with codex's own instructions for reviewers.

        The review is a turn of this thread, with hooks around it; its text is the review, and later
        turns know it. The items of the reviewer come before `turn/started`, which carries another
        turn id: the server runs a turn within the turn (fact 280). The reviewer's own message comes
        as `ItemAbandoned` (fact 65). A review cannot be steered.

        Cancelling while the server has not answered yet interrupts the turn, if it came about,
        and waits for its end, 10 seconds at the most.

        Args:
            target: What to look at: text that says so, or one of the protocol's
                `UncommittedChangesReviewTarget`, `BaseBranchReviewTarget`, `CommitReviewTarget`
                and `CustomReviewTarget`.
            timeout: Seconds of active time until it is interrupted; by default 3,600.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            TurnInProgress: The thread has an active turn, which the server would end (fact 281).
            BlockedByHook: A hook forbids it.
            RequestRefused: The server does not take it.
            RequestTimeout: It did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ReviewStartParams(thread_id=self.thread_id, target=_checked(target))
        return await self._start_by(methods.REVIEW_START, params, timeout=timeout, keep_events=True)

    async def compact(
        self, *, timeout: float | None = None, raise_on_failure: bool = True
    ) -> TurnResult:
        """Have the model sum up the thread, to make room (`thread/compact/start`); see it through.

        What was said stays on record; the model sees the summary in its place from now on. That
        is a turn of its own, with one item of the kind `contextCompaction` and no text.
        Cancelling interrupts it and waits for its end, 10 seconds at the most.

        Args:
            timeout: Seconds of active time until it is interrupted; by default 3,600.
            raise_on_failure: As in `TurnHandle.result`.

        Raises:
            TurnInProgress: The thread has an active turn, which the server would end (fact 41).
            BlockedByHook: A hook forbids it.
            TurnFailed: The model failed. The thread is as it was.
            TurnTimedOut: Its time was up and it was interrupted.
            InvalidArgument: `timeout` cannot be used. Nothing was sent.
            RequestRefused: The server does not take it.
            RequestTimeout: It did not answer in time, or did not start.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        turn = await self._start_by(
            methods.THREAD_COMPACT_START,
            protocol.ThreadCompactStartParams(thread_id=self.thread_id),
            own=_is_compaction,
            timeout=timeout,
        )
        return await turn.result(raise_on_failure=raise_on_failure)

    async def shell_command(
        self,
        command: str,
        *,
        privileged_escalation_approved: bool = False,
        timeout: float | None = None,
    ) -> CommandExecutionItem:
        """Run a command as the user would, outside of every sandbox (`thread/shellCommand`).

        The thread's shell reads `command`: pipes and quoting mean what they mean there. Nobody
        is asked for approval. The model is not asked for anything, but is told of the command
        and its output with the next turn. It is a turn of its own; one that is interrupted ends
        the command too, unlike those of the model (fact 283).

        Cancelling ends the command, within 10 seconds.

        Args:
            command: For the shell.
            privileged_escalation_approved: The explicit word for running without a sandbox.
            timeout: Seconds until it is ended; by default 3,600.

        Returns:
            The command with its `exit_code` and `aggregated_output`, both outputs in one, of
            1 MiB at the most. `status` is `"completed"`, or `"failed"` where `exit_code` is not 0;
            it is -1 where the command was ended.

        Raises:
            SandboxNotAllowed: Without `privileged_escalation_approved=True`. Nothing was sent.
            InvalidArgument: An argument cannot be used. Nothing was sent.
            TurnInProgress: The thread has an active turn; the command would become a part of it.
            BlockedByHook: A hook forbids it.
            TurnTimedOut: Its time was up and it was ended.
            RequestRefused: The server does not take it.
            RequestTimeout: It did not answer in time, or did not start.
            RemoteProtocolError: It did not tell of the command.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        if not isinstance(command, str) or not command.strip():  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
            raise InvalidArgument("command", "is blank", "use text for the shell")
        if privileged_escalation_approved is not True:
            raise SandboxNotAllowed(
                "command",
                "runs outside of every sandbox",
                "pass privileged_escalation_approved=True",
            )
        seconds = positive_seconds("timeout", timeout, DEFAULT_TURN_TIMEOUT)
        milliseconds = ceil(min(seconds + _SHELL_MARGIN, _LONGEST) * 1000)
        method = methods.THREAD_SHELL_COMMAND
        params = protocol.ThreadShellCommandParams(
            thread_id=self.thread_id, command=command, timeout_ms=milliseconds
        )
        turn = await self._start_by(method, params, own=_is_of_user_shell, timeout=seconds)
        result = await turn.result()
        for item in result.items:
            if isinstance(item, protocol.CommandExecutionItem) and _is_of_user_shell(item):
                return item
        raise RemoteProtocolError(method.method, "its turn has ended without the command")

    async def _start_by(
        self,
        method: Method[Any, Any],
        params: Any,
        *,
        timeout: float | None,
        own: OwnItem | None = None,
        keep_events: bool = False,
    ) -> TurnHandle:
        """Start a turn by another request than `turn/start`.

        Args:
            method: The request.
            params: Its parameters.
            timeout: Seconds of active time; None for the default.
            own: See `TurnFeed`.
            keep_events: Whether somebody is going to iterate.
        """
        client = self._client
        allowed = positive_seconds("timeout", timeout, DEFAULT_TURN_TIMEOUT)
        encoded = encode(params)
        self._check_idle()

        async def start(hooks: TurnHooks | None) -> tuple[TurnHandle, TurnFeed]:
            async with holding(client, self._live, method.method, self._check_idle):
                feed = TurnFeed(client.hub, self.thread_id, keep_events=keep_events, own=own)
                feed.hooks = hooks
                turn = TurnHandle(client, feed, hooks)
                await start_turn(client, feed, turn, encoded, method)
            client.spawn(keep_time, turn, feed, allowed)
            return turn, feed

        if client.hook_book.wanted(self.own_hooks):
            return await self._start_with_hooks(method, params, start)
        turn, _ = await start(None)
        return turn

    async def _start_with_hooks(
        self,
        method: Method[Any, Any],
        params: Any,
        start: Callable[[TurnHooks], Awaitable[tuple[TurnHandle, TurnFeed]]],
    ) -> TurnHandle:
        from codex_runtime._hook_changes import Subject  # noqa: PLC0415 — few have hooks
        from codex_runtime._hooked import turn_with_hooks  # noqa: PLC0415 — see above

        async def start_it(_: Subject, hooks: TurnHooks) -> tuple[TurnHandle, TurnFeed]:
            return await start(hooks)

        about = Subject(
            thread_id=self.thread_id,
            cwd=self._live.scope.cwd,
            model=self._live.settings.model or None,
            input=_said_by(params),
            kind=_KINDS[method.method],
        )
        return await turn_with_hooks(self._client, (self.own_hooks,), about, start_it)

    def _check_idle(self) -> None:
        self._client.peer  # noqa: B018 — raises where there is no connection
        active = self._client.hub.active_turn(self.thread_id)
        if active is not None:
            raise TurnInProgress(self.thread_id, active or None)


def _checked(target: ReviewTarget | str) -> ReviewTarget:
    """A review target that says something."""
    if isinstance(target, str):
        target = protocol.CustomReviewTarget(instructions=target)
    match target:
        case protocol.UncommittedChangesReviewTarget():
            return target
        case protocol.BaseBranchReviewTarget(branch=text):
            field = "branch"
        case protocol.CommitReviewTarget(sha=text):
            field = "sha"
        case protocol.CustomReviewTarget(instructions=text):
            field = "instructions"
        case _:
            raise InvalidArgument(
                "target",
                f"is of type {type(target).__name__}",
                "use text, or a review target of codex_runtime.protocol",
            )
    if not isinstance(text, str) or not text.strip():  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(f"target.{field}", "is blank", "say what to review")
    return target


def _said_by(params: Any) -> str | None:
    """What hooks are told of a request that starts a turn: instructions, or a command."""
    match params:
        case (
            protocol.ReviewStartParams(target=protocol.CustomReviewTarget(instructions=text))
            | protocol.ThreadShellCommandParams(command=text)
        ):
            return text
        case _:
            return None


def _is_compaction(item: object) -> bool:
    return isinstance(item, protocol.ContextCompactionItem)


def _is_of_user_shell(item: object) -> bool:
    return isinstance(item, protocol.CommandExecutionItem) and item.source == "userShell"
