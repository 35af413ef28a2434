"""Raw calls, held to the schema: what is refused before it is sent, and what is not taken as an answer.

Texts of errors name places, types, keys and sizes, and never a value: msgspec's own texts quote
some, so none of them is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct, UnsetType, ValidationError
from msgspec.structs import FieldInfo, fields

from codex_runtime._contracts import (
    Broken,
    broken_params,
    broken_result,
    is_array,
    is_object,
    other_thread,
)
from codex_runtime._outgoing import encode
from codex_runtime.errors import (
    InvalidArgument,
    InvalidParams,
    RemoteProtocolError,
    ThreadIdMismatch,
)
from codex_runtime.protocol import Method, methods

__all__ = ["Check", "ValidationMode", "shape"]

ValidationMode: TypeAlias = Literal["none", "known", "strict"]
"""How closely a raw call is held to the schema.

- `none`: only the name of the method is looked at.
- `known`: the parameters and the result of a method that this version knows are checked against
  their types. What is not known, a method or a member of an object, passes.
- `strict`: besides, methods and members that are not in the schema are refused, texts that are
  none of an enumeration, and results that lack what the schema promises. A server of another
  version than the schema's may fail this.
"""

_MODES: Final = get_args(ValidationMode)

_SHOWN_KEYS: Final = 6
"""Keys of an object that an error shows."""

_KEY_LENGTH: Final = 40
"""Characters of a key that an error shows; the longest of the protocol has 33."""

_PLACE: Final = re.compile(r" - at `(?P<key>key` in `)?(?P<path>\$[^`]*)`$")
_EXPECTED: Final = re.compile(r"Expected `[\w |]+`, got `\w+`")
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>\w+)`")
"""The texts of msgspec that say nothing of the values."""


class Check:
    """One call's check.

    Args:
        method: The wire name.
        mode: As in `ValidationMode`.

    Raises:
        InvalidArgument: There is no such mode; or, in mode `strict`, no such method.
    """

    def __init__(self, method: str, mode: ValidationMode) -> None:
        if mode not in _MODES:
            listed = ", ".join(map(repr, _MODES))
            raise InvalidArgument("mode", f"is {mode!r}", f"use one of {listed}")
        self._method = method
        self._strict = mode == "strict"
        self._entry: Method[Any, Any] | None = None
        self._params: Any = {}
        if mode != "none":
            self._entry = methods.CLIENT_REQUESTS.get(method)
        if self._strict and self._entry is None:
            version = methods.INVENTORY.codex_version
            raise InvalidArgument(
                "method", f"is not in the schema of codex {version}", "use mode='known'"
            )

    def params(self, params: Mapping[str, Any] | None) -> None:
        """Check what is about to be sent.

        Raises:
            InvalidParams: The parameters are not those of the method.
            UnsendableValue: They hold something that has no form in JSON.
        """
        if self._entry is None:
            return
        self._params = {} if params is None else msgspec.json.decode(encode(params))
        broken = next(self._broken_params(self._entry.params_type, self._params), None)
        if broken is not None:
            raise InvalidParams(
                broken.path,
                broken.problem,
                broken.fix,
                method=self._method,
                summary=shape(self._params),
            )

    def result(self, result: Any) -> None:
        """Check what has come.

        Raises:
            RemoteProtocolError: It is not what the method's results are.
            ThreadIdMismatch: It is about another thread.
        """
        if self._entry is None:
            return
        broken = next(self._broken_result(self._entry.result_type, result), None)
        if broken is not None:
            where = f"{broken.path} {broken.problem}; result={shape(result)}"
            raise RemoteProtocolError(self._method, where)
        threads = other_thread(self._method, self._params, result)
        if threads is not None:
            raise ThreadIdMismatch(self._method, requested=threads[0], actual=threads[1])

    def _broken_params(self, kind: Any, data: Any) -> Iterator[Broken]:
        if not is_object(data):
            yield Broken("$", "is no object", "use a mapping")
        elif kind is None:
            if data:
                yield Broken("$", "is not empty, and the method takes nothing", "use None")
        else:
            yield from self._strange(data, kind, owed=False)
            yield from filter(None, [broken_params(self._method, data)])

    def _broken_result(self, kind: Any, data: Any) -> Iterator[Broken]:
        yield from self._strange(data, kind, owed=True)
        yield from filter(None, [broken_result(self._method, data)])

    def _strange(self, data: Any, kind: Any, *, owed: bool) -> Iterator[Broken]:
        try:
            msgspec.convert(data, kind)
        except ValidationError as error:
            yield _read(str(error))
        if self._strict:
            yield from _Walk(owed=owed).strange(data, kind, "$")


class _Walk:
    """Looks for what the types let pass and the schema does not have."""

    def __init__(self, *, owed: bool) -> None:
        self._owed = owed

    def strange(self, data: Any, kind: Any, path: str) -> Iterator[Broken]:
        """Yield what is wrong with data that has been converted to `kind` without complaint."""
        if is_object(data):
            yield from self._object(data, kind, path)
        elif is_array(data):
            element = next((each for each in _members(kind) if get_origin(each) is list), None)
            for index, inner in enumerate(data if element is not None else ()):
                yield from self.strange(inner, get_args(element)[0], f"{path}[{index}]")
        elif isinstance(data, str) and not _is_listed(data, kind):
            yield Broken(path, "is none of the values that the schema lists")

    def _object(self, data: dict[str, Any], kind: Any, path: str) -> Iterator[Broken]:
        variant = _variant(kind, data)
        if variant is None:
            mapping = next((each for each in _members(kind) if get_origin(each) is dict), None)
            for inner in data.values() if mapping is not None else ():
                yield from self.strange(inner, get_args(mapping)[1], f"{path}[...]")
            return
        known = _fields(variant)
        for key in data:
            if key not in known and key != variant.__struct_config__.tag_field:
                yield Broken(path, f"has the member {_key(key)}, which the schema does not have")
        for key, each in known.items():
            if key in data:
                yield from self.strange(data[key], each.type, f"{path}.{key}")
            elif self._owed and _is_owed(each):
                yield Broken(f"{path}.{key}", "is missing")


def shape(data: Any) -> str:
    """What data looks like, without any of its values: kinds, keys and sizes.

    At most 6 keys are shown, sorted, each with 40 characters at the most.
    """
    if is_object(data):
        keys = [_key(key) for key in sorted(data)]
        more = ["..."] if len(keys) > _SHOWN_KEYS else []
        return f"object(keys=[{','.join(keys[:_SHOWN_KEYS] + more)}])"
    if is_array(data):
        return f"array(len={len(data)})"
    if isinstance(data, str):
        return f"string(len={len(data)})"
    return "null" if data is None else "bool" if isinstance(data, bool) else "number"


def _key(key: str) -> str:
    return key if len(key) <= _KEY_LENGTH else f"{key[:_KEY_LENGTH]}…"


def _read(text: str) -> Broken:
    """Take a text of msgspec's apart, and leave its values behind."""
    place = _PLACE.search(text)
    path = "$" if place is None else place["path"]
    problem = text[: place.start()] if place else text
    missing = _MISSING.fullmatch(problem)
    if missing:
        return Broken(f"{path}.{missing['name']}", "is missing")
    if _EXPECTED.fullmatch(problem):
        return Broken(path, f"has another type: {problem[0].lower()}{problem[1:]}")
    return Broken(path, "is none of the values that the schema knows")


def _members(kind: Any) -> tuple[Any, ...]:
    return (kind,) if get_origin(kind) in _PLAIN or not get_args(kind) else get_args(kind)


_PLAIN: Final = (list, dict, Literal)
"""The types with arguments that are no unions."""


def _variant(kind: Any, data: dict[str, Any]) -> type[Struct] | None:
    for member in _members(kind):
        if isinstance(member, type) and issubclass(member, Struct):
            config = member.__struct_config__
            if config.tag_field is None or data.get(config.tag_field) == config.tag:
                return member
    return None


@cache
def _fields(variant: type[Struct]) -> dict[str, FieldInfo]:
    return {each.encode_name: each for each in fields(variant)}


def _is_owed(each: FieldInfo) -> bool:
    """Whether the server has to send it: it has no default but "not there", and says no such thing."""
    return each.required or (each.default is UNSET and UnsetType not in _members(each.type))


def _is_listed(value: str, kind: Any) -> bool:
    listed = [each for each in _members(kind) if get_origin(each) is Literal]
    return not listed or any(value in get_args(each) for each in listed)
