"""What types of parameters are made of, for what msgspec does not see to.

It takes members that a dataclass or a `TypedDict` does not have, says nothing of defaults, and takes
`set[dict]` for a type that there are values of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, get_origin
from uuid import UUID

import msgspec
from msgspec import inspect as kinds

from codex_runtime._plain import is_list, is_mapping

__all__ = ["close", "fits", "unhashable", "unknown_member"]

_LISTS: Final = (
    kinds.ListType,
    kinds.SetType,
    kinds.FrozenSetType,
    kinds.VarTupleType,
)
"""Entries of one type."""

_CLOSED: Final = (kinds.DataclassType, kinds.TypedDictType)
"""A `Struct` says itself whether it takes other members, and so does a model of pydantic."""

_CLASSES: Final[dict[type, type | tuple[type, ...]]] = {
    kinds.BoolType: bool,
    kinds.IntType: int,
    kinds.FloatType: (int, float),
    kinds.StrType: str,
    kinds.BytesType: (bytes, bytearray, memoryview),
    kinds.ByteArrayType: (bytes, bytearray, memoryview),
    kinds.MemoryViewType: (bytes, bytearray, memoryview),
    kinds.DateTimeType: datetime,
    kinds.DateType: date,
    kinds.TimeType: time,
    kinds.TimeDeltaType: timedelta,
    kinds.UUIDType: UUID,
    kinds.DecimalType: Decimal,
    kinds.NoneType: type(None),
    kinds.NamedTupleType: tuple,
    kinds.TypedDictType: Mapping,
}
"""What a default is of, by the type of the parameter."""


def unhashable(kind: kinds.Type) -> str | None:
    """The name of a type that a set or the keys of a dict are to be of, and cannot be."""
    for part in _parts(kind, set()):
        inner: Any = getattr(part, "key_type", None)
        if isinstance(part, kinds.SetType | kinds.FrozenSetType):
            inner = part.item_type
        found = None if inner is None else _without_hash(inner)
        if found is not None:
            return found
    return None


_NAMES: Final[dict[type, str]] = {
    kinds.ListType: "list",
    kinds.SetType: "set",
    kinds.DictType: "dict",
    kinds.TypedDictType: "dict",
}


def _without_hash(kind: Any) -> str | None:
    match kind:
        case kinds.ListType() | kinds.SetType() | kinds.DictType() | kinds.TypedDictType():
            return _NAMES[type(kind)]
        case kinds.DataclassType() | kinds.StructType():
            # As it is with a mutable `Struct`, whose hash raises.
            config: Any = getattr(kind.cls, "__struct_config__", None)
            mutable = config is not None and config.eq and not config.frozen
            return kind.cls.__name__ if mutable or kind.cls.__hash__ is None else None
        case kinds.Metadata() | kinds.UnionType() | kinds.TupleType() | kinds.VarTupleType():
            return next(filter(None, map(_without_hash, _inside(kind))), None)
        case _:
            return None


def unknown_member(kind: Any, value: Any) -> tuple[str, str] | None:
    """The first member that a value has, and its dataclass or `TypedDict` has not.

    Args:
        kind: The type of the value.
        value: It, as plain data; otherwise it is of the type.

    Returns:
        Where, and what is wrong.
    """
    if isinstance(kind, _CLOSED):
        names = [each.encode_name for each in kind.fields]
        for name in value if is_mapping(value) else ():
            if name not in names:
                there = ", ".join(names) or "none"
                return "", f"object contains unknown field `{name}`; there are: {there}"
    for place, inner, part in _pairs(kind, value):
        found = unknown_member(inner, part)
        if found is not None:
            return place + found[0], found[1]
    return None


def _pairs(kind: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """The parts of a value: where, of which type, and the part."""
    match kind:
        case kinds.Metadata():
            yield "", kind.type, value
        case kinds.UnionType():
            # Of types that are written alike there is one at the most, or they are tagged.
            yield from (("", each, value) for each in kind.types if _is_tagged_so(each, value))
        case kinds.DictType() if is_mapping(value):
            yield from (("[...]", kind.value_type, each) for each in value.values())
        case kinds.StructType() | kinds.DataclassType() | kinds.TypedDictType() if is_mapping(
            value
        ):
            for each in kind.fields:
                if each.encode_name in value:
                    yield f".{each.encode_name}", each.type, value[each.encode_name]
        case _:
            yield from _entries(kind, value)


def _entries(kind: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    if not is_list(value):
        return
    types: Any = ()
    if isinstance(kind, _LISTS):
        types = [kind.item_type] * len(value)
    elif isinstance(kind, kinds.TupleType):
        types = kind.item_types
    elif isinstance(kind, kinds.NamedTupleType):
        types = [each.type for each in kind.fields]
    for index, (inner, each) in enumerate(zip(types, value, strict=False)):
        yield f"[{index}]", inner, each


def _is_tagged_so(kind: Any, value: Any) -> bool:
    if not isinstance(kind, kinds.StructType) or kind.tag_field is None:
        return True
    return is_mapping(value) and value.get(kind.tag_field) == kind.tag


def fits(kind: Any, default: Any) -> bool:
    """Whether a default is of the type of its parameter, as far as that can be told.

    Limits do not count: a default may stand for what the model cannot say. `None` always may.
    """
    if default is None or default is msgspec.UNSET:
        return True
    match kind:
        case kinds.Metadata():
            return fits(kind.type, default)
        case kinds.UnionType():
            return any(fits(each, default) for each in kind.types)
        case kinds.LiteralType():
            return any(each == default for each in kind.values)
        case _:
            return _is_instance(kind, default)


def _is_instance(kind: Any, default: Any) -> bool:
    if isinstance(kind, kinds.DictType):
        return is_mapping(default) and all(fits(kind.value_type, each) for each in default.values())
    if isinstance(kind, (*_LISTS, kinds.TupleType)):
        entries: Any = default
        if not isinstance(entries, Collection) or isinstance(entries, str | bytes | Mapping):
            return False
        inner: Any = getattr(kind, "item_type", kinds.AnyType())
        parts: Any = default
        return all(fits(inner, each) for each in parts)
    cls: Any = getattr(kind, "cls", object)
    for of, known in _CLASSES.items():
        if isinstance(kind, of):
            cls = known
    return isinstance(default, get_origin(cls) or cls)


def close(definitions: Mapping[str, Any], used: Collection[kinds.Type]) -> None:
    """Say in schemas that dataclasses and `TypedDict`s have no other members.

    Args:
        definitions: The schemas, of which some are theirs.
        used: The types that they are of.
    """
    closed: set[str] = set()
    open_: set[str] = set()
    seen: set[int] = set()
    for part in (each for kind in used for each in _parts(kind, seen)):
        if isinstance(part, kinds.StructType):
            open_.add(part.cls.__name__)
        elif isinstance(part, _CLOSED):
            closed.add(part.cls.__name__)
    for schema in definitions.values():
        # One of two types of a name is not told apart here; then it is left as it is.
        name = str(schema.get("title", "")).partition("[")[0]
        if schema.get("type") == "object" and name in closed - open_:
            schema.setdefault("additionalProperties", False)


def _parts(kind: kinds.Type, seen: set[int]) -> Iterator[kinds.Type]:
    """A type, and all that it is made of; it may hold itself."""
    if id(kind) in seen:
        return
    seen.add(id(kind))
    yield kind
    for part in _inside(kind):
        yield from _parts(part, seen)


def _inside(kind: kinds.Type) -> Iterator[kinds.Type]:
    for name in kind.__struct_fields__:
        found: Any = getattr(kind, name)
        several: Any = (found,)
        if isinstance(found, tuple):
            several = getattr(kind, name)
        for each in several:
            if isinstance(each, kinds.Field):
                yield each.type
            elif isinstance(each, kinds.Type):
                yield each
