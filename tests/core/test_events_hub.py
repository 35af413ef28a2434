"""The hub: every event to all who want it, in the call that brings it."""

from typing import Any

import pytest
from core.support import T, U, turn_completed, turn_started

from codex_runtime import _events as events
from codex_runtime._events import Hub, Sink
from codex_runtime.errors import CodexRuntimeError, ConnectionLost, RuntimeClosed
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    AgentMessageItem,
    CommandExecOutputDeltaNotification,
    ConfigWarningNotification,
    Event,
    FsChangedNotification,
    ItemStartedNotification,
    Notification,
    ProcessExitedNotification,
    ProcessOutputDeltaNotification,
    ThreadNameUpdatedNotification,
    ThreadStatusChangedNotification,
    Turn,
    TurnCompletedNotification,
    TurnStartedNotification,
    UnknownNotification,
)


class Recorder:
    """A sink that remembers."""

    def __init__(self, *, strained: bool = False) -> None:
        self.strained = strained
        self.events: list[Event] = []
        self.sizes: list[int] = []
        self.errors: list[CodexRuntimeError] = []

    def push(self, event: Event, size: int) -> None:
        self.events.append(event)
        self.sizes.append(size)

    def fail(self, error: CodexRuntimeError) -> None:
        self.errors.append(error)


def of_turn(thread_id: str, turn_id: str, text: str = "") -> Event:
    return AgentMessageDeltaNotification(
        delta=text, item_id="m1", thread_id=thread_id, turn_id=turn_id
    )


def test_a_recorder_is_a_sink() -> None:
    sink: Sink = Recorder()

    assert not sink.strained


