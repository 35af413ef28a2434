"""Commands and processes that are refused before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from runtime.command_acts import Machine
from runtime.support import Server
from runtime.test_commands import Start, both

from codex_runtime import InvalidArgument
from codex_runtime.services.commands import CommandHandle, ProcessHandle


@pytest.fixture
def machine(server: Server) -> Machine:
    return Machine(server)


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
    ("cwd /no/where is not a folder", {"cwd": "/no/where"}),
    ("env is of type list", {"env": ["A=1"]}),
    ("env has the key 5", {"env": {5: "x"}}),
    ("env has the key 'A=B'", {"env": {"A=B": "x"}}),
    ("env has the key ''", {"env": {"": "x"}}),
    ("env['A'] is of type int", {"env": {"A": 1}}),
    ("env['A'] holds a NUL character", {"env": {"A": "\0"}}),
    ("timeout is 0", {"timeout": 0}),
    ("timeout is -1", {"timeout": -1}),
    ("timeout is nan", {"timeout": math.nan}),
    ("timeout is True", {"timeout": True}),
    ("output_limit is 0", {"output_limit": 0}),
    ("output_limit is -1", {"output_limit": -1}),
    ("output_limit is 1.5", {"output_limit": 1.5}),
    ("output_limit is True", {"output_limit": True}),
    ("colour is no option of a", {"colour": "red"}),
]

OF_HANDLES: list[tuple[str, dict[str, Any]]] = [
    ("size is that of a terminal; pass tty=True", {"size": (1, 1)}),
    ("size is (0, 5); use (rows, cols)", {"tty": True, "size": (0, 5)}),
    ("size is (5, 65536)", {"tty": True, "size": (5, 65_536)}),
    ("size is (5,)", {"tty": True, "size": (5,)}),
    ("size is '55'", {"tty": True, "size": "55"}),
    ("size is (1.5, 2)", {"tty": True, "size": (1.5, 2)}),
]

OF_COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("sandbox is 'wide-open'", {"sandbox": "wide-open"}),
    ("permissions is blank", {"permissions": " "}),
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


@pytest.mark.parametrize(("text", "options"), OF_PROCESSES)
async def test_spawn_needs_both_words(server: Server, text: str, options: dict[str, Any]) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as refused:
            runtime.commands.spawn(["ls"], **options)
    assert text in str(refused.value)
