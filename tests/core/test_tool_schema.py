"""From the signature of a function to the schema that the model sees."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from datetime import date
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from core.json_schema import fits
from core.tool_schema_support import read, schema_of
from msgspec import Meta

from codex_runtime import Tool, ToolContext, tool
from codex_runtime.errors import InvalidTool


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Point:
    """A place."""

    x: int
    y: int = 3


class Options(TypedDict, total=False):
    deep: bool


class Pair(NamedTuple):
    name: str
    size: int


class Node(msgspec.Struct):
    value: int
    next: Node | None = None


def test_a_tool_is_described_by_its_function() -> None:
    @tool
    def search(query: str, limit: Annotated[int, Meta(ge=1)] = 5) -> str:
        """Search the archive.

        Args:
            query: What to look for
            limit: How many to find.
        """
        return f"{query} {limit}"

    assert (search.name, search.description) == ("search", "Search the archive.")
    assert search.input_schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for"},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "default": 5,
                "description": "How many to find. At least 1. By default 5.",
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    }
    assert search("x", limit=2) == "x 2"


PLAIN: list[tuple[Any, dict[str, Any]]] = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (None, {"type": "null"}),
    (Any, {}),
    (list, {"type": "array", "items": {}}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (dict, {"type": "object", "properties": {}}),
    (
        dict[str, int],
        {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}},
    ),
    (
        set[str],
        {
            "type": "array",
            "items": {"type": "string"},
            "uniqueItems": True,
            "description": "No two of them alike.",
        },
    ),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    # Codex would take an enum without a type for one of texts.
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
    (Literal["a", 1], {"type": ["integer", "string"], "enum": [1, "a"]}),
    (
        Annotated[str, Meta(min_length=1, max_length=3, pattern="^a")],
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 3,
            "pattern": "^a",
            "description": "At least 1, at most 3 characters. Matches the regular expression ^a.",
        },
    ),
    (
        Annotated[list[int], Meta(max_length=2)],
        {
            "type": "array",
            "items": {"type": "integer"},
            "maxItems": 2,
            "description": "At most 2 entries.",
        },
    ),
    (date, {"type": "string", "format": "date", "description": "A date, say 2026-01-31."}),
    (
        Path,
        {"type": "string", "format": "path", "description": "The path of a file or folder."},
    ),
    (bytes, {"type": "string", "contentEncoding": "base64", "description": "Bytes in base64."}),
    (Annotated[str, "Said beside it"], {"type": "string", "description": "Said beside it"}),
    (
        Annotated[int, Meta(le=5, description="How many")],
        {"type": "integer", "maximum": 5, "description": "How many. At most 5."},
    ),
    (Annotated[int, Meta(description="D.")], {"type": "integer", "description": "D."}),
]


@pytest.mark.parametrize(("annotation", "schema"), PLAIN, ids=lambda each: str(each)[:40])
def test_what_a_type_comes_to(annotation: Any, schema: dict[str, Any]) -> None:
    assert schema_of(annotation) == schema


def test_a_tuple_says_what_is_in_which_place() -> None:
    schema = schema_of(tuple[int, str])

    # Codex drops `prefixItems`, and takes `items: false` for text.
    assert schema["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert schema["description"] == "In this order: integer, string."
    assert fits([1, "a"], schema)
    assert not fits(["a", 1], schema)


def test_a_tuple_of_one_type_says_how_many() -> None:
    assert schema_of(tuple[int, int])["description"] == "Exactly 2 entries."


def test_anything_with_a_description_keeps_it() -> None:
    # Codex drops a description that stands alone.
    schema = schema_of(Annotated[Any, "What you like."])

    assert schema["description"] == "What you like."
    assert set(schema["type"]) == {"string", "number", "boolean", "object", "array", "null"}
    anything: list[Any] = ["a", 1.5, True, {"a": []}, [1, "b"], None]
    assert all(fits(each, schema) for each in anything)


@pytest.mark.parametrize("kind", [Point, Options, Pair, Node, Colour, Level])
def test_types_with_a_name_are_referred_to(kind: type) -> None:
    schema = schema_of(kind)

    assert schema["$ref"] == f"#/$defs/{kind.__name__}"
    assert "type" in schema["$defs"][kind.__name__]


def test_a_dataclass_says_its_defaults_and_what_it_is() -> None:
    point = schema_of(Point)["$defs"]["Point"]

    assert point["description"] == "A place."
    assert point["properties"]["y"]["description"] == "By default 3."


def test_a_type_may_hold_itself() -> None:
    @tool(description="d")
    def walk(node: Node) -> None: ...

    assert read(walk, node={"value": 1, "next": {"value": 2}}) == {"node": Node(1, Node(2))}


def test_two_types_of_one_name_are_told_apart() -> None:
    def other() -> Any:
        @dataclasses.dataclass
        class Point:
            z: str

        return Point

    def function(one: Point, two: Any) -> None: ...

    function.__annotations__["two"] = other()
    both = tool(function, description="d")

    properties = both.input_schema["properties"]
    assert properties["one"]["$ref"] != properties["two"]["$ref"]
    assert len(both.input_schema["$defs"]) == 2
    values = both.signature.read({"one": {"x": 1}, "two": {"z": "a"}})
    assert (values["one"], values["two"].z) == (Point(1), "a")


def test_fields_of_a_type_that_cannot_be_read_are_refused() -> None:
    @dataclasses.dataclass
    class Lost:
        value: str

    Lost.__annotations__["value"] = "NotImported"

    with pytest.raises(InvalidTool, match="value cannot be described: name 'NotImported'"):
        schema_of(Lost)


def test_a_closure_may_name_what_comes_later() -> None:
    @tool(description="d")
    def function(value: int) -> int:
        return value + later

    later = 1
    assert function(1) == 2


def test_annotations_may_name_what_is_local() -> None:
    class Local(msgspec.Struct):
        value: int

    @tool(description="d")
    def one(value: Local) -> None: ...

    @tool
    def two(value: list[Local]) -> None:
        """D."""

    assert read(one, value={"value": 1}) == {"value": Local(1)}
    assert read(two, value=[{"value": 1}]) == {"value": [Local(1)]}


def test_a_closure_is_a_tool() -> None:
    def make(step: int) -> Tool[[int], int]:
        @tool(description="d")
        def add(number: int) -> int:
            return number + step

        return add

    assert [make(2)(3), make(5)(3)] == [5, 8]


def test_methods_partial_functions_and_objects_are_tools() -> None:
    class Counter:
        def add(self, number: int, /) -> int:
            """Add."""
            return number

        def __call__(self, word: str) -> str:
            return word

    def say(word: str, times: int) -> str:
        return word * times

    counter = Counter()
    assert list(tool(counter.add).input_schema["properties"]) == ["number"]
    assert list(tool(counter, name="c", description="d").input_schema["properties"]) == ["word"]
    twice = tool(functools.partial(say, times=2), name="twice", description="d")
    assert twice.input_schema["required"] == ["word"]


def test_a_wrapped_function_is_described_by_what_it_wraps() -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @tool
    @logged
    def search(query: str) -> str:
        """Search."""
        return query

    assert list(search.input_schema["properties"]) == ["query"]
    assert search(query="a") == "a"


def test_a_tool_can_be_made_anew_under_another_name() -> None:
    @tool
    def search(query: str) -> str:
        """Search."""
        return query

    assert tool(search, name="find").name == "find"
    assert tool(search, name="find")("a") == "a"


def test_a_context_is_not_seen_by_the_model() -> None:
    @tool
    def where(context: ToolContext, name: str) -> None:
        """Where.

        Args:
            context: Not for the model.
            name: For it.
        """

    assert list(where.input_schema["properties"]) == ["name"]
    assert where.signature.takes_context


def test_arguments_by_position_only_may_be_left_out() -> None:
    @tool(description="d")
    def move(x: int = 1, y: int = 2, /, *, z: int = 3) -> None: ...

    assert move.signature.split(read(move, y=5, z=6)) == ([1, 5], {"z": 6})


def test_a_default_needs_no_form_in_json() -> None:
    marker = object()

    @tool(description="d")
    def search(query: Any = marker, kind: Colour = Colour.RED, far: str = "x" * 200) -> None: ...

    properties = search.input_schema["properties"]
    assert properties["query"] == {}
    assert properties["kind"]["description"] == 'By default "red".'
    assert "description" not in properties["far"]


def test_a_schema_that_codex_would_strip_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    schema_of(Annotated[str, "x" * 4_000])
    assert not caplog.records

    schema_of(Annotated[str, "x" * 5_000])
    [record] = caplog.records
    assert (record.name, record.levelname) == ("codex_runtime.tools", "WARNING")
    assert record.getMessage().startswith("tool t: its schema has 5,1".replace(",", ""))


def test_it_shows_its_name() -> None:
    @tool
    def search() -> None:
        """Search."""

    assert repr(search) == "<Tool 'search'>"
    assert search.__doc__ == "Search."
