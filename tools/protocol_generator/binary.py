"""Asking an installed codex for its schema."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from codex_runtime._binary import find_codex
from codex_runtime.errors import CodexNotFound
from protocol_generator.bundle import Bundle, flatten, listed_methods, parse

SCHEMA_COMMAND = ("app-server", "generate-json-schema")
"""What follows the binary's name, before `--experimental` and `--out`."""

_MIXED_BUNDLE = "codex_app_server_protocol.schemas.json"
"""The one file with every type: its `v2` sibling lacks the requests that the server makes."""

_SECONDS = 60.0
"""Longest a codex may take to write its schema; it takes 0.1 s."""


@dataclass(frozen=True)
class Asked:
    """What a binary says of its protocol.

    Attributes:
        version: Of the binary, say `0.163.0`.
        raw: The bundle with `--experimental`, as written.
        stable: The methods that the bundle without it lists, by side.
    """

    version: str
    raw: bytes
    stable: dict[str, list[str]]

    def bundle(self) -> Bundle:
        """Read the bundle.

        Raises:
            SchemaError: It holds something without a rule.
        """
        names = frozenset(method for methods in self.stable.values() for method in methods)
        return parse(self.raw, stable=names, codex_version=self.version)


def find_binary(explicit: str | None = None) -> str | None:
    """Return the codex to ask: the one that the runtime would start, None where there is none."""
    try:
        return str(find_codex(explicit).path)
    except CodexNotFound:
        return None


def ask(binary: str) -> Asked:
    """Run `binary` three times, in a home of its own, and return what it says.

    Raises:
        OSError: It cannot be run.
        subprocess.SubprocessError: It fails, or takes longer than a minute.
    """
    with tempfile.TemporaryDirectory(prefix="codex-schema-") as folder:
        version = _run(binary, folder, "--version").split()[-1]
        raw = _bundle(binary, folder, "--experimental")
        stable = listed_methods(flatten(json.loads(_bundle(binary, folder))))
    return Asked(version, raw, stable)


def _bundle(binary: str, folder: str, *options: str) -> bytes:
    out = Path(folder, "schema", *options)
    _run(binary, folder, *SCHEMA_COMMAND, *options, "--out", str(out))
    return (out / _MIXED_BUNDLE).read_bytes()


def _run(binary: str, folder: str, *arguments: str) -> str:
    home = Path(folder, "home")
    home.mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        [binary, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        env={**os.environ, "CODEX_HOME": str(home)},
        stdin=subprocess.DEVNULL,
    )
    return done.stdout
