"""Requests about the turns and items of threads that the fake app-server plays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from codex_runtime.testing._fake_params import (
    direction_of,
    need,
    need_thread_id,
    page_size_of,
    text_or_none,
    variant,
)
from codex_runtime.testing._fake_records import unload
from codex_runtime.testing._fake_threads import (
    Handler,
    RequestId,
    compact,
    history_cursor,
    known_thread,
    newest_turn,
)
from codex_runtime.testing._fake_wire import INVALID_PARAMS, NOT_SUPPORTED, Refused
from codex_runtime.testing._json import Json, is_object, member, objects, text_of

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["HISTORY_HANDLERS"]

_VIEWS = ("notLoaded", "summary", "full")


def _turns(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    view = variant(text_or_none(params, "itemsView") or "summary", _VIEWS)
    direction = direction_of(params, "desc")
    thread = known_thread(process, params, "thread not loaded: {}")
    if thread.ephemeral:
        raise Refused("ephemeral threads do not support thread/turns/list")
    if not thread.durable:
        raise Refused(
            f"thread {thread.id} is not materialized yet; "
            "thread/turns/list is unavailable before first user message"
        )
    # A review that runs is there by its inner turn only (fact 287).
    shown = [turn for turn in thread.turns if turn.inner_id is None or turn.status != "inProgress"]
    turns = [turn.as_json(view) for turn in shown]
    process.wire.result(request_id, _page(thread, turns, params, direction, "turns"))


def _items(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    wanted = text_or_none(params, "turnId")
    direction = direction_of(params, "asc")
    if is_object(params.get("cursor")) and not wanted:
        raise Refused("turnId is required when cursor is an item anchor", INVALID_PARAMS)
    thread = _stored(process, params, "thread/items/list")
    entries = [
        {
            "turnId": turn.id,
            "item": item,
            "startedAtMs": turn.started_ms,
            "completedAtMs": turn.completed_ms or turn.started_ms,
        }
        for turn in thread.turns
        if wanted is None or turn.id == wanted
        for item in turn.items
    ]
    kind = "itemsByCreatedAtOrdinal"
    process.wire.result(request_id, _page(thread, entries, params, direction, kind))


def _occurrences(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    term, size = str(need(params, "searchTerm")), page_size_of(params)
    cursor = text_or_none(params, "cursor")
    if not process.experimental:
        raise Refused("thread/searchOccurrences requires experimentalApi capability")
    if not term:
        raise Refused("thread/searchOccurrences requires a non-empty searchTerm")
    thread = _stored(process, params, "thread/searchOccurrences")
    found = [*_found(thread, term)]
    start = 0 if cursor is None else _ordinal(cursor, thread, "nextOccurrence")
    end = start + size
    following = {"threadId": thread.id, "searchTerm": term, "nextOccurrence": end}
    more = end < len(found)
    process.wire.result(
        request_id, {"data": found[start:end], "nextCursor": compact(following) if more else None}
    )


def _found(thread: FakeThread, term: str) -> list[Json]:
    places: list[Json] = []
    for index, turn in enumerate(thread.turns):
        for item in turn.items:
            said = _said(item)
            for match in re.finditer(re.escape(term), said, re.IGNORECASE):
                matched = {"start": match.start(), "end": match.end()}
                cursor = history_cursor(thread, index, "turns", anchor=True)
                places.append(
                    {
                        "turnId": turn.id,
                        "itemId": item["id"],
                        "snippet": said,
                        "snippetMatchRange": matched,
                        "turnCursor": cursor,
                    }
                )
    return places


def _said(item: Json) -> str:
    if item["type"] == "agentMessage":
        return str(item["text"])
    return text_of(objects(item["content"]), between="\n") if item["type"] == "userMessage" else ""


def _revert(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    turn_id = need(params, "beforeTurnId")
    thread_id = need_thread_id(params)
    thread = process.world.threads.get(thread_id)
    if thread is None or not thread.loaded:
        raise Refused(f"thread not found: {thread_id}")
    if thread.ephemeral:
        raise Refused("ephemeral threads do not support thread/revert")

    async def revert() -> None:
        # A refusal comes after this, too (fact 237).
        await unload(process, thread)
        if not thread.durable:
            del process.world.threads[thread.id]
            process.wire.error(request_id, Refused(f"no rollout found for thread id {thread.id}"))
            return
        thread.loaded = thread.subscribed = True
        known = turn_id in [turn.id for turn in thread.turns]
        if known:
            _drop(process, thread, str(turn_id))
        process.set_status(thread, {"type": "idle"})
        if not known:
            process.wire.error(request_id, Refused(f"turn not found: {turn_id}"))
            return
        process.wire.result(
            request_id,
            {
                "thread": thread.as_json(process.world.version),
                "turnsBackwardsCursor": newest_turn(thread),
                "itemsBackwardsCursor": newest_turn(thread),
            },
        )
        process.wire.notify("thread/reverted", {"threadId": thread.id})

    process.start_soon(revert)


def _drop(process: FakeProcess, thread: FakeThread, turn_id: str) -> None:
    index = [turn.id for turn in thread.turns].index(turn_id)
    first, kept = thread.turns[index], thread.kept
    gone = [turn.id for turn in thread.turns[index:]]
    thread.totals, thread.last = first.before
    del thread.conversation[first.place :]
    del thread.turns[index:]
    kept.durable = True
    if (kept.unread or {}).get("turnId") in gone:
        kept.unread, kept.revision = None, process.ticker.uuid()
        process.tell_read_state(thread)
    thread.updated = process.ticker.now_ms()
    if thread.path is not None:
        # The record goes on in another file.
        stem = thread.path.removesuffix(".jsonl").partition("_")[0]
        thread.path = f"{stem}_{process.ticker.uuid()}.jsonl"


def _stored(process: FakeProcess, params: Json, method: str) -> FakeThread:
    thread = process.world.threads.get(need_thread_id(params))
    if thread is None or not thread.durable:
        raise Refused(f"{method} is not supported yet", NOT_SUPPORTED)
    return thread


def _page(
    thread: FakeThread, entries: Sequence[Any], params: Json, direction: str, kind: str
) -> Json:
    """Return a page of `entries`, which are oldest first."""
    size, cursor = page_size_of(params), text_or_none(params, "cursor")
    places = [*range(len(entries))]
    if direction == "desc":
        places.reverse()
    if cursor is not None:
        start = _ordinal(cursor, thread, "rolloutOrdinal")
        anchored = member(json.loads(cursor)).get("includeAnchor") is True
        step = -1 if direction == "desc" else 1
        least = 0 if anchored else 1
        places = [each for each in places if (each - start) * step >= least]
    page = places[:size]
    more = len(page) < len(places)
    return {
        "data": [entries[place] for place in page],
        "nextCursor": history_cursor(thread, page[-1], kind, anchor=False) if more else None,
        "backwardsCursor": history_cursor(thread, page[0], kind, anchor=True) if page else None,
    }


def _ordinal(cursor: str, thread: FakeThread, field: str) -> int:
    try:
        place = member(json.loads(cursor))
    except ValueError:
        place = {}
    ordinal = place.get(field)
    if thread.id not in place.values() or not isinstance(ordinal, int):
        raise Refused(f"invalid cursor: {cursor}")
    return ordinal


HISTORY_HANDLERS: dict[str, Handler] = {
    "thread/items/list": _items,
    "thread/revert": _revert,
    "thread/searchOccurrences": _occurrences,
    "thread/turns/list": _turns,
}
"""What plays each request."""
