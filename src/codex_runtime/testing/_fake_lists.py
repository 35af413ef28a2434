"""The lists of threads that the fake app-server plays, with the cursors of codex 0.163 (fact 26)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_runtime.testing._fake_items import input_text
from codex_runtime.testing._fake_params import (
    direction_of,
    limit_of,
    need,
    need_thread_id,
    page_size_of,
    text_or_none,
    variant,
)
from codex_runtime.testing._fake_threads import Handler, RequestId
from codex_runtime.testing._fake_wire import INVALID_PARAMS, Refused
from codex_runtime.testing._json import Json, is_list, objects

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["LIST_HANDLERS"]

LARGEST_PAGE = 100
"""Threads of one page at the most (fact 230)."""

_KEYS = ("created_at", "updated_at", "recency_at", "section_position")
_SOURCES = (
    "cli",
    "vscode",
    "exec",
    "appServer",
    "subAgent",
    "subAgentReview",
    "subAgentCompact",
    "subAgentThreadSpawn",
    "subAgentOther",
    "unknown",
)
_CURSOR = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)(?:\|(?P<thread>[0-9a-f-]{36}))?"
)


@dataclass(frozen=True)
class _Order:
    """How threads are sorted, and what a cursor is worth in that order.

    Attributes:
        key: What they are sorted by.
        descending: Whether the newest come first.
        exact: Whether a cursor names a thread.
        whole: Whether it counts seconds while threads are told apart by milliseconds.
    """

    key: str
    descending: bool
    exact: bool
    whole: bool = False

    def place(self, thread: FakeThread) -> tuple[int, str]:
        """Return where a thread stands: milliseconds since 1970, and its id."""
        time = thread.created * 1000 if self.key == "created_at" else thread.touched_ms
        return time, thread.id

    def behind(self, thread: FakeThread, cursor: str) -> bool:
        """Return whether a thread belongs behind `cursor`."""
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise Refused(f"invalid cursor: {cursor}")
        at = round(datetime.fromisoformat(found["moment"]).timestamp() * 1000)
        time, thread_id = self.place(thread)
        if self.whole:
            # Any moment within a second is behind its beginning, and never before it.
            return time < at if self.descending else time >= at
        named = found["thread"] if self.exact else None
        here, last = (time, thread_id if named else ""), (at, named or "")
        return here < last if self.descending else here > last

    def cursor(self, thread: FakeThread) -> str:
        """Return the cursor of a page that ends with `thread`."""
        time, thread_id = self.place(thread)
        return f"{_written(time)}|{thread_id}" if self.exact else _written(time)

    def before(self, thread: FakeThread) -> str:
        """Return the cursor that leads back to a page that begins with `thread`."""
        return _written(self.place(thread)[0] + (-1 if self.descending else 1))


def _list(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    key, direction = _sorted_by(params, _KEYS), direction_of(params, "desc")
    _check(params)
    if key == "section_position" and "sectionId" not in params:
        raise Refused("section-position sorting requires a section filter")
    database = params.get("useStateDbOnly") is True or "projectId" in params
    database = (database or "sectionId" in params) and key == "created_at"
    order = _Order(key, direction == "desc", exact=database or key not in _KEYS[:2])
    threads = [
        thread
        for thread in process.world.threads.values()
        if thread.preview and _wanted(thread, params)
    ]
    page, cursors = _page(threads, order, params)
    excluded = _texts(params, "excludedThreadIds")
    if excluded:
        # Left out of the page, and not of what it is cut from: 0.163 ends there (fact 231).
        whole, page = len(page), [thread for thread in page if thread.id not in excluded]
        cursors["nextCursor"] = cursors["nextCursor"] if len(page) == whole else None
    version = process.world.version
    process.wire.result(
        request_id,
        {
            "data": [{**thread.as_json(version), "canAcceptDirectInput": None} for thread in page],
            "readStates": {
                thread.id: thread.kept.read_state() for thread in page if thread.kept.revision
            },
            **cursors,
        },
    )


def _search(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    term = str(need(params, "searchTerm"))
    key, direction = _sorted_by(params, _KEYS[:3]), direction_of(params, "desc")
    if not process.experimental:
        raise Refused("thread/search requires experimentalApi capability")
    if not term.strip():
        raise Refused("thread/search requires a non-empty searchTerm")
    archived = params.get("archived") is True
    found = {
        thread.id: (thread, snippet)
        for thread in process.world.threads.values()
        if thread.archived is archived and (snippet := _snippet(thread, term)) is not None
    }
    order = _Order(key, direction == "desc", key == "recency_at", whole=key == "created_at")
    page, cursors = _page([thread for thread, _ in found.values()], order, params)
    data = [
        {
            "thread": {**thread.as_json(process.world.version), "canAcceptDirectInput": None},
            "snippet": found[thread.id][1],
        }
        for thread in page
    ]
    process.wire.result(request_id, {"data": data, **cursors})


def _loaded(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    limit, cursor = limit_of(params), text_or_none(params, "cursor")
    if cursor is not None and re.fullmatch(r"[0-9a-f-]{36}", cursor) is None:
        raise Refused(f"invalid cursor: {cursor}")
    ids = sorted(thread.id for thread in process.world.threads.values() if thread.loaded)
    left = [each for each in ids if cursor is None or each > cursor]
    page = left if limit is None else left[: max(1, limit)]
    following = page[-1] if len(page) < len(left) else None
    process.wire.result(request_id, {"data": page, "nextCursor": following})


def _page(
    threads: Sequence[FakeThread], order: _Order, params: Json
) -> tuple[list[FakeThread], Json]:
    size, cursor = page_size_of(params), text_or_none(params, "cursor")
    placed = sorted(threads, key=order.place, reverse=order.descending)
    if cursor is not None:
        if _CURSOR.fullmatch(cursor) is None:
            raise Refused(f"invalid cursor: {cursor}")
        placed = [thread for thread in placed if order.behind(thread, cursor)]
    page = placed[: min(size, LARGEST_PAGE)]
    more = len(page) < len(placed)
    return page, {
        "nextCursor": order.cursor(page[-1]) if more else None,
        "backwardsCursor": order.before(page[0]) if page else None,
    }


def _check(params: Json) -> None:
    for source in _texts(params, "sourceKinds"):
        variant(source, _SOURCES)
    if _texts(params, "originators"):
        why = "originator filtering is not supported by the local app-server"
        raise Refused(why, INVALID_PARAMS)
    if len(_texts(params, "excludedThreadIds")) > LARGEST_PAGE:
        raise Refused("excludedThreadIds accepts at most 100 entries", INVALID_PARAMS)
    family = [name for name in ("parent", "ancestor") if params.get(f"{name}ThreadId") is not None]
    if len(family) > 1:
        raise Refused("parentThreadId and ancestorThreadId are mutually exclusive")
    for name in family:
        need_thread_id({"threadId": params[f"{name}ThreadId"]}, kind=f"{name} thread")
    if isinstance(project := params.get("projectId"), str):
        raise Refused(f"project not found: {project}", INVALID_PARAMS)


def _wanted(thread: FakeThread, params: Json) -> bool:
    folders, term = params.get("cwd"), text_or_none(params, "searchTerm") or ""
    places = objects([]) if folders is None else folders if is_list(folders) else [folders]
    providers, sources = _texts(params, "modelProviders"), _texts(params, "sourceKinds")
    return (
        thread.archived is (params.get("archived") is True)
        and (folders is None or thread.settings.cwd in [str(each).rstrip("/") for each in places])
        and (not providers or "scripted" in providers)
        and (not sources or "vscode" in sources)
        and (term in thread.preview or term in (thread.name or ""))
        # Nobody spawns threads here, and there are no sections.
        and all(params.get(f"{name}ThreadId") is None for name in ("parent", "ancestor"))
        and params.get("sectionId") is None
    )


def _snippet(thread: FakeThread, term: str) -> str | None:
    for turn in thread.turns:
        for item in turn.items:
            if item["type"] == "agentMessage":
                said = str(item["text"])
            elif item["type"] == "userMessage":
                said = input_text(objects(item["content"]))
            else:
                continue
            if term.lower() in said.lower():
                return said
    return None


def _sorted_by(params: Json, known: tuple[str, ...]) -> str:
    return variant(text_or_none(params, "sortKey") or "created_at", known)


def _texts(params: Json, field: str) -> list[str]:
    value = params.get(field)
    return [str(each) for each in value] if is_list(value) else []


def _written(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{rest:03}".rstrip("0") + "Z" if rest else f"{moment}Z"


LIST_HANDLERS: dict[str, Handler] = {
    "thread/list": _list,
    "thread/loaded/list": _loaded,
    "thread/search": _search,
}
"""What plays each request."""
