"""A JSON Schema as codex hands it on to the model: what it would leave out is said in words.

Codex keeps types, `properties`, `required`, `items`, `minItems`, `enum`, `anyOf`, `oneOf`, `allOf`,
`$ref`, `additionalProperties` and descriptions, and drops the rest without a word: limits, patterns,
formats, defaults (fact 341). An `enum` without a type it takes for one of texts, and an array without
`items` for one of texts too. So nothing is left to it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from codex_runtime._plain import is_mapping

__all__ = ["LONGEST_SCHEMA", "worded"]

LONGEST_SCHEMA: Final = 5_000
"""Bytes of a schema as JSON. Of a longer one codex drops all descriptions, and what `$ref` is about
(fact 342)."""

_LONGEST_DEFAULT: Final = 80
"""Characters of a default that is told; a longer one is of no help to a model."""

_ANY: Final[dict[str, Any]] = {
    "type": ["string", "number", "boolean", "object", "array", "null"],
    "items": {},
    "additionalProperties": True,
}
"""Anything at all, in a form whose description is kept."""

_FORMATS: Final = {
    "date": "a date, say 2026-01-31",
    "date-time": "a date and time as in RFC 3339, say 2026-01-31T08:30:00Z",
    "time": "a time, say 08:30:00Z",
    "duration": "a duration as in ISO 8601, say PT90S",
    "uuid": "a UUID",
    "decimal": "a decimal number",
    "path": "the path of a file or folder",
}

_TYPE_NAMES: Final = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
}


def worded(schema: Any) -> Any:
    """A copy of a schema that says in descriptions what codex would leave out.

    It allows what the schema allows.
    """
    if not is_mapping(schema):
        return schema
    found = {key: _part(key, value) for key, value in schema.items() if key != "title"}
    _say_types(found)
    description = " ".join(_sentences(found))
    if description:
        found["description"] = description
        if set(found) <= {"description", "default"}:
            found = {**_ANY, **found}
    return found


def _part(key: str, value: Any) -> Any:
    if key in {"properties", "$defs"}:
        return {name: worded(each) for name, each in value.items()}
    if key in {"anyOf", "oneOf", "allOf", "prefixItems"}:
        return [worded(each) for each in value]
    if key in {"items", "additionalProperties"}:
        return worded(value)
    return value


def _say_types(schema: dict[str, Any]) -> None:
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    if "enum" in schema and "type" not in schema:
        names = list(dict.fromkeys(_TYPE_NAMES[type(value)] for value in schema["enum"]))
        schema["type"] = names[0] if len(names) == 1 else names
    if schema.get("type") == "array" and not isinstance(schema.get("items"), Mapping):
        entries: list[Any] = schema.get("prefixItems", [])
        kinds = [each for index, each in enumerate(entries) if each not in entries[:index]]
        # Of as many entries as there are kinds, this says no more than `prefixItems` does.
        schema["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    if schema.get("type") == "object":
        schema.setdefault("properties", {})


def _sentences(schema: Mapping[str, Any]) -> list[str]:
    """The description, and a sentence for each thing that codex drops."""
    said = [f"{words[0].upper()}{words[1:]}." for find in _WORDS if (words := find(schema))]
    described = str(schema.get("description", "")).rstrip()
    if said and described[-1:].isalnum():
        described += "."
    return [described, *said] if described else said


def _limits(schema: Mapping[str, Any]) -> str:
    return _joined(
        _named(schema, "minimum", "at least {}"),
        _named(schema, "exclusiveMinimum", "more than {}"),
        _named(schema, "maximum", "at most {}"),
        _named(schema, "exclusiveMaximum", "less than {}"),
        _named(schema, "multipleOf", "a multiple of {}"),
    )


def _length(schema: Mapping[str, Any]) -> str:
    limits = _joined(
        _named(schema, "minLength", "at least {}"), _named(schema, "maxLength", "at most {}")
    )
    return f"{limits} characters" if limits else ""


def _entries(schema: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        kinds = [_kind(each) for each in schema["prefixItems"]]
        return f"in this order: {', '.join(kinds)}" if len(set(kinds)) > 1 else _count(schema)
    different = "no two of them alike" if schema.get("uniqueItems") else ""
    return _joined(_count(schema), different)


def _count(schema: Mapping[str, Any]) -> str:
    most, least = schema.get("maxItems"), schema.get("minItems")
    if most is None:
        return ""
    return f"exactly {most} entries" if most == least else f"at most {most} entries"


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type") or str(schema.get("$ref", "any")).rpartition("/")[2]
    return kind if isinstance(kind, str) else " or ".join(kind)


def _members(schema: Mapping[str, Any]) -> str:
    limits = _joined(
        _named(schema, "minProperties", "at least {}"),
        _named(schema, "maxProperties", "at most {}"),
    )
    return f"{limits} members" if limits else ""


def _form(schema: Mapping[str, Any]) -> str:
    name = schema.get("format")
    encoding = schema.get("contentEncoding")
    return _joined(
        _FORMATS.get(name, f"in the format {name}") if isinstance(name, str) else "",
        f"bytes in {encoding}" if encoding else "",
        _named(schema, "pattern", "matches the regular expression {}"),
    )


def _default(schema: Mapping[str, Any]) -> str:
    if schema.get("default") is None:
        return ""
    told = msgspec.json.encode(schema["default"]).decode()
    return f"by default {told}" if len(told) <= _LONGEST_DEFAULT else ""


def _named(schema: Mapping[str, Any], key: str, words: str) -> str:
    return words.format(schema[key]) if key in schema else ""


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


_WORDS: Final[tuple[Callable[[Mapping[str, Any]], str], ...]] = (
    _limits,
    _length,
    _entries,
    _members,
    _form,
    _default,
)
