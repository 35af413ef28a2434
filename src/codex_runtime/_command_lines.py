"""Command lines, as the server shows them and as rules read them.

`plain_argv` is what yes may be built on: it reads a line only if every shell would read it the same
way, as one program with its words. `commands_in` is for no: it finds what a line may run, and errs
on the side of finding too much. Neither runs or looks up anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice, takewhile
from typing import Final

from codex_runtime._programs import RESERVED_WORDS, hands_on

__all__ = ["commands_in", "plain_argv", "script_of", "unwrapped"]

_WRAPPER: Final = re.compile(
    r"""(?: (?: /usr (?:/local)? | /opt/[^/]+ | /run/current-system/sw | /nix/store/[^/]+
              | /etc/profiles/per-user/[^/]+ | /home/linuxbrew/\.linuxbrew )? /bin/ )?
        (?: bash | sh | zsh | dash | ksh )""",
    re.VERBOSE,
)
"""A shell in a folder that is the system's. Codex looks its shells up itself: a path that the model
names is never run (fact 360). One anywhere else is shown and judged as what it is."""

_SHELL_FLAGS: Final = frozenset({"-c", "-lc"})

_QUOTED: Final = re.compile(
    r"""( [^\s'"\\$`|&;<>()]+ ) | \\([^\n]) | '([^']*)' | "((?: [^"\\$`] | \\[^\n] )*)" """,
    re.VERBOSE,
)
"""A piece of a word, as the server writes one."""

_PLAIN: Final = re.compile(
    r"""( [A-Za-z0-9_@%+=:,./-]+ ) | \\([ -~]) | '([^']*)' | "((?: [^"\\$`!] | \\[ -\ "-~] )*)" """,
    re.VERBOSE,
)
"""A piece of a word in which no shell finds anything to do: outside of quotes only what never has a
meaning of its own; between double quotes no expansion, history, or line that goes on."""

_ESCAPED: Final = re.compile(r'\\([$`"\\])')
"""What a backslash hides between double quotes. Before anything else it stands for itself."""

_CONTROL: Final = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that shells drop, or that people do not see. Tab and line feed are none of them."""

_NO_PROGRAM: Final = re.compile(r"[-+%]|.*=|\Z", re.DOTALL)
"""Beginnings of a line that shells do not take for a program: assignments, jobs, modifiers."""


def unwrapped(command: str) -> str:
    """The command without the shell that codex puts around it.

    Args:
        command: As on the wire, say `/bin/bash -lc 'git status'`. What has not this form is returned
            as it is.
    """
    words = _words(command, _QUOTED)
    script = script_of(words) if words else None
    return command if script is None else script


def script_of(words: tuple[str, ...]) -> str | None:
    """What the shell is told, if the words are the shell that codex puts around a command."""
    match words:
        case (shell, flag, script) if flag in _SHELL_FLAGS and _WRAPPER.fullmatch(shell):
            return script
        case _:
            return None


def plain_argv(command: str) -> tuple[str, ...]:
    """The words of a command line that is one plain command; empty for any other.

    Empty wherever there is a doubt: operators, redirections, expansions of all kinds, assignments,
    comments, reserved words, more than one line, quotes that do not close, characters outside of
    ASCII that are not quoted. Line feeds and all else between quotes belong to their word.
    """
    words = () if _CONTROL.search(command) else _words(command, _PLAIN)
    if not words or _NO_PROGRAM.match(words[0]) or words[0] in RESERVED_WORDS:
        return ()
    return words


def _words(text: str, piece: re.Pattern[str]) -> tuple[str, ...]:
    """The words of a text that is made of such pieces and blanks; empty if it is not."""
    words: list[str] = []
    position, in_word = 0, False
    while position < len(text):
        if text[position] in " \t":
            position, in_word = position + 1, False
            continue
        found = piece.match(text, position)
        if found is None or (not in_word and text[position] == "="):
            # zsh looks up what stands behind a "=" at the beginning of a word.
            return ()
        bare, escaped, single, double = found.groups()
        read = _ESCAPED.sub(r"\1", double) if double is not None else bare or escaped or single
        words[len(words) - in_word :] = [(words[-1] if in_word else "") + (read or "")]
        position, in_word = found.end(), True
    return tuple(words)


_LOOSE: Final = re.compile(
    r"""(?P<blank> [ \t]+ )
      | (?P<file> (?:\d*|&) [<>] [<>|]* ) (?P<descriptor> &\d*-? )?
      | (?P<ends> [;|&\n()`] | \$\( )
      | (?P<single> \$?' [^']* '? ) | (?P<double> \$?" (?: [^"\\] | \\. )* "? )
      | (?P<other> \\. | [^\s'"\\$`;|&<>()\d]+ | . )""",
    re.VERBOSE | re.DOTALL,
)
"""What a line is made of, taken so that nothing ends the search."""

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)

_OF_TIME: Final = frozenset({"-p", "--"})
"""What may stand between the word `time` and the command that it measures."""

_MAX_DEPTH: Final = 4
"""Levels of lines within lines that are looked into."""

_MAX_HANDED_ON: Final = 64
"""Words of a wrapper that are looked at as the beginning of a command of their own."""

_MAX_COMMANDS: Final = 10_000
"""Commands that a line is searched for; more make no sense, and cost time."""


def commands_in(line: str) -> Iterator[tuple[str, ...]]:
    """All that a command line may run, each as words; rather too much than too little.

    Looks behind operators, assignments, reserved words and wrappers, and into substitutions and the
    lines that shells are given. A line can be written so that this does not see what it runs.
    """
    # A line that is continued is one; and an apostrophe in a comment or in a text behind `<<` must
    # not hide what stands on the next line.
    joined = line.replace("\\\n", "")
    alone = joined.split("\n") if "\n" in joined else []
    return islice(
        chain.from_iterable(_commands(each, 0) for each in (joined, *alone)), _MAX_COMMANDS
    )


def _commands(line: str, depth: int) -> Iterator[tuple[str, ...]]:
    if depth > _MAX_DEPTH:
        return
    for words in map(_from_program_on, _split(line)):
        if not words:
            continue
        yield words
        inner = [word for word in words if "$(" in word or "`" in word]
        if hands_on(words):
            yield from (words[start:] for start in range(1, min(len(words), _MAX_HANDED_ON)))
            inner = [word for word in words[1:] if not word.isalnum()]
        for word in inner:
            yield from _commands(word, depth + 1)


def _from_program_on(words: tuple[str, ...]) -> tuple[str, ...]:
    def is_before(word: str) -> bool:
        return bool(word in RESERVED_WORDS or _ASSIGNMENT.match(word)) or word in _OF_TIME

    return words[sum(1 for _ in takewhile(is_before, words)) :]


def _split(line: str) -> Iterator[tuple[str, ...]]:
    words: list[str] = []
    files: set[int] = set()
    in_word = False
    for token in _LOOSE.finditer(line):
        kind = token.lastgroup
        if kind in {"single", "double", "other"}:
            if not in_word:
                words.append("")
            words[-1] += _unquoted(token.group(), kind)
            in_word = True
            continue
        in_word = False
        if kind == "file":
            # What follows is a file, not a word of the command.
            files.add(len(words))
        elif kind == "ends":
            yield tuple(word for place, word in enumerate(words) if place not in files)
            words, files = [], set()
    yield tuple(word for place, word in enumerate(words) if place not in files)


def _unquoted(text: str, kind: str) -> str:
    match kind:
        case "single":
            return text.removeprefix("$").strip("'")
        case "double":
            inside = text.removeprefix("$").removeprefix('"').removesuffix('"')
            return _ESCAPED.sub(r"\1", inside)
        case _:
            return text.removeprefix("\\") if len(text) > 1 else text
