"""What may leave this process: values that the server is known to read.

The server answers NaN, infinities, lone surrogates and nesting over about 125 levels with
silence (measured on 0.133 to 0.169), so a request holding one would only ever time out.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from codex_runtime.errors import UnsendableValue

__all__ = ["MAX_DEPTH", "encode"]

MAX_DEPTH: Final = 100
"""Levels of nesting. The server's parser gives up at 128, and the envelope takes some."""

_encoder = msgspec.json.Encoder()


def encode(value: Any, path: str = "params") -> bytes:
    """Encode `value` as JSON that the server will read.

    Args:
        value: A protocol struct, or plain data.
        path: What to call the value in errors.

    Raises:
        UnsendableValue: It holds something that has no such form; `field` says where.
    """
    _check(value, path, 0)
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnsendableValue(path, f"cannot be sent as JSON: {error}") from None


def _check(value: Any, path: str, depth: int) -> None:
    match value:
        case str():
            _check_text(value, path)
        case float() if not isfinite(value):
            raise UnsendableValue(path, f"is {value}", "JSON has no such number")
        case msgspec.Struct() | Mapping() | list() | tuple() | set() | frozenset():
            if depth >= MAX_DEPTH:
                raise UnsendableValue(path, f"is nested more than {MAX_DEPTH} levels deep")
            for inner_path, inner in _parts(value, path):
                _check(inner, inner_path, depth + 1)
        case _:
            # Everything else either has one plain form or is refused by the encoder.
            return


def _parts(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield f"{path}.{name}", getattr(value, name)
    elif isinstance(value, Mapping):
        yield from _entries(value, path)
    else:
        for index, inner in enumerate(value):
            yield f"{path}[{index}]", inner


def _entries(mapping: Any, path: str) -> Iterator[tuple[str, Any]]:
    for key, inner in mapping.items():
        if not isinstance(key, str):
            raise UnsendableValue(path, f"has a key of type {type(key).__name__}", "use text")
        _check_text(key, f"{path} (a key)")
        yield f"{path}.{key}", inner


def _check_text(text: str, path: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnsendableValue(
            path, f"has a lone surrogate at character {error.start}", "it is not valid text"
        ) from None
