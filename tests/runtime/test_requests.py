"""Requests and answers over a connection in memory, in every order and out of it."""

import json
from itertools import pairwise
from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, settled

from codex_runtime import (
    ConnectionLost,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    Runtime,
    RuntimeClosed,
    UnsendableValue,
    protocol,
)
from codex_runtime.protocol import methods


def numbered(request: Message) -> int:
    number: int = request["params"]["number"]
    return number


async def ask(runtime: Runtime, number: int, got: dict[int, Any]) -> None:
    got[number] = await runtime.call_raw("test/number", {"number": number})


async def test_answers_reach_their_requests_in_whatever_order_they_come(server: Server) -> None:
    waiting: list[Message] = []
    server.on["test/number"] = waiting.append
    got: dict[int, Any] = {}

    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(ask, runtime, number, got)
        await server.heard("test/number", 5)
        for request in (waiting[3], waiting[0], waiting[4], waiting[2], waiting[1]):
            server.answer(request, {"twice": 2 * numbered(request)})

    assert got == {number: {"twice": 2 * number} for number in range(5)}


async def test_of_200_requests_64_are_under_way_and_the_rest_follow_in_order(
    server: Server,
) -> None:
    waiting: list[Message] = []
    server.on["test/number"] = waiting.append
    got: dict[int, Any] = {}
    most = 0

    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(ask, runtime, number, got)
            await anyio.lowlevel.checkpoint()
        await settled()
        while waiting:
            most = max(most, len(waiting))
            request = waiting.pop(0)
            server.answer(request, numbered(request))
            await settled(15)

    assert most == 64
    order = [numbered(request) for request in server.sent("test/number")]
    assert order == sorted(order)
    assert got == {number: number for number in range(200)}


async def test_fewer_requests_under_way_can_be_asked_for(server: Server) -> None:
    server.on["test/number"] = server.nothing
    got: dict[int, Any] = {}

    async with server.runtime(max_in_flight=3) as runtime, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(ask, runtime, number, got)
        await settled()
        assert len(server.sent("test/number")) == 3
        tasks.cancel_scope.cancel()

    assert got == {}


@pytest.mark.virtual_time
async def test_a_request_without_an_answer_times_out_and_its_late_answer_is_counted(
    server: Server,
) -> None:
    server.on["test/slow"] = server.nothing
    async with server.runtime() as runtime:
        began = anyio.current_time()
        with pytest.raises(RequestTimeout) as caught:
            await runtime.call_raw("test/slow")
        assert (caught.value.method, caught.value.seconds) == ("test/slow", 30.0)
        assert anyio.current_time() - began == pytest.approx(30.0)  # pyright: ignore[reportUnknownMemberType] — pytest's own stub
        assert runtime.statistics().open_requests == 0

        server.answer(server.sent("test/slow")[0], {})
        await settled()

        statistics = runtime.statistics()
        assert (statistics.timeouts, statistics.late_answers) == (1, 1)
        assert await runtime.call_raw("test/quick") == {}


@pytest.mark.virtual_time
async def test_waiting_for_ones_turn_counts_against_the_timeout(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    async with server.runtime(max_in_flight=1) as runtime, anyio.create_task_group() as tasks:

        async def first() -> None:
            with pytest.raises(RequestTimeout):
                await runtime.call_raw("test/slow", timeout=100)

        tasks.start_soon(first)
        await server.heard("test/slow")
        began = anyio.current_time()
        with pytest.raises(RequestTimeout):
            await runtime.call_raw("test/quick", timeout=5)
        assert anyio.current_time() - began < 6
        assert not server.sent("test/quick")


async def test_a_cancelled_request_leaves_nothing_open_and_its_answer_is_late(
    server: Server,
) -> None:
    server.on["test/slow"] = server.nothing
    async with server.runtime() as runtime:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runtime.call_raw, "test/slow")
            await server.heard("test/slow")
            assert runtime.statistics().open_requests == 1
            tasks.cancel_scope.cancel()
        assert runtime.statistics().open_requests == 0

        server.answer(server.sent("test/slow")[0], {})
        await settled()
        assert runtime.statistics().late_answers == 1


