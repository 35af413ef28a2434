"""Adding to a turn, with servers that answer late, wrongly or not at all."""

from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, a_thread, settled

from codex_runtime import (
    ConnectionLost,
    EmptyInput,
    InvalidArgument,
    RemoteProtocolError,
    RequestTimeout,
    RuntimeClosed,
)
from codex_runtime.errors import NoActiveTurn, TurnNotSteerable, UnexpectedTurn
from codex_runtime.inputs import ExternalMessage


def take(server: Server) -> None:
    """Have every steering taken."""

    def answer(request: Message) -> None:
        server.answer(request, {"turnId": request["params"]["expectedTurnId"]})

    server.on["turn/steer"] = answer


def take_only(server: Server) -> list[tuple[str, str]]:
    """Have turns taken but not started; returns where their ids will be."""
    taken: list[tuple[str, str]] = []
    server.on["turn/start"] = lambda request: taken.append(server.take_turn(request))
    return taken


async def test_steering_is_one_request_that_names_the_turn(server: Server) -> None:
    take(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.steer("more", client_id="c1")
        assert await thread.turn_steer(turn.turn_id, ["much", "more"]) == turn.turn_id

    assert [request["params"] for request in server.sent("turn/steer")] == [
        {
            "threadId": turn.thread_id,
            "expectedTurnId": turn.turn_id,
            "input": [{"type": "text", "text": "more"}],
            "clientUserMessageId": "c1",
        },
        {
            "threadId": turn.thread_id,
            "expectedTurnId": turn.turn_id,
            "input": [{"type": "text", "text": "much"}, {"type": "text", "text": "more"}],
        },
    ]
    assert len(server.sent("turn/start")) == 1


async def test_steering_waits_for_the_turns_start(server: Server) -> None:
    take(server)
    taken = take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn.steer, "more")
            tasks.start_soon(thread.turn_steer, turn.turn_id, "even more")
            await settled()
            assert not server.sent("turn/steer")
            server.begin(*taken[0])
        assert len(server.sent("turn/steer")) == 2
        server.complete(*taken[0])


@pytest.mark.virtual_time
async def test_steering_a_turn_that_never_starts_ends_in_time(server: Server) -> None:
    take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(RequestTimeout) as caught:
            await turn.steer("more", timeout=3)
        assert (caught.value.method, caught.value.seconds) == ("turn/steer", 3)
        assert not server.sent("turn/steer")


@pytest.mark.virtual_time
async def test_steering_that_nobody_answers_ends_in_time(server: Server) -> None:
    server.on["turn/steer"] = server.nothing
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(RequestTimeout) as caught:
            await turn.steer("more", timeout=3)
        assert caught.value.method == "turn/steer"
        assert thread.runtime.statistics().open_requests == 0
        assert turn.status == "inProgress"


@pytest.mark.parametrize("result", [{}, {"turnId": ""}, {"turnId": None}, {"turnId": "other"}, []])
async def test_an_answer_that_does_not_name_the_turn_is_a_typed_error(
    server: Server, result: Any
) -> None:
    server.on["turn/steer"] = lambda request: server.answer(request, result)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        for steer in (turn.steer("more"), thread.turn_steer(turn.turn_id, "more")):
            with pytest.raises(RemoteProtocolError) as caught:
                await steer
            assert caught.value.method == "turn/steer"


@pytest.mark.parametrize("nothing", ["", " \n", [], ["", " "]])
async def test_empty_input_is_not_sent_even_before_the_turn_has_started(
    server: Server, nothing: Any
) -> None:
    take_only(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(EmptyInput):
            await turn.steer(nothing)
        with pytest.raises(EmptyInput):
            await thread.turn_steer(turn.turn_id, nothing)
    assert not server.sent("turn/steer")


@pytest.mark.parametrize("turn_id", ["", "  ", None, 7])
async def test_an_id_that_is_none_is_not_sent(server: Server, turn_id: Any) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(InvalidArgument, match="expected_turn_id"):
            await thread.turn_steer(turn_id, "more")
    assert not server.sent("turn/steer")


async def test_messages_from_outside_come_with_something_to_say(server: Server) -> None:
    take(server)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(InvalidArgument, match="messages from outside"):
            await turn.steer(ExternalMessage("mail", "When?"))
        await turn.steer(["Answer her.", ExternalMessage("mail", "When?")])
    [request] = server.sent("turn/steer")
    [context] = request["params"]["additionalContext"].values()
    assert context == {"kind": "untrusted", "value": "When?"}


REFUSALS: list[tuple[str, type[Exception]]] = [
    ("no active turn to steer", NoActiveTurn),
    ("expected active turn id `turn-1` but found `turn-2`", UnexpectedTurn),
    ("cannot steer a review turn", TurnNotSteerable),
]


@pytest.mark.parametrize(("words", "kind"), REFUSALS)
async def test_refusals_are_typed(server: Server, words: str, kind: type[Exception]) -> None:
    server.on["turn/steer"] = lambda request: server.refuse(request, words)
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        with pytest.raises(kind):
            await turn.steer("more")


async def test_an_ended_turn_is_left_to_the_servers_judgement(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    server.on["turn/steer"] = lambda request: server.refuse(request, "no active turn to steer")
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        await turn.result()
        with pytest.raises(NoActiveTurn):
            await turn.steer("more")


async def test_a_lost_connection_is_told(server: Server) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.")
        server.on["turn/steer"] = lambda _: server.crash(exit_code=1)
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                await turn.steer("more")
    with pytest.raises((ConnectionLost, RuntimeClosed)):
        await turn.steer("more")
