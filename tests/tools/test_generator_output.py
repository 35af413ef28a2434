"""Names, docs, notifications and methods as the generator writes them."""

import msgspec
from support_generator import (
    INTEGER,
    STRING,
    TinyProtocol,
    an_object,
    decode,
    entry,
    has,
    one_of,
    received,
    ref,
    tagged,
)

from codex_runtime.protocol import Unknown, UnknownMode


def test_inline_types_are_named_after_their_place() -> None:
    module = TinyProtocol(
        received=an_object(
            rows={"type": "array", "items": an_object(cell=one_of(tagged("a")))},
            mode={"type": "string", "enum": ["x"]},
        )
    ).types()

    assert has(module, 'ThingDoResponseReceivedMode: TypeAlias = Literal["x"] | str')
    assert has(module, "rows: list[ThingDoResponseReceivedRowsItem] | None = None")
    assert has(module, "cell: ThingDoResponseReceivedRowsItemCell | None = None")


def test_wire_names_that_camel_case_does_not_lead_to_are_given() -> None:
    names = ["snake_case", "PascalCase", "kebab-case", "$schema", "_meta", "async", "list"]
    thing = {"type": "object", "properties": dict.fromkeys(names, STRING)}

    module = received(Thing=thing)

    data = {name: name for name in names}
    decoded = decode(module.Thing, data)
    assert decoded.snake_case == "snake_case"
    assert decoded.pascal_case == "PascalCase"
    assert decoded.async_ == "async"
    assert decoded.list_ == "list"
    assert decoded.meta == "_meta"
    assert msgspec.to_builtins(decoded) == data


def test_keys_that_differ_in_spelling_alone_get_attributes_of_their_own() -> None:
    decoded = decode(
        received(Thing=an_object(itemId=STRING, item_id=STRING)).Thing,
        {"itemId": "1", "item_id": "2"},
    )

    assert (decoded.item_id, decoded.item_id_) == ("1", "2")


def test_default_lists_and_mappings_are_fresh_for_each_object() -> None:
    module = received(
        Thing=an_object(
            many_of={"type": "array", "items": STRING, "default": []},
            by_name={"type": "object", "additionalProperties": STRING, "default": {}},
            filled={"type": "array", "items": STRING, "default": ["a"]},
        )
    )
    first, second = module.Thing(), module.Thing()

    assert first.many_of == []
    assert first.many_of is not second.many_of
    assert first.by_name == {}
    assert first.filled is None
    assert msgspec.json.encode(first) == b"{}"


def test_a_type_that_holds_itself_is_written_in_quotes() -> None:
    module = received(
        Thing=an_object(
            "id", id=STRING, inner=ref("Thing"), items={"type": "array", "items": ref("Node")}
        ),
        Node=one_of(tagged("leaf"), tagged("branch", "thing", thing=ref("Thing"))),
    )

    decoded = decode(module.Thing, {"id": "1", "items": [{"type": "branch", "thing": {"id": "2"}}]})
    assert decoded.items[0].thing.id == "2"


def test_docs_come_from_the_schema() -> None:
    module = received(
        Thing=an_object(
            id={**STRING, "description": 'Says "it"'},
            size={**INTEGER, "description": "A backslash \\ here.\n\n- one\n- two"},
        )
        | {"description": "A thing."}
    )

    assert has(
        module,
        '''
        class Thing(Wire, frozen=True, kw_only=True):
            """A thing."""

            id: str | None = None
            """Says "it" """
            size: int | None = None
            """A backslash \\\\ here.

            - one
            - two
            """
        ''',
    )


def test_an_object_with_nothing_in_it() -> None:
    module = received(Thing={"type": "object", "properties": {}})

    assert has(module, "class Thing(Wire, frozen=True, kw_only=True):\n    pass")


def test_extra_keys_beside_declared_ones_are_not_kept() -> None:
    module = received(Thing=an_object(id=STRING) | {"additionalProperties": True})

    assert decode(module.Thing, {"id": "1", "other": 2}) == module.Thing(id="1")


def test_a_notification_is_a_class_that_knows_its_method() -> None:
    module = received(Thing=STRING)

    assert has(
        module,
        '''
        class ThingDoneNotification(Notification, frozen=True, kw_only=True):
            """The server says `thing/done`."""

            method: ClassVar[Literal["thing/done"]] = "thing/done"
            received: Thing = MISSING
        ''',
    )
    assert has(module, "ServerNotification: TypeAlias = ThingDoneNotification")


def test_a_payload_of_two_notifications_is_two_classes_named_after_the_methods() -> None:
    module = TinyProtocol(
        {"BothNotification": an_object("id method", id=STRING, method=STRING)},
        notifications=(
            entry("link/up", ref("BothNotification")),
            entry("link/down", ref("BothNotification")),
        ),
    ).types()

    assert "BothNotification" not in module.names
    assert module.LinkUpNotification.method == "link/up"
    assert module.LinkDownNotification(method_="x").method_ == "x"


def test_types_that_no_method_reaches_are_left_out() -> None:
    assert "Unused" not in received(Thing=STRING, Unused=an_object(id=STRING)).names


def test_unknown_variants_of_the_generated_unions_are_the_hand_written_classes() -> None:
    module = received(Thing=one_of(tagged("a", tag="mode"), tagged("b", tag="mode")))

    assert module.UnknownMode is UnknownMode
    assert "Unknown" not in module.names
    assert "Unknown" in received(Thing=one_of(tagged("a"))).names
    assert received(Thing=one_of(tagged("a"))).Unknown is Unknown


def test_method_constants_are_typed_and_tell_their_stability() -> None:
    text = TinyProtocol(
        {"OldParams": an_object(id=STRING), "OldResponse": an_object()},
        requests=(
            entry("thing/old", ref("OldParams"), description="Deprecated: use thing/do."),
            entry("config/value/write", {"anyOf": [ref("OldParams"), {"type": "null"}]}),
            entry("memory/reset", {"type": "null"}),
        ),
    )
    more = {
        "ConfigWriteResponse": an_object(),
        "MemoryResetResponse": an_object(),
        **text.definitions,
    }

    methods = TinyProtocol(more, requests=text.requests).rendered().methods

    assert (
        "THING_DO: Method[t.ThingDoParams, t.ThingDoResponse] = Method(\n"
        '    "thing/do", "ThingDoParams", "ThingDoResponse", "stable"\n)' in methods
    )
    assert '"thing/old", "OldParams", "OldResponse", "deprecated"' in methods
    assert "CONFIG_VALUE_WRITE: Method[t.OldParams | None, t." in methods
    assert (
        "MEMORY_RESET: Method[None, t.MemoryResetResponse] = Method(\n"
        '    "memory/reset", None, "MemoryResetResponse", "experimental"\n)' in methods
    )
    assert '"""Deprecated: use thing/do."""' in methods
    assert "ON_THING_DONE: NotificationMethod[t.ThingDoneNotification]" in methods
    assert 'codex_version="9.9.9"' in methods


def test_the_text_does_not_depend_on_anything_but_the_bundle() -> None:
    tiny = TinyProtocol({"Thing": one_of(tagged("a"), tagged("b"))}, received=ref("Thing"))

    assert tiny.rendered() == tiny.rendered()
