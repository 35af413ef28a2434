"""The table of a run: medians of what was measured, ratios within a round."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kit.cases import BARS, OURS, VENDORS, Bar, Record

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
"""The table stands between these lines of a page."""

HEADER = ("case", "ours", "bar", "reached", "", "reference", "vendor sync", "vendor async")


def _values(records: Iterable[Record], case: str, client: str, figure: str) -> dict[int, float]:
    """The figure by round."""
    return {
        record["round"]: record[figure]
        for record in records
        if record["case"] == case and record["client"] == client and figure in record
    }


def _median(values: Mapping[int, float], digits: int) -> str:
    return f"{statistics.median(values.values()):,.{digits}f}" if values else "-"


def _reached(bar: Bar, records: Sequence[Record]) -> float | None:
    """Our result in the bar's measure; None if something of it failed."""
    needed = {OURS, bar.against}
    if any(
        "failed" in record
        for record in records
        if record["case"] == bar.case and record["client"] in needed
    ):
        return None
    ours = _values(records, bar.case, OURS, bar.figure)
    if bar.against is None:
        return statistics.median(ours.values()) if ours else None
    base = _values(records, bar.case, bar.against, bar.figure)
    ratios = [ours[number] / base[number] for number in ours.keys() & base.keys()]
    return statistics.median(ratios) if ratios else None


def _verdict(bar: Bar, reached: float | None) -> tuple[str, str]:
    """What was reached as text, and whether the bar is met."""
    if reached is None:
        return "-", "FAILED"
    text = f"{reached:.2f} x" if bar.against else f"{reached:,.{bar.digits}f}"
    return text, "met" if reached <= bar.limit else "MISSED"


def _row(bar: Bar, records: Sequence[Record]) -> list[str]:
    shown = [OURS, bar.reference or "", *VENDORS]
    ours, *others = (
        _median(_values(records, bar.case, client, bar.figure), bar.digits) for client in shown
    )
    limit = f"{bar.limit:g} x {bar.against}" if bar.against else f"{bar.limit:g}"
    return [bar.title, ours, f"≤ {limit}", *_verdict(bar, _reached(bar, records)), *others]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _details(records: Sequence[Record]) -> list[list[str]]:
    """Every other figure that was measured, as medians."""
    named: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if "failed" not in record:
            named.setdefault((record["case"], record["client"]), []).append(record)
    rows = [["case", "client", "medians"]]
    for (case, client), found in named.items():
        keys = [key for key in found[0] if key not in {"case", "client", "round"}]
        medians = ", ".join(
            f"{key} {statistics.median(record[key] for record in found):,.4g}" for key in keys
        )
        rows.append([case, client, medians])
    return rows


def page(about: Mapping[str, str], records: Sequence[Record]) -> str:
    """The results as Markdown."""
    cases = {record["case"] for record in records}
    bars = [bar for bar in BARS if bar.case in cases]
    rounds = len({record["round"] for record in records})
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    table = _markdown([HEADER, *(_row(bar, records) for bar in bars)])
    details = _markdown(_details(records))
    return f"{facts}\n- rounds: {rounds}\n\n{table}\n\nAll figures:\n\n{details}\n"


def write(page_path: Path, text: str) -> None:
    """Put the results between the markers of a page.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page_path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        message = f"{page_path} has no {BEGIN} … {END}"
        raise ValueError(message)
    page_path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
