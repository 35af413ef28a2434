"""Somebody at a real terminal is asked; and the terminal afterwards."""

import signal
from pathlib import Path

import pytest
from cli.support import CommandLine, Terminal

import codex_runtime
from codex_runtime.testing import ScriptedModel, assistant_message, shell, stall

PROMPT = "(Enter alone is no): "

PROGRAM = """
import os, sys, anyio
sys.path.insert(0, {tests!r})
from core.asking_support import COMMAND, QUESTIONS, request_of
from codex_runtime.terminal import ask_in_terminal

def command():
    return request_of(COMMAND, command="touch a", cwd="/repo")

async def ask(request, **options):
    print("answer:", await ask_in_terminal(**options)(request), flush=True)

{body}
"""


@pytest.fixture
def program(command: CommandLine) -> "type[Program]":
    Program.command = command
    return Program


class Program:
    """A program that asks, at a terminal."""

    command: CommandLine

    @classmethod
    def start(cls, body: str) -> Terminal:
        source = Path(codex_runtime.__file__).parent.parent
        tests = str(Path(__file__).parent.parent)
        script = cls.command.folder / "program.py"
        script.write_text(PROGRAM.format(tests=tests, body=body))
        return cls.command.program(str(script), env={"PYTHONPATH": str(source)})


def outside(model: ScriptedModel, beyond: Path) -> None:
    model.enqueue(
        shell(f"touch {beyond}", escalate=True, justification="because"), assistant_message("done")
    )


