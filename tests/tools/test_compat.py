"""Running the suite on other versions of codex."""

from __future__ import annotations

import re
from pathlib import Path

import compat
import pytest

from codex_runtime._handshake import MINIMUM_CODEX


def an_installed_version(version: str, cache: Path) -> Path:
    binary = cache / version / "codex_cli_bin/bin/codex"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return binary


def test_the_oldest_supported_version_is_among_those_that_are_tested() -> None:
    makefile = (compat.ROOT / "Makefile").read_text()

    [versions] = re.findall(r"^VERSIONS \?= (.*)$", makefile, re.MULTILINE)

    assert versions.split()[0] == MINIMUM_CODEX
    assert len(versions.split()) > 1


def test_a_version_that_is_there_is_not_fetched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = an_installed_version("0.1.0", tmp_path)

    assert compat.main(["0.1.0", "--cache", str(tmp_path), "--install-only"]) == 0
    assert str(binary) in capsys.readouterr().out


@pytest.mark.parametrize("version", ["latest", "1;true", "../x"])
def test_what_is_no_version_is_not_installed(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compat.main([version, "--cache", str(tmp_path), "--install-only"]) == 2
    assert "is no version" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_binary_is_filled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0.1.0").mkdir()
    (tmp_path / "0.1.0.partial").mkdir()
    script = "d=$0/codex_cli_bin/bin; mkdir -p $d; touch $d/codex; chmod +x $d/codex"

    def install_command(version: str, folder: Path) -> list[str]:
        return ["sh", "-ec", script, str(folder), version]

    monkeypatch.setattr(compat, "_install_command", install_command)

    binary = compat.installed("0.1.0", tmp_path)

    assert binary == tmp_path / "0.1.0/codex_cli_bin/bin/codex"
    assert binary.is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["0.1.0"]


def test_the_outcome_of_each_version_is_in_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_installed_version("0.1.0", tmp_path)
    # None of these tests is marked as real, so pytest runs none, which is not green.
    suite = str(Path(__file__))

    found = compat.tested("0.1.0", tmp_path / "codex", [suite])

    assert found.code == 1
    assert "RED (pytest's exit status 5)" in found.words
    assert compat.main(["0.1.0", "no", "--cache", str(tmp_path), "--install-only"]) == 2
    summary = capsys.readouterr().out
    assert re.search(r"^0\.1\.0 +installed", summary, re.MULTILINE)
    assert re.search(r"^no +cannot be installed", summary, re.MULTILINE)


def test_a_suite_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compat, "_SUITE_SECONDS", 0.01)

    found = compat.tested("0.1.0", tmp_path / "codex", ["tests/tools/test_compat.py"])

    assert found.code == 1
    assert "was not through" in found.words
