"""What may leave this process: values that the server is known to read.

The server answers NaN, infinities, lone surrogates and nesting over about 125 levels with
silence (measured on 0.133 to 0.169), so a request holding one would only ever time out.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from codex_runtime.errors import UnsendableValue
from codex_runtime.protocol import SENTINEL, UNSET, to_plain

__all__ = ["MAX_DEPTH", "encode"]

MAX_DEPTH: Final = 100
"""Levels of nesting. The server's parser gives up at 128, and the envelope takes some."""

_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
"""What fits into 64 bits, with a sign or without: the server's parser turns the rest into floats."""

_WIRE_SENTINEL: Final = msgspec.json.encode(SENTINEL)


def encode(value: Any, path: str = "params") -> bytes:
    """Encode `value` as JSON that the server will read.

    Args:
        value: A protocol struct, or plain data. Variants of unknown kind go out as they came in.
        path: What to call the value in errors.

    Raises:
        UnsendableValue: It holds something that has no such form; `field` says where.
    """
    _check(value, path, 0)
    text = _encode(value)
    return _encode(to_plain(msgspec.json.decode(text))) if _WIRE_SENTINEL in text else text


def _check(value: Any, path: str, depth: int) -> None:
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, path)
        case int() | float():
            _check_number(value, path)
        case msgspec.Struct() | Mapping() | list() | tuple():
            if depth >= MAX_DEPTH:
                raise UnsendableValue(
                    path, f"is nested more than {MAX_DEPTH} levels deep", "make it flatter"
                )
            for inner_path, inner in _parts(value, path):
                _check(inner, inner_path, depth + 1)
        case _:
            # Bytes, sets, dates and the like have more than one form, or none: the caller chooses.
            raise UnsendableValue(
                path,
                f"is of type {type(value).__name__}",
                "convert it to text, a number, a list or a mapping",
            )


def _parts(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            inner = getattr(value, name)
            # A field that is not set is not sent.
            if inner is not UNSET:
                yield f"{path}.{name}", inner
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
            path, f"has a lone surrogate at character {error.start}", "take it out"
        ) from None


def _check_number(number: float, path: str) -> None:
    if isinstance(number, int):
        if not _LEAST <= number <= _MOST:
            raise UnsendableValue(path, "does not fit into 64 bits", "send it as text")
    elif not isfinite(number):
        raise UnsendableValue(path, f"is {number}", "use a finite number or None")


def _as_builtin(value: Any) -> Any:
    """Turn what `_check` has let through and msgspec does not know into what it knows."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case _:
            return dict(value)


_encode: Final = msgspec.json.Encoder(enc_hook=_as_builtin).encode
