"""One conversation of the fake app-server: messages in and out, requests both ways."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio
import msgspec

from codex_runtime.testing._fake_state import Ticker
from codex_runtime.testing._json import Json
from codex_runtime.transports import Ending, TransportClosed
from codex_runtime.transports.memory import MemoryTransport

if TYPE_CHECKING:
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["Faults", "FromClient", "Question", "Refused", "Wire", "classify"]

INVALID_REQUEST = -32600
"""The code of nearly every refusal of codex (fact 11)."""

NOT_SUPPORTED = -32601
"""The code for what a thread's store cannot do."""

INVALID_PARAMS = -32602
"""The code of some semantic checks."""

INTERNAL_ERROR = -32603
"""The code of what fails inside codex, some refusals among it."""

FromClient: TypeAlias = Json | bytes
"""A message of the client as the fake keeps it: decoded, or as it was when it is no JSON object."""

_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """A request is answered with an error. Never leaves the fake."""

    def __init__(self, message: str, code: int = INVALID_REQUEST, data: object = None) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


@dataclass(eq=False)
class Question:
    """A request to the client, until it is answered or settled without an answer.

    Attributes:
        on_answer: Called with the first answer.
    """

    id: int
    message: bytes
    thread: FakeThread | None
    answer: Json | None = None
    answered: anyio.Event = field(default_factory=anyio.Event)
    on_answer: Callable[[], None] | None = None

    def settle(self, answer: Json) -> None:
        """Take the first answer; later ones are ignored (fact 75)."""
        if self.answer is not None:
            return
        self.answer = answer
        self.answered.set()
        if self.on_answer is not None:
            self.on_answer()


@dataclass
class Faults:
    """What a test wants to go wrong, in every conversation of one fake.

    Attributes:
        silent: Nothing is sent any more.
        held: Requests and notifications that wait, by method; what releases each.
        refusals: The errors that the next requests get, by method.
        answers: What answers a method in place of the fake's own code.
    """

    silent: bool = False
    held: dict[str, list[Callable[[], None]]] = field(
        default_factory=dict[str, list[Callable[[], None]]]
    )
    refusals: dict[str, deque[Refused]] = field(default_factory=dict[str, deque[Refused]])
    answers: dict[str, Callable[[Json], object]] = field(
        default_factory=dict[str, Callable[[Json], object]]
    )


class Wire:
    """The server's end of a conversation."""

    def __init__(self, end: MemoryTransport, ticker: Ticker, faults: Faults) -> None:
        self._end = end
        self._ticker = ticker
        self._faults = faults
        # From 0, as in the real server, where it catches clients that test ids for truth.
        self._ids = itertools.count(0)
        self.opted_out: frozenset[str] = frozenset()
        self.questions: dict[int, Question] = {}

    def send(self, message: bytes) -> None:
        """Send bytes as they are; lost when the client has gone or the fake is silent."""
        if self._faults.silent:
            return
        try:
            self._end.send(message)
        except TransportClosed:
            return

    def result(self, request_id: int | str, result: object) -> None:
        """Answer a request."""
        self.send(_encode({"id": request_id, "result": result}))

    def error(self, request_id: int | str, refused: Refused) -> None:
        """Refuse a request."""
        self.send(_encode({"error": refused.error, "id": request_id}))

    def notify(self, method: str, params: object) -> None:
        """Send a notification, unless the client has opted out of it."""
        if method in self.opted_out:
            return
        stamp = self._ticker.now_ms()
        message = _encode({"method": method, "params": params, "emittedAtMs": stamp})
        waiting = self._faults.held.get(method)
        if waiting is None:
            self.send(message)
        else:
            waiting.append(lambda: self.send(message))

    def ask(self, method: str, params: object, thread: FakeThread | None = None) -> Question:
        """Send a request to the client."""
        number = next(self._ids)
        message = _encode({"method": method, "id": number, "params": params})
        question = Question(number, message, thread)
        self.questions[number] = question
        self.send(message)
        return question

    def answered(self, answer: Json) -> None:
        """Take an answer of the client; one to an unknown question is ignored."""
        number = answer.get("id")
        if isinstance(number, int) and not isinstance(number, bool) and number in self.questions:
            self.questions[number].settle(answer)

    async def receive(self) -> list[bytes]:
        """Wait for what the client sends; an empty list when it has gone."""
        return await self._end.receive()

    def close(self, ending: Ending) -> None:
        """End the conversation: to the client the process has ended like this."""
        self._end.end(ending)


def classify(message: bytes) -> Json | None:
    """Return a message of the client if codex would read it as one (facts 121, 124).

    Raises:
        UnicodeDecodeError: It is not UTF-8, which ends the real server (fact 123).
    """
    try:
        decoded: Any = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        message.decode()
        return None
    if not isinstance(decoded, dict):
        return None
    found = cast("Json", decoded)
    if "id" in found and not _is_id(found["id"]):
        return None
    return found if isinstance(found.get("method", "answer"), str) and found else None


def _is_id(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**63)
