"""What is typed into the fields of a form, and what is sent for it."""

from __future__ import annotations

from typing import Any

import pytest
from core.asking_support import ELICITATION, request_of

from codex_runtime._asking._forms import Choice, Field, Unfit, fields_of, picked
from codex_runtime._form_answers import checked_form

COLOURS = [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]


def schema_of(required: list[str] | None = None, **properties: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": required or []}
    request = request_of(
        ELICITATION, serverName="s", mode="form", message="?", requestedSchema=schema
    )
    return request.schema


def field_of(*, required: bool = False, **schema: Any) -> Field:
    fields = fields_of(schema_of(["f"] if required else [], f=schema))
    assert fields is not None
    return fields[0]


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": "string"}, " some words ", "some words"),
        ({"type": "string", "minLength": 3, "maxLength": 3}, "abc", "abc"),
        ({"type": "string", "format": "email"}, "me@example.org", "me@example.org"),
        ({"type": "string", "format": "uri"}, "https://example.org/", "https://example.org/"),
        ({"type": "string", "format": "date"}, "2026-11-24", "2026-11-24"),
        ({"type": "string", "format": "date-time"}, "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
        ({"type": "string", "format": "of the future"}, "x", "x"),
        ({"type": "integer", "minimum": 1, "maximum": 3}, "3", 3),
        ({"type": "integer"}, "-12", -12),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "2", 2),
        ({"type": "boolean"}, "Y", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "string", "enum": ["a", "b"]}, "2", "b"),
        ({"type": "string", "enum": ["a", "b"]}, "a", "a"),
        ({"type": "string", "enum": ["a", "b"], "enumNames": ["Ah", "Be"]}, "Be", "b"),
        ({"type": "string", "enum": ["a", "b"], "enumNames": ["only one"]}, "1", "a"),
        ({"type": "string", "oneOf": COLOURS}, "2", "g"),
        ({"type": "string", "oneOf": COLOURS}, "Red", "r"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, "2, 1", ["b", "a"]),
        ({"type": "array", "items": {"anyOf": COLOURS}}, "Green", ["g"]),
        ({"type": "string", "default": "d"}, "", "d"),
        ({"type": "boolean", "default": False}, "", False),
        ({"type": "integer", "default": "no number"}, "", None),
        ({"type": "string"}, "   ", None),
    ],
)
def test_what_is_typed_becomes_a_value_that_the_form_takes(
    schema: dict[str, Any], typed: str, value: Any
) -> None:
    field = field_of(**schema)

    assert field.read(typed) == value
    content = {} if value is None else {"f": value}
    assert checked_form(schema_of(f=schema), content) is None


@pytest.mark.parametrize(
    ("schema", "typed", "why"),
    [
        ({"type": "string", "minLength": 3}, "ab", "use 3 or more characters"),
        ({"type": "string", "maxLength": 1}, "ab", "use 1 or less characters"),
        ({"type": "string", "format": "email"}, "me at home", "that is no email"),
        ({"type": "string", "format": "uri"}, "http://[", "that is no uri"),
        ({"type": "string", "format": "date"}, "tomorrow", "that is no date"),
        ({"type": "integer"}, "1.5", "that is not a whole number"),
        ({"type": "integer"}, "1_0", "that is not a whole number"),
        ({"type": "integer"}, "9" * 30, "that is not a whole number"),
        ({"type": "integer", "minimum": 1}, "0", "that is not 1 or more"),
        ({"type": "number", "minimum": 0.5, "maximum": 2}, "3", "that is not 0.5 to 2"),
        ({"type": "number"}, "nan", "that is not a number"),
        ({"type": "number"}, "1e999", "that is not a number"),
        ({"type": "number"}, "much", "that is not a number"),
        ({"type": "boolean"}, "perhaps", "use y or n"),
        ({"type": "string", "enum": ["a", "b"]}, "3", "use a number from 1 to 2"),
        ({"type": "string", "enum": ["a", "b"]}, "0", "use a number from 1 to 2"),
        (
            {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 1},
            "1,2",
            "use 1 or less choices",
        ),
        ({"type": "array", "items": {"enum": ["a"]}}, "b", "use a number from 1 to 1"),
    ],
)
def test_what_does_not_fit_is_said_why(schema: dict[str, Any], typed: str, why: str) -> None:
    with pytest.raises(Unfit) as refused:
        field_of(**schema).read(typed)

    assert str(refused.value) == why


def test_what_is_required_cannot_be_left_out_unless_it_has_a_default() -> None:
    with pytest.raises(Unfit, match="this field is required"):
        field_of(required=True, type="string").read("")

    assert field_of(required=True, type="string", default="d").read("") == "d"


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ({"type": "string", "minLength": 1}, "text, 1 or more characters, optional"),
        ({"type": "string", "format": "date"}, "text, date, optional"),
        (
            {"type": "integer", "minimum": 1, "maximum": 1000000},
            "a whole number, 1 to 1000000, optional",
        ),
        (
            {"type": "array", "items": {"enum": ["a"]}, "minItems": 1, "maxItems": 2},
            "numbers of choices, with commas between them, 1 to 2 of them, optional",
        ),
    ],
)
def test_it_is_said_what_may_be_typed(schema: dict[str, Any], hint: str) -> None:
    assert field_of(**schema).hint == hint


@pytest.mark.parametrize(
    "properties",
    [
        {"f": {"type": "object"}},
        {"f": {"type": "array", "items": {"type": "string"}}},
        {"f": {"type": "array"}},
        {"f": {}},
    ],
)
def test_a_form_with_fields_of_another_kind_is_not_filled_in(properties: dict[str, Any]) -> None:
    assert fields_of(schema_of(**properties)) is None


def test_a_form_of_another_kind_is_not_filled_in() -> None:
    assert fields_of({"type": "object", "properties": {}}) is None
    assert fields_of(None) is None


def test_a_choice_is_picked_by_number_label_or_value() -> None:
    choices = (Choice("a", "Apple"), Choice("2", "Two"))

    assert [picked(each, choices) for each in ("1", "Apple", "a", " 2 ", "Two")] == [
        *("a", "a", "a", "2", "2")
    ]
