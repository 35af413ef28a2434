"""Where a JSON path leads, in the data and in its type at the same time.

`_repair` needs both: the data to change it, the type to know which changes the decoder accepts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import TypeGuard, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields

from codex_runtime.protocol._base import (
    SENTINEL,
    UNKNOWN_CLASSES,
    Json,
    TypeForm,
    is_array,
    is_object,
)

_UNIONS: tuple[object, ...] = (Union, UnionType)

ANY_KEY = "..."
"""How msgspec writes a step into a mapping: it does not say which key."""


@dataclass(frozen=True, eq=False)
class Place:
    """A place in the data.

    Attributes:
        holder: The object or array that holds it.
        key: Where in there.
        kind: The type that the decoder expects here.
        above: The place that `holder` is in; None at the top.
        exact: Whether this is the very place that was named, and not one of its siblings.
    """

    holder: Json
    key: str | int
    kind: TypeForm
    above: "Place | None"
    exact: bool

    @property
    def node(self) -> Json:
        """What is here now."""
        return self.holder[self.key]

    @property
    def tag_field(self) -> str | None:
        """The tag field of the union expected here, where it has a place for unknown variants."""
        unknown = _unknown_of(self.kind)
        return None if unknown is None else unknown.__struct_config__.tag_field

    @property
    def wrappable(self) -> bool:
        """Whether the decoder would take what is here as an unknown variant."""
        return self.tag_field is not None and is_object(self.node)

    @property
    def droppable(self) -> bool:
        """Whether the decoder does without what is here."""
        if self.above is None or not is_object(self.holder):
            return False
        variant = variant_of(self.above.kind, self.above.node)
        return variant is None or self.key not in required_keys(variant)

    def upwards(self) -> "Iterator[Place]":
        """Yield this place and those it is in, innermost first."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.above

    def wrap(self) -> None:
        """Make what is here an unknown variant that carries it."""
        self.holder[self.key] = {self.tag_field: SENTINEL, "raw": self.node}

    def leads(self, step: str) -> "Iterator[Place]":
        """Yield the places that `step` can mean from here; for an index, its siblings too."""
        node = self.node
        if is_array(node):
            for index, kind in self._elements(node):
                yield Place(node, index, kind, self, exact=self.exact and str(index) == step)
        elif is_object(node):
            yield from self._keys(node, step)

    def _elements(self, node: Sequence[Json]) -> Iterator[tuple[int, TypeForm]]:
        for member in _members(self.kind):
            if _origin(member) is list:
                yield from ((index, get_args(member)[0]) for index in range(len(node)))
                return

    def _keys(self, node: dict[str, Json], step: str) -> "Iterator[Place]":
        variant = variant_of(self.kind, node)
        if variant is not None:
            kind = _kinds(variant).get(step)
            if kind is not None and step in node:
                yield Place(node, step, kind, self, exact=self.exact)
            return
        for member in _members(self.kind):
            if _origin(member) is dict and step == ANY_KEY:
                for key in node:
                    yield Place(node, key, get_args(member)[1], self, exact=False)


def variant_of(kind: TypeForm, node: Json) -> type[msgspec.Struct] | None:
    """Return the struct that the decoder takes `node` for, or None where it takes it for none."""
    for member in _members(kind) if is_object(node) else ():
        if _is_struct(member):
            config = member.__struct_config__
            if config.tag_field is None or node.get(config.tag_field) == config.tag:
                return member
    return None


@cache
def required_keys(variant: type[msgspec.Struct]) -> frozenset[str]:
    """Return the wire names of the fields without a default."""
    return frozenset(each.encode_name for each in fields(variant) if each.required)


@cache
def _kinds(variant: type[msgspec.Struct]) -> dict[str, TypeForm]:
    hints = get_type_hints(variant)
    names = zip(variant.__struct_encode_fields__, variant.__struct_fields__, strict=True)
    return {wire: hints[attribute] for wire, attribute in names}


def _origin(kind: TypeForm) -> object:
    return get_origin(kind)


def _members(kind: TypeForm) -> tuple[TypeForm, ...]:
    return get_args(kind) if _origin(kind) in _UNIONS else (kind,)


def _unknown_of(kind: TypeForm) -> type[msgspec.Struct] | None:
    return next((each for each in _members(kind) if each in UNKNOWN_CLASSES), None)


def _is_struct(member: TypeForm) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(member, type) and issubclass(member, msgspec.Struct)