def test_a_turns_events_go_to_who_claimed_it_and_to_nobody_else() -> None:
    hub, one, two = Hub(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", one)
    hub.claim_turn("t1", "u2", two)
    first, second = of_turn("t1", "u1"), of_turn("t1", "u2")

    hub.publish(first, 10)
    hub.publish(second, 20)
    hub.publish(of_turn("t2", "u1"), 30)

    assert (one.events, one.sizes) == ([first], [10])
    assert (two.events, two.sizes) == ([second], [20])


def test_a_fork_keeps_the_turn_ids_of_its_source_and_gets_its_own_events() -> None:
    hub, source, fork = Hub(), Recorder(), Recorder()
    hub.claim_turn("source", "u1", source)
    hub.claim_turn("fork", "u1", fork)

    for thread_id in ("source", "fork"):
        for event in (
            turn_started(thread_id, "u1"),
            of_turn(thread_id, "u1"),
            turn_completed(thread_id, "u1"),
        ):
            hub.publish(event, 1)

    for thread_id, sink in (("source", source), ("fork", fork)):
        assert sink.events == [
            turn_started(thread_id, "u1"),
            of_turn(thread_id, "u1"),
            turn_completed(thread_id, "u1"),
        ]


def test_who_expects_a_turn_gets_what_comes_before_it_has_a_name() -> None:
    hub, early, other = Hub(), Recorder(), Recorder()
    hub.claim_turn("t1", "running", other)
    hub.expect_turn("t1", early)

    hub.publish(turn_started("t1", "new"), 1)
    hub.publish(of_turn("t1", "running"), 1)
    hub.publish(of_turn("t2", "new"), 1)

    assert early.events == [turn_started("t1", "new")]
    assert other.events == [of_turn("t1", "running")]


def test_a_claim_ends_the_expectation() -> None:
    hub, early, sink = Hub(), Recorder(), Recorder()
    hub.expect_turn("t1", early)
    hub.claim_turn("t1", "u1", sink)

    hub.publish(of_turn("t1", "u1"), 1)
    hub.publish(of_turn("t1", "u2"), 1)

    assert early.events == []
    assert sink.events == [of_turn("t1", "u1")]


def test_a_turn_that_is_forgotten_has_no_listener() -> None:
    hub, sink, early = Hub(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", sink)
    hub.expect_turn("t2", early)

    hub.forget_turn("t1", "u1")
    hub.forget_turn("t2", None)
    hub.forget_turn("t1", "u1")
    hub.forget_turn("t2", None)
    hub.publish(of_turn("t1", "u1"), 1)
    hub.publish(of_turn("t2", "u1"), 1)

    assert sink.events == early.events == []


def test_a_subscriber_gets_a_thread_or_everything() -> None:
    hub, thread, everything = Hub(), Recorder(), Recorder()
    hub.subscribe(thread, "t1")
    hub.subscribe(everything)
    events: list[Event] = [
        turn_started("t1", "u1"),
        of_turn("t1", "u1"),
        ThreadNameUpdatedNotification(thread_id="t1", thread_name="n"),
        of_turn("t2", "u1"),
        turn_completed("t1", "u1"),
    ]

    for event in events:
        hub.publish(event, 1)

    assert thread.events == [event for event in events if event != of_turn("t2", "u1")]
    assert everything.events == events


def test_a_turns_owner_and_the_subscribers_get_the_same_event() -> None:
    hub = Hub()
    owner, thread, everything = sinks = Recorder(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", owner)
    hub.subscribe(thread, "t1")
    hub.subscribe(everything)
    event = of_turn("t1", "u1")

    hub.publish(event, 1)

    assert all(sink.events == [event] for sink in sinks)


def test_a_subscription_ends_for_one_and_goes_on_for_others() -> None:
    hub, one, two = Hub(), Recorder(), Recorder()
    hub.subscribe(one, "t1")
    hub.subscribe(two, "t1")

    hub.unsubscribe(one, "t1")
    hub.publish(of_turn("t1", "u1"), 1)
    hub.unsubscribe(two, "t1")
    hub.publish(of_turn("t1", "u1"), 1)

    assert one.events == []
    assert two.events == [of_turn("t1", "u1")]


WITHOUT_A_THREAD = [
    ConfigWarningNotification(summary="broken"),
    UnknownNotification(method="brand/new"),
    UnknownNotification(method="brand/new", params={"threadId": 5, "turnId": []}),
    AgentMessageDeltaNotification(delta="x"),
    TurnStartedNotification(),
    TurnCompletedNotification(turn=Turn(id="u1")),
]


@pytest.mark.parametrize("event", WITHOUT_A_THREAD)
def test_an_event_without_a_thread_goes_to_no_thread(event: Event) -> None:
    hub, turn, thread = Hub(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", turn)
    hub.subscribe(thread, "t1")

    for _ in range(2):
        hub.publish(event, 1)

    assert turn.events == thread.events == []


@pytest.mark.parametrize("event", WITHOUT_A_THREAD)
def test_an_event_without_a_thread_goes_once_to_who_wants_everything(event: Event) -> None:
    hub, everything = Hub(), Recorder()
    hub.subscribe(everything)

    hub.publish(event, 1)

    assert everything.events == [event]


@pytest.mark.parametrize(
    "params",
    [{"threadId": "t1", "turnId": "u1"}, {"threadId": "t1", "turnId": "u1", "delta": "x"}],
)
def test_an_event_of_unknown_kind_is_routed_by_the_ids_it_carries(params: Any) -> None:
    hub, turn, thread = Hub(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", turn)
    hub.subscribe(thread, "t1")
    event = UnknownNotification(method="turn/brandNew", params=params)

    hub.publish(event, 1)

    assert turn.events == thread.events == [event]


def test_an_event_of_a_thread_that_names_no_turn_goes_to_no_turn() -> None:
    hub, turn, early, thread = Hub(), Recorder(), Recorder(), Recorder()
    hub.claim_turn("t1", "u1", turn)
    hub.expect_turn("t1", early)
    hub.subscribe(thread, "t1")
    events: list[Event] = [
        ThreadNameUpdatedNotification(thread_id="t1"),
        UnknownNotification(method="brand/new", params={"threadId": "t1"}),
        ItemStartedNotification(thread_id="t1", item=AgentMessageItem(id="a")),
        TurnStartedNotification(thread_id="t1"),
    ]

    for event in events:
        hub.publish(event, 1)

    assert turn.events == early.events == []
    assert thread.events == events


def test_a_thread_has_an_active_turn_from_its_start_to_its_end() -> None:
    hub = Hub()
    assert hub.active_turn(T) is None

    hub.publish(turn_started(T, "u1"), 1)
    assert hub.active_turn(T) == "u1"
    assert hub.active_turn("another") is None

    hub.publish(turn_completed(T, "older"), 1)
    assert hub.active_turn(T) == "u1"

    hub.publish(turn_completed(T, "u1"), 1)
    assert hub.active_turn(T) is None


def test_a_turn_on_its_way_counts_as_active_though_it_has_no_name() -> None:
    hub = Hub()
    hub.expect_turn(T, Recorder())
    assert hub.active_turn(T) == ""

    hub.publish(turn_started(T, "u1"), 1)
    assert hub.active_turn(T) == "u1"

    hub.publish(turn_completed(T, "u1"), 1)
    hub.forget_turn(T, None)
    assert hub.active_turn(T) is None


def test_a_start_without_an_id_leaves_no_turn_that_could_never_end() -> None:
    hub = Hub()

    hub.publish(TurnStartedNotification(thread_id=T, turn=Turn(status="inProgress")), 1)
    hub.publish(turn_completed(T, "u1"), 1)

    assert hub.active_turn(T) is None


def test_a_threads_status_is_told_to_those_who_watch_it() -> None:
    hub = Hub()
    seen: list[tuple[str, Event]] = []

    def one(event: Event) -> None:
        seen.append(("one", event))

    def two(event: Event) -> None:
        seen.append(("two", event))

    status = ThreadStatusChangedNotification(thread_id=T)
    hub.watch_status(T, one)
    hub.watch_status(T, two)
    hub.publish(status, 1)
    hub.publish(ThreadStatusChangedNotification(thread_id="another"), 1)
    hub.publish(ThreadNameUpdatedNotification(thread_id=T), 1)
    hub.publish(of_turn(T, U), 1)
    assert seen == [("one", status), ("two", status)]

    hub.unwatch_status(T, one)
    hub.publish(status, 1)
    assert seen[2:] == [("two", status)]

    hub.unwatch_status(T, two)
    hub.unwatch_status(T, two)
    hub.unwatch_status("never watched", two)
    hub.publish(status, 1)
    assert len(seen) == 3


def test_what_the_client_has_named_gets_the_events_that_name_it() -> None:
    hub, command, process, watch = Hub(), Recorder(), Recorder(), Recorder()
    everything = Recorder()
    hub.subscribe(everything)
    hub.attach(("process_id", "1"), command)
    hub.attach(("process_handle", "1"), process)
    hub.attach(("watch_id", "1"), watch)
    delta = CommandExecOutputDeltaNotification(process_id="1", delta_base64="YQ==")
    output = ProcessOutputDeltaNotification(process_handle="1", delta_base64="YQ==")
    exited = ProcessExitedNotification(process_handle="1", exit_code=0)
    changed = FsChangedNotification(watch_id="1", changed_paths=["/x"])
    others: list[Event] = [
        CommandExecOutputDeltaNotification(process_id="2"),
        CommandExecOutputDeltaNotification(),
        FsChangedNotification(watch_id="2"),
        UnknownNotification(method="fs/changed", params={"watchId": "1"}),
    ]

    for event in [delta, output, exited, changed, *others]:
        hub.publish(event, 7)

    assert (command.events, command.sizes) == ([delta], [7])
    assert process.events == [output, exited]
    assert watch.events == [changed]
    assert everything.events == [delta, output, exited, changed, *others]


def test_a_name_that_is_taken_back_has_no_listener() -> None:
    hub, sink = Hub(), Recorder()
    event = FsChangedNotification(watch_id="1", changed_paths=["/x"])
    hub.publish(event, 1)
    hub.attach(("watch_id", "1"), sink)
    hub.publish(event, 1)

    hub.detach(("watch_id", "1"))
    hub.detach(("watch_id", "1"))
    hub.publish(event, 1)

    assert sink.events == [event]


@pytest.mark.parametrize(("method", "field"), events._NAMED_BY.items())
def test_every_event_that_is_routed_by_a_name_has_one(method: str, field: str) -> None:
    [kind] = [each for each in Notification.__subclasses__() if each.method == method]

    assert field in kind.__struct_fields__


def test_one_strained_sink_strains_the_hub() -> None:
    hub = Hub()
    assert not hub.strained
    hub.claim_turn("t1", "u1", Recorder())
    hub.expect_turn("t1", Recorder())
    hub.subscribe(Recorder())
    assert not hub.strained

    hub.attach(("watch_id", "1"), Recorder(strained=True))
    assert hub.strained
    hub.detach(("watch_id", "1"))

    lagging = Recorder(strained=True)
    hub.subscribe(lagging, "t1")
    assert hub.strained

    hub.unsubscribe(lagging, "t1")
    assert not hub.strained


def test_the_end_is_told_once_to_every_sink_with_an_error_of_its_own() -> None:
    hub = Hub()
    sinks = [Recorder() for _ in range(5)]
    hub.claim_turn("t1", "u1", sinks[0])
    hub.expect_turn("t2", sinks[1])
    hub.subscribe(sinks[2], "t1")
    hub.subscribe(sinks[3])
    hub.attach(("process_id", "1"), sinks[4])
    hub.publish(turn_started("t1", "u1"), 1)

    hub.end(lambda: ConnectionLost(exit_code=1))

    errors = [error for sink in sinks for error in sink.errors]
    assert len(errors) == len({id(error) for error in errors}) == 5
    assert all(isinstance(error, ConnectionLost) for error in errors)
    assert hub.active_turn("t1") is None


def test_a_sink_that_leaves_when_it_is_told_of_the_end_disturbs_nobody() -> None:
    hub, other = Hub(), Recorder()

    class Leaver(Recorder):
        def fail(self, error: CodexRuntimeError) -> None:
            super().fail(error)
            hub.forget_turn("t1", "u1")

    leaver = Leaver()
    hub.claim_turn("t1", "u1", leaver)
    hub.claim_turn("t1", "u2", other)

    hub.end(RuntimeClosed)

    assert len(leaver.errors) == len(other.errors) == 1
