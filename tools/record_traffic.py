"""Record what a real codex app-server says, for the tests that decode it.

    python tools/record_traffic.py                            the installed codex
    python tools/record_traffic.py --codex-bin PATH --out FILE

Runs the binary in folders of its own with a scripted model, through a conversation that brings
out as many kinds of messages as one without an account can, and writes both sides of it, one
message a line: `{"client": ...}` or `{"server": ...}`, the server's exactly as they came but for
paths. Needs the package itself on the path; reaches no network.
"""

import argparse
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from protocol_generator.binary import find_binary
from protocol_generator.bundle import packed

from codex_runtime.protocol.methods import CLIENT_REQUESTS
from codex_runtime.testing import (
    ScriptedModel,
    Step,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    fail,
    patch_text,
    reasoning,
    shell,
    stall,
    together,
    tool_call,
    update_file,
)

Json: TypeAlias = dict[str, Any]
"""One message, or a part of one."""

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

_SECONDS = 60.0
"""Longest that any one answer or event may take. The whole recording takes some 10 s."""

_NEUTRAL = "/home/dev"
"""What the folder of the recording is called in what is kept."""

_ANSWERS: dict[str, Json] = {
    "item/commandExecution/requestApproval": {"decision": "accept"},
    "item/fileChange/requestApproval": {"decision": "accept"},
    "item/tool/call": {
        "success": True,
        "contentItems": [{"type": "inputText", "text": "rainy"}],
    },
    "item/tool/requestUserInput": {"answers": {}},
}
"""What the recorder answers to the server's requests; all others it refuses as unknown."""

_WEATHER: Json = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}},
}

_SETTINGS = {
    "sandbox_workspace_write.exclude_slash_tmp": True,
    "sandbox_workspace_write.exclude_tmpdir_env_var": True,
}
"""Without these the recording's own folder would be writable as a temporary one, and nothing in
it would have to be approved."""


