"""Rules of a file: what they say of a request, and why."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path
from typing import Any

import pytest
from core.asking_support import (
    COMMAND,
    ELICITATION,
    FILES,
    PERMISSIONS,
    QUESTIONS,
    TOOL,
    request_of,
)

from codex_runtime._rule import Subject
from codex_runtime.answers import Allow, Answer, Deny
from codex_runtime.protocol import types as t
from codex_runtime.rules import Rules


def rules(*tables: str, folder: str = "/srv") -> Rules:
    return Rules.parse("\n".join(f"[[rule]]\n{table}" for table in tables), folder=folder)


def run(made: Rules, script: str, **params: Any) -> Answer | None:
    wire = shlex.join(["/bin/bash", "-lc", script])
    return made.decide(request_of(COMMAND, **{"command": wire, "cwd": "/srv", **params}))


def reach(made: Rules, host: str, script: str = "", **params: Any) -> Answer | None:
    context = {"host": host, "protocol": "https"}
    wire = {"command": script} if script else {}
    return made.decide(request_of(COMMAND, networkApprovalContext=context, **wire, **params))


def patch(made: Rules, *paths: str) -> Answer | None:
    request = request_of(FILES)
    request.changes = tuple(
        t.FileUpdateChange(path=path, kind=t.AddPatchChangeKind(), diff="") for path in paths
    )
    return made.decide(request)


ALLOW = 'decision = "allow"\ncommand = "git **"'
ASK = 'decision = "ask"\ncommand = "git push **"'
DENY = 'decision = "deny"\ncommand = "git push --force **"\nreason = "never"'


async def test_rules_are_an_approver() -> None:
    made = rules(ALLOW, DENY)

    assert await made(request_of(COMMAND, command="git status")) == Allow()
    assert await made(request_of(COMMAND, command="git push --force")) == Deny("never")
    assert await made(request_of(COMMAND, command="ls")) is None
    assert made.__name__ == "rules of rules"
    assert repr(made) == "<rules of rules: 2 rules>"


@pytest.mark.parametrize("order", list(itertools.permutations([ALLOW, ASK, DENY])))
def test_the_strictest_rule_that_matches_decides_wherever_it_stands(order: tuple[str, ...]) -> None:
    made = rules(*order)

    assert run(made, "git status") == Allow()
    assert run(made, "git push") is None
    assert run(made, "git push --force") == Deny("never")
    assert run(made, "ls") is None


def test_a_no_says_which_rule_it_was() -> None:
    assert run(rules(ALLOW, 'decision = "deny"\ncommand = "**"'), "x") == Deny(
        "rule 2 of rules of rules denies it"
    )


def test_no_rules_say_nothing() -> None:
    assert run(Rules.parse(""), "ls") is None


@pytest.mark.parametrize(
    "written",
    [
        '"git log **"',
        '["git", "log", "**"]',
        '["git", "log", "..."]',
        '[["ls"], ["git", "log", "**"]]',
    ],
)
def test_a_command_can_be_written_in_several_ways(written: str) -> None:
    made = rules(f'decision = "allow"\ncommand = {written}')

    assert run(made, "git log -1") == Allow()
    assert run(made, "git status") is None


@pytest.mark.parametrize(
    "script",
    [
        "git status && git push --force",
        "git push --force > log",
        "cd x; git push --force origin",
        "sudo git push --force",
        "/usr/bin/git push --force",
        "GIT push --force",
        "bash -c 'git push --force'",
        "echo $(git push --force)",
        "A=1 git push --force $X",
    ],
)
def test_a_line_is_denied_if_anything_in_it_is(script: str) -> None:
    assert run(rules(ALLOW, DENY), script) == Deny("never")


@pytest.mark.parametrize(
    "script", ["git status && git log", "git status > x", "git log $x", "git status; ls"]
)
def test_a_line_of_several_commands_is_never_allowed(script: str) -> None:
    assert run(rules(ALLOW), script) is None


def test_a_rule_that_asks_keeps_a_line_from_being_allowed() -> None:
    made = rules(ALLOW, 'decision = "ask"\ncommand = "* --amend **"')

    assert run(made, "git commit") == Allow()
    assert run(made, "git --amend") is None


def test_a_no_may_be_about_any_program_and_whatever_its_words() -> None:
    made = rules(
        'decision = "deny"\ncommand = [["sudo", "**"], ["*", "-rf", "**"], ["/bin/dd", "**"]]'
    )

    for script in ("sudo", "sudo ls", "rm -rf /", "timeout 5 rm -rf /", "/bin/dd x"):
        assert isinstance(run(made, script), Deny)
    for script in ("rm -r /", "dd x", "ls"):
        assert run(made, script) is None


def test_a_yes_holds_within_its_folders_and_a_no_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/out").symlink_to("/")
    made = rules(
        'decision = "allow"\ncommand = "ls"\nwithin = "sub"',
        'decision = "deny"\ncommand = "rm **"\nwithin = ["sub", "/srv"]',
        folder=str(tmp_path),
    )

    assert run(made, "ls", cwd=f"{tmp_path}/sub/x") == Allow()
    for cwd in (str(tmp_path), f"{tmp_path}/sub/out", "", None):
        assert run(made, "ls", cwd=cwd) is None
    for cwd in (f"{tmp_path}/sub", "/srv/x", "", None):
        assert isinstance(run(made, "rm x", cwd=cwd), Deny)
    assert run(made, "rm x", cwd=str(tmp_path)) is None


async def test_rules_that_look_at_folders_do_so_in_a_thread(tmp_path: Path) -> None:
    made = rules('decision = "allow"\ncommand = "ls"\nwithin = "."', folder=str(tmp_path))

    assert await made(request_of(COMMAND, command="ls", cwd=str(tmp_path))) == Allow()


def test_a_yes_is_for_the_command_alone() -> None:
    made = rules('decision = "allow"\ncommand = "ls"')

    more = {"fileSystem": {"write": ["/"]}, "network": None}
    assert run(made, "ls", additionalPermissions=more) is None
    assert reach(made, "example.org", "ls") is None
    assert run(made, "ls", kind="writeStdin") is None


def test_a_no_is_for_whatever_comes_with_the_command() -> None:
    made = rules('decision = "deny"\ncommand = "ls **"')

    more = {"fileSystem": {"write": ["/"]}, "network": None}
    assert isinstance(run(made, "ls", additionalPermissions=more), Deny)
    assert isinstance(reach(made, "example.org", "ls"), Deny)
    assert reach(made, "example.org") is None


def test_hosts_have_rules_of_their_own_or_with_a_command() -> None:
    made = rules(
        'decision = "allow"\nnetwork = ["example.org", "*.example.net"]',
        'decision = "allow"\nnetwork = "crates.io"\ncommand = "cargo add **"',
        'decision = "deny"\nnetwork = "bad.example.net"',
    )
    anywhere = rules('decision = "ask"\nnetwork = true', 'decision = "allow"\nnetwork = "a"')

    assert reach(made, "example.org") == reach(made, "x.example.net", "anything; else") == Allow()
    assert isinstance(reach(made, "bad.example.net"), Deny)
    assert reach(made, "crates.io", "git fetch") is None
    assert reach(made, "crates.io") == Allow()
    assert reach(made, "other") is reach(anywhere, "a") is None
    assert run(made, "ls") is None


def test_a_command_with_a_host_may_leave_no_words_open_to_a_fetcher() -> None:
    made = rules('decision = "allow"\ncommand = "cargo add *"\nnetwork = "crates.io"', ALLOW)

    assert reach(made, "crates.io", "cargo add x") == Allow()
    assert reach(made, "crates.io", "cargo add x y") is None
    assert run(made, "cargo add x") is None


def test_files_have_to_be_within_to_be_allowed_and_one_is_enough_for_a_no(tmp_path: Path) -> None:
    made = rules(
        'decision = "allow"\nfile_changes = true\nwithin = "."',
        'decision = "deny"\nfile_changes = true\nwithin = "secret"',
        folder=str(tmp_path),
    )

    assert patch(made, f"{tmp_path}/a", f"{tmp_path}/b/c") == Allow()
    assert patch(made, f"{tmp_path}/a", "/etc/b") is None
    assert patch(made, f"{tmp_path}/.git/config") is None
    assert isinstance(patch(made, f"{tmp_path}/a", f"{tmp_path}/secret/b"), Deny)
    assert isinstance(patch(made), Deny)
    assert run(made, "ls", cwd=str(tmp_path)) is None


OWN = Deny("it changes the file of these rules")


async def test_no_rules_let_their_own_file_be_changed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/own.toml").write_text(
        '[[rule]]\ndecision = "allow"\nfile_changes = true\nwithin = ".."\n'
    )
    (tmp_path / "rules.toml").symlink_to("link/own.toml")
    (tmp_path / "twin.toml").hardlink_to(tmp_path / "real/own.toml")
    made = Rules.load(tmp_path / "link/../rules.toml")
    straight = Rules.load(tmp_path / "link/own.toml")

    for name in ("rules.toml", "link/own.toml", "real/own.toml", "real", "link", "twin.toml", "."):
        assert patch(made, f"{tmp_path}/x", f"{tmp_path}/{name}") == OWN, name
    moved = request_of(FILES)
    moved.changes = (
        t.FileUpdateChange(
            path=f"{tmp_path}/new",
            kind=t.UpdatePatchChangeKind(move_path=f"{tmp_path}/real/own.toml"),
            diff="",
        ),
    )
    assert await straight(moved) == OWN
    for name in ("x", "real/x", "link/x", "real/own.toml.bak"):
        assert patch(straight, f"{tmp_path}/{name}") == Allow(), name


def test_what_cannot_be_seen_to_be_another_file_is_taken_for_their_own(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    made = Rules.load(tmp_path / "rules.toml")

    assert patch(made, f"{tmp_path}/loop") == OWN
    assert patch(made, f"{tmp_path}/rules.toml/x") is None
    assert patch(made, f"{tmp_path}/x") is patch(made) is run(made, "rm rules.toml") is None


def test_changes_of_files_can_be_denied_anywhere() -> None:
    assert isinstance(patch(rules('decision = "deny"\nfile_changes = true'), "/a"), Deny)


def test_tools_have_rules_by_their_names() -> None:
    made = rules(
        'decision = "allow"\ntool = ["weather", "home/*"]',
        'decision = "deny"\ntool = "home/door"',
    )

    def call(tool: str, namespace: str | None = None) -> Answer | None:
        return made.decide(request_of(TOOL, tool=tool, namespace=namespace, arguments={}))

    assert call("weather") == call("light", "home") == Allow()
    assert isinstance(call("door", "home"), Deny)
    assert call("light") is call("weather", "x") is None


def test_tools_of_mcp_servers_have_rules_if_codex_asks() -> None:
    made = rules('decision = "allow"\nmcp = "files/*"', 'decision = "deny"\nmcp = "*/delete"')

    def call(server: str, tool: str | None) -> Answer | None:
        request = request_of(ELICITATION, serverName=server, mode="form", message="?")
        if tool is not None:
            request.item = t.McpToolCallItem(
                id="I", server=server, tool=tool, arguments={}, status="inProgress"
            )
        return made.decide(request)

    assert call("files", "read") == Allow()
    assert isinstance(call("files", "delete"), Deny)
    assert call("other", "read") is None
    # The server asks something of its own, whatever it pretends.
    assert call("files", None) is None


@pytest.mark.parametrize("method", [PERMISSIONS, QUESTIONS, "item/brandNew/request"])
def test_of_other_kinds_rules_say_nothing(method: str) -> None:
    assert rules('decision = "deny"\ncommand = "**"').decide(request_of(method)) is None


def test_an_explanation_says_what_comes_out_and_why_of_each_rule(tmp_path: Path) -> None:
    made = Rules.parse(
        '[[rule]]\ndecision = "allow"\ncommand = "git log **"\n\n'
        '[[rule]]\ndecision = "allow"\ncommand = "git status"\nwithin = "sub"\n'
        '[[rule]]\ndecision = "deny"\nnetwork = true\n',
        folder=tmp_path,
    )

    found = made.explain("/bin/bash -lc 'git status'", cwd=tmp_path / "sub")

    assert (found.command, found.argv) == ("git status", ("git", "status"))
    assert (found.outcome, found.rule) == ("allow", made.rules[1])
    assert [bool(each.mismatch) for each in found.results] == [True, False, True]
    assert str(found) == (
        "command: git status\n"
        "words:   'git' 'status'\n"
        f"cwd:     {tmp_path}/sub\n"
        "  rule 1 (line 1): allow git log **: word 2 is 'status', not 'log'\n"
        f"  rule 2 (line 5): allow git status, within {tmp_path}/sub: matches\n"
        "  rule 3 (line 9): deny reaching any host: it is about reaching any host\n"
        f"result:  allow: rule 2 (line 5): allow git status, within {tmp_path}/sub"
    )


@pytest.mark.parametrize(
    ("command", "outcome", "why"),
    [
        ("git log -1", "allow", "matches"),
        ("git", "no match", "it has 1 words, and 2 are needed"),
        ("git status", "no match", "word 2 is 'status', not 'log'"),
        ("git log; ls", "no match", "the line is not one plain command"),
        (
            "git log -c x",
            "no match",
            "git with -c runs or writes what it is told, and this rule leaves",
        ),
    ],
)
def test_an_explanation_says_why_a_rule_does_not_match(
    command: str, outcome: str, why: str
) -> None:
    found = rules('decision = "allow"\ncommand = "git log **"').explain(command)

    assert found.outcome == outcome
    assert (found.results[0].mismatch or "matches").startswith(why)
    assert found.cwd == str(Path.cwd())


def test_an_explanation_names_all_reasons_of_a_rule_with_several_patterns() -> None:
    made = rules('decision = "allow"\ncommand = [["ls"], ["cat", "*"]]', DENY)

    found = made.explain("ls x")

    assert (
        found.results[0].mismatch == "it has 2 words, and 1 are allowed; word 1 is 'ls', not 'cat'"
    )
    assert found.results[1].mismatch == "nothing that the line runs is git push --force **"
    assert found.reason.startswith("no rule matches")
    assert "words:   not one plain command" in str(made.explain("a | b"))


def test_an_explanation_gives_the_reason_of_the_rule_that_decides() -> None:
    found = rules(ALLOW, DENY).explain("git push --force")

    assert (found.outcome, found.reason) == (
        "deny",
        "rule 2 (line 4): deny git push --force ** (never)",
    )


def test_a_place_that_does_not_fit_is_explained(tmp_path: Path) -> None:
    made = rules('decision = "allow"\ncommand = "ls"\nwithin = "."', folder=str(tmp_path))

    found = made.explain("ls", cwd="/")

    assert found.results[0].mismatch == f"/ is not within {tmp_path}"


def test_a_slash_in_the_name_of_a_tool_hides_it_from_no_rule() -> None:
    for named in ("files/*", "*/*", "files/admin/del"):
        rules = Rules.parse(f'[[rule]]\ndecision = "deny"\nmcp = "{named}"\n')
        (found,) = rules.results(Subject("mcp", name="files/admin/del"))
        assert found.mismatch == ""
