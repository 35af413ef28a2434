"""What one round runs, case by case, and the bar of each case."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.build import BENCHMARKS, Environment
from kit.model import scripted_model
from kit.process import Finished, run

Record = dict[str, Any]
"""One measurement: `case`, `client`, and its figures, or `failed` with the reason."""

OURS, VENDORS = "ours", ("vendor_sync", "vendor_async")

IMPORTS = {
    "python": "pass",
    "asyncio+msgspec": "import asyncio, msgspec",
    OURS: "import codex_runtime",
    "ours, Runtime": "from codex_runtime import Runtime, run, stream",
}
"""Programs whose whole process is measured, in our environment."""

VENDOR_IMPORT = "import openai_codex"

PRINT_RSS = "; from kit.measure import rss_mb; print(rss_mb())"
"""Added to an import when its resident size is asked for; its CPU time is measured without."""


@dataclass(frozen=True)
class Sizes:
    """How much work one round does; the vendor's clients get less, costs are per event."""

    imports: int = 7
    stream: dict[str, int] = field(
        default_factory=lambda: {OURS: 400_000, "vendor_sync": 60_000, "vendor_async": 20_000}
    )
    turns: dict[str, int] = field(
        default_factory=lambda: {OURS: 400_000, "vendor_sync": 20_000, "vendor_async": 20_000}
    )
    sleep: float = 5.0
    calls: int = 2000
    real: int = 3


QUICK = Sizes(
    imports=3,
    stream={OURS: 200_000, "vendor_sync": 20_000, "vendor_async": 10_000},
    turns={OURS: 200_000, "vendor_sync": 10_000, "vendor_async": 10_000},
    sleep=2.0,
    calls=1000,
    real=2,
)
"""A look, not a measurement."""


