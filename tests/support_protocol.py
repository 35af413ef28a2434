"""What the protocol suites share: the vendored schema, instances made from it, and mutations."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from protocol_generator.bundle import Bundle, load_vendored
from protocol_generator.protocol import Protocol, understand
from protocol_generator.schema import (
    Json,
    Schema,
    alternatives,
    as_schema,
    is_dict,
    is_list,
    kinds_of,
    ref_name,
)

from codex_runtime.protocol import methods

ROOT = Path(__file__).resolve().parent.parent

TAGS = ("type", "mode", "kind", "handlerType")

MAX_DEPTH = 9
"""Levels after which instances stop growing."""

Fill: TypeAlias = Literal["least", "most", "some"]
"""How many of its optional keys an instance has."""

FILLS: tuple[Fill, ...] = ("least", "most", "most", "some", "some", "some")


@cache
def vendored() -> Bundle:
    return load_vendored(ROOT / "schema")


@cache
def vendored_protocol() -> Protocol:
    return understand(vendored())


@dataclass(frozen=True)
class Message:
    """A payload that goes over the wire, and the type that it should have here."""

    side: Literal["params", "result", "asked", "answer", "notification"]
    method: str
    definition: str
    type: Any

    @property
    def received(self) -> bool:
        return self.side in ("result", "asked", "notification")


@cache
def messages() -> tuple[Message, ...]:
    """Return every payload of the protocol."""
    table = vendored_protocol().methods
    found: list[Message] = []
    for row in table.client_requests:
        entry = methods.CLIENT_REQUESTS[row.method]
        if row.params:
            found.append(Message("params", row.method, row.params, entry.params_type))
        found.append(Message("result", row.method, row.result or "", entry.result_type))
    for row in table.server_requests:
        entry = methods.SERVER_REQUESTS[row.method]
        found.append(Message("asked", row.method, row.params or "", entry.params_type))
        found.append(Message("answer", row.method, row.result or "", entry.result_type))
    for method, notification in methods.NOTIFICATIONS.items():
        definition = _definition_of_notification(method)
        found.append(Message("notification", method, definition, notification.type))
    return tuple(found)


def _definition_of_notification(method: str) -> str:
    # From the bundle, not from the model: types shared by several methods have other names there.
    for entry in vendored().definitions["ServerNotification"]["oneOf"]:
        if entry["properties"]["method"]["enum"] == [method]:
            return ref_name(entry["properties"]["params"]) or ""
    return {
        "rawResponseItem/completed": "RawResponseItemCompletedNotification",
        "rawResponse/completed": "RawResponseCompletedNotification",
    }[method]


class Synthesizer:
    """Makes instances of schemas; the same seed makes the same ones."""

    def __init__(self, definitions: Mapping[str, Schema], seed: int) -> None:
        self._definitions = definitions
        self._random = random.Random(seed)  # noqa: S311 — test data, not secrets

    def instances(self, name: str) -> Iterator[Json]:
        """Yield an instance of a definition for each of `FILLS`."""
        for fill in FILLS:
            yield self.instance(self._definitions[name], fill)

    def instance(self, schema: Json, fill: Fill, depth: int = 0) -> Json:
        schema = as_schema(schema)
        name = ref_name(schema)
        if name is not None:
            return self.instance(self._definitions[name], fill, depth + 1)
        if alternatives(schema):
            return self._one_of(schema, fill, depth)
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return self._of_kind(schema, self._kind(schema, fill, depth), fill, depth)

    def _one_of(self, schema: Schema, fill: Fill, depth: int) -> Json:
        members = alternatives(schema)
        nulls = [member for member in members if member.get("type") == "null"]
        if nulls and fill == "least":
            return None
        plain = [member for member in members if member.get("type") in ("null", "string")]
        others = [member for member in members if member not in nulls]
        pool = {"most": others, "some": members, "least": others}[fill]
        chosen = self.instance(
            self._random.choice(plain if depth > MAX_DEPTH and plain else pool), fill, depth + 1
        )
        if "properties" not in schema:
            return chosen
        return {**chosen, **self._object(schema, fill, depth)}

    def _kind(self, schema: Schema, fill: Fill, depth: int) -> str | None:
        kinds = kinds_of(schema)
        if len(kinds) < 2:
            return kinds[0] if kinds else "object" if "properties" in schema else None
        null_wanted = fill == "least" or depth > MAX_DEPTH or self._random.random() < 0.3
        if "null" in kinds and null_wanted and fill != "most":
            return "null"
        return self._random.choice([kind for kind in kinds if kind != "null"])

    def _of_kind(self, schema: Schema, kind: str | None, fill: Fill, depth: int) -> Json:
        match kind:
            case "object":
                return self._object(schema, fill, depth)
            case "array":
                count = {"least": 0, "most": 2, "some": self._random.randint(0, 3)}[fill]
                items = schema.get("items", {})
                many = range(0 if depth > MAX_DEPTH - 1 else count)
                return [self.instance(items, fill, depth + 1) for _ in many]
            case "integer":
                smallest = int(schema.get("minimum", 0))
                return self._random.choice([smallest, smallest + 1, 42, 2**53])
            case _:
                return copy.deepcopy(self._random.choice(_SCALARS[kind]))

    def _object(self, schema: Schema, fill: Fill, depth: int) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, inner in schema.get("properties", {}).items():
            wanted = {"least": 0.0, "some": 0.5, "most": 1.0}[fill] > self._random.random()
            if key in schema.get("required", ()) or (wanted and depth <= MAX_DEPTH):
                made[key] = self.instance(inner, fill, depth + 1)
        values = schema.get("additionalProperties", False)
        if fill != "least" and values is not False and depth < MAX_DEPTH - 1:
            for index in range(2):
                made[f"key {index}"] = self.instance(values, fill, depth + 1)
        return made


_SCALARS: dict[str | None, list[Json]] = {
    "string": ["s", "väl", "/abs/path", 'a "q" \\ \n', ""],
    "number": [0.5, 2.0, 1e9],
    "boolean": [True, False],
    "null": [None],
    None: [None, 1, "x", {"k": [1, 2]}],
}

Site: TypeAlias = tuple[Any, Any]
"""A container and a key in it."""


def sites(data: Json) -> Iterator[Site]:
    """Yield every key of every object in `data`."""
    if is_dict(data):
        for key, value in data.items():
            yield data, key
            yield from sites(value)
    elif is_list(data):
        for value in data:
            yield from sites(value)


@dataclass(frozen=True)
class Mutation:
    """One way in which a server can differ: where it applies, and what it does there."""

    name: str
    applies: Callable[[str, Json], bool]
    change: Callable[[Json, str], None]


def _set(value: Json) -> Callable[[Json, str], None]:
    def change(holder: Json, key: str) -> None:
        holder[key] = copy.deepcopy(value)

    return change


def _drop(holder: Json, key: str) -> None:
    del holder[key]


def _add(holder: Json, key: str) -> None:
    del key
    holder["brandNewField"] = {"a": 1}


def _scalar(value: Json) -> bool:
    return not isinstance(value, dict | list)


MUTATIONS = (
    Mutation("unknown tag", lambda k, v: k in TAGS and isinstance(v, str), _set("brandNew")),
    Mutation("extra field", lambda k, v: True, _add),
    Mutation("key dropped", lambda k, v: True, _drop),
    Mutation("value becomes null", lambda k, v: v is not None, _set(None)),
    Mutation("scalar becomes object", lambda k, v: _scalar(v), _set({"x": 1})),
    Mutation("container becomes string", lambda k, v: not _scalar(v), _set("zzz")),
    Mutation(
        "unknown string", lambda k, v: isinstance(v, str) and k not in TAGS, _set("brandNewValue")
    ),
)


def without_defaults(data: Json) -> Json:
    """Return `data` without keys whose value a decoder may also read from their absence."""
    if is_dict(data):
        inner = {key: without_defaults(value) for key, value in data.items()}
        return {key: value for key, value in inner.items() if value not in (None, [], {}, False)}
    return [without_defaults(value) for value in data] if is_list(data) else data
