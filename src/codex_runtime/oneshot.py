"""One prompt, one answer: a runtime, a thread and a turn in one call."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Unpack

from codex_runtime._blocking import Worker
from codex_runtime._params import check_before_start
from codex_runtime._stopping import stop_before_leaving
from codex_runtime.options import RunOptions, ThreadOptions, TurnOptions, check_names
from codex_runtime.runtime import Runtime
from codex_runtime.state import TurnResult
from codex_runtime.thread import TurnInput
from codex_runtime.turn import TurnHandle

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
        CodexRuntimeError: Besides, what `Runtime`, `Runtime.thread_start` and
            `ThreadHandle.turn_start` raise.
    """
    of_thread, of_turn = _split(options)
    if runtime is not None:
        thread = await runtime.thread_start(**of_thread)
        return await thread.run(prompt, raise_on_failure=raise_on_failure, **of_turn)
    check_before_start(prompt, of_thread)
    async with Runtime() as own:
        thread = await own.thread_start(**of_thread)
        return await thread.run(prompt, raise_on_failure=raise_on_failure, **of_turn)


def run_sync(
    prompt: TurnInput, *, raise_on_failure: bool = True, **options: Unpack[RunOptions]
) -> TurnResult:
    """As `run`, but blocking. Works inside a running event loop and in a notebook too.

    The work is done on an event loop in a thread of its own. Ctrl-C interrupts the turn, waits
    for its end and ends the server before `KeyboardInterrupt` goes on; Ctrl-C again leaves at
    once.
    """
    check_names(options, RunOptions, "a run")
    return Worker(lambda: run(prompt, raise_on_failure=raise_on_failure, **options))()


def stream(
    prompt: TurnInput, *, runtime: Runtime | None = None, **options: Unpack[RunOptions]
) -> _Stream:
    """Ask codex once, in a new thread, and follow its turn while it works.

    Use it as `async with stream("…") as turn:`. The block gets a `TurnHandle`. Leaving it before the turn has ended interrupts the turn,
    waits for its end (10 seconds at the most) and ends the server.

    Args and exceptions are those of `run`; those about starting come out of `async with`.
    """
    return _Stream(prompt, runtime, options)


class _Stream:
    """The block that `stream` opens."""

    def __init__(self, prompt: TurnInput, runtime: Runtime | None, options: RunOptions) -> None:
        self._prompt = prompt
        self._given = runtime
        self._runtime = Runtime() if runtime is None else runtime
        self._of_thread, self._of_turn = _split(options)
        self._turn: TurnHandle | None = None

    async def __aenter__(self) -> TurnHandle:
        if self._given is None:
            check_before_start(self._prompt, self._of_thread)
            await self._runtime.__aenter__()
        try:
            thread = await self._runtime.thread_start(**self._of_thread)
            self._turn = await thread.turn_start(self._prompt, **self._of_turn)
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
                await stop_before_leaving(self._turn)
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._given is None:
            await self._runtime.close()


def _split(options: RunOptions) -> tuple[ThreadOptions, TurnOptions]:
    check_names(options, RunOptions, "a run")
    of_thread: Any = {name: value for name, value in options.items() if name not in _OF_TURN}
    of_turn: Any = {name: value for name, value in options.items() if name in _OF_TURN}
    return of_thread, of_turn
