"""What may leave: values that the server reads; all others are refused, and their place is named."""

import json
import math
from collections import UserDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from codex_runtime._outgoing import MAX_DEPTH, encode
from codex_runtime.errors import UnsendableValue
from codex_runtime.protocol import (
    AgentMessageItem,
    TextInput,
    ThreadStartParams,
    TurnStartParams,
    Unknown,
)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Opaque(Enum):
    ONE = "one"


class Text(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


class Whole(int):
    __slots__ = ()


@dataclass
class Record:
    number: float


class Point(NamedTuple):
    x: int
    y: int


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def turn(**fields: Any) -> TurnStartParams:
    return TurnStartParams(thread_id="t", **fields)


NOT_TEXT = "has a lone surrogate at character 1; take it out"
NO_KIND = "convert it to text, a number, a list or a mapping"
NO_NUMBER = "use a finite number or None"
TOO_BIG = "does not fit into 64 bits; send it as text"


@pytest.mark.parametrize(
    ("value", "place", "problem"),
    [
        ({"a": math.nan}, "params.a", f"is nan; {NO_NUMBER}"),
        ({"a": [0.0, math.inf]}, "params.a[1]", f"is inf; {NO_NUMBER}"),
        ({"a": {"b": -math.inf}}, "params.a.b", f"is -inf; {NO_NUMBER}"),
        ({"a": "x\ud800"}, "params.a", NOT_TEXT),
        ({"a": {"x\udfff": 1}}, "params.a (a key)", NOT_TEXT),
        ({"a": {1: 2}}, "params.a", "has a key of type int; use text"),
        ({None: 2}, "params", "has a key of type NoneType; use text"),
        ({"a": [2**64]}, "params.a[0]", TOO_BIG),
        ({"a": -(2**63) - 1}, "params.a", TOO_BIG),
        ({"a": 10**400}, "params.a", TOO_BIG),
        ({"a": b"x"}, "params.a", f"is of type bytes; {NO_KIND}"),
        ({"a": bytearray(b"x")}, "params.a", f"is of type bytearray; {NO_KIND}"),
        ({"a": [{"x"}]}, "params.a[0]", f"is of type set; {NO_KIND}"),
        ({"a": frozenset({1})}, "params.a", f"is of type frozenset; {NO_KIND}"),
        ({"a": (1, object())}, "params.a[1]", f"is of type object; {NO_KIND}"),
        ({"a": Record(math.nan)}, "params.a", f"is of type Record; {NO_KIND}"),
        ({"a": datetime.now(UTC)}, "params.a", f"is of type datetime; {NO_KIND}"),
        ({"a": Decimal(1)}, "params.a", f"is of type Decimal; {NO_KIND}"),
        ({"a": Path("x")}, "params.a", f"is of type {type(Path()).__name__}; {NO_KIND}"),
        ({"a": Opaque.ONE}, "params.a", f"is of type Opaque; {NO_KIND}"),
        ({"a": Raw(b"1")}, "params.a", f"is of type Raw; {NO_KIND}"),
        ({"a": UNSET}, "params.a", f"is of type UnsetType; {NO_KIND}"),
        ({"a": Text("x\ud800")}, "params.a", NOT_TEXT),
        ({"a": Number("nan")}, "params.a", f"is nan; {NO_NUMBER}"),
        (MappingProxyType({"a": math.nan}), "params.a", f"is nan; {NO_NUMBER}"),
        (turn(input=[TextInput(text="x\ud800")]), "params.input[0].text", NOT_TEXT),
        (
            turn(input=[], output_schema={"a": [math.nan]}),
            "params.output_schema.a[0]",
            f"is nan; {NO_NUMBER}",
        ),
        (ThreadStartParams(cwd="x\udce9"), "params.cwd", NOT_TEXT),
    ],
)
def test_what_the_server_cannot_read_is_refused_with_its_place(
    value: Any, place: str, problem: str
) -> None:
    with pytest.raises(UnsendableValue) as caught:
        encode(value)

    assert caught.value.field == place
    assert str(caught.value) == f"{place} {problem}"


def test_a_hundred_levels_are_sent_and_one_more_is_refused() -> None:
    assert json.loads(encode(nested(MAX_DEPTH))) == nested(MAX_DEPTH)

    with pytest.raises(UnsendableValue) as caught:
        encode(nested(MAX_DEPTH + 1))

    assert caught.value.field == "params" + "[0]" * MAX_DEPTH
    assert caught.value.problem == "is nested more than 100 levels deep"
    assert caught.value.fix == "make it flatter"


def test_data_that_holds_itself_is_refused_as_too_deep() -> None:
    with pytest.raises(UnsendableValue, match="nested more than 100 levels"):
        encode(cyclic())


def test_the_path_starts_with_the_name_that_the_caller_gives() -> None:
    with pytest.raises(UnsendableValue) as caught:
        encode(math.nan, "config.x")

    assert caught.value.field == "config.x"


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs", "L"]))
    | st.binary()
    | st.integers().map(Whole)
    | st.floats().map(Number)
    | st.text().map(Text)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.dictionaries(st.text(), inner).map(MappingProxyType)
    ),
)


def plain(value: Any) -> Any:
    """`value` with the containers that JSON gives back."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in cast("list[Any]", value)]
    return value


@given(values)
def test_whatever_is_accepted_is_valid_json_that_reads_back_equal(value: Any) -> None:
    try:
        sent = encode(value)
    except UnsendableValue:
        return

    assert json.loads(sent.decode("utf-8")) == plain(value)


@given(values)
def test_nothing_but_the_documented_error_is_raised(value: Any) -> None:
    place = "params.a[0]"
    try:
        encode({"a": [value]})
    except UnsendableValue as error:
        place = error.field

    assert place.startswith("params.a[0]")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (2**64 - 1, "18446744073709551615"),
        (-(2**63), "-9223372036854775808"),
        (True, "true"),
        (Colour.RED, '"red"'),
        (Level.LOW, "1"),
        (Text("ü"), '"ü"'),
        (Number(1.5), "1.5"),
        (Whole(3), "3"),
        (Point(1, 2), "[1,2]"),
        (UserDict({"a": UserDict({"b": 1})}), '{"a":{"b":1}}'),
        ({Colour.RED: 1}, '{"red":1}'),
        ({"\0": "\n"}, '{"\\u0000":"\\n"}'),
    ],
)
def test_relatives_of_the_plain_types_are_sent_as_those(value: Any, sent: str) -> None:
    assert encode(value).decode() == sent


def test_a_struct_is_sent_under_wire_names_and_without_what_is_not_set() -> None:
    assert json.loads(encode(turn(input=[TextInput(text="hello")], model=None))) == {
        "threadId": "t",
        "input": [{"type": "text", "text": "hello"}],
        "model": None,
    }


def test_a_variant_of_unknown_kind_goes_out_as_it_came_in() -> None:
    raw = {"type": "brandNew", "deep": [{"x": 1}]}

    assert json.loads(encode({"items": [Unknown(raw=raw), AgentMessageItem(id="a")]})) == {
        "items": [raw, {"type": "agentMessage", "id": "a"}]
    }


def test_a_variant_of_unknown_kind_is_checked_like_all_the_rest() -> None:
    with pytest.raises(UnsendableValue) as caught:
        encode([Unknown(raw={"x": math.nan})])

    assert caught.value.field == "params[0].raw.x"
