"""The `thread/queue/*` requests that the fake app-server plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.testing._fake_idle import go_on, start_queued
from codex_runtime.testing._fake_input import need_items
from codex_runtime.testing._fake_params import need, page_size_of, text_or_none
from codex_runtime.testing._fake_threads import Handler, RequestId, known_thread, refuse_archived
from codex_runtime.testing._fake_wire import INTERNAL_ERROR, Refused
from codex_runtime.testing._json import Json, is_list

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["QUEUE_HANDLERS"]


def _add(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    client_id = str(need(params, "clientUserMessageId"))
    content = need_items(params)
    thread = _thread(process, params, "add")
    _check(content)
    waiting: Json = {
        "id": process.ticker.uuid(),
        "input": [_as_kept(part) for part in content],
        "clientUserMessageId": client_id,
    }
    thread.kept.durable = True
    thread.kept.queue.append(waiting)
    _changed(process, thread)
    go_on(process, thread)
    process.wire.result(request_id, {"queuedSubmission": waiting})


def _list(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    size = page_size_of(params)
    queue = _thread(process, params, "list").kept.queue
    cursor = text_or_none(params, "cursor") or "0"
    if not (cursor.isascii() and cursor.isdigit()):
        raise Refused("invalid queue pagination cursor: invalid digit found in string")
    start = int(cursor)
    end = start + size
    following = str(end) if end < len(queue) else None
    process.wire.result(request_id, {"data": queue[start:end], "nextCursor": following})


def _update(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    content = need_items(params)
    thread = _thread(process, params, "update")
    _check(content)
    waiting = _named(thread, params)
    waiting["input"] = [_as_kept(part) for part in content]
    _changed(process, thread)
    process.wire.result(request_id, {"queuedSubmission": waiting})


def _delete(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    wanted = need(params, "queuedSubmissionId")
    thread = _thread(process, params, "delete")
    left = [each for each in thread.kept.queue if each["id"] != wanted]
    deleted, thread.kept.queue = len(left) < len(thread.kept.queue), left
    if deleted:
        _changed(process, thread)
    process.wire.result(request_id, {"deleted": deleted})


def _reorder(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    ids = need(params, "queuedSubmissionIds")
    thread = _thread(process, params, "reorder")
    waiting = {each["id"]: each for each in thread.kept.queue}
    if not is_list(ids) or sorted(map(str, ids)) != sorted(waiting):
        raise Refused("queue reorder must include every queued submission exactly once")
    thread.kept.queue = [waiting[str(each)] for each in ids]
    _changed(process, thread)
    process.wire.result(request_id, {})


def _start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _thread(process, params, "start")
    wanted = text_or_none(params, "queuedSubmissionId")
    if wanted is not None:
        _named(thread, params)
    if not thread.kept.queue:
        raise Refused("queue is empty")
    if thread.turn is not None:
        raise Refused("thread already has an active or pending turn")
    waiting = thread.kept.queue[0] if wanted is None else _named(thread, params)
    thread.kept.queue.remove(waiting)
    turn = start_queued(process, thread, waiting)
    process.wire.result(request_id, {"turn": turn.as_json()})


def _thread(process: FakeProcess, params: Json, what: str) -> FakeThread:
    need(params, "threadId")
    if not process.experimental:
        raise Refused(f"thread/queue/{what} requires experimentalApi capability")
    nobody = (
        "failed to read thread: invalid thread-store request: no rollout found for thread id {}"
    )
    thread = known_thread(process, params, nobody, code=INTERNAL_ERROR)
    refuse_archived(thread)
    if thread.ephemeral:
        raise Refused(f"ephemeral thread does not support queued submissions: {thread.id}")
    return thread


def _named(thread: FakeThread, params: Json) -> Json:
    wanted = need(params, "queuedSubmissionId")
    for each in thread.kept.queue:
        if each["id"] == wanted:
            return each
    raise Refused(f"queued submission not found: {wanted}")


def _check(content: list[Json]) -> None:
    if not content:
        raise Refused("only user input can be added to the user-message queue")


def _as_kept(part: Json) -> Json:
    return {**part, "text_elements": part.get("text_elements", [])} if "text" in part else part


def _changed(process: FakeProcess, thread: FakeThread) -> None:
    process.tell(thread, "thread/queue/changed", {"threadId": thread.id})


QUEUE_HANDLERS: dict[str, Handler] = {
    "thread/queue/add": _add,
    "thread/queue/delete": _delete,
    "thread/queue/list": _list,
    "thread/queue/reorder": _reorder,
    "thread/queue/start": _start,
    "thread/queue/update": _update,
}
"""What plays each request."""
