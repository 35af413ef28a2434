"""All that is known of one protocol, short of its text."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol_generator.bundle import Bundle
from protocol_generator.lowering import lower
from protocol_generator.methods import bind_notifications, method_table
from protocol_generator.model import Methods, Node
from protocol_generator.reach import Reach, reach


@dataclass(frozen=True)
class Protocol:
    """One protocol, understood.

    Attributes:
        bundle: What it was read from.
        nodes: Every type by name, also those that no method reaches.
        methods: The method table.
        reach: Who sends which type.
    """

    bundle: Bundle
    nodes: Mapping[str, Node]
    methods: Methods
    reach: Reach


def understand(bundle: Bundle) -> Protocol:
    """Make sense of a bundle.

    Raises:
        SchemaError: It holds something without a rule.
    """
    nodes, methods = bind_notifications(lower(bundle.definitions), method_table(bundle))
    return Protocol(bundle, nodes, methods, reach(nodes, methods))
