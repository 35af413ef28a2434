"""The codex app-server protocol: its types, its methods, and the way from bytes to objects.

Every type and every method constant can be imported from here; each is loaded on first use, so
that importing this package costs next to nothing:

    from codex_runtime.protocol import TurnCompletedNotification, THREAD_READ, ThreadReadParams

`codec` has the decoder. No I/O anywhere in this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from codex_runtime.protocol import _base as _base_module
from codex_runtime.protocol._base import *  # noqa: F403 — a façade; `_base.__all__` is the list

if TYPE_CHECKING:
    from codex_runtime.protocol.methods import *  # noqa: F403 — generated names, loaded lazily below
    from codex_runtime.protocol.types import *  # noqa: F403 — generated names, loaded lazily below

_LAZY = ("methods", "types")
"""Modules to look a name up in; the cheap one first, so that a method constant loads no types."""


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module_name in _LAZY:
            module = import_module(f"{__name__}.{module_name}")
            if name == module_name:
                return module
            if name in module.__all__:
                value = getattr(module, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    names = set(_base_module.__all__)
    for module_name in _LAZY:
        names.update(import_module(f"{__name__}.{module_name}").__all__)
    return sorted(names)
