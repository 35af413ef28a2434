"""A person at a terminal decides about what a real turn asks."""

from __future__ import annotations

import io
from pathlib import Path

import anyio
from anyio.lowlevel import checkpoint
from spec.requirements import requirement
from spec.server import Server
from spec.test_approvals import adding, items, outside

from codex_runtime.requests import Approver
from codex_runtime.terminal import ask_in_terminal
from codex_runtime.testing import Step, assistant_message, shell

__all__ = ["outside"]

PROMPT = "(Enter alone is no): "


class Person:
    """Somebody who gives one answer after the other, as they are asked."""

    def __init__(self, *lines: str) -> None:
        self._lines = [*lines]
        self._asked = 0
        self.screen = io.StringIO()
        self.approve: Approver = ask_in_terminal(input=self, output=self.screen)

    def receive_nowait(self) -> bytes:
        """Nothing is typed before it is asked for."""
        raise anyio.WouldBlock

    async def receive(self) -> bytes:
        """The next line, as it is typed."""
        await checkpoint()
        return f"{self._lines.pop(0)}\r".encode() if self._lines else b""


async def decided(server: Server, person: Person, *steps: Step) -> list[tuple[str, str]]:
    server.says(*steps, assistant_message("Done."))
    thread = await server.thread(approve=person.approve)
    return items(await thread.run("Work."))


def left(server: Server, folder: Path) -> list[str] | None:
    """The files in a folder; None where nothing really runs."""
    return [path.name for path in folder.iterdir()] if server.real else None


@requirement("approvals:terminal")
async def test_a_command_runs_only_after_a_yes(server: Server, outside: Path) -> None:
    steps = [
        shell(f"touch {outside}/{name}", escalate=True, justification=f"for {name}")
        for name in ("yes", "no", "gone")
    ]
    person = Person("y", "n not that")

    ended = await decided(server, person, *steps)

    assert [status for _, status in ended] == ["completed", "declined", "declined"]
    assert left(server, outside) in (["yes"], None)
    shown = person.screen.getvalue()
    assert shown.count("May this command run?") == 3
    assert "for yes" in shown


@requirement("approvals:terminal")
async def test_a_file_is_changed_only_after_a_yes(server: Server, outside: Path) -> None:
    person = Person("n", "y")

    ended = await decided(server, person, adding(outside / "a"), adding(outside / "b"))

    assert [status for _, status in ended] == ["declined", "completed"]
    assert left(server, outside) in (["b"], None)
    shown = "".join(person.screen.getvalue().split())
    assert "OUTSIDEoftheworkspace" in shown.replace("│", "")
    assert "+new" in shown
