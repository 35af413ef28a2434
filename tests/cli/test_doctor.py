"""`codex-runtime doctor`: green on a sound machine, and a command for whatever is not."""

import errno
import io
import json
import os
import shlex
import shutil
import tempfile
from pathlib import Path

import anyio
import pytest
from cli.support import CommandLine, servers_of

from codex_runtime import _binary, _hook_selftest
from codex_runtime.cli import _checks
from codex_runtime.cli._checks import Check, verdict
from codex_runtime.cli._doctor import check_lines, doctor, report_object
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._screen import Screen

OK = Check("binary", "ok", "/usr/bin/codex (from $PATH)")
NOTE = Check("account", "warning", "not signed in", "codex login")
FAILED = Check("sandbox-write", "failed", "it\ncannot", "sudo x", code=Exit.FAILED)


def test_each_line_names_its_check_and_ends_with_what_mends_it() -> None:
    lines = [line.text for check in (OK, NOTE, FAILED) for line in check_lines(check)]

    assert lines == [
        "ok      binary: /usr/bin/codex (from $PATH)",
        "note    account: not signed in; fix: codex login",
        "FAILED  sandbox-write: it cannot; fix: sudo x",
    ]


def test_the_gravest_check_decides() -> None:
    no_codex = Check("binary", "failed", "none", code=Exit.NO_CODEX)

    assert verdict([OK, NOTE]) is Exit.DONE
    assert verdict([OK, FAILED]) is Exit.FAILED
    assert verdict([FAILED, no_codex, OK]) is Exit.NO_CODEX


def test_the_report_is_keyed_by_check() -> None:
    report = report_object([OK, FAILED])

    assert (report["schema_version"], report["status"], report["exit_code"]) == (1, "failed", 1)
    assert report["checks"]["sandbox-write"] == {
        "status": "failed",
        "summary": "it\ncannot",
        "fix": "sudo x",
        "duration": None,
    }


@pytest.mark.real
def test_a_sound_machine_is_green(command: CommandLine, codex_home: str) -> None:
    ended = command.run("doctor", "--codex-home", codex_home)

    lines = ended.out.splitlines()
    assert ended.code == 0, ended.out
    assert lines[-1] == "all green"
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert f"{codex_home} is writable" in ended.out
    assert list(command.tmp.iterdir()) == []
    assert servers_of(command.folder) == []


def test_the_last_line_says_that_nobody_is_signed_in(command: CommandLine, fake_codex: str) -> None:
    home = command.folder / "new home"

    ended = command.run(
        *("doctor", "--codex-bin", fake_codex, "--codex-home", str(home)),
        env={"CODEX_FAKE": "no-account"},
    )

    *_, account, last = ended.out.splitlines()
    assert (ended.code, last) == (0, "green, but not signed in")
    assert account.endswith(f"fix: CODEX_HOME='{home}' {fake_codex} login")
    assert f"codex-home: created CODEX_HOME {home}" in ended.out


@pytest.mark.real
def test_a_home_on_which_no_thread_starts_is_a_failing_line(
    command: CommandLine, codex_home: str
) -> None:
    (Path(codex_home) / "config.toml").write_text("= broken [")

    ended = command.run("doctor", "--codex-home", codex_home, "--json")

    thread = json.loads(ended.out)["checks"]["thread"]
    assert (ended.code, thread["status"]) == (1, "failed")
    assert f"{codex_home}/config.toml:1:" in thread["summary"]


@pytest.mark.real
def test_somebody_who_is_not_signed_in_is_told_and_still_green(command: CommandLine) -> None:
    ended = command.run("doctor", "--json")

    report = json.loads(ended.out)
    assert (ended.code, report["status"], report["exit_code"]) == (0, "ok", 0)
    assert report["checks"]["handshake"]["duration"] > 0
    account = report["checks"].pop("account")
    assert account["status"] == "warning"
    assert shlex.split(account["fix"])[1:] == ["login"]
    assert {check["status"] for check in report["checks"].values()} == {"ok"}


