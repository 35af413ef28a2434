"""Types that there are no values of, defaults of another type, and first parameters without one."""

from __future__ import annotations

import dataclasses
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest
from core.tool_schema_support import schema_of
from msgspec import Meta

from codex_runtime import Tool, ToolContext, tool
from codex_runtime.errors import InvalidTool


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class Options(TypedDict, total=False):
    deep: bool


class Pair(NamedTuple):
    name: str
    size: int


class User(pydantic.BaseModel):
    name: str


class Loose(msgspec.Struct):
    value: int


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (set[dict[Any, Any]], "dict"),
        (set[list[int]], "list"),
        (frozenset[dict[str, int]], "dict"),
        (list[set[set[int]]], "set"),
        (set[tuple[Options, ...]], "dict"),
        (set[int | list[int]], "list"),
        (set[Point], "Point"),
        (set[Loose], "Loose"),
    ],
    ids=str,
)
def test_a_set_of_what_has_no_hash_is_refused(kind: Any, name: str) -> None:
    with pytest.raises(InvalidTool) as refusal:
        schema_of(kind)

    assert f"the entries of a set have to be hashable, which `{name}` is not" in str(refusal.value)


@pytest.mark.parametrize("kind", [set[tuple[int, str]], frozenset[Colour], set[Path], set])
def test_a_set_of_what_has_a_hash_is_taken(kind: Any) -> None:
    schema_of(kind)


def with_default(kind: Any, default: Any) -> Tool[..., Any]:
    def function(value: Any = default) -> None: ...

    function.__annotations__ = {"value": kind}
    return tool(function, name="t", description="d")


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (int, "a"),
        (str, 1),
        (bool, 1),
        (int | str, 1.5),
        (list[int], ["a"]),
        (list[str], "text"),
        (dict[str, int], []),
        (dict[str, int], {"a": "b"}),
        (Literal["a", "b"], "c"),
        (Colour, "red"),
        (Path, "a/b"),
        (date, "2026-01-31"),
        (Point, {"x": 1}),
        (Annotated[int, Meta(ge=1)], "a"),
        (int, pydantic.Field(default=5)),
        (Annotated[int, pydantic.Field(ge=1)], "a"),
        (User, 7),
    ],
    ids=str,
)
def test_a_default_of_another_type_is_refused(kind: Any, default: Any) -> None:
    with pytest.raises(InvalidTool) as refusal:
        with_default(kind, default)

    name = type(default).__name__
    assert str(refusal.value).startswith(
        f"tool 't': value has a default of another type: `{name}`; use a default"
    )


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (int, 1),
        (int, None),
        (float, 1),
        (int | None, None),
        (int | msgspec.UnsetType, msgspec.UNSET),
        (list[int], ()),
        (set[str], frozenset({"a"})),
        (dict[str, list[int]], {"a": [1]}),
        (Literal["a", 1], 1),
        (Colour, Colour.RED),
        (Path, Path("a/b")),
        (Point, Point(1)),
        (Options, {"deep": True}),
        (Pair, Pair("a", 1)),
        (Any, object()),
        (Annotated[int, Meta(ge=1)], 0),
        (Annotated[int, pydantic.Field(ge=1)], 0),
        (User, User(name="Ada")),
        (User, None),
    ],
    ids=str,
)
def test_a_default_of_the_type_is_taken(kind: Any, default: Any) -> None:
    assert with_default(kind, default).input_schema["required"] == []


def test_a_first_parameter_without_a_type_may_have_been_meant_for_the_context() -> None:
    def function(context: Any, word: Any) -> None: ...

    function.__annotations__ = {"word": str}
    with pytest.raises(InvalidTool, match=r"context has no type; annotate it.* ToolContext"):
        tool(function, name="t", description="d")

    function.__annotations__ = {"context": ToolContext}
    with pytest.raises(InvalidTool) as refusal:
        tool(function, name="t", description="d")
    assert "ToolContext" not in str(refusal.value)
