"""Write `src/codex_runtime/protocol/{types,methods}.py` from the vendored schema.

    python tools/generate_protocol.py            write both files
    python tools/generate_protocol.py --check    print what would change; exit 1 if anything would

Standard library only. To move to another codex: `tools/schema_check.py --update`, then this.
"""

import argparse
import difflib
import sys
from pathlib import Path

from protocol_generator.bundle import load_vendored
from protocol_generator.errors import SchemaError
from protocol_generator.protocol import understand
from protocol_generator.render import render

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code: 0 done or fresh, 1 stale, 2 no rule for the schema."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when stale")
    parser.add_argument("--schema", type=Path, default=ROOT / "schema", help="folder to read")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "src/codex_runtime/protocol", help="folder to write"
    )
    options = parser.parse_args(arguments)
    try:
        rendered = render(understand(load_vendored(options.schema)))
    except SchemaError as error:
        print(f"generate_protocol: {error}", file=sys.stderr)
        return 2
    files = {"types.py": rendered.types, "methods.py": rendered.methods}
    if options.check:
        return _check(options.out, files)
    for name, text in files.items():
        (options.out / name).write_text(text, "utf-8")
    return 0


def _check(folder: Path, files: dict[str, str]) -> int:
    stale = 0
    for name, text in files.items():
        path = folder / name
        present = path.read_text("utf-8") if path.exists() else ""
        if present != text:
            stale = 1
            sys.stdout.writelines(_diff(str(path), present, text))
    if stale:
        print("the generated protocol is stale; run: python tools/generate_protocol.py")
    return stale


def _diff(path: str, present: str, text: str) -> list[str]:
    return list(
        difflib.unified_diff(
            present.splitlines(keepends=True),
            text.splitlines(keepends=True),
            fromfile=f"{path} (as it is)",
            tofile=f"{path} (as the schema has it)",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
