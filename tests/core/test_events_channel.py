"""A channel: all text and all order, in bounded room, and no loss without a word."""

from typing import Any

import pytest
from core.support import T, bounds, completed, delta, read, read_all, turn_started
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from codex_runtime import _channel, _merging
from codex_runtime._channel import Channel
from codex_runtime.errors import EventsLost, RuntimeClosed
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    CommandExecutionOutputDeltaNotification,
    Event,
    FileChangeOutputDeltaNotification,
    PlanDeltaNotification,
    ReasoningSummaryTextDeltaNotification,
    ReasoningTextDeltaNotification,
    UnknownNotification,
)

# Merging

ids = st.sampled_from(["a", "b"])
indexes = st.sampled_from([0, 1])
texts: st.SearchStrategy[Any] = st.text("xy", max_size=5) | st.just(UNSET)
turns: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"delta": texts, "item_id": ids, "thread_id": st.just(T), "turn_id": ids}
)
deltas = st.one_of(
    turns.map(lambda fields: AgentMessageDeltaNotification(**fields)),
    turns.map(lambda fields: PlanDeltaNotification(**fields)),
    turns.map(lambda fields: CommandExecutionOutputDeltaNotification(**fields)),
    turns.map(lambda fields: FileChangeOutputDeltaNotification(**fields)),
    st.tuples(turns, indexes).map(
        lambda both: ReasoningTextDeltaNotification(**both[0], content_index=both[1])
    ),
    st.tuples(turns, indexes).map(
        lambda both: ReasoningSummaryTextDeltaNotification(**both[0], summary_index=both[1])
    ),
)
others = st.one_of(
    ids.map(completed),
    ids.map(lambda name: UnknownNotification(method="brand/new", params={"delta": name})),
    st.just(turn_started()),
)


def collapsed(events: list[Event]) -> list[tuple[Event, str]]:
    """Neighbours of one item as one: what merging may do, and what it may not undo."""
    found: list[tuple[Event, str]] = []
    for event in events:
        text = getattr(event, "delta", UNSET)
        piece = text if isinstance(text, str) else ""
        what = structs.replace(event, delta="") if hasattr(event, "delta") else event
        if hasattr(event, "delta") and found and found[-1][0] == what:
            found[-1] = (what, found[-1][1] + piece)
        else:
            found.append((what, piece))
    return found


@given(st.lists(deltas | others, max_size=40), st.integers(0, 4000), st.integers(1, 10), st.data())
def test_merging_keeps_all_text_and_all_order(
    events: list[Event], lag: int, merged_text: int, data: st.DataObject
) -> None:
    with bounds(LAG=lag, MERGED_TEXT=merged_text):
        channel = Channel()
        found: list[Event] = []
        for event in events:
            channel.push(event, data.draw(st.sampled_from([200, 5000])))
            if data.draw(st.integers(0, 9)) == 0:
                found.append(read(channel))
        channel.close()
        found += read_all(channel)

    assert collapsed(found) == collapsed(events)
    assert len(found) <= len(events)


@given(st.lists(st.sampled_from(["", "x", "yz"]), min_size=1, max_size=30))
def test_a_merged_delta_says_when_its_last_piece_was_sent(pieces: list[str]) -> None:
    with bounds(LAG=0):
        channel = Channel()
        for at, piece in enumerate(pieces):
            channel.push(delta(piece, at=at), 5000)

    assert read(channel) == delta("".join(pieces), at=len(pieces) - 1)


def test_a_consumer_that_keeps_up_gets_every_single_delta() -> None:
    channel = Channel()

    for number in range(100):
        channel.push(delta(f"{number}"), 200)

    assert [read(channel) for _ in range(100)] == [delta(f"{number}") for number in range(100)]


@pytest.mark.parametrize("method", sorted(_merging.MERGEABLE))
def test_what_can_be_merged_is_a_delta_of_the_protocol(method: str) -> None:
    found = {
        kind.method
        for kind in (
            AgentMessageDeltaNotification,
            CommandExecutionOutputDeltaNotification,
            FileChangeOutputDeltaNotification,
            PlanDeltaNotification,
            ReasoningSummaryTextDeltaNotification,
            ReasoningTextDeltaNotification,
        )
    }

    assert method in found


def test_what_waits_after_merging_is_bounded_by_its_text() -> None:
    channel = Channel()

    for _ in range(20_000):
        channel.push(delta("0123456789"), 220)

    assert len(channel._waiting) < 2_000
    assert channel._bytes < 2 * _channel.LAG
    assert not channel.strained


def test_a_merged_delta_does_not_grow_without_bound() -> None:
    with bounds(LAG=0, MERGED_TEXT=10):
        channel = Channel()
        for _ in range(20):
            channel.push(delta("1234"), 200)
        channel.close()
        texts = [getattr(event, "delta", "") for event in read_all(channel)]

    assert "".join(texts) == "1234" * 20
    assert max(map(len, texts)) < 2 * 10


def test_reading_gives_the_channel_its_room_back() -> None:
    with bounds(STRAINED=1000):
        channel = Channel()
        channel.push(completed("a"), 600)
        assert not channel.strained
        channel.push(completed("b"), 600)
        assert channel.strained

        assert read(channel) == completed("a")
        assert not channel.strained
        assert read(channel) == completed("b")


