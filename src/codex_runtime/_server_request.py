"""What all requests of the server have in common, and what is said when one is settled."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias, cast

import anyio

from codex_runtime.answers import Answer
from codex_runtime.protocol import Notification

if TYPE_CHECKING:
    from codex_runtime._connection import RequestId

__all__ = [
    "DECIDING",
    "Deciding",
    "Decision",
    "Desk",
    "RequestDecided",
    "RequestState",
    "ServerRequest",
    "decides_now",
    "text_field",
]


class Deciding:
    """One request while it is being decided.

    Attributes:
        request: Which.
        over: Whether that has ended. What was started by it may go on.
    """

    def __init__(self, request: ServerRequest) -> None:
        """Begin."""
        self.request = request
        self.over = False


DECIDING: Final[ContextVar[Deciding | None]] = ContextVar("codex_runtime_deciding", default=None)
"""What whatever runs now was started for, directly or not."""


def decides_now() -> bool:
    """Whether what runs now is a part of deciding about a request."""
    deciding = DECIDING.get()
    return deciding is not None and not deciding.over


class RequestState(Enum):
    """Where a request of the server stands."""

    OPEN = "open"
    """Nobody has answered yet."""
    ANSWERED = "answered"
    """Somebody has: an approver, a tool, whoever called `respond`."""
    REFUSED = "refused"
    """Nobody wanted to, or who did failed: it got the refusal of its kind."""
    EXPIRED = "expired"
    """Nobody did in time: likewise."""
    WITHDRAWN = "withdrawn"
    """It needs no answer any more: the turn or the connection has ended, or somebody else has
    answered it."""


Decision: TypeAlias = Literal[
    "allowed", "denied", "cancelled", "answered", "refused", "expired", "withdrawn"
]
"""What became of a request. `answered` is for kinds that ask for more than a yes or no."""


class RequestDecided(Notification, frozen=True, kw_only=True):
    """A request of the server is settled. Made here, not by the server, as an event of its thread.

    Holds no contents: neither commands nor answers.

    Attributes:
        thread_id: The thread; empty where the request is about none.
        turn_id: The turn, likewise.
        item_id: The item, likewise.
        request_id: As in `ServerRequest.request_id`.
        request_method: Its wire name.
        decision: What became of it.
        by: Who decided: `turn`, `thread` or `runtime` for an approver of that scope, with its name; a
            hook, a tool, `caller`; `nobody` for a refusal, `server` for what it took back.
        reason: Why, as far as somebody said so, without what has the shape of a secret.
        seconds: How long it was open.
    """

    method: ClassVar[Literal["request/decided"]] = "request/decided"
    thread_id: str
    turn_id: str
    item_id: str
    request_id: str
    request_method: str
    decision: Decision
    by: str
    reason: str
    seconds: float


class Desk(Protocol):
    """Who keeps a request while it is open."""

    def answer(self, request: ServerRequest, answer: Answer | Mapping[str, Any], by: str) -> None:
        """Settle the request with an answer; see `ServerRequest.respond`."""
        ...

    def now(self) -> float:
        """The time, in seconds of some clock that never goes back."""
        ...


class ServerRequest:
    """A request of the server.

    Attributes:
        request_id: Names it in this process: never used twice, not by another connection either.
        wire_id: The id that the server gave it: an integer from 0, or a text.
        method: Its wire name.
        params: What it says, as the type of the protocol for this method; plain data where this
            version does not know the method, or cannot read it.
        thread_id: The thread that it is about; empty where it is about none.
        turn_id: The turn, likewise.
        item_id: The item, likewise.
        deadline: When it is refused, in seconds of the event loop's clock.
        state: Where it stands.
        held: Whether hooks look at it, which may forbid it: until then nobody else is shown it.
        settled_by_decider: Whether whoever was asked to decide has called `respond` itself.
    """

    kind: ClassVar[str] = "request"
    """What people call it."""

    def __init__(
        self,
        desk: Desk,
        request_id: str,
        wire_id: RequestId,
        method: str,
        params: Any,
        *,
        deadline: float,
    ) -> None:
        """Made by the runtime."""
        self._desk = desk
        self.request_id = request_id
        self.wire_id = wire_id
        self.method = method
        self.params: Any = params
        self.thread_id: str = text_field(params, "thread_id") or text_field(
            params, "conversation_id"
        )
        self.turn_id: str = text_field(params, "turn_id")
        self.item_id: str = text_field(params, "item_id") or text_field(params, "call_id")
        self.deadline = deadline
        self.state = RequestState.OPEN
        self.settled_by_decider = False
        self.held = False
        self._settled = anyio.Event()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request_id} of thread {self.thread_id or 'none'}, {self.state.value}>"

    @property
    def seconds_left(self) -> float:
        """Seconds until it is refused; 0 when it is settled."""
        if self.state is not RequestState.OPEN:
            return 0.0
        return max(self.deadline - self._desk.now(), 0.0)

    def respond(self, answer: Answer | Mapping[str, Any], *, by: str = "caller") -> None:
        """Answer it. The first answer counts; it is sent at once.

        May be called from any thread; from another than the event loop's it waits until the loop
        has taken the answer.

        Args:
            answer: One that fits this kind of request. Plain data under wire names is taken for a
                request of a kind that this version does not know.
            by: Who decides, for the audit.

        Raises:
            InvalidAnswer: It does not fit. Nothing was sent; the request is open still.
            RequestSettled: It needs no answer any more: somebody has answered it, it has expired, the
                turn or the connection has ended.
        """
        self._desk.answer(self, answer, by)

    async def wait_settled(self) -> RequestState:
        """Wait until it is settled, and return how. Cancelling stops the wait."""
        await self._settled.wait()
        return self.state

    def note_settled(self, state: RequestState) -> None:
        """Called by the runtime, once.

        Args:
            state: How it was settled.
        """
        self.state = state
        deciding = DECIDING.get()
        self.settled_by_decider = deciding is not None and deciding.request is self
        self._settled.set()


def text_field(params: Any, field: str) -> str:
    """A text among the parameters; empty where there is none."""
    if isinstance(params, dict):
        plain = cast("dict[str, Any]", params)
        found: Any = plain.get(_camel(field))
    else:
        found = getattr(params, field, None)
    return found if isinstance(found, str) else ""


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.title() for word in rest)
