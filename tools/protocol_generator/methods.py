"""The method table, and the notification types bound to their methods."""

from collections import Counter
from dataclasses import replace

from protocol_generator.bundle import Bundle
from protocol_generator.errors import SchemaError
from protocol_generator.model import MethodRow, Methods, Node, Stability, Struct
from protocol_generator.naming import pascal
from protocol_generator.schema import Definitions, Schema, ref_name, split_null
from protocol_generator.tables import DEPRECATED_METHODS, RESPONSES, UNLISTED_NOTIFICATIONS

_DEPRECATION_WINDOW = 200
"""Characters at the start of a description in which "deprecated" is meant for the whole method.

Later ones speak of single fields.
"""


def method_table(bundle: Bundle) -> Methods:
    """Return the rows of all methods, in the order of the bundle.

    Raises:
        SchemaError: The result type of a request cannot be told.
    """
    listed = _rows(bundle, "ServerNotification")
    unlisted = [
        MethodRow(
            method, name, params_optional=False, result=None, stability="experimental", doc=""
        )
        for method, name in UNLISTED_NOTIFICATIONS.items()
        if name in bundle.definitions and method not in {row.method for row in listed}
    ]
    return Methods(
        client_requests=tuple(_rows(bundle, "ClientRequest")),
        server_requests=tuple(_rows(bundle, "ServerRequest")),
        notifications=(*listed, *unlisted),
    )


def _rows(bundle: Bundle, side: str) -> list[MethodRow]:
    entries = bundle.definitions.get(side, {}).get("oneOf", ())
    return [_row(bundle, entry, answered=side != "ServerNotification") for entry in entries]


def _row(bundle: Bundle, entry: Schema, *, answered: bool) -> MethodRow:
    method: str = entry["properties"]["method"]["enum"][0]
    core, nullable = split_null(entry["properties"].get("params", {"type": "null"}))
    params = ref_name(core)
    return MethodRow(
        method=method,
        params=params,
        params_optional=nullable,
        result=_result(bundle.definitions, method, params) if answered else None,
        stability=_stability(bundle, method, entry, params),
        doc=entry.get("description", ""),
    )


def _result(definitions: Definitions, method: str, params: str | None) -> str:
    guess = params.removesuffix("Params") + "Response" if params else None
    for name in (guess, RESPONSES.get(method)):
        if name is not None and name in definitions:
            return name
    raise SchemaError(
        f"{method}: no type known for its result; "
        "add a row to RESPONSES in tools/protocol_generator/tables.py"
    )


def _stability(bundle: Bundle, method: str, entry: Schema, params: str | None) -> Stability:
    told: list[str] = [entry.get("description", "")]
    if params is not None:
        told.append(bundle.definitions.get(params, {}).get("description", ""))
    said = any("deprecated" in text[:_DEPRECATION_WINDOW].lower() for text in told)
    if said or method in DEPRECATED_METHODS:
        return "deprecated"
    return "stable" if method in bundle.stable else "experimental"


def bind_notifications(nodes: dict[str, Node], methods: Methods) -> tuple[dict[str, Node], Methods]:
    """Give every notification method a struct of its own, which then knows its method.

    Where one params type serves several methods, each gets a copy named after the method: the
    type alone would not say what happened.

    Raises:
        SchemaError: The params of a notification are no struct, or a name is taken.
    """
    uses = Counter(row.params for row in methods.notifications)
    bound = dict(nodes)
    rows: list[MethodRow] = []
    for row in methods.notifications:
        node = nodes.get(row.params or "")
        if not isinstance(node, Struct):
            raise SchemaError(f"{row.method}: the params of a notification have to be an object")
        name = node.name if uses[row.params] == 1 else f"{pascal(row.method)}Notification"
        if name != node.name and name in bound:
            raise SchemaError(f"{name}: two types would get this name")
        bound[name] = replace(node, name=name, method=row.method)
        rows.append(replace(row, params=name))
    return bound, replace(methods, notifications=tuple(rows))
