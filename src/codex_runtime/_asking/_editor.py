"""From the keys that somebody presses to a line of text. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final, Literal

__all__ = ["LONGEST", "LineEditor"]

LONGEST: Final = 4096
"""Characters of a line; what is typed beyond them is dropped. A terminal's own limit is the same."""

_ENTER: Final = "\r\n"
_BACK: Final = "\x7f\x08"
_END: Final = "\x04"
_KILL: Final = "\x15"
_WORD: Final = "\x17"
_RUBBING: Final = _BACK + _KILL + _WORD
_ESCAPE: Final = "\x1b"

_RUB_OUT: Final = "\b \b"


class LineEditor:
    """One line, as it is typed.

    What follows the end of the line in the same piece is dropped: it was typed, or pasted, before
    the next question was seen.

    Args:
        width: How many columns of the terminal a character takes.
        secret: Whether nothing of it may be seen.

    Attributes:
        state: `open` until Enter (`done`), or Ctrl-D in an empty line (`ended`).
    """

    def __init__(self, *, width: Callable[[str], int] = len, secret: bool = False) -> None:
        self.state: Literal["open", "done", "ended"] = "open"
        self._width = width
        self._secret = secret
        self._typed: list[str] = []
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        self._sequence = ""
        """What has come of a key that sends several characters, say an arrow."""

    @property
    def text(self) -> str:
        """The line so far."""
        return "".join(self._typed)

    def feed(self, keys: bytes) -> str:
        """Take what was typed; return what the terminal is to write for it."""
        echo: list[str] = []
        for key in self._decode(keys):
            if self.state != "open":
                break
            echo.append(self._take(key))
        return "" if self._secret else "".join(echo)

    def _take(self, key: str) -> str:
        if self._sequence or key == _ESCAPE:
            self._skip(key)
        elif key in _ENTER:
            self.state = "done"
        elif key == _END:
            self.state = "open" if self._typed else "ended"
        else:
            return self._rub_out(key) if key in _RUBBING else self._type(key)
        return ""

    def _type(self, key: str) -> str:
        key = " " if key == "\t" else key
        if not key.isprintable() or len(self._typed) >= LONGEST:
            return ""
        self._typed.append(key)
        return key

    def _skip(self, key: str) -> None:
        """Swallow the characters of an arrow or the like. Escape and Enter: an empty line."""
        if key in _ENTER:
            self._typed.clear()
            self.state = "done"
            return
        self._sequence += key
        body = self._sequence[1:]
        introduced = body[:1] in {"[", "O"}
        if body and (not introduced or (len(body) > 1 and "@" <= key <= "~")):
            self._sequence = ""

    def _rub_out(self, key: str) -> str:
        kept = self.text.rstrip()
        word = len(kept) - len(kept.split(" ")[-1])
        start = {_KILL: 0, _WORD: word}.get(key, max(len(self._typed) - 1, 0))
        gone = self._typed[start:]
        del self._typed[start:]
        return _RUB_OUT * sum(map(self._width, gone))
