"""Settings as TOML, for codex's `-c name=value` and for a config.toml.

Without msgspec: both the start of a server and a scripted model are there before it is loaded.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from codex_runtime.errors import InvalidArgument

__all__ = ["setting"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

_ESCAPES: Final = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), 0x7F)},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
"""What may not stand in a TOML text as it is."""

_MAX_DEPTH: Final = 64
"""Levels of nesting. Over 80, codex takes the whole value for a text (measured on 0.163); the
dots of a name may count too."""

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
"""What fits into TOML's integers. Codex takes the rest for a text (measured on 0.163)."""


def setting(name: Any, value: Any, argument: str) -> tuple[str, str]:
    """A setting's name and value, as they are written in TOML.

    Args:
        name: Of letters, digits, _ and -, with dots where it leads into tables.
        value: Text, a number, true or false; lists and mappings of those.
        argument: Which argument of the caller's it stands in, for errors.

    Raises:
        InvalidArgument: It has no such form; `field` says where.
    """
    place = f"{argument}.{name}"
    # codex splits `-c` at the first "=" and at every ".", whatever quotes there are.
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(
            place,
            "is no name of a setting",
            "use letters, digits, _ and -, with dots between; any other name goes into a mapping",
        )
    return name, _value(value, place, 0)


def _value(value: Any, place: str, depth: int) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value, place)
        case str():
            return _text(value, place)
        case list() | tuple() | Mapping():
            if depth >= _MAX_DEPTH:
                raise InvalidArgument(
                    place, f"is nested more than {_MAX_DEPTH} levels deep", "make it flatter"
                )
            return (
                _table(value, place, depth)
                if isinstance(value, Mapping)
                else _array(value, place, depth)
            )
        case _:
            raise InvalidArgument(
                place,
                f"is of type {type(value).__name__}",
                "convert it to text, a number, true or false, a list or a mapping",
            )


def _array(values: Any, place: str, depth: int) -> str:
    parts = (_value(each, f"{place}[{i}]", depth + 1) for i, each in enumerate(values))
    return f"[{', '.join(parts)}]"


def _table(table: Any, place: str, depth: int) -> str:
    parts = (
        f"{_key(key, place)} = {_value(each, f'{place}.{key}', depth + 1)}"
        for key, each in table.items()
    )
    return f"{{{', '.join(parts)}}}"


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise InvalidArgument(place, f"has a key of type {type(key).__name__}", "use text")
    return _text(key, f"{place} (a key)")


def _text(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            place, f"has a lone surrogate at character {error.start}", "take it out"
        ) from None
    return f'"{text.translate(_ESCAPES)}"'


def _number(number: float, place: str) -> str:
    if isinstance(number, int):
        if not _LEAST <= number <= _MOST:
            raise InvalidArgument(place, "does not fit into 64 bits", "use text or a float")
        return str(int(number))
    if not isfinite(number):
        raise InvalidArgument(place, f"is {number}", "use a finite number")
    return repr(float(number))
