"""Bytes to lines: the cuts do not matter, and a fault costs the line it is in."""

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_runtime._framing import DEFAULT_MAX_FRAME_BYTES, LineSplitter

LIMIT = 8
"""Bytes. Small, so that hypothesis finds lines around it."""

streams = st.lists(st.sampled_from([b"\n", b"\r", b"a", b"\xff", b"{}", b"12345678"])).map(b"".join)
"""Lines of every length around the limit, blank ones, CRLF and bytes that are no text."""


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    stream = draw(streams) + b"\n"
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)))))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def feed(splitter: LineSplitter, chunks: Iterable[bytes]) -> list[bytes]:
    return [line for chunk in chunks for line in splitter.feed(chunk)]


@given(cut_streams())
def test_the_lines_do_not_depend_on_how_the_bytes_were_cut(chunks: list[bytes]) -> None:
    lines = b"".join(chunks).split(b"\n")

    assert feed(LineSplitter(), chunks) == [line for line in lines if line]


@given(cut_streams())
@example([b"123456789\n", b"12345678", b"9", b"a\nok\n"])
@example([b"ok\n123456789", b"\n123456789\nok\n"])
@example([b"12345678", b"9\n123456789\n123456789"])
def test_an_oversized_line_costs_that_line_and_is_counted_once_however_it_is_cut(
    chunks: list[bytes],
) -> None:
    *lines, unfinished = b"".join(chunks).split(b"\n")
    splitter = LineSplitter(max_frame_bytes=LIMIT)

    found = feed(splitter, chunks)

    assert found == [line for line in lines if line and len(line) <= LIMIT]
    assert splitter.oversized == sum(len(line) > LIMIT for line in (*lines, unfinished))


@given(cut_streams())
def test_what_is_held_never_exceeds_the_limit(chunks: list[bytes]) -> None:
    splitter = LineSplitter(max_frame_bytes=LIMIT)

    for chunk in chunks:
        splitter.feed(chunk)

        assert sum(map(len, splitter._parts)) == splitter._held <= LIMIT


def test_a_line_that_ends_is_whole_before_the_next_one_is_there() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b'{"id"') == []
    assert splitter.feed(b":1}\n{") == [b'{"id":1}']
    assert splitter.feed(b"}\n") == [b"{}"]


def test_blank_lines_are_left_out() -> None:
    assert LineSplitter().feed(b"\n\n{}\n\n") == [b"{}"]


def test_a_carriage_return_is_left_to_json_which_takes_it_for_a_blank() -> None:
    assert LineSplitter().feed(b"{}\r\n") == [b"{}\r"]


def test_bytes_that_are_no_text_pass_because_only_their_reader_can_tell() -> None:
    assert LineSplitter().feed(b"\xff\xfe\x00\n{}\n") == [b"\xff\xfe\x00", b"{}"]


def test_a_line_of_exactly_the_limit_passes() -> None:
    splitter = LineSplitter(max_frame_bytes=LIMIT)

    assert splitter.feed(b"12345678\n") == [b"12345678"]
    assert feed(splitter, [b"1234", b"5678", b"\n"]) == [b"12345678"]
    assert splitter.oversized == 0


def test_an_oversized_line_is_counted_when_it_exceeds_the_limit_not_when_it_ends() -> None:
    splitter = LineSplitter(max_frame_bytes=LIMIT)

    splitter.feed(b"123456789")
    assert splitter.oversized == 1

    assert splitter.feed(b"still the same line\nok\n") == [b"ok"]
    assert splitter.oversized == 1


def test_a_line_of_many_chunks_is_joined_once() -> None:
    splitter = LineSplitter()
    chunk = b"x" * 1024
    joins: list[Any] = []

    def count(_frame: FrameType, event: str, callee: Any) -> None:
        if event == "c_call" and getattr(callee, "__name__", "") == "join":
            joins.append(callee)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for _ in range(80):
            splitter.feed(chunk)
        lines = splitter.feed(b"\n")
    finally:
        sys.setprofile(before)

    assert lines == [chunk * 80]
    assert len(joins) == 1


@pytest.mark.parametrize("size", [80 * 10**6, 200 * 10**6])
def test_the_default_limit_leaves_room_for_the_largest_answer_seen(size: int) -> None:
    assert LineSplitter().max_frame_bytes == DEFAULT_MAX_FRAME_BYTES > size
