"""Checks of what callers pass to commands, before anything is sent."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Final, cast

from codex_runtime._arguments import path_text
from codex_runtime.errors import InvalidArgument

__all__ = [
    "checked_argv",
    "checked_environment",
    "output_limit",
    "terminal_size",
    "wire_milliseconds",
]

_DEFAULT_OUTPUT_LIMIT: Final = 2**20
"""Bytes of each stream that a result holds: what the server itself sends by default (fact 126)."""

_LARGEST_SIZE: Final = 65_535
"""Characters; the server takes 16 bits (fact 204)."""

_LONGEST: Final = 1e9
"""Seconds from which on a time counts as no limit: 31 years, far within what the server can count."""


def checked_argv(argv: object) -> list[str]:
    """Check a command.

    Raises:
        InvalidArgument: It is no sequence of texts, is empty, or holds a NUL character.
    """
    if isinstance(argv, str | bytes):
        fix = "use a list, ['ls', '-l'], or give it to a shell, ['bash', '-c', …]"
        raise InvalidArgument("argv", f"is one {type(argv).__name__}", fix)
    if not isinstance(argv, Sequence):
        raise InvalidArgument("argv", f"is of type {type(argv).__name__}", "use a list of texts")
    parts = cast("Sequence[object]", argv)
    found = [_text(f"argv[{index}]", part) for index, part in enumerate(parts)]
    if not found:
        raise InvalidArgument("argv", "is empty", "name a program")
    if not found[0].strip():
        raise InvalidArgument("argv[0]", "is blank", "name a program")
    return found


def checked_environment(env: object) -> dict[str, str | None] | None:
    """Check variables for a command; None for a value takes the variable away.

    Raises:
        InvalidArgument: It is no mapping of names to texts or None, or one cannot be a variable.
    """
    if env is None:
        return None
    if not isinstance(env, Mapping):
        raise InvalidArgument("env", f"is of type {type(env).__name__}", "use a mapping")
    variables = cast("Mapping[object, object]", env)
    return {
        _variable(name): None if value is None else _text(f"env[{name!r}]", value)
        for name, value in variables.items()
    }


def output_limit(limit: object) -> int:
    """Check how many bytes of each stream to keep.

    Raises:
        InvalidArgument: It is no positive whole number.
    """
    if limit is None:
        return _DEFAULT_OUTPUT_LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int) or limit <= 0:
        fix = "use a positive number of bytes"
        raise InvalidArgument("output_limit", f"is {limit!r}", fix)
    return limit


def terminal_size(size: object) -> tuple[int, int]:
    """Check the size of a terminal: rows and columns.

    Raises:
        InvalidArgument: It is no pair of numbers from 1 to 65,535.
    """
    fix = f"use (rows, cols), each from 1 to {_LARGEST_SIZE:,}"
    pair = cast("Sequence[object]", size) if isinstance(size, tuple | list) else ()
    match list(pair):
        case [int(rows), int(cols)] if 1 <= rows <= _LARGEST_SIZE and 1 <= cols <= _LARGEST_SIZE:
            return int(rows), int(cols)
        case _:
            raise InvalidArgument("size", f"is {size!r}", fix)


def wire_milliseconds(seconds: float) -> int | None:
    """A time as the server counts it; None for no limit."""
    return None if seconds >= _LONGEST else math.ceil(seconds * 1000)


def _text(field: str, value: object) -> str:
    if isinstance(value, os.PathLike):
        return path_text(field, cast("object", value))
    if not isinstance(value, str):
        raise InvalidArgument(field, f"is of type {type(value).__name__}", "use text")
    if "\0" in value:
        raise InvalidArgument(field, "holds a NUL character", "take it out")
    return value


def _variable(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidArgument("env", f"has the key {name!r}", "use text for names")
    if not name or "=" in name or "\0" in name:
        raise InvalidArgument("env", f"has the key {name!r}", "use names without '=' and NUL")
    return name