@pytest.mark.real
@pytest.mark.parametrize(("typed", "decision"), [("y", "allowed"), ("n", "denied"), ("", "denied")])
def test_only_a_yes_at_the_terminal_lets_a_command_run(
    typed: str, decision: str, command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    beyond = command.folder / "beyond"
    outside(model, beyond)
    terminal = command.at_terminal(*("run", "x", "--codex-home", codex_home, "--approve", "ask"))

    before = terminal.until(PROMPT)
    assert not beyond.exists()
    terminal.type(f"{typed}\r")

    assert terminal.end() == 0
    assert f"touch {beyond}" in before
    assert "because" in before
    assert f"command {decision} by ask_in_terminal" in terminal.seen
    assert beyond.exists() == (decision == "allowed")
    assert terminal.echoes


@pytest.mark.real
def test_ctrl_c_at_a_question_interrupts_the_turn_and_leaves_the_terminal_as_it_was(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    beyond = command.folder / "beyond"
    outside(model, beyond)
    terminal = command.at_terminal(*("run", "x", "--codex-home", codex_home, "--approve", "ask"))
    terminal.until(PROMPT)
    assert not terminal.echoes

    terminal.type("y\x03")

    assert terminal.end() == 3
    assert "No answer is needed any more: withdrawn." in terminal.seen
    assert not beyond.exists()
    assert terminal.echoes


@pytest.mark.real
def test_json_gets_the_decision_and_the_terminal_the_question(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(
        shell("touch /srv/x", escalate=True, justification="because"), assistant_message("done")
    )
    terminal = command.at_terminal(
        *("run", "x", "--codex-home", codex_home, "--approve", "ask", "--json")
    )

    terminal.until(PROMPT)
    terminal.type("n not today\r")

    assert terminal.end() == 0
    assert '"decision":"denied","by":"thread approver ask_in_terminal","reason":"not today"' in (
        terminal.seen
    )


@pytest.mark.real
def test_whoever_does_not_answer_says_no(
    command: CommandLine, model: ScriptedModel, codex_home: str
) -> None:
    model.enqueue(
        shell("touch /srv/x", escalate=True, justification="because"),
        stall(),
        assistant_message("x"),
    )
    terminal = command.at_terminal(*("run", "x", "--codex-home", codex_home, "--approve", "ask"))
    terminal.until(PROMPT)

    terminal.type("\x04")
    terminal.until("command refused by nobody")
    terminal.send(signal.SIGINT)

    assert terminal.end() == 3


@pytest.mark.parametrize("end", ["ask", "RULES"])
def test_ask_without_a_terminal_ends_before_anything_is_started(
    end: str, command: CommandLine
) -> None:
    (command.folder / "RULES.toml").write_text("")
    words = ("--approve", "RULES.toml", "--approve", "ask")[0 if end == "RULES" else 2 :]

    ended = command.run("run", "x", "--codex-bin", "/no/such/codex", *words)

    assert ended.code == 2
    assert "--approve ask needs a terminal on stdin and stderr" in ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_the_program_leaves_the_terminal_as_it_was(
    number: signal.Signals, program: type[Program]
) -> None:
    terminal = program.start("anyio.run(ask, command())")
    terminal.until(PROMPT)
    assert not terminal.echoes

    terminal.send(number)

    assert terminal.end() == -number
    assert terminal.echoes


def test_ctrl_c_leaves_the_terminal_as_it_was(program: type[Program]) -> None:
    terminal = program.start("anyio.run(ask, command())")
    terminal.until(PROMPT)

    terminal.type("\x03")

    assert terminal.end() == -signal.SIGINT
    assert terminal.echoes


SHELL = """
import signal, subprocess
if len(sys.argv) > 1:
    anyio.run(ask, command())
    sys.exit()
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen([sys.executable, __file__, "job"], process_group=0)
os.tcsetpgrp(0, job.pid)
os.waitpid(job.pid, os.WUNTRACED)
os.tcsetpgrp(0, os.getpgrp())
input("stopped; ")
os.tcsetpgrp(0, job.pid)
job.send_signal(signal.SIGCONT)
sys.exit(job.wait())
"""
"""What a shell does with a job that is stopped, and continued after Enter."""


def test_stopped_and_continued_the_question_goes_on(program: type[Program]) -> None:
    terminal = program.start(SHELL)
    terminal.until(PROMPT)

    terminal.type("\x1a")
    terminal.until("stopped; ")
    assert terminal.echoes
    terminal.type("\ny\r")

    terminal.until("answer: Allow(for_session=False)")
    assert terminal.end() == 0
    assert terminal.echoes


def test_what_is_typed_after_a_question_goes_to_whoever_reads_next(program: type[Program]) -> None:
    terminal = program.start(
        "from functools import partial\n"
        "anyio.run(partial(ask, command(), timeout=0.6))\n"
        "print('read:', repr(input('next? ')))"
    )
    terminal.until("answer: None")
    terminal.until("next? ")

    terminal.type("a whole line\n")

    terminal.until("read: 'a whole line'")
    assert terminal.end() == 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_is_typed_is_shown_once_and_a_secret_never(
    backend: str, program: type[Program]
) -> None:
    terminal = program.start(
        "q = {'id': 'q', 'header': 'h', 'question': 'What?'}\n"
        "qs = [q, {**q, 'id': 'r', 'isSecret': True}]\n"
        f"anyio.run(ask, request_of(QUESTIONS, questions=qs, isBlocking=True), backend='{backend}')"
    )
    terminal.until("(Enter leaves it out): ")
    terminal.type("plain\r")
    shown = terminal.until("(Enter leaves it out): ")
    terminal.type("hunter2\r")

    assert terminal.end() == 0
    assert shown.count("plain") == 1
    assert "answer: <Answers to q, r>" in terminal.seen
    assert "hunter2" not in terminal.seen


def test_a_program_in_the_background_asks_nobody_and_is_not_stopped(program: type[Program]) -> None:
    terminal = program.start(
        "import subprocess\n"
        "if len(sys.argv) > 1:\n"
        "    anyio.run(ask, command())\n"
        "else:\n"
        "    subprocess.run([sys.executable, __file__, 'x'], process_group=0, timeout=15)\n"
    )

    assert terminal.end() == 0
    assert terminal.seen.splitlines() == ["answer: None"]