class Doctor:
    """The doctor in this process, on a codex of our choice."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self._environment = monkeypatch
        monkeypatch.setattr(tempfile, "tempdir", str(self.tmp))

    def examine(
        self, codex: str | None, home: str, *, fault: str = ""
    ) -> tuple[Exit, dict[str, str]]:
        """Return the exit code, and the line of each check by its id."""
        self._environment.setenv("CODEX_FAKE", fault)
        out = io.StringIO()
        code = anyio.run(
            lambda: doctor(
                codex_bin=codex, codex_home=home, out=None, screen=Screen(out, io.StringIO())
            )
        )
        assert list(self.tmp.iterdir()) == []
        lines = [line for line in out.getvalue().splitlines() if ": " in line]
        return code, {line[8:].split(":", 1)[0]: line for line in lines}


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    return Doctor(tmp_path, monkeypatch)


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "codex-home")


@pytest.fixture
def path_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The one folder on the PATH, and the one place where a codex may be."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(_binary, "_WHEEL", "no_such_wheel")
    monkeypatch.delenv("CODEX_RUNTIME_BIN", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.usefixtures("path_only")
def test_no_codex_is_exit_code_4_and_names_the_install_command(clinic: Doctor, home: str) -> None:
    code, lines = clinic.examine(None, home)

    assert code is Exit.NO_CODEX
    assert lines["binary"].startswith("FAILED ")
    assert lines["binary"].endswith('fix: pip install "codex-runtime[codex]"')


def test_a_named_codex_that_is_not_there_is_mended_by_no_installing(
    clinic: Doctor, home: str
) -> None:
    code, lines = clinic.examine("/no/such/codex", home)

    assert code is Exit.NO_CODEX
    assert "codex_bin: /no/such/codex is not an executable file" in lines["binary"]
    assert "fix: " not in lines["binary"]


def test_a_codex_that_is_too_old_names_the_upgrade(
    clinic: Doctor, fake_codex: str, path_only: Path, home: str
) -> None:
    (path_only / "codex").symlink_to(fake_codex)

    code, lines = clinic.examine(None, home, fault="old")

    assert code is Exit.NO_CODEX
    assert lines["handshake"].endswith('fix: pip install -U "codex-runtime[codex]"')


def test_a_named_codex_that_is_too_old_is_mended_by_no_upgrade(
    clinic: Doctor, fake_codex: str, home: str
) -> None:
    code, lines = clinic.examine(fake_codex, home, fault="old")

    assert code is Exit.NO_CODEX
    assert "0.154.0 or newer is required" in lines["handshake"]
    assert "fix: " not in lines["handshake"]


def test_a_codex_that_does_not_start_names_how_to_see_why(clinic: Doctor, home: str) -> None:
    code, lines = clinic.examine("/bin/false", home)

    assert code is Exit.NO_CODEX
    assert lines["handshake"].endswith("; try: /bin/false app-server </dev/null")


def test_a_codex_home_that_is_no_folder_is_a_failing_line(
    clinic: Doctor, fake_codex: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")

    code, lines = clinic.examine(fake_codex, str(file))

    assert code is Exit.FAILED
    assert lines["codex-home"].startswith("FAILED ")
    assert f"{file} is not a folder" in lines["codex-home"]
    assert "fix: " not in lines["codex-home"]


def test_a_codex_home_that_cannot_be_written_is_a_failing_line(
    clinic: Doctor, fake_codex: str
) -> None:
    # Not even root can make a file there, and no command would change that.
    code, lines = clinic.examine(fake_codex, "/proc/self")

    assert code is Exit.FAILED
    assert lines["codex-home"].startswith("FAILED ")
    assert "fix: " not in lines["codex-home"]


def test_a_codex_home_that_is_not_this_users_names_the_command_that_makes_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fix(error: OSError, name: str) -> str:
        return _checks._home_fix(error, tmp_path / name).replace(str(tmp_path), "/somewhere")

    (tmp_path / "a home").mkdir()

    missing = fix(PermissionError(), "missing")
    ours = fix(PermissionError(), "a home")
    full = fix(OSError(errno.ENOSPC, "no space left"), "a home")
    monkeypatch.setattr(os, "getuid", lambda: -1)
    of_others = fix(PermissionError(), "a home")

    assert missing == 'sudo install -d -m 700 -o "$(id -un)" /somewhere/missing'
    assert ours == "chmod u+rwx '/somewhere/a home'"
    assert of_others == "sudo chown \"$(id -un)\" '/somewhere/a home'"
    assert full == ""


@pytest.mark.parametrize(
    ("restricted", "namespaces", "programs", "end"),
    [
        ("1", "0", [], "fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("0", "0", [], "fix: sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ("0", "1", ["apt"], "fix: sudo apt install bubblewrap"),
        ("0", "1", ["apt", "bwrap"], f"setting up failed; try: {_checks._SANDBOX_PROBE}"),
        ("0", "1", [], f"setting up failed; try: {_checks._SANDBOX_PROBE}"),
    ],
)
def test_a_sandbox_that_runs_nothing_names_what_mends_it_or_how_to_see_why(
    clinic: Doctor,
    fake_codex: str,
    home: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    restricted: str,
    namespaces: str,
    programs: list[str],
    end: str,
) -> None:
    def which(name: str) -> str | None:
        return name if name in programs else None

    for name, text in (("_RESTRICTED", restricted), ("_NO_NAMESPACES", namespaces)):
        (tmp_path / name).write_text(text + "\n")
        monkeypatch.setattr(_checks, name, tmp_path / name)
    monkeypatch.setattr(shutil, "which", which)

    code, lines = clinic.examine(fake_codex, home, fault="no-sandbox")

    assert code is Exit.FAILED
    assert "no command runs in the sandbox: exit 101: setting up failed" in lines["sandbox-command"]
    assert lines["sandbox-command"].endswith(end)
    assert "sandbox-write" not in lines


def test_a_sandbox_that_does_not_hold_is_a_failing_line(
    clinic: Doctor, fake_codex: str, home: str
) -> None:
    code, lines = clinic.examine(fake_codex, home, fault="open-sandbox")

    assert code is Exit.FAILED
    assert lines["sandbox-write"].startswith("ok ")
    assert "does not hold" in lines["sandbox-refusal"]


def test_a_codex_that_goes_away_in_between_is_a_failing_line(
    clinic: Doctor, fake_codex: str, home: str
) -> None:
    code, lines = clinic.examine(fake_codex, home, fault="gone")

    assert code is Exit.FAILED
    assert lines["handshake"].startswith("ok ")
    assert lines["server"].startswith("FAILED ")


class Held:
    def __init__(self, *, held: bool, problem: str = "") -> None:
        self.held = held
        self.problem = problem


@pytest.mark.parametrize(
    ("held", "status", "code", "summary"),
    [
        (Held(held=True), "ok", Exit.DONE, "a command that a hook forbids does not run"),
        (Held(held=False, problem="it ran"), "failed", Exit.FAILED, "it ran"),
        (
            Held(held=False),
            "failed",
            Exit.FAILED,
            "a command that a hook forbids may run all the same",
        ),
    ],
)
async def test_hooks_that_do_not_hold_are_a_fault(
    held: Held, status: str, code: Exit, summary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hooks_hold(*, codex_bin: str | None) -> Held:
        assert codex_bin == "/x/codex"
        return held

    monkeypatch.setattr(_hook_selftest, "hooks_hold", hooks_hold)

    check = await _checks.hooks_check("/x/codex")

    assert (check.id, check.status, check.code, check.summary) == ("hooks", status, code, summary)


@pytest.mark.real
def test_hooks_are_tried_out_where_that_is_asked_for(command: CommandLine, codex_home: str) -> None:
    ended = command.run("doctor", "--hooks", "--json", "--codex-home", codex_home)

    checks = json.loads(ended.out)["checks"]
    assert ended.code == 0
    assert checks["hooks"]["status"] == "ok"
    assert list(command.tmp.iterdir()) == []


def test_without_codex_there_are_no_hooks_to_try(command: CommandLine) -> None:
    ended = command.run("doctor", "--hooks", "--codex-bin", "/no/such/codex")

    assert ended.code == 4
    assert "hooks" not in ended.out
