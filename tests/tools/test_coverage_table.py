"""The page that says from where each method of the protocol is reached."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import coverage_table
import probe_methods
import pytest

import codex_runtime
from codex_runtime.protocol import Wire, methods
from codex_runtime.protocol.methods import CLIENT_REQUESTS

ROW = re.compile(r"^\| `([^`]+)` \| (.+) \| `([A-Z_]+)` \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_the_page_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage_table.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_every_method_is_on_the_page_once_and_its_constant_is_its_own() -> None:
    rows = ROW.findall(coverage_table.PAGE.read_text())

    assert [row[0] for row in rows] == sorted(CLIENT_REQUESTS)
    for method, _, constant, stability, _ in rows:
        entry = getattr(methods, constant)
        assert entry.method == method
        assert entry.stability == stability


@pytest.mark.parametrize("method", CLIENT_REQUESTS)
def test_every_method_can_be_called_with_types(method: str) -> None:
    entry = CLIENT_REQUESTS[method]

    for kind in (entry.params_type, entry.result_type):
        # Some methods take nothing, and some parameters are of one of several types.
        parts: tuple[type, ...] = () if kind is None else get_args(kind) or (kind,)
        assert all(issubclass(part, Wire) for part in parts)
    assert entry.result_type


def test_every_name_on_the_page_exists() -> None:
    classes = {kind.__name__: kind for kind in coverage_table.public_classes()}
    names = {
        name
        for row in ROW.findall(coverage_table.PAGE.read_text())
        for name in re.findall(r"`([^`]+)`", row[1])
    }

    assert len(names) > 50
    for name in names:
        owner, _, member = name.removeprefix("async with ").partition(".")
        assert owner in classes
        assert not member or hasattr(classes[owner], member), name


def test_most_methods_have_a_name() -> None:
    rows = ROW.findall(coverage_table.PAGE.read_text())

    named = [row for row in rows if row[1] != "typed request"]

    assert len(named) > len(rows) / 2


def test_a_stale_page_is_shown_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"

    assert coverage_table.main(["--page", str(page), "--check"]) == 1
    assert coverage_table.main(["--page", str(page)]) == 0
    page.write_text(page.read_text().replace("`Runtime.thread_start`", "typed request"))
    edited = page.read_text()
    capsys.readouterr()

    assert coverage_table.main(["--page", str(page), "--check"]) == 1
    assert "+| `thread/start` | `Runtime.thread_start`" in capsys.readouterr().out
    assert page.read_text() == edited


def test_a_version_that_was_asked_for_other_methods_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "availability.json"
    for known in ({}, {"0.1.0": {"thread/start": True}}):
        file.write_text(json.dumps(known))

        assert coverage_table.main(["--availability", str(file), "--check"]) == 2
        assert "probe_methods.py" in capsys.readouterr().out


def test_a_method_says_since_when_it_is_there() -> None:
    known = probe_methods.read(probe_methods.FILE)
    first, second, *_ = known
    old = {version: dict.fromkeys(CLIENT_REQUESTS, True) for version in known}
    old[first]["turn/start"] = False
    old[second]["turn/steer"] = False

    page = coverage_table.rendered({}, old)

    rows = {row[0]: row[4] for row in ROW.findall(page)}
    assert rows["turn/start"] == f"since {second}"
    assert rows["turn/steer"] == ", ".join(version for version in known if version != second)
    assert rows["turn/interrupt"] == "all"


def test_what_a_public_class_has_from_a_private_one_is_its_own() -> None:
    names = coverage_table.public_names()

    assert "Runtime.thread_list" in names["thread/list"]
    assert "Runtime" in dir(codex_runtime)
    assert not any("ThreadCalls" in name for found in names.values() for name in found)
