"""One hook, called once: within its time, and without harm to anybody else."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final, Literal, cast

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

from codex_runtime._redaction import Redactor
from codex_runtime.hooks import Hook, HookCall, HookContext

__all__ = ["Answer", "call_hook", "in_words", "is_running", "redact", "running", "tell"]

redact: Final = Redactor()
"""Takes what has the shape of a secret out of the words of hooks, which may quote one."""

_MAX_WORDS: Final = 1_000
"""Characters of what a hook says that reports keep: they are for people, and kept."""

_running: Final[ContextVar[frozenset[str]]] = ContextVar("codex_runtime_hooks", default=frozenset())
"""The hooks that whatever runs now was called by, directly or not."""


@dataclass(frozen=True)
class Answer:
    """What came of a call.

    Attributes:
        action: What the hook returned, whatever that is.
        seconds: How long it took.
        failed: How it failed, if it did: `execution` or `timeout`.
        problem: That in words; else empty.
    """

    action: Any
    seconds: float
    failed: Literal["execution", "timeout"] | None = None
    problem: str = ""


def is_running(name: str) -> bool:
    """Whether the caller was called by the hook of this name, directly or not.

    A hook may use the runtime, and so come to itself: without an end, unless it is left out.
    """
    return name in _running.get()


def running() -> frozenset[str]:
    """The names of all hooks that the caller was called by."""
    return _running.get()


def tell(names: frozenset[str]) -> None:
    """Say which hooks the caller was called by, where that was lost on the way: in a new thread."""
    _running.set(names)


async def call_hook(hook: Hook, context: HookContext) -> Answer:
    """Call a hook. It has its `timeout`; what it raises becomes a problem.

    Cancelling goes on to the hook. So does what is no `Exception`, the other way.
    """
    began = anyio.current_time()
    failed: Literal["execution", "timeout"] | None = None
    problem, action = "", None
    mark = _running.set(_running.get() | {hook.name})
    patience = anyio.move_on_after(hook.timeout)
    try:
        with patience:
            action = await _called(hook.call, context)
    except Exception as error:  # noqa: BLE001 — the boundary to user code
        failed, problem = "execution", in_words(error)
        late = patience.cancel_called
    else:
        late = patience.cancelled_caught
    finally:
        _running.reset(mark)
    if late:
        failed, problem = "timeout", f"took more than {hook.timeout:g} s"
    return Answer(action, anyio.current_time() - began, failed, problem)


def in_words(error: BaseException) -> str:
    """An exception for a report: bounded, without what has the shape of a secret."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 — an exception of user code, which may fail at this too
        said = ""
    kind = type(error).__name__
    return redact(f"{kind}: {said}" if said else kind)[:_MAX_WORDS]


async def _called(call: HookCall, context: HookContext) -> Any:
    if _is_asynchronous(call):
        return await cast("Awaitable[Any]", call(context))
    answer = await _in_thread(call, context)
    return await answer if inspect.isawaitable(answer) else answer


def _is_asynchronous(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


async def _in_thread(call: HookCall, context: HookContext) -> Any:
    """Call what may block, in a thread.

    Not one of anyio's: those keep the interpreter from ending for as long as a hook hangs that
    nobody waits for any more.
    """
    done = anyio.Event()
    loop = current_token()
    outcome: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            outcome.append((call(context), None))
        except BaseException as error:  # noqa: BLE001 — handed to the task that waits
            outcome.append((None, error))
        with suppress(Exception):
            # The loop may have ended, and then nobody waits.
            from_thread.run_sync(done.set, token=loop)

    variables = copy_context()
    variables.run(_leave_loop)
    Thread(target=variables.run, args=(work,), name="codex-runtime hook", daemon=True).start()
    await done.wait()
    answer, error = outcome[0]
    if error is not None:
        raise error
    return answer


def _leave_loop() -> None:
    sniffio: Any = sys.modules.get("sniffio")
    if sniffio is not None:
        # Else anyio.run() would refuse to work in the thread: it would take it for the loop's.
        sniffio.current_async_library_cvar.set(None)
