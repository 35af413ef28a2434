"""JSON values without a schema, narrowed to what one can look into."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeGuard

__all__ = ["Json", "is_list", "is_object", "member", "objects", "text_of"]

Json: TypeAlias = dict[str, Any]
"""A JSON object. What codex sends to a model, and a fake is told by a test, has no schema of ours."""


def is_object(value: object) -> TypeGuard[Json]:
    """Return whether `value` is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Return whether `value` is an array."""
    return isinstance(value, list)


def member(value: object) -> Json:
    """Return `value` if it is an object, else an empty one."""
    return value if is_object(value) else {}


def objects(value: object) -> list[Json]:
    """Return the objects in `value`, a list; empty if it is none."""
    return [each for each in value if is_object(each)] if is_list(value) else []


def text_of(content: object, *, between: str = " ") -> str:
    """Return the text of a message's or a tool's content: text itself, or a list of parts."""
    if isinstance(content, str):
        return content
    return between.join(str(part.get("text", "")) for part in objects(content))
