"""Python text: docstrings and lines that fit."""

import json
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100
"""Columns of a line, as everywhere in this repository."""

_QUOTES = 6
"""Columns that the quotes of a one-line docstring take."""


def quoted(value: str) -> str:
    """Return a string literal in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def docstring(doc: str, indent: str = "") -> list[str]:
    """Return the lines of a docstring; none for an empty `doc`."""
    escaped = doc.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if not escaped:
        return []
    lines = [line for paragraph in escaped.split("\n") for line in _wrapped(paragraph, indent)]
    if lines[-1].endswith('"'):
        lines[-1] += " "
    first, *rest = lines
    if not rest and len(indent) + len(first) + _QUOTES <= WIDTH:
        return [f'{indent}"""{first}"""']
    return [f'{indent}"""{first}', *((indent + line).rstrip() for line in rest), f'{indent}"""']


def _wrapped(paragraph: str, indent: str) -> list[str]:
    room = WIDTH - len(indent) - _QUOTES // 2
    kept = "  " if paragraph.lstrip().startswith(("- ", "* ")) else ""
    return textwrap.wrap(
        paragraph,
        room,
        subsequent_indent=kept,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def call(head: str, arguments: Sequence[str], *, indent: int = 0) -> list[str]:
    """Return `head(arguments)` on one line where it fits, else one argument a line.

    `indent` is what the caller puts before each line.
    """
    line = f"{head}({', '.join(arguments)})"
    if indent + len(line) <= WIDTH:
        return [line]
    inner = f"    {', '.join(arguments)}"
    if indent + len(inner) <= WIDTH:
        return [f"{head}(", inner, ")"]
    return [f"{head}(", *(f"    {argument}," for argument in arguments), ")"]


def alternatives(head: str, parts: Iterable[str]) -> list[str]:
    """Return `head = a | b | c`, in parentheses with one part a line where it does not fit."""
    members = list(parts)
    line = f"{head} = {' | '.join(members)}"
    if len(line) <= WIDTH:
        return [line]
    first, *rest = members
    return [f"{head} = (", f"    {first}", *(f"    | {member}" for member in rest), ")"]
