"""What `doctor` looks at, one check after the other."""

import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from codex_runtime import protocol
from codex_runtime._binary import BINARY_VARIABLE, CodexBinary, find_codex
from codex_runtime._homes import home_of
from codex_runtime.cli import _account
from codex_runtime.cli._exits import Exit, exit_of
from codex_runtime.errors import (
    CodexNotFound,
    CodexRuntimeError,
    IncompatibleCodexVersion,
    InvalidArgument,
    RequestRefused,
)
from codex_runtime.protocol import methods
from codex_runtime.runtime import Runtime

__all__ = ["Check", "examine", "hooks_check", "verdict"]


@dataclass(frozen=True)
class Check:
    """What came of one check.

    Attributes:
        id: Its name, the same in every version.
        status: `"warning"` is worth knowing and stops nothing; only `"failed"` is not green.
        summary: One sentence.
        fix: The command that mends it; empty where there is nothing to mend, or no command would.
        seconds: What it took, where that says something.
        code: The exit code it leads to.
    """

    id: str
    status: Literal["ok", "warning", "failed"]
    summary: str
    fix: str = ""
    seconds: float | None = None
    code: Exit = Exit.DONE


Report = Callable[[Check], None]

_EXTRAS: Final = {
    "codex": "openai-codex-cli-bin",
    "cli": "typer",
    "ws": "websockets",
    "test": "pytest",
}
"""The extras, each with a distribution that it alone brings."""

_EXEC_SECONDS: Final = 20.0
"""Seconds that one command in the sandbox may take: 0.1 is usual, a cold disk may need more."""

_INSTALL: Final = 'pip install "codex-runtime[codex]"'
_UPGRADE: Final = 'pip install -U "codex-runtime[codex]"'


def verdict(checks: list[Check]) -> Exit:
    """The exit code of them all: the gravest one counts."""
    return max((check.code for check in checks), default=Exit.DONE)


async def examine(
    report: Report, *, codex_bin: str | None = None, codex_home: str | None = None
) -> None:
    """Run every check that makes sense and report each as soon as it is done.

    Takes under a second on a healthy machine. The sandbox is tried out in a temporary folder,
    which is removed.
    """
    report(_extras())
    try:
        binary = find_codex(codex_bin)
    except CodexNotFound as error:
        summary = f"no codex binary found: {'; '.join(error.tried)}"
        # One that is named and wrong is not passed over, whatever else gets installed.
        fix = "" if codex_bin or os.environ.get(BINARY_VARIABLE) else _INSTALL
        report(Check("binary", "failed", summary, fix, code=Exit.NO_CODEX))
        return
    report(Check("binary", "ok", f"{binary.path} (from {binary.source})"))
    with _two_folders() as (inside, outside):
        # The server's own folder counts as workspace for `command/exec`, so it runs in `inside`.
        # Its sandbox leaves a folder in TMPDIR (seen on 0.163), which is ours to remove then.
        server = _Server(binary, report, codex_home, inside=inside, outside=outside)
        try:
            runtime = Runtime(
                codex_bin=codex_bin,
                codex_home=codex_home,
                cwd=inside,
                env={"TMPDIR": str(outside)},
            )
            await server.examine(runtime)
        except InvalidArgument as error:
            fix = _home_fix(error.__cause__, _named_home(codex_home))
            report(Check("codex-home", "failed", str(error), fix, code=Exit.FAILED))
        except CodexRuntimeError as error:
            report(server.fault(error))


async def hooks_check(codex_bin: str | None) -> Check:
    """See that a command which a hook forbids does not run, on a scripted model."""
    from codex_runtime._hook_selftest import hooks_hold  # noqa: PLC0415 — few ask for it

    began = time.monotonic()
    found = await hooks_hold(codex_bin=codex_bin)
    seconds = time.monotonic() - began
    if found.held:
        summary = "a command that a hook forbids does not run"
        return Check("hooks", "ok", summary, seconds=seconds)
    summary = found.problem or "a command that a hook forbids may run all the same"
    return Check("hooks", "failed", summary, seconds=seconds, code=Exit.FAILED)


