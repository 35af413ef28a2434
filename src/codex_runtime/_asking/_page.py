"""A card of labelled texts, bounded so that it fits on a screen. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from codex_runtime._lines import Line, Role, with_roles
from codex_runtime._text import defuse, exact
from codex_runtime.protocol import to_plain

__all__ = ["Card", "Page", "Row"]


@dataclass(frozen=True)
class Row:
    """A label of ours, and lines of text beside it.

    They are shown in columns of their own, so that no text can pass for a label.
    """

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Card:
    """What is shown of one request.

    Attributes:
        title: The question, in our words.
        rows: What it is about.
        cut: Whether some of it is left out.
    """

    title: str
    rows: tuple[Row, ...]
    cut: bool


@dataclass(frozen=True)
class _Bounds:
    characters: int
    """Of one text."""
    width: int
    """Characters of one line."""
    lines: int
    """Of one text."""
    budget: int
    """Lines of all texts. When they are used up, one of each is shown still."""
    rows: int


_SHORT: Final = _Bounds(characters=16_000, width=600, lines=40, budget=100, rows=40)
"""A screenful or two: what is decided about it has to be seen at once."""

_FULL: Final = _Bounds(
    characters=2_000_000, width=2_000_000, lines=50_000, budget=50_000, rows=10_000
)
"""More than a command can be, since the kernel takes 128 KiB in one word (Linux, execve(2))."""

_HEAD_SHARE: Final = 2 / 3
"""Of what is shown of a text that is cut: its beginning. What is done comes first, how it ends last."""

_Source: TypeAlias = str | None
"""A text from elsewhere; none, and there is nothing to show."""


class Page:
    """Collects the rows of a card.

    Args:
        full: Whether all of it is to be shown.
    """

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self._bounds = _FULL if full else _SHORT
        self._left = self._bounds.budget
        self._rows: list[Row] = []
        self._rows_left_out = 0
        self._cut = False

    def card(self, title: str) -> Card:
        """All rows so far, under a title of ours."""
        rows = self._rows
        if self._rows_left_out:
            rows = [*rows, Row("", (Line(f"… {self._rows_left_out} more left out", "warning"),))]
        return Card(title, tuple(rows), self._cut)

    def note(self, text: str, role: Role = "note") -> None:
        """Add a line of our own."""
        self._add("", [Line(text, role)])

    def exact(self, label: str, text: _Source, role: Role = "plain") -> None:
        """Add what somebody decides about, character by character."""
        if text:
            self._add(label, self._lines(exact(self._clipped(text)), role))

    def prose(self, label: str, text: _Source) -> None:
        """Add what somebody says about it. Colours and the like vanish, other marks are shown."""
        if text:
            self._add(label, self._lines(exact(defuse(self._clipped(text))), "plain"))

    def data(self, label: str, value: Any) -> None:
        """Add plain data."""
        self.exact(label, json.dumps(to_plain(value), indent=2, ensure_ascii=False, default=str))

    def diff(self, label: str, heads: Iterable[Line], text: str, role: Role | None = None) -> None:
        """Add what is changed in one file, under lines of its own.

        Args:
            label: What is done to it.
            heads: Those lines.
            text: A unified diff, or, with a role, lines that all play that role.
            role: See there.
        """
        texts = exact(self._clipped(text)).removesuffix("\n").split("\n") if text else []
        lines = self._lines_of(texts, role) if role else self._fitting(with_roles(texts))
        self._add(label, [*heads, *lines])

    def _lines(self, text: str, role: Role) -> list[Line]:
        return self._lines_of(text.rstrip("\n").split("\n"), role)

    def _lines_of(self, texts: Iterable[str], role: Role) -> list[Line]:
        return self._fitting((each, role) for each in texts)

    def _fitting(self, texts: Iterable[tuple[str, Role]]) -> list[Line]:
        lines = [Line(self._narrowed(text), role) for text, role in texts]
        most = max(min(self._bounds.lines, self._left), 1)
        if len(lines) > most:
            head = max(int(most * _HEAD_SHARE), 1)
            left_out = len(lines) - most
            between = Line(f"… {left_out} lines left out", "warning")
            lines = [*lines[:head], between, *lines[len(lines) - (most - head) :]]
            self._cut = True
        self._left -= len(lines)
        return lines

    def _narrowed(self, text: str) -> str:
        most = self._bounds.width
        return text if len(text) <= most else self._without_middle(text, most, "")

    def _clipped(self, text: str) -> str:
        most = self._bounds.characters
        return text if len(text) <= most else self._without_middle(text, most, "\n")

    def _without_middle(self, text: str, most: int, around: str) -> str:
        self._cut = True
        head = int(most * _HEAD_SHARE)
        gap = f"{around}… {len(text) - most} characters left out …{around}"
        return text[:head] + gap + text[len(text) - (most - head) :]

    def _add(self, label: str, lines: Iterable[Line]) -> None:
        if len(self._rows) >= self._bounds.rows:
            self._rows_left_out += 1
            self._cut = True
            return
        self._rows.append(Row(label, tuple(lines)))
