"""Asking a person at the terminal. Needs the extra `cli`.

async with Runtime(approve=ask_in_terminal()) as runtime: ...
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, TextIO

import anyio
from anyio.lowlevel import RunVar

from codex_runtime._arguments import positive_seconds
from codex_runtime._lines import Line
from codex_runtime.errors import InvalidArgument
from codex_runtime.requests import RequestState

if TYPE_CHECKING:
    from rich.console import Console

    from codex_runtime._asking._keys import KeyStream
    from codex_runtime._asking._person import Person
    from codex_runtime.answers import Answer
    from codex_runtime.requests import Approver, ServerRequest

__all__ = ["ask_in_terminal"]

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds that somebody has for one question."""

_SETTLING: Final = 0.3
"""Seconds for which what is typed does not count after a question has appeared: it was meant for
what was there before. Nobody reads a question and answers it in less."""


def ask_in_terminal(
    *,
    timeout: float = DEFAULT_TIMEOUT,
    input: TextIO | KeyStream | None = None,
    output: TextIO | None = None,
    console: Console | None = None,
    while_asking: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Approver:
    """Make an approver that shows each request at the terminal, and asks whoever sits there.

    `y` is yes, `s` yes for the same in this session, `n` no (words after it are the reason, for the
    audit), `c` no and the end of the turn, `e` shows all there is; each followed by Enter, and Enter
    alone is no.
    What was cut to fit the screen has to be seen before a yes is taken. Questions and forms are
    answered one after the other; pages are never opened.

    It has no opinion about what no person can answer (tokens, say), where there is no terminal,
    and when nobody answers in time: then the next approver is asked, and the last word is no. One
    question at a time is shown; others wait. What is settled meanwhile is taken away.

    Args:
        timeout: Seconds for each question, never more than the request has left.
        input: What is typed: a terminal, or, for tests, a stream of bytes with `receive` as
            anyio makes them. Default: `sys.stdin`, looked up at each question.
        output: The terminal to write to. Default: `sys.stderr`, likewise.
        console: A console of rich's to write to, instead of `output`.
        while_asking: Entered while a question is shown, for a program that writes to the same
            terminal: what it writes meanwhile should wait.

    Raises:
        ImportError: The extra `cli` is not installed.
        InvalidArgument: The timeout is no number of seconds, or there are two places to write to.
    """
    if importlib.util.find_spec("rich") is None:
        raise ImportError(
            'asking in the terminal needs rich; install with: pip install "codex-runtime[cli]"'
        )
    if output is not None and console is not None:
        raise InvalidArgument("output", "is given beside console", "leave one of them out")
    asker = _Asker(
        positive_seconds("timeout", timeout, DEFAULT_TIMEOUT), input, output, console, while_asking
    )

    async def ask_in_terminal(request: ServerRequest) -> Answer | None:
        return await asker.ask(request)

    return ask_in_terminal


_turnstile: RunVar[anyio.Lock] = RunVar("codex-runtime terminal")
"""One question at a time, whoever asks: there is one person, and most often one terminal."""


class _Asker:
    def __init__(
        self,
        timeout: float,
        input: TextIO | KeyStream | None,
        output: TextIO | None,
        console: Console | None,
        while_asking: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._timeout = timeout
        self._input = input
        self._output = output
        self._console = console
        self._while_asking = while_asking

    async def ask(self, request: ServerRequest) -> Answer | None:
        from codex_runtime._asking._dialogues import can_be_asked  # noqa: PLC0415 — with rich

        person = self._person()
        if person is None or not person.present() or not can_be_asked(request):
            return None
        answer: Answer | None = None
        async with anyio.create_task_group() as tasks:

            async def leave_when_settled() -> None:
                await request.wait_settled()
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave_when_settled)
            async with _lock():
                answer = await self._ask(person, request)
            tasks.cancel_scope.cancel()
        # What was typed in the moment in which it went away was not meant for what had become of it.
        return answer if request.state is RequestState.OPEN else None

    async def _ask(self, person: Person, request: ServerRequest) -> Answer | None:
        from codex_runtime._asking._dialogues import converse  # noqa: PLC0415 — with rich

        async def ready() -> None:
            await anyio.sleep(_SETTLING)
            person.discard()

        try:
            with self._while_asking(), person.attentive():
                with anyio.move_on_after(min(self._timeout, request.seconds_left)) as scope:
                    try:
                        return await converse(person, request, ready)
                    except anyio.get_cancelled_exc_class():
                        person.tell(
                            [Line(_gone(request, in_time=not scope.cancel_called), "warning")]
                        )
                        raise
        except OSError:
            # The terminal has gone.
            return None
        return None

    def _person(self) -> Person | None:
        from codex_runtime._asking._keys import (  # noqa: PLC0415 — see above
            KeyStream,
            StreamKeys,
            TerminalKeys,
        )
        from codex_runtime._asking._person import Person, console_on  # noqa: PLC0415 — with rich

        # A program may run without its standard streams.
        source: TextIO | KeyStream | None = self._input or sys.stdin
        screen: TextIO | None = self._output or sys.stderr
        if source is None or screen is None:
            return None
        console = self._console or console_on(screen)
        if isinstance(source, KeyStream):
            return Person(StreamKeys(source), console, anywhere=True)
        return Person(TerminalKeys(source), console)


def _lock() -> anyio.Lock:
    try:
        return _turnstile.get()
    except LookupError:
        lock = anyio.Lock()
        _turnstile.set(lock)
        return lock


def _gone(request: ServerRequest, *, in_time: bool) -> str:
    if request.state is not RequestState.OPEN:
        return f"No answer is needed any more: {request.state.value}."
    return "The question is taken back." if in_time else "No answer in time: that is no."
