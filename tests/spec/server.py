"""The two app-servers that every spec test runs on: the fake, and the real binary."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from codex_runtime import Runtime, ThreadHandle
from codex_runtime.testing import FakeAppServer, ModelCall, ScriptedModel, Step

__all__ = ["WORDS", "Kind", "Server", "Shared", "sent", "serve"]

WORDS: dict[str, Any] = {
    "approval_policy": "on-request",
    "privileged_escalation_approved": True,
}
"""What a sandbox wider than read-only needs besides a scope."""

Kind: TypeAlias = Literal["fake", "real"]

Model: TypeAlias = FakeAppServer | ScriptedModel


@dataclass(frozen=True)
class Shared:
    """A running server with its script.

    Attributes:
        kind: Which of the two.
        runtime: Open.
        model: Plays the script.
        home: The CODEX_HOME; the fake has one in name only.
    """

    kind: Kind
    runtime: Runtime
    model: Model
    home: Path


@dataclass(frozen=True)
class Server:
    """What a test sees of it.

    Attributes:
        kind: Which of the two; only to look at files, which the fake does not touch.
        runtime: Open, and shared with the other tests of the module.
        workspace: An empty folder of the test's own.
    """

    kind: Kind
    runtime: Runtime
    workspace: Path
    _shared: Shared
    _calls_before: int

    @classmethod
    def of(cls, shared: Shared, workspace: Path) -> Server:
        """The view of a test that begins now."""
        return cls(shared.kind, shared.runtime, workspace, shared, len(shared.model.calls))

    @property
    def model(self) -> Model:
        """The script."""
        return self._shared.model

    @property
    def home(self) -> Path:
        """The CODEX_HOME."""
        return self._shared.home

    @property
    def real(self) -> bool:
        """Whether files and processes are real."""
        return self.kind == "real"

    def says(self, *steps: Step) -> None:
        """Add to the script of the model."""
        self.model.enqueue(*steps)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """What the model was asked since the test began."""
        return self.model.calls[self._calls_before :]

    async def thread(self, **options: Any) -> ThreadHandle:
        """Start a thread in the workspace."""
        return await self.runtime.thread_start(**with_defaults(options, cwd=self.workspace))

    async def writable_thread(self, **options: Any) -> ThreadHandle:
        """Start a thread that may write in the workspace, with all three words of SEC-004."""
        words = with_defaults(options, sandbox="workspace-write", **WORDS)
        return await self.thread(**words)

    @asynccontextmanager
    async def another(
        self, *steps: Step, retries: int = 0, **options: Any
    ) -> AsyncGenerator[Server]:
        """A server of the test's own, of the same kind.

        Args:
            steps: Its script.
            retries: How often it asks again when a stream breaks.
            options: Of `Runtime`.
        """
        async with serve(
            self.kind,
            self.home.with_name(f"home-{id(steps):x}"),
            *steps,
            retries=retries,
            **options,
        ) as shared:
            yield Server.of(shared, self.workspace)


def with_defaults(options: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Options, and what they do not say."""
    return {**defaults, **options}


@asynccontextmanager
async def serve(
    kind: Kind, home: Path, *steps: Step, retries: int = 0, **options: Any
) -> AsyncGenerator[Shared]:
    """Run a server of this kind.

    Args:
        kind: Which of the two.
        home: The folder for its CODEX_HOME; made here.
        steps: The script.
        retries: How often it asks again when a stream breaks.
        options: Of `Runtime`.
    """
    if kind == "fake":
        fake = FakeAppServer(*steps, stream_max_retries=retries)
        async with fake.runtime(**options) as runtime:
            yield Shared(kind, runtime, fake, home)
        return
    async with ScriptedModel(*steps) as model:
        model.write_home(home, stream_max_retries=retries)
        environment = model.environment(home)
        async with Runtime(codex_home=home, env=environment, **options) as runtime:
            yield Shared(kind, runtime, model, home)


def sent(server: Server) -> int:
    """How many requests the client has sent so far."""
    return server.runtime.statistics().requests
