"""A codex app-server in memory, for tests that need neither a binary nor a process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import anyio

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._checks import check_count, check_text
from codex_runtime.testing._fake_process import FakeProcess, World
from codex_runtime.testing._fake_wire import INVALID_REQUEST, FromClient, Refused
from codex_runtime.testing._json import Json
from codex_runtime.testing._scripted import Scripted
from codex_runtime.testing._step_types import Step
from codex_runtime.transports import Ending, Transport

if TYPE_CHECKING:
    from codex_runtime.runtime import Runtime

__all__ = ["FakeAppServer"]

ANSWER_SECONDS = 10.0
"""Seconds that `ask()` waits for the client."""


class FakeAppServer(Scripted):
    """Speaks the protocol of `codex app-server` and plays the steps of a script as turns.

    It behaves as codex 0.163 does in what it plays: `initialize`, threads (start, resume, fork,
    settings, read, list, name, archive, unsubscribe), turns (start, steer, interrupt, with the
    refusals and the order of events), reviews, compactions, commands, patches, MCP tools and
    dynamic tools with their approvals, requests for permissions, questions to the user,
    elicitations, commands that an interrupt leaves running (list, terminate, clean),
    commands of the user's (it knows `echo`, `sleep` and `exit`), failures of the model and their
    retries. Nothing is run and no file is touched: `shell()` prints its `output`. Ids and times are counted, so that two runs are equal.

        fake = FakeAppServer(assistant_message("Hello."))
        async with fake.runtime() as runtime:
            ...

    Each connection is a process of its own; threads with a turn outlive it, as files would.
    Runs on every backend of anyio. Except for the script's, its methods are to be called in
    the event loop.

    Args:
        steps: The script, in order.
        version: The codex that it poses as in `initialize`; how it behaves does not change.
        cwd: The working directory of threads that name none; None for this process's own.
        stream_max_retries: How often a response that failed is asked for again, as
            `stream_max_retries` of config.toml.
    """

    def __init__(
        self,
        *steps: Step,
        version: str = "0.163.0",
        cwd: str | os.PathLike[str] | None = None,
        stream_max_retries: int = 0,
    ) -> None:
        super().__init__(steps)
        self._world = World(
            self._script,
            version=check_text("version", version, empty=False),
            cwd=os.fspath(cwd) if cwd is not None else os.getcwd(),  # noqa: PTH109 — the text as it is
            stream_max_retries=check_count("stream_max_retries", stream_max_retries),
        )
        self._processes: list[FakeProcess] = []

    async def connect(self) -> Transport:
        """Return the client's end of a new process, for `Runtime(connect=fake.connect)`.

        The process runs while the client runs the `serve()` of what is returned.
        """
        process = FakeProcess(self._world)
        self._processes.append(process)
        return _ClientEnd(process)

    def runtime(self, **options: Any) -> Runtime:
        """Return a `Runtime`, not entered yet, over a new process of this fake.

        Args:
            options: As for `Runtime`; `connect` is set.
        """
        # Imported here: who tests a transport or a client of their own does not need it.
        from codex_runtime.runtime import Runtime  # noqa: PLC0415 — see above

        return Runtime(connect=self.connect, **options)

    @property
    def received(self) -> tuple[FromClient, ...]:
        """Every message of the clients, oldest first; bytes where it was no message at all."""
        return tuple(self._world.received)

    def requests(self, method: str) -> tuple[Json, ...]:
        """Return the parameters of every request of `method`, oldest first."""
        return tuple(
            message.get("params") or {}
            for message in self._world.received
            if isinstance(message, dict) and message.get("method") == method
        )

    def emit(self, method: str, params: Mapping[str, object]) -> None:
        """Send a notification, true or not."""
        for process in self._live():
            process.wire.notify(method, dict(params))

    def emit_raw(self, message: bytes) -> None:
        """Send bytes as one message, JSON or not."""
        for process in self._live():
            process.wire.send(message)

    async def ask(
        self, method: str, params: Mapping[str, object], *, seconds: float = ANSWER_SECONDS
    ) -> Json:
        """Send a request to the client and return its answer: `result` or `error`, and `id`.

        Args:
            method: As in the protocol, say `"item/tool/call"`.
            params: As in the protocol.
            seconds: Longest time to wait.

        Raises:
            TimeoutError: The client did not answer in time.
            RuntimeError: There is no client.
        """
        live = self._live()
        if not live:
            raise RuntimeError("no client is connected to the fake app-server")
        question = live[-1].wire.ask(method, dict(params))
        with anyio.fail_after(seconds):
            await question.answered.wait()
        return question.answer or {}

    def on_request(
        self, method: str, answer: Mapping[str, object] | Callable[[Json], object]
    ) -> None:
        """Answer every request of `method` in place of what the fake would do.

        Args:
            method: As in the protocol.
            answer: The result, or what makes it from the parameters. What it raises ends the
                process and comes out of `assert_complete()`.
        """
        if callable(answer):
            self._world.faults.answers[method] = answer
        else:
            result = dict(answer)
            self._world.faults.answers[method] = lambda _: result

    def refuse(
        self,
        method: str,
        message: str,
        *,
        code: int = INVALID_REQUEST,
        data: object = None,
        times: int = 1,
    ) -> None:
        """Answer the next requests of `method` with an error.

        Args:
            method: As in the protocol.
            message: The error's text.
            code: Its code. Nearly every refusal of codex has this one (fact 11).
            data: Its data, if any.
            times: How many requests.
        """
        queue = self._world.faults.refusals.setdefault(method, deque())
        for _ in range(check_count("times", times, smallest=1)):
            queue.append(Refused(message, code, data))

    def hold(self, method: str) -> None:
        """Keep every request or notification of `method` until `answer_late(method)`.

        A request that is held has not been looked at: nothing has come of it yet.
        """
        self._world.faults.held.setdefault(method, [])

    def answer_late(self, method: str) -> int:
        """Let what `hold(method)` kept go on, in order, and end the hold.

        Returns:
            How many requests or notifications there were.

        Raises:
            InvalidArgument: `method` is not held.
        """
        try:
            waiting = self._world.faults.held.pop(method)
        except KeyError:
            raise InvalidArgument("method", f"is not held: {method!r}") from None
        for go_on in waiting:
            go_on()
        return len(waiting)

    def silence(self, *, silent: bool = True) -> None:
        """Say nothing more, as a process that hangs; what is sent meanwhile is lost.

        Args:
            silent: False to speak again.
        """
        self._world.faults.silent = silent

    def crash(
        self, exit_code: int | None = None, *, signal: int | None = None, stderr: str = ""
    ) -> None:
        """End every process at once, as the connected clients see it.

        Args:
            exit_code: The exit status they see. None, with no `signal`: 101, a panic's.
            signal: The number of the signal they see instead.
            stderr: What they see as its last words.
        """
        code = 101 if exit_code is None and signal is None else exit_code
        for process in self._live():
            process.end(Ending(exit_code=code, signal=signal, stderr_tail=stderr))

    def _live(self) -> list[FakeProcess]:
        return [process for process in self._processes if not process.ended]


class _ClientEnd:
    """The client's end of a fake process; satisfies `Transport`."""

    oversized = 0

    def __init__(self, process: FakeProcess) -> None:
        self._process = process
        self._end = process.client_end

    def send(self, message: bytes) -> None:
        self._end.send(message)

    async def receive(self) -> list[bytes]:
        return await self._end.receive()

    async def serve(self) -> None:
        await self._process.serve()

    async def aclose(self) -> None:
        await self._end.aclose()
        self._process.end(Ending(exit_code=0))

    def ending(self) -> Ending:
        return self._process.ending()
