"""What rules rely on that only the real server can show."""

from __future__ import annotations

from spec.requirements import requirement
from spec.server import Server

from codex_runtime.answers import Allow
from codex_runtime.requests import CommandApproval
from codex_runtime.testing import assistant_message, tool_call

NOT_FAKED = "The fake app-server runs no shell."


@requirement("rules:shell")
async def test_a_shell_that_the_model_names_is_not_run(server: Server) -> None:
    asked: list[CommandApproval] = []

    async def allow(request: CommandApproval) -> Allow:
        asked.append(request)
        return Allow()

    canary = server.workspace / "canary"
    for name in ("bash", "sh", "zsh"):
        shell = server.workspace / name
        shell.write_text(f"#!/bin/sh\necho run > {canary}\n", "utf-8")
        shell.chmod(0o755)
        arguments = {
            "cmd": "echo hello",
            "shell": str(shell),
            "sandbox_permissions": "require_escalated",
        }
        server.says(tool_call("exec_command", arguments))
    server.says(assistant_message("Done."))
    thread = await server.thread(approval_policy="on-request", approve=allow)

    await thread.run("Work.")

    assert [request.argv for request in asked] == [("echo", "hello")] * 3
    assert not canary.exists()
