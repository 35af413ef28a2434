"""Ask a codex which methods of the vendored protocol it has, and keep the answers.

    python tools/probe_methods.py                      the installed codex
    python tools/probe_methods.py --codex-bin PATH     another one; may be given several times

Writes `schema/availability.json`: for each version that was ever asked, whether it has each
method of the vendored protocol. Each method is asked for with parameters that no method can
read, so none is carried out: a codex that has it complains of the parameters, and one that has
it not complains of the method. Asking the same codex again writes the same bytes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from protocol_generator.binary import find_binary

from codex_runtime.protocol.methods import CLIENT_REQUESTS
from codex_runtime.testing import ScriptedModel

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

FILE = ROOT / "schema/availability.json"
"""What is known of all versions."""

_SECONDS = 60.0
"""Longest that a codex may take for all its answers; it takes half a second."""

_UNREADABLE = 0
"""Parameters that no method can read: an object is wanted, or nothing at all."""

Availability = dict[str, dict[str, bool]]
"""By version, by method."""


class ProbeError(Exception):
    """A codex cannot be asked, or does not answer as it should."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code: 0 done, 2 a codex that cannot be asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--codex-bin", action="append", help="a codex to ask")
    parser.add_argument("--file", type=Path, default=FILE, help="the file to write")
    options = parser.parse_args(arguments)
    known = read(options.file)
    for explicit in options.codex_bin or [None]:
        try:
            version, methods = probe(explicit)
        except (ProbeError, OSError) as error:
            print(f"probe_methods: {error}", file=sys.stderr)
            return 2
        known[version] = methods
        print(f"codex {version} has {sum(methods.values())} of {len(methods)} methods")
    options.file.write_text(rendered(known), "utf-8")
    return 0


def read(file: Path) -> Availability:
    """Read what is known; nothing where there is no file yet."""
    known: Availability = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return known


def rendered(known: Availability) -> str:
    """Put the versions in order, and the methods in that of the protocol."""
    in_order = {
        version: {
            method: known[version][method] for method in CLIENT_REQUESTS if method in known[version]
        }
        for version in sorted(known, key=_numbers)
    }
    return json.dumps(in_order, indent=1) + "\n"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split("."))


def probe(explicit: str | None) -> tuple[str, dict[str, bool]]:
    """Ask a codex for all methods, and return its version and its answers.

    Raises:
        ProbeError: There is none, or it does not answer as it should.
    """
    binary = find_binary(explicit)
    if binary is None:
        raise ProbeError(f"no codex at {explicit}" if explicit else "no codex is installed")
    with tempfile.TemporaryDirectory(prefix="codex-probe-") as folder, ScriptedModel() as model:
        home = model.write_home(Path(folder, "home"))
        with subprocess.Popen(
            [binary, "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=model.environment(home),
            cwd=folder,
            text=True,
        ) as process:
            deadline = threading.Timer(_SECONDS, process.kill)
            deadline.start()
            try:
                assert process.stdin and process.stdout  # noqa: S101, PT018 — both are pipes
                return _interview(Conversation(process.stdin, process.stdout))
            finally:
                deadline.cancel()
                process.kill()


@dataclass
class Conversation:
    """Requests and answers, one after the other: many at once would not all be answered."""

    stdin: IO[str]
    stdout: IO[str]
    _last: int = field(default=0)

    def ask(self, method: str, params: object) -> dict[str, Any]:
        """Send a request; return the whole answer.

        Raises:
            ProbeError: The codex ended before it answered.
        """
        self._last += 1
        self.stdin.write(json.dumps({"id": self._last, "method": method, "params": params}) + "\n")
        self.stdin.flush()
        for line in self.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == self._last and "method" not in message:
                return message
        raise ProbeError(f"it ended before it answered {method}")


def _interview(codex: Conversation) -> tuple[str, dict[str, bool]]:
    client = {"name": "probe", "version": "0"}
    capabilities = {"experimentalApi": True}
    greeting = {"clientInfo": client, "capabilities": capabilities}
    user_agent = str(codex.ask("initialize", greeting)["result"]["userAgent"])
    version = user_agent.removeprefix("probe/").partition(" ")[0]
    return version, {method: _has(method, codex) for method in CLIENT_REQUESTS}


def _has(method: str, codex: Conversation) -> bool:
    words = str(codex.ask(method, _UNREADABLE).get("error", {}).get("message"))
    if words.startswith(f"Invalid request: unknown variant `{method}`"):
        return False
    if words.startswith("Invalid request: invalid type: integer `0`"):
        return True
    raise ProbeError(f"{method} was answered with something else: {words}")


if __name__ == "__main__":
    sys.exit(main())
