"""An app-server that misbehaves on purpose. Run as a program: `rogue_server.py FAULT [FILE]`.

It answers every request with `{}` and ends with its stdin, but for what `FAULT` says. `FILE`
is where it writes what a test wants to know, a line each.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAULT = sys.argv[1]
SECRET = "sk-canary0123456789abcdef"  # noqa: S105 — made up, to see that it is taken out
USER_AGENTS = {
    "old": "codex-runtime/0.133.0 (Debian)",
    "unversioned": "codex of the house",
}
ASLEEP = [
    sys.executable,
    "-IS",
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)",
]
"""A child that SIGTERM does not impress; it says so with an empty line."""


def note(text: object) -> None:
    with Path(sys.argv[2]).open("a") as file:
        file.write(f"{text}\n")


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def send(**message: Any) -> None:
    write(json.dumps(message) + "\n")


def say_last_words(code: int) -> None:
    sys.stderr.write(f"\x1b[31mERROR\x1b[0m no luck with {SECRET}\n")
    sys.stderr.flush()
    os._exit(code)


def make_noise() -> None:
    for _ in range(1000):
        os.write(2, b"x" * 10_000 + b"\n")


def deaf() -> None:
    send(method="warning", params={"message": "not listening any more"})
    time.sleep(60)


def hold_stdout() -> None:
    child = subprocess.Popen(ASLEEP, stdin=subprocess.DEVNULL, start_new_session=True)
    note(child.pid)
    os._exit(4)


def flood() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = b'{"method":"warning","params":{"message":"%b"}}\n' % (b"x" * 1000) * 1000
    while True:
        os.write(1, line)


def stay() -> None:
    """Ignore SIGTERM, as later the end of stdin, and have a child that does so too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(ASLEEP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    note(child.pid)


def start_turn() -> None:
    note("turn/start")
    started = {"threadId": "thread-1", "turn": {"id": "turn-1", "status": "inProgress"}}
    send(method="turn/started", params=started)


def play_turn() -> None:
    message = {"type": "agentMessage", "id": "m1", "text": "Hello."}
    ids = {"threadId": "thread-1", "turnId": "turn-1"}
    send(method="turn/started", params={**ids, "turn": {"id": "turn-1"}})
    send(method="item/completed", params={**ids, "item": message})
    send(method="turn/completed", params={**ids, "turn": {"id": "turn-1", "status": "completed"}})


def interrupt_turn() -> None:
    note("turn/interrupt")
    ended = {"threadId": "thread-1", "turn": {"id": "turn-1", "status": "interrupted"}}
    send(method="turn/completed", params=ended)


AT_START: dict[str, Callable[[], None]] = {
    "exit": lambda: say_last_words(7),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stay": stay,
    "silent": lambda: time.sleep(60),
    "garbage": lambda: write("Welcome!\n\n{\n[]\n\x00\xff\n"),
    "noisy": make_noise,
    "exclusive": lambda: note("start"),
}
AFTER_ANSWER: dict[tuple[str, str], Callable[[], None]] = {
    ("garbage", "initialize"): lambda: write("and now for something completely different\n"),
    ("deaf", "initialize"): deaf,
    ("flood", "initialize"): flood,
    ("stay", "initialize"): lambda: time.sleep(60),
    ("exclusive", "initialize"): lambda: note("ready"),
    ("turn", "turn/start"): start_turn,
    ("turn", "turn/interrupt"): interrupt_turn,
    ("good", "turn/start"): play_turn,
}
INSTEAD: dict[str, Callable[[], None]] = {
    "test/exit": lambda: say_last_words(3),
    "test/kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "test/hold-stdout": hold_stdout,
}
RESULTS: dict[str, Any] = {
    "initialize": {
        "userAgent": USER_AGENTS.get(FAULT, "codex-runtime/0.163.0 (Debian)"),
        "codexHome": os.environ.get("CODEX_HOME", ""),
        "platformOs": "linux",
    },
    "thread/start": {
        "thread": {"id": "thread-1"},
        "sandbox": {"type": "readOnly"},
        "approvalPolicy": "never",
        "approvalsReviewer": "user",
    },
    "turn/start": {"turn": {"id": "turn-1", "status": "inProgress"}},
    "test/where": {"cwd": str(Path.cwd()), "environment": dict(os.environ), "argv": sys.argv},
}


def main() -> None:
    AT_START.get(FAULT, lambda: None)()
    for line in sys.stdin:
        request = json.loads(line)
        method = request["method"]
        if method in INSTEAD:
            INSTEAD[method]()
        if "id" not in request:
            continue
        nonsense = FAULT == "nonsense" and method == "initialize"
        result = RESULTS.get(method, {})
        if method == "thread/start":
            result = {**result, "cwd": request["params"].get("cwd", "/")}
        send(id=request["id"], result=[] if nonsense else result)
        AFTER_ANSWER.get((FAULT, method), lambda: None)()


if __name__ == "__main__":
    main()
