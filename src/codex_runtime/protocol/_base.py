"""What the generated protocol modules stand on. By hand.

Everything here is data: no I/O, no clock. `types.py` is not imported before it is needed,
because its thousand classes take some 30 ms; `Method` and `NotificationMethod` find their types
by name on first use.
"""

from importlib import import_module
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeAlias, TypeGuard, TypeVar

from msgspec import (
    UNSET,
    DecodeError,
    Raw,
    Struct,
    UnsetType,
    ValidationError,
    convert,
    to_builtins,
)

__all__ = [
    "MISSING",
    "SENTINEL",
    "TAG_FIELDS",
    "UNSET",
    "Event",
    "Inventory",
    "Method",
    "Notification",
    "NotificationMethod",
    "Raw",
    "Stability",
    "Unknown",
    "UnknownHandlerType",
    "UnknownKind",
    "UnknownMode",
    "UnknownNotification",
    "UnknownServerRequest",
    "UnsetType",
    "Wire",
    "to_plain",
]

_P = TypeVar("_P")
_R = TypeVar("_R")
_N = TypeVar("_N")

Json: TypeAlias = Any
"""Decoded JSON: dicts, lists, strings, numbers, booleans and None."""

TypeForm: TypeAlias = Any
"""A type that msgspec decodes to: a struct, or a union or container of structs."""

MISSING: Any = UNSET
"""What a field holds that the server should have sent and did not: `UNSET`, typed as anything.

The type of such a field says what the schema promises. A program that has to survive an older
server compares with `UNSET` before it relies on one.
"""

SENTINEL = "\0?"
"""The tag of every `Unknown` class. NUL keeps it apart from anything that codex calls its variants."""

UNREADABLE = (DecodeError, ValueError, RecursionError)
"""What decoding may raise: no JSON, not UTF-8, of another shape, or nested too deep.

`ValueError` stands for a text that is not UTF-8; a `DecodeError` is one only since msgspec 0.21.
"""

Stability: TypeAlias = Literal["stable", "experimental", "deprecated"]
"""What a method asks of its caller.

`experimental` ones need `experimental_api=True` on the connection, and may change in any
release of codex; `deprecated` ones have a successor.
"""


