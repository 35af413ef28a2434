"""One golden text per construct of JSON Schema that the codex binary uses, and that it decodes."""

from textwrap import dedent
from typing import Any

import msgspec
import pytest
from support_generator import (
    INTEGER,
    STRING,
    Module,
    TinyProtocol,
    an_object,
    entry,
    one_of,
    ref,
    tagged,
)

from codex_runtime.protocol import UNSET, Unknown, UnknownMode


def has(module: Module, text: str) -> bool:
    return dedent(text).strip("\n") in module.text


def decode(kind: Any, data: Any) -> Any:
    return msgspec.convert(data, kind)


def received(**definitions: Any) -> Module:
    """Return the types of a protocol in which the server sends a `Thing`."""
    return TinyProtocol(definitions, received=ref("Thing")).types()


def test_what_only_the_client_sends_may_be_left_out_or_null() -> None:
    thing = an_object("id", id=STRING, note={"type": ["string", "null"]}, size=INTEGER)

    module = TinyProtocol({"Thing": thing}, sent=ref("Thing")).types()

    assert has(
        module,
        """
        class Thing(Wire, frozen=True, kw_only=True):
            id: str
            note: str | None | UnsetType = UNSET
            size: int | UnsetType = UNSET
        """,
    )
    assert msgspec.json.encode(module.Thing(id="1", note=None)) == b'{"id":"1","note":null}'


def test_what_only_the_server_sends_has_a_default_throughout() -> None:
    module = received(
        Thing=an_object(
            "id note anything",
            id=STRING,
            note={"type": ["string", "null"]},
            anything=True,
            size=INTEGER,
            many={"type": "array", "items": STRING, "default": []},
            level={"type": "string", "default": "low"},
            flag={"type": "boolean", "default": True},
        )
    )

    assert has(
        module,
        """
        class Thing(Wire, frozen=True, kw_only=True):
            id: str = MISSING
            note: str | None = None
            anything: Any = MISSING
            size: int | None = None
            many: list[str] = []
            level: str = "low"
            flag: bool = True
        """,
    )
    assert decode(module.Thing, {}).id is UNSET


def test_what_both_send_keeps_its_required_keys() -> None:
    module = TinyProtocol(
        {"Thing": an_object("id", id=STRING, size=INTEGER)}, shared=ref("Thing")
    ).types()

    assert has(
        module,
        """
        class Thing(Wire, frozen=True, kw_only=True):
            id: str
            size: int | None = None
        """,
    )


def test_an_open_enum_of_strings() -> None:
    module = received(Thing={"type": "string", "enum": ["a", "b"]})

    assert has(module, 'Thing: TypeAlias = Literal["a", "b"] | str')


def test_an_enum_of_described_constants_keeps_the_descriptions() -> None:
    module = received(
        Thing=one_of(
            {"enum": ["a"], "type": "string", "description": "The first."},
            {"enum": ["b"], "type": "string"},
            description="Which one.",
        )
    )

    assert has(
        module,
        '''
        Thing: TypeAlias = Literal["a", "b"] | str
        """Which one.

        - `a`: The first.
        """
        ''',
    )


def test_a_tagged_union_shows_its_tags_and_has_room_for_unknown_variants() -> None:
    module = received(Thing=one_of(tagged("a", "x", x=INTEGER), tagged("bC", y=STRING)))

    assert has(
        module,
        '''
        class AThing(Wire, frozen=True, kw_only=True, tag_field="type", tag="a"):
            """`Thing` whose `type` is `a`."""

            type: ClassVar[Literal["a"]] = "a"
            x: int = MISSING
        ''',
    )
    assert has(module, "Thing: TypeAlias = AThing | BCThing | Unknown")
    assert decode(module.Thing, {"type": "bC", "y": "z"}) == module.BCThing(y="z")


@pytest.mark.parametrize(
    ("tag", "unknown"),
    [("mode", "UnknownMode"), ("kind", "UnknownKind"), ("handlerType", "UnknownHandlerType")],
)
def test_each_tag_field_has_its_own_unknown_class(tag: str, unknown: str) -> None:
    module = received(Thing=one_of(tagged("a", tag=tag), tagged("b", tag=tag)))

    assert has(module, f"Thing: TypeAlias = AThing | BThing | {unknown}")
    assert f'tag_field="{tag}", tag="a"' in module.text


def test_two_tags_that_differ_in_separators_alone_say_them() -> None:
    module = received(Thing=one_of(tagged("openaiForm"), tagged("openai/form")))

    assert has(module, "Thing: TypeAlias = OpenaiFormThing | OpenaiSlashFormThing | Unknown")


@pytest.mark.parametrize(("union", "variant"), [("ThreadItem", "AItem"), ("UserInput", "AInput")])
def test_the_unions_that_users_write_most_have_short_names(union: str, variant: str) -> None:
    module = TinyProtocol({union: one_of(tagged("a"))}, received=ref(union)).types()

    assert has(module, f"{union}: TypeAlias = {variant} | Unknown")


def test_a_tag_behind_a_reference_counts() -> None:
    module = received(
        Thing=one_of(ref("First"), ref("Second")),
        First=tagged("a", x=INTEGER),
        Second=tagged("b"),
    )

    assert has(module, "Thing: TypeAlias = AThing | BThing | Unknown")


