"""The answer to a form of an MCP server, held to the fields that it asks for. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from codex_runtime.protocol.types import McpElicitationPrimitiveSchema, McpElicitationSchema

__all__ = ["checked_form"]

_TYPES: Final[dict[Any, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
}


def checked_form(schema: McpElicitationSchema | None, content: Any) -> tuple[str, str] | None:
    """What is wrong with `content`, and what to do about it; None if nothing is.

    Values are not in it: they may be secrets.
    """
    fields = (schema.properties or {}) if schema else {}
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        return f"has a content of type {type(content).__name__}", "use a mapping of its fields"
    missing = [name for name in _required(schema) if name not in content]
    if missing:
        return f"lacks {missing}", "the form needs all of its required fields"
    for name, value in content.items():  # pyright: ignore[reportUnknownVariableType] — plain data
        if name not in fields:
            return f"has a field {name!r} that the form does not have", f"fields: {sorted(fields)}"
        wrong = _problem(fields[name], value)
        if wrong:
            return f"has a field {name!r} {wrong}", "see the schema of the request"
    return None


def _required(schema: McpElicitationSchema | None) -> list[str]:
    return list(schema.required or ()) if schema else []


def _problem(field: McpElicitationPrimitiveSchema, value: Any) -> str:
    wanted = _TYPES.get(field.type)
    if wanted is None:
        return ""
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        return f"of type {type(value).__name__} instead of {field.type}"
    if isinstance(value, str):
        return _outside(len(value), field.min_length, field.max_length, "length") or (
            _none_of([value], _choices(field))
        )
    if isinstance(value, list | tuple):
        parts = cast("Sequence[Any]", value)
        return _outside(len(parts), field.min_items, field.max_items, "number of parts") or (
            _none_of(parts, _choices_of_items(field.items))
        )
    number: Any = value
    return _outside(number, field.minimum, field.maximum, "value")


def _outside(value: float, least: float | None, most: float | None, what: str) -> str:
    if least is not None and value < least:
        return f"whose {what} is less than {least:g}"
    if most is not None and value > most:
        return f"whose {what} is more than {most:g}"
    return ""


def _none_of(values: Iterable[Any], choices: list[str]) -> str:
    if all(isinstance(each, str) and (not choices or each in choices) for each in values):
        return ""
    return f"that is none of {choices}" if choices else "that holds something else than text"


def _choices(field: McpElicitationPrimitiveSchema) -> list[str]:
    return list(field.enum or ()) or [each.const for each in field.one_of or ()]


def _choices_of_items(items: Any) -> list[str]:
    if not isinstance(items, Mapping):
        return []
    form = cast("Mapping[str, Any]", items)
    listed: Any = form.get("enum") or [
        each.get("const") for each in form.get("anyOf") or form.get("oneOf") or ()
    ]
    return [each for each in listed if isinstance(each, str)]
