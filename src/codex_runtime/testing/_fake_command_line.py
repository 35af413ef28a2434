"""Command lines as codex spells them, and what it makes of them, as far as the fake needs it."""

from __future__ import annotations

import json
import re
import shlex

__all__ = ["is_forced_removal", "one_command", "proposed_prefix", "rejection", "wrapped"]

HIDDEN = "<command included NUL byte>"
"""What codex shows in place of a command that no shell could be given (fact 306)."""

_BARE = re.compile(r"[A-Za-z0-9+\-./:@_\]]+")
"""A word that the Rust crate shlex leaves without quotes."""


_PLAIN = re.compile(r"""(?:[^\s'"\\$`*?~#(){}<>&|;=^\[\]]|=(?=[^\s])|'[^']*'|"[^"\\$`]*"|\s)+""")
"""What is plain words: no operator, expansion or escape outside of quotes."""

_OPERATORS = re.compile(r"""((?:'[^']*'|"[^"]*"|[^'"&|;\n])+)(?:&&|\|\||[|;\n]|$)""")
"""A command in a line, and what ends it."""


def wrapped(cmd: str) -> str:
    """Return `cmd` as codex shows it: in its shell, quoted as Rust's shlex does (fact 305)."""
    return HIDDEN if "\0" in cmd else f"/bin/bash -lc {_quoted(cmd)}"


def proposed_prefix(cmd: str) -> list[str]:
    """Return the prefix that codex proposes to allow: the words of the first part (fact 307)."""
    parts = _parts(cmd)
    return parts[0] if parts else ["/bin/bash", "-lc", cmd]


def one_command(cmd: str) -> list[str] | None:
    """Return the words of `cmd` if it is a single command of plain words."""
    parts = _parts(cmd)
    return parts[0] if len(parts) == 1 else None


def _parts(cmd: str) -> list[list[str]]:
    """The words of each command in a line; none where it is more than plain words."""
    found = [part[1] for part in _OPERATORS.finditer(cmd)]
    kept = sum(map(len, found)) == len(re.sub(r"&&|\|\||[|;\n]", "", cmd))
    if not kept or not all(_PLAIN.fullmatch(part) for part in found):
        return []
    words = [shlex.split(part) for part in found if part.strip()]
    return words if not any("=" in each[0] for each in words) else []


def is_forced_removal(cmd: str) -> bool:
    """Return whether `cmd` is what codex never runs unasked: `rm -f`, `rm -rf` (fact 78)."""
    return re.match(r"rm\s+-r?f\b", cmd.strip()) is not None


def rejection(why: str) -> str:
    """Return what the model is told of a command that was not run."""
    inner = json.dumps(f"Rejected({json.dumps(why, ensure_ascii=False)})", ensure_ascii=False)
    return f"exec_command failed: CreateProcess {{ message: {inner} }}"


def _quoted(word: str) -> str:
    if not word:
        return "''"
    if _BARE.fullmatch(word):
        return word
    return "".join(map(_quoted_chunk, _chunks(word)))


def _chunks(word: str) -> list[str]:
    found: list[str] = []
    while word:
        single = re.match(r"\^?[^'\\^]*", word)
        double = re.match(r"[^$`!^]*", word)
        longest = max((match[0] for match in (single, double) if match), key=len)
        found.append(longest)
        word = word[len(longest) :]
    return found


def _quoted_chunk(chunk: str) -> str:
    if _BARE.fullmatch(chunk):
        return chunk
    if re.fullmatch(r"\^?[^'\\^]*", chunk):
        return f"'{chunk}'"
    return '"' + re.sub(r'["\\]', r"\\\g<0>", chunk) + '"'
