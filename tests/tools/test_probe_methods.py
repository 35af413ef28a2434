"""Asking a codex which methods it has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import probe_methods
import pytest

from codex_runtime._handshake import MINIMUM_CODEX
from codex_runtime.protocol.methods import CLIENT_REQUESTS, INVENTORY

CODEX = """#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    print(json.dumps({"method": "configWarning", "params": {}}))
    if message["method"] == "initialize" and message["params"]:
        answer = {"result": {"userAgent": "probe/0.9.0 (Debian)"}}
    else:
        answer = {"error": {"code": -32600, "message": ANSWER(message["method"])}}
    print(json.dumps({"id": message["id"], **answer}), flush=True)
"""

OLDER = """
def ANSWER(method):
    if method.startswith("thread/"):
        return "Invalid request: invalid type: integer `0`, expected struct X"
    return f"Invalid request: unknown variant `{method}`, expected one of `initialize`"
"""


def codex_that(answers: str, folder: Path) -> str:
    """A codex that answers every method with a text of its own."""
    first, rest = CODEX.split("\n", 1)
    file = folder / "codex"
    file.write_text(f"{first}\n{answers}\n{rest}")
    file.chmod(0o755)
    return str(file)


def test_what_is_known_covers_the_protocol_and_the_versions_that_are_tested() -> None:
    known = probe_methods.read(probe_methods.FILE)

    assert {MINIMUM_CODEX, INVENTORY.codex_version} <= set(known)
    assert len(known) > 2
    for methods in known.values():
        assert list(methods) == list(CLIENT_REQUESTS)
    assert all(known[INVENTORY.codex_version].values())


@pytest.mark.real
def test_asking_the_installed_codex_again_writes_the_same(tmp_path: Path) -> None:
    file = tmp_path / "availability.json"
    before = probe_methods.FILE.read_text()
    file.write_text(before)

    assert probe_methods.main(["--file", str(file)]) == 0
    if not os.environ.get("CODEX_RUNTIME_BIN"):
        assert file.read_text() == before


def test_a_method_is_there_where_its_parameters_are_complained_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "availability.json"
    file.write_text('{"0.10.0": {}}')

    code = probe_methods.main(["--codex-bin", codex_that(OLDER, tmp_path), "--file", str(file)])

    known = json.loads(file.read_text())
    assert code == 0
    assert list(known) == ["0.9.0", "0.10.0"]
    assert {method for method, there in known["0.9.0"].items() if there} == {
        method for method in CLIENT_REQUESTS if method.startswith("thread/")
    }
    assert "codex 0.9.0 has" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("def ANSWER(method):\n    return 'not today'", "was answered with something else"),
        ("def ANSWER(method):\n    sys.exit(1)", "ended before it answered"),
    ],
)
def test_a_codex_that_answers_something_else_is_not_believed(
    answers: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "availability.json"
    binary = codex_that(f"import sys\n{answers}", tmp_path)

    assert probe_methods.main(["--codex-bin", binary, "--file", str(file)]) == 2
    assert words in capsys.readouterr().err
    assert not file.exists()


def test_a_codex_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none")

    assert probe_methods.main(["--codex-bin", missing, "--file", str(tmp_path / "x")]) == 2
    assert missing in capsys.readouterr().err
