"""The `thread/*` requests that the fake app-server plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from codex_runtime.testing._fake_params import (
    apply_overrides,
    need,
    need_thread_id,
    text_or_none,
)
from codex_runtime.testing._fake_state import FakeThread, Settings
from codex_runtime.testing._fake_wire import INVALID_REQUEST, Refused
from codex_runtime.testing._home import DEFAULT_MODEL
from codex_runtime.testing._json import Json, objects

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["THREAD_HANDLERS", "Handler", "RequestId", "loaded_thread"]

RequestId: TypeAlias = int | str
"""What a client calls its request."""

Handler: TypeAlias = "Callable[[FakeProcess, RequestId, Json], None]"
"""Plays one request: answers it now, or sees to it that it is answered; may raise Refused."""

NOT_SUPPORTED = -32601
"""The code for what a thread's store cannot do."""

PAGE = 25
"""Threads of one page of `thread/list` when the client names no limit."""

_HYDRATION = "Full-history hydration is deprecated for paginated threads; "
_PAGE_INSTEAD = "then page with `thread/turns/list` and `thread/items/list`."


def _start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    if params.get("dynamicTools") is not None and not process.experimental:
        raise Refused("thread/start.dynamicTools requires experimentalApi capability")
    world = process.world
    settings = Settings(cwd=world.cwd, model=DEFAULT_MODEL)
    apply_overrides(settings, params, world.cwd)
    thread_id, created = process.ticker.uuid(), process.ticker.now()
    ephemeral = params.get("ephemeral") is True
    folder = f"{world.codex_home}/sessions/2026/09/21"
    thread = FakeThread(
        id=thread_id,
        settings=settings,
        created=created,
        path=None if ephemeral else f"{folder}/rollout-2026-09-21T14-13-20-{thread_id}.jsonl",
        originator=process.client_name or "",
        ephemeral=ephemeral,
        developer_instructions=text_or_none(params, "developerInstructions"),
        dynamic_tools=objects(params.get("dynamicTools")),
    )
    _set_base_instructions(thread, params)
    world.threads[thread_id] = thread
    process.wire.result(request_id, thread.opened_json(world.version))
    process.wire.notify("thread/started", {"thread": thread.as_json(world.version)})


