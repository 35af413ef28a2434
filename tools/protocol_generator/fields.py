"""One field of a struct: its type and its default, by who sends it."""

from protocol_generator.model import NO_DEFAULT, Field, Type
from protocol_generator.naming import camel
from protocol_generator.reach import Reach
from protocol_generator.text import WIDTH, call, quoted

_INDENT = 4
"""Columns that the body of a class is indented by."""


def field_lines(
    reach: Reach, owner: str, each: Field, attribute: str, *, forward: bool
) -> list[str]:
    """Return the lines that declare a field, without the indent of the class.

    `forward` says that its type stands further down in the file, so that it goes in quotes.
    """
    kind, default = _type_and_default(reach, owner, each)
    annotation = quoted(kind) if forward else kind
    lines = _assigned(f"{attribute}: {annotation}", attribute, each, default)
    if _INDENT + len(lines[0]) <= WIDTH:
        return lines
    head = [f"{attribute}: (", f"    {annotation}"]
    return [*head, *_assigned(")", attribute, each, default)]


def _assigned(head: str, attribute: str, each: Field, default: str | None) -> list[str]:
    """Return `head` with the default, as a call where camelCase does not lead to the wire name."""
    if camel(attribute) == each.wire:
        return [head if default is None else f"{head} = {default}"]
    given = [] if default is None else [f"default={default}"]
    return call(f"{head} = field", [*given, f"name={quoted(each.wire)}"], indent=_INDENT)


def _type_and_default(reach: Reach, owner: str, each: Field) -> tuple[str, str | None]:
    kind = each.type.optional() if each.nullable else each.type
    if each.required:
        return kind.text, _when_required(each, lenient=reach.only_received(owner))
    if reach.only_sent(owner):
        return f"{kind.text} | UnsetType", "UNSET"
    return _when_optional(kind, each)


def _when_required(each: Field, *, lenient: bool) -> str | None:
    """A server may leave out what its schema requires: an older one does not know the field yet."""
    if not lenient:
        return None
    return "None" if each.nullable else "MISSING"


def _when_optional(kind: Type, each: Field) -> tuple[str, str]:
    default = _literal(each)
    if default is None:
        return kind.optional().text, "None"
    return kind.text, default


def _literal(each: Field) -> str | None:
    """Return the schema's default as Python, or None where it has none or none that fits."""
    value = each.default
    if value is NO_DEFAULT or value is None:
        return None
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[]" if not value and each.type.text.startswith("list[") else None
    if isinstance(value, dict):
        return "{}" if not value and each.type.text.startswith("dict[") else None
    return repr(value)
