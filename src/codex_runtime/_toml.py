"""Settings as TOML expressions, for codex's `-c name=value`."""

from collections.abc import Mapping
from typing import Any

from codex_runtime._outgoing import encode
from codex_runtime.errors import InvalidArgument

__all__ = ["toml"]


def toml(value: Any, path: str) -> str:
    """`value` as a TOML expression. `path` is what to call it in errors.

    Raises:
        InvalidArgument: TOML has no form for it.
    """
    match value:
        case bool() | int() | float() | str():
            return encode(value, path).decode()
        case list() | tuple():
            return _array(value, path)
        case Mapping():
            return _table(value, path)
        case _:
            raise InvalidArgument(
                path, f"is of type {type(value).__name__}", "TOML has no form for it"
            )


def _array(values: Any, path: str) -> str:
    return f"[{', '.join(toml(v, f'{path}[{i}]') for i, v in enumerate(values))}]"


def _table(table: Any, path: str) -> str:
    pairs = (f"{encode(str(k)).decode()} = {toml(v, f'{path}.{k}')}" for k, v in table.items())
    return f"{{{', '.join(pairs)}}}"
