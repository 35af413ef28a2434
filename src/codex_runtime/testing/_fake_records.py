"""Requests about the records of threads that the fake app-server plays: naming, putting away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.testing._fake_params import (
    need,
    need_thread_id,
    page_size_of,
    text_or_none,
    variant,
)
from codex_runtime.testing._fake_threads import (
    PAGE_INSTEAD,
    Handler,
    RequestId,
    deprecated,
    known_thread,
    loaded_thread,
)
from codex_runtime.testing._fake_wire import INVALID_PARAMS, NOT_SUPPORTED, Refused
from codex_runtime.testing._json import Json, is_list, is_object, member, objects

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["RECORD_HANDLERS"]

_NO_ROLLOUT = "no rollout found for thread id {}"
_NO_METADATA = "ephemeral thread does not support metadata updates: "


def _read(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = known_thread(process, params, "thread not loaded: {}")
    version = process.world.version
    view = None
    if params.get("includeTurns") is True:
        if thread.ephemeral:
            raise Refused("ephemeral threads do not support includeTurns")
        if not thread.durable:
            raise Refused("list_turns is not supported yet", NOT_SUPPORTED)
        deprecated(process, f"omit `includeTurns` or set it to `false`, {PAGE_INSTEAD}")
        view = "full"
    state = None if thread.ephemeral else thread.kept.read_state()
    process.wire.result(request_id, {"thread": thread.as_json(version, view), "readState": state})


def _name(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    name = str(need(params, "name"))
    need_thread_id(params)
    if not name.strip():
        raise Refused("thread name must not be empty")
    thread = _named(process, params)
    thread.name = name
    process.wire.result(request_id, {})
    told = {"threadId": thread.id, "threadName": thread.name}
    process.wire.notify("thread/name/updated", told)


def _metadata(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    git = params.get("gitInfo")
    thread = known_thread(process, params, "thread not found: {}" if git is None else _NO_ROLLOUT)
    if thread.ephemeral:
        raise Refused(f"{_NO_METADATA}{thread.id}")
    given = [params.get("projectId"), git, params.get("daybreakEnabled")]
    if all(each is None for each in given):
        raise Refused("thread metadata update must include at least one field")
    if is_object(git):
        thread.kept.git = _git(thread.kept.git, git)
    if params.get("projectId"):
        raise Refused(f"project not found: {params['projectId']}")
    if isinstance(params.get("daybreakEnabled"), bool):
        thread.kept.daybreak = params["daybreakEnabled"]
    _keep_read_state(process, thread)
    shown = {**thread.as_json(process.world.version), "canAcceptDirectInput": None}
    process.wire.result(request_id, {"thread": shown})


def _git(old: Json | None, changes: Json) -> Json:
    if not changes:
        raise Refused("gitInfo must include at least one field")
    for field, value in changes.items():
        if value is not None and not str(value).strip():
            raise Refused(f"gitInfo.{field} must not be empty")
    return {"sha": None, "branch": None, "originUrl": None, **(old or {}), **changes}


def _memory_mode(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    variant(need(params, "mode"), ("enabled", "disabled"))
    if not process.experimental:
        raise Refused("thread/memoryMode/set requires experimentalApi capability")
    _keep_read_state(process, _named(process, params))
    process.wire.result(request_id, {})


def _keep_read_state(process: FakeProcess, thread: FakeThread) -> None:
    """See to it that there is one, as what writes the record of a thread does."""
    thread.kept.revision = thread.kept.revision or process.ticker.uuid()


def _read_state(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    expected, operation = need(params, "expectedRevision"), member(need(params, "operation"))
    kind = variant(operation.get("type"), ("read", "unread"))
    if not process.experimental:
        raise Refused("thread/readState/update requires experimentalApi capability")
    thread = known_thread(process, params, "thread not loaded: {}")
    kept = thread.kept
    if thread.ephemeral or not kept.revision:
        raise Refused("thread read state unavailable")
    if expected != kept.revision:
        data = {"reason": "readStateConflict", "readState": kept.read_state()}
        raise Refused("read state changed", data=data)
    kept.unread = None if kind == "read" else {"type": "threadStart"}
    kept.revision = process.ticker.uuid()
    process.wire.result(request_id, {"readState": kept.read_state()})
    process.tell_read_state(thread)


def _inject(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    items = need(params, "items")
    thread = loaded_thread(process, params)
    if not is_list(items) or not items:
        raise Refused("items must not be empty")
    for index, item in enumerate(items):
        problem = None
        if not is_object(item):
            problem = f'invalid type: string "{item}", expected internally tagged enum ResponseItem'
        elif "type" not in item:
            problem = "missing field `type`"
        if problem is not None:
            raise Refused(f"items[{index}] is not a valid response item: {problem}")
    thread.conversation += objects(items)
    thread.kept.durable = True
    process.wire.result(request_id, {})


def _archive(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = known_thread(process, params, _NO_ROLLOUT, kind="session")
    if thread.archived or thread.ephemeral:
        raise Refused(_NO_ROLLOUT.format(thread.id))

    async def archive() -> None:
        await unload(process, thread)
        thread.archived = thread.kept.durable = True
        _keep_read_state(process, thread)
        process.wire.result(request_id, {})
        process.wire.notify("thread/archived", {"threadId": thread.id})

    process.start_soon(archive)


def _unarchive(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = known_thread(
        process, params, "no archived rollout found for thread id {}", kind="session"
    )
    if thread.loaded and thread.ephemeral:
        raise Refused(f"no archived rollout found for thread id {thread.id}")
    if thread.loaded:
        raise Refused(f"thread {thread.id} already has an active writer")
    if not thread.archived:
        raise Refused(f"no archived rollout found for thread id {thread.id}")
    thread.archived = False
    process.wire.result(request_id, {"thread": thread.as_json(process.world.version)})
    process.wire.notify("thread/unarchived", {"threadId": thread.id})


def _delete(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = known_thread(process, params, _NO_ROLLOUT)
    if thread.ephemeral:
        raise Refused(f"thread is not persisted and cannot be deleted: {thread.id}")

    async def delete() -> None:
        # A refusal comes after this, too (fact 38).
        await unload(process, thread)
        threads = process.world.threads
        if any(each.forked_from == thread.id for each in threads.values()):
            why = f"cannot delete thread {thread.id}: forked history still references it"
            process.wire.error(request_id, Refused(why))
            return
        del threads[thread.id]
        process.wire.result(request_id, {})
        process.wire.notify("thread/deleted", {"threadId": thread.id})

    process.start_soon(delete)


async def unload(process: FakeProcess, thread: FakeThread) -> None:
    """Stop what a thread does, and forget that it was loaded."""
    if (turn := thread.turn) is not None:
        turn.scope.cancel()
        await turn.done.wait()
    for terminal in [*thread.terminals.values()]:
        terminal.kill("clean")
        await terminal.ended.wait()
    if thread.loaded:
        process.set_status(thread, {"type": "notLoaded"})
    thread.loaded = thread.subscribed = False


def _attach(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    kind, key = str(need(params, "attachmentType")), str(need(params, "identityKey"))
    payload = need(params, "payload")
    for field in ("attachmentType", "identityKey"):
        if not str(params[field]):
            raise Refused(f"{field} must not be empty", INVALID_PARAMS)
    thread = _attachable(process, params)
    found = thread.kept.attachments.get((kind, key))
    outcome = "created" if found is None else "existing"
    if found is None:
        found = {
            "id": process.ticker.uuid(),
            "attachmentType": kind,
            "identityKey": key,
            "payload": payload,
            "createdAt": process.ticker.now(),
        }
        thread.kept.attachments[kind, key] = found
    process.wire.result(request_id, {"outcome": outcome, "attachment": found})
    if outcome == "created":
        _tell_attachment(process, thread, found, "created")


def _attachments(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    size, cursor = page_size_of(params), text_or_none(params, "cursor")
    thread = process.world.threads.get(need_thread_id(params))
    attached = [] if thread is None else [*thread.kept.attachments.values()]
    start = 0
    if cursor is not None:
        places = [each["id"] for each in attached]
        if cursor.count("|") != 2 or cursor.rpartition("|")[2] not in places:  # noqa: PLR2004 — thread, time, attachment
            raise Refused("invalid pagination cursor", INVALID_PARAMS)
        start = places.index(cursor.rpartition("|")[2]) + 1
    page = attached[start : start + size]
    more = bool(page) and page[-1] is not attached[-1]
    following = f"{params['threadId']}|{page[-1]['createdAt']}|{page[-1]['id']}" if more else None
    process.wire.result(request_id, {"data": page, "nextCursor": following})


def _detach(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    name = str(need(params, "attachmentType")), str(need(params, "identityKey"))
    thread = _attachable(process, params)
    found = thread.kept.attachments.pop(name, None)
    process.wire.result(request_id, {})
    if found is not None:
        _tell_attachment(process, thread, found, "deleted")


def _attachable(process: FakeProcess, params: Json) -> FakeThread:
    thread_id = need_thread_id(params)
    thread = process.world.threads.get(thread_id)
    if thread is None or thread.ephemeral or not (thread.loaded or thread.durable):
        raise Refused(f"thread not found: {thread_id}", INVALID_PARAMS)
    return thread


def _tell_attachment(
    process: FakeProcess, thread: FakeThread, attachment: Json, operation: str
) -> None:
    told = {
        "threadId": thread.id,
        "operation": operation,
        "attachmentId": attachment["id"],
        "attachmentType": attachment["attachmentType"],
        "identityKey": attachment["identityKey"],
    }
    process.wire.notify("thread/attachment/updated", told)


def _named(process: FakeProcess, params: Json) -> FakeThread:
    thread = known_thread(process, params, _NO_ROLLOUT)
    if thread.ephemeral:
        raise Refused(f"{_NO_METADATA}{thread.id}")
    if thread.archived:
        raise Refused(_NO_ROLLOUT.format(thread.id))
    return thread


RECORD_HANDLERS: dict[str, Handler] = {
    "thread/archive": _archive,
    "thread/attachment/add": _attach,
    "thread/attachment/list": _attachments,
    "thread/attachment/remove": _detach,
    "thread/delete": _delete,
    "thread/inject_items": _inject,
    "thread/memoryMode/set": _memory_mode,
    "thread/metadata/update": _metadata,
    "thread/name/set": _name,
    "thread/read": _read,
    "thread/readState/update": _read_state,
    "thread/unarchive": _unarchive,
}
"""What plays each request."""
