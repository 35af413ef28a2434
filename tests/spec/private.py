"""A real codex on a home of the test's own, with settings and variables of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from codex_runtime import Runtime
from codex_runtime.testing import ScriptedModel

__all__ = ["Private", "private"]


@dataclass(frozen=True)
class Private:
    """A running server.

    Attributes:
        runtime: Open.
        home: Its CODEX_HOME.
        workspace: An empty folder.
    """

    runtime: Runtime
    home: Path
    workspace: Path

    @property
    def settings(self) -> str:
        """The text of its config.toml."""
        return (self.home / "config.toml").read_text()

    def skill(self, name: str, description: str, *, under: Path | None = None) -> Path:
        """Write a skill, of the workspace by default, and return its SKILL.md."""
        folder = (under or self.workspace / ".agents/skills") / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "SKILL.md"
        path.write_text(f"---\nname: {name}\ndescription: {description}\n---\nDo it.\n")
        return path


@asynccontextmanager
async def private(
    folder: Path, *settings: str, without: str = "", environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Private]:
    """Run a server.

    Args:
        folder: An empty folder of the test's own.
        settings: More lines of config.toml, with dotted keys.
        without: A setting to leave out.
        environment: More variables.
    """
    workspace = folder / "workspace"
    (workspace / ".git").mkdir(parents=True)
    async with ScriptedModel() as model:
        home = model.write_home(folder / "home")
        file = home / "config.toml"
        lines = [each for each in file.read_text().splitlines() if each.split(" ")[0] != without]
        file.write_text("\n".join([*lines, *settings, ""]))
        variables = {**model.environment(home), **(environment or {})}
        async with Runtime(codex_home=home, env=variables) as runtime:
            yield Private(runtime, home, workspace)
