"""Having a request of the server decided: by hooks, by what can answer by itself, by approvers.

Each request is decided in a task of its own. Whatever goes wrong with whoever decides, the request is
settled in time, and nothing else notices.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

from codex_runtime import protocol
from codex_runtime._broker import Broker
from codex_runtime._feed import feed_of
from codex_runtime._interrupting import interrupt_turn
from codex_runtime._refusing import Reply
from codex_runtime._server_request import (
    DECIDING,
    Deciding,
    RequestDecided,
    RequestState,
    ServerRequest,
)
from codex_runtime._stopping import INTERRUPT_BOUND
from codex_runtime._user_calls import call_alone, traced
from codex_runtime.answers import Allow, Answer, Deny, Later
from codex_runtime.errors import CodexRuntimeError, InvalidAnswer, RequestSettled
from codex_runtime.requests import (
    Approver,
    AuthTokensRefresh,
    CurrentTimeRequest,
    ToolCallRequest,
)

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime._connection import RequestId
    from codex_runtime._feed import TurnFeed
    from codex_runtime._peer import Peer
    from codex_runtime._tool_gating import ToolWatch

__all__ = ["decide", "take_requests"]

logger = logging.getLogger("codex_runtime.approvals")


class Verdict(NamedTuple):
    """Somebody has decided, or failed to.

    Attributes:
        answer: What was answered; None for a refusal.
        by: Who.
        reason: Why it is a refusal.
    """

    answer: Answer | None
    by: str
    reason: str = ""


def take_requests(client: Client, peer: Peer) -> Broker:
    """From now on the requests of this connection are decided."""

    def send(wire_id: RequestId, reply: Reply) -> None:
        if reply.result is not None:
            peer.answer(wire_id, reply.result)
        else:
            peer.refuse(wire_id, reply.code, reply.message)

    def opened(request: ServerRequest) -> None:
        _look_at(client, request)
        client.spawn(decide, client, broker, request)

    def settled(request: ServerRequest, said: RequestDecided, reply: Reply | None) -> None:
        client.deciders.settled(request)
        client.hub.publish(said, 0)
        if reply is not None and reply.ends_turn and request.turn_id:
            client.spawn(_end_turn, client, request)

    def turn_ended(event: Any) -> None:
        broker.turn_ended(event)
        client.items.turn_ended(event)

    broker = client.broker = Broker(
        peer.codec,
        send,
        opened=opened,
        settled=settled,
        decision_timeout=client.deciders.decision_timeout,
    )
    peer.on_request = broker.receive
    hub = client.hub
    hub.observe("serverRequest/resolved", broker.resolved)
    hub.observe("turn/completed", turn_ended)
    _watch_items(client, broker)
    return broker


def _look_at(client: Client, request: ServerRequest) -> None:
    """Put in a request what is known of what it is about."""
    request.held = client.hook_book.in_use
    if request.thread_id and not request.turn_id:
        # An MCP server may ask without codex knowing for which turn.
        request.turn_id = client.hub.active_turn(request.thread_id) or ""
    # Of another machine's folders nothing is known here: what is inside is not, either.
    scope = None if client.remote else client.scope_of(request.thread_id)
    client.items.tell(request, scope)


def _watch_items(client: Client, broker: Broker) -> None:
    """See what requests are about, and have hooks told of tools that were used."""

    def started(event: Any) -> None:
        client.items.started(event)
        if client.hook_book.in_use:
            tools().started(event)

    def completed(event: Any) -> None:
        client.items.completed(event)
        if client.hook_book.in_use:
            tools().completed(event)

    def thread_closed(event: Any) -> None:
        broker.thread_closed(event)
        client.hook_book.drop(event.thread_id)

    @cache
    def tools() -> ToolWatch:
        from codex_runtime._tool_gating import ToolWatch  # noqa: PLC0415 — few have hooks

        return ToolWatch(client)

    client.hub.observe("item/started", started)
    client.hub.observe("item/completed", completed)
    client.hub.observe("thread/closed", thread_closed)


async def _end_turn(client: Client, request: ServerRequest) -> None:
    with suppress(CodexRuntimeError):
        await interrupt_turn(client, request.thread_id, request.turn_id, INTERRUPT_BOUND)


async def decide(client: Client, broker: Broker, request: ServerRequest) -> None:
    """See a request through until it is settled. Cancelled only with the connection.

    Whoever decides does so in a task beside this one, so that neither the deadline nor the clock of
    the turn depends on what becomes of that.
    """
    deciding = Deciding(request)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_have_decided, client, broker, deciding)
            with _clocks_stopped(_asked_of_person(client, request)):
                with anyio.move_on_at(request.deadline):
                    await request.wait_settled()
                broker.expire(request)
            if request.settled_by_decider:
                # It has answered by itself, and may go on for as long as it could have thought.
                tasks.cancel_scope.deadline = request.deadline
            else:
                tasks.cancel_scope.cancel()
    finally:
        deciding.over = True


async def _have_decided(client: Client, broker: Broker, deciding: Deciding) -> None:
    request = deciding.request
    mark = DECIDING.set(deciding)
    try:
        verdict = await _verdict(client, request)
        if request.state is RequestState.OPEN:
            _settle(broker, request, verdict or Verdict(None, "nobody", "nobody has an opinion"))
    except Exception as error:
        # A boundary: whatever is wrong with how it is decided costs this request a refusal.
        logger.exception("deciding about %s failed", request.request_id)
        broker.refuse(request, reason=f"deciding failed with {type(error).__name__}")
    finally:
        DECIDING.reset(mark)


def _settle(broker: Broker, request: ServerRequest, verdict: Verdict) -> None:
    if verdict.answer is None:
        broker.refuse(request, by=verdict.by, reason=verdict.reason)
        return
    try:
        broker.answer(request, verdict.answer, verdict.by)
    except InvalidAnswer as error:
        logger.warning("%s gave an answer that does not fit: %s", verdict.by, error)
        broker.refuse(request, by=verdict.by, reason=f"its answer does not fit: {error}")
    except RequestSettled:
        pass


def _asked_of_person(client: Client, request: ServerRequest) -> list[TurnFeed]:
    """The turns whose time stands still meanwhile: of an agent also those that wait for it."""
    if isinstance(request, ToolCallRequest | AuthTokensRefresh | CurrentTimeRequest):
        return []
    return _feeds(client, request)


def _feeds(client: Client, request: ServerRequest) -> list[TurnFeed]:
    feeds = (feed_of(client.hub, *place) for place in _places(client, request))
    return [feed for feed in feeds if feed is not None]


def _places(client: Client, request: ServerRequest) -> Iterator[tuple[str, str]]:
    """The thread and turn of a request; of an agent's, then those that have started the agent."""
    thread_id, turn_id = request.thread_id, request.turn_id
    seen: set[str] = set()
    while thread_id not in seen:
        seen.add(thread_id)
        yield thread_id, turn_id or client.hub.active_turn(thread_id) or ""
        parent = None if client.holds(thread_id) else client.items.parent_of(thread_id)
        if parent is None:
            return
        thread_id, turn_id = parent, ""


