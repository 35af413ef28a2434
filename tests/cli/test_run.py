"""`codex-runtime run` on the real binary and the scripted model."""

import json
import os
import shlex
import signal
import time
from pathlib import Path
from typing import IO, Any

import pytest
from cli.support import PATIENCE, CommandLine, Ended, servers_of

from codex_runtime.testing import (
    ScriptedModel,
    add_file,
    apply_patch,
    assistant_message,
    fail,
    patch_text,
    shell,
    stall,
    together,
)

pytestmark = pytest.mark.real


def lines_of(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def until(stream: IO[str] | None, words: str) -> None:
    """Read lines until one holds `words`. Bounded by the suite's own timeout."""
    assert stream is not None
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"the stream ended before {words!r}")


def test_stdout_gets_the_answer_and_nothing_else(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(
        together(assistant_message("I look.", phase="commentary"), shell("echo 'it is' here")),
        assistant_message("It is here.\nReally.", phase="final_answer"),
    )

    ended = command.run("run", "Where is it?", "--codex-home", codex_home)

    assert (ended.code, ended.out) == (0, "It is here.\nReally.\n")
    progress = ended.err.splitlines()
    assert progress[0].startswith("codex 0.")
    assert progress[1:5] == ["I look.", "$ echo 'it is' here", "  it is here", "  exit 0"]
    assert progress[-1].startswith("completed in ")
    assert "tokens in" in progress[-1]
    model.assert_complete()


def test_every_event_is_a_line_of_json(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(assistant_message("Hello there"))

    ended = command.run("run", "Hi", "--json", "--codex-home", codex_home)

    first, *events, last = lines_of(ended)
    assert ended.code == 0
    assert (first["schema_version"], first["type"]) == (1, "run.started")
    assert {event["type"] for event in events} == {"event"}
    assert events[-1]["method"] == "turn/completed"
    assert events[-1]["params"]["turn"]["id"] == first["turn_id"]
    assert "Hello " in [e["params"]["delta"] for e in events if e["method"].endswith("/delta")]
    assert (last["type"], last["exit_code"], last["status"], last["text"]) == (
        "run.ended",
        0,
        "completed",
        "Hello there",
    )
    assert last["usage"]["total_tokens"] > 0


def test_a_prompt_can_come_from_stdin(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(assistant_message("ok"))

    ended = command.run("run", "-", "--codex-home", codex_home, stdin="Say ok.\nNow.\n")

    assert (ended.code, ended.out) == (0, "ok\n")
    assert model.last_call.user_text == "Say ok.\nNow.\n"


def test_model_effort_and_schema_reach_the_model(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    (command.folder / "schema.json").write_text(json.dumps(schema))
    model.enqueue(assistant_message("{}"))

    ended = command.run(
        *("run", "x", "--codex-home", codex_home, "--output-schema", "schema.json"),
        *("--model", "gpt-5.4", "--effort", "low"),
    )

    assert (ended.code, ended.out) == (0, "{}\n")
    assert model.last_call.raw["text"]["format"]["schema"] == schema
    assert model.last_call.model == "gpt-5.4"
    assert model.last_call.raw["reasoning"]["effort"] == "low"


def test_without_a_word_nothing_can_be_written(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(shell("echo x > written"), assistant_message("no"))

    ended = command.run("run", "x", "--codex-home", codex_home)

    assert ended.code == 0
    # Not asked of stderr: a command that the sandbox stops at once is no item (seen on 0.163).
    assert "Read-only file system" in model.last_call.last_tool_output
    assert not (command.folder / "written").exists()


def test_workspace_write_writes_in_the_folder_and_is_refused_beyond_it(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    (command.folder / "repo").mkdir()
    beyond = Path(codex_home) / "beyond"
    model.enqueue(
        apply_patch(patch_text(add_file("written.txt", "hello\n"))),
        shell(f"touch {beyond}", escalate=True, justification="because"),
        assistant_message("done"),
    )

    ended = command.run(
        *("run", "x", "--codex-home", codex_home, "--cwd", "repo"),
        *("--sandbox", "workspace-write"),
    )

    assert ended.code == 0
    assert "add written.txt +1\n  +hello\n" in ended.err
    assert (command.folder / "repo" / "written.txt").read_text() == "hello\n"
    assert "not run: declined" in ended.err
    assert not beyond.exists()


def test_what_the_model_and_its_commands_write_cannot_drive_the_terminal(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(
        shell("printf '\\033]0;owned\\007\\033[31mred\\033[0m\\n'"),
        assistant_message("\x1b[2J\x1b]52;c;eA==\x07clean\x9b1m", chunks=1),
    )

    ended = command.run("run", "x", "--codex-home", codex_home)

    assert ended.out == "clean\n"
    assert "  red\n" in ended.err
    assert "\x1b" not in ended.out + ended.err


def test_a_failed_turn_is_exit_code_1_and_says_why(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(fail(status=400, message="no such thing"))

    ended = command.run("run", "x", "--codex-home", codex_home)

    assert (ended.code, ended.out) == (1, "")
    assert "failed: " in ended.err
    assert "no such thing" in ended.err


def test_a_failed_turn_in_json_carries_the_servers_error(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(fail(status=400, message="no such thing"))

    ended = command.run("run", "x", "--codex-home", codex_home, "--json")

    last = lines_of(ended)[-1]
    assert (ended.code, last["exit_code"], last["status"]) == (1, 1, "failed")
    assert last["error"]["type"] == "TurnFailed"
    assert "no such thing" in last["error"]["message"]
    assert last["error"]["info"] == "other"
    assert last["thread_id"]


def test_a_folder_that_does_not_exist_is_exit_code_2_and_named_whole(
    command: CommandLine, codex_home: str
) -> None:
    ended = command.run("run", "x", "--codex-home", codex_home, "--cwd", "no/such")

    assert ended.code == 2
    assert f"{command.folder}/no/such is not a folder" in ended.err


def test_no_codex_is_exit_code_4_also_in_json(command: CommandLine) -> None:
    ended = command.run("run", "x", "--codex-bin", "/no/such/codex", "--json")

    (only,) = lines_of(ended)
    assert ended.code == 4
    assert (only["schema_version"], only["error"]["type"]) == (1, "CodexNotFound")
    assert "/no/such/codex is not an executable file" in ended.err


def test_a_codex_that_is_too_old_is_exit_code_4(command: CommandLine, fake_codex: str) -> None:
    ended = command.run("run", "x", "--codex-bin", fake_codex, env={"CODEX_FAKE": "old"})

    assert ended.code == 4
    assert "codex 0.133.0 is not supported, 0.154.0 or newer is required" in ended.err


def test_a_codex_that_ends_at_once_is_exit_code_4(command: CommandLine) -> None:
    assert command.run("run", "x", "--codex-bin", "/bin/false").code == 4


def test_a_turn_that_takes_too_long_is_exit_code_124(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(stall())

    ended = command.run("run", "x", "--codex-home", codex_home, "--timeout", "0.5")

    assert ended.code == 124
    assert "was stopped after 0.5 s of active time" in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_turn_and_waits_for_its_end(
    number: signal.Signals, command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(stall("half a sentence"))
    process = command.start("run", "x", "--codex-home", codex_home, "--json")
    until(process.stdout, "agentMessage/delta")

    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)

    *_, before, last = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 3
    assert before["method"] == "turn/completed"
    assert (last["status"], last["exit_code"]) == ("interrupted", 3)
    assert servers_of(Path(codex_home)) == []


def test_who_is_not_signed_in_and_where_is_told_first(
    command: CommandLine, fake_codex: str
) -> None:
    home = command.folder / "new home"
    process = command.start(
        *("run", "x", "--codex-bin", fake_codex, "--codex-home", str(home), "--json"),
        env={"CODEX_FAKE": "no-account"},
    )
    until(process.stdout, "run.started")

    assert process.stderr is not None
    assert [process.stderr.readline() for _ in range(2)] == [
        f"created CODEX_HOME {home}\n",
        f"warning: not signed in; sign in with: CODEX_HOME='{home}' {fake_codex} login\n",
    ]


def test_a_second_signal_leaves_at_once(
    command: CommandLine, fake_codex: str, tmp_path: Path
) -> None:
    process = command.start("run", "x", "--codex-bin", fake_codex, "--cwd", str(tmp_path))
    until(process.stderr, "codex 0.163.0")
    process.send_signal(signal.SIGINT)
    until(process.stderr, "once more to leave at once")
    began = time.monotonic()

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert time.monotonic() - began < 5
    assert "left before the turn had ended" in err


def test_a_signal_before_the_turn_leaves_and_ends_the_server(command: CommandLine) -> None:
    begun = command.folder / "begun"
    os.mkfifo(begun)
    silent = command.folder / "silent-codex"
    silent.write_text(f"#!/bin/sh\necho x > {shlex.quote(str(begun))}\nexec cat >/dev/null\n")
    silent.chmod(0o700)
    process = command.start("run", "x", "--codex-bin", str(silent), "--json")
    begun.read_text()

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)

    (only,) = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 3
    assert (only["schema_version"], only["type"], only["exit_code"]) == (1, "run.ended", 3)
    assert servers_of(command.folder) == []


def test_a_reader_that_has_seen_enough_ends_the_run_without_noise(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(assistant_message("word " * 2000, delay=0.001))
    process = command.start("run", "x", "--codex-home", codex_home, "--json")
    until(process.stdout, "agentMessage/delta")
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()
    err = process.stderr.read()
    process.wait(timeout=PATIENCE)

    assert process.returncode == 1
    assert err == ""
    assert servers_of(Path(codex_home)) == []
