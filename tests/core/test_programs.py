"""Programs that run whatever they are told, by their names and words."""

import pytest

from codex_runtime._programs import hands_on, kind_of, runs_anything


@pytest.mark.parametrize(
    "program",
    [
        *("sh", "bash", "/bin/bash", "./zsh", "dash", "fish", "pwsh", "cmd.exe", "bash-5.2"),
        *(
            "python",
            "python3",
            "python3.12",
            "/usr/bin/python3",
            "./python3",
            "PYTHON3",
            "Python.EXE",
        ),
        *("python3-dbg", "pypy3", "node", "node20", "perl", "perl5.36", "ruby", "php8.2", "lua5.4"),
        *("Rscript", "awk", "gawk", "sed", "gsed", "make", "gmake", "osascript", "tclsh"),
        *("env", "/usr/bin/env", "/usr/bin/../bin/env", "genv", "sudo", "doas", "nohup", "nice"),
        *("timeout", "gtimeout", "xargs", "time", "watch", "ssh", "busybox", "parallel", "setsid"),
        *("stdbuf", "flock", "chroot", "unshare", "script", "npx", "uvx", "su", "strace"),
        *("/lib64/ld-linux-x86-64.so.2", "ld.so", r"C:\Windows\System32\cmd.exe"),
        *("curl", "/usr/bin/curl", "wget", "CURL", "nc", "http"),
        *("eval", "exec", "command", "source", ".", "test", "[", "printf", "read"),
        *("pytest", "pytest-3", "/usr/bin/pytest", "py.test", "cp", "gcp", "mv", "ln", "install"),
        *("tee", "dd", "rsync"),
    ],
)
def test_what_runs_anything_is_known_whatever_its_name_looks_like(program: str) -> None:
    assert kind_of(program)
    assert runs_anything((program, "x")) == f"{program} is {kind_of(program)}"


@pytest.mark.parametrize(
    "program",
    ["git", "ls", "cat", "rg", "cargo", "go", "grep", "echo", "sha256sum", "stat", "", "/"],
)
def test_other_programs_are_none_of_these(program: str) -> None:
    assert kind_of(program) == ""
    assert runs_anything((program, "x")) == ""


@pytest.mark.parametrize(
    "line",
    [
        "find . -exec rm {} +",
        "find . -execdir rm {} +",
        "find . -delete",
        "/usr/bin/find . -ok rm {} +",
        "git -c core.pager=x log",
        "git --exec-path=/tmp log",
        "git grep -Oless x",
        "git grep --open-files-in-pager=x y",
        "git log --output=/etc/x",
        "git log --outp=/etc/x",
        "git rebase -x make",
        "git bisect run x",
        "git submodule foreach x",
        "git -C x status",
        "git -Cx status",
        "git hook run x",
        "git archive --remote=x HEAD",
        "git worktree add /etc/x",
        "cmake -P x",
        "cmake -E env x",
        "npm test --script-shell=x",
        "yarn test --script-shell x",
        "pnpm --script-shell x test",
        "docker run x",
        "docker --context y run x",
        "docker exec x y",
        "kubectl exec x",
        "npm exec x",
        "npm run x",
        "uv run x",
        "uv tool run x",
        "cargo run",
        "go run x",
        "go test -exec x",
        "rg --pre x y",
        "rsync -e x a b",
        "rsync -ave x a b",
        "sort --compress-program=x",
        "sort -o/etc/x",
        "tar --to-command=x -f y",
        "tar -xIx -f y",
        "GIT -c x",
        "git clone -u x y",
        "git clone --template=x y",
        "go test --exec x",
        "go vet --vettool=x",
        "tar cIf x y z",
        "bsdtar --use-compress-program x",
        "fdfind -x rm",
        "zip a b -TTx",
        "pip3.11 install x",
        "npm exe x",
    ],
)
def test_words_with_which_others_run_others_are_known(line: str) -> None:
    assert runs_anything(tuple(line.split()))


@pytest.mark.parametrize(
    "line",
    [
        "find . -name x",
        "git status",
        "git log --oneline -p -5",
        "git diff --cached",
        "docker ps",
        "npm test",
        "uv sync",
        "cargo test --all",
        "go test ./...",
        "rg x",
        "sort -u x",
        "tar -tf x",
        "git log --",
    ],
)
def test_other_words_are_fine(line: str) -> None:
    assert runs_anything(tuple(line.split())) == ""


def test_no_words_run_nothing() -> None:
    assert runs_anything(()) == ""


def test_what_writes_only_where_it_is_told_hands_no_command_on() -> None:
    assert not hands_on(("cp", "git", "push"))
    assert hands_on(("rsync", "-e", "git push", "a", "b"))