async def _verdict(client: Client, request: ServerRequest) -> Verdict | None:
    forbidden = await _forbidden_by_hooks(client, request)
    if forbidden is not None:
        return forbidden
    match request:
        case CurrentTimeRequest():
            now = protocol.CurrentTimeReadResponse(current_time_at=int(time.time()))
            return Verdict(now, "clock")
        case AuthTokensRefresh() if client.deciders.auth_tokens is not None:
            return await _asked("auth_tokens", client.deciders.auth_tokens, request)
        case ToolCallRequest():
            return await _tool_call(client, request)
        case _:
            return await _approved(client, request)


async def _forbidden_by_hooks(client: Client, request: ServerRequest) -> Verdict | None:
    if not client.hook_book.in_use:
        return None
    from codex_runtime._tool_gating import gate  # noqa: PLC0415 — few have hooks

    try:
        denied, error = await call_alone(gate, client, request)
    finally:
        request.held = False
    if error is not None:
        # Whatever ends a hook is no opinion, a cancellation of its own making among it.
        logger.warning("hooks before the use of a tool failed: %s", traced(error))
        return Verdict(Deny(f"a hook failed with {type(error).__name__}"), "hooks")
    return None if denied is None else Verdict(denied, denied.by)


async def _tool_call(client: Client, request: ToolCallRequest) -> Verdict | None:
    tools = client.live(request.thread_id).tools
    if tools is None or tools.find(request) is None:
        # A tool of a resumed thread that this process does not have (fact 82): at once.
        return Verdict(None, "nobody", "no such tool here")
    by = f"tool {request.tool}"
    request.needs_approval = tools.needs_approval(request)
    if request.needs_approval:
        asked_for = deepcopy(request.params)
        with _clocks_stopped(_feeds(client, request)):
            verdict = await _approved(client, request)
        # What was asked for is what is done, whatever an approver has done to what it was shown.
        request.params = asked_for
        if verdict is None or not isinstance(verdict.answer, Allow):
            return _not_approved(verdict)
        by = f"{by}, allowed by {verdict.by}"
    return Verdict(await tools.answer(request, approved=request.needs_approval), by)


