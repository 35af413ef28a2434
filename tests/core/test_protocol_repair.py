"""The repair: the smallest loss that lets a message pass, in a bounded number of rounds."""

import copy
import json
import random
from collections import Counter
from typing import Any

import pytest
from msgspec import Raw, Struct, ValidationError
from protocol_generator.schema import is_dict, is_list
from support_protocol import (
    MUTATIONS,
    Json,
    Message,
    Mutation,
    Synthesizer,
    messages,
    sites,
    vendored,
    without_defaults,
)

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.protocol import (
    UNSET,
    AgentMessageItem,
    ThreadReadResponse,
    TurnCompletedNotification,
    Unknown,
    UnknownNotification,
    UnknownServerRequest,
    UserMessageItem,
    methods,
    to_plain,
)
from codex_runtime.protocol._base import SENTINEL, Wire
from codex_runtime.protocol._repair import repaired
from codex_runtime.protocol.codec import Codec


def repair(data: Json, kind: Any, *, may_drop: bool = True) -> tuple[Any, list[str]]:
    """Return what became of `data`, and the mismatches on the way."""
    notes: list[str] = []
    return repaired(data, kind, may_drop=may_drop, note=notes.append), notes


def turn_with(*items: Json) -> Json:
    return {"threadId": "t", "turn": {"id": "u", "items": list(items)}}


def test_an_unknown_variant_costs_that_element_alone() -> None:
    new = {"type": "brandNew", "payload": {"type": "agentMessage"}}

    event, notes = repair(
        turn_with({"type": "agentMessage", "text": "a"}, new), TurnCompletedNotification
    )

    assert event.turn.items == [AgentMessageItem(text="a"), Unknown(raw=new)]
    assert notes == ["Invalid value 'brandNew' - at `$.turn.items[1].type`"]


@pytest.mark.parametrize("tag", [None, 3, ["agentMessage"]])
def test_a_tag_that_is_no_string_makes_an_unknown_variant(tag: Json) -> None:
    event, _ = repair(turn_with({"type": tag}), TurnCompletedNotification)

    assert event.turn.items == [Unknown(raw={"type": tag})]


def test_an_object_without_its_tag_is_an_unknown_variant() -> None:
    event, _ = repair(turn_with({"text": "a"}), TurnCompletedNotification)

    assert event.turn.items == [Unknown(raw={"text": "a"})]


def test_a_value_of_another_type_is_left_out() -> None:
    event, _ = repair(
        turn_with({"type": "agentMessage", "id": 7, "text": "a"}), TurnCompletedNotification
    )

    assert event.turn.items == [AgentMessageItem(text="a")]
    assert event.turn.items[0].id is UNSET


def test_elements_of_another_type_make_the_object_around_them_unknown() -> None:
    reasoning = {"type": "reasoning", "id": "r", "summary": ["a", 1, 2], "content": []}

    event, _ = repair(turn_with(reasoning), TurnCompletedNotification)

    assert event.turn.items == [Unknown(raw=reasoning)]


def test_an_element_of_another_type_costs_the_list_where_nothing_around_it_can_be_unknown() -> None:
    event, _ = repair({"threadId": "t", "turn": {"items": ["x"]}}, TurnCompletedNotification)

    assert event.turn.items is UNSET
    assert event.thread_id == "t"


def test_a_shared_type_without_a_required_key_is_unknown_where_it_can_be() -> None:
    text = {"type": "text"}

    event, _ = repair(
        turn_with({"type": "userMessage", "id": "m", "content": [text]}), TurnCompletedNotification
    )

    assert event.turn.items == [UserMessageItem(id="m", content=[Unknown(raw=text)])]


def test_an_unknown_variant_is_kept_as_received_even_when_it_was_repaired_inside_before() -> None:
    class Leaf(Wire, frozen=True, kw_only=True):
        number: int = 0

    class Branch(Wire, frozen=True, kw_only=True, tag_field="type", tag="branch"):
        leaf: Leaf
        name: str

    class Tree(Wire, frozen=True, kw_only=True):
        branch: Branch | Unknown

    # Fields are read in the order of the data: the leaf is repaired before the name is missed.
    data = {"branch": {"type": "branch", "leaf": {"number": "seven"}}}

    tree, notes = repair(copy.deepcopy(data), Tree)

    assert len(notes) == 2
    assert tree == Tree(branch=Unknown(raw=data["branch"]))


def test_one_value_of_a_mapping_costs_that_value_alone() -> None:
    class Table(Wire, frozen=True, kw_only=True):
        rows: dict[str, AgentMessageItem | Unknown]

    good, new = {"type": "agentMessage", "text": "a"}, {"type": "brandNew"}

    table, notes = repair({"rows": {"a": good, "b": new, "c": 1}}, Table)

    assert table == Table(rows={"a": AgentMessageItem(text="a"), "b": Unknown(raw=new)})
    assert len(notes) == 2


def test_a_tag_like_key_of_a_plain_object_is_no_tag() -> None:
    class Plain(Wire, frozen=True, kw_only=True):
        type: str
        size: int

    class Holder(Wire, frozen=True, kw_only=True):
        plain: Plain | None = None
        other: int = 0

    holder, _ = repair({"plain": {"type": "x", "size": "big"}, "other": 1}, Holder)

    assert holder == Holder(plain=None, other=1)


