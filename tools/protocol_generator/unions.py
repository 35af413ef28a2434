"""`oneOf` and `anyOf` to unions that msgspec can decode.

msgspec tells the members of a union apart by their JSON kind and, among objects, by one tag
field. Rust's serde knows more ways to write an enum, so each gets the rule named below.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol_generator.errors import SchemaError
from protocol_generator.model import Enum, Tag, Type, Union
from protocol_generator.naming import pascal, pascal_spelled_out
from protocol_generator.schema import (
    Schema,
    alternatives,
    common_tag,
    constant_of,
    is_object,
    kinds_of,
    merged,
    ref_name,
    with_shared,
)
from protocol_generator.tables import UNKNOWN_BY_TAG, VARIANT_SUFFIXES

if TYPE_CHECKING:
    from protocol_generator.lowering import Lowering

NAME_HINT = "x-name"
"""Put into a schema by this module alone: what to call the type that it defines inline."""


@dataclass(frozen=True)
class Members:
    """The alternatives of a union by JSON kind: known strings, objects, all others."""

    constants: list[Schema]
    objects: list[Schema]
    others: list[Schema]


def lower_union(lowering: "Lowering", name: str, schema: Schema) -> None:
    """Give `name` its meaning by the first rule that fits the alternatives of `schema`."""
    members = alternatives(schema)
    if sum("$ref" in each or is_object(each) for each in members) > 1:
        members = [_opened(lowering, each) for each in members]
    sorted_out = Members(
        constants=[each for each in members if "enum" in each],
        objects=[each for each in members if "enum" not in each and is_object(each)],
        others=[each for each in members if "enum" not in each and not is_object(each)],
    )
    tag = common_tag(sorted_out.objects, lowering.definitions)
    if sorted_out.constants == members:
        lowering.add(_enum(name, _doc(schema), members))
    elif sorted_out.objects != members:
        _by_kind(lowering, name, schema, sorted_out)
    elif tag is not None:
        _tagged(lowering, name, schema, tag)
    else:
        lowering.struct(name, _merged_object(name, members), _doc(schema))


def _doc(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _enum(name: str, doc: str, constants: list[Schema]) -> Enum:
    return Enum(
        name, doc, tuple((value, _doc(each)) for each in constants for value in each["enum"])
    )


def _opened(lowering: "Lowering", schema: Schema) -> Schema:
    """Look through a reference, so that objects in an untagged union can be merged."""
    name = ref_name(schema)
    if name is None:
        return schema
    target = lowering.definitions[name]
    if alternatives(target):
        inner = [_opened(lowering, each) for each in alternatives(target)]
        return merged({}, inner) if all(is_object(each) for each in inner) else schema
    return target if is_object(target) and "properties" in target else schema


def _merged_object(name: str, objects: list[Schema]) -> Schema:
    """Return one object schema for several; payloads of `{"key": {...}}` get a name of their own."""
    if len(objects) == 1:
        return objects[0]
    external = all(len(each.get("properties", {})) == 1 for each in objects)
    return merged(
        {}, [_with_named_payload(name, each) for each in objects] if external else objects
    )


def _with_named_payload(name: str, schema: Schema) -> Schema:
    properties = {
        key: {**value, NAME_HINT: pascal(key) + name} if "properties" in value else value
        for key, value in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _by_kind(lowering: "Lowering", name: str, schema: Schema, members: Members) -> None:
    """Rust's externally tagged enum, and unions of plain JSON kinds: `"a" | {"b": {...}} | [...]`.

    All known strings become one open literal, all objects one struct with a key per variant.
    """
    parts: list[Type] = []
    if members.constants:
        parts.append(
            _reference(lowering.add(_enum(f"{name}Kind", _doc(schema), members.constants)))
        )
    if members.objects:
        doc = f"Object form of `{name}`."
        whole = _merged_object(name, members.objects)
        parts.append(_reference(lowering.struct(f"{name}Object", whole, doc)))
    for each in members.others:
        # "Any string or any object" says in JSON Schema what the open literal and the struct
        # already do; msgspec could not tell it from them.
        if not (parts and _is_open_member(each)):
            parts.append(lowering.type_of(each, name))
    names = frozenset[str]().union(*(part.names for part in parts))
    lowering.add(Union(name, _doc(schema), tuple(part.text for part in parts), names))


def _is_open_member(schema: Schema) -> bool:
    return {"string", "object"} <= set(kinds_of(schema))


def _reference(name: str) -> Type:
    return Type(name, frozenset({name}))


def _tagged(lowering: "Lowering", name: str, schema: Schema, tag: str) -> None:
    """Rust's internally tagged enum: one struct per variant, and a place for unknown ones."""
    if tag not in UNKNOWN_BY_TAG:
        raise SchemaError(
            f"{name}: its variants are told apart by {tag!r}, which has no Unknown class; "
            "add one to protocol/_base.py, then a row to UNKNOWN_BY_TAG"
        )
    variants = {
        constant_of(each["properties"][tag], lowering.definitions) or "": each
        for each in _opened_members(lowering, schema)
    }
    names = _variant_names(VARIANT_SUFFIXES.get(name, name), list(variants))
    for value, variant in variants.items():
        whole = with_shared(variant, schema)
        if alternatives(whole):
            whole = merged(whole, alternatives(whole))
        keys = {key: inner for key, inner in whole["properties"].items() if key != tag}
        doc = _doc(variant) or f"`{name}` whose `{tag}` is `{value}`."
        lowering.struct(names[value], {**whole, "properties": keys}, doc, Tag(tag, value))
    members = tuple(names.values())
    lowering.add(Union(name, _doc(schema), members, frozenset(members), tag))


def _opened_members(lowering: "Lowering", schema: Schema) -> list[Schema]:
    return [_opened(lowering, each) for each in alternatives(schema)]


def _variant_names(suffix: str, values: list[str]) -> dict[str, str]:
    """Name each variant after its tag value; titles in the schema change from release to release.

    Where two values would get one name, those that are not plain words say their separators.
    """
    plain = {value: pascal(value) for value in values}
    taken = list(plain.values())
    return {
        value: (
            pascal_spelled_out(value)
            if taken.count(plain[value]) > 1 and not value.isidentifier()
            else plain[value]
        )
        + suffix
        for value in values
    }
