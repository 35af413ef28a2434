"""A whole turn, as a person sees it and as a program reads it."""

import io
import json
import re

import pytest

from codex_runtime import protocol as p
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._screen import Screen
from codex_runtime.cli._views import HumanView, JsonView, Opened, error_lines
from codex_runtime.errors import ConnectionLost, TurnFailed
from codex_runtime.state import TurnResult

OPENED = Opened("0.163.0", "gpt-5.5", "read-only", "/w", "T", "U")
RESULT = TurnResult("completed", "It is done.", (), (), None, "", None, "T", "U", 1.0)
LS = p.CommandExecutionItem(id="c", command="ls", command_actions=[], cwd="/w", status="inProgress")
LS_DONE = p.CommandExecutionItem(
    id="c", command="ls", command_actions=[], cwd="/w", status="completed", exit_code=0
)


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def turn() -> list[p.Event]:
    """A comment, a command, an answer: each message in two deltas."""
    events: list[p.Event] = [p.TurnStartedNotification(thread_id="T", turn=p.Turn(id="U"))]
    for number, text in enumerate(["I look.", "It is done."]):
        item_id = f"m{number}"
        events += [
            p.ItemStartedNotification(item=p.AgentMessageItem(id=item_id, text="")),
            p.AgentMessageDeltaNotification(item_id=item_id, delta=text[:4]),
            p.AgentMessageDeltaNotification(item_id=item_id, delta=text[4:]),
            p.ItemCompletedNotification(item=p.AgentMessageItem(id=item_id, text=text)),
        ]
        if number == 0:
            events += [
                p.ItemStartedNotification(item=LS),
                p.ItemCompletedNotification(item=LS_DONE),
            ]
    return [*events, p.TurnCompletedNotification(thread_id="T", turn=p.Turn(id="U"))]


def seen(out: io.StringIO, err: io.StringIO) -> HumanView:
    view = HumanView(Screen(out, err))
    view.starting()
    view.opened(OPENED)
    for event in turn():
        view.event(event)
    view.ended(RESULT, Exit.DONE)
    return view


def test_a_file_gets_the_answer_and_the_log_the_rest() -> None:
    out, err = io.StringIO(), io.StringIO()

    seen(out, err)

    assert out.getvalue() == "It is done.\n"
    assert err.getvalue().splitlines() == [
        "codex 0.163.0 · gpt-5.5 · read-only · /w",
        "I look.",
        "$ ls",
        "  exit 0",
        "completed in 1.0 s · thread T",
    ]


def test_one_terminal_for_both_shows_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    both = Terminal()

    seen(both, both)

    assert [line for line in both.getvalue().splitlines() if not re.match(r"[⠀-⣿]", line)] == [
        "codex 0.163.0 · gpt-5.5 · read-only · /w",
        "I look.",
        "$ ls",
        "  exit 0",
        "It is done.",
        "completed in 1.0 s · thread T",
    ]


def test_an_answer_that_was_watched_is_not_given_twice() -> None:
    out = Terminal()

    seen(out, io.StringIO())

    assert out.getvalue() == "I look.\nIt is done.\n"


def test_a_failure_says_why_and_what_it_took() -> None:
    out, err = io.StringIO(), io.StringIO()
    result = TurnResult("failed", "", (), (), None, "", None, "T", "U", 2.0)

    HumanView(Screen(out, err)).failed(
        TurnFailed(p.TurnError(message="no\x1b[2Jmoney"), result), Exit.FAILED
    )

    assert out.getvalue() == ""
    assert err.getvalue().splitlines() == [
        "error: turn U failed: nomoney",
        "failed in 2.0 s · thread T",
    ]


def test_the_servers_last_words_are_quoted_under_the_error() -> None:
    lines = error_lines(ConnectionLost(exit_code=1, stderr_tail="out of\nmemory"))

    assert [line.text for line in lines] == [
        "error: codex app-server ended the connection (exit status 1); its last words were:",
        "out of",
        "memory",
    ]


def test_only_the_first_line_of_json_names_the_schema_version() -> None:
    out = io.StringIO()
    view = JsonView(out, Screen(io.StringIO(), io.StringIO()))

    view.starting()
    view.opened(OPENED)
    view.event(turn()[0])
    view.left()

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert ["schema_version" in line for line in lines] == [True, False, False]
    assert [line["type"] for line in lines] == ["run.started", "event", "run.ended"]
    assert lines[-1]["exit_code"] == 3
    assert {(line["thread_id"], line["turn_id"]) for line in (lines[0], lines[-1])} == {("T", "U")}
