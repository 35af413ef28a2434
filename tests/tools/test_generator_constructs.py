"""One golden text per construct of JSON Schema that the codex binary uses, and that it decodes."""

from typing import Any

import msgspec
import pytest
from support_generator import (
    INTEGER,
    STRING,
    TinyProtocol,
    an_object,
    decode,
    has,
    one_of,
    received,
    ref,
    tagged,
)

from codex_runtime.protocol import UNSET


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
