"""Both event loops for the tests of the runtime, with real or with virtual time."""

from collections.abc import Iterator
from typing import Any

import pytest
from runtime.command_acts import Machine
from runtime.support import Server, children
from runtime.virtual_time import virtual_backend


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_time: hours pass in milliseconds")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """As for every suite; under the mark `virtual_time`, with a clock that jumps."""
    if request.node.get_closest_marker("virtual_time"):
        return virtual_backend(request.param)
    return request.param, {"debug": True} if request.param == "asyncio" else {}


@pytest.fixture
def server() -> Server:
    """A server in memory that plays along until told otherwise."""
    return Server()


@pytest.fixture
def machine(server: Server) -> Machine:
    """That server, as one that runs commands."""
    return Machine(server)


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """Whatever a test starts has ended when the test has."""
    before = children()
    yield
    assert children() - before == set()
