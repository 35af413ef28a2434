"""Hooks that are commands: a real shell, and commands that try to hang, to flood and to stay."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runtime.hook_support import TURN, at_a_shell_turn, python
from runtime.support import PATIENCE

from codex_runtime import _hook_process
from codex_runtime._hook_book import HookBook
from codex_runtime._hook_changes import Subject
from codex_runtime._hook_process import MAX_ANSWER
from codex_runtime._hooking import HookRun, Outcome
from codex_runtime.errors import BlockedByHook, InvalidArgument, WorkingDirectoryMissing
from codex_runtime.inputs import Attachment, ExternalMessage
from codex_runtime.protocol import MentionInput
from codex_runtime.shell_hooks import ShellHook
from codex_runtime.state import TurnResult

pytestmark = pytest.mark.usefixtures("no_process_left")


# -- what it is told


async def test_it_gets_the_context_as_json(tmp_path: Path) -> None:
    items = [
        "Work.",
        Attachment("notes.md"),
        ExternalMessage("mail", "Hello."),
        MentionInput(name="n", path="p"),
    ]
    subject = Subject("t", None, "/srv/app", "gpt-x", items, "turn")
    _, entry = await at_a_shell_turn("cat >context.json", subject, cwd=tmp_path)
    told = json.loads((tmp_path / "context.json").read_text())
    assert entry.outcome == "noop"
    assert told.pop("correlation_id").startswith("hk-")
    assert told.pop("at") > 1_700_000_000
    assert told == {
        "version": "1.1",
        "phase": "pre_turn",
        "thread_id": "t",
        "turn_id": None,
        "turn_kind": "turn",
        "cwd": "/srv/app",
        "model": "gpt-x",
        "prompt": "Work.",
        "attachments": [
            {"type": "attachment", "path": "notes.md", "placeholder": None},
            {"type": "externalMessage", "source": "mail", "text": "Hello."},
            {"type": "mention", "name": "n", "path": "p"},
        ],
        "metadata": {},
        "status": None,
        "result": None,
        "error": None,
        "item_id": None,
        "tool_name": None,
        "tool_input": None,
    }


async def test_afterwards_it_is_told_how_it_went(tmp_path: Path) -> None:
    result = TurnResult("completed", "Done.", (), (), None, "--- a", None, "t", "u", 1.5)
    hook = ShellHook("h", "cat >>told.jsonl; echo >>told.jsonl", "post_turn", cwd=tmp_path)
    run = HookRun(HookBook(), [hook], remote=False)
    await run.after("post_turn", TURN, Outcome("ok", result))
    secret = "sk-" + "abcdefgh" * 4
    await run.after("post_turn", TURN, Outcome("error", error=ValueError(f"bad {secret}")))
    good, bad = map(json.loads, (tmp_path / "told.jsonl").read_text().splitlines())
    assert run.report().is_clean
    assert (good["status"], good["error"]) == ("ok", None)
    assert good["result"] == {
        "status": "completed",
        "text": "Done.",
        "diff": "--- a",
        "duration": 1.5,
    }
    assert (bad["status"], bad["result"]) == ("error", None)
    assert bad["error"] == {"type": "ValueError", "message": "ValueError: bad [redacted]"}


async def test_it_sees_the_variables_that_codex_sees_and_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for hooks")
    monkeypatch.setenv("CODEX_HOME", "/codex")
    await at_a_shell_turn("env >env.txt", cwd=tmp_path, env={"MINE": "yes"})
    seen = dict(line.split("=", 1) for line in (tmp_path / "env.txt").read_text().splitlines())
    assert (seen["CODEX_HOME"], seen["MINE"]) == ("/codex", "yes")
    assert "AWS_SECRET_ACCESS_KEY" not in seen


# -- what it answers


def echo(answer: Any, status: int = 0) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return f"cat <<'END'\n{text}\nEND\nexit {status}"


@pytest.mark.parametrize("answer", ["", " \n", "{}", {"action": "noop"}, {"action": "NoOp"}])
async def test_nothing_to_say(answer: Any) -> None:
    changed, entry = await at_a_shell_turn(echo(answer))
    assert (changed, entry.outcome, entry.issues) == (TURN, "noop", ())


async def test_a_change(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    attachments = [
        {"type": "attachment", "path": "notes.md", "placeholder": "notes"},
        {"type": "mention", "name": "n", "path": "app://n"},
    ]
    change = {
        "action": "mutate",
        "prompt": "Play.",
        "model": "gpt-y",
        "attachments": attachments,
        "metadata": {"seen": True},
    }
    changed, entry = await at_a_shell_turn(echo(change), Subject(cwd=str(tmp_path), input="Work."))
    assert (entry.outcome, entry.issues) == ("mutated", ())
    assert changed.model == "gpt-y"
    assert changed.input == [
        "Play.",
        Attachment("notes.md", "notes"),
        MentionInput(name="n", path="app://n"),
    ]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (echo({"action": "block", "message": "not today"}), "not today"),
        (echo({"action": "block"}), "blocked by hook (no message)"),
        (echo({"message": "not today"}, 2), "not today"),
        (echo("not today, sorry", 2), "not today, sorry"),
        (echo({"message": ""}, 2), '{"message": ""}'),
        (echo(["x"], 2), '["x"]'),
        ("exit 2", "blocked by hook (no message)"),
        ("echo from stderr >&2; exit 2", "from stderr"),
        (r"printf 'caf\351'; exit 2", "caf\ufffd"),
    ],
)
async def test_a_block(command: str, reason: str) -> None:
    with pytest.raises(BlockedByHook) as caught:
        await at_a_shell_turn(command)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("exit 1", "exited with status 1"),
        ("exit 127", "exited with status 127"),
        ("kill -9 $$", "was ended by SIGKILL"),
        ("echo out; echo 'no such rule' >&2; exit 3", "its last words were: no such rule"),
        (echo("fine!"), "no JSON object"),
        (echo("{"), "no JSON object"),
        (echo("[" * 100_000), "no JSON object"),
        (echo('"noop"'), "no JSON object"),
        (echo("null"), "no JSON object"),
        (r"printf '\377\376'", "no JSON object"),
        (echo({"prompt": "Play."}), "names no action"),
        (echo({"action": "allow"}), "names no action"),
        (echo({"action": "mutate", "promptOverride": "Play."}), "member 'promptOverride'"),
        (echo({"action": "mutate", "attachments": "x"}), "are no list"),
        (echo({"action": "mutate", "attachments": ["x"]}), "an attachment of its change"),
        (echo({"action": "mutate", "attachments": [{"type": "hologram"}]}), "an attachment"),
        (echo({"action": "mutate", "attachments": [{"type": "attachment"}]}), "an attachment"),
        (echo({"action": "mutate", "attachments": [{"type": "attachment", "x": 1}]}), "attachment"),
        (f"head -c {MAX_ANSWER + 1} /dev/zero", "wrote more than 1,048,576 bytes"),
    ],
)
async def test_garbage_is_an_issue_and_things_go_on(command: str, says: str) -> None:
    changed, entry = await at_a_shell_turn(command)
    assert (changed, entry.outcome) == (TURN, "failed")
    (issue,) = entry.issues
    assert issue.kind == "execution"
    assert says in issue.message
    with pytest.raises(BlockedByHook, match="a gate that fails blocks"):
        await at_a_shell_turn(command, gate=True)


async def test_values_that_cannot_be_used_are_left_out_one_by_one() -> None:
    change: Any = {"action": "mutate", "prompt": 7, "model": "gpt-y", "metadata": []}
    changed, entry = await at_a_shell_turn(echo(change))
    assert (changed.input, changed.model) == ("Work.", "gpt-y")
    assert [issue.kind for issue in entry.issues] == ["validation", "validation"]


async def test_secrets_in_its_last_words_are_not_kept() -> None:
    secret = "correct horse " + "battery"
    _, entry = await at_a_shell_turn(
        'echo "key: $MY_API_KEY" >&2; exit 1', env={"MY_API_KEY": secret}
    )
    assert "key: [redacted]" in entry.issues[0].message


async def test_only_the_last_words_are_kept() -> None:
    _, entry = await at_a_shell_turn(
        "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1"
    )
    assert entry.issues[0].message.endswith("xend")
    assert len(entry.issues[0].message) <= 1_000


# -- neither side waits for the other

MUCH = 10_000_000


async def test_one_that_fills_stdout_before_it_reads() -> None:
    command = python(
        f'import os, sys; os.write(2, b"e" * {MUCH}); os.write(1, b" " * {MAX_ANSWER}); '
        f"n = len(sys.stdin.buffer.read()); sys.exit(0 if n > {MUCH} else 1)"
    )
    _, entry = await at_a_shell_turn(command, Subject(input="x" * MUCH), timeout=PATIENCE)
    assert (entry.outcome, entry.issues) == ("noop", ())


async def test_one_that_floods_stdout_and_never_reads() -> None:
    command = python(f'import os; os.write(1, b"x" * {MUCH})')
    _, entry = await at_a_shell_turn(command, Subject(input="x" * MUCH), timeout=PATIENCE)
    assert "wrote more than" in entry.issues[0].message


async def test_one_that_does_not_read() -> None:
    _, entry = await at_a_shell_turn("exit 0", Subject(input="x" * MUCH), timeout=PATIENCE)
    assert entry.outcome == "noop"


def marks_ends(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path) -> None:
    """Have a function of the process write a line to the file `ends` whenever it has ended."""
    real = getattr(_hook_process, name)

    async def marking(*arguments: Any) -> None:
        await real(*arguments)
        with (folder / "ends").open("a") as file:
            print(name, file=file)

    monkeypatch.setattr(_hook_process, name, marking)


def until_ended(times: int) -> str:
    return f"while [ $(cat ends 2>/dev/null | wc -l) -lt {times} ]; do sleep 0.01; done"


async def test_one_that_closes_its_stdin_and_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks_ends(monkeypatch, "_feed", tmp_path)
    answer = echo({"action": "mutate", "model": "gpt-y"})
    command = f"exec <&-; {until_ended(1)}; {answer}"
    subject = Subject(input="x" * MUCH)
    changed, _ = await at_a_shell_turn(command, subject, cwd=tmp_path, timeout=PATIENCE)
    assert changed.model == "gpt-y"


async def test_one_that_closes_its_outputs_and_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks_ends(monkeypatch, "_read", tmp_path)
    command = f"exec >&- 2>&-; cat >/dev/null; {until_ended(2)}; exit 3"
    _, entry = await at_a_shell_turn(command, cwd=tmp_path, timeout=PATIENCE)
    assert entry.issues[0].message.endswith("exited with status 3")


# -- what cannot be run


async def test_a_folder_that_is_gone_is_an_issue(tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    hook = ShellHook("h", "exit 0", "pre_turn", cwd=place)
    place.rmdir()
    run = HookRun(HookBook(), [hook], remote=False)
    await run.before("pre_turn", TURN)
    assert str(place) in run.report().issues[0].message


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: ShellHook("h", " ", "pre_turn"), InvalidArgument),
        (lambda: ShellHook("h", "a\0b", "pre_turn"), InvalidArgument),
        (lambda: ShellHook("h", ["ls"], "pre_turn"), InvalidArgument),  # type: ignore[arg-type]  # not checked
        (lambda: ShellHook("h", "ls", "later"), InvalidArgument),  # type: ignore[arg-type]  # not checked
        (lambda: ShellHook("h", "ls", "pre_turn", env={"A=B": "c"}), InvalidArgument),
        (lambda: ShellHook("h", "ls", "pre_turn", cwd="/no/such/folder"), WorkingDirectoryMissing),
    ],
)
def test_what_cannot_be_run_is_refused(make: Callable[[], Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        make()