class Round:
    """Runs measured programs for one round and turns their ends into records."""

    def __init__(self, ours: Environment, vendor: Environment, sizes: Sizes) -> None:
        self._ours, self._vendor = ours, vendor
        self.sizes = sizes

    def imports(self) -> Iterator[Record]:
        """Whole processes that only import, one of each after the other."""
        programs = [(name, self._ours, code) for name, code in IMPORTS.items()]
        programs.append(("vendor_sync", self._vendor, VENDOR_IMPORT))
        ends: dict[str, list[Finished]] = {name: [] for name, _, _ in programs}
        for _ in range(self.sizes.imports):
            for name, environment, code in programs:
                ends[name].append(run([str(environment.python), "-c", code], BENCHMARKS))
        for name, environment, code in programs:
            end = run([str(environment.python), "-c", code + PRINT_RSS], BENCHMARKS)
            record: Record = {"case": "import", "client": name}
            if end.returncode:
                yield record | {"failed": end.last_words}
                continue
            cpu_ms = statistics.median(ended.cpu_ms for ended in ends[name])
            yield record | {"cpu_ms": cpu_ms, "rss_mb": float(end.stdout)}

    def stream(self) -> Iterator[Record]:
        """One turn through the public streaming API, beside two bare loops."""
        events = self.sizes.stream[OURS]
        yield self._floor("stream", "json", events=events // 2)
        yield self._floor("stream", "queue", events=events)
        for client, events in self.sizes.stream.items():
            yield self._client("stream", client, "stream", events=events, turns=1)

    def turns(self) -> Iterator[Record]:
        """200 turns on one connection, their deltas interleaved; ours beside one turn."""
        for client, events in self.sizes.turns.items():
            if client == OURS:
                yield self._client("turns", "ours, one turn", "stream", events=events, turns=1)
            yield self._client("turns", client, "stream", events=events, turns=200)

    def slow(self) -> Iterator[Record]:
        """A consumer that sleeps while an endless turn floods it."""
        for client in (OURS, *VENDORS):
            options = {"sleep": self.sizes.sleep, "read_on": client == OURS}
            yield self._client("slow", client, "slow", **options)

    def round_trip(self) -> Iterator[Record]:
        """account/read against the fake."""
        yield self._floor("round-trip", "round-trip", count=self.sizes.calls)
        for client in (OURS, *VENDORS):
            yield self._client("round-trip", client, "round-trip", count=self.sizes.calls)

    def first_delta(self) -> Iterator[Record]:
        """The first turn on the real binary, each run with a fresh CODEX_HOME and model."""
        clients = ("bare, minimal", "bare", OURS, *VENDORS)
        runs: dict[str, list[Record]] = {client: [] for client in clients}
        for _ in range(self.sizes.real):
            for client in clients:
                runs[client].append(self._real(client))
        for client, records in runs.items():
            failed = [record for record in records if "failed" in record]
            keys = [key for key in records[0] if key not in {"case", "client", "failed"}]
            medians = {
                key: statistics.median(record.get(key, 0.0) for record in records) for key in keys
            }
            yield failed[0] if failed else {"case": "first-delta", "client": client, **medians}

    def _real(self, client: str) -> Record:
        with scripted_model(self._ours.python) as (home, cwd):
            options = {"codex": self._ours.codex(), "home": home, "cwd": cwd}
            if not client.startswith("bare"):
                return self._client("first-delta", client, "first-delta", **options)
            arguments = ["bare", json.dumps(options | {"asyncio": client == "bare"})]
            return self._run("first-delta", client, self._ours, arguments)

    def _floor(self, case: str, floor: str, **options: Any) -> Record:
        name = "floor" if floor != "json" else "json.loads"
        return self._run(case, name, self._ours, ["floor", floor, json.dumps(options)])

    def _client(self, case: str, client: str, program: str, **options: Any) -> Record:
        environment = self._vendor if client in VENDORS else self._ours
        adapter = client.partition(",")[0]
        arguments = ["client", adapter, program, json.dumps(options)]
        return self._run(case, client, environment, arguments)

    def _run(
        self, case: str, client: str, environment: Environment, arguments: Sequence[str]
    ) -> Record:
        program, *rest = arguments
        # As a module, not as a script: Python keeps the byte code of modules only.
        code = f"import {program}; {program}.main()"
        end = run([str(environment.python), "-c", code, *rest], BENCHMARKS)
        record: Record = {"case": case, "client": client}
        if end.returncode:
            return record | {"failed": end.last_words}
        return record | json.loads(end.stdout)


@dataclass(frozen=True)
class Bar:
    """What our client must reach in a case.

    Attributes:
        case: The word for --only, and the case of the records.
        title: What is measured, with its unit.
        figure: The record's key.
        limit: The bar: a ratio to `against`, or a value of the figure itself.
        against: The client whose figure in the same round is the measure, or None.
        reference: The floor or other client that is shown beside ours, or None.
        run: What one round runs for it.
    """

    case: str
    title: str
    figure: str
    limit: float
    against: str | None
    reference: str | None
    run: Callable[[Round], Iterator[Record]]
    digits: int = 1


BARS = (
    Bar("import", "import, CPU ms of the whole process", "cpu_ms", 2.0, "asyncio+msgspec", "asyncio+msgspec", Round.imports),
    Bar("stream", "one streamed turn, CPU s per 100k events", "cpu_100k", 0.20, None, "floor", Round.stream, 3),
    Bar("turns", "200 interleaved turns, CPU s per 100k events", "cpu_100k", 1.3, "ours, one turn", "ours, one turn", Round.turns, 3),
    Bar("slow", "asleep under a flood, RSS growth in MB, nothing lost", "grown_mb", 20.0, None, None, Round.slow),
    Bar("round-trip", "request round trip, p50 in us", "p50_us", 1.5, "floor", "floor", Round.round_trip),
    Bar("first-delta", "real binary, ms from process start to the first delta", "first_delta", 1.15, "bare", "bare", Round.first_delta, 0),
)  # fmt: skip  # a row is a line
"""The bars of the speed and memory promise, in the order of the table."""
