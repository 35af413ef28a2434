"""A server in memory that runs commands by hand."""

from __future__ import annotations

import base64

from runtime.support import Message, Server

__all__ = ["Machine", "encoded"]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Machine:
    """What a server does with commands and processes, in the order in which the real one does.

    A command runs until `exit`, or until it is told to end. `missing` makes every start fail.

    Attributes:
        running: The requests of what runs, by its name.
        missing: Whether there are no programs at all.
        deaf: Whether requests about what runs are not answered.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.running: dict[str, Message] = {}
        self.missing = False
        self.deaf = False
        for method, act in {
            "command/exec": self._exec,
            "command/exec/write": self._about_command,
            "command/exec/resize": self._about_command,
            "command/exec/terminate": self._terminate,
            "process/spawn": self._spawn,
            "process/writeStdin": self._about_process,
            "process/resizePty": self._about_process,
            "process/kill": self._kill,
        }.items():
            server.on[method] = act

    @property
    def name(self) -> str:
        """Of the one that runs."""
        [name] = self.running
        return name

    def out(
        self, data: bytes | str, stream: str = "stdout", name: str = "", *, capped: bool = False
    ) -> None:
        """Have it write something; text stands for its base64."""
        name = name or self.name
        text = encoded(data) if isinstance(data, bytes) else data
        about = {"stream": stream, "deltaBase64": text, "capReached": capped}
        if name.startswith("process"):
            self.server.tell("process/outputDelta", processHandle=name, **about)
        else:
            self.server.tell("command/exec/outputDelta", processId=name, **about)

    def exit(self, code: int | None = 0, name: str = "") -> None:
        """Have it end; without a code, tell none."""
        name = name or self.name
        request = self.running.pop(name)
        end = {} if code is None else {"exitCode": code}
        if request["method"] == "process/spawn":
            self.server.tell("process/exited", processHandle=name, stdout="", stderr="", **end)
        else:
            self.server.answer(request, {"stdout": "", "stderr": "", **end})

    def _exec(self, request: Message) -> None:
        if not self._refused(request, "command"):
            self.running[request["params"]["processId"]] = request

    def _spawn(self, request: Message) -> None:
        if not self._refused(request, "process"):
            self.running[request["params"]["processHandle"]] = request
            self.server.answer(request, {})

    def _refused(self, request: Message, noun: str) -> bool:
        if self.missing:
            words = f"failed to spawn {noun}: No such file or directory (os error 2)"
            self.server.refuse(request, words)
        return self.missing

    def _about_command(self, request: Message) -> None:
        name = request["params"]["processId"]
        if self.deaf:
            return
        if name in self.running:
            self.server.answer(request, {})
        else:
            self.server.refuse(request, f'no active command/exec for process id "{name}"')

    def _about_process(self, request: Message) -> None:
        name = request["params"]["processHandle"]
        if self.deaf:
            return
        if name in self.running:
            self.server.answer(request, {})
        else:
            self.server.refuse(request, f'no active process for process handle "{name}"')

    def _terminate(self, request: Message) -> None:
        self._about_command(request)
        self._end(request["params"]["processId"])

    def _kill(self, request: Message) -> None:
        self._about_process(request)
        self._end(request["params"]["processHandle"])

    def _end(self, name: str) -> None:
        if name in self.running and not self.deaf:
            self.exit(137, name)
