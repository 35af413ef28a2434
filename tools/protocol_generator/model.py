"""What the generator knows about the protocol, between JSON Schema and Python text."""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias


class _NoDefault:
    """The schema gives no default, which is not the same as a default of null."""


NO_DEFAULT: Final = _NoDefault()
"""Stands in `Field.default` where the schema has none."""

Stability: TypeAlias = Literal["stable", "experimental", "deprecated"]
"""What a method asks of its caller; see `codex_runtime.protocol.Stability`."""


@dataclass(frozen=True)
class Type:
    """A Python type expression.

    Attributes:
        text: As it is written, say `list[ThreadItem]`.
        names: The generated names in it.
    """

    text: str
    names: frozenset[str] = frozenset()

    def optional(self) -> "Type":
        """Return the type or None."""
        has_none = self.text == "Any" or self.text.endswith(" | None")
        return self if has_none else Type(f"{self.text} | None", self.names)


ANY: Final = Type("Any")
"""The type of a schema that admits everything."""


@dataclass(frozen=True)
class Field:
    """One key of an object.

    Attributes:
        wire: The key.
        type: Of its value, without `None`.
        required: Whether the schema says that the key is always there.
        nullable: Whether the value may be null.
        default: What an absent key means to the server, or `NO_DEFAULT`.
        doc: The schema's words.
    """

    wire: str
    type: Type
    required: bool
    nullable: bool
    default: Any
    doc: str


@dataclass(frozen=True)
class Tag:
    """The key and value by which a struct is told from the other members of its union."""

    field: str
    value: str


@dataclass(frozen=True)
class Struct:
    """An object with named keys.

    Attributes:
        method: The notification that this is the payload of, or None.
    """

    name: str
    doc: str
    fields: tuple[Field, ...]
    tag: Tag | None = None
    method: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The generated names that the fields need."""
        return frozenset[str]().union(*(each.type.names for each in self.fields))


@dataclass(frozen=True)
class Enum:
    """A string of which some values are known. `values` pairs each with its description."""

    name: str
    doc: str
    values: tuple[tuple[str, str], ...]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Union:
    """One of several types.

    Attributes:
        members: Type expressions, in the order of the schema.
        tag_field: The key that tells them apart, or None where their JSON kinds do.
    """

    name: str
    doc: str
    members: tuple[str, ...]
    names: frozenset[str]
    tag_field: str | None = None


@dataclass(frozen=True)
class Alias:
    """Another name for a type."""

    name: str
    doc: str
    type: Type

    @property
    def names(self) -> frozenset[str]:
        """The generated names that the type needs."""
        return self.type.names


Node: TypeAlias = Struct | Enum | Union | Alias
"""One named thing in `types.py`."""


@dataclass(frozen=True)
class MethodRow:
    """One method of the protocol.

    Attributes:
        method: The wire name.
        params: The name of its params type, or None where it has none.
        params_optional: Whether the params may be null.
        result: The name of its result type, or None for a notification.
        stability: What it asks of its caller.
        doc: The schema's words.
    """

    method: str
    params: str | None
    params_optional: bool
    result: str | None
    stability: Stability
    doc: str


@dataclass(frozen=True)
class Methods:
    """The method table."""

    client_requests: tuple[MethodRow, ...]
    server_requests: tuple[MethodRow, ...]
    notifications: tuple[MethodRow, ...]
