"""Each test of this folder runs on the fake app-server and on the real one.

The fake plays it under asyncio and trio; the real binary, which costs more, plays all under asyncio
and every third one under trio as well. A server is shared by the tests of a module; each test
has a thread and a workspace of its own. A module that says `NOT_FAKED = "why"` is about what the
fake app-server does not play, and runs on the real one only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from spec.server import Kind, Server, Shared, serve


@dataclass(frozen=True)
class Stage:
    """What a test is played on."""

    kind: Kind
    backend: str

    @property
    def param(self) -> Any:
        """As a parameter of pytest."""
        marks = [pytest.mark.real] if self.kind == "real" else []
        return pytest.param(self, id=f"{self.kind}-{self.backend}", marks=marks)


_STAGES = [Stage(kind, name) for kind in ("fake", "real") for name in ("asyncio", "trio")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        # By the name, so that a test is played on the same stages in every run.
        on_all = crc32(metafunc.function.__name__.encode()) % 3 == 1
        stages = _STAGES if on_all else _STAGES[:3]
        if hasattr(sys.modules[metafunc.function.__module__], "NOT_FAKED"):
            stages = [stage for stage in stages if stage.kind == "real"]
        stages = [stage.param for stage in stages]
        metafunc.parametrize("stage", stages, indirect=True, scope="module")


_USERS = re.compile(r"(?!CODEX_RUNTIME_BIN)(CODEX|OPENAI|XDG)_\w+|\w+_proxy", re.IGNORECASE)
"""Variables of the user that would change what the real codex does."""


@pytest.fixture(scope="module", autouse=True)
def _forget_user() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [*os.environ]:
            if _USERS.fullmatch(name):
                environment.delenv(name)
        yield


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Stage:
    chosen: Stage = request.param
    return chosen


@pytest.fixture(scope="module")
def anyio_backend(stage: Stage) -> tuple[str, dict[str, Any]]:
    """In place of the function-scoped one of all suites: a server outlives its first test."""
    return (stage.backend, {"debug": True} if stage.backend == "asyncio" else {})


class Pool:
    """The server of a module. One that a failed test has left in disorder is replaced."""

    def __init__(self, kind: Kind, make_home: Callable[[], Path]) -> None:
        self._kind: Kind = kind
        self._make_home = make_home
        self._running = AsyncExitStack()
        self._shared: Shared | None = None

    async def server(self) -> Shared:
        """A server whose script is empty."""
        if self._shared is None:
            context = serve(self._kind, self._make_home())
            self._shared = await self._running.enter_async_context(context)
        return self._shared

    async def close(self) -> None:
        """End the server; the next test gets another."""
        self._shared = None
        await self._running.aclose()


@pytest.fixture(scope="module")
async def pool(
    stage: Stage, anyio_backend: object, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Pool]:
    _ = anyio_backend
    servers = Pool(stage.kind, lambda: tmp_path_factory.mktemp("codex") / "home")
    yield servers
    await servers.close()


@pytest.fixture
async def server(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    """The server of the module, as one test sees it. What a test leaves of its script fails it."""
    shared = await pool.server()
    workspace = tmp_path_factory.mktemp("workspace")
    # Diffs are relative to the next folder above with a `.git`, and codex's sandbox may make
    # one in /tmp for a while (fact 137).
    (workspace / ".git").mkdir()
    yield Server.of(shared, workspace)
    left = shared.model.remaining_steps
    if left or shared.runtime.statistics().open_requests:
        await pool.close()
    assert not left, f"steps that nobody asked for: {left}"
