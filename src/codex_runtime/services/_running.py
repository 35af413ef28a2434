"""A command or process of the server's, from its start to its certain end.

A task of the runtime's sees it through. Whoever uses a handle may be cancelled at any time, and
asyncio's own cancellation goes through every shield; what was started has to be ended all the same.
"""

from __future__ import annotations

import base64
import binascii
import logging
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar, Final

import anyio

from codex_runtime._client import Client
from codex_runtime._events import Name
from codex_runtime._outgoing import encode
from codex_runtime._peer import Peer, Pending
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
)
from codex_runtime.protocol import Event
from codex_runtime.services._calls import Call, new_name
from codex_runtime.services._output import Output

__all__ = ["STOP_BOUND", "CommandResult", "Running"]

logger = logging.getLogger("codex_runtime.commands")

STOP_BOUND: Final = 10.0
"""Seconds that ending a command may take. 1 to 5 ms were measured, and 2 s where a child of the
command holds its output (fact 202)."""

_ASK_AGAIN: Final = 1.0
"""Seconds after which a command that has not ended is told to once more: it is refused when it has
just ended, and also when it has not quite begun."""

_TIMED_OUT: Final = 124
"""The exit code of a command whose time was up (fact 126)."""


@dataclass(frozen=True, slots=True, repr=False)
class CommandResult:
    """How a command ended.

    Attributes:
        exit_code: Its exit status; 128 and the number of the signal that ended it, if one did.
        stdout_bytes: The beginning of what it wrote to stdout, as bytes.
        stderr_bytes: The same of stderr.
        timed_out: Whether its time was up. The server says so with exit code 124 only (fact 126),
            so a command that exits with 124 itself at the last moment counts too.
        truncated: Whether it wrote more than `stdout_bytes` and `stderr_bytes` hold.
    """

    exit_code: int
    stdout_bytes: bytes = b""
    stderr_bytes: bytes = b""
    timed_out: bool = False
    truncated: bool = False

    @property
    def stdout(self) -> str:
        """`stdout_bytes` as text; what is not UTF-8 is replaced."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """`stderr_bytes` as text; what is not UTF-8 is replaced."""
        return self.stderr_bytes.decode(errors="replace")

    def __repr__(self) -> str:
        # Output may be long, and may hold secrets.
        return (
            f"CommandResult(exit_code={self.exit_code}, stdout={len(self.stdout_bytes)} bytes, "
            f"stderr={len(self.stderr_bytes)} bytes, timed_out={self.timed_out}, "
            f"truncated={self.truncated})"
        )


class Running(ABC):
    """One command. It is also the sink of its events.

    Attributes:
        id: Its name on this connection.
        output: What it writes.
        seconds: The time it has; infinite for no limit.
        started: Set when it runs, or will never run.
        ended: Set when it has ended, or nobody will ever know; then `result` or `error` is there.
        result: How it ended.
        error: Why that is not known, or why it never ran.
    """

    field: ClassVar[str]
    """The field that holds its id in events."""

    noun: ClassVar[str]
    """What it is called in its id."""

    def __init__(self, client: Client, *, seconds: float, output: Output) -> None:
        self.id = new_name(self.noun)
        self.output = output
        self.seconds = seconds
        self.started = anyio.Event()
        self.ended = anyio.Event()
        self.result: CommandResult | None = None
        self.error: CodexRuntimeError | None = None
        self._client = client
        self._told_to_stop = anyio.Event()
        self._begun: float | None = None
        """When the request was sent."""

    # -- what the two families of methods say in their own words

    @abstractmethod
    def start_call(self) -> Call:
        """The request that starts it."""

    @abstractmethod
    def write_call(self, data: str | None, *, close: bool) -> Call:
        """The request that writes `data`, in base64, to its stdin, and may close that."""

    @abstractmethod
    def resize_call(self, rows: int, cols: int) -> Call:
        """The request that changes the size of its terminal."""

    @abstractmethod
    def stop_call(self) -> Call:
        """The request that ends it."""

    @abstractmethod
    async def _confirm(self, peer: Peer, start: Pending) -> None:
        """Wait until it runs. Raises if it never will."""

    @abstractmethod
    async def _exit_code(self, peer: Peer, start: Pending) -> int:
        """Wait until it has ended."""

    @abstractmethod
    def push(self, event: Event, size: int) -> None:
        """Take an event that names it. Called by the reader."""

    # -- as a sink

    @property
    def strained(self) -> bool:
        """Whether so much output waits that the reader should take it easy."""
        return self.output.strained

    def fail(self, error: CodexRuntimeError) -> None:
        """The connection is over, and nothing more is heard of the command (fact 111)."""
        self._settle(error)

    # -- its life

    @property
    def name(self) -> Name:
        """Under which the hub knows it."""
        return self.field, self.id

    def begin(self) -> None:
        """Start it; `started` tells when it runs.

        Raises:
            RuntimeClosed: There is no connection.
            ConnectionLost: Likewise.
        """
        self._client.peer  # noqa: B018 — raises where there is no connection
        self._client.hub.attach(self.name, self)
        self._client.spawn(self._main)

    def stop_soon(self) -> None:
        """Have it ended, within `STOP_BOUND`; `ended` tells when."""
        self._told_to_stop.set()

    async def request(self, call: Call, timeout: float) -> None:
        """Ask something of it."""
        method, params = call
        await self._client.request(method, params, timeout=timeout)

    async def _main(self) -> None:
        outcome: CommandResult | CodexRuntimeError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._guard, tasks.cancel_scope)
            outcome = await self._outcome()
            tasks.cancel_scope.cancel()
        # When the connection ends, this task is cancelled, and `fail` is called.
        if outcome is not None:
            self._settle(outcome)

    async def _outcome(self) -> CommandResult | CodexRuntimeError:
        peer = self._client.peer
        try:
            with ExitStack() as request:
                start = await self._start(peer, request)
                self.started.set()
                return self._result(await self._exit_code(peer, start))
        except CodexRuntimeError as error:
            return error

    async def _start(self, peer: Peer, request: ExitStack) -> Pending:
        method, params = self.start_call()
        encoded = encode(params)
        start: Pending | None = None
        with anyio.move_on_after(self._client.request_timeout):
            # The place is given back once the command runs: it may do so for hours, and 64 such
            # would leave no place for anything else.
            async with peer.in_flight:
                # Whoever left in the very moment in which there was room is told that nothing runs.
                self._check_wanted()
                start = request.enter_context(peer.open(method.method, encoded))
                self._begun = anyio.current_time()
                await self._confirm(peer, start)
                return start
        peer.counters.timeouts += 1
        self.error = RequestTimeout(method.method, self._client.request_timeout)
        if start is None:
            raise self.error
        # It may run all the same, or be about to.
        self.stop_soon()
        return start

    def _check_wanted(self) -> None:
        if self._told_to_stop.is_set() or self.ended.is_set():
            raise _left_early()

    async def _guard(self, everything: anyio.CancelScope) -> None:
        """End it when it is told to, or when its time was up long ago; give up where that fails."""
        # The server counts itself, from its own start of the command; it may also be cut off from it
        # (fact 201).
        with anyio.move_on_after(self.seconds + self._client.request_timeout):
            await self._told_to_stop.wait()
        if self._begun is None:
            self._settle(_left_early())
        else:
            with anyio.move_on_after(STOP_BOUND):
                while True:
                    await self._ask_to_stop()
                    await anyio.sleep(_ASK_AGAIN)
            logger.warning("%s may still run: nothing was heard of its end", self.id)
            self._settle(RequestTimeout(self.stop_call()[0].method, STOP_BOUND))
        everything.cancel()

    async def _ask_to_stop(self) -> None:
        method, params = self.stop_call()
        try:
            with self._client.peer.open(method.method, encode(params)) as answer:
                await answer.wait()
        except RequestRefused as error:
            logger.debug("%s is not there to be ended: %s", self.id, error)
        except CodexRuntimeError as error:
            logger.debug("%s ends with the connection: %s", self.id, error)

    def _result(self, exit_code: int) -> CommandResult:
        if not isinstance(exit_code, int):  # pyright: ignore[reportUnnecessaryIsInstance] — UNSET where the server left it out
            raise RemoteProtocolError(self.start_call()[0].method, "it tells no exit code")
        assert self._begun is not None  # noqa: S101 — it was started
        late = anyio.current_time() - self._begun >= self.seconds
        return CommandResult(
            exit_code,
            self.output.kept("stdout"),
            self.output.kept("stderr"),
            timed_out=exit_code == _TIMED_OUT and late,
            truncated=self.output.truncated,
        )

    def _settle(self, outcome: CommandResult | CodexRuntimeError) -> None:
        if self.ended.is_set():
            return
        if isinstance(outcome, CommandResult):
            self.result = outcome
        else:
            self.error = self.error or outcome
        self._client.hub.detach(self.name)
        self.output.close(None if self.result else self.error)
        self.started.set()
        self.ended.set()

    def _take_delta(self, stream: object, data_base64: object, cap_reached: object) -> None:
        data = _decoded(data_base64)
        if data is None or not isinstance(stream, str):
            self.output.add_unreadable()
            logger.warning("%s: some output cannot be read", self.id)
        else:
            self.output.add(stream, data)
        if cap_reached is True:
            self.output.cut()


def _left_early() -> InvalidArgument:
    fix = "stay in its block until it runs"
    return InvalidArgument("command", "was left before it was started", fix)


def _decoded(data: object) -> bytes | None:
    if not isinstance(data, str):
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
