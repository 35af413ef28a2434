"""A client of the scripted model: HTTP as codex speaks it, with no codex there."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

from codex_runtime.testing import ScriptedModel

SECONDS = 5.0
"""Longest wait for the model: a thousand times what it takes."""

CLASSIC = [{"type": "function", "name": "exec_command"}, {"type": "custom", "name": "apply_patch"}]


class Client:
    """One kept-alive connection, as codex has it."""

    def __init__(self, model: ScriptedModel) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", model.port, timeout=SECONDS)

    def ask(self, text: str = "go", tools: list[Any] | None = None) -> http.client.HTTPResponse:
        prompt = {"role": "user", "content": [{"type": "input_text", "text": text}]}
        body = {"model": "m", "input": [prompt], "tools": CLASSIC if tools is None else tools}
        self.http.request("POST", "/v1/responses", json.dumps(body), {"X-Mark": "yes"})
        return self.http.getresponse()

    def events(self, text: str = "go", tools: list[Any] | None = None) -> list[dict[str, Any]]:
        answer = self.ask(text, tools)
        assert answer.status == 200, answer.read()
        return parsed(answer.read())

    def item(self, tools: list[Any] | None = None) -> dict[str, Any]:
        done = [e for e in self.events(tools=tools) if e["type"] == "response.output_item.done"]
        item: dict[str, Any] = done[0]["item"]
        return item


def parsed(stream: bytes) -> list[dict[str, Any]]:
    blocks = stream.decode().strip().split("\n\n")
    return [json.loads(block.split("\ndata: ")[1]) for block in blocks if block]


def connections() -> list[threading.Thread]:
    """The threads of scripted models that serve a connection, and those that accept."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("scripted-model")]


def wait_until_alone() -> None:
    """Wait until the only thread left accepts connections; no event tells of a thread's end."""
    deadline = time.monotonic() + SECONDS
    while len(connections()) > 1:
        assert time.monotonic() < deadline, connections()
        time.sleep(0.001)
