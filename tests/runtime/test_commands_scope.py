"""Where commands may write, besides what SEC-004 asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runtime.command_acts import Machine
from runtime.support import Server
from runtime.test_commands import running

from codex_runtime import SandboxNotAllowed
from codex_runtime.policy import Sandbox
from codex_runtime.services._command_checks import check_tmpdir

WORDS: dict[str, Any] = {"privileged_escalation_approved": True}

STRICT: dict[str, Any] = {"type": "workspaceWrite", "exclude_slash_tmp": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory, with a folder, a link to it, and a link that leads out of it."""
    made = tmp_path / "work"
    (made / "inner").mkdir(parents=True)
    (tmp_path / "outer").mkdir()
    (made / "within").symlink_to("inner")
    (made / "out").symlink_to(tmp_path / "outer")
    return made


OUTSIDE = ["/", "/var/tmp", "..", "inner/../..", "out", "{cwd}/out", "{cwd}/../outer", "{cwd}x"]  # noqa: S108 — nothing is written


@pytest.mark.parametrize("tmpdir", OUTSIDE)
async def test_a_tmpdir_outside_of_the_scope_is_refused_at_once(
    server: Server, folder: Path, tmpdir: str
) -> None:
    env = {"TMPDIR": tmpdir.format(cwd=folder)}
    async with server.runtime() as runtime:
        for use in (runtime.commands.run, runtime.commands.start):
            with pytest.raises(SandboxNotAllowed, match=r"^env\['TMPDIR'\] is "):
                await use(["ls"], env=env, cwd=folder, sandbox=STRICT, **WORDS)  # pyright: ignore[reportGeneralTypeIssues] — start raises before
    assert not server.sent("command/exec")


INSIDE = ["", "inner", "within", "{cwd}", "{cwd}/inner/", "{cwd}/not/yet", "/elsewhere/deep"]


@pytest.mark.parametrize("tmpdir", INSIDE)
async def test_a_tmpdir_in_the_scope_is_sent_as_it_is(
    machine: Machine, folder: Path, tmpdir: str
) -> None:
    env = {"TMPDIR": tmpdir.format(cwd=folder)}
    sandbox = {**STRICT, "writable_roots": ["/elsewhere"]}
    async with running(machine, env=env, cwd=folder, sandbox=sandbox, **WORDS):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)
    assert request["params"]["env"] == env


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sandbox": "read-only"},
        {"sandbox": {"type": "readOnly", "network_access": True}, **WORDS},
        {"sandbox": {"type": "workspaceWrite", "exclude_tmpdir_env_var": True}, **WORDS},
        {"sandbox": "danger-full-access", **WORDS},
        {"permissions": ":read-only"},
        {"permissions": ":danger-full-access", **WORDS},
    ],
)
async def test_a_tmpdir_that_changes_nothing_may_be_anywhere(
    machine: Machine, tmp_path: Path, options: dict[str, Any]
) -> None:
    async with running(machine, env={"TMPDIR": "/"}, cwd=tmp_path, **options):
        machine.exit(0)


@pytest.mark.parametrize("options", [{"sandbox": "workspace-write"}, {"permissions": ":workspace"}])
async def test_a_preset_and_a_profile_let_tmpdir_be_in_slash_tmp(
    server: Server, machine: Machine, folder: Path, options: dict[str, Any]
) -> None:
    async with running(machine, env={"TMPDIR": "/tmp/x"}, cwd=folder, **options, **WORDS):  # noqa: S108 — nothing is written
        machine.exit(0)
    async with server.runtime() as runtime:
        with pytest.raises(SandboxNotAllowed, match="TMPDIR"):
            await runtime.commands.run(["ls"], env={"TMPDIR": "/"}, cwd=folder, **options, **WORDS)


@pytest.mark.parametrize(
    ("tmpdir", "inside"),
    [
        ("/w/x", True),
        ("/w", True),
        ("x", True),
        ("/w/x/..", False),
        ("/w/../x", False),
        ("/x", False),
    ],
)
def test_on_another_machine_a_step_up_may_lead_anywhere(tmpdir: str, *, inside: bool) -> None:
    sandbox = Sandbox.of(STRICT)
    if inside:
        check_tmpdir({"TMPDIR": tmpdir}, sandbox, "/w", remote=True)
    else:
        with pytest.raises(SandboxNotAllowed):
            check_tmpdir({"TMPDIR": tmpdir}, sandbox, "/w", remote=True)


def test_without_a_working_directory_only_writable_roots_are_a_scope() -> None:
    sandbox = Sandbox.of({**STRICT, "writable_roots": ["/w"]})
    check_tmpdir({"TMPDIR": "/w/x"}, sandbox, None, remote=True)
    for tmpdir in ("w", "/x"):
        with pytest.raises(SandboxNotAllowed):
            check_tmpdir({"TMPDIR": tmpdir}, sandbox, None, remote=True)


@pytest.mark.parametrize("sandbox", ["workspace-write", {"type": "workspaceWrite"}])
async def test_a_command_may_write_in_its_working_directory(
    machine: Machine, tmp_path: Path, sandbox: Any
) -> None:
    async with running(machine, cwd=tmp_path, sandbox=sandbox, **WORDS):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)
    assert request["params"]["sandboxPolicy"]["writableRoots"] == [str(tmp_path)]


async def test_a_working_directory_that_is_a_writable_root_is_said_once(
    machine: Machine, tmp_path: Path
) -> None:
    sandbox = {"type": "workspaceWrite", "writable_roots": [str(tmp_path)]}
    async with running(machine, cwd=tmp_path, sandbox=sandbox, **WORDS):
        [request] = machine.server.sent("command/exec")
        machine.exit(0)
    assert request["params"]["sandboxPolicy"]["writableRoots"] == [str(tmp_path)]