class Server:
    """One app-server process, and the record of all that was said."""

    def __init__(self, binary: str, environment: dict[str, str], folder: Path) -> None:
        self.record: list[bytes] = []
        self._messages: queue.Queue[Json | None] = queue.Queue()
        self._heard: list[Json] = []
        self._next_id = 0
        self._process = subprocess.Popen(
            [binary, "app-server"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.record.append(b'{"server":' + line.rstrip(b"\n") + b"}")
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def send(self, message: Json) -> None:
        """Say something to the server."""
        if self._process.stdin is None:
            raise RuntimeError("the server has no stdin")
        line = json.dumps(message).encode()
        self.record.append(b'{"client":' + line + b"}")
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def request(self, method: str, **params: Any) -> Json:
        """Send a request and return the whole answer, a refusal too."""
        self._next_id += 1
        number = self._next_id
        self.send({"id": number, "method": method, **_params(method, params)})
        return self.wait_for(
            lambda message: message.get("id") == number and "method" not in message
        )

    def result(self, method: str, **params: Any) -> Json:
        """Send a request and return its result.

        Raises:
            RuntimeError: The server refused.
        """
        answer = self.request(method, **params)
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: Json = answer["result"]
        return result

    def wait_for(self, wanted: Callable[[Json], bool]) -> Json:
        """Return the first message, from here on or heard since the last wait, that is wanted.

        Raises:
            queue.Empty: It did not come within a minute.
            RuntimeError: The server ended.
        """
        for index, message in enumerate(self._heard):
            if wanted(message):
                del self._heard[: index + 1]
                return message
        while (message := self._messages.get(timeout=_SECONDS)) is not None:
            if "method" in message and "id" in message:
                self._answer(message)
            if wanted(message):
                return message
            self._heard.append(message)
        raise RuntimeError("the server ended")

    def _answer(self, asked: Json) -> None:
        result = _ANSWERS.get(asked["method"])
        refusal = {"code": -32601, "message": "not known here"}
        self.send(
            {"id": asked["id"], **({"error": refusal} if result is None else {"result": result})}
        )

    def close(self) -> None:
        """End the server: politely, and after ten seconds for sure."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=10)
        self._reader.join(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _params(method: str, params: Json) -> Json:
    # The server refuses an empty object where it wants no params, and none where it wants one.
    known = CLIENT_REQUESTS.get(method)
    return {} if known is not None and known.params_type is None else {"params": params}


def converse(server: Server, model: ScriptedModel, repository: Path) -> None:
    """Have the conversation that is recorded."""
    server.result(
        "initialize",
        clientInfo={"name": "recorder", "title": None, "version": "1"},
        capabilities={"experimentalApi": True},
    )
    server.send({"method": "initialized"})
    _look_around(server, repository)
    started = server.result(
        "thread/start",
        cwd=str(repository),
        approvalPolicy="on-request",
        sandbox="workspace-write",
        dynamicTools=[_WEATHER],
        experimentalRawEvents=True,
    )
    thread = started["thread"]["id"]
    _busy_turn(server, model, thread, str(repository.with_name("outside.md")))
    _turns_that_end_badly(server, model, thread)
    _look_back(server, model, thread, repository)


def _look_around(server: Server, repository: Path) -> None:
    """Ask whatever needs no thread. Refusals are a part of the record."""
    for method in (
        "model/list",
        "configRequirements/read",
        "account/read",
        "experimentalFeature/list",
        "collaborationMode/list",
        "permissionProfile/list",
        "mcpServerStatus/list",
        "thread/loaded/list",
        "account/rateLimits/read",
        "modelProvider/capabilities/read",
        "no/such/method",
    ):
        server.request(method)
    server.request("config/read", includeLayers=True, cwd=str(repository))
    server.request("skills/list", cwds=[str(repository)])
    server.request("hooks/list", cwds=[str(repository)])
    server.request("fuzzyFileSearch", query="cal", roots=[str(repository)])
    server.request("fs/readDirectory", path=str(repository))
    server.request("fs/readFile", path=str(repository / "calc.py"))
    server.request("fs/getMetadata", path=str(repository / "calc.py"))
    server.request("command/exec", command=["echo", "hello"], cwd=str(repository))


def _prompt(text: str) -> list[Json]:
    return [{"type": "text", "text": text}]


def _turn(server: Server, model: ScriptedModel, thread: str, *steps: Step) -> Json:
    model.enqueue(*steps)
    turn = server.result("turn/start", threadId=thread, input=_prompt("Mend add()."))["turn"]["id"]
    return server.wait_for(lambda message: _ends(message, turn))


def _ends(message: Json, turn: str) -> bool:
    return message.get("method") == "turn/completed" and message["params"]["turn"]["id"] == turn


def _is_delta(message: Json, turn: str) -> bool:
    is_delta = message.get("method") == "item/agentMessage/delta"
    return is_delta and message["params"]["turnId"] == turn


def _busy_turn(server: Server, model: ScriptedModel, thread: str, outside: str) -> None:
    """One turn with every sort of item that the scripted model can bring about."""
    mended = update_file("calc.py", "    return a - b", "    return a + b")
    _turn(
        server,
        model,
        thread,
        together(
            reasoning("First I look.", "Then I mend.", content=["raw thought"]),
            assistant_message("I look at the file.", chunks=4, phase="commentary"),
            shell("cat calc.py; echo to stderr >&2; for i in 1 2 3; do sleep 0.2; echo $i; done"),
        ),
        shell("exit 3"),
        shell("echo outside", escalate=True, justification="to see the way out"),
        tool_call("weather", {"city": "Oslo"}),
        apply_patch(patch_text(mended, add_file("notes.md", "# Notes"))),
        apply_patch(patch_text(add_file(outside, "# Out"))),
        assistant_message("It adds now.", chunks=["It ", "adds ", "now."], phase="final_answer"),
    )


def _turns_that_end_badly(server: Server, model: ScriptedModel, thread: str) -> None:
    _turn(server, model, thread, cut_stream(after=2), assistant_message("Got through after all."))
    _turn(server, model, thread, fail(status=400, code="bad", message="No."))
    _turn(server, model, thread, fail(code="insufficient_quota", message="Pay."))
    model.enqueue(stall(after=3))
    prompt = _prompt("Never mind.")
    turn = server.result("turn/start", threadId=thread, input=prompt)["turn"]["id"]
    # Before this, the server would refuse to be interrupted.
    server.wait_for(lambda message: _is_delta(message, turn))
    server.request("turn/steer", threadId=thread, expectedTurnId=turn, input=prompt)
    server.request("turn/interrupt", threadId=thread, turnId=turn)
    server.wait_for(lambda message: _ends(message, turn))


def _look_back(server: Server, model: ScriptedModel, thread: str, repository: Path) -> None:
    """Ask for what was recorded, and change the thread in every way."""
    server.request("thread/name/set", threadId=thread, name="mending")
    server.request("thread/goal/set", threadId=thread, objective="mend it", status="paused")
    server.request("thread/goal/get", threadId=thread)
    server.request("thread/goal/clear", threadId=thread)
    server.request("thread/read", threadId=thread, includeTurns=True)
    server.request("thread/turns/list", threadId=thread)
    server.request("thread/items/list", threadId=thread)
    server.request("thread/list", cwd=str(repository))
    server.request("thread/settings/update", threadId=thread, effort="low")
    model.enqueue(assistant_message("A summary."))
    server.request("thread/compact/start", threadId=thread)
    server.wait_for(lambda message: message.get("method") == "turn/completed")
    forked = server.request("thread/fork", threadId=thread)["result"]["thread"]["id"]
    server.request("thread/rollback", threadId=forked, numTurns=1)
    server.request("thread/archive", threadId=forked)
    server.request("thread/unarchive", threadId=forked)
    server.request("thread/resume", threadId=forked)
    server.request("thread/unsubscribe", threadId=forked)
    server.request("thread/delete", threadId=forked)


def recorded(binary: str) -> list[bytes]:
    """Have the conversation with `binary` and return its lines, with neutral paths."""
    with tempfile.TemporaryDirectory(prefix="codex-traffic-") as folder, ScriptedModel() as model:
        base = Path(folder).resolve()
        repository = base / "project"
        repository.mkdir()
        subprocess.run(["git", "init", "-q", str(repository)], check=True, timeout=_SECONDS)  # noqa: S607 — whichever git there is
        (repository / "calc.py").write_text("def add(a, b):\n    return a - b\n", "utf-8")
        home = model.write_home(base / "codex", stream_max_retries=1, settings=_SETTINGS)
        server = Server(binary, model.environment(home), repository)
        try:
            converse(server, model, repository)
        finally:
            server.close()
        model.assert_complete()
    named_here = {str(base): _NEUTRAL, f'"{socket.gethostname()}"': '"host"'}
    return [_with_neutral_names(line, named_here) for line in server.record]


def _with_neutral_names(line: bytes, named_here: dict[str, str]) -> bytes:
    for here, neutral in named_here.items():
        line = line.replace(here.encode(), neutral.encode())
    return line


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code: 0 written, 2 no codex to ask."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--codex-bin", help="the codex to record (default: as the runtime finds it)"
    )
    parser.add_argument("--out", type=Path, help="the file (default: in tests/data, by version)")
    options = parser.parse_args(arguments)
    binary = find_binary(options.codex_bin)
    if binary is None:
        print("no codex to record; name one with --codex-bin", file=sys.stderr)
        return 2
    shown = subprocess.run(
        [binary, "--version"], check=True, capture_output=True, text=True, timeout=_SECONDS
    )
    version = shown.stdout.split()[-1]
    out: Path = options.out or ROOT / f"tests/data/traffic-{version}.jsonl.gz"
    lines = recorded(binary)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(packed(b"\n".join(lines) + b"\n"))
    print(f"{len(lines)} messages of codex {version}: {out}, {out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