def test_a_sibling_of_another_shape_is_left_to_its_own_round() -> None:
    turns: Json = [{"id": "1", "items": [{"type": "brandNew"}]}, [], {"id": "3", "items": {"a": 1}}]

    result, notes = repair({"thread": {"id": "t", "turns": turns}}, ThreadReadResponse)

    # An element of the list is no turn at all, which costs the list: the thread is still read.
    assert result.thread.id == "t"
    assert result.thread.turns is UNSET
    assert len(notes) <= 3


def test_ten_thousand_unknown_elements_are_one_round() -> None:
    items = [{"type": "brandNew", "n": number} for number in range(10_000)]

    event, notes = repair(turn_with(*items), TurnCompletedNotification)

    assert len(notes) == 1
    assert event.turn.items[9_999] == Unknown(raw=items[9_999])


def test_rounds_grow_with_the_kinds_of_mismatch_and_not_with_their_number() -> None:
    items = [
        item
        for number in range(500)
        for item in (
            {"type": "agentMessage", "id": number, "text": "a"},
            {"type": "agentMessage", "id": "i", "text": None},
            {"type": "userMessage", "id": "i", "content": [{"type": "text"}, {"type": "image"}]},
        )
    ]

    event, notes = repair(turn_with(*items), TurnCompletedNotification)

    assert len(notes) == 3
    assert [type(item) for item in event.turn.items[:3]] == [
        AgentMessageItem,
        AgentMessageItem,
        UserMessageItem,
    ]
    assert event.turn.items[0].text == "a"


def test_a_message_with_more_kinds_of_mismatch_than_rounds_is_given_up() -> None:
    items = [{"type": f"new {number}"} for number in range(100)]

    with pytest.raises(ValidationError):
        repair(turn_with(*items), TurnCompletedNotification)

    event = Codec().notification("turn/completed", Raw(json.dumps(turn_with(*items)).encode()))
    assert isinstance(event, UnknownNotification)
    assert event.params == turn_with(*items)


def test_nothing_is_left_out_where_nothing_may_be() -> None:
    with pytest.raises(ValidationError):
        repair({"threadId": 7}, TurnCompletedNotification, may_drop=False)


@pytest.mark.parametrize("extra", [{}, {"raw": 3}])
def test_a_server_that_sends_our_own_mark_changes_nothing(extra: Json) -> None:
    marked = {"type": SENTINEL, "text": "a", **extra}

    event, _ = repair(turn_with(marked), TurnCompletedNotification)

    assert event.turn.items == [Unknown(raw=marked)]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[each.name for each in MUTATIONS])
def test_a_server_that_differs_costs_what_is_documented_and_no_more(mutation: Mutation) -> None:
    """Every type that the server sends, each instance with one difference of one sort."""
    chance = random.Random(7)  # noqa: S311 — test data, not secrets
    synthesizer = Synthesizer(vendored().definitions, seed=5)
    outcomes: Counter[str] = Counter()
    for message in messages():
        for instance in synthesizer.instances(message.definition) if message.received else ():
            places = [
                site for site in sites(instance) if mutation.applies(site[1], site[0][site[1]])
            ]
            if places:
                mutation.change(*chance.choice(places))
                outcomes[outcome(message, instance)] += 1

    assert outcomes.total() > 200
    assert outcomes["typed"] + outcomes["degraded"] > 0.9 * outcomes.total()
    if mutation.name in ("extra field", "unknown string"):
        assert outcomes["typed"] > 0.98 * outcomes.total()


def outcome(message: Message, data: Json) -> str:
    """Decode a payload as its message and say what became of it."""
    payload = Raw(json.dumps(data).encode())
    issues: list[str] = []
    codec = Codec(lambda _, text: issues.append(text))
    found: Any = None
    match message.side:
        case "notification":
            found = codec.notification(message.method, payload)
        case "asked":
            found = codec.server_request(message.method, payload)
        case _:
            try:
                found = codec.result(methods.CLIENT_REQUESTS[message.method], payload)
            except RemoteProtocolError:
                return "refused"
    assert not any("the repair failed" in issue for issue in issues)
    if isinstance(found, UnknownNotification | UnknownServerRequest):
        assert found.params == data
        return "plain data"
    assert isinstance(found, Struct)
    assert within(without_defaults(to_plain(found)), without_defaults(data))
    return "degraded" if codec.degraded else "typed"


def within(part: Json, whole: Json) -> bool:
    """Say whether nothing in `part` was made up: it is `whole` with things left out."""
    if is_dict(part) and is_dict(whole):
        return all(key in whole and within(value, whole[key]) for key, value in part.items())
    if is_list(part) and is_list(whole):
        return len(part) == len(whole) and all(map(within, part, whole))
    return bool(part == whole)


def test_a_long_thread_of_a_newer_server_can_be_read() -> None:
    items = [{"type": "brandNew"}, {"type": "agentMessage", "text": "a"}] * 200
    turns = [{"id": str(number), "items": items} for number in range(5)]

    result = Codec().result(
        methods.THREAD_READ, Raw(json.dumps({"thread": {"id": "t", "turns": turns}}).encode())
    )

    assert isinstance(result, ThreadReadResponse)
    assert [type(item) for item in result.thread.turns[4].items[:2]] == [Unknown, AgentMessageItem]
