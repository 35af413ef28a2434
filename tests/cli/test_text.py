"""Text from elsewhere reaches the terminal as text and as nothing else."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime._text import defuse, elide, escape_json, exact

ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

PIECES = st.sampled_from(
    [
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x1bP",
        "\x9b",
        "\x9d",
        "\x07",
        "\x1b\\",
        "\x9c",
        "31m",
        "0;t",
        ";",
        "\r",
        "\n",
    ]
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]52;c;c3RvbGVu\x1b\\text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r\x1b\\text", "text"),
        ("\x1b(Btext\x1b7", "text"),
        ("bell\x07 null\x00", "bell␇ null␀"),
        ("an end\x1b", "an end␛"),
        ("\u202egnp.exe\u202c", "\ufffdgnp.exe\ufffd"),
        ("one\r\ntwo\rthree\tfour\n", "one\ntwo\nthree\tfour\n"),
        ("naïve 漢字 🙂", "naïve 漢字 🙂"),
    ],
)
def test_control_sequences_are_taken_out(written: str, shown: str) -> None:
    assert defuse(written) == shown


def test_an_introducer_without_an_end_hides_no_words() -> None:
    shown = defuse("\x1b]0;rm -rf /\nstill here")

    assert "rm -rf /" in shown
    assert "still here" in shown


@given(st.text() | st.lists(st.text() | PIECES).map("".join))
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    assert not ACTED_ON.search(defuse(text))


@given(st.lists(st.text() | PIECES).map("".join))
def test_a_text_that_is_cut_anywhere_is_as_harmless_as_a_whole_one(text: str) -> None:
    middle = len(text) // 2

    assert not ACTED_ON.search(defuse(text[:middle]) + defuse(text[middle:]))


@given(st.dictionaries(st.text(), st.text() | PIECES))
def test_json_keeps_its_value_and_loses_its_teeth(value: dict[str, str]) -> None:
    line = escape_json(json.dumps(value, ensure_ascii=False))

    assert json.loads(line) == value
    assert not ACTED_ON.search(line)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain text, äöü, 猫 😀", "plain text, äöü, 猫 😀"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x07\r", r"\x1b[31mred\x07\r"),
        ("\x9b1m", r"\x9b1m"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\u200bb\ufeffc\u00add", r"a\u200bb\ufeffc\xadd"),
        ("a\xa0b\u3000c", r"a\xa0b\u3000c"),
        ("a\u2028b", r"a\u2028b"),
        ("a\udc80b", r"a\udc80b"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_has_no_shape_of_its_own_is_an_escape(written: str, shown: str) -> None:
    assert exact(written) == shown


@given(st.text())
def test_what_is_exact_can_be_printed(text: str) -> None:
    assert exact(text).replace("\t", "").replace("\n", "").isprintable()


@given(st.lists(st.text(), max_size=30), st.integers(0, 9), st.integers(1, 9))
def test_nothing_is_left_out_uncounted(lines: list[str], head: int, tail: int) -> None:
    first, left_out, last = elide(lines, head=head, tail=tail)

    assert len(first) + left_out + len(last) == len(lines)
    assert lines[: len(first)] == first
    assert lines[len(lines) - len(last) :] == last