def test_keys_beside_a_tagged_union_are_in_every_variant() -> None:
    module = received(
        Thing=one_of(tagged("a"), tagged("b"), properties={"id": STRING}, required=["id"])
    )

    assert decode(module.Thing, {"type": "b", "id": "1"}) == module.BThing(id="1")
    assert module.AThing(id="1").id == "1"


def test_untagged_alternatives_inside_a_variant_become_optional_keys_of_it() -> None:
    inner = {"anyOf": [an_object("url", url=STRING), an_object("path", path=STRING)]}
    module = received(Thing=one_of({**tagged("a", "id", id=STRING), **inner}, tagged("b")))

    assert has(
        module,
        '''
        class AThing(Wire, frozen=True, kw_only=True, tag_field="type", tag="a"):
            """`Thing` whose `type` is `a`."""

            type: ClassVar[Literal["a"]] = "a"
            id: str = MISSING
            url: str | None = None
            path: str | None = None
        ''',
    )


def test_an_externally_tagged_enum_is_an_open_literal_or_one_object() -> None:
    module = received(
        Thing=one_of(
            {"type": "string", "enum": ["a", "b"]},
            an_object("c", c=an_object("x", x=INTEGER)),
            an_object("d", d=STRING),
        )
    )

    assert has(module, 'ThingKind: TypeAlias = Literal["a", "b"] | str')
    assert has(module, "Thing: TypeAlias = ThingKind | ThingObject")
    assert has(
        module,
        '''
        class ThingObject(Wire, frozen=True, kw_only=True):
            """Object form of `Thing`."""

            c: CThing | None = None
            d: str | None = None
        ''',
    )
    assert decode(module.Thing, "a") == "a"
    assert decode(module.Thing, {"c": {"x": 1}}) == module.ThingObject(c=module.CThing(x=1))


def test_an_any_string_or_object_member_adds_nothing_to_an_open_enum() -> None:
    module = received(
        Thing=one_of(
            {"type": "string", "enum": ["a"]},
            an_object("c", c=STRING),
            {"type": ["string", "object"]},
        )
    )

    assert has(module, "Thing: TypeAlias = ThingKind | ThingObject")


def test_untagged_objects_become_one_struct_that_requires_what_all_require() -> None:
    module = TinyProtocol(
        {
            "Thing": {
                "anyOf": [
                    an_object("id text", id=STRING, text=STRING, size=INTEGER),
                    an_object("id blob", id=STRING, blob=STRING, size=STRING),
                ]
            }
        },
        shared=ref("Thing"),
    ).types()

    assert has(
        module,
        """
        class Thing(Wire, frozen=True, kw_only=True):
            id: str
            text: str | None = None
            size: Any = None
            blob: str | None = None
        """,
    )


def test_keys_of_one_scalar_type_keep_it_when_objects_are_merged() -> None:
    module = received(
        Thing={
            "anyOf": [
                an_object(size={"type": "integer", "minimum": 0}, type=STRING),
                an_object(size={"type": "integer"}, type={"enum": ["x"], "type": "string"}),
            ]
        }
    )

    assert has(module, "size: int | None = None")
    assert has(module, "type: str | None = None")


@pytest.mark.parametrize(
    ("schema", "kind", "data"),
    [
        ({"anyOf": [STRING, {"type": "array", "items": STRING}]}, "str | list[str]", ["a"]),
        ({"anyOf": [STRING, INTEGER]}, "str | int", 1),
        ({"type": ["string", "integer"]}, "str | int", "a"),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, "list[int | None]", [None]),
        ({"type": "object", "additionalProperties": INTEGER}, "dict[str, int]", {"a": 1}),
        ({"type": "object", "additionalProperties": True}, "dict[str, Any]", {"a": []}),
        ({"type": "number", "format": "double"}, "float", 1.5),
        (True, "Any", None),
        ({}, "Any", None),
        ({"type": "array"}, "list[Any]", []),
    ],
)
def test_plain_types(schema: Any, kind: str, data: Any) -> None:
    module = TinyProtocol(received=an_object("value", value=schema)).types()

    assert has(module, f"value: {kind} = MISSING") or has(module, f"Value: TypeAlias = {kind}")
    holder = decode(module.ThingDoneNotification, {"received": {"value": data}})
    assert holder.received.value == data


def test_a_named_plain_type_is_an_alias() -> None:
    module = received(Thing={"type": "string", "description": "A path."})

    assert has(module, 'Thing: TypeAlias = str\n"""A path."""')


def test_a_reference_to_a_union_beside_a_string_stays_a_reference() -> None:
    module = received(Thing={"anyOf": [STRING, ref("Other")]}, Other=one_of(tagged("a")))

    assert has(module, "Thing: TypeAlias = str | Other")


def test_a_nullable_reference() -> None:
    module = TinyProtocol(
        {"Thing": an_object(id=STRING)},
        received=an_object(value={"anyOf": [ref("Thing"), {"type": "null"}]}),
    ).types()

    assert has(module, "value: Thing | None = None")


def test_a_reference_wrapped_in_all_of_is_that_reference() -> None:
    module = TinyProtocol(
        {"Thing": {"type": "string", "enum": ["a", "b"]}},
        received=an_object(value={"allOf": [ref("Thing")], "default": "b"}),
    ).types()

    assert has(module, 'value: Thing = "b"')


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
