"""The scripted model of one run on the real binary, in a process of its own.

model.py HOME     writes this CODEX_HOME, prints `ready`, serves one turn, ends when stdin ends
"""

import sys

from codex_runtime.testing import ScriptedModel, assistant_message

CHUNKS = 20
"""Deltas of the one message."""


def main() -> None:
    """Serve until stdin ends."""
    words = [f"word{number} " for number in range(CHUNKS)]
    with ScriptedModel(assistant_message("".join(words), chunks=words)) as model:
        model.write_home(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
