"""What a terminal shows: lines of text, each with the part it plays. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from codex_runtime._text import defuse, elide

__all__ = ["STYLES", "Line", "Role", "block", "diff_counts", "diff_lines", "line", "with_roles"]

Role: TypeAlias = Literal[
    "plain",
    "command",
    "output",
    "good",
    "bad",
    "warning",
    "note",
    "heading",
    "added",
    "removed",
    "hunk",
]
"""The part a line plays. The screen gives each a colour; without colours the text says enough."""

STYLES: Final[dict[Role, str]] = {
    "plain": "",
    "command": "bold",
    "output": "dim",
    "good": "green",
    "bad": "red",
    "warning": "yellow",
    "note": "dim",
    "heading": "bold",
    "added": "green",
    "removed": "red",
    "hunk": "cyan",
}
"""Colours are never the only sign: each role's text says the same in words or marks."""

_HEAD: Final = 12
_TAIL: Final = 24
"""Lines of a command's output that are shown: the beginning and, as errors stand there, more of
the end. `--json` has all of it."""

_DIFF_MOST: Final = 200
"""Lines of one file's diff that are shown: a screenful or four. `--json` has all of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line for the terminal: defused, without a line end."""

    text: str
    role: Role = "plain"


def line(text: str, role: Role = "plain") -> Line:
    """Make one line of a text from anywhere; line ends in it become spaces."""
    return Line(defuse(text).replace("\n", " "), role)


def block(text: str, role: Role, *, indent: str = "  ") -> tuple[Line, ...]:
    """Make the lines of a longer text, cut in the middle where it is very long."""
    head, left_out, tail = elide(defuse(text).rstrip("\n").split("\n"), head=_HEAD, tail=_TAIL)
    if head == [""]:
        return ()
    between = [Line(f"{indent}… {left_out} lines left out", "note")] if left_out else []
    return (
        *(Line(indent + text, role) for text in head),
        *between,
        *(Line(indent + text, role) for text in tail),
    )


def diff_lines(diff: str, *, indent: str = "  ") -> tuple[Line, ...]:
    """Make the lines of a unified diff, each with its role."""
    texts = defuse(diff).rstrip("\n").split("\n")
    shown = [Line(indent + text, role) for text, role in with_roles(texts[:_DIFF_MOST])]
    if len(texts) > _DIFF_MOST:
        shown.append(Line(f"{indent}… {len(texts) - _DIFF_MOST} lines left out", "note"))
    return tuple(shown)


def diff_counts(diff: str) -> tuple[int, int]:
    """Count the lines that a unified diff adds and removes."""
    roles = [role for _, role in with_roles(diff.split("\n"))]
    return roles.count("added"), roles.count("removed")


_IN_HUNK: Final[dict[str, Role]] = {"+": "added", "-": "removed", "\\": "note"}
"""By the first character; the text of a line is no clue: `--- x` may be a removed `-- x`."""


def with_roles(texts: Iterable[str]) -> Iterator[tuple[str, Role]]:
    """Give each line of a unified diff its role."""
    in_hunk = False
    for text in texts:
        if text.startswith("@@"):
            in_hunk = True
            yield text, "hunk"
        elif in_hunk and not text.startswith("diff --git "):
            yield text, _IN_HUNK.get(text[:1], "plain")
        else:
            in_hunk = False
            yield text, "heading"
