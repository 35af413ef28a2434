"""`codex-runtime doctor`: green on a sound machine, and a command for whatever is not."""

import io
import json
import shlex
import tempfile
from pathlib import Path

import anyio
import pytest
from cli.support import CommandLine, servers_of

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

    def examine(self, codex: str, home: str, *, fault: str = "") -> tuple[Exit, dict[str, str]]:
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


def test_no_codex_is_exit_code_4_and_names_the_install_command(clinic: Doctor, home: str) -> None:
    code, lines = clinic.examine("/no/such/codex", home)

    assert code is Exit.NO_CODEX
    assert lines["binary"].startswith("FAILED ")
    assert lines["binary"].endswith('fix: pip install "codex-runtime[codex]"')


def test_a_codex_that_is_too_old_names_the_upgrade(
    clinic: Doctor, fake_codex: str, home: str
) -> None:
    code, lines = clinic.examine(fake_codex, home, fault="old")

    assert code is Exit.NO_CODEX
    assert lines["handshake"].endswith('fix: pip install -U "codex-runtime[codex]"')


def test_a_codex_that_does_not_start_names_how_to_see_why(clinic: Doctor, home: str) -> None:
    code, lines = clinic.examine("/bin/false", home)

    assert code is Exit.NO_CODEX
    assert lines["handshake"].endswith("fix: /bin/false app-server </dev/null")


def test_a_codex_home_that_is_no_folder_is_a_failing_line(
    clinic: Doctor, fake_codex: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")

    code, lines = clinic.examine(fake_codex, str(file))

    assert code is Exit.FAILED
    assert lines["codex-home"].endswith(f"fix: mkdir -p -m 700 {file}")


def test_a_codex_home_that_cannot_be_written_is_a_failing_line(
    clinic: Doctor, fake_codex: str
) -> None:
    # Not even root can make a file there.
    code, lines = clinic.examine(fake_codex, "/proc/self")

    assert code is Exit.FAILED
    assert lines["codex-home"].startswith("FAILED ")
    assert lines["codex-home"].endswith("fix: chmod u+rwx /proc/self")


def test_a_sandbox_that_runs_nothing_is_a_failing_line(
    clinic: Doctor, fake_codex: str, home: str
) -> None:
    code, lines = clinic.examine(fake_codex, home, fault="no-sandbox")

    assert code is Exit.FAILED
    summary = "no command runs in the sandbox: exit 101: setting up failed; fix: "
    assert summary in lines["sandbox-command"]
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
