"""What a command writes, until somebody reads it."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.support import PATIENCE, settled

from codex_runtime import ConnectionLost, EventsLost, InvalidArgument
from codex_runtime.services._output import Lines, Output, OutputChunk

MIB = 2**20


def output(limit: int = 100) -> Output:
    return Output(limit, streamed=True)


async def all_of(lines: Lines) -> list[str]:
    return [line async for line in lines]


def line_feed(*chunks: bytes) -> Output:
    """Output on stdout that is over."""
    made = output()
    for chunk in chunks:
        made.add("stdout", chunk)
    made.close(None)
    return made


async def test_chunks_come_as_they_were_and_in_order_whoever_waits_first() -> None:
    made = output()
    made.add("stdout", b"early")
    found: list[OutputChunk | None] = []

    async def read() -> None:
        while found[-1:] != [None]:
            found.append(await made.next_chunk())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settled()
        made.add("stderr", b"\xff\x00")
        await settled()
        made.close(None)

    assert found == [OutputChunk("stdout", b"early"), OutputChunk("stderr", b"\xff\x00"), None]


async def test_the_end_comes_behind_what_waits_and_again_to_who_asks_again() -> None:
    made = output()
    made.add("stdout", b"last words")
    made.close(ConnectionLost(exit_code=1))

    assert await made.next_chunk() == OutputChunk("stdout", b"last words")
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            await made.next_chunk()


async def test_an_error_that_is_raised_again_does_not_grow() -> None:
    made = output()
    made.close(ConnectionLost())
    depths: list[int] = []

    for _ in range(3):
        with pytest.raises(ConnectionLost) as lost:
            await made.next_chunk()
        depths.append(len(lost.traceback))
    assert depths == depths[:1] * 3


async def test_what_comes_after_the_end_is_nothing() -> None:
    made = line_feed(b"a\n")
    made.add("stdout", b"late")
    made.add_unreadable()
    made.close(ConnectionLost())

    assert await all_of(Lines(made, None)) == ["a"]
    assert made.kept("stdout") == b"a\n"


@pytest.mark.parametrize(
    ("limit", "kept", "truncated"),
    [(1, b"a", True), (3, b"abc", True), (4, b"abcd", True), (5, b"abcde", False)],
)
def test_the_beginning_of_each_stream_is_kept(limit: int, kept: bytes, *, truncated: bool) -> None:
    made = output(limit)
    for part in (b"ab", b"cd", b"e"):
        made.add("stdout", part)
    made.add("stderr", b"x")
    made.add("stdmystery", b"y" * 1000)

    assert (made.kept("stdout"), made.kept("stderr")) == (kept, b"x")
    assert made.truncated is truncated


def test_what_the_server_holds_back_counts_as_truncated() -> None:
    made = output()
    made.cut()

    assert made.truncated


async def test_what_nobody_reads_is_bounded_and_who_reads_late_is_told() -> None:
    made = output(10)
    for _ in range(70):
        made.add("stdout", bytes(MIB))
    assert not made.strained, "nobody reads: nobody else is to suffer for it"

    chunks = 0
    with pytest.raises(EventsLost) as lost:
        while await made.next_chunk():
            chunks += 1
    made.add("stdout", b"after")
    assert await made.next_chunk() == OutputChunk("stdout", b"after")
    assert chunks + lost.value.count == 70
    assert 63 <= chunks <= 65


async def test_a_consumer_that_lags_strains_the_reader_until_it_has_caught_up() -> None:
    made = output()
    made.add("stdout", b"x")
    await made.next_chunk()

    for _ in range(5):
        made.add("stdout", bytes(MIB))
    assert made.strained
    for _ in range(2):
        await made.next_chunk()
    assert not made.strained


async def test_a_consumer_that_has_gone_away_strains_nobody_for_ever() -> None:
    made = output()
    made.add("stdout", b"x")
    await made.next_chunk()

    for _ in range(70):
        made.add("stdout", bytes(MIB))

    assert not made.strained


async def test_output_that_is_not_wanted_costs_its_beginning_only() -> None:
    made = Output(10, streamed=False)
    for _ in range(200):
        made.add("stdout", bytes(MIB))
    made.close(None)

    assert await made.next_chunk() is None
    assert made.truncated


async def test_a_chunk_that_nobody_can_read_leaves_a_gap_at_its_place() -> None:
    made = output()
    made.add("stdout", b"before")
    made.add_unreadable()
    made.add_unreadable()
    made.add("stdout", b"between")
    made.add_unreadable()
    made.close(None)

    assert await made.next_chunk() == OutputChunk("stdout", b"before")
    with pytest.raises(EventsLost) as lost:
        await made.next_chunk()
    assert lost.value.count == 2
    assert await made.next_chunk() == OutputChunk("stdout", b"between")
    with pytest.raises(EventsLost) as lost:
        await made.next_chunk()
    assert lost.value.count == 1
    assert await made.next_chunk() is None
    assert made.truncated


async def test_a_flood_behind_a_gap_is_bounded_and_ends_when_it_was_read() -> None:
    made = output(10)
    made.add_unreadable()
    for _ in range(70):
        made.add("stdout", bytes(MIB))
    made.add_unreadable()

    counts: list[int] = []
    chunks = 0
    while len(counts) < 2:
        try:
            with anyio.fail_after(PATIENCE):
                await made.next_chunk()
            chunks += 1
        except EventsLost as lost:
            counts.append(lost.count)
            made.add("stdout", b"after")
    assert counts[0] == 1
    assert chunks + counts[1] == 70 + 1 + 1, "the first addition is lost too"
    assert await made.next_chunk() == OutputChunk("stdout", b"after")


async def test_two_readers_at_once_are_told_to_share_one() -> None:
    made = output()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.next_chunk)
        await settled()
        with pytest.raises(InvalidArgument, match="two tasks"):
            await made.next_chunk()
        made.close(None)


async def test_cancelling_the_wait_for_a_chunk_loses_nothing() -> None:
    made = output()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await made.next_chunk()
    made.add("stdout", b"x")

    assert await made.next_chunk() == OutputChunk("stdout", b"x")


@given(st.text(alphabet="aé\r\n𝄞", max_size=60), st.data())
def test_lines_do_not_depend_on_how_the_output_was_cut(text: str, data: st.DataObject) -> None:
    content = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)))))
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]

    found = anyio.run(all_of, Lines(line_feed(*pieces), None))

    expected = content.decode().split("\n")
    if expected[-1] == "":
        expected.pop()
    assert found == [line.removesuffix("\r") for line in expected]


async def test_each_stream_has_lines_of_its_own() -> None:
    made = output()
    for stream, data in (("stdout", b"one "), ("stderr", b"err\n"), ("stdout", b"two\nthree")):
        made.add(stream, data)
    made.close(None)

    assert await all_of(Lines(made, None)) == ["err", "one two", "three"]


@pytest.mark.parametrize(("stream", "lines"), [("stdout", ["a", "b"]), ("stderr", ["c"])])
async def test_lines_of_one_stream_pass_over_the_other(stream: str, lines: list[str]) -> None:
    made = output()
    for name, data in (("stdout", b"a\n"), ("stderr", b"c\n"), ("stdout", b"b\n")):
        made.add(name, data)
    made.close(None)

    assert await all_of(Lines(made, stream)) == lines


async def test_what_is_no_text_is_replaced_and_empty_lines_are_lines() -> None:
    assert await all_of(Lines(line_feed(b"a\xff\n\n\r\nb"), None)) == ["a\ufffd", "", "", "b"]


@pytest.mark.parametrize("character", ["a", "é", "€", "𝄞"])
async def test_a_line_without_end_comes_in_pieces_of_whole_characters(character: str) -> None:
    size = len(character.encode())
    content = ("x" + character * (MIB // size + 5)).encode()
    made = line_feed(content[: MIB + 1], content[MIB + 1 :], b"\nend\n")

    *pieces, end = await all_of(Lines(made, None))

    assert end == "end"
    assert len(pieces) > 1
    assert "".join(pieces) == content.decode()


async def test_a_line_without_end_that_is_no_text_comes_in_pieces_too() -> None:
    made = line_feed(b"\x80" * (MIB + 1), b"\n")

    assert sum(map(len, await all_of(Lines(made, None)))) == MIB + 1


async def test_the_end_of_the_connection_comes_behind_the_line_that_was_open() -> None:
    made = output()
    made.add("stdout", b"whole\nbegun")
    lines = Lines(made, None)
    made.close(ConnectionLost(exit_code=1))

    assert [await anext(lines), await anext(lines)] == ["whole", "begun"]
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            await anext(lines)


async def test_a_second_reader_does_not_cut_the_line_of_the_first() -> None:
    made = output()
    lines = Lines(made, None)
    made.add("stdout", b"one ")
    found: list[str] = []

    async def read() -> None:
        found.append(await anext(lines))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settled()
        with pytest.raises(InvalidArgument, match="two tasks"):
            await anext(lines)
        made.add("stdout", b"line\n")
    assert found == ["one line"]


async def test_a_gap_ends_the_line_that_was_open() -> None:
    made = output()
    made.add("stdout", b"whole\nbegun ")
    made.add_unreadable()
    lines = Lines(made, None)

    assert await anext(lines) == "whole"
    with pytest.raises(EventsLost):
        await anext(lines)
    made.add("stdout", b"ended\n")
    made.close(None)
    assert await all_of(lines) == ["begun ", "ended"]
