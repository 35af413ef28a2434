"""The barest blocking client on the real binary: one turn; prints its milestones as one JSON line.

bare.py JSON     with `codex`, `home`, `cwd`, and `asyncio`

Imports nothing that it can do without. With `asyncio` true it imports that too, before anything
else, because a program that uses an asynchronous client has done so before the client can start.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from kit.measure import Milestones, report

INITIALIZE: dict[str, Any] = {
    "clientInfo": {"name": "bare", "title": "bare", "version": "0"},
    "capabilities": {"experimentalApi": True},
}


class Bare:
    """Requests and lines, one after the other."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.child = subprocess.Popen(
            [options["codex"], "app-server", "--listen", "stdio://"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "CODEX_HOME": options["home"]},
            cwd=options["cwd"],
        )
        if self.child.stdin is None or self.child.stdout is None:
            raise TypeError
        self.input, self.output = self.child.stdin, self.child.stdout

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self.input.write(json.dumps(message).encode() + b"\n")
        self.input.flush()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read up to the first message that is wanted.

        Raises:
            EOFError: the server ended before.
        """
        for line in self.output:
            message = json.loads(line)
            if wanted(message):
                return message
        raise EOFError

    def call(self, number: int, method: str, params: dict[str, Any]) -> Any:
        """Send one request and read up to its answer."""
        self.send({"id": number, "method": method, "params": params})
        return self.until(lambda message: message.get("id") == number)["result"]

    def event(self, method: str) -> None:
        """Read up to a notification."""
        self.until(lambda message: message.get("method") == method)

    def close(self) -> None:
        """End the server: closed input first, then a signal."""
        self.input.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def main() -> None:
    """One turn."""
    milestones = Milestones()
    milestones.mark("python")
    options = json.loads(sys.argv[1])
    if options["asyncio"]:
        importlib.import_module("asyncio")
    milestones.mark("imported")
    bare = Bare(options)
    bare.call(1, "initialize", INITIALIZE)
    bare.send({"method": "initialized"})
    milestones.mark("initialized")
    thread = bare.call(2, "thread/start", {})["thread"]["id"]
    milestones.mark("thread")
    text = {"type": "text", "text": "hi"}
    bare.call(3, "turn/start", {"threadId": thread, "input": [text]})
    milestones.mark("turn")
    bare.event("item/agentMessage/delta")
    milestones.mark("first_delta")
    bare.event("turn/completed")
    milestones.mark("completed")
    bare.close()
    milestones.mark("closed")
    report(milestones.reached)


if __name__ == "__main__":
    main()
