"""The `thread/*` requests that the fake app-server plays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from codex_runtime.testing._fake_params import (
    need_thread_id,
)
from codex_runtime.testing._fake_state import FakeThread
from codex_runtime.testing._fake_wire import INVALID_REQUEST, Refused
from codex_runtime.testing._json import Json

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = [
    "PAGE_INSTEAD",
    "Handler",
    "RequestId",
    "deprecated",
    "known_thread",
    "loaded_thread",
    "newest_turn",
    "recorded_thread",
]

RequestId: TypeAlias = int | str
"""What a client calls its request."""

Handler: TypeAlias = "Callable[[FakeProcess, RequestId, Json], None]"
"""Plays one request: answers it now, or sees to it that it is answered; may raise Refused."""

_HYDRATION = "Full-history hydration is deprecated for paginated threads; "
PAGE_INSTEAD = "then page with `thread/turns/list` and `thread/items/list`."
"""What codex recommends instead."""


def loaded_thread(process: FakeProcess, params: Json) -> FakeThread:
    """Return the thread that a request names, which must be loaded."""
    thread_id = need_thread_id(params)
    thread = process.world.threads.get(thread_id)
    if thread is None or not thread.loaded:
        raise Refused(f"thread not found: {thread_id}")
    return thread


def known_thread(
    process: FakeProcess, params: Json, otherwise: str, *, kind: str = "thread"
) -> FakeThread:
    """Return the thread that a request names, loaded or on record; refuse `otherwise`."""
    thread_id = need_thread_id(params, kind=kind)
    thread = process.world.threads.get(thread_id)
    if thread is None or not (thread.loaded or thread.durable):
        raise Refused(otherwise.format(thread_id), INVALID_REQUEST)
    return thread


def recorded_thread(process: FakeProcess, params: Json, *, kind: str) -> FakeThread:
    """Return the thread that a request names, which must be on record."""
    thread = known_thread(process, params, "no rollout found for thread id {}", kind=kind)
    if not thread.durable:
        # Nothing is written before the first turn (facts 14 and 15).
        raise Refused(f"no rollout found for thread id {thread.id}")
    return thread


def newest_turn(thread: FakeThread) -> str | None:
    """Return the cursor of the newest turn, for paging backwards; opaque to clients (fact 28)."""
    if not thread.turns:
        return None
    place: Json = {
        "requestedThreadId": thread.id,
        "rolloutOrdinal": len(thread.turns) - 1,
        "includeAnchor": True,
        "scope": {"kind": "turns"},
    }
    return json.dumps(place, separators=(",", ":"))


def deprecated(process: FakeProcess, instead: str) -> None:
    """Say that nobody should ask for all turns at once."""
    process.wire.notify("deprecationNotice", {"summary": _HYDRATION + instead, "details": None})
