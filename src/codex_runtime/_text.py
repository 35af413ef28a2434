"""Text from elsewhere, made fit for a terminal. Pure.

What a model or a command writes may hold sequences that move the cursor, set the window's
title, write the clipboard or turn text around. None of them reaches the terminal.
"""

import re
from typing import Final, TextIO

__all__ = ["defuse", "elide", "escape_json", "exact", "tolerant"]

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


def defuse(text: str) -> str:
    r"""Take the terminal control sequences out of a text.

    Whole sequences vanish; a stray control character is shown as its picture (`␛`), the others
    as U+FFFD. Tabs and newlines stay, `\r\n` and `\r` become `\n`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSAFE.sub(_picture, _SEQUENCES.sub("", text))


def _picture(match: re.Match[str]) -> str:
    return chr(_PICTURES.get(ord(match[0]), 0xFFFD))


def exact(text: str) -> str:
    r"""Show what is there and nothing else, where somebody is to decide about it.

    Whatever has no shape of its own (controls, text that runs backwards, spaces of no width, spaces
    that look like others) is written as an escape, say `\u202e`. Tabs and newlines stay.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def escape_json(line: str) -> str:
    """Write as escapes, in a line of JSON, what a terminal would act on: the value stays."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def elide(lines: list[str], *, head: int, tail: int) -> tuple[list[str], int, list[str]]:
    """Cut a long list in the middle.

    Returns:
        The first lines, how many were left out, the last lines.
    """
    if len(lines) <= head + tail:
        return lines, 0, []
    return lines[:head], len(lines) - head - tail, lines[-tail:]


def tolerant(stream: TextIO) -> TextIO:
    """Let a stream write what its encoding lacks as escapes, instead of failing on it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream
