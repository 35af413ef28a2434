"""Raw calls held to the schema: what is refused, where it says the mistake is, and what it hides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime import InvalidArgument, InvalidParams, RemoteProtocolError, UnsendableValue
from codex_runtime._validation import Check, ValidationMode, shape
from codex_runtime.errors import ThreadIdMismatch
from codex_runtime.protocol import TextInput, TurnStartParams, methods

T, OTHER = "01a20e14-2be4-7a12-a239-d67c2245c836", "01a20e14-2be4-7a12-a239-d67c2245c837"
TEXT = {"type": "text", "text": "x"}
GRANULAR = {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}


def refused(method: str, params: Any, mode: ValidationMode = "known") -> InvalidParams:
    with pytest.raises(InvalidParams) as refusal:
        Check(method, mode).params(params)
    assert refusal.value.method == method
    return refusal.value


def accepted(method: str, params: Any, mode: ValidationMode = "known") -> None:
    Check(method, mode).params(params)


WRONG: list[tuple[str, Any, str, str]] = [
    ("turn/start", None, "$.input", "missing"),
    ("turn/start", {"input": [TEXT]}, "$.threadId", "missing"),
    ("turn/start", {"threadId": T, "input": TEXT}, "$.input", "expected `array`, got `object`"),
    ("turn/start", {"threadId": T, "input": [{"text": "x"}]}, "$.input[0].type", "missing"),
    (
        "turn/start",
        {"threadId": T, "input": [TEXT, {"type": "text", "text": 5}]},
        "$.input[1].text",
        "expected `str`, got `int`",
    ),
    (
        "turn/start",
        {"threadId": T, "input": [{"type": "hologram"}]},
        "$.input[0].type",
        "none of the values",
    ),
    (
        "turn/start",
        {"threadId": T, "input": [], "additionalContext": {"secret": {"kind": "untrusted"}}},
        "$.additionalContext[...].value",
        "missing",
    ),
    ("turn/start", {"threadId": "", "input": []}, "$.threadId", "blank"),
    ("turn/start", [], "$", "no object"),
    ("turn/interrupt", {"threadId": T, "turnId": ""}, "$.turnId", "blank"),
    ("turn/interrupt", {"threadId": T, "turnId": 7}, "$.turnId", "got `int`"),
    ("turn/steer", {"threadId": T, "input": []}, "$.expectedTurnId", "missing"),
    (
        "turn/steer",
        {"threadId": T, "input": [TEXT], "expectedTurnId": " "},
        "$.expectedTurnId",
        "blank",
    ),
    ("thread/read", {"threadId": None}, "$.threadId", "got `null`"),
    ("thread/read", {"threadId": " \t"}, "$.threadId", "blank"),
    ("thread/resume", {}, "$.threadId", "missing"),
    ("thread/resume", {"threadId": ""}, "$.threadId", "blank"),
    ("thread/list", {"ancestorThreadId": ""}, "$.ancestorThreadId", "blank"),
    (
        "thread/section/move",
        {"threadId": T, "sectionId": None, "beforeThreadId": " "},
        "$.beforeThreadId",
        "blank",
    ),
    (
        "thread/prediction/request",
        {"threadId": T, "sourceTurnId": ""},
        "$.sourceTurnId",
        "blank",
    ),
    ("thread/archive", {"threadId": ""}, "$.threadId", "blank"),
    ("thread/list", {"limit": -1}, "$.limit", "negative"),
    ("thread/list", {"limit": "1"}, "$.limit", "got `str`"),
    ("thread/list", {"limit": True}, "$.limit", "got `bool`"),
    ("thread/list", {"limit": 1.5}, "$.limit", "got `float`"),
    ("thread/turns/list", {"threadId": T, "limit": -1}, "$.limit", "negative"),
    ("thread/list", {"archived": "yes"}, "$.archived", "got `str`"),
    ("thread/start", {"sandbox": {"type": "readOnly"}}, "$.sandbox", "got `object`"),
    (
        "turn/start",
        {"threadId": T, "input": [], "sandboxPolicy": "read-only"},
        "$.sandboxPolicy",
        "got `str`",
    ),
    (
        "thread/start",
        {"approvalPolicy": {"granular": {"rules": True}}},
        "$.approvalPolicy.granular.mcp_elicitations",
        "missing",
    ),
    ("account/logout", {"now": True}, "$", "takes nothing"),
    ("account/login/start", {"type": "smoke"}, "$.type", "none of the values"),
    ("command/exec", {}, "$.command", "missing"),
    ("command/exec", {"command": "ls"}, "$.command", "got `str`"),
    ("command/exec", {"command": []}, "$.command", "empty"),
    ("command/exec", {"command": ["ls", 1]}, "$.command[1]", "got `int`"),
    ("command/exec", {"command": ["ls"], "processId": " "}, "$.processId", "blank"),
    ("command/exec", {"command": ["ls"], "tty": True}, "$.processId", "missing"),
    ("command/exec", {"command": ["ls"], "streamStdin": True}, "$.processId", "missing"),
    ("command/exec", {"command": ["ls"], "streamStdoutStderr": True}, "$.processId", "missing"),
    (
        "command/exec",
        {"command": ["ls"], "disableOutputCap": True, "outputBytesCap": 1},
        "$.outputBytesCap",
        "disableOutputCap too",
    ),
    (
        "command/exec",
        {"command": ["ls"], "disableTimeout": True, "timeoutMs": 1},
        "$.timeoutMs",
        "disableTimeout too",
    ),
    ("command/exec", {"command": ["ls"], "timeoutMs": -1}, "$.timeoutMs", "negative"),
    ("command/exec", {"command": ["ls"], "outputBytesCap": 0}, "$.outputBytesCap", "less than 1"),
    (
        "command/exec",
        {"command": ["ls"], "processId": "p", "size": {"rows": 1, "cols": 1}},
        "$.size",
        "terminal",
    ),
    (
        "command/exec",
        {"command": ["ls"], "processId": "p", "tty": True, "size": {"rows": 1, "cols": 0}},
        "$.size.cols",
        "less than 1",
    ),
    ("command/exec/write", {"processId": "p"}, "$.deltaBase64", "closeStdin too"),
    ("command/exec/write", {"processId": "", "closeStdin": True}, "$.processId", "blank"),
    ("command/exec/resize", {"processId": "p"}, "$.size", "missing"),
    (
        "command/exec/resize",
        {"processId": "p", "size": {"rows": 0, "cols": 1}},
        "$.size.rows",
        "less than 1",
    ),
    ("command/exec/terminate", {"processId": " "}, "$.processId", "blank"),
]


@pytest.mark.parametrize(("method", "params", "field", "problem"), WRONG)
def test_parameters_that_are_not_the_methods_are_refused_by_their_place(
    method: str, params: Any, field: str, problem: str
) -> None:
    for mode in ("known", "strict"):
        refusal = refused(method, params, mode)
        assert refusal.field == field
        assert problem in refusal.problem
    accepted(method, params, "none")


FINE: list[tuple[str, Any]] = [
    ("account/logout", None),
    ("account/logout", {}),
    ("thread/list", None),
    ("thread/list", {"limit": 0, "cursor": None}),
    ("thread/start", {"approvalPolicy": {"granular": GRANULAR}}),
    ("thread/start", {"config": {"anything": [{"at": "all"}]}, "sandbox": "read-only"}),
    ("turn/start", {"threadId": T, "input": []}),
    ("turn/start", TurnStartParams(thread_id=T, input=[TextInput(text="x")])),
    ("command/exec", {"command": ["ls"], "disableTimeout": False, "timeoutMs": 0}),
    ("command/exec", {"command": ["ls"], "env": {"A": None, "B": "x"}}),
    (
        "command/exec",
        {"command": ["ls"], "processId": "p", "tty": True, "size": {"rows": 1, "cols": 1}},
    ),
    ("command/exec/write", {"processId": "p", "closeStdin": True}),
]


@pytest.mark.parametrize("limit", ["x", [], {}, 1.5])
def test_a_member_that_the_method_does_not_have_may_hold_anything(limit: Any) -> None:
    accepted("thread/read", {"threadId": T, "limit": limit})


@pytest.mark.parametrize("mode", ["none", "known", "strict"])
@pytest.mark.parametrize(("method", "params"), FINE)
def test_parameters_of_the_method_pass(method: str, params: Any, mode: ValidationMode) -> None:
    accepted(method, params, mode)


STRANGE: list[tuple[str, Any, str, str]] = [
    ("thread/list", {"colour": "red"}, "$", "the member colour"),
    ("thread/list", {"x" * 99: 1}, "$", f"the member {'x' * 40}…,"),
    ("thread/list", {"sortKey": "taste"}, "$.sortKey", "lists"),
    ("thread/start", {"approvalPolicy": "sometimes"}, "$.approvalPolicy", "lists"),
    ("thread/start", {"sandbox": "sandcastle"}, "$.sandbox", "lists"),
    (
        "thread/start",
        {"approvalPolicy": {"granular": {**GRANULAR, "more": 1}}},
        "$.approvalPolicy.granular",
        "the member more",
    ),
    (
        "turn/start",
        {"threadId": T, "input": [TEXT, {**TEXT, "size": 1}]},
        "$.input[1]",
        "the member size",
    ),
    (
        "turn/start",
        {"threadId": T, "input": [], "additionalContext": {"a": {"kind": "x", "value": "y"}}},
        "$.additionalContext[...].kind",
        "lists",
    ),
]


@pytest.mark.parametrize(("method", "params", "field", "problem"), STRANGE)
def test_only_strict_refuses_what_the_schema_does_not_have(
    method: str, params: Any, field: str, problem: str
) -> None:
    accepted(method, params, "known")
    refusal = refused(method, params, "strict")
    assert refusal.field == field
    assert problem in refusal.problem


def test_only_strict_refuses_a_method_that_the_schema_does_not_have() -> None:
    for mode in ("none", "known"):
        check = Check("thread/dream", mode)
        check.params({"anything": object})
        check.result(["anything"])
    with pytest.raises(InvalidArgument) as refusal:
        Check("thread/dream", "strict")
    assert refusal.value.field == "method"


def test_a_refusal_says_what_to_do() -> None:
    shown = str(refused("thread/read", {"threadId": ""}))
    assert shown.startswith("thread/read: $.threadId is blank; name one; params=object(")


def test_a_mode_that_is_none_is_refused() -> None:
    wrong: Any = "lax"
    with pytest.raises(InvalidArgument) as refusal:
        Check("thread/list", wrong)
    assert refusal.value.field == "mode"
    assert "'known'" in refusal.value.fix


def test_what_json_cannot_carry_is_refused_with_its_place() -> None:
    with pytest.raises(UnsendableValue, match="threadId"):
        accepted("thread/read", {"threadId": object()})


ANSWERS: list[tuple[str, Any, str]] = [
    ("thread/read", None, "$ has another type: expected `object`, got `null`; result=null"),
    ("thread/read", {}, "$.thread.id is missing; result=object(keys=[])"),
    ("thread/read", {"thread": {}}, "$.thread.id is missing"),
    ("thread/read", {"thread": {"id": ""}}, "$.thread.id is blank"),
    ("thread/read", {"thread": {"id": 7}}, "$.thread.id has another type: expected `str`"),
    ("thread/start", {"thread": T}, "$.thread has another type: expected `object`"),
    ("turn/start", {"turnId": "x"}, "$.turn.id is missing"),
    ("turn/steer", {}, "$.turnId is missing"),
    ("turn/interrupt", [], "$ has another type: expected `object`, got `array`"),
    ("thread/list", {}, "$.data is missing"),
    ("thread/list", {"data": {}}, "$.data has another type: expected `array`"),
    ("command/exec", {"exitCode": 0, "stdout": ""}, "$.stderr is missing"),
    ("command/exec", {"exitCode": "0", "stdout": "", "stderr": ""}, "$.exitCode has another type"),
]


@pytest.mark.parametrize(("method", "result", "problem"), ANSWERS)
def test_an_answer_that_is_not_the_methods_is_not_taken(
    method: str, result: Any, problem: str
) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        Check(method, "known").result(result)
    assert refusal.value.method == method
    assert refusal.value.problem.startswith(problem)
    Check(method, "none").result(result)


def test_an_answer_may_hold_more_than_is_known_unless_it_is_strict() -> None:
    more: dict[str, Any] = {"data": [], "nextCursor": None, "weather": "fine"}
    Check("thread/loaded/list", "known").result(more)
    with pytest.raises(RemoteProtocolError, match="the member weather"):
        Check("thread/loaded/list", "strict").result(more)


def test_strict_wants_all_that_the_schema_promises() -> None:
    Check("thread/read", "known").result({"thread": {"id": T}})
    with pytest.raises(RemoteProtocolError, match="is missing"):
        Check("thread/read", "strict").result({"thread": {"id": T}})


@pytest.mark.parametrize("method", ["thread/resume", "thread/read"])
def test_an_answer_about_another_thread_is_not_taken(method: str) -> None:
    check = Check(method, "known")
    check.params({"threadId": f"urn:uuid:{T.upper()}"})
    check.result({"thread": {"id": T}})
    with pytest.raises(ThreadIdMismatch) as refusal:
        check.result({"thread": {"id": OTHER}})
    assert refusal.value.actual == OTHER


def test_a_fork_is_another_thread() -> None:
    check = Check("thread/fork", "known")
    check.params({"threadId": T})
    check.result({"thread": {"id": OTHER}})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "null"),
        (True, "bool"),
        (0, "number"),
        (1.5, "number"),
        ("secret", "string(len=6)"),
        ([1, 2], "array(len=2)"),
        ({}, "object(keys=[])"),
        ({"b": "secret", "a": 1}, "object(keys=[a,b])"),
        (dict.fromkeys("gfedcba"), "object(keys=[a,b,c,d,e,f,...])"),
        ({"x" * 41: 1}, f"object(keys=[{'x' * 40}…])"),
    ],
)
def test_the_shape_of_data_shows_no_value(data: Any, expected: str) -> None:
    assert shape(data) == expected


# -- no value of a payload is ever told

CANARY = "cAnArY"
VALUES = st.recursive(
    st.just(CANARY) | st.just(f"{CANARY}`$.x`\n - at `$`") | st.just(8675309) | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just(CANARY), inner, max_size=1),
    max_leaves=4,
)


def complaint(do: Callable[[], None]) -> InvalidParams | RemoteProtocolError | None:
    try:
        do()
    except (InvalidParams, RemoteProtocolError) as error:
        return error
    return None


def _keys(method: str) -> list[str]:
    kind: Any = methods.CLIENT_REQUESTS[method].params_type
    return list(getattr(kind, "__struct_encode_fields__", ["type"]))


def _typed(kind: object, value: object) -> dict[str, object]:
    return {"type": kind, "text": value}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, Mapping[str, Any]]:
    """A method, and parameters of its own names with values that are mostly wrong."""
    method = draw(st.sampled_from(sorted(methods.CLIENT_REQUESTS)))
    typed = st.builds(_typed, VALUES, VALUES)
    values: st.SearchStrategy[Any] = VALUES | st.lists(typed, max_size=2) | typed
    keys = _keys(method)
    return method, draw(st.dictionaries(st.sampled_from(keys), values) if keys else st.just({}))


@given(call=calls(), mode=st.sampled_from(["known", "strict"]))
def test_no_value_of_the_parameters_is_told(
    call: tuple[str, Mapping[str, Any]], mode: ValidationMode
) -> None:
    method, params = call
    error = complaint(lambda: Check(method, mode).params(params))
    # A key that should not be there is told in strict mode.
    told = f"{error} {error!r}".replace(f"the member {CANARY}", "")
    assert CANARY not in told
    assert "8675309" not in told
    assert error is None or (error.__cause__, error.__context__) == (None, None)


@given(
    method=st.sampled_from(sorted(methods.CLIENT_REQUESTS)),
    result=VALUES | st.dictionaries(st.sampled_from(["thread", "data", "turn", "type"]), VALUES),
)
def test_no_value_of_the_result_is_told(method: str, result: Any) -> None:
    error = complaint(lambda: Check(method, "known").result(result))
    told = f"{error} {error!r}".replace(f"keys=[{CANARY}]", "")
    assert CANARY not in told
    assert "8675309" not in told
    assert error is None or (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("mode", ["known", "strict"])
@pytest.mark.parametrize("method", methods.CLIENT_REQUESTS)
def test_the_parameters_of_every_method_can_be_checked(method: str, mode: ValidationMode) -> None:
    error = complaint(lambda: Check(method, mode).params({"threadId": T}))
    assert error is None or isinstance(error, InvalidParams)
