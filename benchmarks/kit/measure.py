"""Measurements of this process, and the one JSON line that a measured program prints.

Imports as little as possible: the time to the first delta is counted from process start.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

START_VARIABLE = "BENCH_T0"
"""Environment variable with CLOCK_MONOTONIC in nanoseconds just before this process was started."""

PAGE = os.sysconf("SC_PAGE_SIZE")
"""Bytes in a page of /proc/self/statm."""


def cpu_seconds() -> float:
    """User and system CPU seconds of this process, all threads, without its children."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_mb() -> float:
    """The largest resident size this process has had, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def rss_mb() -> float:
    """The resident size of this process now, in megabytes; the peak where /proc is missing."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 — pathlib is not loaded here
            return int(statm.read().split()[1]) * PAGE / 1e6
    except FileNotFoundError:
        return peak_rss_mb()


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(values: Mapping[str, Any]) -> None:
    """Print the result of this program: one JSON object on one line."""
    print(json.dumps(values), flush=True)


class Milestones:
    """Milliseconds from the start of this process to each named point."""

    def __init__(self) -> None:
        self._start = int(os.environ.get(START_VARIABLE, time.monotonic_ns()))
        self.reached: dict[str, float] = {}

    def mark(self, name: str) -> None:
        """Note the time of `name`; only its first time counts."""
        self.reached.setdefault(name, (time.monotonic_ns() - self._start) / 1e6)


class DeltaSequence:
    """Checks that delta texts continue each other.

    The fake numbers them `0000000 `, `0000001 ` and so on. A client may merge consecutive deltas
    of one item, so a text holds one number or more.
    """

    WIDTH = 8
    WRAP = 10_000_000

    def __init__(self) -> None:
        self.count = 0
        self.texts = 0

    def take(self, text: str) -> None:
        """Check the next text.

        Raises:
            ValueError: something was lost, repeated or reordered.
        """
        self.texts += 1
        for at in range(0, len(text), self.WIDTH):
            piece = text[at : at + self.WIDTH]
            if piece != f"{self.count % self.WRAP:07d} ":
                message = f"delta {self.count}: the text goes on with {piece!r}"
                raise ValueError(message)
            self.count += 1
