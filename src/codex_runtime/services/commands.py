"""Commands and processes that the server runs for its client, outside of any turn.

They are the caller's own: no model chooses them, and nobody is asked about them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypedDict, Unpack

from codex_runtime import protocol
from codex_runtime._arguments import absolute_cwd, absolute_path, positive_seconds, without_none
from codex_runtime._client import Client
from codex_runtime.errors import InvalidArgument
from codex_runtime.options import check_names
from codex_runtime.policy import (
    DEFAULT_SANDBOX,
    SandboxChoice,
    check_command,
    permission_profile,
    sandbox_policy,
)
from codex_runtime.protocol import UNSET
from codex_runtime.services._command_checks import (
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

Argv: TypeAlias = Sequence[str | os.PathLike[str]]
"""A program and its arguments."""


class ProcessOptions(TypedDict, total=False):
    """Options of a command or process."""

    cwd: str | os.PathLike[str]
    """Working directory; made absolute against this process, and has to exist on a local server."""
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


class Commands:
    """Commands and processes that the server runs for its client. From `Runtime.commands`.

    **The sandbox** of a command is read-only unless another is named. Rule SEC-004 holds: more than
    that, a permission profile other than `:read-only` included, needs
    `privileged_escalation_approved=True` and an explicit scope, `cwd=` or writable roots. The other
    word of the rule, an approval policy, has no meaning here, because nobody is ever asked. A
    sandbox that may write may do so in its working directory, which is the server's own where
    `cwd=` is not given.

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
            ConnectionLost: The server went away, and the command with it.
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
        _check_unsandboxed(options)
        checked = _Checked.of(argv, options, self._client, DEFAULT_STREAM_TIMEOUT)
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
            **_permitted(options, checked.cwd),
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
        return cls(
            checked_argv(argv),
            absolute_cwd(options.get("cwd"), remote=client.remote),
            checked_environment(options.get("env")),
            positive_seconds("timeout", options.get("timeout"), default_timeout),
            output_limit(options.get("output_limit")),
        )


def _permitted(options: CommandOptions, cwd: str | None) -> dict[str, Any]:
    """What the command may do, as parameters; SEC-004 is held."""
    sandbox, permissions = options.get("sandbox"), permission_profile(options.get("permissions"))
    check_command(
        sandbox,
        privileged_escalation_approved=options.get("privileged_escalation_approved", False),
        cwd=cwd,
        permissions=permissions,
    )
    if permissions is not None:
        return {"permission_profile": permissions}
    return {"sandbox_policy": sandbox_policy(DEFAULT_SANDBOX if sandbox is None else sandbox)}


def _check_unsandboxed(options: ProcessOptions) -> None:
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
        cwd=None if cwd is None else absolute_path("cwd", cwd),
    )


def _terminal(*, tty: bool, size: tuple[int, int] | None) -> dict[str, int]:
    if size is None:
        return {}
    if not tty:
        raise InvalidArgument("size", "is that of a terminal", "pass tty=True too")
    rows, cols = terminal_size(size)
    return {"rows": rows, "cols": cols}