def _resume(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _on_disk(process, params, kind="session")
    if thread.archived:
        raise Refused(
            f"session {thread.id} is archived. Run `codex unarchive {thread.id}` to unarchive it first."
        )
    if not thread.loaded:
        # On a loaded thread overrides are ignored without a word (fact 33).
        apply_overrides(thread.settings, params, process.world.cwd)
        # Developer instructions are part of the history, and stay what they were.
        _set_base_instructions(thread, params)
        thread.loaded, thread.status = True, {"type": "idle"}
    thread.subscribed = True
    full = params.get("excludeTurns") is not True
    if full:
        _deprecated(process, f"use `excludeTurns: true`, {_PAGE_INSTEAD}")
    opened = thread.opened_json(process.world.version)
    opened["thread"] = thread.as_json(process.world.version, "full" if full else None)
    process.wire.result(
        request_id,
        {
            **opened,
            "collaborationMode": thread.settings.as_json()["collaborationMode"],
            "initialTurnsPage": None,
            "turnsBackwardsCursor": _cursor(thread),
            "itemsBackwardsCursor": _cursor(thread),
        },
    )
    if full and thread.turns:
        params = {"threadId": thread.id, "turnId": thread.turns[-1].id}
        usage = {**params, "tokenUsage": thread.usage_json()}
        process.wire.notify("thread/tokenUsage/updated", usage)
    process.wire.notify("thread/goal/cleared", {"threadId": thread.id})
    for question in process.wire.questions.values():
        if question.thread is thread and question.answer is None:
            process.wire.send(question.message)


def _read(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _known(process, params, "thread not loaded: {}")
    version = process.world.version
    view = None
    if params.get("includeTurns") is True:
        if thread.ephemeral:
            raise Refused("ephemeral threads do not support includeTurns")
        if not thread.turns:
            raise Refused("list_turns is not supported yet", NOT_SUPPORTED)
        _deprecated(process, f"omit `includeTurns` or set it to `false`, {_PAGE_INSTEAD}")
        view = "full"
    state = None if thread.first_unread is None else _read_state(process, thread)
    process.wire.result(request_id, {"thread": thread.as_json(version, view), "readState": state})


def _list(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    archived = params.get("archived") is True
    threads = [
        thread
        for thread in process.world.threads.values()
        if thread.preview and thread.archived is archived
    ]
    limit, start = params.get("limit"), text_or_none(params, "cursor") or "0"
    if not start.isdigit():
        raise Refused(f"invalid cursor: {start}")
    size = max(1, limit) if isinstance(limit, int) else PAGE
    end = int(start) + size
    page = threads[::-1][int(start) : end]
    process.wire.result(
        request_id,
        {
            "data": [
                {**thread.as_json(process.world.version), "canAcceptDirectInput": None}
                for thread in page
            ],
            "readStates": {
                thread.id: _read_state(process, thread) for thread in page if thread.first_unread
            },
            "nextCursor": str(end) if end < len(threads) else None,
            "backwardsCursor": start if page else None,
        },
    )


def _loaded(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _ = params
    loaded = [thread.id for thread in process.world.threads.values() if thread.loaded]
    process.wire.result(request_id, {"data": loaded, "nextCursor": None})


def _turns(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _known(process, params, "thread not loaded: {}")
    view = text_or_none(params, "itemsView") or "summary"
    turns = [turn.as_json(view) for turn in reversed(thread.turns)]
    result = {"data": turns, "nextCursor": None, "backwardsCursor": _cursor(thread)}
    process.wire.result(request_id, result)


def _name(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    name = need(params, "name")
    thread = _known(process, params, "no rollout found for thread id {}")
    thread.name = str(name)
    process.wire.result(request_id, {})
    told = {"threadId": thread.id, "threadName": thread.name}
    process.wire.notify("thread/name/updated", told)


def _archive(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _on_disk(process, params, kind="session")
    if thread.archived:
        raise Refused(f"no rollout found for thread id {thread.id}")

    async def archive() -> None:
        if (turn := thread.turn) is not None:
            turn.scope.cancel()
            await turn.done.wait()
        for terminal in [*thread.terminals.values()]:
            terminal.kill("clean")
            await terminal.ended.wait()
        process.set_status(thread, {"type": "notLoaded"})
        thread.archived, thread.loaded, thread.subscribed = True, False, False
        process.wire.result(request_id, {})
        process.wire.notify("thread/archived", {"threadId": thread.id})

    process.start_soon(archive)


def _unarchive(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _known(process, params, "no archived rollout found for thread id {}", kind="session")
    if not thread.archived:
        raise Refused(f"no archived rollout found for thread id {thread.id}")
    thread.archived = False
    process.wire.result(request_id, {"thread": thread.as_json(process.world.version)})
    process.wire.notify("thread/unarchived", {"threadId": thread.id})


def _unsubscribe(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = process.world.threads.get(need_thread_id(params))
    if thread is None or not thread.loaded:
        status = "notLoaded"
    else:
        status = "unsubscribed" if thread.subscribed else "notSubscribed"
        thread.subscribed = False
    process.wire.result(request_id, {"status": status})


def loaded_thread(process: FakeProcess, params: Json) -> FakeThread:
    """Return the thread that a request names, which must be loaded."""
    thread_id = need_thread_id(params)
    thread = process.world.threads.get(thread_id)
    if thread is None or not thread.loaded:
        raise Refused(f"thread not found: {thread_id}")
    return thread


def _set_base_instructions(thread: FakeThread, params: Json) -> None:
    own = text_or_none(params, "baseInstructions")
    thread.base_instructions = thread.base_instructions if own is None else own


def _known(
    process: FakeProcess, params: Json, otherwise: str, *, kind: str = "thread"
) -> FakeThread:
    thread_id = need_thread_id(params, kind=kind)
    thread = process.world.threads.get(thread_id)
    if thread is None or not (thread.loaded or thread.durable):
        raise Refused(otherwise.format(thread_id), INVALID_REQUEST)
    return thread


def _on_disk(process: FakeProcess, params: Json, *, kind: str) -> FakeThread:
    thread = _known(process, params, "no rollout found for thread id {}", kind=kind)
    if not thread.durable:
        # Nothing is written before the first turn (facts 14 and 15).
        raise Refused(f"no rollout found for thread id {thread.id}")
    return thread


def _cursor(thread: FakeThread) -> str | None:
    """Return where a page of turns or items would begin; opaque to clients (fact 28)."""
    return f'{{"turnId":"{thread.turns[-1].id}"}}' if thread.turns else None


def _read_state(process: FakeProcess, thread: FakeThread) -> Json:
    unread = {"type": "turn", "turnId": thread.first_unread}
    return {"firstUnread": unread, "revision": process.ticker.uuid()}


def _deprecated(process: FakeProcess, instead: str) -> None:
    process.wire.notify("deprecationNotice", {"summary": _HYDRATION + instead, "details": None})


THREAD_HANDLERS: dict[str, Handler] = {
    "thread/archive": _archive,
    "thread/list": _list,
    "thread/loaded/list": _loaded,
    "thread/name/set": _name,
    "thread/read": _read,
    "thread/resume": _resume,
    "thread/start": _start,
    "thread/turns/list": _turns,
    "thread/unarchive": _unarchive,
    "thread/unsubscribe": _unsubscribe,
}
"""What plays each request."""
