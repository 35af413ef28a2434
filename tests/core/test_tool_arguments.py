"""Arguments as the model gives them, and values as a tool gets them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pytest
from core.json_schema import fits, keywords
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from codex_runtime import Tool, tool
from codex_runtime._tool_schema import WrongArguments


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class Name(msgspec.Struct):
    first: str
    last: str | None = None


class Extra(TypedDict, total=False):
    deep: bool


class Size(NamedTuple):
    width: int
    height: int


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@tool(description="d")
def search(
    query: str,
    limit: Annotated[int, Meta(ge=1, le=9)] = 5,
    *,
    points: list[Point] | None = None,
    by_key: dict[str, list[int]] | None = None,
    colour: Colour = Colour.RED,
) -> None: ...


def problems(arguments: Any) -> str:
    with pytest.raises(WrongArguments) as refusal:
        search.signature.read(arguments)
    return str(refusal.value)


def test_values_are_of_the_types_of_the_parameters() -> None:
    assert search.signature.read(
        {"query": "a", "points": [{"x": 1}], "colour": "blue", "by_key": {"k": [1]}}
    ) == {"query": "a", "points": [Point(1)], "colour": Colour.BLUE, "by_key": {"k": [1]}}


WRONG: list[tuple[Any, str]] = [
    ({}, "argument 'query' is missing"),
    ({"query": 7}, "argument 'query': expected `str`, got `int`"),
    ({"query": "a", "limit": "5"}, "argument 'limit': expected `int`, got `str`"),
    ({"query": "a", "limit": 10}, "argument 'limit': expected `int` <= 9"),
    ({"query": "a", "limit": True}, "argument 'limit': expected `int`, got `bool`"),
    ({"query": "a", "colour": "green"}, "argument 'colour': invalid enum value 'green'"),
    (
        {"query": "a", "points": [{"x": 1}, {"x": "1"}]},
        "argument 'points[1].x': expected `int`, got `str`",
    ),
    (
        {"query": "a", "by_key": {"k": [1, None]}},
        "argument 'by_key[...][1]': expected `int`, got `null`",
    ),
    (
        {"query": "a", "points": [{}]},
        "argument 'points[0]': object missing required field `x`",
    ),
    (
        {"query": "a", "size": 1},
        "'size' is no argument; there are: query, limit, points, by_key, colour",
    ),
    (
        {"limit": "a"},
        "argument 'query' is missing; argument 'limit': expected `int`, got `str`",
    ),
    ([], "arguments: expected an object"),
    (None, "arguments: expected an object"),
    ("query", "arguments: expected an object"),
]


@pytest.mark.parametrize(("arguments", "text"), WRONG, ids=lambda each: str(each)[:40])
def test_what_is_wrong_is_said_with_the_name_of_the_argument(arguments: Any, text: str) -> None:
    assert problems(arguments) == text


def test_of_many_mistakes_some_are_told() -> None:
    assert problems({f"wrong_{number}": 1 for number in range(100)}).count("no argument") == 5


def test_a_tool_without_parameters_says_that_it_has_none() -> None:
    @tool(description="d")
    def nothing() -> None: ...

    assert nothing.signature.read({}) == {}
    with pytest.raises(WrongArguments, match="'a' is no argument; there are: none"):
        nothing.signature.read({"a": 1})


def test_keys_and_paths_are_read_too() -> None:
    @tool(description="d")
    def read(ids: dict[int, str], path: Path, when: datetime) -> None: ...

    assert read.signature.read(
        {"ids": {"1": "a"}, "path": "/tmp/x", "when": "2026-01-31T08:30:00Z"}  # noqa: S108 — a text
    ) == {
        "ids": {1: "a"},
        "path": Path("/tmp/x"),  # noqa: S108 — a text
        "when": datetime(2026, 1, 31, 8, 30, tzinfo=UTC),
    }
    with pytest.raises(WrongArguments) as refusal:
        read.signature.read({"ids": {"x": "a"}, "path": 7, "when": "today"})
    assert str(refusal.value) == (
        "argument 'ids, a key': expected `int`, got `str`; "
        "argument 'path': expected `str`, got `int`; "
        "argument 'when': invalid RFC3339 encoded datetime"
    )


def test_what_a_type_checks_itself_is_told() -> None:
    class Even(msgspec.Struct):
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError("it is odd")

    @tool(description="d")
    def halve(even: Even) -> None: ...

    with pytest.raises(WrongArguments, match="argument 'even': it is odd"):
        halve.signature.read({"even": {"number": 3}})


class Strict(msgspec.Struct, forbid_unknown_fields=True, tag="strict"):
    point: Point


class Loose(msgspec.Struct, tag="loose"):
    point: Point


UNKNOWN: list[tuple[Any, Any, str | None]] = [
    (Point, {"x": 1, "z": 2}, "'value': object contains unknown field `z`; there are: x, y"),
    (Point | None, {"x": 1, "z": 2}, "'value': object contains unknown field `z`"),
    (Annotated[Point, Meta(description="d")], {"x": 1, "z": 2}, "'value': object contains"),
    (list[Point], [{"x": 1}, {"x": 1, "z": 2}], "'value[1]': object contains unknown field `z`"),
    (dict[str, Point], {"a": {"x": 1, "z": 2}}, "'value[...]': object contains unknown field"),
    (tuple[int, Point], [1, {"x": 1, "z": 2}], "'value[1]': object contains unknown field `z`"),
    (Extra, {"depth": True}, "'value': object contains unknown field `depth`; there are: deep"),
    (Strict, {"type": "strict", "point": {"x": 1}, "z": 1}, "'value': object contains unknown"),
    # A struct says itself that it takes them.
    (Loose, {"type": "loose", "point": {"x": 1}, "z": 1}, None),
    (
        Loose | Strict,
        {"type": "strict", "point": {"x": 1, "z": 1}},
        "'value.point': object contains unknown field `z`",
    ),
    (Any, {"x": 1}, None),
    (dict[str, Any], {"x": {"z": 1}}, None),
    (Size, [1, 2], None),
]


@pytest.mark.parametrize(("kind", "value", "text"), UNKNOWN, ids=lambda each: str(each)[:40])
def test_members_that_are_not_there_are_refused_as_arguments_are(
    kind: Any, value: Any, text: str | None
) -> None:
    made = tool_of(kind)
    if text is None:
        made.signature.read({"value": value})
        return
    with pytest.raises(WrongArguments) as refusal:
        made.signature.read({"value": value})
    assert str(refusal.value).startswith(f"argument {text}")


def test_the_schema_says_that_there_are_no_other_members() -> None:
    definitions = tool_of(tuple[Point, Extra, Strict, Loose]).input_schema["$defs"]

    assert [definitions[name].get("additionalProperties") for name in ("Point", "Extra")] == [
        False,
        False,
    ]
    assert definitions["Strict"]["additionalProperties"] is False
    assert "additionalProperties" not in definitions["Loose"]


@pytest.mark.parametrize("kind", [set, set[Any], set[tuple[Any, ...]]])
def test_a_set_of_anything_holds_no_lists(kind: Any) -> None:
    with pytest.raises(WrongArguments, match="'value': a set holds neither lists nor objects"):
        tool_of(kind).signature.read({"value": [[{}]]})


# -- properties

LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(2**63), 2**63 - 1)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text()),
    (bool, st.booleans()),
    (type(None), st.none()),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (Literal[1, 2], st.sampled_from([1, 2])),
    (Colour, st.sampled_from(["red", "blue"])),
    (UUID, st.uuids().map(str)),
    (Annotated[int, Meta(ge=0, lt=10)], st.integers(0, 9)),
    (Annotated[str, Meta(min_length=2, max_length=3)], st.text(min_size=2, max_size=3)),
    (Point, st.fixed_dictionaries({"x": st.integers(0, 9)}, optional={"y": st.just(1.5)})),
    (Name, st.fixed_dictionaries({"first": st.text()}, optional={"last": st.none()})),
    (Extra, st.fixed_dictionaries({}, optional={"deep": st.booleans()})),
    (Size, st.tuples(st.integers(), st.integers()).map(list)),
    (Path, st.just("a/b")),
    (Any, st.one_of(st.none(), st.integers(), st.lists(st.text(), max_size=2))),
]
"""Types, and values of theirs as the model writes them."""


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def listed(each: tuple[Any, st.SearchStrategy[Any]]) -> list[Any]:
        kind, values = each
        return [
            (list[kind], st.lists(values, max_size=3)),
            (dict[str, kind], st.dictionaries(st.text(), values, max_size=3)),
            (tuple[kind, int], st.tuples(values, st.integers(0, 9)).map(list)),
            (kind | None, st.one_of(values, st.none())),
        ]

    return inner.flatmap(lambda each: st.sampled_from(listed(each)))


TYPES: st.SearchStrategy[Any] = st.recursive(st.sampled_from(LEAVES), _deeper, max_leaves=4)


def tool_of(annotation: Any) -> Tool[..., Any]:
    def function(value: Any) -> None: ...

    function.__annotations__ = {"value": annotation}
    return tool(function, name="t", description="d")


KEPT_BY_CODEX = {
    *("type", "properties", "required", "items", "minItems", "enum", "anyOf", "oneOf", "allOf"),
    *("$ref", "$defs", "additionalProperties", "description"),
}

SAID_IN_WORDS = {
    *("minimum", "maximum", "exclusiveMaximum", "minLength", "maxLength", "maxItems"),
    *("format", "default", "prefixItems"),
}
"""Besides those that codex keeps."""


@settings(max_examples=200)
@given(TYPES, st.data())
def test_what_fits_the_schema_is_taken(typed: Any, data: st.DataObject) -> None:
    annotation, values = typed
    made = tool_of(annotation)
    arguments = msgspec.json.decode(msgspec.json.encode({"value": data.draw(values)}))

    assert keywords(made.input_schema) <= KEPT_BY_CODEX | SAID_IN_WORDS
    assert fits(arguments, made.input_schema)
    made.signature.read(arguments)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=200)
@given(TYPES, JSON)
def test_anything_else_is_taken_or_refused_in_words(typed: Any, value: Any) -> None:
    made = tool_of(typed[0])

    try:
        made.signature.read({"value": value})
    except WrongArguments as error:
        refused = str(error)
        assert refused.startswith("argument 'value")
    else:
        assert fits({"value": value}, made.input_schema)
