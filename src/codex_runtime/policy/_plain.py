"""Plain data, told apart for type checkers."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

__all__ = ["is_list", "is_mapping", "is_path"]


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Say whether it is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Say whether it is a list or the like, which text is not."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_path(value: object) -> TypeGuard["os.PathLike[str]"]:
    """Say whether it is a path that is no text."""
    return isinstance(value, os.PathLike)
