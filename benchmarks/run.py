"""Run the benchmarks: ours beside the vendor's SDK and beside bare loops; print the table.

Needs Python 3.11 or newer and a C compiler; makes everything else in benchmarks/build/.
"""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kit import report
from kit.build import BENCHMARKS, prepare
from kit.cases import BARS, QUICK, Record, Round, Sizes
from kit.machine import about

RESULTS = BENCHMARKS / "results"
"""One file of JSON lines per run; ignored by git."""

MAX_ROUNDS = 50
"""More would take most of a day."""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds, 1 to 50 (default 5, quick 2)")
    parser.add_argument("--only", default="", help="cases, comma separated: " + ", ".join(_cases()))
    parser.add_argument("--quick", action="store_true", help="small sizes, 2 rounds: a look")
    parser.add_argument("--report", type=Path, metavar="FILE", help="print a finished run again")
    parser.add_argument("--write", action="store_true", help="write the table even so")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    if not 1 <= options.rounds <= MAX_ROUNDS:
        parser.error(f"--rounds must be 1 to {MAX_ROUNDS}")
    options.only = [case for case in options.only.split(",") if case]
    unknown = set(options.only) - set(_cases())
    if unknown:
        parser.error(f"unknown case: {', '.join(sorted(unknown))}")
    return options


def _cases() -> list[str]:
    return [bar.case for bar in BARS]


def measure(options: argparse.Namespace) -> Path:
    """Run the rounds, every case of a round after the other; give the file of the results."""
    ours, vendor = prepare()
    RESULTS.mkdir(exist_ok=True)
    now = dt.datetime.now(tz=dt.UTC)
    path = RESULTS / f"{now:%Y%m%d-%H%M%S}.jsonl"
    this = Round(ours, vendor, QUICK if options.quick else Sizes())
    with path.open("w") as file:
        print(json.dumps({"about": about(ours, vendor)}), file=file, flush=True)
        for number in range(options.rounds):
            for bar in BARS:
                if options.only and bar.case not in options.only:
                    continue
                for record in bar.run(this):
                    record["round"] = number
                    print(json.dumps(record), file=file, flush=True)
                    print(_line(record), file=sys.stderr)
    return path


def _line(record: Record) -> str:
    figures = {
        key: f"{value:.4g}" if isinstance(value, float) else value
        for key, value in record.items()
        if key not in {"case", "client", "round"}
    }
    listed = " ".join(f"{key}={value}" for key, value in figures.items())
    return f"{record['round']} {record['case']:12} {record['client']:16} {listed}"


def main() -> int:
    """Measure or read, print, write.

    Returns:
        0, or 1 if something could not be measured; a missed bar is a result.
    """
    options = parse()
    path = options.report or measure(options)
    header, *lines = path.read_text().splitlines()
    records: list[Record] = [json.loads(line) for line in lines]
    text = report.page(json.loads(header)["about"], records)
    print(text)
    full = not (options.quick or options.only or options.report)
    if full or options.write:
        for page in (BENCHMARKS / "README.md", BENCHMARKS.parent / "README.md"):
            report.write(page, text)
    failed = [record for record in records if "failed" in record]
    for record in failed:
        print(f"FAILED {record['case']} {record['client']}: {record['failed']}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
