"""The decoder: typed where it can be, and never in the way."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import DecodeError, Raw
from support_protocol import Json

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.protocol import (
    THREAD_READ,
    AgentMessageDeltaNotification,
    CommandExecutionRequestApprovalParams,
    Notification,
    ThreadReadResponse,
    Unknown,
    UnknownNotification,
    UnknownServerRequest,
    Wire,
    methods,
    to_plain,
)
from codex_runtime.protocol.codec import Codec

DELTA = "item/agentMessage/delta"
PARAMS = {"threadId": "t", "turnId": "u", "itemId": "i", "delta": "hi"}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value."""

KEYS = st.sampled_from(["item", "turn", "thread", "type", "threadId", "items", "error", "kind"])

LIKELY = st.dictionaries(
    KEYS, st.dictionaries(KEYS, JSON, max_size=3) | st.lists(JSON) | JSON, max_size=5
)
"""JSON that looks a little like the protocol's."""


def raw(value: Json) -> Raw:
    return Raw(json.dumps(value).encode())


def issues() -> tuple[list[tuple[str, str]], Callable[[str, str], None]]:
    """Return a list, and what to give to a codec so that its issues end up there."""
    told: list[tuple[str, str]] = []
    return told, lambda method, text: told.append((method, text))


def test_a_known_notification_is_typed_and_knows_when_it_was_sent() -> None:
    event = Codec().notification(DELTA, raw(PARAMS), 1795358819786)

    assert event == AgentMessageDeltaNotification(
        thread_id="t", turn_id="u", item_id="i", delta="hi", emitted_at_ms=1795358819786
    )
    assert event.method == DELTA


def test_a_notification_without_a_time_has_none() -> None:
    assert Codec().notification(DELTA, raw(PARAMS)).emitted_at_ms is None


def test_an_unknown_notification_keeps_all_it_came_with() -> None:
    told, on_issue = issues()
    codec = Codec(on_issue)

    event = codec.notification("brand/new", raw({"a": [1, None]}), 7)

    assert event == UnknownNotification(
        method="brand/new", params={"a": [1, None]}, emitted_at_ms=7
    )
    assert codec.unknown == 1
    assert codec.degraded == 0
    assert told == [("brand/new", "unknown notification")]


def test_a_payload_that_is_no_object_is_handed_out_as_it_is() -> None:
    codec = Codec()

    assert codec.notification(DELTA, raw([1]), 7) == UnknownNotification(
        method=DELTA, params=[1], emitted_at_ms=7
    )
    assert codec.degraded == 1


def test_a_repair_that_fails_costs_the_message_it_was_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(data: Json, kind: Any, *, may_drop: bool, note: Callable[[str], None]) -> Json:
        raise KeyError(data)

    monkeypatch.setattr("codex_runtime.protocol.codec.repaired", failing)
    told, on_issue = issues()

    event = Codec(on_issue).notification(DELTA, raw({"delta": 1}))

    assert event == UnknownNotification(method=DELTA, params={"delta": 1})
    assert told == [(DELTA, "the repair failed with KeyError")]


def test_any_depth_makes_an_event_or_a_decode_error() -> None:
    for depth in range(100, sys.getrecursionlimit() + 100, 7):
        payload = Raw(b'{"delta": 1, "x": ' + b"[" * depth + b"]" * depth + b"}")
        with suppress(DecodeError):
            assert Codec().notification(DELTA, payload).method == DELTA


def test_absent_params_are_none() -> None:
    assert Codec().notification(DELTA, Raw()) == UnknownNotification(method=DELTA, params=None)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"{", "truncated"),
        (b'{"delta": nope}', "malformed"),
        (b'{"delta": "\xff"}', "UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "deep"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    ],
)
@pytest.mark.parametrize("method", [DELTA, "brand/new"])
def test_what_is_not_json_is_a_decode_error(method: str, payload: bytes, says: str) -> None:
    with pytest.raises(DecodeError, match=says):
        Codec().notification(method, Raw(payload))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 4301])
def test_a_number_that_python_does_not_hold_costs_no_event(number: str) -> None:
    payload = Raw(f'{{"delta": {number}, "threadId": "t"}}'.encode())
    if len(number) > 4300:
        # Python refuses to read it at all, as a guard against slow conversions.
        with pytest.raises(DecodeError):
            Codec().notification("brand/new", payload)
        return

    known = Codec().notification(DELTA, payload)
    unknown = Codec().notification("brand/new", payload)

    assert isinstance(known, AgentMessageDeltaNotification)
    assert known.thread_id == "t"
    assert isinstance(unknown, UnknownNotification)
    assert unknown.params["threadId"] == "t"


