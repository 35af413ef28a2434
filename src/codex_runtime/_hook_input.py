"""What a turn is told, as hooks see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from codex_runtime.inputs import TurnInput

__all__ = ["items_of", "text_of"]


def items_of(input: TurnInput) -> tuple[Any, ...]:
    """The items of an input, one by one."""
    single = isinstance(input, str) or not isinstance(input, Sequence)
    return (input,) if single else tuple(cast("Sequence[Any]", input))


def text_of(item: Any) -> str | None:
    """What the user says in an item; None for an item of another kind."""
    if isinstance(item, str):
        return item
    return item.text if getattr(item, "type", None) == "text" else None
