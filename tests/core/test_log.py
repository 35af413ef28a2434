"""The log of a turn: every consumer gets all of it, in order, whenever it comes, in bounded room."""

import gc
from typing import Any

import pytest
from core.support import (
    T,
    U,
    bounds,
    completed,
    delta,
    read,
    read_all,
    turn_completed,
    turn_started,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from codex_runtime._log import TurnEvents, TurnLog
from codex_runtime.errors import ConnectionLost, EventsLost
from codex_runtime.protocol import (
    Event,
    ReasoningSummaryTextDeltaNotification,
    UnknownNotification,
)

ids = st.sampled_from(["a", "b"])
texts: st.SearchStrategy[Any] = st.text("xy", max_size=5) | st.just(UNSET)
events_of_a_turn = st.one_of(
    st.builds(delta, texts, ids),
    st.builds(delta, texts, ids),
    st.tuples(texts, st.sampled_from([0, 1])).map(
        lambda both: ReasoningSummaryTextDeltaNotification(
            delta=both[0], item_id="a", summary_index=both[1], thread_id=T, turn_id=U
        )
    ),
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


class Reader:
    """A consumer and what it has read."""

    def __init__(self, log: TurnLog) -> None:
        self.consumer = log.events()
        self.got: list[Event] = []

    def read_one_of(self, pushed: list[Event]) -> None:
        """Read the next event, if there is one."""
        if collapsed(self.got) != collapsed(pushed):
            self.got.append(read(self.consumer))


@given(
    st.lists(events_of_a_turn, max_size=40),
    st.integers(0, 3000),
    st.integers(0, 6000),
    st.integers(1, 4),
    st.integers(1, 10),
    st.data(),
)
def test_however_consumers_come_and_go_each_gets_all_text_in_order(
    events: list[Event], step: int, lag: int, enough: int, merged_text: int, data: st.DataObject
) -> None:
    with bounds(STEP=step, LAG=lag, ENOUGH=enough, MERGED_TEXT=merged_text):
        log = TurnLog()
        readers: list[Reader] = []
        for at, event in enumerate(events):
            for move in data.draw(st.lists(st.sampled_from(["come", "read", "go"]), max_size=3)):
                if move == "come":
                    readers.append(Reader(log))
                elif readers and move == "go":
                    readers.pop(data.draw(st.integers(0, len(readers) - 1)))
                elif readers:
                    data.draw(st.sampled_from(readers)).read_one_of(events[:at])
            log.push(event, data.draw(st.sampled_from([200, 2000])))
        log.close()
        readers.append(Reader(log))
        for reader in readers:
            reader.got.extend(read_all(reader.consumer))

    for reader in readers:
        assert collapsed(reader.got) == collapsed(events)
        assert len(reader.got) <= len(events)


def test_a_consumer_that_keeps_up_gets_every_single_delta() -> None:
    log = TurnLog()
    consumer = log.events()
    got: list[Event] = []

    for number in range(2000):
        log.push(delta(f"{number}"), 200)
        got.append(read(consumer))

    assert got == [delta(f"{number}") for number in range(2000)]


def test_a_consumer_that_reads_as_much_at_once_as_comes_at_once_gets_every_single_delta() -> None:
    log = TurnLog()
    consumer = log.events()
    log.push(turn_started(), 300)
    got = [read(consumer)]

    for _ in range(3):
        for number in range(5000):
            log.push(delta(f"{number}"), 205)
        got += [read(consumer) for _ in range(5000)]

    assert len(got) == 15_001


def test_a_consumer_that_begins_after_the_end_gets_all_of_it() -> None:
    log = TurnLog()
    for event in (turn_started(), delta("Hel"), delta("lo."), completed("m1"), turn_completed()):
        log.push(event, 200)
    log.close()

    for _ in range(3):
        assert read_all(log.events()) == [
            turn_started(),
            delta("Hel"),
            delta("lo."),
            completed("m1"),
            turn_completed(),
        ]


def test_what_one_consumer_has_read_is_there_for_the_next_as_one_delta() -> None:
    log = TurnLog()
    first = log.events()
    for number in range(100):
        log.push(delta("x", at=number), 200)
        read(first)
    log.close()
    second = read_all(log.events())

    assert len(second) < 20
    assert "".join(getattr(event, "delta", "") for event in second) == "x" * 100


def test_one_consumer_asleep_takes_nothing_from_another() -> None:
    with bounds(LAG=10_000, STEP=1000):
        log = TurnLog()
        asleep, awake = log.events(), log.events()
        log.push(turn_started(), 300)
        assert read(asleep) == turn_started()
        got: list[Event] = [read(awake)]
        for number in range(500):
            log.push(delta(f"{number} "), 200)
            got.append(read(awake))
        log.close()
        late = read_all(asleep)

    assert got == [turn_started(), *(delta(f"{number} ") for number in range(500))]
    assert "".join(getattr(event, "delta", "") for event in late) == "".join(
        f"{number} " for number in range(500)
    )
    assert len(late) < 250


def test_the_end_is_told_to_each_consumer_and_stays_told() -> None:
    log = TurnLog()
    early = log.events()
    log.push(delta("a"), 200)
    log.close(ConnectionLost(exit_code=1))
    log.close()

    for consumer in (early, log.events()):
        assert read(consumer) == delta("a")
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                read(consumer)


# Room


def kept_events(log: TurnLog) -> int:
    return len(log._past.events) + len(log.new)


@pytest.mark.parametrize("consumers", [0, 1, 3])
def test_what_is_kept_is_bounded_by_text_and_not_by_the_number_of_deltas(consumers: int) -> None:
    log = TurnLog()
    everyone = [log.events() for _ in range(consumers)]
    for _ in range(20_000):
        log.push(delta("0123456789"), 220)
        for consumer in everyone:
            read(consumer)

    assert kept_events(log) < 1000
    assert log._past.total < 600_000


def test_those_who_sleep_share_one_past() -> None:
    log = TurnLog()
    sleepers = [log.events() for _ in range(50)]
    log.push(turn_started(), 300)
    for sleeper in sleepers:
        read(sleeper)
    for _ in range(40_000):
        log.push(delta("0123456789"), 220)

    assert kept_events(log) < 1000


def test_who_lags_far_behind_has_the_reader_take_it_easy() -> None:
    log = TurnLog()
    for number in range(5):
        log.push(completed(f"{number}"), 2**20)
    assert not log.strained, "nobody waits for anything"
    consumer = log.events()
    assert log.strained
    read(consumer)
    assert not log.strained
    for number in range(5):
        log.push(completed(f"{number}"), 2**20)
    assert log.strained


def test_a_consumer_that_is_gone_counts_no_more() -> None:
    log = TurnLog()
    for number in range(5):
        log.push(completed(f"{number}"), 2**20)
    consumer = log.events()
    assert log.strained
    del consumer
    gc.collect()

    assert not log.strained
    assert not log._places


# Loss


def read_with_loss(consumer: TurnEvents) -> list[Event | int]:
    """All up to the end; a loss as its count."""
    found: list[Event | int] = []
    while True:
        try:
            found.append(read(consumer))
        except EventsLost as error:
            found.append(error.count)
        except StopAsyncIteration:
            return found


def counted(found: list[Event | int]) -> int:
    return sum(each if isinstance(each, int) else 1 for each in found)


def test_beyond_the_cap_the_oldest_goes_and_who_comes_late_is_told() -> None:
    with bounds(STEP=0, CAP=64 * 1024):
        log = TurnLog()
        for number in range(1000):
            log.push(completed(f"{number}"), 1024)
        log.close()
        lost, *rest = read_with_loss(log.events())

    assert isinstance(lost, int)
    assert lost + len(rest) == 1000
    assert rest == [completed(f"{number}") for number in range(lost, 1000)]
    assert sum(log._past.sizes) <= 64 * 1024


def test_the_deltas_of_completed_items_go_first() -> None:
    with bounds(STEP=0, CAP=64 * 1024):
        log = TurnLog()
        log.push(turn_started(), 300)
        for number in range(40):
            log.push(delta("x" * 1000, f"m{number}"), 1200)
            log.push(completed(f"m{number}"), 700)
        log.push(delta("open", "last"), 200)
        log.close()
        found = read_with_loss(log.events())

    assert counted(found) == 82
    kept = [each for each in found if not isinstance(each, int)]
    assert kept[0] == turn_started()
    assert [event for event in kept if event.method == "item/completed"] == [
        completed(f"m{number}") for number in range(40)
    ]
    assert kept[-1] == delta("open", "last")
    assert any(isinstance(each, int) for each in found)


def test_a_loss_is_told_in_its_place() -> None:
    with bounds(STEP=0, CAP=8 * 1024):
        log = TurnLog()
        log.push(delta("early", "m0"), 1000)
        log.push(delta("x" * 3000, "m1"), 3200)
        log.push(completed("m1"), 600)
        log.push(delta("y" * 3500, "m2"), 3700)
        log.push(completed("other"), 600)
        log.close()
        found = read_with_loss(log.events())

    assert found == [
        delta("early", "m0"),
        1,
        completed("m1"),
        delta("y" * 3500, "m2"),
        completed("other"),
    ]


def test_a_consumer_that_reads_all_in_time_loses_nothing() -> None:
    with bounds(STEP=0, CAP=16 * 1024):
        log = TurnLog()
        consumer = log.events()
        got: list[Event] = []
        for number in range(200):
            log.push(completed(f"{number}"), 1024)
            got.append(read(consumer))

    assert got == [completed(f"{number}") for number in range(200)]


def test_a_consumer_that_slept_while_its_place_was_dropped_is_told_and_goes_on() -> None:
    with bounds(STEP=0, LAG=0, CAP=16 * 1024):
        log = TurnLog()
        consumer = log.events()
        log.push(turn_started(), 300)
        assert read(consumer) == turn_started()
        for number in range(200):
            log.push(completed(f"{number}"), 1024)
        lost, *rest = read_with_loss_so_far(consumer)
        log.push(completed("after"), 1024)
        assert read(consumer) == completed("after")

    assert isinstance(lost, int)
    assert lost + len(rest) == 200


def read_with_loss_so_far(consumer: TurnEvents) -> list[Event | int]:
    found: list[Event | int] = []
    for _ in range(1000):
        try:
            if consumer._place.taken == len(consumer._log.new) and found:
                break
            found.append(read(consumer))
        except EventsLost as error:
            found.append(error.count)
    found += list(consumer._batch)
    return found


@given(st.lists(st.sampled_from(["a", "b", "done a", "done b"]), max_size=60), st.data())
def test_every_event_is_delivered_or_counted(what: list[str], data: st.DataObject) -> None:
    with bounds(STEP=0, LAG=data.draw(st.sampled_from([0, 5000])), CAP=6000, MERGED_TEXT=1):
        log = TurnLog()
        consumers = [log.events()]
        found: list[list[Event | int]] = [[]]
        for number, name in enumerate(what):
            event = completed(name[-1]) if "done" in name else delta(f"{number:04}" * 60, name)
            log.push(event, 700)
            if data.draw(st.booleans()):
                at = data.draw(st.integers(0, len(consumers)))
                if at == len(consumers):
                    consumers.append(log.events())
                    found.append([])
                elif counted(found[at]) <= number:
                    try:
                        found[at].append(read(consumers[at]))
                    except EventsLost as error:
                        found[at].append(error.count)
        log.close()
        for consumer, got in zip(consumers, found, strict=True):
            got.extend(read_with_loss(consumer))

    for got in found:
        assert counted(got) == len(what)
