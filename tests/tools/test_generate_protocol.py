"""The program that writes the generated modules."""

from pathlib import Path

import generate_protocol
import pytest
from support_protocol import ROOT


def test_the_generated_modules_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_protocol.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_module_is_shown_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_protocol.main(["--out", str(tmp_path)])
    module = tmp_path / "types.py"
    module.write_text(module.read_text().replace('"""Path of', '"""Place of', 1) + "# edited\n")
    edited = module.read_text()

    assert generate_protocol.main(["--out", str(tmp_path), "--check"]) == 1
    assert "-# edited" in capsys.readouterr().out
    assert module.read_text() == edited


def test_a_missing_module_is_stale_and_is_written(tmp_path: Path) -> None:
    assert generate_protocol.main(["--out", str(tmp_path), "--check"]) == 1
    assert generate_protocol.main(["--out", str(tmp_path)]) == 0
    assert generate_protocol.main(["--out", str(tmp_path), "--check"]) == 0
    for name in ("types.py", "methods.py"):
        committed = ROOT / "src/codex_runtime/protocol" / name
        assert (tmp_path / name).read_bytes() == committed.read_bytes()
