"""Secrets of the caller, kept out of errors that quote what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from codex_runtime._redaction import Redactor
from codex_runtime.errors import CodexRuntimeError

__all__ = ["take_out", "texts_in"]


def take_out(secrets: Iterable[str], error: CodexRuntimeError) -> None:
    """Replace secrets in all that an error holds.

    Args:
        secrets: Texts. One of less than eight characters is none, and would maul the error.
        error: What is about to be raised.
    """
    redact = Redactor(secrets)
    error.args = tuple(_without(redact, each) for each in error.args)
    for name, value in vars(error).items():
        setattr(error, name, _without(redact, value))


def texts_in(value: Any) -> Iterator[str]:
    """All texts that plain data holds, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in cast("list[Any]", value):
            yield from texts_in(each)


def _without(redact: Redactor, value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            members = cast("dict[str, Any]", value)
            return {key: _without(redact, each) for key, each in members.items()}
        case list() | tuple():
            return [_without(redact, each) for each in cast("list[Any]", value)]
        case _:
            return value
