"""Options: that they exist and are of their types, and what `help()` says of them."""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final

from codex_runtime.errors import InvalidArgument

__all__ = ["check_names", "check_options", "list_options"]

_TEXT: Final = frozenset(
    {
        "approvals_reviewer",
        "before_turn_id",
        "client_id",
        "effort",
        "last_turn_id",
        "model",
        "model_provider",
        "name",
        "project_id",
        "service_name",
        "service_tier",
        "summary",
    }
)
"""Options that are text, and that blank text would not say anything with."""

_ANY_TEXT: Final = frozenset({"base_instructions", "developer_instructions"})
_FLAGS: Final = frozenset({"durable", "ephemeral", "only_this_turn"})
_MAPPINGS: Final = frozenset({"config", "output_schema"})


def list_options(kinds: Iterable[type], words: Mapping[str, str]) -> None:
    """Add a list of their options to the docstrings of TypedDicts.

    `help()` does not show the text below an option, which tells the whole.

    Args:
        kinds: The TypedDicts.
        words: What each option is, in one line.
    """
    for kind in kinds:
        listed = [f"    {name}: {words[name]}" for name in sorted(kind.__annotations__)]
        kind.__doc__ = "\n".join([cleandoc(kind.__doc__ or ""), "", "Attributes:", *listed])


def check_names(options: Mapping[str, Any], known: type, what: str) -> None:
    """Refuse options that do not exist. One that is None counts as not said.

    Raises:
        InvalidArgument: There is one.
    """
    for name in options:
        if name not in known.__annotations__:
            names = ", ".join(sorted(known.__annotations__))
            raise InvalidArgument(name, f"is no option of {what}", f"there are: {names}")


def check_options(options: Mapping[str, Any], known: type, what: str) -> None:
    """Refuse options that do not exist, and those of a wrong type.

    Those that decide what a thread may do are checked by `policy`, and others where they are
    used.

    Raises:
        InvalidArgument: There is one.
    """
    check_names(options, known, what)
    for name, value in options.items():
        if value is not None:
            _check_type(name, value)


def _check_type(name: str, value: object) -> None:
    if name in _TEXT | _ANY_TEXT:
        if not isinstance(value, str):
            raise InvalidArgument(name, f"is of type {type(value).__name__}", "use text")
        if name in _TEXT and not value.strip():
            raise InvalidArgument(name, "is blank", "leave it out, or say something")
    elif name in _FLAGS and not isinstance(value, bool):
        raise InvalidArgument(name, f"is {value!r}", "use True or False")
    elif name in _MAPPINGS and not isinstance(value, Mapping):
        raise InvalidArgument(name, f"is of type {type(value).__name__}", "use a mapping")
