"""Whoever silences a check says why, beside it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

import pytest
from docs.programs import ROOT

_SUPPRESSION = re.compile(
    r"#\s*(?:noqa(?:: [A-Z]+\d+(?:, [A-Z]+\d+)*)?|(?:type|pyright): ignore(?:\[[\w, -]+\])?"
    r"|fmt: (?:skip|off)|pragma: no cover)"
)
_REASON = re.compile(r"\s*(?:—|#).*[A-Za-z]{2,}")

_PROGRAMS = sorted(
    path
    for folder in ("src", "tests", "tools", "examples", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "build" not in path.relative_to(ROOT).parts
)


def bare(program: str) -> Iterator[int]:
    """The lines with a suppression and no reason."""
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type != tokenize.COMMENT:
            continue
        marks = [*_SUPPRESSION.finditer(token.string)]
        # Several may share a reason, which stands behind the last.
        if marks and not _REASON.match(token.string[marks[-1].end() :]):
            yield token.start[0]


@pytest.mark.parametrize(
    ("line", "is_bare"),
    [
        ("x = 1  # noqa: E501", True),
        ("x = 1  # noqa", True),
        ("x = 1  # type: ignore[misc]", True),
        ("x = 1  # fmt: skip", True),
        ("x = 1  # pragma: no cover —", True),
        ("x = 1  # noqa: E501, S101 — a row is a line", False),
        ("x = 1  # type: ignore[misc]  # results are immutable", False),
        ("x = 1  # type: ignore[misc] # pyright: ignore[reportX] — not checked", False),
        ('x = "# noqa: E501"', False),
    ],
)
def test_a_suppression_without_a_reason_is_found(line: str, is_bare: bool) -> None:  # noqa: FBT001 — what is expected
    assert [*bare(line)] == ([1] if is_bare else [])


def test_every_suppression_has_its_reason() -> None:
    assert len(_PROGRAMS) > 300

    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in _PROGRAMS
        for line in bare(path.read_text(encoding="utf-8"))
    }

    assert found == set()


_BARE_SKIP = re.compile(
    r"""pytest\.skip\(\)|mark\.(?:skip|skipif|xfail)(?!\w)(?!\(["'])(?!.*reason=)"""
)


@pytest.mark.parametrize(
    ("line", "is_bare"),
    [
        ("@pytest.mark." + "skip", True),
        ("@pytest.mark." + "skipif(WINDOWS)", True),
        ("@pytest.mark." + "xfail(strict=True)", True),
        ("    pytest." + "skip()", True),
        ('@pytest.mark.skipif(WINDOWS, reason="no signals")', False),
        ('marks=pytest.mark.skip("there is no codex binary")', False),
        ("    pytest.skip(ANOTHER_CODEX)", False),
    ],
)
def test_a_skip_without_a_reason_is_found(line: str, is_bare: bool) -> None:  # noqa: FBT001 — what is expected
    assert bool(_BARE_SKIP.search(line)) == is_bare


def test_every_skip_has_its_reason() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in _PROGRAMS
        for line in path.read_text(encoding="utf-8").splitlines()
        if _BARE_SKIP.search(line)
    ]

    assert found == []


def test_every_rule_that_is_turned_off_for_all_has_its_reason() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", settings, re.DOTALL | re.MULTILINE)

    assert ignored
    assert [
        line for line in ignored[1].splitlines() if not re.search(r"#.*[A-Za-z]{2,}", line)
    ] == []