def _extras() -> Check:
    missing = [extra for extra, name in _EXTRAS.items() if not _installed(name)]
    there = ", ".join(extra for extra in _EXTRAS if extra not in missing)
    if not missing:
        return Check("extras", "ok", f"{there} are installed")
    fix = f'pip install "codex-runtime[{",".join(missing)}]"'
    return Check(
        "extras", "ok", f"{there} installed; for {', '.join(missing)} if you need it: {fix}"
    )


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


class _Server:
    """The checks that need a running server."""

    def __init__(
        self,
        binary: CodexBinary,
        report: Report,
        codex_home: str | None,
        *,
        inside: Path,
        outside: Path,
    ) -> None:
        self._binary = binary
        self._report = report
        self._codex_home = codex_home
        self._inside = inside
        self._outside = outside
        self._answered = False

    async def examine(self, runtime: Runtime) -> None:
        new_home = _account.is_new(self._codex_home)
        began = time.monotonic()
        async with runtime:
            self._report(self._handshake(runtime, time.monotonic() - began))
            self._report(_home(runtime.server_info.codex_home, new=new_home))
            await self._sandbox(runtime)
            self._report(await _thread(runtime))
            self._report(await self._account(runtime))

    def fault(self, error: CodexRuntimeError) -> Check:
        summary, fix = str(error), ""
        if isinstance(error, IncompatibleCodexVersion):
            fix = _upgrade(self._binary)
        else:
            summary += f"; try: {shlex.quote(str(self._binary.path))} app-server </dev/null"
        id = "server" if self._answered else "handshake"
        return Check(id, "failed", summary, fix, code=exit_of(error))

    def _handshake(self, runtime: Runtime, seconds: float) -> Check:
        found = runtime.server_info.codex_version or "of unknown version"
        self._answered = True
        summary = f"codex {found} answered in {seconds * 1000:.0f} ms"
        return Check("handshake", "ok", summary, seconds=seconds)

    async def _sandbox(self, runtime: Runtime) -> None:
        read_only = protocol.ReadOnlySandboxPolicy()
        workspace = protocol.WorkspaceWriteSandboxPolicy(
            writable_roots=[str(self._inside)], exclude_slash_tmp=True, exclude_tmpdir_env_var=True
        )
        try:
            ran = await self._exec(runtime, read_only, "echo works")
        except RequestRefused as error:
            self._report(_no_sandbox(error.message))
            return
        self._report(_ran(ran))
        if ran.exit_code != 0:
            return
        written = await self._exec(runtime, workspace, "echo x > file")
        self._report(_wrote(written, self._inside / "file"))
        await self._exec(runtime, workspace, "echo x > ../outside/file")
        await self._exec(runtime, read_only, "echo x > other")
        self._report(_refused([self._outside / "file", self._inside / "other"], self._binary))

    async def _exec(
        self, runtime: Runtime, policy: protocol.SandboxPolicy, script: str
    ) -> protocol.CommandExecResponse:
        params = protocol.CommandExecParams(
            command=["/bin/sh", "-c", script],
            cwd=str(self._inside),
            sandbox_policy=policy,
            timeout_ms=int(_EXEC_SECONDS * 1000),
        )
        return await runtime.request(methods.COMMAND_EXEC, params, timeout=_EXEC_SECONDS * 2)

    async def _account(self, runtime: Runtime) -> Check:
        answer = await _account.read_account(runtime)
        match answer.account:
            case None if _account.is_missing(answer):
                # Not a fault of the installation: the demo and the tests need no account.
                home = runtime.server_info.codex_home if self._codex_home else None
                fix = _account.login_command(self._binary.path, home)
                return Check("account", "warning", "not signed in; real turns need an account", fix)
            case None:
                return Check("account", "ok", "none needed: the model provider is your own")
            case protocol.ChatgptAccount(plan_type=plan):
                # No address: people paste this into bug reports.
                return Check("account", "ok", f"signed in with ChatGPT, plan {plan or 'unknown'}")
            case protocol.ApiKeyAccount():
                return Check("account", "ok", "signed in with an API key")
            case other:
                kind = getattr(other, "type", "of a new kind")
                return Check("account", "ok", f"signed in, account {kind}")