async def test_a_second_answer_to_one_request_is_late_and_changes_nothing(server: Server) -> None:
    def twice(request: Message) -> None:
        server.answer(request, "first")
        server.answer(request, "second")

    server.on["test/twice"] = twice
    async with server.runtime() as runtime:
        assert await runtime.call_raw("test/twice") == "first"
        assert runtime.statistics().late_answers == 1


@pytest.mark.parametrize("stray", ['"2"', '""', "0", "-1", "99999999999999999999", '"ü"'])
async def test_an_answer_to_nothing_is_late_whatever_its_id(server: Server, stray: str) -> None:
    async with server.runtime() as runtime:
        server.line(b'{"id":%b,"result":{}}' % stray.encode())
        await settled()
        assert runtime.statistics().late_answers == 1
        assert await runtime.call_raw("test/on") == {}


async def test_a_refusal_tells_what_the_server_said(server: Server) -> None:
    def refuse(request: Message) -> None:
        server.say(id=request["id"], error={"code": -32602, "message": "no", "data": {"a": 1}})

    server.on["thread/read"] = refuse
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused) as caught:
            await runtime.request(
                methods.THREAD_READ, protocol.ThreadReadParams(thread_id="thread-9")
            )
        error = caught.value
        assert (error.method, error.code, error.message, error.data) == (
            "thread/read",
            -32602,
            "no",
            {"a": 1},
        )
        assert runtime.statistics().refusals == 1


@pytest.mark.parametrize("error", [None, [], "no", {"code": "x"}])
async def test_a_refusal_that_cannot_be_read_is_a_refusal(server: Server, error: Any) -> None:
    server.on["test/odd"] = lambda request: server.say(id=request["id"], error=error)
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused):
            await runtime.call_raw("test/odd")


async def test_a_hopeless_result_names_its_place_and_not_its_content(server: Server) -> None:
    server.on["thread/read"] = lambda request: server.answer(request, ["secret"])
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError) as caught:
            await runtime.request(
                methods.THREAD_READ, protocol.ThreadReadParams(thread_id="thread-9")
            )
        assert caught.value.method == "thread/read"
        assert "secret" not in str(caught.value)


async def test_what_has_no_form_in_json_is_refused_before_it_is_sent(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(UnsendableValue) as caught:
            await runtime.call_raw("test/odd", {"list": [1.0, float("nan")]})
        assert caught.value.field == "params.list[1]"
        assert not server.sent("test/odd")
        assert runtime.statistics().open_requests == 0


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), True, "5"])
async def test_a_timeout_is_a_positive_number_of_seconds(server: Server, timeout: Any) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument, match="timeout"):
            await runtime.call_raw("test/odd", timeout=timeout)


# -- what is no message