@pytest.mark.parametrize("params", [[], "text", None])
def test_a_delta_beyond_repair_is_passed_on_like_any_event(params: Any) -> None:
    broken = UnknownNotification(method="item/agentMessage/delta", params=params)
    with bounds(LAG=0):
        channel = Channel()
        for event in (delta("a"), broken, broken, delta("b")):
            channel.push(event, 5000)
        channel.close()

        assert read_all(channel) == [delta("a"), broken, broken, delta("b")]


# Loss


def flooded(count: int) -> Channel:
    """A channel with more events than it may hold, none of which can be merged."""
    channel = Channel()
    for number in range(count):
        channel.push(completed(f"{number}"), 1024)
    channel.close()
    return channel


def read_with_loss(channel: Channel) -> tuple[list[Event], list[int]]:
    found: list[Event] = []
    lost: list[int] = []
    while True:
        try:
            found.append(read(channel))
        except EventsLost as error:
            lost.append(error.count)
        except StopAsyncIteration:
            return found, lost


@pytest.mark.parametrize("count", [1, 10, 63, 64, 65, 100, 1000])
def test_every_event_is_delivered_or_counted_as_lost(count: int) -> None:
    with bounds(LAG=0, CAP=64 * 1024):
        found, lost = read_with_loss(flooded(count))

    assert len(found) + sum(lost) == count


def test_nothing_is_lost_below_the_cap() -> None:
    with bounds(LAG=0, CAP=64 * 1024):
        found, lost = read_with_loss(flooded(64))

    assert found == [completed(f"{number}") for number in range(64)]
    assert lost == []


def test_what_is_dropped_is_the_newest_and_what_is_kept_is_in_order() -> None:
    with bounds(LAG=0, CAP=64 * 1024):
        found, _ = read_with_loss(flooded(1000))

    numbers = [int(getattr(event, "item").id) for event in found]  # noqa: B009 — typed as any event
    assert numbers == sorted(numbers)
    assert numbers[:30] == list(range(30))


def test_a_consumer_that_was_told_of_a_loss_goes_on() -> None:
    with bounds(LAG=0, CAP=8 * 1024):
        channel = Channel()
        for number in range(20):
            channel.push(completed(f"{number}"), 1024)
        found: list[Event] = []
        with pytest.raises(EventsLost) as caught:
            while True:
                found.append(read(channel))
        channel.push(completed("after"), 1024)
        channel.close()
        rest, lost = read_with_loss(channel)

    found += rest
    assert len(found) + caught.value.count + sum(lost) == 21
    assert found[-1] == completed("after")


def test_text_alone_beyond_the_cap_is_lost_too_and_told() -> None:
    with bounds(LAG=0, CAP=4096, MERGED_TEXT=100):
        channel = Channel()
        for _ in range(200):
            channel.push(delta("x" * 100), 300)
        channel.push(completed("m1"), 300)
        channel.close()
        found, lost = read_with_loss(channel)

    assert lost
    assert sum(len(getattr(event, "delta", "")) for event in found) < 200 * 100


@pytest.mark.parametrize("count", [70, 200, 1000])
def test_a_loss_is_told_where_the_gap_is(count: int) -> None:
    with bounds(LAG=0, CAP=16 * 1024):
        channel = flooded(count)
        expected = 0
        while expected < count:
            try:
                assert read(channel) == completed(f"{expected}")
                expected += 1
            except EventsLost as error:
                expected += error.count

    assert expected == count
    assert read_all(channel) == []


def test_one_event_is_never_too_large_and_a_loss_behind_it_is_told() -> None:
    with bounds(LAG=0, CAP=4096):
        channel = Channel()
        channel.push(completed("large"), 5200)
        channel.push(completed("more"), 5200)
        channel.close()

        assert read(channel) == completed("large")
        with pytest.raises(EventsLost):
            read(channel)


def test_large_events_count_by_their_size() -> None:
    with bounds(LAG=0, CAP=64 * 1024):
        channel = Channel()
        for number in range(60):
            channel.push(completed(f"{number}", "x" * 10_000), 10_200)
        channel.close()
        found, lost = read_with_loss(channel)

    assert lost
    assert sum(len(getattr(event, "item").text) for event in found) <= 64 * 1024  # noqa: B009 — typed as any event


def test_what_waits_never_exceeds_the_cap() -> None:
    with bounds(LAG=0, CAP=64 * 1024):
        channel = Channel()
        for number in range(100):
            channel.push(completed(f"{number}"), 1024)

            assert len(channel._waiting) <= 64


# The end


def test_what_waits_is_delivered_before_the_end() -> None:
    channel = Channel()
    channel.push(completed("a"), 100)
    channel.close(RuntimeClosed())

    assert read(channel) == completed("a")
    for _ in range(2):
        with pytest.raises(RuntimeClosed):
            read(channel)


def test_the_first_end_counts() -> None:
    channel = Channel()
    channel.close()
    channel.close(RuntimeClosed())

    assert read_all(channel) == []
