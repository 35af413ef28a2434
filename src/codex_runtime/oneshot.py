"""One prompt, one answer: a runtime, a thread and a turn in one call."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from codex_runtime._arguments import absolute_cwd
from codex_runtime._blocking import Worker
from codex_runtime._client import Client
from codex_runtime._escalating import checked_hooks, escalation_of, with_escalation
from codex_runtime._hook_book import RUNNING, HookBook
from codex_runtime._option_checks import check_names
from codex_runtime._params import check_before_start
from codex_runtime._prepared_input import snapshot
from codex_runtime._runtime_base import client_of
from codex_runtime._stopping import stop_before_leaving
from codex_runtime.options import RunOptions, ThreadOptions, TurnOptions
from codex_runtime.runtime import Runtime
from codex_runtime.state import TurnResult
from codex_runtime.thread import ThreadHandle, TurnInput
from codex_runtime.turn import TurnHandle

if TYPE_CHECKING:
    from codex_runtime._hook_changes import Subject
    from codex_runtime._hooked import HookedRun
    from codex_runtime.hooks import Hook, Hooks

__all__ = ["run", "run_sync", "stream"]

# What a turn inherits from its thread is said once, to the thread: said again with the turn
# it would be an override, and held to rule SEC-004 a second time.
_OF_TURN = TurnOptions.__annotations__.keys() - ThreadOptions.__annotations__.keys()


async def run(
    prompt: TurnInput,
    *,
    runtime: Runtime | None = None,
    raise_on_failure: bool = True,
    **options: Unpack[RunOptions],
) -> TurnResult:
    """Ask codex once, in a new thread, and return what it did.

    Cancelling interrupts the turn, waits for its end (10 seconds at the most) and ends the
    server.

    Args:
        prompt: What to do: text, or input items.
        runtime: An open runtime to use; by default one is started and ended here.
        raise_on_failure: Raise if the turn failed or ran out of time; otherwise see
            `TurnResult.status`.
        **options: See `RunOptions`. Without any, the thread may only read, and nobody is asked.

    Raises:
        TurnFailed: The turn failed. Its `result` holds what was done.
        TurnTimedOut: Its time was up. Likewise.
        BlockedByHook: A hook forbids it.
        CodexRuntimeError: Besides, what `Runtime`, `Runtime.thread_start` and
            `ThreadHandle.turn_start` raise.
    """
    work = _Work(prompt, options)
    if runtime is not None:
        return await work.run(runtime, raise_on_failure=raise_on_failure)
    work.check()
    async with Runtime() as own:
        return await work.run(own, raise_on_failure=raise_on_failure)


def run_sync(
    prompt: TurnInput, *, raise_on_failure: bool = True, **options: Unpack[RunOptions]
) -> TurnResult:
    """As `run`, but blocking. Works inside a running event loop and in a notebook too.

    The work is done on an event loop in a thread of its own. Ctrl-C interrupts the turn, waits
    for its end and ends the server before `KeyboardInterrupt` goes on; Ctrl-C again leaves at
    once.
    """
    check_names(options, RunOptions, "a run")
    if options.get("hooks"):
        return _run_sync_with_hooks(prompt, options, raise_on_failure=raise_on_failure)
    return Worker(lambda: run(prompt, raise_on_failure=raise_on_failure, **options))()


def _run_sync_with_hooks(
    prompt: TurnInput, options: RunOptions, *, raise_on_failure: bool
) -> TurnResult:
    callers = RUNNING.get()

    def work() -> Awaitable[TurnResult]:
        # A hook that comes to itself this way does so in another thread.
        RUNNING.set(callers)
        return run(prompt, raise_on_failure=raise_on_failure, **options)

    return Worker(work)()


def stream(
    prompt: TurnInput, *, runtime: Runtime | None = None, **options: Unpack[RunOptions]
) -> _Stream:
    """Ask codex once, in a new thread, and follow its turn while it works.

    Use it as `async with stream("…") as turn:`. The block gets a `TurnHandle`. Leaving it before
    the turn has ended interrupts the turn, waits for its end (10 seconds at the most) and ends the
    server.

    Args and exceptions are those of `run`; those about starting come out of `async with`.
    """
    return _Stream(prompt, runtime, options)


class _Stream:
    """The block that `stream` opens."""

    def __init__(self, prompt: TurnInput, runtime: Runtime | None, options: RunOptions) -> None:
        self._work = _Work(prompt, options)
        self._given = runtime
        self._runtime = Runtime() if runtime is None else runtime
        self._turn: TurnHandle | None = None

    async def __aenter__(self) -> TurnHandle:
        if self._given is None:
            self._work.check()
            await self._runtime.__aenter__()
        try:
            self._turn = await self._work.start(self._runtime)
        except BaseException:
            await self._close()
            raise
        return self._turn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._turn is not None:
                await self._work.finish(self._turn)
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._given is None:
            await self._runtime.close()


class _Work:
    """What is to be done in one thread and one turn."""

    def __init__(self, prompt: TurnInput, options: RunOptions) -> None:
        check_names(options, RunOptions, "a run")
        options = checked_hooks(options)
        of_thread: Any = {name: value for name, value in options.items() if name not in _OF_TURN}
        of_turn: Any = {name: value for name, value in options.items() if name in _OF_TURN}
        # What hooks have seen is what is sent.
        self._prompt = snapshot(prompt)
        self._of_thread: ThreadOptions = of_thread
        self._of_turn: TurnOptions = of_turn
        self._hooks: Hook | Iterable[Hook] | None = of_thread.pop("hooks", None)
        self._hooked: HookedRun | None = None

    def check(self, book: HookBook | None = None, *, remote: bool = False) -> None:
        """Find out what can be found out without a server."""
        options: ThreadOptions = {**self._of_thread, "hooks": self._hooks or ()}
        escalation = escalation_of(options, book or HookBook())
        check_before_start(self._prompt, with_escalation(options, escalation), remote=remote)

    async def run(self, runtime: Runtime, *, raise_on_failure: bool) -> TurnResult:
        """Do it to its end."""
        client = client_of(runtime)
        if not client.hook_book.wanted(self._hooks):
            thread = await runtime.thread_start(**self._of_thread)
            return await thread.run(
                self._prompt, raise_on_failure=raise_on_failure, **self._of_turn
            )
        from codex_runtime._hooked import run_with_hooks  # noqa: PLC0415 — few have hooks

        async def run(hooks: Hooks, about: Subject) -> TurnResult:
            thread, input, of_turn = await self._thread(runtime, hooks, about)
            return await thread.run(input, raise_on_failure=raise_on_failure, **of_turn)

        return await run_with_hooks(client, [self._hooks], self._about(client), run)

    async def start(self, runtime: Runtime) -> TurnHandle:
        """Begin it; `finish` ends it."""
        client = client_of(runtime)
        if not client.hook_book.wanted(self._hooks):
            thread = await runtime.thread_start(**self._of_thread)
            return await thread.turn_start(self._prompt, **self._of_turn)
        from codex_runtime._hooked import HookedRun  # noqa: PLC0415 — few have hooks

        hooked = HookedRun(client, [self._hooks], self._about(client))
        about = await hooked.begin()
        try:
            thread, input, of_turn = await self._thread(runtime, hooked.hooks, about)
            turn = await thread.turn_start(input, **of_turn)
        except BaseException as error:
            await hooked.fail(error)
            raise
        self._hooked = hooked
        return turn

    async def finish(self, turn: TurnHandle) -> None:
        """It is over, as far as its caller is concerned."""
        stopped = False
        try:
            await stop_before_leaving(turn)
            stopped = True
        finally:
            if self._hooked is not None:
                await self._hooked.finish_turn(turn, given_up=stopped)

    def _about(self, client: Client) -> Subject:
        from codex_runtime._hook_changes import Subject  # noqa: PLC0415 — few have hooks

        # What cannot be sent reaches no hook.
        self.check(client.hook_book, remote=client.remote)
        cwd = absolute_cwd(self._of_thread.get("cwd"), remote=client.remote)
        return Subject(
            cwd=cwd or client.hook_book.folder,
            model=self._of_thread.get("model"),
            input=self._prompt,
            kind="turn",
        )

    async def _thread(
        self, runtime: Runtime, hooks: Hooks, about: Subject
    ) -> tuple[ThreadHandle, TurnInput, TurnOptions]:
        of_thread: ThreadOptions = {**self._of_thread, "hooks": hooks}
        if about.model_changed and about.model:
            of_thread["model"] = about.model
        thread = await runtime.thread_start(**of_thread)
        return thread, about.input or self._prompt, {**self._of_turn, "hooks": hooks}
