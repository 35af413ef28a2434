"""The lines of `--json` are the protocol's own words."""

import json
from typing import Any

from codex_runtime import protocol as p
from codex_runtime.cli import _json
from codex_runtime.cli._exits import Exit
from codex_runtime.errors import ConnectionLost
from codex_runtime.state import TurnResult


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


def test_the_last_line_tells_how_it_ended() -> None:
    result = TurnResult("failed", "", (), (), None, "", p.TurnError(message="no"), "T", "U", None)

    last = written(_json.ended(result, Exit.FAILED))

    assert (last["type"], last["exit_code"], last["status"]) == ("run.ended", 1, "failed")
    assert last["error"] == {"message": "no"}
    assert last["usage"] is None


def test_an_error_without_a_result_names_its_class() -> None:
    last = written(_json.failed(ConnectionLost(exit_code=1), Exit.FAILED))

    assert last["error"] == {
        "type": "ConnectionLost",
        "message": "codex app-server ended the connection (exit status 1)",
    }
