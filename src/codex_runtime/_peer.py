"""Requests and their answers over one transport; everything else is passed on, in wire order.

The reader never awaits anyone: what it does with a message is a plain function call. One await
there, and whatever is awaited would hold back every other thread's events.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import anyio
import msgspec
from msgspec import UNSET, Raw, UnsetType

from codex_runtime._connection import (
    UNREADABLE,
    Connection,
    Envelope,
    Kind,
    Phase,
    RequestId,
    RpcError,
    classify,
    decode_envelope,
    decode_refusal,
)
from codex_runtime._events import Hub
from codex_runtime._outgoing import encode
from codex_runtime._parking import Parking
from codex_runtime._refusal_table import refusal_error
from codex_runtime.errors import (
    CodexRuntimeError,
    RemoteProtocolError,
    RequestTimeout,
    RuntimeClosed,
)
from codex_runtime.protocol import Method
from codex_runtime.protocol.codec import Codec
from codex_runtime.transports import Transport, TransportClosed

__all__ = ["Counters", "Peer", "Pending"]

logger = logging.getLogger("codex_runtime.peer")

P = TypeVar("P")
R = TypeVar("R")

_EASY_PACE: Final = 20 * 2**20
"""Bytes a second that are read while some consumer is strained: three times what the fastest server
was seen to send (28,000 deltas of 205 bytes a second, fact 120), so only a consumer asleep under an
artificial flood makes a difference."""

_PACED: Final = 2**16
"""Bytes after which the reader rests, for 3 ms: less would be less than a loop's clock can tell, and
answers, which are small, are not to be held up for a consumer that merely rests."""

_LONGEST_REST: Final = 0.05
"""Seconds: what a whole read of 1 MiB is worth. One line may be far longer, but everybody waits."""

_METHOD_NOT_FOUND: Final = -32601

Answer: TypeAlias = Raw | CodexRuntimeError


@dataclass
class Counters:
    """What went over one connection."""

    requests: int = 0
    refusals: int = 0
    timeouts: int = 0
    notifications: int = 0
    server_requests: int = 0
    malformed: int = 0
    late_answers: int = 0


class Pending:
    """A request that was sent, until its answer is there.

    Attributes:
        method: Its wire name.
        params: What was asked, as it was sent.
    """

    __slots__ = ("_answer", "_parking", "method", "params")

    def __init__(self, method: str, params: bytes) -> None:
        self.method, self.params = method, params
        self._answer: Answer | None = None
        self._parking = Parking()

    @property
    def answered(self) -> bool:
        """Whether the answer is there, in the order of the wire: before what came after it."""
        return self._answer is not None

    def settle(self, answer: Answer) -> None:
        """Called by the reader, once."""
        self._answer = answer
        self._parking.wake()

    async def wait(self) -> Raw:
        """Wait for the result, as it came. Cancelling loses nothing: wait again. For one task.

        Raises:
            RequestRefused: The server answered with an error; one of its kinds, if it is known.
            InputTooLarge: It says so.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime was closed.
        """
        while self._answer is None:
            await self._parking.wait()
        if isinstance(self._answer, CodexRuntimeError):
            raise self._answer
        return self._answer


class Peer:
    """Speaks JSON-RPC over a transport and publishes what the server tells on its own.

    Attributes:
        counters: What went over this connection so far.
        codec: Decodes what the server sends.
        codex_version: Of the server, once it is known.
        on_request: Called with each request of the server: its id, method and parameters. Without
            it they are refused.
        in_flight: To hold while a request is in flight. `call` does; whoever uses `open` must.
    """

    def __init__(self, transport: Transport, hub: Hub, *, max_in_flight: int) -> None:
        self.counters = Counters()
        self.codec = Codec(on_issue=_report_issue)
        self.codex_version: str | None = None
        self.on_request: Callable[[RequestId, str, Raw], None] | None = None
        self._transport = transport
        self._hub = hub
        self._connection: Connection[Pending] = Connection()
        # Beyond about 128 requests in flight the server leaves some without any answer
        # (fact 115), so the rest wait here, in order.
        self.in_flight = anyio.Semaphore(max_in_flight, fast_acquire=True)
        self._end_reason: Callable[[], CodexRuntimeError] = RuntimeClosed

    @property
    def open_requests(self) -> int:
        """How many requests wait for an answer."""
        return self._connection.open_requests

    async def run(self) -> None:
        """Read until the far side ends. Cancelling stops it."""
        async with anyio.create_task_group() as duties:
            duties.start_soon(self._transport.serve)
            read = 0
            while batch := await self._transport.receive():
                self._dispatch(batch)
                if not self._hub.strained:
                    read = 0
                elif (read := read + sum(map(len, batch))) >= _PACED:
                    await anyio.sleep(min(read / _EASY_PACE, _LONGEST_REST))
                    read = 0
            duties.cancel_scope.cancel()

    def end(self, reason: Callable[[], CodexRuntimeError]) -> None:
        """Settle all that waits, and refuse what comes, with an error made by `reason`."""
        self._end_reason = reason
        for pending in self._connection.end():
            pending.settle(reason())

    async def request(self, method: Method[P, R], params: P, *, timeout: float) -> R:
        """Send a typed request and wait for its typed result.

        Cancelling stops the wait, not the server: it may still act on the request.

        Args:
            method: From `codex_runtime.protocol.methods`.
            params: Of the method's own type.
            timeout: Seconds, waiting for one's turn among the requests in flight included.

        Raises:
            RequestRefused: The server answered with an error.
            RequestTimeout: It did not answer in time.
            RemoteProtocolError: Its answer is something else altogether.
            ConnectionLost: It went away.
            UnsendableValue: `params` holds something that has no form in JSON.
        """
        result = await self.call(method.method, encode(params), timeout=timeout)
        return self.codec.result(method, result)

    async def call(self, method: str, params: bytes, *, timeout: float) -> Raw:
        """Send a request given as bytes; wait for its result, undecoded. See `request`."""
        with anyio.move_on_after(timeout):
            await self.in_flight.acquire()
            try:
                request_id, pending = self._ask(method, params)
                try:
                    return await pending.wait()
                finally:
                    self._connection.settle(request_id)
            finally:
                self.in_flight.release()
        self.counters.timeouts += 1
        raise RequestTimeout(method, timeout)

    async def call_plain(self, method: str, params: bytes, *, timeout: float) -> Any:
        """Send a request given as bytes; wait for its result as plain data. See `request`."""
        result = await self.call(method, params, timeout=timeout)
        try:
            return msgspec.json.decode(result)
        except UNREADABLE:
            # Without the cause: its text may hold a part of the payload.
            raise RemoteProtocolError(method, "it cannot be read") from None

    @contextmanager
    def open(self, method: str, params: bytes) -> Generator[Pending]:
        """Send a request at once; the body may wait for its answer as often as it likes.

        Does not queue for a place among those in flight, so that what stops a turn never has to wait behind
        hung requests.
        """
        request_id, pending = self._ask(method, params)
        try:
            yield pending
        finally:
            self._connection.settle(request_id)

    def _ask(self, method: str, params: bytes) -> tuple[int, Pending]:
        pending = Pending(method, params)
        try:
            request_id, message = self._connection.request(method, params, pending)
        except CodexRuntimeError:
            if self._connection.phase is Phase.CLOSED:
                raise self._end_reason() from None
            raise
        self._send(message)
        self.counters.requests += 1
        return request_id, pending

    def notify(self, method: str) -> None:
        """Send a notification that has no parameters."""
        self._send(self._connection.notify(method))

    def _send(self, message: bytes) -> None:
        try:
            self._transport.send(message)
        except TransportClosed:
            # The reader is about to see the end too, and settles everything with the reason.
            logger.debug("the transport has ended; a message of %d bytes was dropped", len(message))

    def _dispatch(self, lines: list[bytes]) -> None:
        counters, notification, publish = (
            self.counters,
            self.codec.notification,
            self._hub.publish,
        )
        for line in lines:
            try:
                envelope = decode_envelope(line)
                if envelope.id is not UNSET or envelope.method is UNSET:
                    event = None
                else:
                    event = notification(envelope.method, envelope.params, envelope.emitted_at_ms)
            except UNREADABLE as error:
                self._drop(line, error)
                continue
            if event is None:
                self._dispatch_other(envelope)
            else:
                counters.notifications += 1
                publish(event, len(line))

    def _dispatch_other(self, envelope: Envelope) -> None:
        match classify(envelope):
            case Kind.ANSWER:
                self._settle(envelope, _present(envelope.result))
            case Kind.REFUSAL:
                self.counters.refusals += 1
                self._settle(envelope, decode_refusal(_present(envelope.error)))
            case Kind.REQUEST:
                self._take(envelope)
            case Kind.NOTIFICATION | Kind.NOISE:
                self.counters.malformed += 1

    def _settle(self, envelope: Envelope, answer: Raw | RpcError) -> None:
        assert envelope.id is not UNSET and envelope.id is not None  # noqa: S101, PT018 — classified
        pending = self._connection.settle(envelope.id)
        if pending is None:
            self.counters.late_answers += 1
        elif isinstance(answer, RpcError):
            version = self.codex_version
            pending.settle(refusal_error(pending.method, answer, pending.params, version))
        else:
            pending.settle(answer)

    def _take(self, envelope: Envelope) -> None:
        assert envelope.id is not UNSET and envelope.id is not None  # noqa: S101, PT018 — classified
        assert envelope.method is not UNSET  # noqa: S101 — classified
        self.counters.server_requests += 1
        if self.on_request is not None:
            self.on_request(envelope.id, envelope.method, envelope.params)
        else:
            self.refuse(
                envelope.id, _METHOD_NOT_FOUND, f"this client does not answer {envelope.method}"
            )

    def answer(self, request_id: RequestId, result: bytes) -> None:
        """Answer a request of the server."""
        self._send(self._connection.answer(request_id, result))

    def refuse(self, request_id: RequestId, code: int, message: str) -> None:
        """Answer a request of the server with an error."""
        self._send(self._connection.refuse(request_id, code, message))

    def _drop(self, line: bytes, error: Exception) -> None:
        if not line.strip():
            return
        self.counters.malformed += 1
        # Never its content: nobody knows what it is.
        logger.warning("dropped a line of %d bytes that is no message: %s", len(line), error)


def _present(value: Raw | UnsetType) -> Raw:
    return Raw(b"null") if value is UNSET else value


def _report_issue(method: str, problem: str) -> None:
    logger.warning("%s is not quite as this version knows it: %s", method, problem)
