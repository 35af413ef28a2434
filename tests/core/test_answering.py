"""Every request of the server has an answer, and the answer is no."""

import json
import re
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from codex_runtime._refusing import Reply, refusal_of
from codex_runtime.protocol import SERVER_REQUESTS, UnknownServerRequest, methods
from codex_runtime.protocol.codec import Codec
from codex_runtime.requests import REQUEST_TYPES, ServerRequest, UnknownRequest

REFUSALS: dict[str, dict[str, Any]] = {
    "item/commandExecution/requestApproval": {"decision": "decline"},
    "item/fileChange/requestApproval": {"decision": "decline"},
    "item/permissions/requestApproval": {"permissions": {}, "scope": "turn"},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None},
    "item/tool/call": {
        "success": False,
        "contentItems": [
            {"type": "inputText", "text": "this tool is not available in this session"}
        ],
    },
    "execCommandApproval": {
        "decision": {"denied": {"rejection": "nobody is there to approve this"}}
    },
    "applyPatchApproval": {
        "decision": {"denied": {"rejection": "nobody is there to approve this"}}
    },
}
"""The requests whose refusal has a shape of its own."""

NOT_OURS = {"account/chatgptAuthTokens/refresh", "attestation/generate", "currentTime/read"}
"""Requests to clients that have asked for them, which this one has not: their refusal is an error."""


class Desk:
    """Keeps nothing: these requests are only looked at."""

    def answer(self, request: ServerRequest, answer: Any, by: str) -> None:
        raise AssertionError

    def now(self) -> float:
        return 0.0


def a_request(method: str, *, readable: bool = True) -> ServerRequest:
    params = Codec(on_issue=lambda _, __: None).server_request(method, msgspec.Raw(b"{}"))
    kind = REQUEST_TYPES.get(method, UnknownRequest) if readable else UnknownRequest
    if isinstance(params, UnknownServerRequest):
        params = params.params
    return kind(Desk(), "req-1", 0, method, params, deadline=1.0)


def test_every_request_of_the_protocol_is_known_by_a_type_of_its_own() -> None:
    assert set(SERVER_REQUESTS) == set(REQUEST_TYPES)
    assert len(set(REQUEST_TYPES.values())) == len(REQUEST_TYPES)


@pytest.mark.parametrize("method", REFUSALS)
def test_a_request_that_cannot_be_read_is_refused_as_its_kind_is(method: str) -> None:
    assert refusal_of(a_request(method, readable=False)) == refusal_of(a_request(method))


def test_every_request_of_the_protocol_has_a_decided_answer() -> None:
    assert set(SERVER_REQUESTS) == set(REFUSALS) | NOT_OURS
    assert len(SERVER_REQUESTS) == methods.INVENTORY.server_requests


@pytest.mark.parametrize(("method", "result"), REFUSALS.items())
def test_a_request_is_refused_in_its_own_shape(method: str, result: dict[str, Any]) -> None:
    refusal = refusal_of(a_request(method))

    assert refusal.result is not None
    assert json.loads(refusal.result) == result


@pytest.mark.parametrize("method", REFUSALS)
def test_a_refusal_is_one_of_the_protocols_own_answers(method: str) -> None:
    sent = refusal_of(a_request(method)).result
    assert sent is not None
    kind: Any = SERVER_REQUESTS[method].result_type

    answer = msgspec.json.decode(sent, type=kind)

    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    assert json.loads(sent).keys() <= fields.keys()
    for field in fields.values():
        value = getattr(answer, field.name)
        assert not isinstance(value, str) or value in _words(field.type)


def _words(form: Any) -> set[str]:
    """The words that a type lists, however deep: open sets take any other besides."""
    if get_origin(form) is Literal:
        return set(get_args(form))
    return {word for part in get_args(form) for word in _words(part)}


@pytest.mark.parametrize(
    "method", [*sorted(NOT_OURS), "item/brandNew/request", "", "applyPatchApproval ", "x" * 99]
)
def test_anything_else_is_answered_with_an_error(method: str) -> None:
    assert refusal_of(a_request(method)) == Reply(
        "refused", result=None, code=-32601, message=f"this client does not answer {method}"
    )


def test_no_refusal_says_yes() -> None:
    for method in REFUSALS:
        sent = (refusal_of(a_request(method)).result or b"").decode()

        assert not re.search(r"accept|approved|allow|true", sent)
