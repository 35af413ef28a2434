"""Commands and processes that the server runs for its client, outside of any turn.

They are the caller's own: no model chooses them, and nobody is asked about them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias, TypedDict, Unpack

from codex_runtime import protocol
from codex_runtime._arguments import absolute_cwd, positive_seconds, server_path, without_none
from codex_runtime._client import Client
from codex_runtime._option_checks import check_names, list_options
from codex_runtime.errors import InvalidArgument
from codex_runtime.policy import (
    DEFAULT_SANDBOX,
    READ_ONLY_PROFILE,
    Sandbox,
    SandboxChoice,
    check_command,
    permission_profile,
)
from codex_runtime.protocol import UNSET
from codex_runtime.services._command_checks import (
    check_sendable,
    check_tmpdir,
    checked_argv,
    checked_environment,
    output_limit,
    terminal_size,
    wire_milliseconds,
)
from codex_runtime.services._dialects import RunningCommand, RunningProcess
from codex_runtime.services._handles import CommandHandle, ProcessHandle
from codex_runtime.services._output import Output, OutputChunk
from codex_runtime.services._running import CommandResult
from codex_runtime.threads._checks import checked_flag

__all__ = [
    "DEFAULT_RUN_TIMEOUT",
    "DEFAULT_STREAM_TIMEOUT",
    "Argv",
    "CommandHandle",
    "CommandOptions",
    "CommandResult",
    "Commands",
    "OutputChunk",
    "ProcessHandle",
    "ProcessOptions",
]

DEFAULT_RUN_TIMEOUT: Final = 10.0
"""Seconds that `run` gives a command: what the server itself gives it (fact 126)."""

DEFAULT_STREAM_TIMEOUT: Final = 3_600.0
"""Seconds that a command or process has whose handle somebody holds: as much as a turn."""

_NO_MATTER_OF_TMPDIR: Final = (READ_ONLY_PROFILE, ":danger-full-access")
"""Profiles that let a command write nowhere, or everywhere. Of any other nobody knows here."""

Argv: TypeAlias = Sequence[str | os.PathLike[str]]
"""A program and its arguments."""


class ProcessOptions(TypedDict, total=False):
    """Options of a command or process."""

    cwd: str | os.PathLike[str]
    """Working directory. On a local server it has to exist, and a relative one is taken from this
    process's; on a remote one it has to be absolute."""
    env: Mapping[str, str | None]
    """Variables besides those of the server; None for a value takes one away."""
    timeout: float
    """Seconds the command may take; `math.inf` for no limit. Then it is killed."""
    output_limit: int
    """Bytes of each stream that the result holds; 1 MiB by default."""
    privileged_escalation_approved: bool
    """The explicit word for more than reading."""


class CommandOptions(ProcessOptions, total=False):
    """Options of a command in a sandbox."""

    sandbox: SandboxChoice
    """A preset, or details; `"read-only"` by default, whatever the user's configuration says."""
    permissions: str
    """A permission profile instead, say `":workspace"`."""


_IN_ONE_LINE: Final = {
    "cwd": "Working directory.",
    "env": "Variables besides those of the server; None takes one away.",
    "output_limit": "Bytes of each stream that the result holds; 1 MiB by default.",
    "permissions": "A permission profile instead of a sandbox.",
    "privileged_escalation_approved": "The explicit word for more than reading.",
    "sandbox": "What it may touch; `read-only` by default.",
    "timeout": "Seconds that it may take; `math.inf` for no limit.",
}
"""Each option in one line, for `help()`."""

list_options([ProcessOptions, CommandOptions], _IN_ONE_LINE)


