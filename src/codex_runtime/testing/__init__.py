"""Test code that drives codex: a scripted model for the real binary, and a fake app-server.

Both play the same steps. `ScriptedModel` stands where OpenAI's servers do, so everything
from your code to codex's sandbox is real; `FakeAppServer` stands where codex does, and a turn
takes a millisecond. As fixtures of the pytest plugin: `scripted_model`, `codex`, `fake_codex`.

    import anyio
    from codex_runtime.testing import FakeAppServer, assistant_message, shell

    async def main() -> None:
        fake = FakeAppServer(shell("ls", output="README.md"), assistant_message("One file."))
        async with fake.runtime() as runtime:
            thread = await runtime.thread_start()
            result = await thread.run("How many files are there?")
        assert result.text == "One file."
        fake.assert_complete()

    anyio.run(main)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_runtime.testing._gates import Gate, GateTimeout
    from codex_runtime.testing._mcp_step import mcp_call
    from codex_runtime.testing._patches import add_file, delete_file, patch_text, update_file
    from codex_runtime.testing._responses import ToolNotOffered
    from codex_runtime.testing._script import ModelCall, UnconsumedSteps, UnexpectedModelCall
    from codex_runtime.testing._step_types import Step, Usage
    from codex_runtime.testing._workbench import Workbench
    from codex_runtime.testing.fake_server import FakeAppServer
    from codex_runtime.testing.scripted_model import ScriptedModel
    from codex_runtime.testing.steps import (
        apply_patch,
        assistant_message,
        cut_stream,
        fail,
        reasoning,
        respond,
        shell,
        stall,
        together,
        tool_call,
    )

__all__ = [
    "FakeAppServer",
    "Gate",
    "GateTimeout",
    "ModelCall",
    "ScriptedModel",
    "Step",
    "ToolNotOffered",
    "UnconsumedSteps",
    "UnexpectedModelCall",
    "Usage",
    "Workbench",
    "add_file",
    "apply_patch",
    "assistant_message",
    "cut_stream",
    "delete_file",
    "fail",
    "mcp_call",
    "patch_text",
    "reasoning",
    "respond",
    "shell",
    "stall",
    "together",
    "tool_call",
    "update_file",
]

_HOMES = {
    "FakeAppServer": "fake_server",
    "Gate": "_gates",
    "GateTimeout": "_gates",
    "ModelCall": "_script",
    "ScriptedModel": "scripted_model",
    "Step": "_step_types",
    "ToolNotOffered": "_responses",
    "UnconsumedSteps": "_script",
    "UnexpectedModelCall": "_script",
    "Usage": "_step_types",
    "Workbench": "_workbench",
    "add_file": "_patches",
    "delete_file": "_patches",
    "mcp_call": "_mcp_step",
    "patch_text": "_patches",
    "update_file": "_patches",
}
"""The module of each name that is not in `steps`. Loaded on first use (PEP 562): the pytest
plugin lives in this package, and every pytest run of the machine imports it."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'steps')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
