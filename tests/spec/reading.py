"""Short words for what tests compare."""

from __future__ import annotations

from collections.abc import Iterable

from codex_runtime import ItemAbandoned
from codex_runtime.protocol import (
    Event,
    ItemCompletedNotification,
    ItemStartedNotification,
    PatchChangeKind,
    ThreadItem,
    Unknown,
)

__all__ = ["abandoned_in", "kind", "kinds", "told"]


def kind(item: ThreadItem | PatchChangeKind) -> str:
    """The kind of an item or a change; of an unknown one, as the server says."""
    return str(item.raw["type"]) if isinstance(item, Unknown) else item.type


def kinds(items: Iterable[ThreadItem]) -> list[str]:
    """The kinds of items, in their order."""
    return [kind(item) for item in items]


def told(event: Event) -> str:
    """An event as one word: its method, and the kind of its item."""
    match event:
        case ItemStartedNotification() | ItemCompletedNotification() | ItemAbandoned():
            return f"{event.method} {kind(event.item)}"
        case _:
            return event.method


def abandoned_in(events: Iterable[Event]) -> list[str]:
    """The kinds of the items that these events call abandoned."""
    return [kind(event.item) for event in events if isinstance(event, ItemAbandoned)]
