"""Compare the schema of the installed codex with the vendored one.

    python tools/schema_check.py                     exit 0 where they are the same, byte for byte
    python tools/schema_check.py --codex-bin PATH    compare another codex
    python tools/schema_check.py --update            make the installed one the vendored one

Where they differ, each difference is printed under what it means to a client made from the
vendored schema: breaking, degrading or additive. Exit codes: 0 the same (or updated), 1
different, 2 no codex to ask.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from protocol_generator.binary import SCHEMA_COMMAND, Asked, ask, find_binary
from protocol_generator.bundle import Bundle, load_vendored, packed
from protocol_generator.diff import LEVELS, Change, compare
from protocol_generator.errors import SchemaError
from protocol_generator.protocol import understand

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

NO_BINARY = 2
"""Exit code where there is no codex, or it gives no schema."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--codex-bin", help="the codex to ask (default: as the runtime finds it)")
    parser.add_argument("--schema", type=Path, default=ROOT / "schema", help="the vendored folder")
    parser.add_argument("--update", action="store_true", help="write the vendored folder")
    options = parser.parse_args(arguments)
    asked = _asked(options.codex_bin)
    if asked is None:
        return NO_BINARY
    if options.update:
        vendor(asked, options.schema)
        print(f"{options.schema} is codex {asked.version} now; run tools/generate_protocol.py next")
        return 0
    return check(asked, load_vendored(options.schema))


def _asked(explicit: str | None) -> Asked | None:
    binary = find_binary(explicit)
    if binary is None:
        print(
            "no codex to ask: name one with --codex-bin or $CODEX_RUNTIME_BIN, "
            'or install one with: pip install "codex-runtime[codex]"',
            file=sys.stderr,
        )
        return None
    try:
        return ask(binary)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{binary} gives no schema: {error}", file=sys.stderr)
        return None


def check(asked: Asked, vendored: Bundle) -> int:
    """Print how the schema of a codex differs from the vendored one; return the exit code."""
    if hashlib.sha256(asked.raw).hexdigest() == vendored.sha256:
        print(f"the schema of codex {asked.version} is the vendored one, byte for byte")
        return 0
    print(f"codex {asked.version} differs from the vendored schema of {vendored.codex_version}:")
    try:
        changes = compare(understand(vendored), understand(asked.bundle()))
    except SchemaError as error:
        print(f"  breaking: the generator has no rule for it: {error}")
        return 1
    report(changes)
    return 1


def report(changes: list[Change]) -> None:
    """Print the changes by level."""
    for level in LEVELS:
        texts = [change.text for change in changes if change.level == level]
        print(f"{level}: {len(texts)}")
        for text in texts:
            print(f"  {text}")
    if not changes:
        print("only descriptions, or the order of things, differ")


def vendor(asked: Asked, folder: Path) -> None:
    """Write the vendored files: the same codex gives the same bytes."""
    pinned = {
        "codex_version": asked.version,
        "sha256": hashlib.sha256(asked.raw).hexdigest(),
        "command": f"codex {' '.join(SCHEMA_COMMAND)} --experimental --out DIR",
    }
    (folder / "app_server.json.gz").write_bytes(packed(asked.raw))
    (folder / "PINNED.json").write_text(json.dumps(pinned, indent=2) + "\n", "utf-8")
    (folder / "stable_methods.json").write_text(json.dumps(asked.stable, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
