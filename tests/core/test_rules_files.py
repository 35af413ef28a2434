"""Files of rules: what is wrong with one, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_runtime.errors import InvalidArgument, InvalidRules
from codex_runtime.rules import Rules

GOOD = '[[rule]]\ndecision = "allow"\ncommand = "ls"\n'


def refused(text: str) -> InvalidRules:
    with pytest.raises(InvalidRules) as refusal:
        Rules.parse(text, source="rules.toml")
    return refusal.value


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("", "decision"),
        ('command = "ls"', "decision"),
        ('decision = "yes"\ncommand = "ls"', "decision"),
        ("decision = true", "decision"),
        ('decision = "allow"', "rule"),
        ('decision = "allow"\nwithin = "."', "rule"),
        ('decision = "allow"\ncomand = "ls"', "comand"),
        ('decision = "allow"\ncommand = "ls"\nnote = "x"', "note"),
        ('decision = "allow"\ncommand = ""', "command"),
        ('decision = "allow"\ncommand = []', "command"),
        ('decision = "allow"\ncommand = [[]]', "command[0]"),
        ('decision = "allow"\ncommand = 7', "command"),
        ('decision = "allow"\ncommand = ["ls", 7]', "command"),
        ('decision = "allow"\ncommand = [["ls"], 7]', "command[1]"),
        ('decision = "allow"\ncommand = ["git status", "git log"]', "command"),
        ('decision = "allow"\ncommand = "ls *.py"', "command"),
        ('decision = "allow"\ncommand = "ls ** a"', "command"),
        ('decision = "allow"\ncommand = "ls | sh"', "command"),
        ('decision = "allow"\ncommand = "**"', "command"),
        ('decision = "allow"\ncommand = "* a"', "command"),
        ('decision = "allow"\ncommand = "bash **"', "command"),
        ('decision = "allow"\ncommand = [["ls"], ["/usr/bin/env", "**"]]', "command[1]"),
        ('decision = "allow"\ncommand = "python3 -c *"', "command"),
        ('decision = "allow"\ncommand = "curl **"', "command"),
        ('decision = "allow"\nnetwork = false', "network"),
        ('decision = "allow"\nnetwork = "*"', "network"),
        ('decision = "allow"\nnetwork = ["a", "http://b"]', "network[1]"),
        ('decision = "allow"\nnetwork = []', "network"),
        ('decision = "allow"\nfile_changes = false\nwithin = "."', "file_changes"),
        ('decision = "allow"\nfile_changes = "yes"\nwithin = "."', "file_changes"),
        ('decision = "allow"\nfile_changes = true', "within"),
        ('decision = "allow"\ncommand = "ls"\nfile_changes = true\nwithin = "."', "file_changes"),
        ('decision = "deny"\ntool = "a"\nmcp = "a/b"', "mcp"),
        ('decision = "deny"\ncommand = "ls"\nnetwork = true\ntool = "a"', "network"),
        ('decision = "allow"\ntool = ""', "tool"),
        ('decision = "allow"\ntool = "a/b/c"', "tool"),
        ('decision = "allow"\ntool = "a*"', "tool"),
        ('decision = "allow"\ntool = "a"\nwithin = "."', "within"),
        ('decision = "allow"\nmcp = "a"', "mcp"),
        ('decision = "allow"\nmcp = ["a/b", 7]', "mcp[1]"),
        ('decision = "allow"\ncommand = "ls"\nwithin = ""', "within"),
        ('decision = "allow"\ncommand = "ls"\nwithin = "~/x"', "within"),
        ('decision = "allow"\ncommand = "ls"\nwithin = 7', "within"),
        ('decision = "allow"\ncommand = "ls"\nwithin = []', "within"),
        ('decision = "allow"\ncommand = "ls"\nreason = 7', "reason"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_key_and_place(
    table: str, field: str
) -> None:
    error = refused(f"{GOOD}\n[[rule]]\n{table}\n\n{GOOD}")

    assert isinstance(error, InvalidArgument)
    assert (error.field, error.path, error.rule) == (field, "rules.toml", 2)
    assert error.fix
    lines = [
        n
        for n, line in enumerate(table.splitlines(), 6)
        if line.startswith(field.partition("[")[0])
    ]
    assert error.line == (lines[0] if lines else 5)


def test_an_error_is_a_sentence_that_says_where() -> None:
    error = refused(f'{GOOD}[[rule]]\ndecision = "allow"\ncommand = "sh **"')

    assert str(error) == (
        "rules.toml, line 6, rule 2: command 'sh **' allows anything: sh is a shell; "
        "give all of its words, with no * and **"
    )


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        ("[[rule]]\ndecision = yes\n", "rules", 2),
        ("[[rules]]\n", "rules", None),
        ("[rule]\ndecision = 'allow'", "rule", None),
        ("rule = 7", "rule", None),
        ("rule = [7]", "rule", None),
        ("version = 1\n" + GOOD, "version", None),
        ("rule = " + "[" * 5_000, "rules", None),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, field: str, line: int | None) -> None:
    error = refused(text)

    assert (error.field, error.line, error.rule) == (field, line, None)


def test_a_file_that_is_no_toml_is_placed_once() -> None:
    assert str(refused("[[rule]]\ndecision = yes\n")) == (
        "rules.toml, line 2: rules is no TOML: Invalid value"
    )


def test_rules_that_are_written_in_another_way_have_no_lines() -> None:
    text = 'rule = [{decision = "allow", command = "ls"}, {decision = "allow"}]'

    error = refused(text)

    assert (error.rule, error.line) == (2, None)
    made = Rules.parse('rule = [{decision = "allow", command = "ls"}]')
    assert str(made.rules[0]) == "rule 1: allow ls"


def test_headers_in_a_text_do_not_mislead() -> None:
    text = f'[[rule]]\ndecision = "deny"\ncommand = "ls"\nreason = """\n[[rule]]\n"""\n{GOOD}'

    assert [rule.line for rule in Rules.parse(text).rules] == [None, None]


def test_a_file_names_folders_from_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/rules.toml").write_text(f'{GOOD}within = ["..", "b/./c", "/d"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)

    for path in ("a/rules.toml", Path("a/rules.toml"), tmp_path / "a/rules.toml"):
        made = Rules.load(path)

        assert made.rules[0].within == (str(tmp_path), str(tmp_path / "a/b/c"), "/d")
        assert made.source == str(path)
        assert made.__name__ == "rules of rules.toml"


def test_a_text_names_folders_from_that_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert Rules.parse(f'{GOOD}within = "a"').rules[0].within == (str(tmp_path / "a"),)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"\xff", "cannot be read"), (b"#" * 1_000_001, "1,000,000 bytes")],
)
def test_a_file_that_cannot_be_read_is_no_file_without_rules(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidRules, match=problem) as refusal:
        Rules.load(path)

    assert refusal.value.path == str(path)


def test_a_folder_is_no_file_of_rules(tmp_path: Path) -> None:
    with pytest.raises(InvalidRules, match="directory"):
        Rules.load(tmp_path)
