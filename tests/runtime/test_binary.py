"""Where codex is looked for, and in which order."""

import platform
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from codex_runtime import CodexNotFound
from codex_runtime._binary import find_codex


def program(path: Path, mode: int = 0o700) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.chmod(mode)
    return path


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH; neither variable nor wheel."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CODEX_RUNTIME_BIN", raising=False)
    the_wheel_is(monkeypatch, None)
    return folder


def the_wheel_is(monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None) -> None:
    def find_spec(_name: str) -> ModuleSpec | None:
        return spec

    monkeypatch.setattr("importlib.util.find_spec", find_spec)


def wheel(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    spec = ModuleSpec("codex_cli_bin", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    the_wheel_is(monkeypatch, spec)
    return program(folder / "bin" / "codex")


def test_the_order_is_explicit_then_variable_then_wheel_then_path(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_path = program(on_path / "codex")
    assert (find_codex().path, find_codex().source) == (of_path, "$PATH")

    of_wheel = wheel(monkeypatch, tmp_path / "codex_cli_bin")
    assert (find_codex().path, find_codex().source) == (of_wheel, "openai-codex-cli-bin")

    of_variable = program(tmp_path / "variable" / "codex")
    monkeypatch.setenv("CODEX_RUNTIME_BIN", str(of_variable))
    assert (find_codex().path, find_codex().source) == (of_variable, "$CODEX_RUNTIME_BIN")

    explicit = program(tmp_path / "explicit" / "my-codex")
    assert find_codex(explicit).path == explicit
    assert find_codex(str(explicit)).source == "codex_bin"


def test_a_bare_name_is_looked_up_as_a_shell_would(on_path: Path) -> None:
    other = program(on_path / "codex-next")
    assert find_codex("codex-next").path == other


def test_a_home_folder_is_understood(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = program(tmp_path / "codex")
    assert find_codex("~/codex").path == own


def test_a_relative_path_is_made_absolute(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = program(tmp_path / "tools" / "codex")
    assert find_codex("tools/codex").path == own


@pytest.mark.parametrize("mode", [None, 0o600])
def test_a_place_that_is_named_but_wrong_is_the_end_of_the_search(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None
) -> None:
    program(on_path / "codex")
    wrong = tmp_path / "wrong"
    if mode:
        program(wrong, mode)
    with pytest.raises(CodexNotFound) as caught:
        find_codex(wrong)
    assert list(caught.value.tried) == [f"codex_bin: {wrong} is not an executable file"]
    monkeypatch.setenv("CODEX_RUNTIME_BIN", str(wrong))
    with pytest.raises(CodexNotFound, match="CODEX_RUNTIME_BIN"):
        find_codex()


def test_a_folder_is_no_binary(on_path: Path, tmp_path: Path) -> None:
    with pytest.raises(CodexNotFound):
        find_codex(tmp_path)


def test_where_there_is_none_each_place_is_named_and_the_cure(on_path: Path) -> None:
    with pytest.raises(CodexNotFound) as caught:
        find_codex()
    assert list(caught.value.tried) == [
        "$CODEX_RUNTIME_BIN: not set",
        "openai-codex-cli-bin: none",
        "$PATH: none",
    ]
    assert 'pip install "codex-runtime[codex]"' in str(caught.value)


def test_a_wheel_without_its_binary_is_passed_over(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(monkeypatch, tmp_path / "codex_cli_bin").unlink()
    of_path = program(on_path / "codex")
    assert find_codex().path == of_path


# -- npm puts a Node script in front of the real executable

MACHINE = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
TRIPLE = f"{MACHINE}-{'apple-darwin' if sys.platform == 'darwin' else 'unknown-linux-musl'}"
HOISTED = f"lib/node_modules/@openai/codex-linux-x64/vendor/{TRIPLE}/codex/codex"
NESTED = (
    "lib/node_modules/@openai/codex/node_modules/@openai/codex-linux-x64"
    f"/vendor/{TRIPLE}/codex/codex"
)
OWN = f"lib/node_modules/@openai/codex/vendor/{TRIPLE}/codex/codex"
OWN_BIN = f"lib/node_modules/@openai/codex/vendor/{TRIPLE}/bin/codex"


@pytest.mark.parametrize("layout", [HOISTED, NESTED, OWN, OWN_BIN])
def test_the_executable_behind_npms_script_is_taken(
    on_path: Path, tmp_path: Path, layout: str
) -> None:
    script = program(tmp_path / "lib/node_modules/@openai/codex/bin/codex.js")
    (on_path / "codex").symlink_to(script)
    real = program(tmp_path / layout)
    assert find_codex().path == real


def test_of_executables_for_several_machines_this_machines_is_taken(
    on_path: Path, tmp_path: Path
) -> None:
    script = program(tmp_path / "lib/node_modules/@openai/codex/bin/codex.js")
    (on_path / "codex").symlink_to(script)
    for triple in ("aaarch-some-thing", "riscv-unknown-linux-musl", "x86_64-pc-windows-msvc"):
        program(tmp_path / OWN.replace(TRIPLE, triple))
    real = program(tmp_path / OWN)
    assert find_codex().path == real


def test_npms_script_is_taken_where_there_is_nothing_behind_it(
    on_path: Path, tmp_path: Path
) -> None:
    script = program(tmp_path / "lib/node_modules/@openai/codex/bin/codex.js")
    link = on_path / "codex"
    link.symlink_to(script)
    program(tmp_path / HOISTED, 0o600)
    assert find_codex().path == link


def test_an_executable_of_another_package_is_not_taken_for_codex(
    on_path: Path, tmp_path: Path
) -> None:
    script = program(tmp_path / "lib/node_modules/@openai/codex/bin/codex.js")
    (on_path / "codex").symlink_to(script)
    program(tmp_path / f"lib/node_modules/@openai/agents/vendor/{TRIPLE}/codex/codex")
    assert find_codex().path == on_path / "codex"


def test_a_symbolic_link_to_a_real_executable_is_left_as_it_is(
    on_path: Path, tmp_path: Path
) -> None:
    real = program(tmp_path / "opt" / "codex")
    link = on_path / "codex"
    link.symlink_to(real)
    assert find_codex().path == link
