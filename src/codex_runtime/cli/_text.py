"""Text from elsewhere, made fit for a terminal. Pure.

What a model or a command writes may hold sequences that move the cursor, set the window's
title, write the clipboard or turn text around. None of them reaches the terminal.
"""

import re
import shlex
from typing import Final

__all__ = ["defuse", "elide", "escape_json", "shown_command"]

_SEQUENCES: Final = re.compile(
    r"""
      (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]                            # CSI: colours, cursor
    | (?: \x1b\] | \x9d ) [^\x00-\x1f\x7f-\x9f]* (?: \x07 | \x1b\\ | \x9c )  # OSC: title, clipboard
    | (?: \x1b[PX^_] | [\x90\x98\x9e\x9f] ) [^\x00-\x1f\x7f-\x9f]* (?: \x1b\\ | \x9c )  # DCS …
    | \x1b [ -/]* [0-Z\\^-~]                                             # the short ones
    """,
    re.VERBOSE,
)
"""Whole sequences (ECMA-48): taken out. One without an end on its own line keeps
its words, so that no text can hide behind an introducer."""

_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Single characters that a terminal acts on, but for tab and newline, and those that turn the
direction of text around, so that it reads as other than it is (CVE-2021-42574)."""

_PICTURES: Final = {code: 0x2400 + code for code in range(0x20)}
"""The characters that show C0 controls, U+2400 to U+241F."""

_SHELLS: Final = re.compile(r"(?:.*/)?(?:ba|z|da|k)?sh")
_SCRIPT_FLAGS: Final = frozenset({"-c", "-lc"})


def defuse(text: str) -> str:
    r"""Take the terminal control sequences out of a text.

    Whole sequences vanish; a stray control character is shown as its picture (`␛`), the others
    as U+FFFD. Tabs and newlines stay, `\r\n` and `\r` become `\n`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSAFE.sub(_picture, _SEQUENCES.sub("", text))


def _picture(match: re.Match[str]) -> str:
    return chr(_PICTURES.get(ord(match[0]), 0xFFFD))


def escape_json(line: str) -> str:
    """Write as escapes, in a line of JSON, what a terminal would act on: the value stays."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def shown_command(command: str) -> str:
    """The command that a person would have typed: `/bin/bash -lc 'ls'` is `ls`."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    match words:
        case [shell, flag, script] if flag in _SCRIPT_FLAGS and _SHELLS.fullmatch(shell):
            return script
        case _:
            return command


def elide(lines: list[str], *, head: int, tail: int) -> tuple[list[str], int, list[str]]:
    """Cut a long list in the middle.

    Returns:
        The first lines, how many were left out, the last lines.
    """
    if len(lines) <= head + tail:
        return lines, 0, []
    return lines[:head], len(lines) - head - tail, lines[-tail:]
