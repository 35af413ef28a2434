"""What a docstring says of a function and of its parameters, in Google's style."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Docs", "docs_of"]

_HEADING: Final = re.compile(r"(?P<name>[A-Z][A-Za-z]*(?: [A-Za-z]+)?):\s*")
"""The first line of a section: one or two words and a colon, alone in their line."""

_OF_PARAMETERS: Final = frozenset({"Args", "Arguments", "Parameters", "Keyword Args"})

_NOT_FOR_MODELS: Final = frozenset({"Raises", "Todo", "Warns", "Attributes"})
"""Sections about the code. What the model should know it is told by results."""

_KNOWN: Final = (
    _OF_PARAMETERS
    | _NOT_FOR_MODELS
    | {"Returns", "Return", "Yields", "Example", "Examples", "Note", "Notes", "Warning"}
)

_ENTRY: Final = re.compile(r"\*{0,2}(?P<name>\w+)(?: *\([^)]*\))? *: *(?P<text>.*)")
"""`name: what it is`, also with a type in parentheses."""


@dataclass
class Docs:
    """What a docstring says.

    Attributes:
        description: All but what is about parameters and exceptions.
        parameters: What each parameter is, by name, each in one line.
    """

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict[str, str])


def docs_of(docstring: str | None) -> Docs:
    """Read a docstring. What is in no known form is a part of the description."""
    found = Docs()
    kept: list[str] = []
    section: str | None = None
    entries: list[str] = []
    for line in inspect.cleandoc(docstring or "").splitlines():
        heading = _HEADING.fullmatch(line)
        if heading and heading["name"] in _KNOWN:
            section = heading["name"]
        elif line and not line[0].isspace():
            section = None
        if section in _OF_PARAMETERS:
            if not heading:
                entries.append(line)
        elif section not in _NOT_FOR_MODELS:
            kept.append(line)
    found.description = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    found.parameters = _entries(entries)
    return found


def _entries(lines: list[str]) -> dict[str, str]:
    """The entries of a section; lines that are further in than the first go on with an entry."""
    text = inspect.cleandoc("\n".join(["", *lines]))
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        entry = None if not line or line[0].isspace() else _ENTRY.fullmatch(line)
        if entry:
            name = entry["name"]
            found[name] = entry["text"].strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
