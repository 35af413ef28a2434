"""JSON Schema definitions to the nodes of `model`."""

from protocol_generator.errors import SchemaError
from protocol_generator.model import ANY, NO_DEFAULT, Alias, Enum, Field, Node, Struct, Tag, Type
from protocol_generator.naming import pascal
from protocol_generator.schema import (
    Definitions,
    Schema,
    alternatives,
    as_schema,
    is_object,
    kinds_of,
    ref_name,
    split_null,
)
from protocol_generator.tables import ENVELOPES, UNKNOWN_BY_TAG
from protocol_generator.unions import NAME_HINT, lower_union

_TAKEN = frozenset(
    {
        "Any",
        "ClassVar",
        "Literal",
        "Notification",
        "TypeAlias",
        "UnknownNotification",
        "UnknownServerRequest",
        "UnsetType",
        "Wire",
        *UNKNOWN_BY_TAG.values(),
    }
)
"""Names that `types.py` imports, which the protocol can therefore not have."""

_PRIMITIVES = {
    "boolean": "bool",
    "integer": "int",
    "null": "None",
    "number": "float",
    "string": "str",
}
"""JSON types to Python types. All integer formats are `int`, msgspec's have no upper bound."""


def lower(definitions: Definitions) -> dict[str, Node]:
    """Return a node for every definition and for every inline type in it, by name.

    Raises:
        SchemaError: Two types would get one name, or a construct has no rule.
    """
    lowering = Lowering(definitions)
    for name in sorted(definitions.keys() - ENVELOPES):
        lowering.define(name, definitions[name])
    return lowering.nodes


class Lowering:
    """The definitions being read, and the nodes made so far."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.nodes: dict[str, Node] = {}

    def add(self, node: Node) -> str:
        """Keep `node` under its name and return the name.

        Raises:
            SchemaError: The name is taken.
        """
        if node.name in self.nodes or node.name in _TAKEN:
            raise SchemaError(
                f"{node.name}: two types would get this name; "
                "give one another in tools/protocol_generator (see VARIANT_SUFFIXES)"
            )
        self.nodes[node.name] = node
        return node.name

    def define(self, name: str, schema: Schema) -> None:
        """Make `schema` the meaning of `name`."""
        schema, _ = split_null(schema)
        doc = schema.get("description", "")
        if alternatives(schema):
            lower_union(self, name, schema)
        elif "enum" in schema:
            self.add(Enum(name, doc, tuple((value, "") for value in schema["enum"])))
        elif is_object(schema):
            self.struct(name, schema, doc)
        else:
            self.add(Alias(name, doc, self.type_of(schema, name)))

    def struct(self, name: str, schema: Schema, doc: str, tag: Tag | None = None) -> str:
        """Make a struct of an object schema. Keys beyond the declared ones are not kept."""
        required = schema.get("required", ())
        fields = tuple(
            self._field(name, wire, as_schema(inner), required=wire in required)
            for wire, inner in schema.get("properties", {}).items()
        )
        return self.add(Struct(name, doc, fields, tag))

    def _field(self, owner: str, wire: str, schema: Schema, *, required: bool) -> Field:
        core, nullable = split_null(schema)
        return Field(
            wire=wire,
            type=self.type_of(core, core.get(NAME_HINT, owner + pascal(wire))),
            required=required,
            nullable=nullable,
            default=schema.get("default", NO_DEFAULT),
            doc=schema.get("description", ""),
        )

    def type_of(self, schema: Schema, hint: str) -> Type:
        """Return the type expression for `schema`; what it defines inline is named `hint`."""
        core, nullable = split_null(as_schema(schema))
        found = self._type_of(core, hint)
        return found.optional() if nullable else found

    def _type_of(self, schema: Schema, hint: str) -> Type:
        name = ref_name(schema)
        if name is not None:
            if name not in self.definitions:
                raise SchemaError(f"{hint}: refers to {name}, which the bundle does not define")
            return Type(name, frozenset({name}))
        if alternatives(schema) or "enum" in schema or ("properties" in schema):
            self.define(hint, schema)
            return Type(hint, frozenset({hint}))
        kinds = kinds_of(schema)
        if len(kinds) > 1:
            return self._any_of_kinds(schema, kinds, hint)
        return self._simple(schema, kinds[0] if kinds else None, hint)

    def _any_of_kinds(self, schema: Schema, kinds: list[str], hint: str) -> Type:
        parts = [self._type_of({**schema, "type": kind}, hint) for kind in kinds]
        names = frozenset[str]().union(*(part.names for part in parts))
        return Type(" | ".join(part.text for part in parts), names)

    def _simple(self, schema: Schema, kind: str | None, hint: str) -> Type:
        match kind:
            case None:
                return ANY
            case "array":
                items = self.type_of(schema.get("items", {}), f"{hint}Item")
                return Type(f"list[{items.text}]", items.names)
            case "object":
                values = schema.get("additionalProperties", True)
                inner = ANY if isinstance(values, bool) else self.type_of(values, f"{hint}Value")
                return Type(f"dict[str, {inner.text}]", inner.names)
            case _:
                return Type(_PRIMITIVES[kind])
