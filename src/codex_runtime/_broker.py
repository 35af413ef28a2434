"""The requests of the server, from when they come until they are settled, each exactly once."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from enum import Enum, auto
from threading import get_ident
from typing import Any, Final, TypeAlias
from uuid import uuid4

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token
from msgspec import Raw

from codex_runtime._answering import reply_to
from codex_runtime._connection import UNREADABLE, RequestId
from codex_runtime._redaction import Redactor
from codex_runtime._refusing import Reply, refusal_of
from codex_runtime._server_request import Decision, RequestDecided, RequestState, ServerRequest
from codex_runtime.answers import Answer, Later
from codex_runtime.errors import InvalidAnswer, RequestNotFound, RequestSettled
from codex_runtime.protocol import UnknownServerRequest
from codex_runtime.protocol.codec import Codec
from codex_runtime.requests import REQUEST_TYPES, UnknownRequest

__all__ = ["TRANSITIONS", "Broker", "Step"]

logger = logging.getLogger("codex_runtime.approvals")

_OWN_TIMEOUTS: Final = {
    # The server waits for 10 seconds, and 0.1 for an attestation (facts 323 to 325).
    "account/chatgptAuthTokens/refresh": 9.0,
    "attestation/generate": 9.0,
    "currentTime/read": 9.0,
    # A tool has a time of its own; this is the bound behind it.
    "item/tool/call": 3_600.0,
}
"""Seconds that requests may take which no person decides."""

_KEPT_REPLIES: Final = 1_024
"""Replies that are kept, for requests that the server asks again."""

_redact: Final = Redactor()
"""Takes what has the shape of a secret out of reasons, which may quote one."""

_INVALID_PARAMS: Final = -32602


_Asked: TypeAlias = tuple[str, bytes]
"""The method and the parameters of a request, as they came."""


class Step(Enum):
    """What can happen to a request of the server."""

    ANSWER = auto()
    REFUSE = auto()
    EXPIRE = auto()
    WITHDRAW = auto()


TRANSITIONS: Final[dict[RequestState, dict[Step, RequestState]]] = {
    RequestState.OPEN: {
        Step.ANSWER: RequestState.ANSWERED,
        Step.REFUSE: RequestState.REFUSED,
        Step.EXPIRE: RequestState.EXPIRED,
        Step.WITHDRAW: RequestState.WITHDRAWN,
    },
    RequestState.ANSWERED: {},
    RequestState.REFUSED: {},
    RequestState.EXPIRED: {},
    RequestState.WITHDRAWN: {},
}
"""Every transition there is: a request is settled once. docs/design.md draws its diagram from it."""


class Broker:
    """The requests of one connection.

    Attributes:
        decisions: How many requests were settled in which way.
    """

    def __init__(
        self,
        codec: Codec,
        send: Callable[[RequestId, Reply], None],
        *,
        opened: Callable[[ServerRequest], None],
        settled: Callable[[ServerRequest, RequestDecided, Reply | None], None],
        decision_timeout: float,
    ) -> None:
        """Begin.

        Args:
            codec: Reads what is asked.
            send: Sends a reply.
            opened: Called with each request that comes, by the reader. Has it decided.
            settled: Called when one is settled, with what is said of that, and what was sent.
            decision_timeout: Seconds that a person may take.
        """
        self._codec = codec
        self._send = send
        self._on_opened = opened
        self._on_settled = settled
        self._decision_timeout = decision_timeout
        self._name = f"req-{uuid4().hex[:8]}"
        self._open: dict[RequestId, ServerRequest] = {}
        self._asked: dict[RequestId, _Asked] = {}
        """What was asked under an id that is open."""
        self._by_name: dict[str, ServerRequest] = {}
        self._began: dict[str, float] = {}
        self._replies: OrderedDict[RequestId, tuple[_Asked, Reply]] = OrderedDict()
        self._settled: OrderedDict[str, tuple[str, RequestState]] = OrderedDict()
        """The method and the end of what was settled last, by name."""
        self._count = 0
        self._thread, self._loop = get_ident(), current_token()
        self.decisions: Counter[str] = Counter()

    @property
    def pending(self) -> tuple[ServerRequest, ...]:
        """The open requests, in the order in which they came, but for those that hooks look at."""
        return tuple(each for each in self._open.values() if not each.held)

    @property
    def open_count(self) -> int:
        """How many requests are open, those among them that hooks look at."""
        return len(self._open)

    def find(self, request_id: str) -> ServerRequest:
        """An open request by its name.

        Raises:
            RequestNotFound: There is none.
            RequestSettled: It was settled a short while ago.
        """
        found = self._by_name.get(request_id)
        if found is None:
            method, state = self._settled.get(request_id, ("", None))
            if state is not None:
                raise RequestSettled(request_id, method, state.value)
            raise RequestNotFound(request_id)
        return found

    def now(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return anyio.current_time()

    def receive(self, wire_id: RequestId, method: str, params: Raw) -> None:
        """Take a request. Called by the reader."""
        asked = (method, bytes(params))
        if wire_id in self._open:
            if self._asked[wire_id] == asked:
                # Again, since the thread was resumed (fact 318): it is being decided already.
                return
            self._settle(self._open[wire_id], Step.WITHDRAW, None, "server", "another took its id")
        before, replied = self._replies.get(wire_id, (None, None))
        if replied is not None and before == asked:
            self._send(wire_id, replied)
            return
        try:
            read = self._codec.server_request(method, params)
        except UNREADABLE:
            self._send(wire_id, Reply("refused", code=_INVALID_PARAMS, message="no JSON"))
            self.decisions["refused"] += 1
            return
        request = self._made(wire_id, method, read)
        self._open[wire_id] = self._by_name[request.request_id] = request
        self._asked[wire_id] = asked
        self._began[request.request_id] = self.now()
        self._on_opened(request)

    def _made(self, wire_id: RequestId, method: str, read: Any) -> ServerRequest:
        kind: type[ServerRequest] = REQUEST_TYPES.get(method, UnknownRequest)
        seconds = _OWN_TIMEOUTS.get(method, self._decision_timeout)
        if isinstance(read, UnknownServerRequest):
            kind, read = UnknownRequest, read.params
        self._count += 1
        name = f"{self._name}-{self._count}"
        return kind(self, name, wire_id, method, read, deadline=self.now() + seconds)

    def answer(self, request: ServerRequest, answer: Answer | Mapping[str, Any], by: str) -> None:
        """Settle a request with an answer.

        Raises:
            InvalidAnswer: It does not fit. The request is open still.
            RequestSettled: It is settled already.
        """
        if get_ident() != self._thread:
            # The rest is for the event loop alone. Its thread is where this runs then.
            from_thread.run_sync(self.answer, request, answer, by, token=self._loop)
            return
        self._check_open(request)
        if isinstance(answer, Later):
            raise InvalidAnswer(
                "answer", "is Later", "only an approver can say that", request.request_id
            )
        self._settle(request, Step.ANSWER, reply_to(request, answer), by)

    def refuse(self, request: ServerRequest, *, by: str = "nobody", reason: str = "") -> None:
        """Settle a request with the refusal of its kind; does nothing if it is settled."""
        if request.state is RequestState.OPEN:
            reply = refusal_of(request)._replace(reason=reason)
            self._settle(request, Step.REFUSE, reply, by)

    def expire(self, request: ServerRequest) -> None:
        """The same, since nobody has decided in time."""
        if request.state is RequestState.OPEN:
            reply = refusal_of(request)._replace(decision="expired")
            self._settle(request, Step.EXPIRE, reply, "nobody")

    def resolved(self, event: Any) -> None:
        """`serverRequest/resolved`: somebody has answered it, or nobody needs to any more."""
        request = self._open.get(event.request_id)
        if request is not None:
            self._settle(request, Step.WITHDRAW, None, "server", "resolved elsewhere")

    def turn_ended(self, event: Any) -> None:
        """`turn/completed`."""
        turn_id = event.turn.id if event.turn else ""
        ended = (event.thread_id, turn_id)
        self._withdraw_all(
            lambda request: bool(turn_id) and (request.thread_id, request.turn_id) == ended,
            "the turn has ended",
        )

    def thread_closed(self, event: Any) -> None:
        """`thread/closed`."""
        self._withdraw_all(
            lambda request: request.thread_id == event.thread_id, "the thread was closed"
        )

    def end(self) -> None:
        """The connection has ended."""
        self._withdraw_all(lambda _: True, "the connection has ended")

    def _withdraw_all(self, concerned: Callable[[ServerRequest], bool], reason: str) -> None:
        for request in [each for each in self._open.values() if concerned(each)]:
            self._settle(request, Step.WITHDRAW, None, "server", reason)

    def _settle(
        self, request: ServerRequest, step: Step, reply: Reply | None, by: str, reason: str = ""
    ) -> None:
        state = TRANSITIONS[request.state][step]
        decision: Decision = "withdrawn" if reply is None else reply.decision
        said = RequestDecided(
            thread_id=request.thread_id,
            turn_id=request.turn_id,
            item_id=request.item_id,
            request_id=request.request_id,
            request_method=request.method,
            decision=decision,
            by=by,
            reason=_redact(reason or (reply.reason if reply else "")),
            seconds=self.now() - self._began[request.request_id],
        )
        # Nothing can fail from here on: what is sent is noted.
        del self._open[request.wire_id], self._by_name[request.request_id]
        del self._began[request.request_id]
        asked = self._asked.pop(request.wire_id)
        if reply is not None:
            self._remember(request.wire_id, asked, reply)
            self._send(request.wire_id, reply)
        self._settled[request.request_id] = request.method, state
        if len(self._settled) > _KEPT_REPLIES:
            self._settled.popitem(last=False)
        request.note_settled(state)
        self.decisions[decision] += 1
        _log(said)
        self._on_settled(request, said, reply)

    def _remember(self, wire_id: RequestId, asked: _Asked, reply: Reply) -> None:
        self._replies[wire_id] = asked, reply
        while len(self._replies) > _KEPT_REPLIES:
            self._replies.popitem(last=False)

    def _check_open(self, request: ServerRequest) -> None:
        if request.state is not RequestState.OPEN:
            raise RequestSettled(request.request_id, request.method, request.state.value)


def _log(said: RequestDecided) -> None:
    logger.info(
        "%s: %s (%s) of thread %s by %s after %.2f s%s",
        said.decision,
        _in_one_line(said.request_method),
        said.request_id,
        _in_one_line(said.thread_id) or "none",
        _in_one_line(said.by),
        said.seconds,
        f": {_in_one_line(said.reason)}" if said.reason else "",
    )


def _in_one_line(text: str) -> str:
    """A text that others have chosen, which must not pass for a record of its own."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
