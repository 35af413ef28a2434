"""What all errors of this package share."""

from __future__ import annotations

from typing import Any, ClassVar, Final, dataclass_transform

from codex_runtime._redaction import Redactor

__all__ = ["CodexRuntimeError", "Record", "redact"]


class CodexRuntimeError(Exception):
    """Base of every error that this package raises on purpose."""

    def __repr__(self) -> str:
        # Exception's own would show all arguments: what a turn did, what a server sent along.
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The classes take keywords, which Exception's own way of pickling would drop.
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(
    kind: type[CodexRuntimeError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> CodexRuntimeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


@dataclass_transform(eq_default=False)
class Record(CodexRuntimeError):
    """Base of the errors that hold attributes: what a class annotates, in that order.

    To callers and to type checkers they are dataclasses. They are not made as such, because
    that costs 0.2 ms a class and this package is imported before the server is started.
    """

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._names = tuple(dict.fromkeys((*cls._names, *cls.__annotations__)))
        setattr(cls, "__match_args__", cls._names)  # noqa: B010 — to type checkers it is their own

    @classmethod
    def _bind(cls, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        given = dict(zip(cls._names, args, strict=False)) | named
        needed = [name for name in cls._names if not hasattr(cls, name)]
        twice_or_too_many = len(given) < len(args) + len(named)
        if twice_or_too_many or not set(needed) <= set(given) <= set(cls._names):
            raise TypeError(f"{cls.__name__} takes {cls._names}, and needs {needed}")
        return {name: given[name] if name in given else getattr(cls, name) for name in cls._names}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args)
        self.__dict__.update(self._bind(args, named))


redact: Final = Redactor()
"""Takes what has the shape of a secret out of the server's words, which may quote one."""
