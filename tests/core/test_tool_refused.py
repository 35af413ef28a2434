"""What cannot be a tool: functions that the model could not call, names that codex does not take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from msgspec import Meta

from codex_runtime import ToolContext, tool
from codex_runtime.errors import InvalidArgument, InvalidTool


@dataclasses.dataclass
class One:
    x: int


class Other(TypedDict):
    y: int


def no_type(query: str) -> None: ...
def any_number(*queries: str) -> None: ...
def any_names(**queries: str) -> None: ...
def method(self: Any, query: str) -> None: ...
def unknown(query: str) -> None: ...
def function_typed(query: Callable[[], int]) -> None: ...
def object_typed(query: object) -> None: ...
def two_objects(query: One | Other) -> None: ...
def limit_on_none(query: Annotated[int | None, Meta(ge=1)]) -> None: ...
def late_context(query: str, context: ToolContext) -> None: ...
def no_annotation(query: str) -> None: ...


del no_type.__annotations__["query"], method.__annotations__["self"]
unknown.__annotations__["query"] = "NotImported"
no_annotation.__annotations__["query"] = "1 + None"

REFUSED: list[tuple[Callable[..., Any], str, str]] = [
    (no_type, "query", "has no type; annotate it"),
    (any_number, "*queries", "stands for any number of arguments; name each"),
    (any_names, "**queries", "stands for any number of arguments; name each"),
    (method, "self", "has no type; make the tool of the bound method"),
    (unknown, "query", "has an unknown type: name 'NotImported' is not defined; import it"),
    (function_typed, "query", "cannot be described: "),
    (object_typed, "query", "cannot be described: "),
    (two_objects, "query", "cannot be described: Type unions may not contain more than one"),
    (limit_on_none, "query", "cannot be described: Can only set `ge` on a numeric type"),
    (late_context, "context", "is a ToolContext, but not first; put it first"),
    (no_annotation, "query", "has an annotation that cannot be read"),
]


@pytest.mark.parametrize(("function", "field", "text"), REFUSED, ids=lambda each: str(each)[:24])
def test_what_the_model_could_not_call_is_refused_by_name(
    function: Callable[..., Any], field: str, text: str
) -> None:
    with pytest.raises(InvalidTool) as refusal:
        tool(function, description="d")

    assert refusal.value.tool == function.__name__
    assert refusal.value.field == field
    assert refusal.value.fix
    assert str(refusal.value).startswith(f"tool {function.__name__!r}: {field} {text}")
    assert "schema_hook" not in str(refusal.value)


NAMES = [
    "",
    "a.b",
    "a b",
    "ä",
    " a",
    "x" * 129,
    "mcp",
    "mcp__",
    "mcp__a",
    "exec_command",
    "view_image",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_codex_does_not_take_are_refused(name: str) -> None:
    with pytest.raises(InvalidTool) as refusal:
        tool(print, name=name, description="d")

    assert refusal.value.field == "name"


@pytest.mark.parametrize("name", ["a", "A-1_", "x" * 128, "mcp_a", "1", "shell"])
def test_names_that_codex_takes(name: str) -> None:
    @tool(name=name, description="d")
    def function() -> None: ...

    assert function.name == name


@pytest.mark.parametrize(
    "options",
    [
        {"description": " "},
        {"description": None},
        {"description": "\ud800"},
        {"description": 7},
        {"max_concurrency": 0},
        {"max_concurrency": True},
        {"needs_approval": "yes"},
        {"timeout": 3_601},
        {"timeout": 0},
        {"timeout": "1"},
        {"name": 7},
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any]) -> None:
    def function() -> None: ...

    make: Any = tool
    with pytest.raises(InvalidArgument) as refusal:
        make(function, **{"description": "d", **options})

    assert refusal.value.field == next(iter(options))


def test_only_what_can_be_called_is_a_tool() -> None:
    anything: Any = "text"
    with pytest.raises(InvalidArgument, match="call is of type str"):
        tool(anything, name="t", description="d")


def test_a_lambda_has_no_name_to_use() -> None:
    with pytest.raises(InvalidTool, match="name is '<lambda>'"):
        tool(lambda: None, description="d")


def test_what_has_no_signature_is_refused() -> None:
    with pytest.raises(InvalidTool, match="tool 'smallest': signature cannot be read"):
        tool(min, name="smallest", description="d")