class Commands:
    """Commands and processes that the server runs for its client. From `Runtime.commands`.

    **The sandbox** of a command is read-only unless another is named. Rule SEC-004 holds: more than
    that, a permission profile other than `:read-only` included, needs
    `privileged_escalation_approved=True` and an explicit scope, `cwd=` or writable roots. The other
    word of the rule, an approval policy, has no meaning here, because nobody is ever asked.

    With `workspace-write` a command may write in `cwd=`, in the writable roots, in `/tmp`, in the
    folder that `$TMPDIR` names, and always also in the server's own working directory, which no
    detail takes away (fact 225); `permissions=":workspace"` leaves that one out. A `TMPDIR` in
    `env=` has to lie in one of the others, since it would let the command write anywhere else
    (fact 224).

    Output that is cut anywhere, programs that hang, and servers that go away are dealt with; see
    `CommandResult` and `CommandHandle`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, argv: Argv, **options: Unpack[CommandOptions]) -> CommandResult:
        """Run a command to its end (`command/exec`).

        A command that is missing fails in different ways: in a sandbox it ends with exit code 101
        and a text in stderr (fact 126), without one `CommandNotStarted` is raised. Its stdin is
        empty. Cancelling ends it, with all processes of its group, and waits for that, 10 seconds at
        the most.

        Args:
            argv: The program and its arguments. No shell looks at it.
            **options: See `CommandOptions`. `timeout` is 10 seconds by default; a command that
                takes longer is killed, and its result says `timed_out`.

        Raises:
            InvalidArgument: An option or `argv` cannot be used. Nothing was sent.
            SandboxNotAllowed: More than reading, without the words for it. Nothing was sent.
            CommandNotStarted: The program or its working directory is not there.
            RequestRefused: The server did not take it for another reason.
            RequestTimeout: The server did not answer in time; the command was told to end.
            ConnectionLost: The server went away; without a sandbox the command may still run (fact
                111).
            RuntimeClosed: The runtime is not open, or was closed.
        """
        checked = _Checked.of(argv, options, self._client, DEFAULT_RUN_TIMEOUT)
        # One byte more than is wanted: that it comes tells that there was more (fact 203).
        cap = {"output_bytes_cap": checked.limit + 1}
        command = self._command(checked, options, Output(checked.limit, streamed=False), **cap)
        async with self._handle(command, stdin=False, tty=False) as handle:
            return await handle.wait()

    def start(
        self,
        argv: Argv,
        *,
        stdin: bool = True,
        tty: bool = False,
        size: tuple[int, int] | None = None,
        **options: Unpack[CommandOptions],
    ) -> CommandHandle:
        """Make a command to talk to: `async with runtime.commands.start(…) as command` (`command/exec`).

        Everything is checked at once; the command runs when the block is entered.

        Args:
            argv: The program and its arguments. No shell looks at it.
            stdin: Whether there will be input; without, its stdin is empty. A terminal always has.
            tty: Give it a terminal. Its output is one stream then, `"stdout"`, and lines end in
                CR LF.
            size: Rows and columns of the terminal; 24 and 80 by default.
            **options: See `CommandOptions`. `timeout` is an hour by default. `output_limit`
                concerns the result; the stream of chunks holds everything.

        Raises:
            InvalidArgument: An argument cannot be used.
            SandboxNotAllowed: More than reading, without the words for it.
        """
        checked = _Checked.of(argv, options, self._client, DEFAULT_STREAM_TIMEOUT)
        stdin, tty = checked_flag(stdin, "stdin"), checked_flag(tty, "tty")
        terminal = _terminal(tty=tty, size=size)
        streams = {
            "disable_output_cap": True,
            "stream_stdin": stdin or tty or UNSET,
            "tty": tty or UNSET,
            "size": protocol.CommandExecTerminalSize(**terminal) if terminal else UNSET,
        }
        output = Output(checked.limit, streamed=True)
        command = self._command(checked, options, output, **streams)
        return self._handle(command, stdin=stdin or tty, tty=tty)

    def spawn(
        self,
        argv: Argv,
        *,
        stdin: bool = True,
        tty: bool = False,
        size: tuple[int, int] | None = None,
        **options: Unpack[ProcessOptions],
    ) -> ProcessHandle:
        """Make a process **without any sandbox**, used as `async with` (`process/spawn`).

        Experimental. The server's user may do what it does: it needs
        `privileged_escalation_approved=True` and `cwd=`. Otherwise as `start`; a missing program is
        `CommandNotStarted`, and its environment is the server's.

        Args:
            argv: The program and its arguments. No shell looks at it.
            stdin: Whether there will be input; without, its stdin is empty. A terminal always has.
            tty: Give it a terminal.
            size: Rows and columns of the terminal; 24 and 80 by default.
            **options: See `ProcessOptions`; `timeout` is an hour by default.

        Raises:
            InvalidArgument: An argument cannot be used.
            SandboxNotAllowed: One of the two words is missing.
        """
        _check_unsandboxed(options, remote=self._client.remote)
        checked = _Checked.of(argv, options, self._client, DEFAULT_STREAM_TIMEOUT)
        stdin, tty = checked_flag(stdin, "stdin"), checked_flag(tty, "tty")
        terminal = _terminal(tty=tty, size=size)
        assert checked.cwd is not None  # noqa: S101 — checked above
        params = protocol.ProcessSpawnParams(
            command=checked.argv,
            cwd=checked.cwd,
            process_handle="",
            env=UNSET if checked.env is None else checked.env,
            # Null stands for no limit, other than for a command.
            output_bytes_cap=None,
            timeout_ms=wire_milliseconds(checked.seconds),
            stream_stdin=stdin or tty or UNSET,
            stream_stdout_stderr=True,
            tty=tty or UNSET,
            size=protocol.ProcessTerminalSize(**terminal) if terminal else UNSET,
        )
        process = RunningProcess(
            self._client,
            params,
            seconds=checked.seconds,
            output=Output(checked.limit, streamed=True),
        )
        timeout = self._client.request_timeout
        return ProcessHandle(process, stdin=stdin or tty, tty=tty, request_timeout=timeout)

    def _command(
        self, checked: _Checked, options: CommandOptions, output: Output, **streams: Any
    ) -> RunningCommand:
        milliseconds = wire_milliseconds(checked.seconds)
        params = protocol.CommandExecParams(
            command=checked.argv,
            stream_stdout_stderr=True,
            timeout_ms=UNSET if milliseconds is None else milliseconds,
            disable_timeout=milliseconds is None or UNSET,
            **without_none(cwd=checked.cwd, env=checked.env),
            **_permitted(options, checked, remote=self._client.remote),
            **streams,
        )
        return RunningCommand(self._client, params, seconds=checked.seconds, output=output)

    def _handle(self, command: RunningCommand, *, stdin: bool, tty: bool) -> CommandHandle:
        timeout = self._client.request_timeout
        return CommandHandle(command, stdin=stdin, tty=tty, request_timeout=timeout)


class _Checked(NamedTuple):
    """Options that both kinds share, checked."""

    argv: list[str]
    cwd: str | None
    env: dict[str, str | None] | None
    seconds: float
    limit: int

    @classmethod
    def of(
        cls, argv: Argv, options: ProcessOptions, client: Client, default_timeout: float
    ) -> _Checked:
        # What a command may have and a process may not was refused before, by `spawn`.
        check_names(options, CommandOptions, "a command")
        cwd = absolute_cwd(options.get("cwd"), remote=client.remote)
        if cwd is not None:
            check_sendable("cwd", cwd)
        return cls(
            checked_argv(argv),
            cwd,
            checked_environment(options.get("env")),
            positive_seconds("timeout", options.get("timeout"), default_timeout),
            output_limit(options.get("output_limit")),
        )


def _permitted(options: CommandOptions, checked: _Checked, *, remote: bool) -> dict[str, Any]:
    """What the command may do, as parameters; SEC-004 is held."""
    # Each is read once: what is checked is what is sent.
    given, permissions = options.get("sandbox"), permission_profile(options.get("permissions"))
    sandbox = None if given is None else Sandbox.of(given)
    check_command(
        sandbox,
        privileged_escalation_approved=options.get("privileged_escalation_approved", False),
        cwd=checked.cwd,
        permissions=permissions,
    )
    if permissions is not None:
        check_sendable("permissions", permissions)
        if permissions not in _NO_MATTER_OF_TMPDIR:
            check_tmpdir(checked.env, None, checked.cwd, remote=remote)
        return {"permission_profile": permissions}
    sandbox = _with_cwd(sandbox or Sandbox.of(DEFAULT_SANDBOX), checked.cwd)
    for index, root in enumerate(sandbox.writable_roots):
        check_sendable(f"sandbox.writable_roots[{index}]", root)
    check_tmpdir(checked.env, sandbox, checked.cwd, remote=remote)
    return {"sandbox_policy": sandbox.as_policy()}


def _with_cwd(sandbox: Sandbox, cwd: str | None) -> Sandbox:
    """Let a command write in its working directory: the server means its own (fact 225)."""
    if sandbox.kind != "workspaceWrite" or cwd is None or cwd in sandbox.writable_roots:
        return sandbox
    return replace(sandbox, writable_roots=(*sandbox.writable_roots, cwd))


def _check_unsandboxed(options: ProcessOptions, *, remote: bool) -> None:
    """Hold SEC-004 for a process: it is as wide as can be.

    Raises:
        SandboxNotAllowed: One of the two words is missing.
        InvalidArgument: An option is none of a process.
    """
    check_names(options, ProcessOptions, "a process")
    cwd = options.get("cwd")
    check_command(
        "danger-full-access",
        privileged_escalation_approved=options.get("privileged_escalation_approved", False),
        cwd=None if cwd is None else server_path("cwd", cwd, remote=remote),
    )


def _terminal(*, tty: bool, size: tuple[int, int] | None) -> dict[str, int]:
    if size is None:
        return {}
    if not tty:
        raise InvalidArgument("size", "is that of a terminal", "pass tty=True too")
    rows, cols = terminal_size(size)
    return {"rows": rows, "cols": cols}
