"""A request of the server is settled once, in time, by whoever comes first; in virtual time."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import anyio
import pytest
from runtime.request_support import COMMAND, PARAMS, ask, asking
from runtime.support import Server, settled

from codex_runtime import RuntimeClosed, TurnTimedOut
from codex_runtime.answers import (
    Allow,
    Answers,
    AuthTokens,
    Deny,
    ElicitationAnswer,
    GrantPermissions,
    Later,
)
from codex_runtime.errors import InvalidAnswer, RequestNotFound, RequestSettled
from codex_runtime.protocol import (
    AdditionalFileSystemPermissions,
    AdditionalNetworkPermissions,
    CommandExecutionRequestApprovalResponse,
    Event,
    GrantedPermissionProfile,
    McpServerElicitationRequestResponse,
)
from codex_runtime.requests import RequestDecided, RequestState, ServerRequest

pytestmark = pytest.mark.virtual_time

PATCH, PERMISSIONS, QUESTIONS, FORM, TOOL = list(PARAMS)[1:6]


def says(answer: Any) -> Any:
    async def approver(_: ServerRequest) -> Any:
        return answer

    return approver


later = says(Later())


async def hang(_: ServerRequest) -> None:
    await anyio.sleep_forever()


# -- answers from anywhere


async def test_what_an_approver_leaves_open_can_be_answered_from_anywhere(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await anyio.sleep(1)
        (request,) = thread.runtime.pending_requests()
        request.respond(Allow())
        assert await request.wait_settled() is RequestState.ANSWERED
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "accept"}}]
        assert thread.runtime.pending_requests() == ()


async def test_requests_that_nobody_decides_come_to_whoever_listens(server: Server) -> None:
    async with asking(server) as (thread, _, ids):
        requests = thread.runtime.requests()
        ask(server, ids)
        async for request in requests:
            request.respond(Allow())
            break
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "accept"}}]
        del requests
        ask(server, ids, id=1)
        await settled()
        assert server.answers()[1]["result"] == {"decision": "decline"}


async def test_listening_ends_with_its_block_and_with_the_runtime(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        async with thread.runtime.requests() as requests:
            # What was left open before is there too.
            assert (await anext(requests)).wire_id == 0
        with pytest.raises(StopAsyncIteration):
            await anext(requests)
        others = thread.runtime.requests()
    assert [each async for each in others] == []
    with pytest.raises(RuntimeClosed):
        thread.runtime.requests()


async def test_a_request_can_be_answered_by_its_name(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        name = thread.runtime.pending_requests()[0].request_id
        async with Server().runtime() as other:
            with pytest.raises(RequestNotFound):
                other.respond(name, Allow())
        with pytest.raises(RequestNotFound):
            thread.runtime.respond("0", Allow())
        thread.runtime.respond(name, Deny())
        with pytest.raises(RequestSettled):
            thread.runtime.respond(name, Allow())
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]


async def test_an_answer_counts_once(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        (request,) = thread.runtime.pending_requests()
        request.respond(Deny())
        with pytest.raises(RequestSettled) as caught:
            request.respond(Allow())
        assert caught.value.state == "answered"
        await settled()
        assert len(server.answers()) == 1


GRANTS_TOO_MUCH = GrantPermissions(
    GrantedPermissionProfile(file_system=AdditionalFileSystemPermissions(write=["/data", "/etc"]))
)
RELATIVE = GrantPermissions(
    GrantedPermissionProfile(file_system=AdditionalFileSystemPermissions(write=["data"]))
)

READS = GrantPermissions(
    GrantedPermissionProfile(file_system=AdditionalFileSystemPermissions(read=["/data"]))
)
WITH_NETWORK = GrantPermissions(
    GrantedPermissionProfile(network=AdditionalNetworkPermissions(enabled=True))
)

MISFITS: list[tuple[str, Any, str]] = [
    (COMMAND, Answers({}), "Answers"),
    (COMMAND, Later(), "Later"),
    (COMMAND, None, "NoneType"),
    (COMMAND, True, "bool"),
    (COMMAND, {"decision": "accept"}, "dict"),
    (COMMAND, CommandExecutionRequestApprovalResponse(decision="approved"), "does not know"),
    (PERMISSIONS, GRANTS_TOO_MUCH, "write /etc"),
    (PERMISSIONS, RELATIVE, "write data"),
    (PERMISSIONS, GrantPermissions({"write": ["/"]}), "dict"),  # type: ignore[arg-type]  # the misfit
    (QUESTIONS, Allow(), "Allow"),
    (QUESTIONS, Answers({"size": "big"}), "size"),
    (QUESTIONS, Answers({"colour": 5}), "colour"),  # type: ignore[dict-item]  # the misfit
    (QUESTIONS, Answers({"colour": [5]}), "colour"),  # type: ignore[list-item]  # the misfit
    (PERMISSIONS, READS, "read /data"),
    (PERMISSIONS, WITH_NETWORK, "the network"),
    (FORM, McpServerElicitationRequestResponse(action="accept", content={"zzz": 1}), "name"),
    (FORM, ElicitationAnswer({"name": ""}), "length"),
    (FORM, Allow(), "name"),
    (FORM, ElicitationAnswer({"name": 5}), "name"),
    (FORM, ElicitationAnswer({"name": "a", "age": 5}), "age"),
    (FORM, ElicitationAnswer({"name": "a"}, for_session=True), "session"),
    ("test/new", Allow(), "Allow"),
    ("test/new", {"value": float("nan")}, "value"),
]


@pytest.mark.parametrize(("method", "answer", "told"), MISFITS)
async def test_an_answer_that_does_not_fit_is_refused_here_and_can_be_corrected(
    server: Server, method: str, answer: Any, told: str
) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids, method)
        await settled()
        (request,) = thread.runtime.pending_requests()
        with pytest.raises(InvalidAnswer) as caught:
            request.respond(answer)
        assert told in str(caught.value)
        assert caught.value.request_id == request.request_id
        assert server.answers() == []
        request.respond(Deny())
        await settled()
        assert len(server.answers()) == 1


# -- in time


async def test_a_request_that_nobody_decides_in_time_is_refused(server: Server) -> None:
    async with asking(server, approve=later, decision_timeout=30) as (thread, turn, ids):
        ask(server, ids)
        await anyio.sleep(29)
        (request,) = thread.runtime.pending_requests()
        assert 0 < request.seconds_left <= 1
        await anyio.sleep(2)
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]
        assert request.state is RequestState.EXPIRED
        assert request.seconds_left == 0
        with pytest.raises(RequestSettled):
            request.respond(Allow())
        assert turn.status == "inProgress"


async def test_an_approver_that_hangs_is_given_up(server: Server) -> None:
    async with asking(server, approve=hang, decision_timeout=5) as (_, _, ids):
        ask(server, ids)
        await anyio.sleep(6)
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]


async def test_a_time_of_its_own_ends_what_is_left_open(server: Server) -> None:
    async with asking(server, approve=says(Later(3))) as (_, _, ids):
        ask(server, ids)
        await anyio.sleep(4)
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]


@pytest.mark.parametrize("method", list(PARAMS)[:5])
async def test_waiting_for_a_decision_does_not_use_up_the_time_of_the_turn(
    server: Server, method: str
) -> None:
    async with asking(server, of_turn={"timeout": 100}, approve=later) as (thread, turn, ids):
        await anyio.sleep(60)
        ask(server, ids, method)
        await anyio.sleep(500)
        assert turn.status == "inProgress"
        thread.runtime.pending_requests()[0].respond(Deny())
        await anyio.sleep(30)
        assert turn.status == "inProgress"
        with pytest.raises(TurnTimedOut):
            await turn.result()


async def test_a_decision_that_came_starts_the_clock_again_whatever_the_approver_does(
    server: Server,
) -> None:
    async def decide(request: ServerRequest) -> None:
        request.respond(Allow())
        await anyio.sleep_forever()

    async with asking(server, of_turn={"timeout": 100}, approve=decide) as (_, turn, ids):
        ask(server, ids)
        await anyio.sleep(90)
        assert turn.status == "inProgress"
        await anyio.sleep(20)
        assert turn.status == "interrupted"


async def test_an_approver_that_cannot_be_cancelled_holds_up_no_request_and_no_turn(
    server: Server,
) -> None:
    async def decide(_: ServerRequest) -> Allow:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(1_000)
        return Allow()

    async with asking(server, of_turn={"timeout": 100}, approve=decide, decision_timeout=5) as (
        _,
        turn,
        ids,
    ):
        ask(server, ids)
        await anyio.sleep(6)
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]
        await anyio.sleep(101)
        assert turn.status == "interrupted"


async def test_the_time_of_a_turn_stands_still_while_its_agent_is_asked_about(
    server: Server,
) -> None:
    async with asking(server, of_turn={"timeout": 100, "approve": later}) as (thread, turn, ids):
        agent = {"type": "collabAgentToolCall", "id": "s1", "receiverThreadIds": ["agent-1"]}
        server.item("started", *ids, **agent, tool="spawnAgent", senderThreadId=ids[0])
        ask(server, ("agent-1", "turn-of-agent"))
        await anyio.sleep(300)
        assert turn.status == "inProgress"
        thread.runtime.pending_requests()[0].respond(Deny())
        await anyio.sleep(101)
        assert turn.status == "interrupted"


async def test_nobody_listens_any_more_so_it_is_refused(server: Server) -> None:
    async with asking(server) as (thread, _, ids):
        async with thread.runtime.requests() as requests:
            ask(server, ids)
            await anext(requests)
            assert server.answers() == []
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}]


async def test_a_question_of_a_server_without_a_turn_belongs_to_the_one_that_runs(
    server: Server,
) -> None:
    async with asking(server, of_turn={"approve": says(Deny("mine"))}) as (_, turn, ids):
        params = {**PARAMS[FORM], "threadId": ids[0], "turnId": None}
        server.say(id=0, method=FORM, params=params)
        await server.answered()
        server.complete(*ids)
        decided = [event async for event in turn if isinstance(event, RequestDecided)]
        assert [event.by for event in decided] == ["turn approver approver"]


# -- asked again, taken back


async def test_an_id_that_is_used_again_is_another_question(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        (first,) = thread.runtime.pending_requests()
        ask(server, ids, command="/bin/bash -lc 'rm -rf /'")
        await settled()
        assert first.state is RequestState.WITHDRAWN
        (second,) = thread.runtime.pending_requests()
        second.respond(Deny())
        ask(server, ids, PATCH)
        await settled()
        (third,) = thread.runtime.pending_requests()
        assert third.method == PATCH
        third.respond(Deny())
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "decline"}}] * 2


async def test_a_request_that_is_asked_again_is_decided_once(server: Server) -> None:
    asked: list[ServerRequest] = []

    async def decide(request: ServerRequest) -> Later:
        asked.append(request)
        return Later()

    async with asking(server, approve=decide) as (_, _, ids):
        ask(server, ids)
        ask(server, ids)
        await anyio.sleep(1)
        assert len(asked) == 1
        asked[0].respond(Allow())
        ask(server, ids)
        await anyio.sleep(1)
        # The same answer once more, in case the first one was not heard.
        assert server.answers() == [{"id": 0, "result": {"decision": "accept"}}] * 2
        assert len(asked) == 1


async def test_what_was_answered_elsewhere_is_withdrawn(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        (request,) = thread.runtime.pending_requests()
        server.tell("serverRequest/resolved", threadId=ids[0], requestId=0)
        assert await request.wait_settled() is RequestState.WITHDRAWN
        assert server.answers() == []
        with pytest.raises(RequestSettled):
            request.respond(Allow())


@pytest.mark.parametrize("end", ["turn", "thread", "connection", "runtime"])
async def test_what_ends_takes_its_requests_with_it(server: Server, end: str) -> None:
    gone = anyio.Event()

    async def decide(_: ServerRequest) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            gone.set()

    async with asking(server, approve=decide) as (thread, _, ids):
        ask(server, ids)
        ask(server, (ids[0], "another"), id=1)
        await settled()
        first, other = thread.runtime.pending_requests()
        match end:
            case "turn":
                server.complete(*ids)
            case "thread":
                server.tell("thread/closed", threadId=ids[0])
            case "connection":
                server.crash(exit_code=1)
            case _:
                await thread.runtime.close()
        assert await first.wait_settled() is RequestState.WITHDRAWN
        await gone.wait()
        assert server.answers() == []
        assert (other.state is RequestState.OPEN) == (end == "turn")


async def test_a_request_that_was_withdrawn_and_is_asked_again_is_a_new_one(server: Server) -> None:
    async with asking(server, approve=later) as (thread, _, ids):
        ask(server, ids)
        await settled()
        server.tell("thread/closed", threadId=ids[0])
        ask(server, ids)
        await settled()
        (request,) = thread.runtime.pending_requests()
        request.respond(Allow())
        await settled()
        assert server.answers() == [{"id": 0, "result": {"decision": "accept"}}]


# -- the audit


async def test_each_decision_is_an_event_of_its_turn_and_a_record_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def house_rules(_: ServerRequest) -> Deny:
        return Deny("not with token sk-proj-abcdefghijklmnopqrstuvwxyz0123456789")

    caplog.set_level(logging.INFO, "codex_runtime.approvals")
    async with asking(server, approve=house_rules) as (thread, turn, ids):
        async with thread.runtime.events(ids[0]) as events:
            ask(server, ids)
            await server.answered()
            heard = [event async for event in _until_decided(events)]
        server.complete(*ids)
        of_turn = [event async for event in turn if isinstance(event, RequestDecided)]
        assert of_turn == heard[-1:]
        (said,) = of_turn
        assert (said.thread_id, said.turn_id, said.item_id) == (*ids, "c1")
        assert (said.decision, said.by) == ("denied", "runtime approver house_rules")
        assert said.request_method == COMMAND
        assert said.reason.startswith("not with token")
        assert thread.runtime.statistics().decisions == {"denied": 1}
    text = caplog.text + repr(said)
    assert "denied" in caplog.text
    assert "sk-proj-abcdefgh" not in text
    assert "touch a" not in text


async def _until_decided(events: AsyncIterable[Event]) -> AsyncIterator[Event]:
    async for event in events:
        yield event
        if isinstance(event, RequestDecided):
            return


async def test_an_event_of_a_withdrawn_request_comes_before_the_end_of_its_turn(
    server: Server,
) -> None:
    async with asking(server, approve=later) as (_, turn, ids):
        ask(server, ids)
        await settled()
        server.complete(*ids)
        last = [event.method async for event in turn][-2:]
        assert last == ["request/decided", "turn/completed"]


async def test_answers_of_persons_are_in_no_repr_and_in_no_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = Answers({"colour": "hunter2"})
    async with asking(server, approve=says(answer)) as (_, _, ids):
        ask(server, ids, QUESTIONS)
        await server.answered()
        ask(server, ids, FORM, id=1)
        await server.answered(2)
    shown = [answer, ElicitationAnswer({"name": "hunter2"}), AuthTokens("hunter2", "acct")]
    assert "hunter2" not in caplog.text + repr(shown)


# -- what is answered without asking anybody


async def test_the_time_is_told(server: Server) -> None:
    async with server.runtime(approve=says(Deny())):
        server.say(id=0, method="currentTime/read", params={"threadId": "thread-1"})
        told = (await server.answered())["result"]["currentTimeAt"]
        assert told > 1_700_000_000


async def test_fresh_tokens_come_from_the_one_who_has_them(server: Server) -> None:
    async def refresh(request: ServerRequest) -> AuthTokens:
        assert request.previous_account_id == "acct-1"  # type: ignore[attr-defined]  # a refresh
        return AuthTokens("secret", "acct-1", "pro")

    async with server.runtime(auth_tokens=refresh):
        params = {"reason": "unauthorized", "previousAccountId": "acct-1"}
        server.say(id=0, method="account/chatgptAuthTokens/refresh", params=params)
        assert (await server.answered())["result"] == {
            "accessToken": "secret",
            "chatgptAccountId": "acct-1",
            "chatgptPlanType": "pro",
        }
