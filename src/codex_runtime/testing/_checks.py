"""Checks of arguments; a failure is an InvalidArgument, a ValueError that names the field."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import cast

from codex_runtime.errors import InvalidArgument

__all__ = ["check_count", "check_json", "check_number", "check_one_of", "check_text", "check_texts"]

LONGEST_DELAY = 60.0
"""Seconds. A longer pause in a script is a mistake of unit, not a wish."""


def check_text(field: str, value: object, *, empty: bool = True) -> str:
    """Return `value` if it is text that can travel as JSON in UTF-8.

    Raises:
        InvalidArgument: It is not a string, holds a lone surrogate, or is empty though it may not be.
    """
    if not isinstance(value, str):
        raise InvalidArgument(field, f"must be a string, not {type(value).__name__}")
    if not value and not empty:
        raise InvalidArgument(field, "must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            field, f"holds a lone surrogate at position {error.start}; codex reads UTF-8 only"
        ) from None
    return value


def check_texts(field: str, value: object) -> tuple[str, ...]:
    """Return `value` as a tuple of texts; a plain string is refused, as its letters are not meant.

    Raises:
        InvalidArgument: It is not an iterable of strings.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidArgument(field, f"must be a sequence of strings, not {type(value).__name__}")
    texts = cast("Iterable[object]", value)
    return tuple(check_text(f"{field}[{place}]", text) for place, text in enumerate(texts))


def check_number(field: str, value: object, *, largest: float = LONGEST_DELAY) -> float:
    """Return `value` if it is a number from 0 to `largest`.

    Raises:
        InvalidArgument: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidArgument(field, f"must be a number, not {value!r}")
    if not 0 <= value <= largest:
        raise InvalidArgument(field, f"must be from 0 to {largest:g}, not {value!r}")
    return float(value)


def check_count(field: str, value: object, *, smallest: int = 0, largest: int = 2**53) -> int:
    """Return `value` if it is a whole number from `smallest` to `largest`.

    Raises:
        InvalidArgument: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(field, f"must be a whole number, not {value!r}")
    if not smallest <= value <= largest:
        raise InvalidArgument(field, f"must be from {smallest} to {largest}, not {value!r}")
    return value


def check_one_of(field: str, value: object, allowed: tuple[str, ...]) -> str:
    """Return `value` if it is one of `allowed`.

    Raises:
        InvalidArgument: It is not.
    """
    if not isinstance(value, str) or value not in allowed:
        raise InvalidArgument(field, f"must be one of {', '.join(allowed)}, not {value!r}")
    return value


def check_json(field: str, value: object) -> str:
    """Return `value`, a mapping, as JSON text.

    Raises:
        InvalidArgument: It is not a mapping, or something in it has no JSON form.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgument(field, f"must be a mapping or JSON text, not {type(value).__name__}")
    try:
        text = json.dumps(
            dict(cast("Mapping[object, object]", value)), allow_nan=False, ensure_ascii=False
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(field, f"cannot be written as JSON: {error}") from None
    return check_text(field, text)
