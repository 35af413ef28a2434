"""The pytest plugin: fixtures `scripted_model`, `codex` and `fake_codex`, option `--codex-bin`.

Pytest loads it in every run on a machine where this package is installed, so nothing is
imported here but what pytest has loaded already; the fixtures import the rest when a test asks
for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from codex_runtime.testing._workbench import Workbench
    from codex_runtime.testing.fake_server import FakeAppServer
    from codex_runtime.testing.scripted_model import ScriptedModel

_FAILED = pytest.StashKey[bool]()
"""On a test item: whether an exception came out of it, an expected one or a skip included."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--codex-bin`."""
    group = parser.getgroup("codex-runtime", "tests that drive codex")
    group.addoption(
        "--codex-bin",
        metavar="PATH",
        default=None,
        help="codex binary for the `codex` fixture; by default the one that Runtime() would find",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed: its script is then likely to be unfinished."""
    report = yield
    if call.excinfo is not None:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def scripted_model(request: pytest.FixtureRequest) -> Iterator[ScriptedModel]:
    """A started `ScriptedModel` with an empty script.

    When the test has passed, `assert_complete()` is called.
    """
    from codex_runtime.testing.scripted_model import ScriptedModel  # noqa: PLC0415 — see the top

    with ScriptedModel() as model:
        yield model
    if not request.node.stash.get(_FAILED, False):
        model.assert_complete()


@pytest.fixture
async def codex(
    anyio_backend: object,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scripted_model: ScriptedModel,
) -> AsyncIterator[Workbench[ScriptedModel]]:
    """The real codex on a scripted model: `.model`, `.runtime`, `.workspace`, `.run(prompt)`.

    It has a CODEX_HOME of its own and works in a new git repository; nothing of the user's
    settings or sign-in reaches it. The test is skipped where there is no codex or no git.
    Works with anyio's pytest plugin, on each of its backends.
    """
    from codex_runtime.testing import _workbench  # noqa: PLC0415 — see the top

    del anyio_backend  # asked for so that anyio runs this fixture
    binary = _workbench.find_binary(request.config.getoption("--codex-bin"))
    if isinstance(binary, str):
        pytest.skip(binary)
    workspace = _workbench.make_repository(tmp_path / "workspace")
    if workspace is None:
        pytest.skip("there is no git on the PATH to make a workspace with")
    _workbench.forget_user(monkeypatch)
    async with _workbench.real(scripted_model, binary, tmp_path / "codex-home", workspace) as bench:
        yield bench


@pytest.fixture
async def fake_codex(
    anyio_backend: object, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Workbench[FakeAppServer]]:
    """A `FakeAppServer` in the same shape as `codex`; `.model` is the fake itself.

    When the test has passed, `assert_complete()` is called.
    """
    from codex_runtime.testing import _workbench  # noqa: PLC0415 — see the top

    del anyio_backend  # asked for so that anyio runs this fixture
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with _workbench.fake(workspace) as bench:
        yield bench
    if not request.node.stash.get(_FAILED, False):
        bench.model.assert_complete()