async def _thread(runtime: Runtime) -> Check:
    try:
        await runtime.thread_start(ephemeral=True)
    except RequestRefused as error:
        summary = f"no thread starts: {error.message}"
        return Check("thread", "failed", summary, code=Exit.FAILED)
    return Check("thread", "ok", "a thread starts")


def _home(home: str, *, new: bool) -> Check:
    try:
        with tempfile.TemporaryFile(dir=home, prefix=".codex-runtime-doctor-"):
            pass
    except OSError as error:
        fix = _home_fix(error, Path(home))
        return Check("codex-home", "failed", f"{home}: {error.strerror}", fix, code=Exit.FAILED)
    summary = f"created CODEX_HOME {home}" if new else f"{home} is writable"
    return Check("codex-home", "ok", summary)


def _named_home(codex_home: str | None) -> Path:
    if not codex_home:
        return home_of(os.environ)
    # Unlike that of `Path`, it does not raise for a home that nobody has.
    return Path(os.path.expanduser(codex_home))  # noqa: PTH111 — see above


def _home_fix(error: BaseException | None, home: Path) -> str:
    """The command that gives the folder to this user; empty where that is not the trouble."""
    if not isinstance(error, PermissionError):
        return ""
    place = shlex.quote(str(home))
    try:
        ours = home.stat().st_uid == os.getuid()
    except OSError:
        return f'sudo install -d -m 700 -o "$(id -un)" {place}'
    return f"chmod u+rwx {place}" if ours else f'sudo chown "$(id -un)" {place}'


@contextmanager
def _two_folders() -> Generator[tuple[Path, Path], None, None]:
    with tempfile.TemporaryDirectory(prefix="codex-runtime-doctor-") as folder:
        # The sandbox compares real paths; on macOS the temporary folder is behind a link.
        base = Path(folder).resolve()
        inside, outside = base / "inside", base / "outside"
        inside.mkdir()
        outside.mkdir()
        yield inside, outside


def _ran(answer: protocol.CommandExecResponse) -> Check:
    if answer.exit_code == 0 and answer.stdout == "works\n":
        return Check("sandbox-command", "ok", "a command runs in the sandbox")
    said = (answer.stderr or "").strip().split("\n")[-1]
    return _no_sandbox(f"exit {answer.exit_code}: {said}")


def _no_sandbox(why: str) -> Check:
    summary, fix = f"no command runs in the sandbox: {why}", _sandbox_fix()
    if not fix:
        summary += f"; try: {_SANDBOX_PROBE}"
    return Check("sandbox-command", "failed", summary, fix, code=Exit.FAILED)


def _wrote(answer: protocol.CommandExecResponse, file: Path) -> Check:
    if file.exists():
        return Check("sandbox-write", "ok", "it can write inside its workspace")
    summary = f"it cannot write inside its workspace: {(answer.stderr or '').strip()}"
    return Check("sandbox-write", "failed", summary, code=Exit.FAILED)


def _refused(files: list[Path], binary: CodexBinary) -> Check:
    if not any(file.exists() for file in files):
        return Check("sandbox-refusal", "ok", "it cannot write anywhere else")
    summary = f"the sandbox of {binary.path} does not hold: it wrote where it must not"
    return Check("sandbox-refusal", "failed", summary, _upgrade(binary), code=Exit.FAILED)


_RESTRICTED: Final = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_NO_NAMESPACES: Final = Path("/proc/sys/kernel/unprivileged_userns_clone")

_SANDBOX_PROBE: Final = (
    "sandbox-exec -p '(version 1)(allow default)' true"
    if sys.platform == "darwin"
    else "bwrap --ro-bind / / --unshare-user --unshare-pid true"
)
"""Mends nothing, but says more than codex does of what its sandbox lacks."""


def _sandbox_fix() -> str:
    """What usually keeps codex's sandbox from working, on Linux in this order."""
    if _content(_RESTRICTED) == "1":
        return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if _content(_NO_NAMESPACES) == "0":
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if shutil.which("bwrap") is None and shutil.which("apt") is not None:
        return "sudo apt install bubblewrap"
    return ""


def _upgrade(binary: CodexBinary) -> str:
    """The command that brings a newer codex; empty for one that was named, which it leaves."""
    return "" if binary.source in {"codex_bin", f"${BINARY_VARIABLE}"} else _UPGRADE


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
