"""Tiny bundles for the generator suites, and what becomes of them."""

import itertools
import json
import sys
from dataclasses import dataclass, field
from textwrap import dedent
from types import ModuleType
from typing import Any

import msgspec
from protocol_generator.bundle import Bundle, parse
from protocol_generator.protocol import understand
from protocol_generator.render import Rendered, render
from protocol_generator.schema import Json, Schema

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer", "format": "int64"}

_NUMBERS = itertools.count()


def ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def an_object(required: str = "", **properties: Json) -> Schema:
    """Return an object schema; `required` names keys, apart by spaces."""
    return {"type": "object", "properties": properties, "required": required.split()}


def one_of(*members: Schema, **beside: Json) -> Schema:
    return {"oneOf": list(members), **beside}


def tagged(value: str, required: str = "", tag: str = "type", **properties: Json) -> Schema:
    """Return a variant of a tagged union."""
    constant = {"type": "string", "enum": [value]}
    return an_object(f"{tag} {required}".strip(), **{tag: constant}, **properties)


def entry(method: str, params: Schema | None = None, **more: Json) -> Schema:
    """Return a method as the envelopes of the bundle list it."""
    constant = {"type": "string", "enum": [method]}
    return {"type": "object", "properties": {"method": constant, "params": params}, **more}


@dataclass(frozen=True)
class TinyProtocol:
    """A protocol of one request, `thing/do`, and one notification, `thing/done`.

    Attributes:
        sent: What the request takes under `sent`.
        received: What the request and the notification bring under `received`.
        shared: What goes both ways, under `shared`.
        definitions: The named schemas that these refer to.
        requests: More client requests.
        notifications: More notifications.
    """

    definitions: Schema = field(default_factory=dict[str, Any])
    sent: Schema = field(default_factory=dict[str, Any])
    received: Schema = field(default_factory=dict[str, Any])
    shared: Schema = field(default_factory=dict[str, Any])
    requests: tuple[Schema, ...] = ()
    notifications: tuple[Schema, ...] = ()

    def document(self) -> Schema:
        """Return the bundle as the binary would write it."""
        return {
            "definitions": {
                **self.definitions,
                "ThingDoParams": an_object("sent shared", sent=self.sent, shared=self.shared),
                "ThingDoResponse": an_object(
                    "received shared", received=self.received, shared=self.shared
                ),
                "ThingDoneNotification": an_object("received", received=self.received),
                "ClientRequest": one_of(entry("thing/do", ref("ThingDoParams")), *self.requests),
                "ServerRequest": one_of(),
                "ServerNotification": one_of(
                    entry("thing/done", ref("ThingDoneNotification")), *self.notifications
                ),
            }
        }

    def bundle(self, stable: frozenset[str] = frozenset({"thing/do"})) -> Bundle:
        raw = json.dumps(self.document()).encode()
        return parse(raw, stable=stable, codex_version="9.9.9")

    def rendered(self) -> Rendered:
        return render(understand(self.bundle()))

    def types(self) -> "Module":
        text = self.rendered().types
        # A real module: annotations in quotes are looked up where their class says it is from.
        module = ModuleType(f"tiny_types_{next(_NUMBERS)}")
        sys.modules[module.__name__] = module
        exec(compile(text, module.__name__, "exec"), module.__dict__)  # noqa: S102 — to run what was generated is the test
        return Module(text, module.__dict__)


@dataclass(frozen=True)
class Module:
    """A generated `types.py`, as text and run."""

    text: str
    names: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.names[name]


def has(module: Module, text: str) -> bool:
    return dedent(text).strip("\n") in module.text


def decode(kind: Any, data: Any) -> Any:
    return msgspec.convert(data, kind)


def received(**definitions: Any) -> Module:
    """Return the types of a protocol in which the server sends a `Thing`."""
    return TinyProtocol(definitions, received=ref("Thing")).types()
