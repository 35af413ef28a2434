"""What a caller says of a command is read once: what is checked is what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from core.sly import Shifting, Sly
from runtime.support import Message, Server

from codex_runtime import SandboxNotAllowed

EXEC = "command/exec"


@pytest.fixture
def server(server: Server) -> Server:
    """One whose commands end at once."""

    def run(request: Message) -> None:
        server.answer(request, {"exitCode": 0, "stdout": "", "stderr": ""})

    server.on[EXEC] = run
    return server


async def test_a_sandbox_that_shifts_is_sent_as_it_was_checked(server: Server) -> None:
    sandbox = Shifting({"type": "readOnly"}, {"type": "dangerFullAccess"})
    async with server.runtime() as runtime:
        await runtime.commands.run(["ls"], sandbox=sandbox)
    assert server.sent(EXEC)[0]["params"]["sandboxPolicy"]["type"] == "readOnly"


LYING: list[dict[str, Any]] = [
    {"sandbox": Sly("danger-full-access")},
    {"sandbox": {"type": Sly("dangerFullAccess")}},
    {"permissions": Sly(":danger-full-access")},
]


@pytest.mark.parametrize("options", LYING, ids=range(len(LYING)))
async def test_a_text_that_lies_widens_nothing(server: Server, options: dict[str, Any]) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(SandboxNotAllowed):
            await runtime.commands.run(["ls"], **options)
    assert not server.sent(EXEC)


async def test_variables_are_sent_as_the_text_that_they_are(server: Server) -> None:
    async with server.runtime() as runtime:
        await runtime.commands.run([Sly("ls")], env={Sly("A"): Sly("b")})
    params = server.sent(EXEC)[0]["params"]
    assert (params["command"], params["env"]) == (["ls"], {"A": "b"})
