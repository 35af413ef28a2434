"""What the fake app-server and the real one are compared by: all that is said, made comparable."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from support_app_server import VERIFIED, Conversation, Json

from codex_runtime.testing import ModelCall
from codex_runtime.testing._json import is_list, is_object

VOLATILE = {
    "completedAt", "completedAtMs", "createdAt", "durationMs", "emittedAtMs", "recencyAt",
    "revision", "startedAt", "startedAtMs", "updatedAt", "processId", "backwardsCursor",
    "turnsBackwardsCursor", "itemsBackwardsCursor", "userAgent", "codexHome",
}  # fmt: skip  # one a line would hide the rest
"""Fields whose values no two runs share; only whether they are there and not null is compared."""

UNTOLD = (
    # Whether a command's output comes as a delta is a matter of time (fact 66).
    "item/commandExecution/outputDelta",
    # The fake starts no MCP servers.
    "mcpServer/startupStatus/updated",
)
"""What is not compared."""

ANOTHER_CODEX = f"the fake plays codex {VERIFIED}, and the one here is another"

AT_WORK: Json = {"type": "active", "activeFlags": []}

NOT_LOADED: Json = {"type": "notLoaded"}


def normal(value: object, names: dict[str, str], field: str = "") -> object:
    """`value` with ids numbered in order of appearance, and volatile values left out."""
    if is_object(value):
        return {normal(key, names): normal(each, names, key) for key, each in value.items()}
    if is_list(value):
        return [normal(each, names) for each in value]
    if field in VOLATILE or (field == "path" and str(value).endswith(".jsonl")):
        return value if value is None else "…"
    if isinstance(value, str):
        if value.startswith("Invalid request: unknown variant `no/such`"):
            # The list that follows has methods that are in no published schema.
            value = value[:80]
        return re.sub(
            r"(msg_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(msg|rs|call)_\d+",
            lambda found: names.setdefault(found[0], f"id{len(names)}"),
            value,
        )
    return value


def told(talk: Conversation, *, after: int = 0) -> list[str]:
    """What the server said on its own, one line a message."""
    names: dict[str, str] = {}
    messages = [
        message for message in talk.heard[after:] if message.get("method", UNTOLD[0]) not in UNTOLD
    ]
    first = next((message["id"] for message in messages if "id" in message), 0)
    for message in messages:
        # Its requests are counted per process, and the real process here is a shared one.
        if "id" in message:
            message["id"] -= first
        elif message["method"] == "serverRequest/resolved":
            message["params"]["requestId"] -= first
    return lines([normal(message, names) for message in unloaded_once(settled(messages))])


def settled(messages: list[Json]) -> list[Json]:
    """`messages` with races of the real server decided: an approval's end, told in several ways."""
    found: list[Json] = []
    complaints: list[Json] = []
    for message in messages:
        status = message["params"].get("status")
        if message["method"] == "warning" and "execpolicy" in message["params"]["message"]:
            complaints.append(message)
        elif found and found[-1]["method"] == "item/completed" and status == AT_WORK:
            found.insert(-1, message)
        else:
            found.append(message)
    return found + complaints


def unloaded_once(messages: Sequence[Json]) -> list[Json]:
    """`messages` with another race decided: that archiving unloads a thread is told once or twice (fact 289)."""
    found: list[Json] = []
    told_last: Json | None = None
    for message in messages:
        unloads = "method" in message and message["params"].get("status") == NOT_LOADED
        if unloads and message["params"] == told_last:
            continue
        if "method" in message:
            told_last = message["params"]
        found.append(message)
    return found


def said(talk: Conversation) -> list[str]:
    """Everything the server said, one line a message: answers in order, then the rest."""
    names: dict[str, str] = {}
    heard = unloaded_once(talk.heard)
    messages = [normal(message, names) for message in heard]
    answers = [message for message, raw in zip(messages, heard, strict=True) if "method" not in raw]
    return lines([*answers, *[message for message in messages if message not in answers]])


def lines(messages: Sequence[object]) -> list[str]:
    return [json.dumps(message, sort_keys=True) for message in messages]


def reported(calls: tuple[ModelCall, ...]) -> list[list[str]]:
    """What the model was told of its calls, without what is not the same in any two runs."""
    aborted = r"request_\w+ was cancelled before receiving a response"
    varying = (
        r"Chunk ID: \w+|Wall time: [\d.]+|after [\d.]+s|process_id: \d+"
        # Of a command that was killed: told only if its end is noticed before it is given up.
        r"|Process exited with code 137\n"
    )
    return [
        [
            re.sub(varying, "", re.sub(aborted, "aborted by user ", text))
            for text in call.tool_outputs.values()
        ]
        for call in calls
    ]


def asked(calls: tuple[ModelCall, ...]) -> list[Json]:
    """What the model was asked for, and told by the developer besides the base instructions."""
    return [
        {
            "text": call.raw["text"],
            "reasoning": call.raw["reasoning"],
            "developer": [
                part["text"]
                for item in [each for each in call.input if each.get("role") == "developer"][1:]
                for part in item["content"]
                # What codex writes itself: skills, permissions, and more.
                if not part["text"].startswith("<")
            ],
        }
        for call in calls
    ]


def generic(messages: list[str], work: Path) -> list[str]:
    """`messages` without the folder, and without what is not the same in any two runs."""
    varying = {
        r"model call .*; the prompt": "model call; the prompt",
        r"rules file \S+/rules/": "rules file rules/",
        # Of a command that was killed: whether its end is noticed before it is given up.
        r'"exitCode": (-1|137)\b': '"exitCode": "killed"',
    }
    found: list[str] = []
    for line in messages:
        text = line.replace(str(work), "/project")
        for parent in reversed(work.parents):
            # Another codex may have a `.git` there for a moment (fact 137).
            for side in "ab":
                text = text.replace(f" {side}/{work.relative_to(parent)}/", f" {side}/")
        for pattern, instead in varying.items():
            text = re.sub(pattern, instead, text)
        found.append(text)
    return found
