"""Checks of what callers pass to requests of threads and services, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from codex_runtime._arguments import checked_thread_id
from codex_runtime._plain import plain
from codex_runtime.errors import InvalidArgument

__all__ = [
    "checked_choice",
    "checked_cursor",
    "checked_direction",
    "checked_flag",
    "checked_limit",
    "checked_mapping",
    "checked_number",
    "checked_text",
    "checked_texts",
    "checked_thread_ids",
]

_MAX_LIMIT: Final = 2**32 - 1
"""What fits into the server's field; it gives 100 threads a page at the most (fact 230)."""

_SHOWN: Final = 40
"""Characters of a wrong word that an error shows; the longest right one has 20."""


def checked_cursor(value: str | None) -> Any:
    """Check a cursor. What nobody says is not sent.

    Raises:
        InvalidArgument: It is no text, or blank: some methods take such a one for the beginning.
    """
    if value is None:
        return UNSET
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(
            "cursor", f"is of type {type(value).__name__}", "use what a page gave"
        )
    if not value.strip():
        raise InvalidArgument("cursor", "is blank", "use what a page gave, or leave it out")
    return value


def checked_limit(value: int | None, field: str = "limit") -> Any:
    """Check how many entries a page may have. What nobody says is not sent.

    Raises:
        InvalidArgument: It is no positive whole number, or more than the protocol can say.
    """
    return UNSET if value is None else checked_number(value, field, _MAX_LIMIT)


def checked_number(value: int, field: str, most: int = 2**63 - 1) -> int:
    """Check a count.

    Raises:
        InvalidArgument: It is no positive whole number, or more than `most`.
    """
    given: Any = value
    if isinstance(given, bool) or not isinstance(given, int):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use a whole number")
    if given < 1:
        raise InvalidArgument(field, f"is {given}", "use a positive whole number")
    if given > most:
        raise InvalidArgument(field, f"is {given}", f"use {most} at the most")
    return given


def checked_text(value: str, field: str) -> str:
    """Check a text that has to say something; return the text itself, of whatever subclass it is.

    Raises:
        InvalidArgument: It is no text, or blank.
    """
    given: Any = plain(value)
    if not isinstance(given, str):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use text")
    if not given.strip():
        raise InvalidArgument(field, "is blank", "say something, or leave it out")
    return given


def checked_texts(values: Iterable[str], field: str) -> list[str]:
    """Check a list of texts.

    Raises:
        InvalidArgument: It is one text instead of a list, or no list, or holds what is no text.
    """
    given: Any = values
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use a list of texts")
    return [checked_text(each, f"{field}[{index}]") for index, each in enumerate(values)]


def checked_thread_ids(values: Iterable[str], field: str) -> list[str]:
    """Check a list of thread ids, and return them in the spelling that the server uses itself.

    Raises:
        InvalidArgument: It is no list, or holds what is no thread id.
    """
    ids = checked_texts(values, field)
    return [checked_thread_id(each, f"{field}[{index}]") for index, each in enumerate(ids)]


def checked_mapping(value: Mapping[Any, Any], field: str) -> Mapping[Any, Any]:
    """Check a mapping; what it holds is not looked at.

    Raises:
        InvalidArgument: It is none.
    """
    given: Any = value
    if not isinstance(given, Mapping):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use a mapping")
    return value


def checked_choice(value: str, field: str, choices: Sequence[str]) -> str:
    """Check a word that has to be one of some.

    Raises:
        InvalidArgument: It is none of them.
    """
    given: Any = plain(value)
    if not isinstance(given, str) or given not in choices:
        # Not what was given: a value that ended up here may be a secret.
        raise InvalidArgument(field, "is unknown", f"use one of {', '.join(choices)}")
    return given


def checked_flag(value: bool, field: str) -> bool:  # noqa: FBT001 — the value is what is checked
    """Check a yes or no.

    Raises:
        InvalidArgument: It is neither.
    """
    given: Any = value
    if not isinstance(given, bool):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use True or False")
    return given


def checked_direction(value: str | None, field: str = "sort_direction") -> str | None:
    """Check the direction of a list.

    Raises:
        InvalidArgument: It is neither `"asc"` nor `"desc"`.
    """
    given: Any = value
    if given is None or given in ("asc", "desc"):
        return value
    if not isinstance(given, str):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", 'use "asc" or "desc"')
    raise InvalidArgument(field, f"is {given[:_SHOWN]!r}", 'use "asc" or "desc"')
