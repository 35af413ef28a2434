"""Approvals of commands and file changes: who decides, and what becomes of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from spec.requirements import requirement
from spec.server import WORDS, Server

from codex_runtime import GranularApproval
from codex_runtime.answers import Allow, Answer, Cancel, Deny, Later
from codex_runtime.errors import RequestSettled
from codex_runtime.protocol import CommandExecutionItem, FileChangeItem
from codex_runtime.requests import (
    Approver,
    CommandApproval,
    FileChangeApproval,
    RequestDecided,
    RequestState,
    ServerRequest,
)
from codex_runtime.testing import Step, apply_patch, assistant_message, shell, together


class Desk:
    """Somebody who decides, and keeps what was asked."""

    def __init__(self, *answers: Answer | None) -> None:
        self.asked: list[Any] = []
        self._answers = list(answers)

    def __call__(self, request: ServerRequest) -> Answer | None:
        self.asked.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def by_command(**answers: Answer) -> Approver:
    """Decides by the last word of the command."""

    async def decide(request: CommandApproval) -> Answer:
        return answers[request.command.rsplit("/", 1)[-1]]

    return decide


def items(result: Any) -> list[tuple[str, str]]:
    """What became of the commands and file changes of a turn."""
    kinds = (CommandExecutionItem, FileChangeItem)
    return [(item.type, item.status) for item in result.items if isinstance(item, kinds)]


def adding(path: Path) -> Step:
    return apply_patch(f"*** Begin Patch\n*** Add File: {path}\n+new\n*** End Patch")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that no sandbox of these tests may write in; /tmp is not one."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # a folder of our own in it
        yield Path(folder)


@requirement("approvals:nobody")
async def test_where_nobody_decides_nothing_runs_outside_the_sandbox(
    server: Server, outside: Path
) -> None:
    canary = outside / "canary"
    asks = GranularApproval(sandbox_approval=True, rules=True)
    policies: dict[str, tuple[Any, ...]] = {
        "read-only": ("untrusted", "on-request", "never", asks, GranularApproval()),
        "workspace-write": ("untrusted", "on-request", asks),
        # Without a sandbox only what is asked about is not done.
        "danger-full-access": ("untrusted",),
    }
    for sandbox, possible in policies.items():
        for policy in possible:
            options: dict[str, Any] = {"sandbox": sandbox, "approval_policy": policy}
            if sandbox != "read-only":
                options = {**WORDS, **options}
            thread = await server.thread(**options)
            for step in (
                shell(f"touch {canary}"),
                shell(f"touch {canary}", escalate=True),
                adding(canary),
            ):
                server.says(step, assistant_message("Done."))
                result = await thread.run("Leave a trace.")
                assert result.status == "completed", (options, step)
                assert not canary.exists(), (options, step)


@requirement("approvals:command")
async def test_an_approval_of_a_command_says_all_that_a_person_needs(server: Server) -> None:
    target = server.workspace / "it's here"
    command = f'touch "{target}"'
    server.says(
        shell(command, escalate=True, justification="I need it."), assistant_message("Done.")
    )
    desk = Desk(Deny("not now"))
    thread = await server.thread(approve=desk)

    turn = await thread.turn_start("Work.")
    said = [event async for event in turn if isinstance(event, RequestDecided)]

    (request,) = desk.asked
    assert isinstance(request, CommandApproval)
    assert request.command == command
    assert request.argv == ("touch", str(target))
    assert request.wire_command.endswith(command) or "-lc" in request.wire_command
    assert request.cwd == str(server.workspace)
    assert (request.thread_id, request.turn_id) == (turn.thread_id, turn.turn_id)
    assert request.item is not None
    assert request.item.id == request.item_id
    assert {"accept", "cancel"} <= set(request.offered)
    assert [(event.decision, event.reason) for event in said] == [("denied", "not now")]
    assert not target.exists()


@requirement("approvals:decisions")
async def test_a_yes_runs_the_command_and_a_no_does_not(server: Server, outside: Path) -> None:
    canary = outside / "canary"
    for answer, status in ((Deny(), "declined"), (Allow(), "completed")):
        server.says(shell(f"touch {canary}", escalate=True), assistant_message("Done."))
        thread = await server.thread(approve=Desk(answer))
        result = await thread.run("Work.")
        assert (result.status, items(result)) == ("completed", [("commandExecution", status)])
        if server.real:
            assert canary.exists() == (status == "completed")


@requirement("approvals:decisions")
async def test_a_yes_for_the_session_is_not_asked_for_again(server: Server, outside: Path) -> None:
    same = shell(f"touch {outside / 'canary'}", escalate=True)
    other = shell(f"touch {outside / 'other'}", escalate=True)
    server.says(same, same, other, assistant_message("Done."))
    desk = Desk(Allow(for_session=True), Deny())
    thread = await server.thread(approve=desk)

    result = await thread.run("Work.")

    assert [request.command.rsplit("/", 1)[-1] for request in desk.asked] == ["canary", "other"]
    assert [status for _, status in items(result)] == ["completed", "completed", "declined"]


@requirement("approvals:decisions")
async def test_cancelling_ends_the_turn(server: Server) -> None:
    server.says(shell("touch here", escalate=True))
    thread = await server.thread(approve=Desk(Cancel()))

    result = await thread.run("Work.")

    assert result.status == "interrupted"
    assert items(result) == [("commandExecution", "declined")]


@requirement("approvals:parallel")
async def test_commands_at_once_are_decided_each_by_itself(server: Server, outside: Path) -> None:
    calls = [shell(f"touch {outside}/{name}", escalate=True) for name in ("a", "b", "c")]
    server.says(together(*calls), assistant_message("Done."))
    thread = await server.thread(approve=by_command(a=Allow(), b=Deny(), c=Allow()))

    result = await thread.run("Work.")

    became = {
        item.command.rstrip("'").rsplit("/", 1)[-1]: item.status
        for item in result.items
        if isinstance(item, CommandExecutionItem)
    }
    assert became == {"a": "completed", "b": "declined", "c": "completed"}
    if server.real:
        assert {*os.listdir(outside)} == {"a", "c"}  # noqa: PTH208 — pathlib is not for async code


@requirement("approvals:parallel")
async def test_cancelling_one_of_several_takes_the_others_back(server: Server) -> None:
    calls = [shell(f"touch /nowhere/{name}", escalate=True) for name in ("a", "b", "c")]
    server.says(together(*calls))
    thread = await server.thread(approve=Desk(Later()))
    async with server.runtime.requests() as requests:
        turn = await thread.turn_start("Work.")
        with anyio.fail_after(20):
            pending = [await anext(requests) for _ in calls]

    pending[1].respond(Cancel())

    assert (await turn.result()).status == "interrupted"
    states = [request.state for request in pending]
    assert states == [RequestState.WITHDRAWN, RequestState.ANSWERED, RequestState.WITHDRAWN]


@requirement("approvals:interrupt")
async def test_an_interrupt_ends_a_turn_that_waits_for_a_decision(server: Server) -> None:
    server.says(shell("touch here", escalate=True))
    thread = await server.thread(approval_policy="on-request")
    async with server.runtime.requests() as requests:
        turn = await thread.turn_start("Work.")
        with anyio.fail_after(20):
            request = await anext(requests)
        await turn.interrupt()

    assert await request.wait_settled() is RequestState.WITHDRAWN
    with pytest.raises(RequestSettled):
        request.respond(Allow())
    assert (await turn.result()).status == "interrupted"


@requirement("approvals:resume")
async def test_a_request_that_is_asked_again_is_decided_once(server: Server) -> None:
    server.says(shell("touch here", escalate=True), assistant_message("Done."))
    desk = Desk(Later())
    thread = await server.thread(approve=desk)
    async with server.runtime.requests() as requests:
        turn = await thread.turn_start("Work.")
        with anyio.fail_after(20):
            request = await anext(requests)
        again = await server.runtime.thread_resume(
            thread.thread_id, cwd=server.workspace, approval_policy="on-request"
        )
        request.respond(Deny())
        result = await turn.result()

    assert again.thread_id == thread.thread_id
    assert items(result) == [("commandExecution", "declined")]
    assert len(desk.asked) == 1


@requirement("approvals:shutdown")
async def test_a_runtime_that_is_closed_while_it_is_asked_ends_at_once(
    server: Server, outside: Path
) -> None:
    canary = outside / "canary"
    step = shell(f"touch {canary}", escalate=True)
    async with server.another(step, approve=Desk(Later())) as other:
        thread = await other.thread()
        async with other.runtime.requests() as requests:
            await thread.turn_start("Work.")
            with anyio.fail_after(20):
                request = await anext(requests)
        with anyio.fail_after(10):
            await other.runtime.close()
    assert request.state is RequestState.WITHDRAWN
    assert not canary.exists()


@requirement("approvals:files")
async def test_an_approval_of_file_changes_says_what_is_changed(
    server: Server, outside: Path
) -> None:
    inside, beyond = server.workspace / "new.txt", outside / "new.txt"
    for path, within in ((inside, True), (beyond, False)):
        server.says(adding(path), assistant_message("Done."))
        desk = Desk(Deny())
        thread = await server.thread(approve=desk)

        result = await thread.run("Work.")

        (request,) = desk.asked
        assert isinstance(request, FileChangeApproval)
        assert request.paths == (str(path),)
        assert request.inside_workspace is within
        assert [change.kind.type for change in request.changes] == ["add"]
        assert "+new" in request.diff
        assert items(result) == [("fileChange", "declined")]
        assert not path.exists()


@requirement("approvals:files")
async def test_a_yes_to_file_changes_makes_them(server: Server) -> None:
    path = server.workspace / "new.txt"
    server.says(adding(path), adding(path), assistant_message("Done."))
    desk = Desk(Allow(for_session=True), Deny())
    thread = await server.thread(approve=desk)

    result = await thread.run("Work.")

    assert len(desk.asked) == 1
    assert [status for _, status in items(result)] == ["completed", "completed"]
    if server.real:
        assert path.read_text() == "new\n"
