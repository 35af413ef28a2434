"""A protocol to the text of both generated modules."""

from dataclasses import dataclass

from protocol_generator.emit_methods import methods_module
from protocol_generator.emit_types import types_module
from protocol_generator.protocol import Protocol


@dataclass(frozen=True)
class Rendered:
    """The generated modules."""

    types: str
    methods: str


def render(protocol: Protocol) -> Rendered:
    """Return the text of both modules; the same protocol gives the same text.

    Raises:
        SchemaError: Two methods would get one constant.
    """
    types, names = types_module(protocol)
    return Rendered(types, methods_module(protocol.bundle, protocol.methods, len(names)))
