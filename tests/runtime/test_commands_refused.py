"""Commands and processes that are refused before anything is sent."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from runtime.command_acts import Machine
from runtime.support import PATIENCE, Server
from runtime.test_commands import Start, both

from codex_runtime import InvalidArgument, RuntimeClosed, UnsendableValue
from codex_runtime.services.commands import CommandHandle, ProcessHandle


def with_argv(options: dict[str, Any]) -> dict[str, Any]:
    return {"argv": ["ls"], **options}


@both
async def test_a_handle_is_for_one_block(server: Server, machine: Machine, start: Start) -> None:
    async with server.runtime() as runtime:
        handle = start(runtime, tty=True)
        for call in unstarted(handle):
            with pytest.raises(InvalidArgument, match="was not started"):
                await call()
        async with handle:
            machine.exit(0)
        with pytest.raises(InvalidArgument, match="was started before"):
            await handle.__aenter__()


@both
async def test_a_block_that_could_not_be_entered_has_nothing_to_wait_for(
    server: Server, machine: Machine, start: Start
) -> None:
    async with server.runtime() as runtime:
        handle = start(runtime, tty=True)
    with pytest.raises(RuntimeClosed):
        await handle.__aenter__()
    for call in unstarted(handle):
        with anyio.fail_after(PATIENCE), pytest.raises(InvalidArgument, match="was not started"):
            await call()


def unstarted(handle: CommandHandle | ProcessHandle) -> list[Callable[[], Awaitable[Any]]]:
    async def lines() -> None:
        handle.lines()

    return [
        handle.wait,
        handle.terminate,
        handle.close_stdin,
        lines,
        lambda: handle.write(b"x"),
        lambda: handle.resize(1, 1),
        lambda: anext(aiter(handle)),
    ]


@both
async def test_only_a_terminal_has_a_size(server: Server, machine: Machine, start: Start) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        with pytest.raises(InvalidArgument, match="has no terminal; start it with tty=True"):
            await handle.resize(1, 1)
        with pytest.raises(InvalidArgument, match="stream is 'stdin'"):
            handle.lines("stdin")


@both
@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("data is of type int; use bytes or text", 5),
        ("data is of type list; use bytes or text", [97]),
        ("data is of type NoneType; use bytes or text", None),
        ("data has a lone surrogate at character 1; take it out", "a\ud800"),
    ],
)
async def test_what_cannot_be_typed_is_refused(
    server: Server, machine: Machine, start: Start, text: str, data: Any
) -> None:
    async with server.runtime() as runtime, start(runtime) as handle:
        before = len(server.received)
        with pytest.raises(InvalidArgument) as refused:
            await handle.write(data)
        assert len(server.received) == before
        machine.exit(0)
    assert text == str(refused.value)


class NoPath:
    def __fspath__(self) -> int:
        return 5


USELESS: list[tuple[str, dict[str, Any]]] = [
    ("argv is one str; use a list", {"argv": "ls -l"}),
    ("argv is one bytes", {"argv": b"ls"}),
    ("argv is of type int", {"argv": 5}),
    ("argv is of type set", {"argv": {"ls"}}),
    ("argv is empty", {"argv": []}),
    ("argv[0] is blank", {"argv": [" "]}),
    ("argv[1] is of type int", {"argv": ["ls", 5]}),
    ("argv[1] holds a NUL character", {"argv": ["ls", "a\0b"]}),
    ("argv[0] is of type bytes", {"argv": [b"ls"]}),
    ("argv[1] is of type NoPath", {"argv": ["ls", NoPath()]}),
    ("argv[1] has a lone surrogate at character 1", {"argv": ["ls", "a\ud800"]}),
    ("cwd /no/where is not a folder", {"cwd": "/no/where"}),
    ("env is of type list", {"env": ["A=1"]}),
    ("env has the key 5", {"env": {5: "x"}}),
    ("env has the key 'A=B'", {"env": {"A=B": "x"}}),
    ("env has the key ''", {"env": {"": "x"}}),
    ("env['A'] is of type int", {"env": {"A": 1}}),
    ("env['A'] holds a NUL character", {"env": {"A": "\0"}}),
    ("env['A'] has a lone surrogate", {"env": {"A": "\ud800"}}),
    ("env (a key) has a lone surrogate", {"env": {"\ud800": "x"}}),
    ("timeout is 0", {"timeout": 0}),
    ("timeout is -1", {"timeout": -1}),
    ("timeout is nan", {"timeout": math.nan}),
    ("timeout is True", {"timeout": True}),
    ("output_limit is 0", {"output_limit": 0}),
    ("output_limit is -1", {"output_limit": -1}),
    ("output_limit is 1.5", {"output_limit": 1.5}),
    ("output_limit is True", {"output_limit": True}),
    ("output_limit does not fit into 64 bits", {"output_limit": 2**63}),
    ("output_limit does not fit into 64 bits", {"output_limit": 10**5000}),
    ("colour is no option of a", {"colour": "red"}),
]

WORDS: dict[str, Any] = {"privileged_escalation_approved": True}

OF_HANDLES: list[tuple[str, dict[str, Any]]] = [
    ("stdin is of type str", {"stdin": "no"}),
    ("tty is of type int", {"tty": 1}),
    ("size is that of a terminal; pass tty=True", {"size": (1, 1)}),
    ("size is (0, 5); use (rows, cols)", {"tty": True, "size": (0, 5)}),
    ("size is (5, 65536)", {"tty": True, "size": (5, 65_536)}),
    ("size is (5,)", {"tty": True, "size": (5,)}),
    ("size is '55'", {"tty": True, "size": "55"}),
    ("size is (1.5, 2)", {"tty": True, "size": (1.5, 2)}),
    ("size is (True, True)", {"tty": True, "size": (True, True)}),
]

OF_COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("sandbox is 'wide-open'", {"sandbox": "wide-open"}),
    ("permissions is blank", {"permissions": " "}),
    ("permissions has a lone surrogate", {"permissions": "\ud800", "cwd": "/", **WORDS}),
    (
        "sandbox.writable_roots[0] has a lone surrogate",
        {"sandbox": {"type": "workspaceWrite", "writable_roots": ["/\ud800"]}, **WORDS},
    ),
    (
        "permissions cannot be combined with sandbox",
        {"permissions": ":read-only", "sandbox": "read-only"},
    ),
    ("'workspace-write' needs an explicit opt-in", {"sandbox": "workspace-write"}),
    ("'danger-full-access' needs an explicit opt-in", {"sandbox": "danger-full-access"}),
    (
        "needs an explicit opt-in",
        {"sandbox": "workspace-write", "privileged_escalation_approved": "true", "cwd": "/"},
    ),
    (
        "needs an explicit scope",
        {"sandbox": "workspace-write", "privileged_escalation_approved": True},
    ),
    ("needs an explicit opt-in", {"sandbox": {"type": "readOnly", "network_access": True}}),
    ("needs an explicit opt-in", {"sandbox": {"type": "externalSandbox"}}),
    ("':workspace' needs an explicit opt-in", {"permissions": ":workspace", "cwd": "/"}),
    (
        "':workspace' needs an explicit scope",
        {"permissions": ":workspace", "privileged_escalation_approved": True},
    ),
    ("'mine' needs an explicit opt-in", {"permissions": "mine"}),
]

OF_PROCESSES: list[tuple[str, dict[str, Any]]] = [
    ("needs an explicit opt-in", {}),
    ("needs an explicit opt-in", {"cwd": "/", "privileged_escalation_approved": 1}),
    ("needs an explicit scope", {"privileged_escalation_approved": True}),
    ("sandbox is no option of a process", {"sandbox": "read-only"}),
]


@pytest.mark.parametrize(("text", "options"), USELESS + OF_COMMANDS)
async def test_run_refuses_what_is_of_no_use(
    server: Server, text: str, options: dict[str, Any]
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as refused:
            await runtime.commands.run(**with_argv(options))
    assert text in str(refused.value)
    assert not server.sent("command/exec")


@pytest.mark.parametrize(("text", "options"), USELESS + OF_HANDLES + OF_COMMANDS)
async def test_start_refuses_what_is_of_no_use(
    server: Server, text: str, options: dict[str, Any]
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as refused:
            runtime.commands.start(**with_argv(options))
    assert text in str(refused.value)


@pytest.mark.parametrize(("text", "options"), USELESS + OF_HANDLES)
async def test_spawn_refuses_what_is_of_no_use(
    server: Server, text: str, options: dict[str, Any]
) -> None:
    words: dict[str, Any] = {"cwd": "/", "privileged_escalation_approved": True}
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as refused:
            runtime.commands.spawn(**with_argv({**words, **options}))
    assert text in str(refused.value)


async def test_a_working_directory_whose_name_is_no_text_is_refused_at_once(
    server: Server, tmp_path: Path
) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)  # noqa: PTH102 — its name is no text
    async with server.runtime() as runtime:
        with pytest.raises(UnsendableValue, match=r"^cwd has a lone surrogate"):
            runtime.commands.start(["ls"], cwd=os.fsdecode(folder))


@pytest.mark.parametrize(("text", "options"), OF_PROCESSES)
async def test_spawn_needs_both_words(server: Server, text: str, options: dict[str, Any]) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as refused:
            runtime.commands.spawn(["ls"], **options)
    assert text in str(refused.value)
