"""One connection from its start to its certain end."""

from __future__ import annotations

import logging
from importlib import import_module

import anyio

from codex_runtime._broker import Broker
from codex_runtime._client import Client
from codex_runtime._deciding import take_requests
from codex_runtime._handshake import ServerInfo, handshake
from codex_runtime._homes import FirstStart
from codex_runtime._hook_book import callers
from codex_runtime._launch import Greeting, Launch
from codex_runtime._owner import Owner
from codex_runtime._peer import Peer
from codex_runtime._process import ChildProcess
from codex_runtime._redaction import Redactor, secrets_of
from codex_runtime._server_request import decides_now
from codex_runtime.errors import (
    CodexRuntimeError,
    ConnectionLost,
    HandshakeTimeout,
    RequestTimeout,
    RuntimeClosed,
    StartupFailed,
)
from codex_runtime.transports import Connect, Ending, Transport
from codex_runtime.transports.stdio import StdioTransport

__all__ = ["Lifecycle"]

logger = logging.getLogger("codex_runtime.runtime")


class Lifecycle:
    """Opens the connection of a `Client`, and ends it. Everything runs in one task of its own.

    Attributes:
        client: What thread and turn handles work with.
        server_info: What the server said when it was greeted; None before.
        transport: What carries the conversation; None before.
        peer: Who leads it; None before.
        broker: Who has the server's requests decided; None before.
    """

    def __init__(
        self,
        source: Launch | Connect,
        greeting: Greeting,
        *,
        request_timeout: float,
        startup_timeout: float,
        max_in_flight: int,
        remote: bool,
    ) -> None:
        self._source = source
        self._greeting = greeting
        self._startup_timeout = startup_timeout
        self._max_in_flight = max_in_flight
        self.client = Client(
            request_timeout=request_timeout,
            remote=remote,
            experimental=greeting.experimental_api,
        )
        self._owner: Owner | None = None
        self._over = anyio.Event()
        """Set when the connection has ended; post hooks may still be at work."""
        self._closing = False
        self.server_info: ServerInfo | None = None
        self.transport: Transport | None = None
        self.peer: Peer | None = None
        self.broker: Broker | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server, where it is a process of ours."""
        return self.transport.process.pid if isinstance(self.transport, StdioTransport) else None

    @property
    def phase(self) -> str:
        """`opening`, `open` or `closed`."""
        if self._owner is not None and self._owner.ended:
            return "closed"
        return "open" if self.server_info else "opening"

    async def open(self, first_start: FirstStart, process: ChildProcess | None) -> None:
        """Start the server and greet it; see `Runtime.__aenter__`.

        Args:
            first_start: The right to start, waited for where `process` is None.
            process: The server, where it could be started at once.
        """
        if process is not None and isinstance(self._source, Launch):
            self.transport = _over_pipes(process, self._source)
        ready = anyio.Event()
        self._owner = Owner(lambda: self._main(first_start, ready))
        try:
            await ready.wait()
        except BaseException:
            await self.close()
            raise
        if self.server_info is None:
            await self._owner.wait_ended()
            raise self._owner.error or RuntimeClosed("the runtime was closed while it was opened")

    async def close(self) -> None:
        """End the server; see `Runtime.close`."""
        if self._owner is None:
            return
        self._closing = True
        if not self._owner.is_here:
            # Nobody can be waited for on a loop that does not run, and the server must end.
            logger.error("closed on another event loop than it was opened on: server killed")
            if isinstance(self.transport, StdioTransport):
                self.transport.process.kill_now()
            return
        self._owner.stop()
        # An approver or a tool that closes the runtime is a part of what it would wait for.
        with anyio.CancelScope(shield=not decides_now()):
            # A hook that closes the runtime must not wait for what waits for it.
            await (self._over.wait() if callers() else self._owner.wait_ended())
            if self.transport is not None:
                # Done already, unless the loop has ended before `_main` could begin.
                await self.transport.aclose()

    async def wait_closed(self) -> None:
        """Wait for the end, whatever brings it."""
        if self._owner is not None:
            await self._owner.wait_ended()

    async def _main(self, first_start: FirstStart, ready: anyio.Event) -> None:
        patience = anyio.current_time() + self._startup_timeout
        try:
            if self.transport is None:
                self.transport = await self._connect(first_start)
            async with anyio.create_task_group() as lasting:
                self.client.last_with(lasting)
                try:
                    await self._converse(self.transport, first_start, ready, patience)
                finally:
                    self.client.last_with(None)
                    self._over.set()
        finally:
            self._over.set()
            first_start.end(started=False)
            ready.set()

    async def _connect(self, first_start: FirstStart) -> Transport:
        if isinstance(self._source, Launch):
            # Half of the time is left to the server itself.
            await first_start.wait(self._startup_timeout / 2)
            return _over_pipes(self._source.start(), self._source)
        with anyio.move_on_after(self._startup_timeout):
            return await self._source()
        raise HandshakeTimeout(self._startup_timeout)

    async def _converse(
        self, transport: Transport, first_start: FirstStart, ready: anyio.Event, patience: float
    ) -> None:
        self.peer = peer = self._new_peer(transport)
        refused: CodexRuntimeError | None = None
        fault: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:
                self.client.open(peer, tasks)
                tasks.start_soon(_read, peer, tasks.cancel_scope)
                tasks.start_soon(_prepare, peer)
                refused = await self._greet(peer, patience)
                if refused is None:
                    first_start.end(started=True)
                    ready.set()
                    await anyio.sleep_forever()
                tasks.cancel_scope.cancel()
        except Exception as error:
            fault = error
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await transport.aclose()
            ending = transport.ending()
            self.client.close(lambda: self._why_over(ending, fault))
        if self.server_info is None:
            raise _why_not_ready(refused, ending)

    def _new_peer(self, transport: Transport) -> Peer:
        peer = Peer(transport, self.client.hub, max_in_flight=self._max_in_flight)
        self.broker = take_requests(self.client, peer)
        return peer

    async def _greet(self, peer: Peer, patience: float) -> CodexRuntimeError | None:
        left = max(patience - anyio.current_time(), 0.0)
        try:
            self.server_info = await handshake(peer, self._greeting, timeout=left)
        except RequestTimeout:
            return HandshakeTimeout(self._startup_timeout)
        except CodexRuntimeError as error:
            return error
        return None

    def _why_over(self, ending: Ending, fault: Exception | None) -> CodexRuntimeError:
        if self._closing:
            return RuntimeClosed()
        lost = ConnectionLost(ending.exit_code, ending.signal, ending.stderr_tail)
        lost.__cause__ = fault
        return lost


def _over_pipes(process: ChildProcess, launch: Launch) -> StdioTransport:
    return StdioTransport(
        process,
        redact=Redactor(secrets_of(launch.environment)),
        max_frame_bytes=launch.max_frame_bytes,
    )


async def _read(peer: Peer, everything: anyio.CancelScope) -> None:
    await peer.run()
    everything.cancel()


async def _prepare(peer: Peer) -> None:
    """While the server gets ready: import the types, some 30 ms, and what opens threads; make decoders."""
    peer.codec.prepare()
    import_module("codex_runtime._opening")


def _why_not_ready(refused: CodexRuntimeError | None, ending: Ending) -> CodexRuntimeError:
    if isinstance(refused, HandshakeTimeout):
        return HandshakeTimeout(refused.seconds, ending.stderr_tail)
    if refused is not None:
        return refused
    return StartupFailed(ending.exit_code, ending.signal, ending.stderr_tail)
