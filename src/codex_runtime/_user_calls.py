"""Calling functions of users: asynchronous ones where we are, plain ones where they may block."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from math import inf
from threading import Thread
from typing import Any, Final, cast

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

from codex_runtime._redaction import Redactor, secrets_of

__all__ = ["call_alone", "call_user", "in_thread", "is_asynchronous", "traced"]

_MAX_TRACE: Final = 20_000
"""Characters of what is logged of an exception."""


async def call_user(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function and wait for what it returns, an awaitable or not.

    Cancelling goes on to an asynchronous one. A plain one runs in a thread of its own, which
    nobody waits for any more then.
    """
    if is_asynchronous(function):
        return await cast("Awaitable[Any]", function(*args))
    found = await in_thread(lambda: function(*args))
    return await found if inspect.isawaitable(found) else found


async def call_alone(function: Callable[..., Any], *args: Any) -> tuple[Any, BaseException | None]:
    """Call a function in a task of its own; return what it returned, or what it raised.

    Whatever it raises ends there, a cancellation among it that nobody has asked for; so does what it
    does to its task: cancelling it, or leaving a cancel scope open. Cancelling goes on to it.
    """
    outcome: list[tuple[Any, BaseException | None]] = []

    async def work() -> None:
        try:
            outcome.append((await call_user(function, *args), None))
        except BaseException as error:
            if _is_asked_to_stop(error):
                raise
            outcome.append((None, error))

    try:
        async with anyio.create_task_group() as alone:
            alone.start_soon(work)
    except BaseException as error:
        if _is_asked_to_stop(error):
            raise
        return None, error
    return outcome[0] if outcome else (None, RuntimeError("it cancelled itself"))


def _is_asked_to_stop(error: BaseException) -> bool:
    """Whether this is a cancellation that comes from outside."""
    return (
        isinstance(error, anyio.get_cancelled_exc_class())
        and anyio.current_effective_deadline() == -inf
    )


def is_asynchronous(call: Any) -> bool:
    """Whether calling it makes a coroutine."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


async def in_thread(
    call: Callable[[], Any], *, given_up: Callable[[Thread], None] | None = None
) -> Any:
    """Call what may block, in a thread.

    Not one of anyio's: those keep the interpreter from ending for as long as a call hangs that
    nobody waits for any more.

    Args:
        call: What to call.
        given_up: Called with the thread, where the wait is cancelled before the call is over.
    """
    done = anyio.Event()
    outcome: list[tuple[Any, BaseException | None]] = []
    thread = _start_thread(call, outcome, done)
    try:
        await done.wait()
    except BaseException:
        if given_up is not None:
            given_up(thread)
        raise
    answer, error = outcome[0]
    if error is not None:
        raise error
    return answer


def _start_thread(
    call: Callable[[], Any], outcome: list[tuple[Any, BaseException | None]], done: anyio.Event
) -> Thread:
    loop = current_token()

    def work() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:  # noqa: BLE001 — handed to the task that waits
            outcome.append((None, error))
        with suppress(Exception):
            # The loop may have ended, and then nobody waits.
            from_thread.run_sync(done.set, token=loop)

    variables = copy_context()
    variables.run(_leave_loop)
    thread = Thread(target=variables.run, args=(work,), name="codex-runtime call", daemon=True)
    thread.start()
    return thread


def _leave_loop() -> None:
    sniffio: Any = sys.modules.get("sniffio")
    if sniffio is not None:
        # Else anyio.run() would refuse to work in the thread: it would take it for the loop's.
        sniffio.current_async_library_cvar.set(None)


def traced(error: BaseException) -> str:
    """An exception of a user's function for a log, without known secrets; bounded."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001 — an exception of user code, which may fail at this too
        text = type(error).__name__
    return Redactor(secrets_of(os.environ))(text)[-_MAX_TRACE:]
