"""As much of JSON Schema 2020-12 as tools use: a check of values, which knows no other keywords."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from codex_runtime._plain import is_mapping

__all__ = ["fits", "keywords"]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}

_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: value >= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
    "multipleOf": lambda value, step: value % step == 0,
}
_TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
}
_LISTS: dict[str, Callable[[Any, Any], bool]] = {
    "minItems": lambda value, limit: len(value) >= limit,
    "maxItems": lambda value, limit: len(value) <= limit,
    "uniqueItems": lambda value, wanted: (
        not wanted or all(each not in value[:index] for index, each in enumerate(value))
    ),
}
_SAID_ONLY = {"description", "default", "format", "contentEncoding", "$defs", "discriminator"}


def keywords(schema: Any) -> set[str]:
    """All keywords of a schema, in all its parts."""
    if not is_mapping(schema):
        return set()
    found: set[str] = set(schema)
    for key in ("properties", "$defs"):
        for part in schema.get(key, {}).values():
            found |= keywords(part)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for part in schema.get(key, []):
            found |= keywords(part)
    for key in ("items", "additionalProperties"):
        found |= keywords(schema.get(key))
    return found


def fits(value: Any, schema: Any, root: Mapping[str, Any] | None = None) -> bool:
    """Whether a value is one that the schema allows."""
    if isinstance(schema, bool):
        return schema
    whole: Mapping[str, Any] = schema if root is None else root
    return all(_holds(value, key, schema, whole) for key in schema)


def _holds(value: Any, key: str, schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    said = schema[key]
    if key in _SAID_ONLY:
        return True
    if key in _OF_ANY:
        return _OF_ANY[key](value, said, root)
    for kind, checks in _OF_TYPES.items():
        if key in checks:
            return not _TYPES[kind](value) or checks[key](value, said)
    if key in {"items", "prefixItems"}:
        return not _TYPES["array"](value) or _list_holds(value, key, schema, root)
    return not _TYPES["object"](value) or _object_holds(value, key, schema, root)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


_OF_ANY: dict[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "type": lambda value, said, _: any(
        _TYPES[kind](value) for kind in ([said] if isinstance(said, str) else said)
    ),
    "enum": lambda value, said, _: any(_same(each, value) for each in said),
    "const": lambda value, said, _: _same(said, value),
    "$ref": lambda value, said, root: fits(
        value, root["$defs"][said.removeprefix("#/$defs/")], root
    ),
    "anyOf": lambda value, said, root: any(fits(value, each, root) for each in said),
    "oneOf": lambda value, said, root: sum(fits(value, each, root) for each in said) == 1,
    "allOf": lambda value, said, root: all(fits(value, each, root) for each in said),
}
_OF_TYPES = {"number": _NUMBERS, "string": _TEXTS, "array": _LISTS}


def _list_holds(
    value: list[Any], key: str, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> bool:
    first: list[Any] = schema.get("prefixItems", [])
    if key == "prefixItems":
        return all(fits(each, part, root) for each, part in zip(value, first, strict=False))
    return all(fits(each, schema["items"], root) for each in value[len(first) :])


def _object_holds(
    value: dict[str, Any], key: str, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> bool:
    properties: dict[str, Any] = schema.get("properties", {})
    if key == "properties":
        return all(
            fits(value[name], part, root) for name, part in properties.items() if name in value
        )
    if key == "required":
        return set(schema[key]) <= set(value)
    assert key == "additionalProperties", f"{key} is no keyword that tools use"
    others = value.keys() - properties.keys()
    return all(fits(value[name], schema[key], root) for name in others)
