"""The `thread/*` requests that the fake app-server plays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from codex_runtime.testing._fake_params import need_thread_id
from codex_runtime.testing._fake_state import FakeThread, Settings
from codex_runtime.testing._fake_wire import INVALID_REQUEST, Refused
from codex_runtime.testing._json import Json

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = [
    "PAGE_INSTEAD",
    "Handler",
    "RequestId",
    "compact",
    "deprecated",
    "history_cursor",
    "known_thread",
    "loaded_thread",
    "newest_turn",
    "recorded_thread",
    "refuse_archived",
    "take_settings",
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
    process: FakeProcess,
    params: Json,
    otherwise: str,
    *,
    kind: str = "thread",
    code: int = INVALID_REQUEST,
) -> FakeThread:
    """Return the thread that a request names, loaded or on record; refuse `otherwise`."""
    thread_id = need_thread_id(params, kind=kind)
    thread = process.world.threads.get(thread_id)
    if thread is None or not (thread.loaded or thread.durable):
        raise Refused(otherwise.format(thread_id), code)
    return thread


def recorded_thread(process: FakeProcess, params: Json, *, kind: str) -> FakeThread:
    """Return the thread that a request names, which must be on record."""
    thread = known_thread(process, params, "no rollout found for thread id {}", kind=kind)
    if not thread.durable:
        # Nothing is written before the first turn (facts 14 and 15).
        raise Refused(f"no rollout found for thread id {thread.id}")
    return thread


def refuse_archived(thread: FakeThread) -> None:
    """Refuse a thread that is archived, for requests that need one that is not."""
    if thread.archived:
        raise Refused(
            f"session {thread.id} is archived. Run `codex unarchive {thread.id}` to unarchive it first."
        )


def take_settings(process: FakeProcess, thread: FakeThread, settings: Settings) -> None:
    """Put settings in force, and tell of them where that changes any."""
    if settings != thread.settings:
        thread.settings = settings
        told = {"threadId": thread.id, "threadSettings": settings.as_json()}
        process.tell(thread, "thread/settings/updated", told)


def newest_turn(thread: FakeThread) -> str | None:
    """Return the cursor of the newest turn, for paging backwards; opaque to clients (fact 28)."""
    if not thread.turns:
        return None
    return history_cursor(thread, len(thread.turns) - 1, "turns", anchor=True)


def history_cursor(thread: FakeThread, ordinal: int, kind: str, *, anchor: bool) -> str:
    """Return the cursor that names an entry of a thread's history.

    Args:
        thread: The thread.
        ordinal: Which entry, from 0 on.
        kind: What the entries are.
        anchor: Whether a page that begins there has that entry, too.
    """
    return compact(
        {
            "requestedThreadId": thread.id,
            "rolloutOrdinal": ordinal,
            "includeAnchor": anchor,
            "scope": {"kind": kind},
        }
    )


def compact(value: Json) -> str:
    """Return JSON as codex writes it into texts."""
    return json.dumps(value, separators=(",", ":"))


def deprecated(process: FakeProcess, instead: str) -> None:
    """Say that nobody should ask for all turns at once."""
    process.wire.notify("deprecationNotice", {"summary": _HYDRATION + instead, "details": None})
