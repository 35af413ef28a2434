"""Each test of this folder runs on the fake app-server and on the real one.

The fake plays it under asyncio and trio, and so does the real binary, but for the few heavy ones.
A server is shared by the tests of a module; each has a thread and a workspace of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
from spec.requirements import HEAVY
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
    if "stage" not in metafunc.fixturenames:
        return
    heavy = getattr(metafunc.function, HEAVY, False)
    stages = [
        stage.param
        for stage in _STAGES
        if not (heavy and stage.kind == "real" and stage.backend == "trio")
    ]
    metafunc.parametrize("stage", stages, indirect=True, scope="module")


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Stage:
    chosen: Stage = request.param
    return chosen


@pytest.fixture(scope="module")
def anyio_backend(stage: Stage) -> tuple[str, dict[str, Any]]:
    """In place of the function-scoped one of all suites: a server outlives its first test."""
    return (stage.backend, {"debug": True} if stage.backend == "asyncio" else {})


@pytest.fixture(scope="module")
async def shared(
    stage: Stage, anyio_backend: object, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Shared]:
    _ = anyio_backend
    home = tmp_path_factory.mktemp("codex") / "home"
    async with serve(stage.kind, home) as running:
        yield running


@pytest.fixture
async def server(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    """The server of the module, as one test sees it. What a test leaves of its script fails it."""
    yield Server.of(shared, tmp_path_factory.mktemp("workspace"))
    left = shared.model.remaining_steps
    assert not left, f"steps that nobody asked for: {left}"
