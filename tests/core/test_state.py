"""A turn, folded from its events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    AgentMessageItem,
    CommandExecutionItem,
    ErrorNotification,
    Event,
    ItemCompletedNotification,
    ItemStartedNotification,
    ThreadItem,
    ThreadTokenUsage,
    ThreadTokenUsageUpdatedNotification,
    TokenUsageBreakdown,
    Turn,
    TurnCompletedNotification,
    TurnDiffUpdatedNotification,
    TurnError,
    TurnStartedNotification,
    Unknown,
    UnknownNotification,
    UserMessageItem,
)
from codex_runtime.protocol.codec import Codec
from codex_runtime.state import ItemAbandoned, TurnResult, TurnState
from codex_runtime.usage import TokenUsage

T, U = "thread-1", "turn-1"


def started(item: ThreadItem) -> Event:
    return ItemStartedNotification(item=item, thread_id=T, turn_id=U)


def completed(item: ThreadItem) -> Event:
    return ItemCompletedNotification(item=item, thread_id=T, turn_id=U)


def delta(text: str, item_id: str = "m1") -> Event:
    return AgentMessageDeltaNotification(delta=text, item_id=item_id, thread_id=T, turn_id=U)


def end(status: str = "completed", **fields: Any) -> Event:
    fields.setdefault("items", [])
    return TurnCompletedNotification(thread_id=T, turn=Turn(id=U, status=status, **fields))


def message(item_id: str, text: str, phase: str | None = None) -> AgentMessageItem:
    return AgentMessageItem(id=item_id, text=text, phase=phase)


def command(item_id: str, status: str = "inProgress") -> CommandExecutionItem:
    return CommandExecutionItem(id=item_id, command="sleep 30", status=status)


def folded(*events: Event) -> TurnState:
    state = TurnState(T, U)
    for event in events:
        state.apply(event)
    return state


# Items


def test_a_completed_item_overrules_its_deltas() -> None:
    result = folded(
        started(message("m1", "")),
        delta("Hel"),
        delta("lo"),
        completed(message("m1", "Bye")),
        end(),
    ).result()

    assert result.text == "Bye"
    assert result.items == (message("m1", "Bye"),)
    assert result.abandoned == ()


def test_deltas_alone_are_no_text() -> None:
    assert folded(started(message("m1", "")), delta("half"), end("interrupted")).result().text == ""


def test_items_come_in_the_order_of_their_completion() -> None:
    a, b, c = message("a", "1"), command("b", "completed"), message("c", "2")

    result = folded(started(a), started(b), started(c), completed(c), completed(a), completed(b))

    assert result.result().items == (c, a, b)


def test_an_item_that_is_completed_again_keeps_its_place_and_its_last_word() -> None:
    state = folded(
        completed(message("a", "1")), completed(message("b", "2")), completed(message("a", "3"))
    )

    assert state.result().items == (message("a", "3"), message("b", "2"))


def test_an_item_that_was_never_started_counts_when_it_is_completed() -> None:
    assert folded(completed(message("a", "1")), end()).result().items == (message("a", "1"),)


def test_items_never_completed_are_abandoned() -> None:
    half, running = message("m1", ""), command("c1")

    state = folded(started(half), delta("half a s"), started(running), end("interrupted"))

    assert state.open_items == (half, running)
    assert state.result().abandoned == (half, running)
    assert state.result().items == ()


def test_a_late_completion_moves_an_item_from_the_abandoned_to_the_items() -> None:
    state = folded(started(command("c1")), end("interrupted"))

    state.apply(completed(command("c1", "completed")))

    assert state.status == "interrupted"
    assert state.result().abandoned == ()
    assert state.result().items == (command("c1", "completed"),)


def test_an_item_of_unknown_kind_keeps_its_place_by_the_id_it_came_with() -> None:
    new, newer = (Unknown(raw={"type": "brandNew", "id": "x", "n": n}) for n in (1, 2))

    state = folded(started(new), completed(message("a", "1")))
    assert state.open_items == (new,)

    state.apply(completed(newer))
    assert state.open_items == ()
    assert state.result().items == (message("a", "1"), newer)


@pytest.mark.parametrize(
    "item",
    [
        Unknown(raw={"type": "brandNew"}),
        Unknown(raw={"type": "brandNew", "id": 5}),
        AgentMessageItem(text="no id"),
        CommandExecutionItem(id=""),
    ],
)
def test_an_item_without_an_id_belongs_nowhere(item: ThreadItem) -> None:
    result = folded(started(item), completed(item), end(items=[item])).result()

    assert result.items == ()
    assert result.abandoned == ()


def test_the_end_adds_items_that_nobody_told_of() -> None:
    known = message("a", "as completed")

    state = folded(completed(known), end(items=[message("a", "summary"), message("b", "new")]))

    assert state.result().items == (known, message("b", "new"))


def test_an_item_that_the_end_lists_is_complete_unless_it_says_otherwise() -> None:
    state = folded(
        started(message("m1", "")),
        started(command("c1")),
        end(items=[message("m1", "whole"), command("c1")]),
    )

    assert state.result().items == (message("m1", "whole"),)
    assert state.result().abandoned == (command("c1"),)


@given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_every_item_started_ends_as_completed_or_as_abandoned(
    order: list[str], finished: set[str]
) -> None:
    state = folded(*(started(message(name, "")) for name in order))
    for name in sorted(finished):
        state.apply(completed(message(name, name)))
    state.apply(end())
    result = state.result()

    assert {item.id for item in result.items if isinstance(item, AgentMessageItem)} == finished
    assert [item for item in result.abandoned if isinstance(item, AgentMessageItem)] == [
        message(name, "") for name in order if name not in finished
    ]


# The final text


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([], ""),
        ([command("c", "completed"), UserMessageItem(id="u")], ""),
        ([message("a", "only")], "only"),
        ([message("a", "first"), message("b", "last")], "last"),
        ([message("a", "answer", "final_answer"), message("b", "later")], "answer"),
        ([message("a", "one", "final_answer"), message("b", "two", "final_answer")], "two"),
        ([message("a", "answer"), message("b", "by the way", "commentary")], "answer"),
        ([message("a", "hm", "commentary"), message("b", "so", "commentary")], "so"),
        ([message("a", "hm", "commentary"), message("b", "x", "of-the-future")], "x"),
        ([message("a", "hm", "commentary"), message("b", "half", "partial_answer")], "half"),
        ([message("a", "answer", ""), message("b", "hm", "commentary")], "answer"),
        ([message("a", "", "final_answer"), message("b", "hm", "commentary")], ""),
        ([AgentMessageItem(id="a")], ""),
        ([message("a", "answer"), Unknown(raw={"type": "x", "id": "b"})], "answer"),
    ],
)
def test_the_text_is_one_final_message_and_never_the_comments_on_the_way(
    items: list[ThreadItem], text: str
) -> None:
    assert folded(*map(completed, items), end()).result().text == text


# The end


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        ("completed", "completed"),
        ("interrupted", "interrupted"),
        ("failed", "failed"),
        ("inProgress", "incomplete"),
        ("of-the-future", "incomplete"),
        ("", "incomplete"),
    ],
)
def test_the_end_of_a_turn_is_an_end_whatever_it_is_called(wire: str, status: str) -> None:
    state = folded(end(wire))

    assert state.ended
    assert state.status == status
    assert state.result().status == status


def test_a_failed_turn_keeps_the_servers_account() -> None:
    error = TurnError(message="usage limit")

    assert folded(end("failed", error=error)).result().error == error
    assert folded(end("completed")).result().error is None


@pytest.mark.parametrize("will_retry", [True, False])
def test_an_error_is_no_end(will_retry: bool) -> None:  # noqa: FBT001 — a parameter of the test
    state = folded(
        ErrorNotification(
            error=TurnError(message="Reconnecting... 1/5"),
            thread_id=T,
            turn_id=U,
            will_retry=will_retry,
        )
    )

    assert state.status == "inProgress"
    assert state.error is None


def test_a_turn_that_was_cut_short_tells_what_codex_was_still_trying_for() -> None:
    why = TurnError(message="Reconnecting... 2/5", additional_details="no network")
    trying = ErrorNotification(error=why, thread_id=T, turn_id=U, will_retry=True)

    assert folded(trying, end("interrupted")).result().error == why
    assert folded(trying).result().error == why
    assert folded(trying, started(message("m1", "")), end("interrupted")).result().error is None
    assert folded(trying, end("completed")).result().error is None


def test_a_turn_whose_end_is_unknown_is_incomplete() -> None:
    state = folded(completed(message("a", "so far")))
    assert state.result().status == "incomplete"
    assert state.status == "inProgress"

    state.give_up()

    assert state.ended
    assert state.status == "incomplete"
    assert state.result().text == "so far"


def test_giving_up_does_not_change_an_end_that_is_known() -> None:
    state = folded(end("failed"))

    state.give_up()

    assert state.status == "failed"


def test_an_end_that_comes_after_giving_up_is_the_truth() -> None:
    state = folded()
    state.give_up()

    state.apply(end("completed"))

    assert state.result().status == "completed"


@pytest.mark.parametrize(
    ("duration_ms", "duration"),
    [(149, 0.149), (0, 0.0), (None, None), (3_600_000, 3600.0), (10**400, None)],
)
def test_the_duration_is_the_servers_in_seconds(
    duration_ms: int | None, duration: float | None
) -> None:
    assert folded(end(duration_ms=duration_ms)).result().duration == duration


# All the rest


def test_only_the_start_of_the_turn_starts_it() -> None:
    state = folded(started(message("m1", "")), delta("x"))
    assert not state.started

    state.apply(TurnStartedNotification(thread_id=T, turn=Turn(id=U, status="inProgress")))
    assert state.started
    assert not state.ended


def test_the_last_diff_counts() -> None:
    diffs = [TurnDiffUpdatedNotification(diff=text, thread_id=T, turn_id=U) for text in ("a", "b")]

    assert folded(*diffs).result().diff == "b"
    assert folded().result().diff == ""


def test_usage_is_that_of_the_turn() -> None:
    def report(total: int, last: int) -> Event:
        return ThreadTokenUsageUpdatedNotification(
            thread_id=T,
            turn_id=U,
            token_usage=ThreadTokenUsage(
                total=TokenUsageBreakdown(total_tokens=total),
                last=TokenUsageBreakdown(total_tokens=last),
            ),
        )

    assert folded().result().usage is None
    assert folded(report(110, 10), report(115, 5)).result().usage == TokenUsage(total_tokens=15)


def test_it_says_which_events_change_anything() -> None:
    assert "item/completed" in TurnState.FOLDED
    assert "item/agentMessage/delta" not in TurnState.FOLDED


METHODS = sorted(TurnState.FOLDED)


@pytest.mark.parametrize("method", METHODS)
def test_an_event_that_is_beyond_repair_changes_nothing(method: str) -> None:
    state = folded()

    assert not state.apply(UnknownNotification(method=method, params=[1]))

    assert state.result() == folded().result()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("params", ["{}", "null", "[]", '{"turn":{},"item":{},"tokenUsage":{}}'])
def test_an_event_may_lack_all_that_it_should_have(method: str, params: str) -> None:
    state = folded()

    state.apply(Codec().notification(method, Raw(params.encode())))

    result = state.result()
    assert result.status == "incomplete"
    assert (result.items, result.diff, result.usage, result.error) == ((), "", None, None)


def test_an_end_without_a_turn_is_an_end_all_the_same() -> None:
    state = folded(TurnCompletedNotification(thread_id=T))

    assert state.status == "incomplete"


def test_a_result_names_its_turn_and_holds_nothing_that_changes_later() -> None:
    state = folded(completed(message("a", "1")), end())
    before = state.result()
    state.apply(completed(message("b", "2")))

    assert (before.thread_id, before.turn_id) == (T, U)
    assert before.items == (message("a", "1"),)
    assert isinstance(before, TurnResult)
    with pytest.raises(AttributeError):
        before.text = "changed"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] — that is the question


def test_the_sign_of_an_abandoned_item_is_an_event_like_others() -> None:
    event = ItemAbandoned(item=command("c1"), thread_id=T, turn_id=U)

    assert event.method == "item/abandoned"
    assert event.emitted_at_ms is None
    assert not folded().apply(event)
