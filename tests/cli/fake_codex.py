"""A codex that does on purpose what the real one should not. Run as a program.

Speaks the app-server protocol on stdin and stdout, far enough for one turn that never ends.
What it does wrong is in `CODEX_FAKE`: `old`, `no-sandbox`, `open-sandbox`,
`no-account`, `gone`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FAULT = os.environ.get("CODEX_FAKE", "")
VERSION = "0.133.0" if FAULT == "old" else "0.163.0"


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


SANDBOXES = {"workspace-write": "workspaceWrite", "danger-full-access": "dangerFullAccess"}


def exec_result(params: dict[str, Any]) -> dict[str, Any]:
    if FAULT == "gone":
        raise SystemExit(1)
    if FAULT == "no-sandbox":
        return {
            "exitCode": 101,
            "stdout": "",
            "stderr": "bwrap: no permission\nsetting up failed\n",
        }
    writes_outside = "outside" in params["command"][-1]
    if FAULT != "open-sandbox" and (
        writes_outside or params["sandboxPolicy"]["type"] == "readOnly"
    ):
        stdout = "works\n" if "works" in params["command"][-1] else ""
        return {"exitCode": 0 if stdout else 2, "stdout": stdout, "stderr": ""}
    done = subprocess.run(
        params["command"],
        cwd=params["cwd"],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return {"exitCode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    turn: dict[str, Any] = {"id": "turn-1", "items": [], "status": "inProgress"}
    results: dict[str, Any] = {
        "initialize": {
            "userAgent": f"codex-runtime/{VERSION} (fake)",
            "codexHome": os.environ.get("CODEX_HOME", str(Path.cwd())),
            "platformFamily": "unix",
            "platformOs": "linux",
        },
        "account/read": {"account": None, "requiresOpenaiAuth": FAULT == "no-account"},
        "thread/start": {
            "thread": {"id": "thread-1"},
            "model": "fake",
            "cwd": params.get("cwd", "/"),
            "sandbox": {"type": SANDBOXES.get(params.get("sandbox", ""), "readOnly")},
            "approvalPolicy": params.get("approvalPolicy"),
            "approvalsReviewer": params.get("approvalsReviewer"),
        },
        "turn/start": {"turn": turn},
        "turn/interrupt": {},
    }
    return exec_result(params) if method == "command/exec" else results[method]


def main() -> None:
    for line in sys.stdin:
        message: dict[str, Any] = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        method: str = message["method"]
        params: dict[str, Any] = message.get("params") or {}
        send({"id": message["id"], "result": answer(method, params)})
        if method == "turn/start":
            started = {"threadId": "thread-1", "turn": {"id": "turn-1", "status": "inProgress"}}
            send({"method": "turn/started", "params": started})


if __name__ == "__main__":
    main()
