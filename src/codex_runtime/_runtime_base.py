"""What the parts of `Runtime` know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_runtime._client import Client

__all__ = ["RuntimeBase", "client_of"]


class RuntimeBase(ABC):
    """A runtime, as its parts see it."""

    @property
    @abstractmethod
    def _client(self) -> Client:
        """What handles share; raises `RuntimeClosed` where the runtime is not open."""


def client_of(runtime: RuntimeBase) -> Client:
    """What handles share, for what is built on top of a runtime.

    Raises:
        RuntimeClosed: The runtime is not open.
    """
    return runtime._client  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] — private to users
