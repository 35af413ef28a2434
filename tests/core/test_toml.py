"""Settings in TOML: what codex reads back is what was given, or it is refused."""

import math
import tomllib
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime._toml import setting
from codex_runtime.errors import InvalidArgument


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


TYPE = "convert it to text, a number, true or false, a list or a mapping"
NAME = "use letters, digits, _ and -, with dots between; any other name goes into a mapping"

values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
)


@given(values)
def test_what_is_written_reads_back_equal(value: Any) -> None:
    assert tomllib.loads("=".join(setting("a.b-c", value, "config"))) == {"a": {"b-c": value}}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (1e16, "1e+16"),
        ("\x7f", '"\\u007f"'),
        ('a "b" \\ \n', '"a \\"b\\" \\\\ \\u000a"'),
        ("😀", '"😀"'),
        ((1, [True, 2.5]), "[1, [true, 2.5]]"),
        ({}, "{}"),
        (MappingProxyType({"d e": ["f"], "\x7f": 1}), '{"d e" = ["f"], "\\u007f" = 1}'),
        (Colour.RED, '"red"'),
        (Level.LOW, "1"),
    ],
)
def test_a_value_is_written_as_toml(value: Any, written: str) -> None:
    assert setting("a", value, "config") == ("a", written)


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a=b", "a b", "a\n", '"a"', "ä", 5])
def test_a_name_that_codex_would_read_as_another_is_refused(name: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        setting(name, 1, "config")

    assert caught.value.field == f"config.{name}"
    assert str(caught.value) == f"config.{name} is no name of a setting; {NAME}"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "place", "problem"),
    [
        (None, "", f"is of type NoneType; {TYPE}"),
        ([1, b"x"], "[1]", f"is of type bytes; {TYPE}"),
        ({"b": {"c": object()}}, ".b.c", f"is of type object; {TYPE}"),
        ({"b": {1: 2}}, ".b", "has a key of type int; use text"),
        ({"x\ud800": 1}, " (a key)", "has a lone surrogate at character 1; take it out"),
        ("\ud800", "", "has a lone surrogate at character 0; take it out"),
        (2**63, "", "does not fit into 64 bits; use text or a float"),
        (-(2**63) - 1, "", "does not fit into 64 bits; use text or a float"),
        (math.nan, "", "is nan; use a finite number"),
        ([-math.inf], "[0]", "is -inf; use a finite number"),
        (nested(65), "[0]" * 64, "is nested more than 64 levels deep; make it flatter"),
    ],
)
def test_a_value_that_codex_would_not_read_is_refused_with_its_place(
    value: Any, place: str, problem: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        setting("a", value, "config")

    assert caught.value.field == f"config.a{place}"
    assert str(caught.value) == f"config.a{place} {problem}"


def test_sixty_four_levels_are_written() -> None:
    assert setting("a", nested(64), "config") == ("a", "[" * 64 + "1" + "]" * 64)
