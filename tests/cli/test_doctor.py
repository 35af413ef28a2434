"""`codex-runtime doctor`: green on a sound machine, and a command for whatever is not."""

import json
from pathlib import Path

import pytest
from cli.support import CommandLine, Ended

from codex_runtime.cli._checks import Check, verdict
from codex_runtime.cli._doctor import check_lines, report_object
from codex_runtime.cli._exits import Exit

OK = Check("binary", "ok", "/usr/bin/codex (from $PATH)")
NOTE = Check("account", "warning", "not signed in", "codex login")
FAILED = Check("sandbox-write", "failed", "it\ncannot", "sudo x", code=Exit.FAILED)


def line_of(ended: Ended, check: str) -> str:
    return next(line for line in ended.out.splitlines() if f" {check}: " in line)


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

    assert ended.code == 0, ended.out
    assert ended.out.splitlines()[-1] == "all green"
    assert "FAILED" not in ended.out
    assert f"{codex_home} is writable" in ended.out
    assert [line_of(ended, f"sandbox-{part}")[:2] for part in ("command", "write", "refusal")] == [
        "ok",
        "ok",
        "ok",
    ]
    assert list(command.tmp.iterdir()) == []


@pytest.mark.real
def test_a_sound_machine_is_green_in_json(command: CommandLine, codex_home: str) -> None:
    ended = command.run("doctor", "--json", "--codex-home", codex_home)

    report = json.loads(ended.out)
    assert (ended.code, report["status"], report["exit_code"]) == (0, "ok", 0)
    assert {check["status"] for check in report["checks"].values()} == {"ok"}
    assert report["checks"]["handshake"]["duration"] > 0


@pytest.mark.real
def test_somebody_who_is_not_signed_in_is_told_and_still_green(command: CommandLine) -> None:
    ended = command.run("doctor")

    assert ended.code == 0, ended.out
    assert line_of(ended, "account").startswith("note ")
    assert line_of(ended, "account").endswith("codex login")


def test_no_codex_is_exit_code_4_and_names_the_install_command(command: CommandLine) -> None:
    ended = command.run("doctor", "--codex-bin", "/no/such/codex")

    assert ended.code == 4
    assert line_of(ended, "binary").endswith('fix: pip install "codex-runtime[codex]"')


def test_a_codex_that_is_too_old_names_the_upgrade(command: CommandLine, fake_codex: str) -> None:
    ended = command.run("doctor", "--codex-bin", fake_codex, env={"CODEX_FAKE": "old"})

    assert ended.code == 4
    assert line_of(ended, "handshake").endswith('fix: pip install -U "codex-runtime[codex]"')


def test_a_codex_that_does_not_start_names_how_to_see_why(command: CommandLine) -> None:
    ended = command.run("doctor", "--codex-bin", "/bin/false")

    assert ended.code == 4
    assert line_of(ended, "handshake").endswith("fix: /bin/false app-server </dev/null")


def test_a_codex_home_that_is_no_folder_is_a_failing_line(
    command: CommandLine, fake_codex: str
) -> None:
    (command.folder / "file").write_text("")

    ended = command.run("doctor", "--codex-bin", fake_codex, "--codex-home", "file")

    assert ended.code == 1
    assert line_of(ended, "codex-home").endswith("fix: mkdir -p -m 700 file")


def test_a_codex_home_that_cannot_be_written_is_a_failing_line(
    command: CommandLine, fake_codex: str
) -> None:
    # The fake says it lives in /proc, where not even root can make a file.
    ended = command.run("doctor", "--codex-bin", fake_codex, "--codex-home", "/proc/self")

    assert ended.code == 1
    assert line_of(ended, "codex-home").startswith("FAILED ")
    assert line_of(ended, "codex-home").endswith("fix: chmod u+rwx /proc/self")


def test_a_sandbox_that_runs_nothing_is_a_failing_line(
    command: CommandLine, fake_codex: str, tmp_path: Path
) -> None:
    ended = command.run(
        *("doctor", "--codex-bin", fake_codex, "--codex-home", str(tmp_path)),
        env={"CODEX_FAKE": "no-sandbox"},
    )

    assert ended.code == 1
    line = line_of(ended, "sandbox-command")
    assert "no command runs in the sandbox: exit 101: setting up failed; fix: " in line
    assert "sandbox-write" not in ended.out


def test_a_sandbox_that_does_not_hold_is_a_failing_line(
    command: CommandLine, fake_codex: str, tmp_path: Path
) -> None:
    ended = command.run(
        *("doctor", "--codex-bin", fake_codex, "--codex-home", str(tmp_path)),
        env={"CODEX_FAKE": "open-sandbox"},
    )

    assert ended.code == 1
    assert line_of(ended, "sandbox-write").startswith("ok ")
    assert "does not hold" in line_of(ended, "sandbox-refusal")
    assert list(command.tmp.iterdir()) == []


def test_a_codex_that_goes_away_in_between_is_a_failing_line(
    command: CommandLine, fake_codex: str, tmp_path: Path
) -> None:
    ended = command.run(
        *("doctor", "--codex-bin", fake_codex, "--codex-home", str(tmp_path)),
        env={"CODEX_FAKE": "gone"},
    )

    assert ended.code == 1
    assert line_of(ended, "server").startswith("FAILED ")
