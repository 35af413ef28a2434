"""The page about the Rust `thread_api`: complete, and every test and name on it exists."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from docs.programs import ROOT

import codex_runtime

FUNCTIONS = [
    "ThreadHandle::runtime",
    "ThreadHandle::turn_start",
    "ThreadHandle::turn_steer",
    "ThreadHandle::turn_interrupt",
    "loaded_thread_handle",
    "thread_start",
    "thread_start_with_hooks",
    "thread_resume",
    "thread_resume_with_hooks",
    "prepare_session_start_hooks",
    "finalize_session_start_hooks",
    "thread_resume_raw",
    "thread_fork",
    "thread_archive",
    "thread_read",
    "thread_list",
    "thread_loaded_list",
    "skills_list",
    "thread_rollback",
    "turn_interrupt",
    "turn_interrupt_with_timeout",
    "interrupt_params",
    "ensure_turn_input_not_empty",
    "block_reason_to_rpc_error",
]
"""Every function of that file, private ones included."""


class Row(NamedTuple):
    """A row of the page."""

    rust: str
    here: str
    differs: str
    tests: tuple[str, ...]


def rows() -> list[Row]:
    text = (ROOT / "docs/seed-coverage.md").read_text()
    found = re.findall(r"^\| (`.+`) \| (.*) \| (.+) \| (`.+`) \|$", text, re.MULTILINE)
    return [
        Row(rust, here, differs, tuple(re.findall(r"`([^`]+)`", tests)))
        for rust, here, differs, tests in found
    ]


ROWS = rows()


def test_every_function_has_a_row() -> None:
    listed = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row.rust)}

    assert set(FUNCTIONS) - listed == set()
    assert len(ROWS) > len(FUNCTIONS)


def test_no_row_of_the_page_was_passed_over() -> None:
    text = (ROOT / "docs/seed-coverage.md").read_text()

    lines = [line for line in text.splitlines() if line.startswith("| `")]

    assert len(lines) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rust.strip("`"))
def test_the_tests_of_a_row_exist_and_one_of_them_is_played_on_the_real_binary(row: Row) -> None:
    for each in row.tests:
        path, _, name = each.partition("::")
        statements = ast.parse((ROOT / path).read_text()).body
        assert name in {
            each.name
            for each in statements
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        }, each

    assert any(_plays_on_real(each) for each in row.tests)


def _plays_on_real(test: str) -> bool:
    """Tests of `tests/spec` that take a server, or a stage, get the real one too."""
    path, _, name = test.partition("::")
    [function] = [
        each
        for each in ast.parse((ROOT / path).read_text()).body
        if isinstance(each, ast.AsyncFunctionDef) and each.name == name
    ]
    taken = {each.arg for each in function.args.args}
    return Path(path).parent == Path("tests/spec") and bool(taken & {"server", "stage"})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rust.strip("`"))
def test_the_names_of_a_row_exist(row: Row) -> None:
    protocol = importlib.import_module("codex_runtime.protocol")
    for name in re.findall(r"`([A-Z]\w+(?:\.\w+)?)`", row.here):
        owner, _, member = name.partition(".")
        known: Any = getattr(codex_runtime, owner, None) or getattr(protocol, owner)
        assert not member or hasattr(known, member) or member in _fields(known), name


def _fields(kind: type) -> tuple[str, ...]:
    return getattr(kind, "__match_args__", ())
