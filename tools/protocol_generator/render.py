"""A bundle to the text of both generated modules."""

from dataclasses import dataclass

from protocol_generator.bundle import Bundle
from protocol_generator.emit_methods import methods_module
from protocol_generator.emit_types import Emission, types_module
from protocol_generator.lowering import lower
from protocol_generator.methods import bind_notifications, method_table
from protocol_generator.reach import reach


@dataclass(frozen=True)
class Rendered:
    """The generated modules."""

    types: str
    methods: str


def model(bundle: Bundle) -> Emission:
    """Return all that is known of a protocol, short of its text.

    Raises:
        SchemaError: The bundle holds something without a rule.
    """
    nodes, methods = bind_notifications(lower(bundle.definitions), method_table(bundle))
    return Emission(bundle, nodes, methods, reach(nodes, methods))


def render(bundle: Bundle) -> Rendered:
    """Return the text of both modules; the same bundle gives the same text.

    Raises:
        SchemaError: The bundle holds something without a rule.
    """
    emission = model(bundle)
    types, names = types_module(emission)
    return Rendered(types, methods_module(bundle, emission.methods, len(names)))