class Wire(Struct, rename="camel", omit_defaults=True, frozen=True, gc=False):
    """Base of every generated type: immutable, `snake_case` here and `camelCase` on the wire.

    `gc=False` is sound because decoded JSON holds no cycles, and an immutable struct cannot be
    made part of one later.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> object:
        """Let pydantic validate and serialise this type: in a model, or in a FastAPI route.

        Nothing of pydantic is imported unless pydantic itself calls this.
        """
        del source, handler
        core = import_module("pydantic_core.core_schema")

        def validate(value: object) -> object:
            if isinstance(value, cls):
                return value
            try:
                return convert(value, cls)
            except ValidationError as error:
                # What pydantic expects of a validator; msgspec's own is one only since 0.21.
                raise ValueError(str(error)) from error

        return core.no_info_before_validator_function(
            validate,
            core.any_schema(),
            serialization=core.plain_serializer_function_ser_schema(to_plain),
        )


class Notification(Wire, frozen=True, kw_only=True):
    """Something that the server told us.

    Attributes:
        method: The wire name, say `"turn/completed"`.
        emitted_at_ms: When the server sent it, in milliseconds of Unix time; None where it did
            not say.
    """

    method: ClassVar[str]
    emitted_at_ms: int | None = None


class UnknownNotification(Wire, frozen=True, kw_only=True):
    """A notification that this version does not know, or whose payload is beyond repair.

    Attributes:
        method: The wire name.
        params: The payload as plain data.
        emitted_at_ms: When the server sent it, in milliseconds of Unix time, or None.
    """

    method: str
    params: Any = None
    emitted_at_ms: int | None = None


class UnknownServerRequest(Wire, frozen=True, kw_only=True):
    """A request of the server that this version does not know, or cannot read safely.

    Attributes:
        method: The wire name.
        params: The payload as plain data.
    """

    method: str
    params: Any = None


Event: TypeAlias = Notification | UnknownNotification
"""What a stream of events yields."""


class Unknown(Wire, frozen=True, kw_only=True, tag_field="type", tag=SENTINEL):
    """A variant that this version does not know, of a union told apart by `type`.

    Attributes:
        type: Always `"unknown"`, so that `item.type` can be asked of any item; what codex said
            is `raw["type"]`.
        raw: The object as it was received, under its wire names.
    """

    type: ClassVar[Literal["unknown"]] = "unknown"
    raw: dict[str, Any]


class UnknownKind(Wire, frozen=True, kw_only=True, tag_field="kind", tag=SENTINEL):
    """The same for a union told apart by `kind`."""

    kind: ClassVar[Literal["unknown"]] = "unknown"
    raw: dict[str, Any]


class UnknownMode(Wire, frozen=True, kw_only=True, tag_field="mode", tag=SENTINEL):
    """The same for a union told apart by `mode`."""

    mode: ClassVar[Literal["unknown"]] = "unknown"
    raw: dict[str, Any]


class UnknownHandlerType(Wire, frozen=True, kw_only=True, tag_field="handlerType", tag=SENTINEL):
    """The same for a union told apart by `handlerType`."""

    handler_type: ClassVar[Literal["unknown"]] = "unknown"
    raw: dict[str, Any]


UNKNOWN_CLASSES = (Unknown, UnknownKind, UnknownMode, UnknownHandlerType)
"""What stands for a variant that this version does not know."""

TAG_FIELDS = ("type", "mode", "kind", "handlerType")
"""The keys by which the unions of the protocol are told apart."""


def is_object(data: Json) -> TypeGuard[dict[str, Json]]:
    """Say whether decoded JSON is an object."""
    return isinstance(data, dict)


def is_array(data: Json) -> TypeGuard[list[Json]]:
    """Say whether decoded JSON is an array."""
    return isinstance(data, list)


def to_plain(value: object) -> Json:
    """Return `value` as plain data under its wire names, unknown variants as they were received.

    Fields that hold their default are left out, and so are fields that were never there.
    """
    return _unwrapped(to_builtins(value))


def _unwrapped(data: Json) -> Json:
    if is_array(data):
        return [_unwrapped(element) for element in data]
    if not is_object(data):
        return data
    if "raw" in data and any(data.get(field) == SENTINEL for field in TAG_FIELDS):
        return data["raw"]
    return {key: _unwrapped(inner) for key, inner in data.items()}


def _load(name: str) -> TypeForm:
    return getattr(import_module("codex_runtime.protocol.types"), name)


class Method(Generic[_P, _R]):
    """A request of the protocol, in either direction.

    Attributes:
        method: The wire name, say `"thread/start"`.
        stability: What it asks of its caller.
    """

    __slots__ = ("_params", "_result", "method", "stability")

    def __init__(self, method: str, params: str | None, result: str, stability: Stability) -> None:
        self.method = method
        self.stability: Stability = stability
        self._params = params
        self._result = result

    def __repr__(self) -> str:
        return f"Method({self.method!r})"

    @property
    def params_type(self) -> type[_P] | None:
        """The type of its params, None where it takes none. The first use imports the types."""
        found: type[_P] | None = None if self._params is None else _load(self._params)
        return found

    @property
    def result_type(self) -> type[_R]:
        """The type of its result. The first use imports the types."""
        found: type[_R] = _load(self._result)
        return found


class NotificationMethod(Generic[_N]):
    """A notification of the server.

    Attributes:
        method: The wire name, say `"turn/completed"`.
        stability: What it asks of its listener.
    """

    __slots__ = ("_type", "method", "stability")

    def __init__(self, method: str, type_name: str, stability: Stability) -> None:
        self.method = method
        self.stability: Stability = stability
        self._type = type_name

    def __repr__(self) -> str:
        return f"NotificationMethod({self.method!r})"

    @property
    def type(self) -> type[_N]:
        """Its class. The first use imports the types."""
        found: type[_N] = _load(self._type)
        return found


class Inventory(NamedTuple):
    """Which protocol the generated modules are.

    Attributes:
        codex_version: The codex whose schema they were generated from.
        sha256: Of that schema, `codex_app_server_protocol.schemas.json`.
        client_requests: How many methods the client can call.
        server_requests: How many the server can call.
        notifications: How many the server can send.
        types: How many names `types.py` defines.
    """

    codex_version: str
    sha256: str
    client_requests: int
    server_requests: int
    notifications: int
    types: int
