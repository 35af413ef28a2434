"""`codex-runtime rules check`, and who decides in `codex-runtime run`."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli.support import CommandLine
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime.cli._approving import NOT_ASKED, approvers_of, warnings_for
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._rules import Checked, check
from codex_runtime.cli._screen import Screen
from codex_runtime.errors import InvalidArgument
from codex_runtime.testing import (
    ScriptedModel,
    add_file,
    apply_patch,
    assistant_message,
    patch_text,
    shell,
)

RULES = """
[[rule]]
decision = "allow"
command = "touch **"

[[rule]]
decision = "deny"
command = "git push **"
reason = "a person\\u202e pushes"

[[rule]]
decision = "ask"
command = "make **"
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "RULES.toml").write_text(RULES)
    return str(tmp_path / "RULES.toml")


def texts(checked: Checked) -> list[str]:
    return [line.text for line in checked.lines]


@pytest.mark.parametrize(
    ("command", "code", "last"),
    [
        ("touch a", Exit.DONE, "allow: rule 1 (line 2): allow touch **"),
        ("/bin/bash -lc 'touch a'", Exit.DONE, "allow: rule 1 (line 2): allow touch **"),
        (
            "touch a; git push",
            Exit.DENIED,
            r"deny: rule 2 (line 6): deny git push ** (a person\u202e pushes)",
        ),
        ("make all", Exit.UNDECIDED, "ask: rule 3 (line 11): ask make **"),
        (
            "ls",
            Exit.UNDECIDED,
            (
                "no match: no rule matches; the next approver is asked, and if there is none it "
                "is refused"
            ),
        ),
    ],
)
def test_what_comes_out_is_the_exit_code_and_the_last_line(
    command: str, code: Exit, last: str, rules: str
) -> None:
    checked = check(rules, command, cwd="/")

    assert (checked.code, texts(checked)[-1]) == (code, last)
    assert checked.value["exit_code"] == int(code)


def test_it_is_explained_how_the_line_is_read_and_what_each_rule_makes_of_it(rules: str) -> None:
    assert texts(check(rules, "touch 'a b'", cwd="/srv"))[:-1] == [
        "command  touch 'a b'",
        "words    ['touch', 'a b']",
        "cwd      /srv",
        "  rule 1 (line 2): allow touch **: matches",
        "  rule 2 (line 6): deny git push **: nothing that the line runs is git push **",
        "  rule 3 (line 11): ask make **: nothing that the line runs is make **",
    ]
    assert texts(check(rules, "a | b\nc", cwd="/"))[:3] == [
        "command  a | b",
        "         c",
        "words    not one plain command: never allowed",
    ]


def test_a_no_says_when_nobody_is_asked_at_all(rules: str) -> None:
    assert texts(check(rules, "git push", cwd="/"))[-2] == f"note     {NOT_ASKED}"
    assert not any(NOT_ASKED in text for text in texts(check(rules, "touch a", cwd="/")))


def test_a_file_without_rules_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("# nothing yet\n")

    checked = check(str(tmp_path / "empty.toml"), None, cwd="/")

    assert (checked.code, [line.role for line in checked.lines]) == (Exit.DONE, ["warning"])
    assert "it holds no rules" in texts(checked)[0]


def test_a_folder_that_is_not_there_is_an_error(command: CommandLine, rules: str) -> None:
    ended = command.run("rules", "check", rules, "ls", "--cwd", "/no/such/folder")

    assert (ended.code, ended.out) == (2, "")
    assert "/no/such/folder is not a folder" in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "policy", "warned"),
    [
        (RULES, None, True),
        (RULES, "on-request", True),
        (RULES, "untrusted", False),
        ('[[rule]]\ndecision = "deny"\ntool = "x"\n', None, False),
    ],
)
def test_rules_about_commands_are_warned_of_where_not_all_are_asked_about(
    content: str, policy: Any, *, warned: bool, tmp_path: Path
) -> None:
    (tmp_path / "RULES.toml").write_text(content)
    approvers = approvers_of((str(tmp_path / "RULES.toml"), "edits"), Screen())

    lines = warnings_for(approvers, policy)

    assert [line.text for line in lines] == [f"rules: {NOT_ASKED}"] * warned


def test_the_warning_stands_on_stderr_before_the_run(command: CommandLine, rules: str) -> None:
    ended = command.run("run", "x", "--codex-bin", "/no/such/codex", "--approve", rules)

    assert ended.out == ""
    assert ended.err.startswith("rules: commands that stay inside the sandbox")


def test_programs_get_the_same_as_an_object(rules: str) -> None:
    value = check(rules, "touch a", cwd="/").value

    assert (value["schema_version"], value["valid"], value["outcome"]) == (1, True, "allow")
    assert (value["argv"], value["cwd"], value["rule"]) == (["touch", "a"], "/", 1)
    assert value["results"][0] == {
        "number": 1,
        "line": 2,
        "decision": "allow",
        "about": "touch **",
        "reason": None,
        "mismatch": None,
    }
    assert value["results"][2]["mismatch"] == "nothing that the line runs is make **"


def test_a_file_alone_is_only_checked(rules: str) -> None:
    checked = check(rules, None, cwd="/")

    assert checked.code is Exit.DONE
    assert texts(checked)[-1] == "in order: 3 rules"
    assert [each["decision"] for each in checked.value["rules"]] == ["allow", "deny", "ask"]


