"""What one promise is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Requirement"]


@dataclass(frozen=True)
class Requirement:
    """One promise.

    Attributes:
        source: Where it comes from: `fact:57` is a row of docs/server-facts.md, `readme#turns` a
            heading of codex's app-server README, `design:6` a section of docs/design.md, and
            `runtime` a decision of this package that its docstrings document.
        sentence: The promise itself.
    """

    source: str
    sentence: str
