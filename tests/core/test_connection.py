"""Ids, phases, and what a line is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from codex_runtime._connection import (
    TRANSITIONS,
    UNREADABLE,
    Connection,
    Envelope,
    Kind,
    Phase,
    RequestId,
    RpcError,
    Step,
    classify,
    decode_envelope,
    decode_refusal,
)
from codex_runtime.errors import LocalProtocolError

METHODS = {
    Step.SEND_INITIALIZE: "initialize",
    Step.SEND_INITIALIZED: "initialized",
    Step.SEND_OTHER: "thread/start",
}
"""A method for each step that sends one."""


def in_phase(phase: Phase) -> Connection[str]:
    """A connection in this phase, brought there by the steps of the table."""
    connection: Connection[str] = Connection()
    if phase in {Phase.GREETING, Phase.READY}:
        request_id, _ = connection.request("initialize", b"{}", "greeting")
        connection.settle(request_id)
    if phase is Phase.READY:
        connection.notify("initialized")
    if phase is Phase.CLOSED:
        connection.end()
    assert connection.phase is phase
    return connection


# Phases


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("step", METHODS)
def test_a_request_is_sent_exactly_where_the_table_says_so(phase: Phase, step: Step) -> None:
    connection, method = in_phase(phase), METHODS[step]

    if step in TRANSITIONS[phase]:
        connection.request(method, b"{}", "waiter")

        assert connection.phase is TRANSITIONS[phase][step]
        assert connection.open_requests == 1
    else:
        with pytest.raises(LocalProtocolError) as caught:
            connection.request(method, b"{}", "waiter")

        assert str(caught.value) == (
            f"cannot send {method} while the connection is {phase.name.lower()}"
        )
        assert connection.phase is phase
        assert connection.open_requests == 0


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("step", METHODS)
def test_a_notification_is_sent_exactly_where_the_table_says_so(phase: Phase, step: Step) -> None:
    connection, method = in_phase(phase), METHODS[step]

    if step in TRANSITIONS[phase]:
        assert json.loads(connection.notify(method)) == {"method": method}
        assert connection.phase is TRANSITIONS[phase][step]
    else:
        with pytest.raises(LocalProtocolError):
            connection.notify(method)
        assert connection.phase is phase


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_be_ended(phase: Phase) -> None:
    connection = in_phase(phase)

    connection.end()

    assert connection.phase is Phase.CLOSED


def test_every_phase_has_a_row_and_can_be_reached() -> None:
    targets = {target for row in TRANSITIONS.values() for target in row.values()}

    assert set(TRANSITIONS) == set(Phase)
    assert targets | {Phase.NEW} == set(Phase)


def test_a_closed_connection_stays_closed() -> None:
    assert set(TRANSITIONS[Phase.CLOSED].values()) == {Phase.CLOSED}


def test_a_greeting_that_was_refused_may_be_sent_again() -> None:
    connection = in_phase(Phase.GREETING)

    connection.request("initialize", b"{}", "again")

    assert connection.phase is Phase.GREETING


# What is sent


def test_a_request_is_one_line_of_json_without_a_jsonrpc_member() -> None:
    request_id, line = in_phase(Phase.READY).request("thread/read", b'{"threadId":"t"}', "waiter")

    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "id": request_id,
        "method": "thread/read",
        "params": {"threadId": "t"},
    }


@given(st.text(st.characters(codec="utf-8")))
def test_a_method_of_any_name_stays_one_string_in_one_line(method: str) -> None:
    connection = in_phase(Phase.READY)
    if method in {"initialize", "initialized"}:
        return

    for line in (connection.request(method, b"null", "waiter")[1], connection.notify(method)):
        assert line.count(b"\n") == 1
        assert json.loads(line)["method"] == method


def test_a_method_that_is_not_valid_text_is_refused_and_leaves_nothing_open() -> None:
    connection = in_phase(Phase.NEW)

    with pytest.raises(LocalProtocolError, match="not valid text"):
        connection.request("\ud800", b"{}", "waiter")

    assert connection.open_requests == 0


@given(st.lists(st.booleans(), min_size=1))
def test_ids_are_never_given_twice(settle_at_once: list[bool]) -> None:
    connection = in_phase(Phase.READY)
    ids: list[int] = []

    for settle in settle_at_once:
        request_id, _ = connection.request("model/list", b"{}", "waiter")
        ids.append(request_id)
        if settle:
            connection.settle(request_id)

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("request_id", [0, 7, 2**63 - 1, -1, "", "0", 'a "quoted" id', "ü"])
def test_an_answer_carries_the_servers_id_as_it_came(request_id: RequestId) -> None:
    connection = in_phase(Phase.READY)

    answer = connection.answer(request_id, b'{"decision":"decline"}')
    refusal = connection.refuse(request_id, -32601, 'no "x"')

    assert json.loads(answer) == {"id": request_id, "result": {"decision": "decline"}}
    assert json.loads(refusal) == {
        "id": request_id,
        "error": {"code": -32601, "message": 'no "x"'},
    }
    assert answer.endswith(b"\n")
    assert refusal.endswith(b"\n")


# Answers


def test_answers_find_their_waiters_in_any_order() -> None:
    connection = in_phase(Phase.READY)
    first, _ = connection.request("a", b"{}", "first")
    second, _ = connection.request("b", b"{}", "second")

    assert connection.settle(second) == "second"
    assert connection.settle(first) == "first"
    assert connection.open_requests == 0


def test_a_late_or_second_or_unasked_answer_finds_nobody() -> None:
    connection = in_phase(Phase.READY)
    request_id, _ = connection.request("a", b"{}", "waiter")
    connection.settle(request_id)

    assert connection.settle(request_id) is None
    assert connection.settle(999) is None


def test_a_text_that_looks_like_an_id_is_another_id() -> None:
    connection = in_phase(Phase.READY)
    request_id, _ = connection.request("a", b"{}", "waiter")

    assert connection.settle(str(request_id)) is None
    assert connection.settle(request_id) == "waiter"


def test_the_end_hands_back_all_that_waits_in_the_order_it_was_sent() -> None:
    connection = in_phase(Phase.READY)
    ids = [connection.request("a", b"{}", name)[0] for name in ("one", "two", "three", "four")]
    connection.settle(ids[1])

    assert connection.end() == ["one", "three", "four"]
    assert connection.open_requests == 0
    assert connection.end() == []


# What a line is


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"method":"m"}', Kind.NOTIFICATION),
        ('{"method":"m","params":{},"emittedAtMs":1}', Kind.NOTIFICATION),
        ('{"method":"m","result":{}}', Kind.NOTIFICATION),
        ('{"method":"","params":{}}', Kind.NOTIFICATION),
        ('{"id":0,"method":"m","params":{}}', Kind.REQUEST),
        ('{"id":"","method":"m"}', Kind.REQUEST),
        ('{"id":1,"method":"m","result":{}}', Kind.REQUEST),
        ('{"id":null,"method":"m"}', Kind.NOISE),
        ('{"id":0,"result":{}}', Kind.ANSWER),
        ('{"id":"","result":null}', Kind.ANSWER),
        ('{"id":1,"result":null}', Kind.ANSWER),
        ('{"id":1,"error":{}}', Kind.REFUSAL),
        ('{"id":1,"error":null}', Kind.REFUSAL),
        ('{"id":1,"result":{},"error":{}}', Kind.REFUSAL),
        ('{"id":null,"result":{}}', Kind.NOISE),
        ('{"id":null,"error":{}}', Kind.NOISE),
        ('{"result":{}}', Kind.NOISE),
        ('{"error":{}}', Kind.NOISE),
        ('{"id":1}', Kind.NOISE),
        ('{"jsonrpc":"2.0"}', Kind.NOISE),
        ("{}", Kind.NOISE),
    ],
)
def test_a_message_is_told_by_what_is_present_never_by_truth(line: str, kind: Kind) -> None:
    assert classify(decode_envelope(line.encode())) is kind


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"true",
        b"0",
        b'"text"',
        b"[]",
        b'[{"method":"m"},{"method":"n"}]',
        b"{",
        b'{"method":"m"}{"method":"n"}',
        b"WARNING: something on stdout",
        b'{"method":"\xff"}',
        b'{"id":"\xff","result":{}}',
        b'{"method":"m","params":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"id":' + b"9" * 5_000 + b"}",
        b'{"method":5}',
        b'{"method":null}',
        b'{"id":true,"result":{}}',
        b'{"id":1.5,"result":{}}',
        b'{"id":[],"result":{}}',
        b'{"id":{},"result":{}}',
    ],
    ids=lambda line: repr(line[:40]),
)
def test_what_is_no_message_is_refused_as_a_whole(line: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_envelope(line)


@given(st.binary() | st.binary().map(lambda text: b'{"method":"%b"}' % text))
def test_no_bytes_make_the_decoder_raise_anything_else(line: bytes) -> None:
    try:
        envelope = decode_envelope(line)
    except UNREADABLE:
        return

    assert isinstance(classify(envelope), Kind)


@pytest.mark.parametrize("request_id", [0, 2**63 - 1, 10**30, -5, "", "a"])
def test_an_id_comes_out_as_it_went_in(request_id: RequestId) -> None:
    assert decode_envelope(json.dumps({"id": request_id}).encode()).id == request_id


def test_the_payload_stays_as_it_came() -> None:
    envelope = decode_envelope(b'{"method":"m","params":{"a" : 1},"emittedAtMs":1764000000123}\r')

    assert bytes(envelope.params) == b'{"a" : 1}'
    assert envelope.emitted_at_ms == 1764000000123
    assert envelope.result is UNSET
    assert envelope.error is UNSET


def test_absent_params_read_as_null_and_absent_time_as_none() -> None:
    envelope = decode_envelope(b'{"method":"m","emittedAtMs":null}')

    assert bytes(envelope.params) == b"null"
    assert envelope.emitted_at_ms is None
    assert Envelope().emitted_at_ms is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": -32600, "message": "no"}, RpcError(-32600, "no")),
        ({"code": 1, "message": "no", "data": {"a": [1]}}, RpcError(1, "no", {"a": [1]})),
        ({"code": 1, "message": "no", "new": 1}, RpcError(1, "no")),
        ({}, RpcError(0, "")),
        (None, RpcError(0, "the error it sent cannot be read")),
        ("text", RpcError(0, "the error it sent cannot be read")),
        ({"code": "x", "message": "no"}, RpcError(0, "the error it sent cannot be read")),
    ],
)
def test_a_refusal_is_one_whatever_its_error_looks_like(error: Any, expected: RpcError) -> None:
    assert decode_refusal(Raw(json.dumps(error).encode())) == expected


@pytest.mark.parametrize(
    "error",
    [b'{"message":"\xff"}', b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}"],
    ids=["not-utf-8", "too-deep"],
)
def test_a_refusal_is_one_even_if_its_error_is_no_json(error: bytes) -> None:
    assert decode_refusal(Raw(error)) == RpcError(0, "the error it sent cannot be read")
