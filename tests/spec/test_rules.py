"""Ready-made approvers and files of rules: what runs, and what does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime.approvers import allow_listed, deny_all, edits_within, first_of, recorded
from codex_runtime.protocol import CommandExecutionItem, FileChangeItem
from codex_runtime.requests import Approver, CommandApproval, RequestDecided
from codex_runtime.rules import Rules
from codex_runtime.testing import apply_patch, assistant_message, shell


async def outcomes(server: Server, approve: Approver, scripts: Sequence[str]) -> dict[str, str]:
    """What becomes of commands that ask to run outside the sandbox, one after the other."""
    steps = [shell(script, escalate=True, justification="Please.") for script in scripts]
    server.says(*steps, assistant_message("Done."))
    thread = await server.thread(approval_policy="on-request")
    result = await thread.run("Work.", approve=approve)
    items = [item for item in result.items if isinstance(item, CommandExecutionItem)]
    return dict(zip(scripts, (str(item.status) for item in items), strict=True))


@requirement("rules:listed")
async def test_only_what_is_listed_runs(server: Server) -> None:
    approver = allow_listed(["touch one", "touch -c *", "true"], within=server.workspace)

    found = await outcomes(
        server, approver, ["touch one", "true", "touch two", "touch one two", "touch 'one'"]
    )

    assert found == {
        "touch one": "completed",
        "true": "completed",
        "touch two": "declined",
        "touch one two": "declined",
        "touch 'one'": "completed",
    }
    if server.real:
        assert (server.workspace / "one").exists()
        assert not (server.workspace / "two").exists()


@requirement("rules:bypass")
async def test_no_way_around_a_list(server: Server) -> None:
    canary = server.workspace / "canary"
    bypasses = [
        f"echo x; touch {canary}",
        f"echo x && touch {canary}",
        f"echo x | touch {canary}",
        f"echo x > {canary}",
        f"echo $(touch {canary})",
        f"echo `touch {canary}`",
        f'echo "$(touch {canary})"',
        f"echo x\ntouch {canary}",
        f"echo x & touch {canary}",
        f"X=$(touch {canary}) echo x",
        f"env touch {canary}",
        f"bash -c 'touch {canary}'",
        f'python3 -c \'open("{canary}", "w")\'',
        f"find . -maxdepth 0 -exec touch {canary} ;",
        f"/usr/bin/touch {canary}",
        f"eval touch {canary}",
    ]

    found = await outcomes(server, allow_listed(["echo **", "find **", "git **"]), bypasses)

    assert found == dict.fromkeys(bypasses, "declined")
    assert not canary.exists()


RULES = """
[[rule]]
decision = "allow"
command = "touch *"
within = "."

[[rule]]
decision = "deny"
command = "touch secret"
reason = "it is one"

[[rule]]
decision = "ask"
command = "touch maybe"

[[rule]]
decision = "allow"
file_changes = true
within = "."
"""


@requirement("rules:file")
async def test_a_file_of_rules_decides(server: Server) -> None:
    file = server.workspace / "rules.toml"
    file.write_text(RULES, "utf-8")
    left: list[str] = []

    def person(request: CommandApproval) -> None:
        left.append(request.command)

    found = await outcomes(
        server,
        first_of(Rules.load(file), person),
        ["touch a", "touch secret", "touch maybe", "touch a && touch b", "cd . && touch secret"],
    )

    assert list(found.values()) == ["completed", "declined", "declined", "declined", "declined"]
    assert left == ["touch maybe", "touch a && touch b"]


@requirement("rules:edits")
@pytest.mark.parametrize("by", ["edits_within", "allow_listed", "rules"])
async def test_changes_of_files_in_the_workspace(server: Server, by: str) -> None:
    (server.workspace / "out").symlink_to(server.home)
    (server.workspace / "rules.toml").write_text(RULES, "utf-8")
    approver = {
        "edits_within": edits_within(),
        "allow_listed": allow_listed(within=server.workspace, file_changes=True),
        "rules": Rules.load(server.workspace / "rules.toml"),
    }[by]
    names = ["new.txt", ".git/hook", "out/there.txt", "../beside.txt"]
    for name in names:
        server.says(apply_patch(f"*** Begin Patch\n*** Add File: {name}\n+x\n*** End Patch"))
    server.says(assistant_message("Done."))
    thread = await server.thread(approval_policy="untrusted")

    result = await thread.run("Work.", approve=approver)

    items = [item for item in result.items if isinstance(item, FileChangeItem)]
    assert [item.status for item in items] == ["completed", "declined", "declined", "declined"]
    assert not (server.home / "there.txt").exists()
    assert not (server.workspace / ".git/hook").exists()


@requirement("rules:recorded")
async def test_decisions_are_kept(server: Server) -> None:
    audit = server.workspace / "audit.jsonl"
    approver = recorded(first_of(allow_listed(["true"]), deny_all), audit)
    server.says(
        shell("true", escalate=True), shell("false", escalate=True), assistant_message("Done.")
    )
    thread = await server.thread(approval_policy="on-request", approve=approver)

    turn = await thread.turn_start("Work.")
    said = [event async for event in turn if isinstance(event, RequestDecided)]

    lines: list[dict[str, Any]] = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["about"], line["answer"]) for line in lines] == [
        ("true", "allow"),
        ("false", "deny"),
    ]
    assert [event.decision for event in said] == ["allowed", "denied"]
    assert [line["request_id"] for line in lines] == [event.request_id for event in said]
    for line, event in zip(lines, said, strict=True):
        assert line["by"] == "first_of(allow_listed, deny_all)"
        assert line["by"] in event.by
