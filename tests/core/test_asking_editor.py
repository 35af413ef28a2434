"""A line, from the keys that make it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime._asking._editor import LONGEST, LineEditor


@pytest.mark.parametrize(
    ("keys", "text", "echo"),
    [
        (b"yes\r", "yes", "yes"),
        (b"yes\n", "yes", "yes"),
        (b"yex\x7fs\r", "yes", "yex\b \bs"),
        (b"yex\x08s\r", "yes", "yex\b \bs"),
        (b"\x7f\x7fy\r", "y", "y"),
        (b"no way\x15y\r", "y", "no way" + "\b \b" * 6 + "y"),
        (b"no way \x17\r", "no ", "no way " + "\b \b" * 4),
        ("ä€😀\r".encode(), "ä€😀", "ä€😀"),
        (b"a\tb\r", "a b", "a b"),
        # An arrow, a key with numbers, one of the other kind, Alt and a letter.
        (b"a\x1b[Db\x1b[3~c\x1bOPd\x1bxe\r", "abcde", "abcde"),
        # What a terminal would act on is no text.
        (b"a\x00\x01\x07\xc2\x9bb\r", "ab", "ab"),
        ("a\u202eb\u200bc\r".encode(), "abc", "abc"),
        (b"\xff\xfey\r", "y", "y"),
        (b"\r", "", ""),
        (b"a\x04b\r", "ab", "ab"),
    ],
)
def test_keys_make_a_line(keys: bytes, text: str, echo: str) -> None:
    editor = LineEditor()

    shown = editor.feed(keys)

    assert (editor.state, editor.text, shown) == ("done", text, echo)


def test_a_key_may_come_in_pieces() -> None:
    editor = LineEditor()

    shown = [editor.feed(bytes([each])) for each in "€\x1b[A!\r".encode()]

    assert (editor.state, editor.text, "".join(shown)) == ("done", "€!", "€!")


def test_what_was_typed_after_the_end_of_the_line_is_dropped() -> None:
    editor = LineEditor()

    shown = editor.feed(b"n\ry\r")

    assert (editor.text, shown) == ("n", "n")


def test_escape_and_enter_take_the_line_back() -> None:
    editor = LineEditor()

    editor.feed(b"y\x1b\r")

    assert (editor.state, editor.text) == ("done", "")


def test_ctrl_d_in_an_empty_line_is_the_end() -> None:
    editor = LineEditor()

    editor.feed(b"a\x7f\x04y\r")

    assert (editor.state, editor.text) == ("ended", "")


def test_nothing_of_a_secret_is_shown() -> None:
    editor = LineEditor(secret=True)

    shown = editor.feed(b"hunter3\x7f2\r")

    assert (editor.text, shown) == ("hunter2", "")


def test_a_wide_character_is_rubbed_out_whole() -> None:
    editor = LineEditor(width=lambda each: 2 if each == "猫" else 1)

    assert editor.feed("a猫\x7f\r".encode()) == "a猫" + "\b \b" * 2
    assert editor.text == "a"


def test_a_line_has_an_end() -> None:
    editor = LineEditor()

    editor.feed(b"x" * (LONGEST + 10) + b"\r")

    assert editor.text == "x" * LONGEST


@given(st.lists(st.binary(max_size=8), max_size=20))
def test_whatever_is_typed_the_text_can_be_shown(pieces: list[bytes]) -> None:
    editor = LineEditor()

    shown = "".join(map(editor.feed, pieces))

    assert editor.text.isprintable()
    assert all(each.isprintable() or each == "\b" for each in shown)