@given(st.text(max_size=40))
def test_no_command_reaches_the_terminal_as_anything_but_text(command: str) -> None:
    checked = check(str(Path(__file__).parent / "rules_for_tests.toml"), command, cwd="/")

    assert all(text.isprintable() or "\t" in text for text in texts(checked))


def test_a_file_that_cannot_be_used_is_said_where(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[[rule]]\ndecision = "perhaps"\n')

    checked = check(str(bad), "ls", cwd="/")

    assert checked.code is Exit.USAGE
    assert texts(checked) == [
        f"""error: {bad}, line 2, rule 1: decision is 'perhaps'; use "allow", "deny" or "ask\""""
    ]
    assert checked.value["error"] == {
        "field": "decision",
        "problem": "is 'perhaps'",
        "fix": 'use "allow", "deny" or "ask"',
        "rule": 1,
        "line": 2,
    }


def test_the_command_line_says_it_on_stdout_and_errors_on_stderr(
    command: CommandLine, rules: str
) -> None:
    good = command.run("rules", "check", rules, "git push", "--json")
    bad = command.run("rules", "check", "no/such.toml")

    assert (good.code, json.loads(good.out)["outcome"], good.err) == (5, "deny", "")
    assert (bad.code, bad.out) == (2, "")
    assert bad.err == "error: no/such.toml: rules cannot be read: No such file or directory\n"


def test_only_deny_is_nobody_to_be_asked() -> None:
    assert approvers_of((), Screen()) == ()
    assert approvers_of(("deny", "deny"), Screen()) == ()


def test_words_are_asked_in_their_order(rules: str) -> None:
    approvers = approvers_of((rules, "edits", "deny"), Screen())

    names = [getattr(approver, "__name__", "") for approver in approvers]
    assert names == ["rules of RULES.toml", "edits_within", "deny_all"]


@pytest.mark.parametrize("word", ["yes", "all", "", "Ask", ".", "no/such/rules"])
def test_a_word_that_names_nobody_is_refused(word: str) -> None:
    with pytest.raises(InvalidArgument, match="use deny, ask, edits, or the name of a file"):
        approvers_of((word,), Screen())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--approve", "everything"), "--approve is 'everything'"),
        (("--approve", "no/such.toml"), "no/such.toml: rules cannot be read"),
        (("--approve", "edits", "--approve", "bad.toml"), "bad.toml: rules is no TOML"),
        (("--policy", "never"), "never"),
    ],
)
def test_nobody_to_decide_ends_before_anything_is_started(
    words: tuple[str, ...], said: str, command: CommandLine
) -> None:
    (command.folder / "bad.toml").write_text("[[rule")

    ended = command.run("run", "x", "--codex-bin", "/no/such/codex", *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.replace("│", " ").split())


def decisions(out: str) -> list[tuple[Any, ...]]:
    events = [json.loads(line) for line in out.splitlines()]
    return [
        (each["params"]["requestMethod"], each["params"]["decision"], each["params"]["by"])
        for each in events
        if each.get("method") == "request/decided"
    ]


COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"


@pytest.mark.real
def test_rules_and_edits_decide_and_every_decision_is_an_event(
    command: CommandLine, model: ScriptedModel, codex_home: str, rules: str
) -> None:
    beyond = Path(codex_home) / "beyond"
    (command.folder / "repo").mkdir()
    model.enqueue(
        shell(f"touch {beyond}", escalate=True, justification="because"),
        shell("git push", escalate=True, justification="because"),
        shell("make it", escalate=True, justification="because"),
        apply_patch(patch_text(add_file("new.txt", "hello\n"))),
        assistant_message("done"),
    )

    ended = command.run(
        *("run", "x", "--json", "--codex-home", codex_home, "--cwd", "repo"),
        *("--approve", rules, "--approve", "edits"),
    )

    assert ended.code == 0
    assert decisions(ended.out) == [
        (COMMAND, "allowed", "thread approver rules of RULES.toml"),
        (COMMAND, "denied", "thread approver rules of RULES.toml"),
        (COMMAND, "refused", "nobody"),
        (FILES, "allowed", "thread approver edits_within"),
    ]
    assert beyond.exists()
    assert (command.folder / "repo" / "new.txt").read_text() == "hello\n"


@pytest.mark.real
def test_edits_are_not_allowed_beyond_the_folder(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    beyond = command.folder / "beyond.txt"
    (command.folder / "repo").mkdir()
    model.enqueue(apply_patch(patch_text(add_file(str(beyond), "x\n"))), assistant_message("done"))

    ended = command.run(
        "run", "x", "--codex-home", codex_home, "--cwd", "repo", "--approve", "edits"
    )

    assert ended.code == 0
    assert "file change refused by nobody" in ended.err
    assert not beyond.exists()


@pytest.mark.real
def test_untrusted_asks_about_each_command(
    command: CommandLine, model: ScriptedModel, codex_home: str, rules: str
) -> None:
    model.enqueue(shell("ls"), assistant_message("done"))

    ended = command.run(
        *("run", "x", "--json", "--codex-home", codex_home, "--approve", rules),
        *("--policy", "untrusted"),
    )

    assert ended.code == 0
    assert decisions(ended.out) == [(COMMAND, "refused", "nobody")]


@pytest.mark.real
def test_without_a_word_nothing_is_asked(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    beyond = command.folder / "beyond"
    model.enqueue(
        shell(f"touch {beyond}", escalate=True, justification="because"), assistant_message("done")
    )

    ended = command.run("run", "x", "--json", "--codex-home", codex_home, "--approve", "deny")

    assert ended.code == 0
    assert decisions(ended.out) == []
    assert not beyond.exists()