def _not_approved(verdict: Verdict | None) -> Verdict:
    if verdict is None:
        return Verdict(Deny("nobody has approved it"), "nobody")
    # An answer of its own kind, a result say, is one too.
    return verdict if verdict.answer is not None else verdict._replace(answer=Deny(verdict.reason))


@contextmanager
def _clocks_stopped(feeds: list[TurnFeed]) -> Generator[None]:
    """The time of turns stands still while somebody is asked to decide."""
    for feed in feeds:
        feed.wait_begins()
    try:
        yield
    finally:
        for feed in feeds:
            feed.wait_ends()


async def _approved(client: Client, request: ServerRequest) -> Verdict | None:
    """What approvers say, the nearest first; or somebody else, where it is left open."""
    for scope, approver in _approvers(client, request):
        verdict = await _asked(f"{scope} approver {_name_of(approver)}", approver, request)
        if verdict is not None and isinstance(verdict.answer, Later):
            await _left_open(client, request, verdict.answer.timeout)
            return Verdict(None, "nobody", "nobody has answered in the time that was left for it")
        if verdict is not None:
            return verdict
    if client.deciders.listening:
        async with anyio.create_task_group() as either:
            either.start_soon(_left_open, client, request, None, either.cancel_scope)
            await client.deciders.nobody_listens()
            either.cancel_scope.cancel()
    return None


async def _left_open(
    client: Client,
    request: ServerRequest,
    timeout: float | None,
    then: anyio.CancelScope | None = None,
) -> None:
    until = anyio.current_time() + (inf if timeout is None else timeout)
    request.deadline = min(request.deadline, until)
    client.deciders.leave_open(request)
    with anyio.CancelScope(deadline=until):
        await request.wait_settled()
    if then is not None:
        then.cancel()


def _approvers(client: Client, request: ServerRequest) -> Iterator[tuple[str, Approver]]:
    """All who may have an opinion, the nearest first. An agent's are those of whose agent it is."""
    for thread_id, turn_id in _places(client, request):
        feed = feed_of(client.hub, thread_id, turn_id)
        for approver in feed.approvers if feed else ():
            yield "turn", approver
        for approver in client.live(thread_id).approvers if thread_id else ():
            yield "thread", approver
    for approver in client.deciders.approvers:
        yield "runtime", approver


async def _asked(by: str, approver: Approver, request: ServerRequest) -> Verdict | None:
    """What one approver says. One that raises has not said yes: the request is refused then."""
    answer, error = await call_alone(approver, request)
    if error is None:
        return None if answer is None else Verdict(answer, by)
    kind = type(error).__name__
    logger.warning("%s failed: %s", by, traced(error))
    return Verdict(None, by, f"it failed with {kind}")


def _name_of(approver: Any) -> str:
    try:
        return str(getattr(approver, "__name__", type(approver).__name__))
    except Exception:  # noqa: BLE001 — an object of the user's, which may fail at this too
        return type(approver).__name__
