"""Test your agent without an account: the model is scripted, codex is real, or a fake as well."""

from pathlib import Path

import pytest

import codex_runtime as cr
from codex_runtime.protocol import CommandExecutionItem
from codex_runtime.testing import (
    FakeAppServer,
    ScriptedModel,
    Workbench,
    add_file,
    apply_patch,
    assistant_message,
    patch_text,
    shell,
)

pytestmark = pytest.mark.anyio


async def greet(runtime: cr.Runtime, folder: Path) -> str:
    """The agent under test."""
    thread = await runtime.thread_start(
        cwd=folder,
        sandbox="workspace-write",
        approval_policy="on-request",
        privileged_escalation_approved=True,
    )
    result = await thread.run("Write a greeting into hello.txt")
    return result.text


async def test_the_greeting_is_written(codex: Workbench[ScriptedModel]) -> None:
    """The fixture `codex`: the real binary and its sandbox, on a scripted model."""
    codex.model.enqueue(
        apply_patch(patch_text(add_file("hello.txt", "Hello\n"))),
        assistant_message("Done."),
    )

    assert await greet(codex.runtime, codex.workspace) == "Done."
    assert (codex.workspace / "hello.txt").read_text() == "Hello\n"
    assert codex.model.calls[0].user_text == "Write a greeting into hello.txt"


async def test_a_command_outside_the_sandbox_is_declined(codex: Workbench[ScriptedModel]) -> None:
    codex.model.enqueue(shell("touch pwned", escalate=True), assistant_message("Then not."))

    result = await codex.run("do it", approval_policy="on-request")

    [command] = [item for item in result.items if isinstance(item, CommandExecutionItem)]
    assert command.status == "declined"
    assert not (codex.workspace / "pwned").exists()


async def test_the_agent_copes_with_a_failing_command(fake_codex: Workbench[FakeAppServer]) -> None:
    """The fixture `fake_codex`: no process at all, a turn takes a millisecond."""
    fake_codex.model.enqueue(
        shell("make test", output="1 failed\n", exit_code=2),
        assistant_message("One test fails."),
    )

    assert (await fake_codex.run("Run the tests")).text == "One test fails."
