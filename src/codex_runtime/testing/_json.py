"""JSON values without a schema, narrowed to what one can look into."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

__all__ = ["Json", "member", "objects", "text_of"]

Json: TypeAlias = dict[str, Any]
"""A JSON object. What codex sends to a model, and a fake is told by a test, has no schema of ours."""


def member(value: object) -> Json:
    """Return `value` if it is an object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def objects(value: object) -> list[Json]:
    """Return the objects in `value`, a list; empty if it is none."""
    if not isinstance(value, list):
        return []
    return [cast("Json", each) for each in cast("list[object]", value) if isinstance(each, dict)]


def text_of(content: object, *, between: str = " ") -> str:
    """Return the text of a message's or a tool's content: text itself, or a list of parts."""
    if isinstance(content, str):
        return content
    return between.join(str(part.get("text", "")) for part in objects(content))
