"""The command line: `codex-runtime run`, `demo` and `doctor`. Needs the extra `cli`.

Importing this package loads nothing but itself; `main` loads what the command needs.
"""

import importlib.util
import os
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
    _open_missing_streams()
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


def _open_missing_streams() -> None:
    """Give streams that the caller has closed to os.devnull.

    Otherwise the next file or pipe takes their numbers, and what is meant for stderr lands in it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is taken: theirs, as those below are open by now.
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 — a stream for as long as this process lives
