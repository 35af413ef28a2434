"""What a caller may give in place of plain text and plain mappings to get round a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Shifting", "Sly", "SlyFeature"]


class Sly(str):  # noqa: SLOT000 — as a caller may write it
    """Text that says of itself that it is harmless in every way there is."""

    like = "read-only"

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return hash(self.like)

    def __str__(self) -> str:
        return "user"

    def __repr__(self) -> str:
        return "'read-only'"

    def strip(self, chars: str | None = None, /) -> str:
        return "on-request"

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        return "model", sep, ""

    def split(self, sep: Any = None, maxsplit: Any = -1) -> list[str]:
        return ["model"]


class Shifting(Mapping[Any, Any]):
    """A mapping that says one thing at the first look at a key, and another from then on."""

    def __init__(self, first: dict[Any, Any], then: dict[Any, Any]) -> None:
        self._first, self._then = first, then
        self._seen = set[Any]()

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._first))

    def __len__(self) -> int:
        return len(self._first)

    def __getitem__(self, key: Any) -> Any:
        if key in self._seen:
            return self._then[key]
        self._seen.add(key)
        return self._first[key]


class SlyFeature(Sly):
    """The same, found where harmless features are."""

    like = "tool_suggest"
