"""What it would mean to meet another codex: two protocols compared.

The question is always the same: what happens to a client that was generated from the first when
it talks to the second.

- additive: nothing; there is more to use after regenerating.
- degrading: it goes on, but sees something as unknown, absent or plain data.
- breaking: something that it may send is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from protocol_generator.model import Alias, Enum, Field, MethodRow, Node, Struct, Union
from protocol_generator.protocol import Protocol

Level: TypeAlias = Literal["additive", "degrading", "breaking"]
"""How bad a change is."""

LEVELS: tuple[Level, ...] = ("breaking", "degrading", "additive")
"""All levels, the worst first."""


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        level: How bad it is.
        text: The place and what is different there.
    """

    level: Level
    text: str


@dataclass(frozen=True)
class _Direction:
    """Who sends a type, in either protocol."""

    sent: bool
    received: bool

    def level(self, *, sent: Level = "additive", received: Level = "additive") -> Level:
        """Return the worse of the levels that a change has for each sender of the type."""
        found = {sent if self.sent else "additive", received if self.received else "additive"}
        return next(level for level in LEVELS if level in found)


def compare(old: Protocol, new: Protocol) -> list[Change]:
    """Return the differences, the worst first, else in the order of their text."""
    changes = [*_methods(old, new), *_types(old, new)]
    return sorted(changes, key=lambda change: (LEVELS.index(change.level), change.text))


def _methods(old: Protocol, new: Protocol) -> Iterator[Change]:
    before, after = old.methods, new.methods
    yield from _rows("request", before.client_requests, after.client_requests, "breaking")
    yield from _rows("server request", before.server_requests, after.server_requests, "degrading")
    yield from _rows("notification", before.notifications, after.notifications, "degrading")


def _rows(
    what: str, old: tuple[MethodRow, ...], new: tuple[MethodRow, ...], when_gone: Level
) -> Iterator[Change]:
    before, after = ({row.method: row for row in rows} for rows in (old, new))
    for method in before.keys() - after.keys():
        yield Change(when_gone, f"{what} {method}: gone")
    for method in after.keys() - before.keys():
        yield Change("additive", f"{what} {method}: new")
    for method in before.keys() & after.keys():
        yield from _row(f"{what} {method}", before[method], after[method])


def _row(place: str, old: MethodRow, new: MethodRow) -> Iterator[Change]:
    if old.params != new.params:
        yield Change("degrading", f"{place}: params are {new.params}, were {old.params}")
    if old.result != new.result:
        yield Change("degrading", f"{place}: result is {new.result}, was {old.result}")
    if old.stability != new.stability:
        level: Level = "degrading" if old.stability == "stable" else "additive"
        yield Change(level, f"{place}: {new.stability}, was {old.stability}")


def _types(old: Protocol, new: Protocol) -> Iterator[Change]:
    before = old.reach.sent | old.reach.received
    after = new.reach.sent | new.reach.received
    for name in after - before:
        yield Change("additive", f"type {name}: new")
    for name in before - after:
        yield Change("degrading", f"type {name}: gone")
    for name in before & after:
        direction = _Direction(
            sent=name in old.reach.sent | new.reach.sent,
            received=name in old.reach.received | new.reach.received,
        )
        yield from _node(old.nodes[name], new.nodes[name], direction)


def _node(old: Node, new: Node, direction: _Direction) -> Iterator[Change]:
    match old, new:
        case Struct(), Struct():
            yield from _structs(old, new, direction)
        case Enum(), Enum():
            yield from _enums(old, new, direction)
        case Union(), Union():
            yield from _unions(old, new, direction)
        case Alias(), Alias() if old.type.text == new.type.text:
            return
        case _:
            level = direction.level(sent="breaking", received="degrading")
            yield Change(level, f"{old.name}: is another kind of type")


def _enums(old: Enum, new: Enum, direction: _Direction) -> Iterator[Change]:
    before, after = ({value for value, _ in node.values} for node in (old, new))
    for value in after - before:
        yield Change("additive", f"{old.name}: value {value!r} is new")
    for value in before - after:
        yield Change(direction.level(sent="breaking"), f"{old.name}: value {value!r} is gone")


def _unions(old: Union, new: Union, direction: _Direction) -> Iterator[Change]:
    if old.tag_field != new.tag_field:
        yield Change(
            "breaking", f"{old.name}: told apart by {new.tag_field!r}, was {old.tag_field!r}"
        )
    for member in set(new.members) - set(old.members):
        level = direction.level(received="degrading")
        yield Change(level, f"{old.name}: variant {member} is new")
    for member in set(old.members) - set(new.members):
        yield Change(direction.level(sent="breaking"), f"{old.name}: variant {member} is gone")


def _structs(old: Struct, new: Struct, direction: _Direction) -> Iterator[Change]:
    if old.tag != new.tag:
        yield Change("breaking", f"{old.name}: is tagged {new.tag}, was {old.tag}")
    before, after = _by_wire(old), _by_wire(new)
    for wire in after.keys() - before.keys():
        required = after[wire].required
        level = direction.level(sent="breaking") if required else "additive"
        yield Change(level, f"{old.name}.{wire}: new{', required' if required else ''}")
    for wire in before.keys() - after.keys():
        # A server ignores a key that it does not know, so to send one is not refused.
        level = direction.level(sent="degrading", received="degrading")
        yield Change(level, f"{old.name}.{wire}: gone")
    for wire in before.keys() & after.keys():
        yield from _fields(f"{old.name}.{wire}", before[wire], after[wire], direction)


def _by_wire(node: Struct) -> Mapping[str, Field]:
    return {field.wire: field for field in node.fields}


def _fields(place: str, old: Field, new: Field, direction: _Direction) -> Iterator[Change]:
    if old.type.text != new.type.text:
        level = direction.level(sent="breaking", received="degrading")
        yield Change(level, f"{place}: is {new.type.text}, was {old.type.text}")
    if old.required and not new.required:
        yield Change(direction.level(received="degrading"), f"{place}: may be absent now")
    if new.required and not old.required:
        yield Change(direction.level(sent="breaking"), f"{place}: is required now")
    if new.nullable and not old.nullable:
        yield Change(direction.level(received="degrading"), f"{place}: may be null now")
    if old.nullable and not new.nullable:
        yield Change(direction.level(sent="breaking"), f"{place}: may not be null any more")
