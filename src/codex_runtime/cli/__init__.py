"""The command line: `codex-runtime run`, `demo` and `doctor`. Needs the extra `cli`.

Importing this package loads nothing but itself; `main` loads what the command needs.
"""

import importlib.util
import sys
from typing import Final

__all__ = ["main"]

_NEEDED: Final = ("typer", "rich")
"""What the extra `cli` brings."""


def main() -> None:
    """Run the command line on `sys.argv` and exit with its status.

    Raises:
        SystemExit: Always. The status is one of those listed by `codex-runtime --help`; 2 where
            the extra `cli` is not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"the command line needs {' and '.join(missing)}; "
            'install with: pip install "codex-runtime[cli]"\n'
        )
        sys.exit(2)
    try:
        from codex_runtime.cli._app import start  # noqa: PLC0415 — typer loads only when needed
    except KeyboardInterrupt:
        sys.exit(3)
    sys.exit(start())
