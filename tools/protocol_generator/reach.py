"""Who sends which type, and the order in which types can be written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol_generator.errors import SchemaError
from protocol_generator.model import Methods, Node, Struct


@dataclass(frozen=True)
class Reach:
    """The types by who sends them; a shared type is in both.

    Attributes:
        sent: Types in what the client sends.
        received: Types in what the server sends.
    """

    sent: frozenset[str]
    received: frozenset[str]

    def only_sent(self, name: str) -> bool:
        """Say whether the client alone sends this type."""
        return name in self.sent and name not in self.received

    def only_received(self, name: str) -> bool:
        """Say whether the server alone sends this type."""
        return name in self.received and name not in self.sent


def reach(nodes: Mapping[str, Node], methods: Methods) -> Reach:
    """Follow the types from the method table down."""
    asked, asking, told = methods.client_requests, methods.server_requests, methods.notifications
    return Reach(
        sent=_closure(nodes, [*(row.params for row in asked), *(row.result for row in asking)]),
        received=_closure(
            nodes,
            [
                *(row.result for row in asked),
                *(row.params for row in asking),
                *(row.params for row in told),
            ],
        ),
    )


def _closure(nodes: Mapping[str, Node], seeds: Iterable[str | None]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [name for name in seeds if name is not None]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in nodes:
            seen.add(name)
            waiting += nodes[name].names
    return frozenset(seen)


def in_writing_order(nodes: Mapping[str, Node], names: Iterable[str]) -> list[str]:
    """Return `names` so that each stands after those it needs.

    In a cycle, a struct comes before what it needs: the annotation is then written in quotes.

    Raises:
        SchemaError: A cycle holds no struct, so it has no finite value.
    """
    ordered: dict[str, None] = {}
    waiting = sorted(names)
    while waiting:
        before = len(ordered)
        for name in waiting:
            _place(nodes, name, ordered, frozenset())
        waiting = [name for name in waiting if name not in ordered]
        if len(ordered) == before:
            raise SchemaError(f"{waiting[0]}: the type needs itself, with no struct between")
    return list(ordered)


def _place(
    nodes: Mapping[str, Node], name: str, ordered: dict[str, None], above: frozenset[str]
) -> bool:
    """Append `name` after what it needs; say whether that was possible."""
    if name in ordered or name not in nodes:
        return True
    if name in above:
        return False
    # A list, not a generator: every need has to be tried, not only those up to the first failure.
    needs = sorted(nodes[name].names)
    placed = [_place(nodes, need, ordered, above | {name}) for need in needs]
    if not all(placed) and not isinstance(nodes[name], Struct):
        return False
    ordered[name] = None
    return True
