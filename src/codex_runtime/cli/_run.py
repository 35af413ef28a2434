"""One turn, from the options of the command line to its exit code."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from codex_runtime._binary import find_codex
from codex_runtime._lines import line
from codex_runtime.cli import _account
from codex_runtime.cli._exits import Exit, exit_of
from codex_runtime.cli._signals import Stopper
from codex_runtime.cli._views import Opened, View
from codex_runtime.errors import CodexRuntimeError, EventsLost
from codex_runtime.options import ThreadOptions, TurnOptions
from codex_runtime.policy import ApprovalPolicy, SandboxMode
from codex_runtime.requests import Approver
from codex_runtime.runtime import Runtime
from codex_runtime.state import TurnResult
from codex_runtime.thread import ThreadHandle
from codex_runtime.turn import TurnHandle

__all__ = ["RunRequest", "run_turn"]


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What one run needs to know. None: not said, so not sent."""

    prompt: str
    cwd: str | os.PathLike[str] = "."
    model: str | None = None
    effort: str | None = None
    sandbox: SandboxMode = "read-only"
    policy: ApprovalPolicy | None = None
    approve: tuple[Approver, ...] = ()
    timeout: float | None = None
    output_schema: Mapping[str, Any] | None = None
    codex_bin: str | None = None
    codex_home: str | os.PathLike[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def thread_options(self) -> ThreadOptions:
        """Options of the thread.

        A wider sandbox named on the command line is the explicit word of rule SEC-004; what codex
        then asks is answered with no, unless somebody is named who decides.
        """
        options = ThreadOptions(cwd=self.cwd, sandbox=self.sandbox)
        if self.model is not None:
            options["model"] = self.model
        if self.sandbox != "read-only":
            options["approval_policy"] = "on-request"
            options["privileged_escalation_approved"] = True
        if self.policy is not None:
            options["approval_policy"] = self.policy
        if self.approve:
            options["approve"] = self.approve
        return options

    def turn_options(self) -> TurnOptions:
        """Options of the turn."""
        options = TurnOptions()
        if self.effort is not None:
            options["effort"] = self.effort
        if self.timeout is not None:
            options["timeout"] = self.timeout
        if self.output_schema is not None:
            options["output_schema"] = self.output_schema
        return options


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        code: The exit code.
        result: What the turn did, where it has ended.
        codex_version: The version of the server, where it has answered.
    """

    code: Exit = Exit.INTERRUPTED
    result: TurnResult | None = None
    codex_version: str | None = None


async def run_turn(request: RunRequest, view: View) -> Outcome:
    """Run one turn and tell `view` about it.

    Ctrl-C, SIGTERM and SIGHUP interrupt the turn; a second one leaves, within 3 seconds whatever
    the server does. Only in the main thread.

    Raises:
        BrokenPipeError: What is to be told cannot be written any more. The turn is ended.
    """
    outcome = Outcome()
    lost: BrokenPipeError | None = None
    async with anyio.create_task_group() as tasks:
        stopper = Stopper(tasks, on_interrupt=view.interrupting, on_leave=view.left)
        await tasks.start(stopper.watch)
        try:
            await _attempt(request, view, stopper, outcome)
        except BrokenPipeError as error:
            # Nobody reads any more. Closing the runtime has ended the turn.
            lost = error
        tasks.cancel_scope.cancel()
    if lost is not None:
        # Not from within: the group would wrap it.
        raise lost
    return outcome


async def _attempt(request: RunRequest, view: View, stopper: Stopper, outcome: Outcome) -> None:
    view.starting()
    try:
        runtime = stopper.runtime = Runtime(
            codex_bin=request.codex_bin, codex_home=request.codex_home, env=request.env
        )
        await _run(runtime, request, view, stopper, outcome)
    except CodexRuntimeError as error:
        outcome.code = exit_of(error)
        view.failed(error, outcome.code)


async def _run(
    runtime: Runtime, request: RunRequest, view: View, stopper: Stopper, outcome: Outcome
) -> None:
    new_home = _account.is_new(request.codex_home)
    async with runtime:
        outcome.codex_version = runtime.server_info.codex_version
        await _warn(runtime, request, view, new_home=new_home)
        thread = await runtime.thread_start(**request.thread_options())
        turn = await thread.turn_start(request.prompt, **request.turn_options())
        stopper.turn = turn
        view.opened(_opened(request, runtime, thread, turn))
        await _follow(turn, view)
        result = await turn.result()
    outcome.result = result
    outcome.code = _END.get(result.status, Exit.FAILED)
    view.ended(result, outcome.code)


async def _warn(runtime: Runtime, request: RunRequest, view: View, *, new_home: bool) -> None:
    if new_home:
        view.notice([line(f"created CODEX_HOME {runtime.server_info.codex_home}", "note")])
    binary = find_codex(request.codex_bin).path
    named = request.codex_home is not None
    view.notice(await _account.sign_in_warning(runtime, binary, named_home=named))


_END = {"completed": Exit.DONE, "interrupted": Exit.INTERRUPTED}


def _opened(
    request: RunRequest, runtime: Runtime, thread: ThreadHandle, turn: TurnHandle
) -> Opened:
    return Opened(
        codex_version=runtime.server_info.codex_version,
        model=thread.info.model or "?",
        sandbox=request.sandbox,
        cwd=str(thread.info.cwd or request.cwd),
        thread_id=turn.thread_id,
        turn_id=turn.turn_id,
    )


async def _follow(turn: TurnHandle, view: View) -> None:
    while True:
        try:
            async for event in turn:
                view.event(event)
        except EventsLost:
            # Only what was to be shown is missing; the result is whole.
            continue
        return
