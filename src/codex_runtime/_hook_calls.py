"""One hook, called once: within its time, and without harm to anybody else."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final, Literal, TypeAlias, cast
from weakref import WeakKeyDictionary

import anyio

from codex_runtime._hook_book import RUNNING, RunningCall
from codex_runtime._redaction import Redactor
from codex_runtime._user_calls import in_thread, is_asynchronous
from codex_runtime.answers import Deny
from codex_runtime.hooks import Block, Hook, HookContext

__all__ = ["Answer", "call_hook", "in_words", "redact"]

redact: Final = Redactor()
"""Takes what has the shape of a secret out of the words of hooks, which may quote one."""

_MAX_WORDS: Final = 1_000
"""Characters of what a hook says that reports keep: they are for people, and kept."""

_MAX_HUNG: Final = 8
"""Threads that calls of one hook may hang in, given up, before it is called no more until one
comes back: nobody can end them."""

_hung: Final[WeakKeyDictionary[Hook, set[Thread]]] = WeakKeyDictionary()
"""Where calls were given up, by hook."""


_Failure: TypeAlias = Literal["execution", "timeout"]
"""How a call fails, in the words of `HookIssue.kind`."""


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
    failed: _Failure | None = None
    problem: str = ""


async def call_hook(hook: Hook, context: HookContext) -> Answer:
    """Call a hook. It has its `timeout`; what it raises becomes a problem.

    Cancelling goes on to the hook. So does what is no `Exception`, the other way.
    """
    began = anyio.current_time()
    failed: _Failure | None = None
    problem, action = "", None
    call = RunningCall(hook)
    mark = RUNNING.set((*RUNNING.get(), call))
    patience = anyio.move_on_after(hook.timeout)
    try:
        with patience:
            action = await _called(hook, context)
    except Exception as error:  # noqa: BLE001 — the boundary to user code
        failed, problem = "execution", in_words(error)
        late = patience.cancel_called
    else:
        # It may have swallowed the cancellation, or held up the loop; a no that comes late is one.
        over = patience.cancel_called or anyio.current_time() - began > hook.timeout
        late = over and not isinstance(action, Block | Deny)
    finally:
        call.over = True
        RUNNING.reset(mark)
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


async def _called(hook: Hook, context: HookContext) -> Any:
    if is_asynchronous(hook.call):
        return await cast("Awaitable[Any]", hook.call(context))
    hung = _hung.setdefault(hook, set())
    hung.intersection_update([thread for thread in hung if thread.is_alive()])
    if len(hung) >= _MAX_HUNG:
        raise _HookHangs(f"{len(hung)} earlier calls of it have not come back yet")
    answer = await in_thread(lambda: hook.call(context), given_up=hung.add)
    return await answer if inspect.isawaitable(answer) else answer


class _HookHangs(Exception):
    """A hook cannot be called."""
