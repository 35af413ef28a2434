"""What a tool returned, as the model gets it."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any, Final, cast

import msgspec

from codex_runtime.answers import ToolResult
from codex_runtime.tools import ToolImage

__all__ = ["MAX_RESULT_BYTES", "BadResult", "failed", "result_of"]

MAX_RESULT_BYTES: Final = 15 * 1024**2
"""Bytes of a result as JSON.

Codex takes 50 MB, but the model gets 48,000 characters of all texts (fact 343), while the whole is
kept on record and comes back with the completed item; and a message over 16 MiB ends a WebSocket
connection without a word (fact 113).
"""

_NOTHING: Final = "ok"
"""What the model gets where a tool returns nothing: of an empty text it could not tell what it means."""


class BadResult(Exception):
    """A result cannot be given to the model; says why, for the model."""


def failed(text: str) -> ToolResult:
    """The result of a tool that has failed."""
    return ToolResult(text, success=False)


def result_of(value: Any) -> ToolResult:
    """The form of what a tool returned.

    Raises:
        BadResult: It has none, or is too large.
        Exception: Besides, what code of its types raises.
    """
    result = _result(value)
    size = sum(map(_size, _parts_of(result)))
    if size > MAX_RESULT_BYTES:
        raise BadResult(
            f"the result is too large: {size:,} bytes, at most {MAX_RESULT_BYTES:,} are taken"
        )
    return result


def _result(value: Any) -> ToolResult:
    if isinstance(value, ToolResult):
        return _checked(value)
    if isinstance(value, list | tuple):
        entries = cast("Sequence[Any]", value)
        # A list without an image is data like any other.
        if any(isinstance(each, ToolImage) for each in entries):
            return ToolResult([_part(each) for each in entries])
    part = _NOTHING if value is None else _part(value)
    return ToolResult(part if isinstance(part, str) else [part])


def _part(value: Any) -> str | ToolResult.Image:
    if isinstance(value, ToolImage):
        return ToolResult.Image(value.url)
    return _sendable(value) if isinstance(value, str) else _as_json(value)


def _checked(result: ToolResult) -> ToolResult:
    parts: Sequence[Any] = _parts_of(result)
    if not all(isinstance(part, str | ToolResult.Image) for part in parts):
        raise BadResult("the tool returned something that is neither text nor an image")
    sendable = [_sendable(part) if isinstance(part, str) else part for part in parts]
    content = sendable[0] if isinstance(result.content, str) else sendable
    return ToolResult(content, success=result.success)


def _parts_of(result: ToolResult) -> Sequence[str | ToolResult.Image]:
    return (result.content,) if isinstance(result.content, str) else result.content


def _size(part: str | ToolResult.Image) -> int:
    text = part if isinstance(part, str) else part.url
    # Escapes make it longer; what is too long already need not be encoded for that.
    return len(text) if len(text) > MAX_RESULT_BYTES else len(msgspec.json.encode(text))


def _sendable(text: str) -> str:
    """The text without lone surrogates, which have no form in JSON that the server would read."""
    return str.__str__(text).encode(errors="replace").decode()


def _as_json(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        raise BadResult("the tool returned bytes, which are neither text nor an image")
    return _encode(_whole(value)).decode()


def _whole(value: Any) -> Any:
    """The value with nothing missing of it, for msgspec.

    Of a dataclass that leaves out what is not in `__dict__`: fields with a default, where msgspec has
    made the object itself, or where they are no arguments. And of numbers that JSON has not it makes
    null.

    Raises:
        BadResult: It has such a number in it.
    """
    members: Any = value
    match value:
        case str() | int() | None:
            pass
        case float():
            if not math.isfinite(value):
                raise BadResult(f"the tool returned {value}, which is no number in JSON")
        case dict():
            return {key: _whole(each) for key, each in members.items()}
        case list() | tuple() | set() | frozenset():
            entries = cast("Collection[Any]", value)
            return [_whole(each) for each in entries]
        case _:
            return _whole_object(value)
    return value


def _whole_object(value: Any) -> Any:
    if isinstance(value, type):
        return value
    if isinstance(value, msgspec.Struct):
        # Its own options say how it is written.
        copied = copy.copy(value)
        for name in value.__struct_fields__:
            msgspec.structs.force_setattr(copied, name, _whole(getattr(value, name)))
        return copied
    to_builtins: Any = getattr(value, "model_dump", None)
    if to_builtins is not None:
        return _whole(to_builtins(mode="json"))
    fields: Any = getattr(value, "__attrs_attrs__", ())
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
    elif not fields:
        return value
    return {
        each.name: _whole(getattr(value, each.name)) for each in fields if hasattr(value, each.name)
    }


def _as_builtin(value: Any) -> Any:
    """What msgspec does not know."""
    if isinstance(value, PurePath):
        return str(value)
    raise BadResult("the tool returned something that has no form in JSON")


_encode: Final = msgspec.json.Encoder(enc_hook=_as_builtin).encode
