"""The small languages of rules: for commands, hosts, and names of tools.

A pattern of a command is words. `*` stands for any one word, and `**` (or `...`) at the end for any
number of words. Everything else stands for itself: there are no parts of words, and no beginnings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from codex_runtime._programs import base_name, runs_anything
from codex_runtime.errors import InvalidArgument

__all__ = ["Pattern", "host_matches", "host_pattern", "name_matches", "name_pattern", "pattern_of"]

_ONE: Final = "*"
_REST: Final = frozenset({"**", "..."})

_PLAIN_WORDS: Final = re.compile(r"[A-Za-z0-9_@%+=:,./*\s-]*")
"""What a pattern may hold that is one text: nothing that a shell would read in another way."""

_HOST: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[?[0-9a-f:.]+\]?")


class Pattern(NamedTuple):
    """A pattern of a command.

    Attributes:
        words: What its words are to be; `*` for any.
        rest: Whether more may follow.
    """

    words: tuple[str, ...]
    rest: bool

    def __str__(self) -> str:
        return " ".join((*self.words, "**") if self.rest else self.words)

    @property
    def leaves_open(self) -> bool:
        """Whether it is about more than one command."""
        return self.rest or _ONE in self.words

    def mismatch(self, argv: tuple[str, ...]) -> str:
        """Why a command is none of these; empty if it is one.

        A pattern that leaves anything open is never about a command that may run anything.
        """
        for place, (mine, theirs) in enumerate(zip(self.words, argv, strict=False)):
            if mine not in (_ONE, theirs):
                return f"word {place + 1} is {theirs!r}, not {mine!r}"
        if len(argv) < len(self.words):
            return f"it has {len(argv)} words, and {len(self.words)} are needed"
        if len(argv) > len(self.words) and not self.rest:
            return f"it has {len(argv)} words, and {len(self.words)} are allowed"
        if self.leaves_open and (why := runs_anything(argv)):
            return f"{why}, and this rule leaves words open"
        return ""

    def meets(self, argv: tuple[str, ...]) -> bool:
        """Whether a command is one of these, for saying no to it.

        Also where its program has another path, or capital letters.
        """
        if len(argv) < len(self.words) or (len(argv) > len(self.words) and not self.rest):
            return False
        fit = [mine in (_ONE, theirs) for mine, theirs in zip(self.words, argv, strict=False)]
        if fit and "/" not in self.words[0]:
            fit[0] = fit[0] or base_name(argv[0]) == base_name(self.words[0])
        return all(fit)


def pattern_of(given: Any, place: str, *, for_yes: bool) -> Pattern:
    """Read a pattern.

    Args:
        given: Its words; a text is split at blanks.
        place: What errors call it.
        for_yes: Whether it is to allow something. Then it has to name a program, and may leave nothing
            open where that is a shell, an interpreter, a wrapper or a fetcher.

    Raises:
        InvalidArgument: It is no pattern, or none to allow something with.
    """
    words = _words(given, place)
    rest = words[-1] in _REST
    words = words[:-1] if rest else words
    if _REST.intersection(words):
        raise InvalidArgument(place, f"{_shown(given)} has more behind **", "put it at the end")
    found = Pattern(words, rest)
    if not for_yes:
        return found
    if not words or words[0] == _ONE:
        raise InvalidArgument(
            place, f"{_shown(given)} names no program", "name the one that may run"
        )
    if found.leaves_open and (why := runs_anything(words)):
        raise InvalidArgument(
            place,
            f"{_shown(given)} allows anything: {why}",
            "give all of its words, with no * and **",
        )
    return found


def _shown(given: Any) -> str:
    return repr(given if isinstance(given, str) else " ".join(given))


def _words(given: Any, place: str) -> tuple[str, ...]:
    listed: Any = given
    if isinstance(given, str):
        if not _PLAIN_WORDS.fullmatch(given):
            raise InvalidArgument(
                place,
                f"{given!r} has characters that are special to shells",
                "give a list of words",
            )
        words: Any = tuple(given.split())
    elif isinstance(given, Sequence):
        words = tuple(listed)
    else:
        raise InvalidArgument(
            place, f"is of type {type(given).__name__}", "give a text, or a list of words"
        )
    for word in words:
        if not isinstance(word, str):
            raise InvalidArgument(
                place, f"has a word of type {type(word).__name__}", "words are texts"
            )
        if word not in _REST and word != _ONE and _ONE in word:
            raise InvalidArgument(
                place,
                f"has the word {word!r}",
                "* stands for whole words, and ** for all that follow",
            )
    if not words or not words[0]:
        raise InvalidArgument(place, "is empty", 'name a program, as in "git status **"')
    return cast("tuple[str, ...]", words)


def host_pattern(given: Any, place: str) -> str:
    """Read a pattern of hosts: a name, or `*.` and a name for all below it.

    Raises:
        InvalidArgument: It is none.
    """
    text = given.lower().rstrip(".") if isinstance(given, str) else ""
    if not _HOST.fullmatch(text):
        raise InvalidArgument(
            place,
            f"{given!r} is no host",
            'write "example.org", or "*.example.org" for all below it',
        )
    return text


def host_matches(pattern: str, host: str) -> bool:
    """Whether a host is one of these."""
    name = host.lower().rstrip(".")
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def name_pattern(given: Any, place: str, *, in_server: bool) -> str:
    """Read a pattern of tools: a name, or `server/name`; `*` stands for any one of these.

    Raises:
        InvalidArgument: It is none.
    """
    # A tool of an MCP server may have a "/" in its name; codex takes none for those of ours.
    parts = given.split("/", 1 if in_server else -1) if isinstance(given, str) else []
    most = len(("server", "tool"))
    least = most if in_server else 1
    if not least <= len(parts) <= most or not all(parts):
        form = '"server/tool"' if in_server else '"tool", or "namespace/tool"'
        raise InvalidArgument(place, f"{given!r} names no tool", f"write {form}")
    if any(_ONE in part and part != _ONE for part in parts):
        raise InvalidArgument(place, f"{given!r} has a part of a name", "* stands for whole names")
    return str(given)


def name_matches(pattern: str, name: str) -> bool:
    """Whether a tool is one of these."""
    # Only the first "/" is ours: those behind it belong to the name of the tool.
    mine, theirs = pattern.split("/", 1), name.split("/", 1)
    return len(mine) == len(theirs) and all(
        each in (_ONE, other) for each, other in zip(mine, theirs, strict=True)
    )
