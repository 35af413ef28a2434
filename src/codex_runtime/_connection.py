"""Lines to messages: ids, phases, and what a line is. No I/O, no clock.

Everything that affects the phase of a connection lives here, in one table.
"""

from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from codex_runtime.errors import LocalProtocolError
from codex_runtime.protocol._base import UNREADABLE

__all__ = [
    "TRANSITIONS",
    "UNREADABLE",
    "Connection",
    "Envelope",
    "Kind",
    "Phase",
    "RequestId",
    "RpcError",
    "Step",
    "classify",
    "decode_envelope",
    "decode_refusal",
]

RequestId = int | str
"""An id of the server's is any string or 64-bit integer, 0 and `""` among them."""

W = TypeVar("W")


class Phase(Enum):
    """Where a connection stands."""

    NEW = auto()
    GREETING = auto()
    READY = auto()
    CLOSED = auto()


class Step(Enum):
    """What can happen to a connection."""

    SEND_INITIALIZE = auto()
    SEND_INITIALIZED = auto()
    SEND_OTHER = auto()
    END = auto()


TRANSITIONS: Final[dict[Phase, dict[Step, Phase]]] = {
    Phase.NEW: {Step.SEND_INITIALIZE: Phase.GREETING, Step.END: Phase.CLOSED},
    Phase.GREETING: {
        # The server lets a client whose first greeting it refused try again.
        Step.SEND_INITIALIZE: Phase.GREETING,
        Step.SEND_INITIALIZED: Phase.READY,
        Step.END: Phase.CLOSED,
    },
    Phase.READY: {Step.SEND_OTHER: Phase.READY, Step.END: Phase.CLOSED},
    Phase.CLOSED: {Step.END: Phase.CLOSED},
}
"""Every transition there is; docs/design.md draws its diagram from this table."""

_STEPS: Final = {"initialize": Step.SEND_INITIALIZE, "initialized": Step.SEND_INITIALIZED}


class RpcError(msgspec.Struct, frozen=True):
    """The `error` of an answer."""

    code: int = 0
    message: str = ""
    data: Any = None


class Envelope(msgspec.Struct, rename="camel", gc=False):
    """One line from the server, with what it carries left undecoded."""

    method: str | UnsetType = UNSET
    id: RequestId | UnsetType | None = UNSET
    params: Raw = Raw(b"null")
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    emitted_at_ms: int | None = None


class Kind(Enum):
    """What a message from the server is."""

    NOTIFICATION = auto()
    REQUEST = auto()
    ANSWER = auto()
    REFUSAL = auto()
    NOISE = auto()


decode_envelope = msgspec.json.Decoder(Envelope).decode
"""Bytes of one line to its envelope; raises one of `UNREADABLE` for anything else. Not wrapped in
a function of ours: it is called for every line."""

_decode_error = msgspec.json.Decoder(RpcError).decode


def classify(envelope: Envelope) -> Kind:
    """Tell what a message is. By presence, never by truth: the server's ids start at 0."""
    if envelope.method is not UNSET:
        if envelope.id is UNSET:
            return Kind.NOTIFICATION
        return Kind.NOISE if envelope.id is None else Kind.REQUEST
    if envelope.id is UNSET or envelope.id is None:
        return Kind.NOISE
    if envelope.error is not UNSET and (
        envelope.result is UNSET or bytes(envelope.error) != b"null"
    ):
        return Kind.REFUSAL
    return Kind.NOISE if envelope.result is UNSET else Kind.ANSWER


def decode_refusal(error: Raw) -> RpcError:
    """Decode the `error` of an answer; whatever it is, the answer is a refusal."""
    try:
        return _decode_error(error)
    except UNREADABLE:
        return RpcError(message="the error it sent cannot be read")


def _name(method: str) -> bytes:
    # Encoded like any text: callers may name any method, also one with a quote in it.
    try:
        return msgspec.json.encode(method)
    except UnicodeEncodeError:
        raise LocalProtocolError("cannot send a method whose name is not valid text") from None


class Connection(Generic[W]):
    """The client's side of one JSON-RPC conversation with an app-server.

    Gives out ids, remembers what waits for an answer, and refuses what may not be sent now.
    `W` is whatever the owner keeps for a request that waits.
    """

    __slots__ = ("_next_id", "_open", "phase")

    def __init__(self) -> None:
        self.phase = Phase.NEW
        self._next_id = 1
        self._open: dict[RequestId, W] = {}

    @property
    def open_requests(self) -> int:
        """How many requests wait for an answer."""
        return len(self._open)

    def request(self, method: str, params: bytes, waiter: W) -> tuple[int, bytes]:
        """Open a request; return its id and the bytes to send.

        Args:
            method: The wire name.
            params: Encoded JSON.
            waiter: Handed back by `settle` when the answer is there.

        Raises:
            LocalProtocolError: `method` may not be sent in this phase, or is not valid text.
        """
        name = _name(method)
        self._advance(_STEPS.get(method, Step.SEND_OTHER), method)
        request_id = self._next_id
        self._next_id += 1
        self._open[request_id] = waiter
        return request_id, b'{"id":%d,"method":%b,"params":%b}\n' % (request_id, name, params)

    def notify(self, method: str) -> bytes:
        """The bytes of a notification.

        Raises:
            LocalProtocolError: `method` may not be sent in this phase, or is not valid text.
        """
        name = _name(method)
        self._advance(_STEPS.get(method, Step.SEND_OTHER), method)
        return b'{"method":%b}\n' % name

    def answer(self, request_id: RequestId, result: bytes) -> bytes:
        """The bytes that answer a request of the server."""
        return b'{"id":%b,"result":%b}\n' % (msgspec.json.encode(request_id), result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> bytes:
        """The bytes that refuse a request of the server."""
        error = msgspec.json.encode({"code": code, "message": message})
        return b'{"id":%b,"error":%b}\n' % (msgspec.json.encode(request_id), error)

    def settle(self, request_id: RequestId) -> W | None:
        """Take out what waits for this answer; None where nothing does (late, or never asked)."""
        return self._open.pop(request_id, None)

    def end(self) -> list[W]:
        """Close the conversation; return all that still waits, in the order it was sent."""
        self.phase = TRANSITIONS[self.phase][Step.END]
        waiting = list(self._open.values())
        self._open.clear()
        return waiting

    def _advance(self, step: Step, what: str) -> None:
        try:
            self.phase = TRANSITIONS[self.phase][step]
        except KeyError:
            raise LocalProtocolError(
                f"cannot send {what} while the connection is {self.phase.name.lower()}"
            ) from None
