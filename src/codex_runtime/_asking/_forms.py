"""The fields of a form, as a person fills them in. Pure: from a schema to words, from words to values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast
from urllib.parse import urlsplit

from codex_runtime.protocol import types

__all__ = ["Choice", "Field", "Unfit", "fields_of", "picked"]


class Unfit(ValueError):
    """What was typed is no value for this field. The text says why, without what was typed."""


@dataclass(frozen=True)
class Choice:
    """One of the values that a field may have.

    Attributes:
        value: What is sent.
        label: What is shown.
    """

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        name: As it is sent.
        title: As it is shown.
        kind: The type of its value, in JSON Schema's words.
        required: Whether the form is nothing without it.
        choices: The values that it may have; none where it is free.
        schema: All that is said of it.
    """

    name: str
    title: str
    kind: str
    required: bool
    choices: tuple[Choice, ...]
    schema: types.McpElicitationPrimitiveSchema

    @property
    def default(self) -> Any:
        """What it is when nothing is typed; None where there is no such value, or an unfit one."""
        value = self.schema.default
        if value is None:
            return None
        try:
            return self._checked(value)
        except Unfit:
            return None

    @property
    def hint(self) -> str:
        """What may be typed."""
        words = [_KINDS.get(self.kind, self.kind), *self._limits()]
        words.append("required" if self.required else "optional")
        return ", ".join(words)

    def read(self, typed: str) -> Any:
        """The value of what was typed; None for nothing.

        Raises:
            Unfit: It is no value for this field.
        """
        typed = typed.strip()
        if typed:
            return self._checked(self._parsed(typed))
        if self.default is None and self.required:
            raise Unfit("this field is required")
        return self.default

    def _parsed(self, typed: str) -> Any:
        if self.kind == "array":
            return [picked(each, self.choices) for each in typed.split(",") if each.strip()]
        if self.choices:
            return picked(typed, self.choices)
        return _PARSERS.get(self.kind, _unknown)(typed)

    def _checked(self, value: Any) -> Any:
        if not _TYPES.get(self.kind, _never)(value):
            raise Unfit(f"that is not {_KINDS.get(self.kind, self.kind)}")
        if self.kind == "array":
            return self._checked_list(value)
        if self.choices and value not in {each.value for each in self.choices}:
            raise Unfit("that is none of the choices")
        if self.kind == "string":
            self._check_text(value)
        elif self.kind in {"number", "integer"}:
            self._check_range(value)
        return value

    def _checked_list(self, value: list[Any]) -> list[Any]:
        values = {each.value for each in self.choices}
        if not all(isinstance(each, str) and each in values for each in value):
            raise Unfit("that is none of the choices")
        _within(len(value), self.schema.min_items, self.schema.max_items, "choices")
        return value

    def _check_text(self, value: str) -> None:
        _within(len(value), self.schema.min_length, self.schema.max_length, "characters")
        form = self.schema.format
        if form in _FORMATS and not _FORMATS[form](value):
            raise Unfit(f"that is no {form}")

    def _check_range(self, value: float) -> None:
        low, high = self.schema.minimum, self.schema.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise Unfit(f"that is not {_range(low, high)}")

    def _limits(self) -> list[str]:
        schema = self.schema
        found = [
            _range(schema.minimum, schema.maximum),
            _range(schema.min_length, schema.max_length, " characters"),
            _range(schema.min_items, schema.max_items, " of them"),
            schema.format or "",
        ]
        return [text for text in found if text]


def fields_of(schema: Any) -> tuple[Field, ...] | None:
    """The fields of a form, in its order; None for one that cannot be filled in here."""
    if not isinstance(schema, types.McpElicitationSchema):
        return None
    properties = cast("Mapping[str, types.McpElicitationPrimitiveSchema]", schema.properties or {})
    required = frozenset(schema.required or ())
    fields = tuple(
        Field(name, each.title or name, each.type or "?", name in required, _choices(each), each)
        for name, each in properties.items()
    )
    known = all(field.kind in _TYPES for field in fields)
    listed = all(field.choices for field in fields if field.kind == "array")
    return fields if known and listed else None


def picked(typed: str, choices: tuple[Choice, ...]) -> str:
    """The value of the choice that is named: by its number, from 1, or by its label or value.

    Raises:
        Unfit: There is no such choice.
    """
    typed = typed.strip()
    if _DIGITS.fullmatch(typed) and 1 <= int(typed) <= len(choices):
        return choices[int(typed) - 1].value
    for choice in choices:
        if typed in {choice.value, choice.label}:
            return choice.value
    raise Unfit(f"use a number from 1 to {len(choices)}")


def _choices(schema: types.McpElicitationPrimitiveSchema) -> tuple[Choice, ...]:
    if schema.type == "array":
        return _item_choices(schema.items)
    if schema.one_of:
        return tuple(Choice(each.const, each.title or each.const) for each in schema.one_of)
    values = schema.enum or ()
    labels = schema.enum_names or ()
    if len(labels) != len(values):
        labels = values
    return tuple(map(Choice, values, labels))


def _item_choices(items: Any) -> tuple[Choice, ...]:
    if not isinstance(items, Mapping):
        return ()
    given = cast("Mapping[str, Any]", items)
    titled = given.get("anyOf") or given.get("oneOf")
    if isinstance(titled, list):
        options = [cast("Mapping[str, Any]", each) for each in titled if isinstance(each, Mapping)]  # pyright: ignore[reportUnknownVariableType] — plain data
        return tuple(
            Choice(each["const"], str(each.get("title") or each["const"]))
            for each in options
            if isinstance(each.get("const"), str)
        )
    values = given.get("enum")
    listed: list[Any] = [*values] if isinstance(values, list) else []  # pyright: ignore[reportUnknownVariableType] — plain data
    return tuple(Choice(each, each) for each in listed if isinstance(each, str))


_KINDS: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "y or n",
    "array": "numbers of choices, with commas between them",
}

_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
"""Within what every JSON parser reads as it is written: 2**53 has sixteen digits."""

_YES: Final = frozenset({"y", "yes", "true", "1"})
_NO: Final = frozenset({"n", "no", "false", "0"})


def _integer(typed: str) -> int:
    if not _INTEGER.fullmatch(typed):
        raise Unfit("that is not a whole number")
    return int(typed)


def _number(typed: str) -> float:
    if _INTEGER.fullmatch(typed):
        return int(typed)
    try:
        return float(typed)
    except ValueError:
        raise Unfit("that is not a number") from None


def _boolean(typed: str) -> bool:
    if typed.lower() in _YES:
        return True
    if typed.lower() in _NO:
        return False
    raise Unfit("use y or n")


def _unknown(_typed: str) -> Any:
    raise Unfit("nothing fits this field")


_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _never(_value: Any) -> bool:
    return False


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}


def _is_address(value: str) -> bool:
    try:
        return bool(urlsplit(value).scheme)
    except ValueError:
        return False


def _reads(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")

_FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "email": lambda value: _ADDRESS.fullmatch(value) is not None,
    "uri": _is_address,
    "date": _reads(date.fromisoformat),
    "date-time": _reads(datetime.fromisoformat),
}


def _within(number: int, low: int | None, high: int | None, what: str) -> None:
    if number < (low or 0) or (high is not None and number > high):
        raise Unfit(f"use {_range(low, high)} {what}")


def _range(low: float | None, high: float | None, what: str = "") -> str:
    if low is None:
        return "" if high is None else f"{_short(high)} or less{what}"
    return (
        f"{_short(low)} or more{what}" if high is None else f"{_short(low)} to {_short(high)}{what}"
    )


def _short(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