GARBAGE = [
    b"",
    b"   ",
    b"Welcome to codex!",
    b"{",
    b"[]",
    b"[{}]",
    b"null",
    b"7",
    b'{"id":1.5,"result":{}}',
    b'{"id":true,"result":{}}',
    b'{"id":null,"result":{}}',
    b'{"id":null,"method":"test/x"}',
    b'{"id":7}',
    b"{}",
    b'{"method":7}',
    b'{"method":"turn/started","params":{"threadId":"\xff"}}',
    b'{"method":"test/\xff"}',
    b'{"method":"test/deep","params":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b'\xef\xbb\xbf{"method":"test/bom"}',
    b"\x00",
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
async def test_a_line_that_is_no_message_is_counted_and_costs_only_itself(
    server: Server, line: bytes
) -> None:
    async with server.runtime() as runtime:
        server.line(line)
        await settled()
        # A blank line is nothing at all.
        assert runtime.statistics().malformed == bool(line.strip())
        assert await runtime.call_raw("test/on") == {}


async def test_every_notification_is_an_event_whatever_its_params(server: Server) -> None:
    lines = [
        b'{"method":"test/none"}',
        b'{"method":"test/null","params":null}',
        b'{"method":"test/list","params":[1]}',
        b'{"method":"turn/started","params":[1]}',
        b'{"method":"turn/started","params":{"threadId":7,"turn":false}}',
        b'{"method":"turn/completed","params":{}}',
        b'{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u","items":[[],[]]}}}',
        b'{"method":"item/completed","params":{"threadId":"t","turnId":"u","item":null}}',
        b'{"method":"item/completed","params":{"threadId":"t","turnId":"u","item":{"type":"new"}}}',
        b'{"method":"thread/status/changed","params":{"threadId":"t","status":"odd"}}',
        b'{"method":"test/flat","params":7,"emittedAtMs":5,"extra":[{}]}',
    ]
    async with server.runtime() as runtime, runtime.events() as events:
        for line in lines:
            server.line(line)
        got = [await anext(events) for _ in lines]
        assert [event.method for event in got] == [json.loads(line)["method"] for line in lines]
        assert runtime.statistics().notifications == len(lines)
        assert runtime.statistics().malformed == 0
        assert got[-1].emitted_at_ms == 5


async def test_requests_go_through_while_nobody_takes_the_events(server: Server) -> None:
    async with server.runtime() as runtime, runtime.events():
        for number in range(3000):
            server.delta("thread-1", "turn-1", f"{number} ")
        assert await runtime.call_raw("test/on") == {}


async def test_events_and_answers_are_seen_in_the_order_of_the_wire(server: Server) -> None:
    def busy(request: Message) -> None:
        server.tell("test/before", threadId="thread-1")
        server.answer(request, {})
        server.tell("test/after", threadId="thread-1")

    server.on["test/busy"] = busy
    async with server.runtime() as runtime, runtime.events() as events:
        for _ in range(3):
            await runtime.call_raw("test/busy")
        got = [(await anext(events)).method for _ in range(6)]
    assert all(a != b for a, b in pairwise(got))


# -- the end

ENDING: dict[str, Any] = {"exit_code": 9, "stderr_tail": "no more memory"}


async def test_a_lost_connection_settles_everything_that_waits_and_tells_why(
    server: Server,
) -> None:
    server.on["test/slow"] = server.nothing
    errors: list[ConnectionLost] = []

    async def wait(runtime: Runtime) -> None:
        with pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/slow")
        errors.append(caught.value)

    async with server.runtime(max_in_flight=2) as runtime:
        async with runtime.events() as events, anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(wait, runtime)
            await server.heard("test/slow", 2)
            await settled()
            server.crash(**ENDING)
            with pytest.raises(ConnectionLost):
                await anext(events)
        with pytest.raises(ConnectionLost):
            await runtime.call_raw("test/on")
        with pytest.raises(ConnectionLost):
            await runtime.thread_start()
        await runtime.wait_closed()
        assert runtime.statistics().open_requests == 0

    assert len(errors) == 5
    assert {(error.exit_code, error.stderr_tail) for error in errors} == {(9, "no more memory")}
    assert "exit status 9" in str(errors[0])
    assert str(errors[0]).endswith("no more memory")


async def test_what_was_said_before_the_end_is_heard(server: Server) -> None:
    def last(request: Message) -> None:
        server.tell("test/last", threadId="thread-1")
        server.answer(request, "just in time")
        server.crash()

    server.on["test/bye"] = last
    async with server.runtime() as runtime, runtime.events() as events:
        assert await runtime.call_raw("test/bye") == "just in time"
        assert (await anext(events)).method == "test/last"
        with pytest.raises(ConnectionLost):
            await anext(events)


async def test_closing_settles_everything_that_waits(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    runtime = server.runtime(max_in_flight=1)
    async with runtime, anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises(RuntimeClosed):
                await runtime.call_raw("test/slow")

        tasks.start_soon(wait)
        tasks.start_soon(wait)
        await server.heard("test/slow")
        await runtime.close()
