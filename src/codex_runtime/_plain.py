"""Plain data: told apart for type checkers, and copied.

What decides what codex may do is read once, and it is the copy that is checked and sent. A subclass
of `str` may compare as it likes, and a mapping may say something else at the second look, but the
server is sent the text and the values themselves.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard, cast

from codex_runtime.errors import UnsendableValue

__all__ = ["is_list", "is_mapping", "is_path", "members", "plain", "plain_copy"]

_MAX_DEPTH: Final = 100
"""Levels of nesting; deeper data is refused wherever it is to be sent."""


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Say whether it is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Say whether it is a list or the like, which text is not."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_path(value: object) -> TypeGuard["os.PathLike[str]"]:
    """Say whether it is a path that is no text."""
    return isinstance(value, os.PathLike)


def plain(value: Any) -> Any:
    """The text itself, of whatever subclass it is; anything else as it is."""
    return str.__str__(value) if isinstance(value, str) else value


def members(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """What a mapping says at this moment, with plain text for keys; looked at once."""
    return {plain(key): value for key, value in dict(mapping).items()}


def plain_copy(value: Any, field: str, depth: int = 0) -> Any:
    """A copy of plain data, all the way down; what is none is left as it is.

    Args:
        value: As given by the caller.
        field: How the call spells it.
        depth: Levels above it.

    Raises:
        UnsendableValue: It is nested too deeply.
    """
    given: object = value
    if is_mapping(given):
        below = _below(field, depth)
        return {key: plain_copy(each, field, below) for key, each in members(given).items()}
    if isinstance(given, list | tuple):
        below = _below(field, depth)
        return [plain_copy(each, field, below) for each in cast("Sequence[Any]", given)]
    return plain(given)


def _below(field: str, depth: int) -> int:
    if depth >= _MAX_DEPTH:
        raise UnsendableValue(
            field, f"is nested more than {_MAX_DEPTH} levels deep", "make it flatter"
        )
    return depth + 1
