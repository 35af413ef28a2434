"""The command line of the fake app-server and the counters it shares with us."""

import mmap
import os
import struct
import tempfile
from pathlib import Path
from typing import Self

FAKE = Path(__file__).resolve().parent.parent / "build" / "fakeapp"
"""The program built from fake/fakeapp.c."""


def fake_command(mode: str, **options: float | str) -> list[str]:
    """The argv of the fake in `mode`; options are those of fake/fakeapp.c."""
    command = [str(FAKE), "--mode", mode]
    for name, value in options.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    return command


class Progress:
    """Counters that the fake writes into a mapped file; a context manager that removes the file."""

    LAYOUT = struct.Struct("4Q")

    def __enter__(self) -> Self:
        handle, self.path = tempfile.mkstemp(prefix="codex-bench-progress-")
        os.ftruncate(handle, self.LAYOUT.size)
        self._map = mmap.mmap(handle, self.LAYOUT.size)
        os.close(handle)
        return self

    def __exit__(self, *_: object) -> None:
        self._map.close()
        Path(self.path).unlink()

    @property
    def lines(self) -> int:
        """Event lines that the fake has got rid of."""
        return self.LAYOUT.unpack(self._map[:])[0]
