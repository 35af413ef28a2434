"""Commands that the server runs for its client, to their end."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import CommandNotStarted, CommandResult, RequestRefused, SandboxNotAllowed
from codex_runtime.policy import SandboxChoice

NOT_FAKED = "commands are real processes, and the fake app-server runs none"

WORDS: dict[str, Any] = {"privileged_escalation_approved": True}


def alive(marker: str) -> int:
    """How many processes have this text in their command line."""
    found = 0
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += marker.encode() in place.read_bytes()
        except OSError:
            continue
    return found


async def gone(marker: str) -> bool:
    """Whether all these processes end within some seconds."""
    for _ in range(50):
        if not alive(marker):
            return True
        await anyio.sleep(0.1)
    return False


@requirement("exec:result")
async def test_a_command_tells_its_status_and_what_it_wrote(server: Server) -> None:
    script = "pwd; echo wrong >&2; exit 3"

    result = await server.runtime.commands.run(["sh", "-c", script], cwd=server.workspace)

    assert result == CommandResult(3, f"{server.workspace}\n".encode(), b"wrong\n")
    assert (result.stdout, result.stderr) == (f"{server.workspace}\n", "wrong\n")


@requirement("exec:bytes")
async def test_output_that_is_no_text_comes_byte_by_byte(server: Server) -> None:
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)"

    result = await server.runtime.commands.run([sys.executable, "-IS", "-c", program])

    assert result.stdout_bytes == bytes(range(256)) * 1000
    assert not result.truncated


@requirement("exec:signal")
async def test_a_command_that_a_signal_ended_says_which(server: Server) -> None:
    result = await server.runtime.commands.run(["sh", "-c", "kill -TERM $$"])

    assert result == CommandResult(128 + 15)


@requirement("exec:timeout")
async def test_a_command_whose_time_is_up_is_killed_with_its_children(server: Server) -> None:
    script = "echo begun; sleep 77001 & sleep 77001"

    result = await server.runtime.commands.run(["sh", "-c", script], timeout=2)

    assert result == CommandResult(124, b"begun\n", timed_out=True)
    assert await gone("sleep 77001")


@requirement("exec:timeout")
async def test_a_command_that_exits_with_124_itself_was_in_time(server: Server) -> None:
    result = await server.runtime.commands.run(["sh", "-c", "exit 124"])

    assert result == CommandResult(124)


@requirement("exec:truncated")
@pytest.mark.parametrize(
    ("limit", "kept", "truncated"), [(4, b"1234", True), (5, b"12345", False), (6, b"12345", False)]
)
async def test_a_result_is_truncated_only_if_there_was_more(
    server: Server, limit: int, kept: bytes, *, truncated: bool
) -> None:
    result = await server.runtime.commands.run(["printf", "12345"], output_limit=limit)

    assert result == CommandResult(0, kept, truncated=truncated)


@requirement("exec:truncated")
async def test_a_result_holds_a_mebibyte_of_each_stream(server: Server) -> None:
    script = "head -c 3000000 /dev/zero; head -c 10 /dev/zero >&2"

    result = await server.runtime.commands.run(["sh", "-c", script])

    assert (len(result.stdout_bytes), len(result.stderr_bytes)) == (2**20, 10)
    assert result.truncated


@requirement("exec:not-started")
async def test_a_program_that_is_missing_in_the_sandbox_ends_at_once(server: Server) -> None:
    result = await server.runtime.commands.run(["no-such-program"])

    assert result.exit_code == 101
    assert "No such file or directory" in result.stderr


@requirement("exec:not-started")
@pytest.mark.parametrize("program", ["no-such-program", "/etc/passwd"])
async def test_a_program_that_cannot_be_started_without_a_sandbox_is_an_error(
    server: Server, program: str
) -> None:
    with pytest.raises(CommandNotStarted) as refused:
        await server.runtime.commands.run(
            [program], sandbox="danger-full-access", cwd=server.workspace, **WORDS
        )

    expected = {"no-such-program": errno.ENOENT, "/etc/passwd": errno.EACCES}
    assert refused.value.errno == expected[program]


@requirement("exec:not-started")
async def test_a_working_directory_that_went_away_is_an_error(server: Server) -> None:
    folder = server.workspace / "short-lived"
    folder.mkdir()
    command = server.runtime.commands.start(["true"], cwd=folder)
    folder.rmdir()

    with pytest.raises(CommandNotStarted) as refused:
        async with command:
            raise AssertionError("never entered")

    assert refused.value.errno == errno.ENOENT


@requirement("exec:environment")
async def test_variables_are_added_changed_and_taken_away(server: Server) -> None:
    script = 'echo "${HOME-none} $LANG $OWN"'
    env = {"HOME": None, "LANG": "C", "OWN": "value"}

    result = await server.runtime.commands.run(["sh", "-c", script], env=env)

    assert result.stdout == "none C value\n"


WRITE = ["sh", "-c", "echo x > out.txt"]


@requirement("exec:read-only")
async def test_a_command_may_not_write_by_default(server: Server) -> None:
    result = await server.runtime.commands.run(WRITE, cwd=server.workspace)

    assert result.exit_code != 0
    assert "Read-only file system" in result.stderr
    assert not (server.workspace / "out.txt").exists()


@requirement("exec:read-only")
async def test_what_the_users_configuration_allows_does_not_matter(server: Server) -> None:
    async with server.another(config={"sandbox_mode": "danger-full-access"}) as other:
        result = await other.runtime.commands.run(WRITE, cwd=server.workspace)

    assert result.exit_code != 0
    assert not (server.workspace / "out.txt").exists()


@requirement("exec:sandboxes")
@pytest.mark.parametrize(
    "options",
    [
        {"sandbox": "workspace-write"},
        {"sandbox": "danger-full-access"},
        {"sandbox": {"type": "externalSandbox"}},
        {"permissions": ":workspace"},
        {"permissions": ":danger-full-access"},
    ],
)
async def test_with_the_words_a_command_may_write_where_its_sandbox_says(
    server: Server, options: dict[str, Any]
) -> None:
    result = await server.runtime.commands.run(WRITE, cwd=server.workspace, **options, **WORDS)

    assert result == CommandResult(0)
    assert (server.workspace / "out.txt").read_text() == "x\n"


@requirement("exec:sandboxes")
async def test_the_details_of_a_sandbox_are_kept(server: Server, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    sandbox: SandboxChoice = {
        "type": "workspaceWrite",
        "writable_roots": [str(inside)],
        "exclude_slash_tmp": True,
        "exclude_tmpdir_env_var": True,
    }
    script = f"echo x > {inside}/f; echo x > {outside}/f"

    result = await server.runtime.commands.run(
        ["sh", "-c", script], cwd=server.workspace, sandbox=sandbox, **WORDS
    )

    assert "outside/f: Read-only file system" in result.stderr
    assert ([*inside.iterdir()], [*outside.iterdir()]) == ([inside / "f"], [])


@requirement("exec:sandboxes")
async def test_the_read_only_profile_needs_no_words_and_grants_nothing(server: Server) -> None:
    result = await server.runtime.commands.run(
        WRITE, cwd=server.workspace, permissions=":read-only"
    )

    assert "Read-only file system" in result.stderr


@requirement("exec:sandboxes")
async def test_a_profile_that_does_not_exist_is_refused_by_the_server(server: Server) -> None:
    with pytest.raises(RequestRefused, match="invalid permission profile"):
        await server.runtime.commands.run(
            ["true"], permissions="nobodys", cwd=server.workspace, **WORDS
        )


STRICT: dict[str, Any] = {"type": "workspaceWrite", "exclude_slash_tmp": True}
"""Also `/tmp`, where tests have their folders, may not be written in."""

TOUCH = ["sh", "-c", 'for each; do touch "$each/f"; done', "sh"]


async def touched_raw(server: Server, folder: Path, **params: Any) -> bool:
    """Whether the server itself lets a command make a file there."""
    policy: dict[str, Any] = {
        "type": "workspaceWrite",
        "writableRoots": [],
        "excludeSlashTmp": True,
    }
    about = {"command": [*TOUCH, str(folder)], "cwd": str(server.workspace), **params}
    await server.runtime.call_raw("command/exec", {**about, "sandboxPolicy": policy})
    made = (folder / "f").exists()
    (folder / "f").unlink(missing_ok=True)
    return made


def way_to(server: Server, folder: Path) -> str:
    """The path from the workspace to a folder."""
    return os.path.relpath(folder, server.workspace)


@requirement("exec:cwd")
async def test_a_command_may_write_in_its_working_directory(server: Server) -> None:
    assert not await touched_raw(server, server.workspace), "the server means a folder of its own"

    result = await server.runtime.commands.run(WRITE, cwd=server.workspace, sandbox=STRICT, **WORDS)

    assert result == CommandResult(0)


@requirement("exec:cwd")
async def test_a_command_may_write_in_the_working_directory_of_the_server(
    server: Server, tmp_path: Path
) -> None:
    own = tmp_path / "server"
    own.mkdir()
    async with server.another(cwd=own) as other:
        result = await other.runtime.commands.run(
            [*TOUCH, str(own)], cwd=server.workspace, sandbox=STRICT, **WORDS
        )
    assert (result, (own / "f").exists()) == (CommandResult(0), True)


@requirement("exec:tmpdir")
async def test_a_tmpdir_does_not_widen_where_a_command_may_write(
    server: Server, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (server.workspace / "link").symlink_to(outside)
    script = [*TOUCH, str(outside)]

    for tmpdir in (str(outside), "/", str(server.workspace / "link"), way_to(server, outside)):
        assert await touched_raw(server, outside, env={"TMPDIR": tmpdir}), tmpdir
        with pytest.raises(SandboxNotAllowed, match="TMPDIR"):
            await server.runtime.commands.run(
                script, env={"TMPDIR": tmpdir}, cwd=server.workspace, sandbox=STRICT, **WORDS
            )
        assert not (outside / "f").exists()


@requirement("exec:tmpdir")
async def test_a_tmpdir_in_the_scope_works_and_one_that_is_excluded_does_not_matter(
    server: Server, tmp_path: Path
) -> None:
    inside, outside = server.workspace / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    excluded = {**STRICT, "exclude_tmpdir_env_var": True}

    for sandbox, tmpdir in ((STRICT, inside), (excluded, outside)):
        result = await server.runtime.commands.run(
            [*TOUCH, str(inside), str(outside)],
            env={"TMPDIR": str(tmpdir)},
            cwd=server.workspace,
            sandbox=sandbox,
            **WORDS,
        )
        assert "outside/f" in result.stderr
        assert ((inside / "f").exists(), (outside / "f").exists()) == (True, False)
        (inside / "f").unlink()


WIDE: list[dict[str, Any]] = [
    {"sandbox": "workspace-write"},
    {"sandbox": "danger-full-access"},
    {"sandbox": {"type": "workspaceWrite", "writable_roots": ["/"]}},
    {"sandbox": {"type": "readOnly", "network_access": True}},
    {"sandbox": {"type": "externalSandbox", "network_access": "enabled"}},
    {"permissions": ":workspace"},
    {"permissions": ":danger-full-access"},
    {"permissions": "nobodys"},
]


@requirement("exec:sec-004")
@pytest.mark.parametrize("options", WIDE)
async def test_without_its_words_a_wider_sandbox_is_refused_before_anything_is_sent(
    server: Server, options: dict[str, Any]
) -> None:
    commands = server.runtime.commands
    before = server.runtime.statistics().requests
    script = f"echo x > {server.workspace}/out.txt"
    too_few: list[dict[str, Any]] = [
        {"cwd": server.workspace},
        {"cwd": server.workspace, "privileged_escalation_approved": "yes"},
        WORDS,
    ]

    for words in too_few:
        if words is WORDS and "writable_roots" in str(options):
            continue  # which are a scope
        with pytest.raises(SandboxNotAllowed):
            await commands.run(["sh", "-c", script], **options, **words)
        with pytest.raises(SandboxNotAllowed):
            commands.start(["sh", "-c", script], **options, **words)

    assert server.runtime.statistics().requests == before
    assert not (server.workspace / "out.txt").exists()


@requirement("exec:many")
async def test_more_commands_may_run_than_requests_may_be_in_flight(server: Server) -> None:
    codes: list[int] = []

    async def run() -> None:
        codes.append((await server.runtime.commands.run(["sleep", "2"])).exit_code)

    async with anyio.create_task_group() as tasks:
        for _ in range(70):
            tasks.start_soon(run)
        with anyio.fail_after(20):
            # There is room for others meanwhile.
            await server.runtime.files.metadata(server.workspace)
    assert codes == [0] * 70


@requirement("exec:cancel")
async def test_cancelling_a_run_ends_all_its_processes(server: Server) -> None:
    script = "sleep 77002 & sleep 77002"

    with anyio.move_on_after(0.5):
        await server.runtime.commands.run(["sh", "-c", script], timeout=300)

    assert await gone("sleep 77002")
    assert server.runtime.statistics().open_requests == 0
