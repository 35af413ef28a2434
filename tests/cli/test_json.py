"""The lines of `--json` are the protocol's own words."""

import json
from dataclasses import replace
from typing import Any

import pytest

from codex_runtime import protocol as p
from codex_runtime.cli import _json
from codex_runtime.cli._exits import Exit
from codex_runtime.errors import ConnectionLost, TurnFailed
from codex_runtime.state import TurnResult
from codex_runtime.usage import TokenUsage


def written(value: dict[str, Any]) -> dict[str, Any]:
    line = _json.encode(value)
    assert "\n" not in line
    return json.loads(line)


def test_an_event_keeps_its_wire_names() -> None:
    event = p.ItemCompletedNotification(
        item=p.CommandExecutionItem(
            id="c", command="ls", command_actions=[], cwd="/", status="completed", exit_code=0
        ),
        thread_id="T",
        turn_id="U",
        emitted_at_ms=7,
    )

    assert written(_json.event_object(event)) == {
        "type": "event",
        "method": "item/completed",
        "params": {
            "item": {
                "type": "commandExecution",
                "id": "c",
                "command": "ls",
                "commandActions": [],
                "cwd": "/",
                "status": "completed",
                "exitCode": 0,
            },
            "threadId": "T",
            "turnId": "U",
        },
        "emitted_at_ms": 7,
    }


def test_what_this_version_does_not_know_comes_through_as_it_came() -> None:
    unknown_event = p.UnknownNotification(method="thread/new", params={"a": [1]})
    dream = {"type": "dream", "id": "d", "deep": [{"raw": 1}]}
    unknown_item = p.ItemStartedNotification(item=p.Unknown(raw=dream), thread_id="T", turn_id="U")

    assert written(_json.event_object(unknown_event))["params"] == {"a": [1]}
    assert written(_json.event_object(unknown_item))["params"]["item"] == dream


RESULT = TurnResult(
    status="completed",
    text="Done.",
    items=(),
    abandoned=(),
    usage=TokenUsage(1, 2, 3, 4, 5),
    diff="a diff",
    error=None,
    thread_id="T",
    turn_id="U",
    duration=1.5,
)
REFUSED = replace(
    RESULT, status="failed", error=p.TurnError(message="no", codex_error_info="unauthorized")
)


def test_the_last_line_holds_the_result() -> None:
    assert written(_json.ended(Exit.DONE, "T", "U", result=RESULT)) == {
        "type": "run.ended",
        "exit_code": 0,
        "status": "completed",
        "text": "Done.",
        "usage": {
            "input_tokens": 1,
            "cached_input_tokens": 2,
            "output_tokens": 3,
            "reasoning_output_tokens": 4,
            "total_tokens": 5,
        },
        "diff": "a diff",
        "error": None,
        "duration": 1.5,
        "thread_id": "T",
        "turn_id": "U",
    }


@pytest.mark.parametrize(
    ("last", "status", "error"),
    [
        pytest.param(_json.ended(Exit.INTERRUPTED), "incomplete", None, id="left"),
        pytest.param(
            _json.ended(Exit.FAILED, error=ConnectionLost(exit_code=1)),
            "failed",
            {
                "type": "ConnectionLost",
                "message": "codex app-server ended the connection (exit status 1)",
                "info": None,
            },
            id="without a result",
        ),
        pytest.param(
            _json.ended(Exit.FAILED, result=REFUSED, error=TurnFailed(REFUSED.error, REFUSED)),
            "failed",
            {"type": "TurnFailed", "message": "turn U failed: no", "info": "unauthorized"},
            id="with the server's word",
        ),
        pytest.param(
            _json.ended(Exit.FAILED, result=replace(REFUSED, status="incomplete")),
            "incomplete",
            {"type": "TurnError", "message": "no", "info": "unauthorized"},
            id="an end of a kind nobody knows",
        ),
    ],
)
def test_the_last_line_has_the_same_keys_however_it_ended(
    last: dict[str, Any], status: str, error: dict[str, Any] | None
) -> None:
    line = written(last)

    assert line.keys() == _json.ended(Exit.DONE, result=RESULT).keys()
    assert (line["status"], line["error"]) == (status, error)