@settings(max_examples=150)
@given(st.sampled_from([*sorted(methods.NOTIFICATIONS), "brand/new"]), JSON | LIKELY)
def test_any_json_makes_an_event_of_any_notification(method: str, value: Json) -> None:
    told, on_issue = issues()

    event = Codec(on_issue).notification(method, raw(value), 1)

    assert not [text for _, text in told if "the repair failed" in text]

    assert isinstance(event, Notification | UnknownNotification)
    assert event.method == method
    assert event.emitted_at_ms == 1


@settings(max_examples=100)
@given(st.sampled_from([*sorted(methods.SERVER_REQUESTS), "brand/new"]), JSON | LIKELY)
def test_any_json_makes_a_request_of_any_server_request(method: str, value: Json) -> None:
    assert isinstance(Codec().server_request(method, raw(value)), Wire)


@settings(max_examples=100)
@given(st.sampled_from(sorted(methods.CLIENT_REQUESTS)), JSON | LIKELY)
def test_any_json_as_a_result_is_a_result_or_a_remote_protocol_error(
    method: str, value: Json
) -> None:
    with suppress(RemoteProtocolError):
        assert Codec().result(methods.CLIENT_REQUESTS[method], raw(value)) is not None


@settings(max_examples=150)
@given(st.sampled_from([DELTA, "item/completed", "brand/new"]), st.binary(max_size=40))
def test_any_bytes_make_an_event_or_a_decode_error(method: str, payload: bytes) -> None:
    try:
        event = Codec().notification(method, Raw(payload))
    except DecodeError:
        return
    assert event.method == method


def test_a_result_is_typed() -> None:
    result = Codec().result(THREAD_READ, raw({"thread": {"id": "t"}}))

    assert isinstance(result, ThreadReadResponse)
    assert result.thread.id == "t"


def test_a_result_beyond_repair_names_method_and_place_but_not_the_payload() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Codec().result(THREAD_READ, raw(["sk-secret"]))

    assert caught.value.method == "thread/read"
    assert caught.value.problem == "Expected `object`, got `array`"
    assert "secret" not in repr(caught.value.__cause__)


def test_a_result_that_is_not_json_is_a_remote_protocol_error() -> None:
    with pytest.raises(RemoteProtocolError, match="truncated"):
        Codec().result(THREAD_READ, Raw(b"{"))


def test_a_server_request_is_typed() -> None:
    found = Codec().server_request(
        "item/commandExecution/requestApproval",
        raw({"threadId": "t", "turnId": "u", "itemId": "i", "command": "ls"}),
    )

    assert isinstance(found, CommandExecutionRequestApprovalParams)
    assert found.command == "ls"


def test_a_server_request_that_cannot_be_shown_in_full_is_unknown() -> None:
    """A notification loses the one value; here it could be the one that a person decides upon."""
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "command": ["rm", "-rf"]}
    codec = Codec()

    found = codec.server_request("item/commandExecution/requestApproval", raw(params))

    assert found == UnknownServerRequest(
        method="item/commandExecution/requestApproval", params=params
    )
    assert codec.degraded == 1


def test_an_unknown_variant_inside_a_server_request_is_kept_as_such() -> None:
    action = {"type": "brandNew", "command": "x"}
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "commandActions": [action]}

    found = Codec().server_request("item/commandExecution/requestApproval", raw(params))

    assert isinstance(found, CommandExecutionRequestApprovalParams)
    assert found.command_actions == [Unknown(raw=action)]


@pytest.mark.parametrize("method", ["mcpServer/elicitation/request", "brand/new"])
def test_a_server_request_of_an_unknown_kind_is_unknown(method: str) -> None:
    params = {"mode": "brandNew", "x": 1}

    assert Codec().server_request(method, raw(params)) == UnknownServerRequest(
        method=method, params=params
    )


def test_each_issue_is_told_once() -> None:
    told, on_issue = issues()
    codec = Codec(on_issue)
    turn = {"items": [{"type": "brandNew"}, {"type": "agentMessage"}, {"type": "brandNew"}]}

    for _ in range(3):
        codec.notification("turn/completed", raw({"turn": turn}))

    assert codec.degraded == 3
    assert told == [("turn/completed", "Invalid value 'brandNew' - at `$.turn.items[].type`")]


def test_issues_are_bounded_in_number_and_length() -> None:
    told, on_issue = issues()
    codec = Codec(on_issue)

    for number in range(400):
        codec.notification("item/completed", raw({"item": {"type": f"{number}" * 100}}))

    assert len(told) == 256
    assert max(len(text) for _, text in told) <= 200
    assert codec.degraded == 400


def test_unknown_variants_are_plain_again_as_they_came() -> None:
    payload = {"item": {"type": "brandNew", "deep": {"kind": [1]}}, "threadId": "t"}

    assert to_plain(Codec().notification("item/completed", raw(payload))) == payload
