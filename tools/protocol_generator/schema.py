"""Questions asked of one JSON Schema, and schemas made from others. Pure functions."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard

from protocol_generator.errors import SchemaError

Json: TypeAlias = Any
"""Decoded JSON."""

Schema: TypeAlias = dict[str, Any]
"""One JSON Schema object. `True` (anything) is `{}` here."""

Definitions: TypeAlias = Mapping[str, Schema]
"""The named schemas of a bundle, in one namespace."""


def is_dict(value: Json) -> TypeGuard[dict[str, Json]]:
    """Say whether decoded JSON is an object."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Say whether decoded JSON is an array."""
    return isinstance(value, list)


def as_schema(value: Json) -> Schema:
    """Return a schema object for a schema that may be the boolean `true`."""
    return {} if value is True else value


def ref_name(schema: Schema) -> str | None:
    """Return the name of the definition that `schema` refers to, straight or through `allOf`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if len(schema.get("allOf", ())) == 1:
        return ref_name(schema["allOf"][0])
    return None


def alternatives(schema: Schema) -> list[Schema]:
    """Return the members of `oneOf` or `anyOf`; none where there is neither."""
    return list(schema.get("oneOf") or schema.get("anyOf") or ())


def kinds_of(schema: Schema) -> list[str]:
    """Return the JSON types that `type` names; none where it is absent."""
    kinds: str | list[str] = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def split_null(schema: Schema) -> tuple[Schema, bool]:
    """Return `schema` without its `null`, and whether it had one."""
    kinds = kinds_of(schema)
    if len(kinds) > 1 and "null" in kinds:
        rest = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": rest[0] if len(rest) == 1 else rest}, True
    for word in ("anyOf", "oneOf"):
        members: list[Schema] = schema.get(word, [])
        rest_members = [member for member in members if member.get("type") != "null"]
        if len(rest_members) < len(members):
            around = {key: value for key, value in schema.items() if key != word}
            if len(rest_members) > 1:
                return {word: rest_members, **around}, True
            return {**split_null(rest_members[0])[0], **around}, True
    return schema, False


def is_object(schema: Schema) -> bool:
    """Say whether `schema` is an object with named keys, not a mapping of strings to one type."""
    mapping = schema.get("additionalProperties") not in (None, False)
    return (schema.get("type") == "object" or "properties" in schema) and (
        "properties" in schema or not mapping
    )


def constant_of(schema: Json, definitions: Definitions) -> str | None:
    """Return the only value that `schema` admits, or None where it admits others."""
    schema = as_schema(schema)
    if len(schema.get("enum", ())) == 1:
        return str(schema["enum"][0])
    name = ref_name(schema)
    target = None if name is None else definitions.get(name)
    return None if target is None else constant_of(target, definitions)


def common_tag(objects: list[Schema], definitions: Definitions) -> str | None:
    """Return the required key by whose constant the objects differ, or None."""
    for key in objects[0].get("properties", {}) if objects else ():
        values = {
            constant_of(each.get("properties", {}).get(key, {}), definitions) for each in objects
        }
        required = all(key in each.get("required", ()) for each in objects)
        if None not in values and len(values) == len(objects) and required:
            return str(key)
    return None


def with_shared(schema: Schema, shared: Schema) -> Schema:
    """Return `schema` with the keys that stand beside the union it is a member of."""
    return {
        **schema,
        "properties": {**schema.get("properties", {}), **shared.get("properties", {})},
        "required": [*schema.get("required", ()), *shared.get("required", ())],
    }


def merged(base: Schema, members: list[Schema]) -> Schema:
    """Return one object for untagged alternatives, which a struct cannot tell apart.

    A key is required only where every alternative requires it; keys whose types conflict are
    widened to the scalar they share, else to anything.
    """
    properties: Schema = {}
    for member in members:
        for key, value in member.get("properties", {}).items():
            properties[key] = _widened(key, properties[key], value) if key in properties else value
    required = set[str].intersection(*(set[str](member.get("required", ())) for member in members))
    around = {key: value for key, value in base.items() if key not in ("anyOf", "oneOf")}
    return {
        **around,
        "type": "object",
        "properties": {**base.get("properties", {}), **properties},
        "required": [*base.get("required", ()), *sorted(required)],
    }


def _widened(key: str, first: Json, second: Json) -> Schema:
    if first == second:
        return as_schema(first)
    kinds = {_scalar(as_schema(first)), _scalar(as_schema(second))}
    if len(kinds) == 1 and None not in kinds:
        return {"type": kinds.pop()}
    return {"type": "string"} if key == "type" else {}


def _scalar(schema: Schema) -> str | None:
    kind = schema.get("type")
    return kind if kind in ("string", "integer", "number", "boolean") else None


def walk(schema: Json, where: str) -> Iterator[tuple[str, Schema]]:
    """Yield every schema inside `schema` with its place, itself first.

    Raises:
        SchemaError: Something stands where a schema should.
    """
    if isinstance(schema, bool):
        return
    if not is_dict(schema):
        raise SchemaError(f"{where}: {type(schema).__name__} where a schema should be")
    yield where, schema
    for place, child in _children(schema):
        yield from walk(child, f"{where}.{place}")


def _children(schema: Schema) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    for word in ("oneOf", "anyOf", "allOf"):
        for index, member in enumerate(schema.get(word, ())):
            yield f"{word}[{index}]", member
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield word, schema[word]
