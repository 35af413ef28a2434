"""Somebody at a terminal: shows them things, and waits for what they type. Needs rich."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from codex_runtime._asking._editor import LineEditor
from codex_runtime._asking._keys import Keys
from codex_runtime._asking._page import Card
from codex_runtime._lines import STYLES, Line
from codex_runtime._text import tolerant

__all__ = ["Person", "console_on"]

_CLEAR_LINE = "\r\x1b[K"


def console_on(stream: TextIO) -> Console:
    """A console that takes text for text."""
    return Console(file=tolerant(stream), highlight=False, markup=False, emoji=False)


class Person:
    """Somebody who reads `console` and types `keys`.

    Args:
        keys: What they type.
        console: What they see. Everything goes there as `Text`, which holds no markup.
        anywhere: Whether what they see need not be a terminal.
    """

    def __init__(self, keys: Keys, console: Console, *, anywhere: bool = False) -> None:
        self._keys = keys
        self._console = console
        self._anywhere = anywhere

    def present(self) -> bool:
        """Whether there may be somebody who reads and types."""
        return self._keys.present() and (self._anywhere or _watched(self._console))

    def attentive(self) -> AbstractContextManager[None]:
        """Within this, what they type is ours."""
        return self._keys.raw()

    def discard(self) -> None:
        """Forget what they have typed before they could read what is asked."""
        self._keys.discard()

    def show(self, card: Card) -> None:
        """Show a card."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for row in card.rows:
            table.add_row(Text(row.label, "dim"), _text(row.lines))
        self._console.print()
        self._console.print(
            Panel(table, title=Text(card.title, "bold"), title_align="left", border_style="yellow")
        )

    def tell(self, lines: Iterable[Line]) -> None:
        """Write lines."""
        self._console.print(_text(lines))

    async def ask(self, question: str, *, secret: bool = False) -> str | None:
        """Ask for a line, with a question of ours.

        Cancelling takes the question away.

        Returns:
            The line, or None when nobody is there any more, or they leave with Ctrl-D.
        """
        editor = LineEditor(width=cell_len, secret=secret)
        self._console.print(Text(f"{question} ", "bold"), end="", soft_wrap=True)
        try:
            while editor.state == "open":
                self._flush()
                keys = await self._keys.read()
                if not keys:
                    break
                self._console.file.write(editor.feed(keys))
        except BaseException:
            self._console.file.write(_CLEAR_LINE if _watched(self._console) else "\n")
            self._flush()
            raise
        self._console.file.write("\n")
        self._flush()
        return editor.text if editor.state == "done" else None

    def _flush(self) -> None:
        self._console.file.flush()


def _watched(console: Console) -> bool:
    # Not what rich thinks: $FORCE_COLOR makes it take everything for a terminal.
    return console.file.isatty()


def _text(lines: Iterable[Line]) -> Text:
    return Text("\n").join(Text(line.text, STYLES[line.role]) for line in lines)
