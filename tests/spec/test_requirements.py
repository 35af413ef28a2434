"""The table of requirements and the tests know each other, and every source leads somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from spec.requirements import REQUIREMENTS, requirement

_HERE = Path(__file__).parent
_DOCS = _HERE.parent.parent / "docs"

_SOURCES = re.compile(r"fact:(?P<fact>\d+)|readme#[a-z-]+|design:(?P<section>\d+)|runtime")


def spec_tests() -> Iterator[tuple[str, list[str]]]:
    """Each test of this folder with the requirements that it names, read and not imported."""
    for path in sorted(_HERE.glob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and _is_test(node.name):
                yield f"{path.name}::{node.name}", [*_named(node)]


def _is_test(name: str) -> bool:
    return name.startswith("test_")


def _named(node: ast.AsyncFunctionDef | ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="requirement"), args=args):
                yield from (str(ast.literal_eval(each)) for each in args)
            case _:
                pass


def test_every_requirement_has_a_test() -> None:
    proven = {each for _, named in spec_tests() for each in named}

    assert set(REQUIREMENTS) - proven == set()


def test_every_test_names_requirements_that_exist() -> None:
    found = dict(spec_tests())

    assert [name for name, named in found.items() if not named] == []
    assert {each for named in found.values() for each in named} - set(REQUIREMENTS) == set()
    assert len(found) > 60


def test_every_source_leads_somewhere() -> None:
    facts = set(re.findall(r"^\| (\d+) \|", (_DOCS / "server-facts.md").read_text(), re.MULTILINE))
    sections = set(re.findall(r"^## (\d+)\. ", (_DOCS / "design.md").read_text(), re.MULTILINE))

    for each, row in REQUIREMENTS.items():
        source = _SOURCES.fullmatch(row.source)
        assert source, f"{each}: {row.source}"
        assert source["fact"] in {None, *facts}, f"{each}: {row.source}"
        assert source["section"] in {None, *sections}, f"{each}: {row.source}"
        assert re.fullmatch(r"[a-z]+:[a-z0-9-]+", each)
        assert row.sentence.endswith(".")


def test_a_requirement_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        requirement("turn:no-such-thing")
