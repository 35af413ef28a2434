"""Who decides about what the server asks, and what is sent for it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import anyio
import pytest
from runtime.request_support import COMMAND, PARAMS, ask, asking
from runtime.support import FORK, Server, settled

from codex_runtime import InvalidArgument, RequestRefused, protocol
from codex_runtime.answers import (
    Allow,
    Answers,
    Cancel,
    Deny,
    ElicitationAnswer,
    GrantPermissions,
    Later,
    ToolResult,
)
from codex_runtime.requests import Approver, CommandApproval, ServerRequest

PATCH, PERMISSIONS, QUESTIONS, FORM, TOOL, OLD_COMMAND, OLD_PATCH = list(PARAMS)[1:]

ASKED = {"fileSystem": {"write": ["/data"]}}
GRANTED = protocol.GrantedPermissionProfile(
    file_system=protocol.AdditionalFileSystemPermissions(write=["/data"])
)

SENT: list[tuple[str, Any, Any]] = [
    (COMMAND, Allow(), {"decision": "accept"}),
    (COMMAND, Allow(for_session=True), {"decision": "acceptForSession"}),
    (COMMAND, Deny("no"), {"decision": "decline"}),
    (COMMAND, Cancel(), {"decision": "cancel"}),
    (
        COMMAND,
        protocol.CommandExecutionRequestApprovalResponse(decision="accept"),
        {"decision": "accept"},
    ),
    (PATCH, Allow(), {"decision": "accept"}),
    (PATCH, Allow(for_session=True), {"decision": "acceptForSession"}),
    (PATCH, Deny(), {"decision": "decline"}),
    (PATCH, Cancel(), {"decision": "cancel"}),
    (PERMISSIONS, Deny(), {"permissions": {}, "scope": "turn"}),
    (PERMISSIONS, GrantPermissions(GRANTED), {"permissions": ASKED, "scope": "turn"}),
    (PERMISSIONS, GrantPermissions(GRANTED, True), {"permissions": ASKED, "scope": "session"}),
    (QUESTIONS, Answers({"colour": "red"}), {"answers": {"colour": {"answers": ["red"]}}}),
    (QUESTIONS, Answers({"colour": ["a", "b"]}), {"answers": {"colour": {"answers": ["a", "b"]}}}),
    (QUESTIONS, Deny(), {"answers": {}}),
    (FORM, ElicitationAnswer({"name": "me"}), {"action": "accept", "content": {"name": "me"}}),
    (FORM, Deny(), {"action": "decline", "content": None}),
    (FORM, Cancel(), {"action": "cancel", "content": None}),
    (OLD_COMMAND, Allow(), {"decision": "approved"}),
    (OLD_COMMAND, Allow(for_session=True), {"decision": "approved_for_session"}),
    (OLD_COMMAND, Deny("no"), {"decision": {"denied": {"rejection": "no"}}}),
    (OLD_PATCH, Cancel(), {"decision": "abort"}),
]


def says(answer: Any) -> Approver:
    def approver(_: ServerRequest) -> Any:
        return answer

    return approver


def raises(error: type[BaseException]) -> Approver:
    def approver(_: ServerRequest) -> Any:
        raise error

    return approver


@pytest.mark.parametrize(("method", "answer", "result"), SENT)
async def test_an_answer_is_sent_in_the_shape_of_its_request(
    server: Server, method: str, answer: Any, result: Any
) -> None:
    async with asking(server, approve=says(answer)) as (_, _, ids):
        ask(server, ids, method)
        assert await server.answered() == {"id": 0, "result": result}


async def test_allowing_permissions_grants_all_that_were_asked_for(server: Server) -> None:
    async with asking(server, approve=says(Allow())) as (_, _, ids):
        ask(server, ids, PERMISSIONS)
        granted = (await server.answered())["result"]
        assert granted["permissions"]["fileSystem"]["write"] == ["/data"]
        assert granted["scope"] == "turn"


@pytest.mark.parametrize("method", [PERMISSIONS, QUESTIONS, FORM])
async def test_cancelling_ends_the_turn_where_the_answer_itself_does_not(
    server: Server, method: str
) -> None:
    async with asking(server, approve=says(Cancel())) as (_, turn, ids):
        ask(server, ids, method)
        result = await turn.result()
        assert result.status == "interrupted"
        assert len(server.sent("turn/interrupt")) == 1


async def test_who_is_nearest_decides(server: Server) -> None:
    said: list[str] = []

    def named(name: str, answer: Any) -> Approver:
        def approver(_: ServerRequest) -> Any:
            said.append(name)
            return answer

        return approver

    async with server.runtime(approve=named("runtime", Deny())) as runtime:
        thread = await runtime.thread_start(approve=named("thread", Allow()))
        turn = await thread.turn_start("Work.", approve=[named("turn", None), named("again", None)])
        ask(server, (turn.thread_id, turn.turn_id))
        assert (await server.answered())["result"] == {"decision": "accept"}
        assert said == ["turn", "again", "thread"]


async def test_a_turn_is_asked_by_its_own_approver_only_while_it_runs(server: Server) -> None:
    async with asking(server, of_turn={"approve": says(Allow())}) as (thread, turn, ids):
        server.complete(*ids)
        await turn.wait_ended()
        after = await thread.turn_start("More.")
        ask(server, (after.thread_id, after.turn_id))
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_nobody_has_an_opinion_so_it_is_refused_at_once(server: Server) -> None:
    async with asking(server, approve=[says(None), says(None)]) as (thread, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}
        assert thread.runtime.statistics().decisions == {"refused": 1}


async def test_whoever_can_decide_is_asked_unless_the_policy_says_otherwise(server: Server) -> None:
    async with server.runtime() as runtime:
        await runtime.thread_start()
        await runtime.thread_start(approve=says(None))
        await runtime.thread_start(approve=says(None), approval_policy="never")
    asked = [each["params"]["approvalPolicy"] for each in server.sent("thread/start")]
    assert asked == ["never", "on-request", "never"]


async def cancels_itself(_: ServerRequest) -> Allow:
    raise anyio.get_cancelled_exc_class()


async def leaves_a_scope_open(_: ServerRequest) -> Allow:
    anyio.CancelScope().__enter__()
    return Allow()


def waits_for_no_time(_: ServerRequest) -> Later:
    return Later(float("nan"))


class Nameless:
    """An approver that cannot even be named."""

    @property
    def __name__(self) -> str:
        raise ValueError("no name")

    def __call__(self, _: ServerRequest) -> None:
        raise ValueError("no")


WRONG: Any = object()
"""What no type checker would let through."""

FAULTY: dict[str, Any] = {
    "raises": raises(ZeroDivisionError),
    "raises_system_exit": raises(SystemExit),
    "raises_keyboard_interrupt": raises(KeyboardInterrupt),
    "raises_generator_exit": raises(GeneratorExit),
    "has_no_name": Nameless(),
    "leaves_a_scope_open": leaves_a_scope_open,
    "waits_for_no_time": waits_for_no_time,
    "says_true": says(True),
    "says_yes": says("accept"),
    "says_wire": says({"decision": "accept"}),
    "denies_without_a_text": says(Deny(WRONG)),
    "cancels_without_a_text": says(Cancel(WRONG)),
    "allows_with_a_word": says(Allow(WRONG)),
    "decides_a_list": says(protocol.CommandExecutionRequestApprovalResponse(decision=WRONG)),
    "answers_another_kind": says(Answers({"colour": "red"})),
    "answers_a_tool": says(ToolResult("done")),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_a_faulty_approver_has_not_said_yes_and_nobody_else_is_asked(
    server: Server, fault: str
) -> None:
    approvers = [FAULTY[fault], says(Allow())]
    if fault == "leaves_a_scope_open":
        # What it returns counts as long as it does not harm its task, which trio notices.
        approvers = [leaves_a_scope_open, says(Deny())]
    async with asking(server, approve=approvers) as (thread, turn, ids):
        ask(server, ids)
        decision = (await server.answered())["result"]["decision"]
        assert decision == "decline" or fault == "leaves_a_scope_open"
        # The connection, and with it everybody else, is as well as before.
        assert await thread.runtime.call_raw("test/on") == {}
        server.complete(*ids)
        assert (await turn.result()).status == "completed"


async def test_an_approver_that_thinks_holds_up_nobody_else(server: Server) -> None:
    go = anyio.Event()

    async def decide(request: CommandApproval) -> Allow:
        if request.item_id == "slow":
            await go.wait()
        return Allow()

    async with asking(server, approve=decide) as (_, turn, ids):
        ask(server, ids, id=0, itemId="slow")
        ask(server, ids, id=1, itemId="fast")
        assert (await server.answered())["id"] == 1
        server.delta(*ids, "Hello")
        assert await anext(turn.text()) == "Hello"
        go.set()
        assert (await server.answered(2))["id"] == 0


async def test_a_plain_function_may_block_without_holding_up_anybody(server: Server) -> None:
    go = threading.Event()

    def decide(request: CommandApproval) -> Allow:
        if request.item_id == "slow":
            assert go.wait(20)
        return Allow()

    async with asking(server, approve=decide) as (_, _, ids):
        ask(server, ids, id=0, itemId="slow")
        ask(server, ids, id=1, itemId="fast")
        assert (await server.answered())["id"] == 1
        go.set()
        assert (await server.answered(2))["id"] == 0


async def test_an_approver_may_use_the_runtime(server: Server) -> None:
    async with server.runtime() as runtime:

        async def decide(_: CommandApproval) -> Allow:
            assert await runtime.call_raw("test/on") == {}
            return Allow()

        thread = await runtime.thread_start(approve=decide)
        turn = await thread.turn_start("Work.")
        ask(server, (turn.thread_id, turn.turn_id))
        assert (await server.answered())["result"] == {"decision": "accept"}


async def test_an_approver_may_answer_by_itself_and_go_on(server: Server) -> None:
    went_on = anyio.Event()

    async def decide(request: CommandApproval) -> None:
        request.respond(Allow(), by="me")
        await settled()
        went_on.set()

    async with asking(server, approve=decide) as (_, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "accept"}
        with anyio.fail_after(5):
            await went_on.wait()
        assert len(server.answers()) == 1


async def test_an_approver_that_is_cancelled_by_somebody_has_not_said_yes(server: Server) -> None:
    if "asyncio" not in str(anyio.get_cancelled_exc_class()):
        pytest.skip("trio has no way to make one up")
    async with asking(server, approve=cancels_itself) as (thread, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "decline"}
        assert await thread.runtime.call_raw("test/on") == {}


async def test_answers_may_come_from_any_thread(server: Server) -> None:
    def decide(request: ServerRequest) -> None:
        request.respond(Allow())

    async with asking(server, approve=decide) as (_, _, ids):
        ask(server, ids)
        assert (await server.answered())["result"] == {"decision": "accept"}


@pytest.mark.parametrize("failure", ["refused", "cancelled"])
async def test_a_resume_that_fails_leaves_the_approvers_that_were(
    server: Server, failure: str
) -> None:
    async with server.runtime() as runtime:
        thread = await runtime.thread_resume(FORK, approve=says(Deny()))
        turn = await thread.turn_start("Work.")
        server.on["thread/resume"] = (
            server.nothing if failure == "cancelled" else lambda each: server.refuse(each, "no")
        )
        with anyio.CancelScope() as scope:
            if failure == "cancelled":
                scope.deadline = anyio.current_time() + 0.05
            with suppress(RequestRefused):
                await runtime.thread_resume(FORK, approve=says(Allow()))
        ask(server, (FORK, turn.turn_id))
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_a_thread_that_is_only_written_to_is_no_agent(server: Server) -> None:
    async with asking(server, of_turn={"approve": says(Allow())}) as (thread, _, ids):
        other = await thread.runtime.thread_start()
        call = {"type": "collabAgentToolCall", "id": "s1", "tool": "sendInput"}
        server.item("started", *ids, **call, receiverThreadIds=[other.thread_id])
        spawn = {**call, "tool": "spawnAgent", "receiverThreadIds": [other.thread_id]}
        server.item("started", *ids, **spawn)
        ask(server, (other.thread_id, "turn-of-other"))
        # It was opened here, and so it is nobody's agent.
        assert (await server.answered())["result"] == {"decision": "decline"}


async def test_a_turn_whose_approvers_are_never_asked_is_told_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(server, of_turn={"approve": says(Allow())}):
        assert "does not ask" in caplog.text


@pytest.mark.parametrize("answers", [True, False])
async def test_an_approver_may_close_the_runtime(server: Server, *, answers: bool) -> None:
    async with server.runtime() as runtime:

        async def decide(request: CommandApproval) -> None:
            if answers:
                request.respond(Deny())
            await runtime.close()

        thread = await runtime.thread_start(approve=decide)
        turn = await thread.turn_start("Work.")
        ask(server, (turn.thread_id, turn.turn_id))
        with anyio.fail_after(5):
            await runtime.wait_closed()


@pytest.mark.parametrize("wrong", [5, [5], "yes", {"a": 1}])
async def test_what_cannot_be_called_is_no_approver(server: Server, wrong: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        server.runtime(approve=wrong)
    assert caught.value.field.startswith("approve")
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument):
            await runtime.thread_start(approve=wrong)
        thread = await runtime.thread_start()
        with pytest.raises(InvalidArgument):
            await thread.turn_start("Work.", approve=wrong)
    assert server.sent("turn/start") == []


async def test_an_agent_of_a_thread_is_asked_about_by_the_approvers_of_that_thread(
    server: Server,
) -> None:
    async with asking(server, of_turn={"approve": says(Allow())}) as (_, _, ids):
        agent = {"type": "collabAgentToolCall", "id": "s1", "receiverThreadIds": ["agent-1"]}
        server.item("started", *ids, **agent, tool="spawnAgent", senderThreadId=ids[0])
        ask(server, ("agent-1", "turn-of-agent"))
        assert (await server.answered())["result"] == {"decision": "accept"}
