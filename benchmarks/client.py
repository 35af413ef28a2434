"""One case with one client library in this process; prints one JSON line.

client.py ADAPTER CASE [JSON]     run by run.py with the interpreter of the library's venv

  stream       `events` deltas spread over `turns` turns: CPU seconds per 100,000 events
  slow         endless flood; after one delta the consumer sleeps `sleep` seconds, then reads on
  round-trip   `count` account/read calls one after the other: microseconds
  first-delta  real binary `codex` with `home`, in `cwd`: milliseconds from process start
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import adapters
from adapters import Adapter
from kit.measure import (
    DeltaSequence,
    Milestones,
    cpu_seconds,
    peak_rss_mb,
    percentile,
    report,
    rss_mb,
)

WARM_UP_CALLS = 100
"""Round trips made before the first one that counts."""

CATCH_UP_EVENTS = 20_000
"""How far past the wake-up the slow consumer reads."""

CATCH_UP_SECONDS = 60.0
"""When the slow consumer gives up reading on."""

Options = dict[str, Any]


class EnoughRead(Exception):
    """Ends the reading of an endless turn."""


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine of a blocking adapter, which has nothing to wait for; give its result.

    Raises:
        RuntimeError: it waited after all.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    message = "a blocking adapter awaited something"
    raise RuntimeError(message)


async def together(adapter: Adapter, jobs: list[Coroutine[Any, Any, None]]) -> None:
    """Run all jobs at once: tasks for an asynchronous client, threads for a blocking one."""
    if not adapter.blocking:
        await asyncio.gather(*jobs)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 — only blocking clients pay

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(finish, jobs))


def check(texts: list[str], expected: int) -> int:
    """The number of events that carried the `expected` deltas of one turn.

    Raises:
        ValueError: a delta is missing, repeated or out of order.
    """
    sequence = DeltaSequence()
    for text in texts:
        sequence.take(text)
    if sequence.count != expected:
        message = f"{sequence.count} deltas of {expected}"
        raise ValueError(message)
    return sequence.texts


async def stream(adapter: Adapter, options: Options) -> Options:
    """CPU from the moment all turns but the last are started to the end of every turn."""
    from kit.fake import fake_command  # noqa: PLC0415 — not needed for the first delta

    events, turns = options["events"], options["turns"]
    await adapter.open(fake_command("interleaved", events=events, turns=turns))
    threads = [await adapter.start_thread() for _ in range(turns)]
    started = [await adapter.start_turn(thread) for thread in threads[:-1]]
    cpu, wall = cpu_seconds(), time.perf_counter()
    started.append(await adapter.start_turn(threads[-1]))
    texts: list[list[str]] = [[] for _ in started]
    shares = [events // turns + (index < events % turns) for index in range(turns)]
    pairs = zip(started, texts, strict=True)
    await together(adapter, [adapter.drain(turn, took.append) for turn, took in pairs])
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    await adapter.close()
    seen = sum(check(took, expected) for took, expected in zip(texts, shares, strict=True))
    return {
        "cpu_100k": cpu / events * 1e5,
        "events_per_second": events / wall,
        "events_seen": seen,
    }


class SlowConsumer:
    """Reads one delta, sleeps, then reads on beyond all that the server had written by then."""

    def __init__(self, adapter: Adapter, options: Options, lines: Callable[[], int]) -> None:
        self._adapter = adapter
        self._options = options
        self._lines = lines
        self._sequence = DeltaSequence()
        self._deadline = float("inf")
        self.written = 0
        self.rss: list[float] = []

    @property
    def checked(self) -> int:
        """Deltas whose text was checked."""
        return self._sequence.count

    async def sleep(self) -> None:
        """Sleep inside the loop body, looking at the memory ten times a second."""
        until = time.perf_counter() + self._options["sleep"]
        while time.perf_counter() < until:
            if self._adapter.blocking:
                time.sleep(0.1)  # noqa: ASYNC251 — a blocking client's consumer
            else:
                await asyncio.sleep(0.1)
            self.rss.append(rss_mb())
        self.written = self._lines()
        self._deadline = time.perf_counter() + CATCH_UP_SECONDS
        if not self._options["read_on"]:
            raise EnoughRead

    def take(self, text: str) -> None:
        """Check one text; stop well past the wake-up.

        Raises:
            EnoughRead: everything written during the sleep was found.
            TimeoutError: it did not arrive in time.
        """
        self._sequence.take(text)
        if self.written and self.checked > self.written + CATCH_UP_EVENTS:
            raise EnoughRead
        if time.perf_counter() > self._deadline:
            message = f"{self.checked} deltas of {self.written} in {CATCH_UP_SECONDS} s"
            raise TimeoutError(message)


async def slow(adapter: Adapter, options: Options) -> Options:
    """Resident size while the consumer sleeps, and whether it then finds everything."""
    from kit.fake import Progress, fake_command  # noqa: PLC0415 — not needed for the first delta

    with Progress() as progress:
        consumer = SlowConsumer(adapter, options, lambda: progress.lines)
        await adapter.open(fake_command("endless", progress=progress.path))
        turn = await adapter.start_turn(await adapter.start_thread())
        before = rss_mb()
        with contextlib.suppress(EnoughRead):
            await adapter.drain(turn, consumer.take, consumer.sleep)
        peak = peak_rss_mb()
        await adapter.close()
    return {
        "grown_mb": max(consumer.rss) - before,
        "peak_grown_mb": peak - before,
        "server_lines": consumer.written,
        "checked": consumer.checked,
    }


async def round_trip(adapter: Adapter, options: Options) -> Options:
    """Durations of account/read, one at a time."""
    from kit.fake import fake_command  # noqa: PLC0415 — not needed for the first delta

    await adapter.open(fake_command("silent"))
    for _ in range(WARM_UP_CALLS):
        await adapter.ping()
    durations: list[float] = []
    cpu = cpu_seconds()
    for _ in range(options["count"]):
        at = time.perf_counter_ns()
        await adapter.ping()
        durations.append((time.perf_counter_ns() - at) / 1e3)
    cpu = cpu_seconds() - cpu
    await adapter.close()
    return {
        "p50_us": percentile(durations, 0.5),
        "p99_us": percentile(durations, 0.99),
        "cpu_us": cpu / options["count"] * 1e6,
    }


async def first_delta(adapter: Adapter, options: Options, milestones: Milestones) -> Options:
    """Milestones of one whole turn on the real binary."""
    await adapter.open_real(options["codex"], options["home"], options["cwd"])
    milestones.mark("initialized")
    thread = await adapter.start_thread()
    milestones.mark("thread")
    turn = await adapter.start_turn(thread)
    milestones.mark("turn")
    await adapter.drain(turn, lambda _: milestones.mark("first_delta"))
    milestones.mark("completed")
    await adapter.close()
    milestones.mark("closed")
    return dict(milestones.reached)


CASES: dict[str, Callable[[Adapter, Options], Coroutine[Any, Any, Options]]] = {
    "stream": stream,
    "slow": slow,
    "round-trip": round_trip,
}


def main() -> None:
    """Load the client, run the case that the command line names, print what it measured."""
    name, case, *rest = sys.argv[1:]
    options: Options = json.loads(rest[0]) if rest else {}
    milestones = Milestones()
    milestones.mark("python")
    adapter = adapters.load(name)
    milestones.mark("imported")
    if case == "first-delta":
        job = first_delta(adapter, options, milestones)
    else:
        job = CASES[case](adapter, options)
    report(finish(job) if adapter.blocking else asyncio.run(job))


if __name__ == "__main__":
    main()
