"""What dropping the last turns of a thread has done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_runtime.protocol.types import Thread, Turn

__all__ = ["ThreadRollback"]


@dataclass(frozen=True)
class ThreadRollback:
    """What a rollback did.

    Attributes:
        thread: The thread as it is now, without its turns.
        dropped: The turns that are gone, oldest first, with all their items.
    """

    thread: Thread
    dropped: Sequence[Turn]
