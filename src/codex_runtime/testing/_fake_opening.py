"""The requests that open threads and change their settings, as the fake app-server plays them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from codex_runtime.testing._fake_idle import go_on, tell_goal
from codex_runtime.testing._fake_params import need_thread_id, text_or_none
from codex_runtime.testing._fake_settings import apply_at_opening, changed_settings, check_settings
from codex_runtime.testing._fake_state import FakeThread, FakeTurn, Settings
from codex_runtime.testing._fake_threads import (
    PAGE_INSTEAD,
    Handler,
    RequestId,
    deprecated,
    loaded_thread,
    newest_turn,
    recorded_thread,
    refuse_archived,
    take_settings,
)
from codex_runtime.testing._fake_tools import checked_tools
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._home import DEFAULT_MODEL
from codex_runtime.testing._json import Json, member, objects

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["OPENING_HANDLERS"]


def _start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    if params.get("dynamicTools") is not None and not process.experimental:
        raise Refused("thread/start.dynamicTools requires experimentalApi capability")
    check_settings("thread/start", params, experimental=process.experimental)
    tools = checked_tools(objects(params.get("dynamicTools")))
    world = process.world
    settings = Settings(cwd=world.cwd, model=DEFAULT_MODEL)
    apply_at_opening(settings, params, world.cwd)
    thread = _new(process, settings, ephemeral=params.get("ephemeral") is True)
    thread.developer_instructions = text_or_none(params, "developerInstructions")
    thread.dynamic_tools = tools
    thread.features = _features(member(params.get("config")))
    _set_base_instructions(thread, params)
    process.wire.result(request_id, thread.opened_json(world.version))
    process.wire.notify("thread/started", {"thread": thread.as_json(world.version)})


def _features(config: Json) -> frozenset[str]:
    switches = dict(member(config.get("features")))
    for name, value in config.items():
        if name.startswith("features."):
            switches[name.removeprefix("features.")] = value
    return frozenset(name for name, value in switches.items() if value is True)


def _resume(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    check_settings("thread/resume", params, experimental=process.experimental)
    thread = _to_open(process, params)
    fresh = not thread.loaded
    if fresh:
        _load(process, thread, params)
    thread.subscribed = True
    full = params.get("excludeTurns") is not True
    if full:
        deprecated(process, f"use `excludeTurns: true`, {PAGE_INSTEAD}")
    if fresh:
        process.set_status(thread, {"type": "idle"})
    opened = thread.opened_json(process.world.version)
    opened["thread"] = thread.as_json(process.world.version, "full" if full else None)
    process.wire.result(
        request_id,
        {
            **opened,
            "collaborationMode": thread.settings.as_json()["collaborationMode"],
            "initialTurnsPage": None,
            "turnsBackwardsCursor": newest_turn(thread),
            "itemsBackwardsCursor": newest_turn(thread),
        },
    )
    if full or fresh:
        _tell_usage(process, thread)
    if thread.kept.goal is None:
        process.wire.notify("thread/goal/cleared", {"threadId": thread.id})
    else:
        tell_goal(process, thread)
    for question in process.wire.questions.values():
        if question.thread is thread and question.answer is None:
            process.wire.send(question.message)
    go_on(process, thread)


def _load(process: FakeProcess, thread: FakeThread, params: Json) -> None:
    # On a loaded thread overrides are ignored without a word (fact 33).
    settings = thread.settings
    defaults = Settings(cwd=settings.cwd, model=settings.model)
    settings.sandbox, settings.profile = defaults.sandbox, defaults.profile
    settings.tier, settings.summary = None, None
    apply_at_opening(settings, params, process.world.cwd)
    # Developer instructions are part of the history, and stay what they were.
    _set_base_instructions(thread, params)
    thread.loaded = True


def _fork(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    check_settings("thread/fork", params, experimental=process.experimental)
    last, before = params.get("lastTurnId"), params.get("beforeTurnId")
    if last is not None and before is not None:
        raise Refused("`beforeTurnId` cannot be combined with `lastTurnId`")
    source, world = _to_open(process, params), process.world
    ephemeral, full = params.get("ephemeral") is True, params.get("excludeTurns") is not True
    if ephemeral and full:
        raise Refused("ephemeral paginated thread/fork requires `excludeTurns: true`")
    if full:
        deprecated(process, f"use `excludeTurns: true`, {PAGE_INSTEAD}")
    thread = _copy_of(process, source, params, _taken_over(source, last, before))
    opened = thread.opened_json(world.version)
    opened["thread"] = thread.as_json(world.version, "full" if full else None)
    process.wire.result(request_id, opened)
    if full:
        _tell_usage(process, thread)
    process.wire.notify("thread/started", {"thread": thread.as_json(world.version)})


def _copy_of(process: FakeProcess, source: FakeThread, params: Json, count: int) -> FakeThread:
    """Make a thread that goes on with the first `count` turns of another."""
    # Of the source's settings only these are taken over: not its sandbox, nor its model.
    settings = Settings(
        cwd=source.started_in,
        model=DEFAULT_MODEL,
        approval_policy=source.settings.approval_policy,
        reviewer=source.settings.reviewer,
    )
    apply_at_opening(settings, params, process.world.cwd)
    thread = _new(process, settings, ephemeral=params.get("ephemeral") is True)
    thread.forked_from, thread.name = source.id, source.name
    thread.dynamic_tools = source.dynamic_tools
    thread.preview = source.preview if thread.ephemeral else ""
    thread.developer_instructions = source.developer_instructions
    thread.base_instructions = source.base_instructions
    _set_base_instructions(thread, params)
    rest = source.turns[count:]
    end = rest[0].place if rest else len(source.conversation)
    thread.conversation = source.conversation[:end]
    thread.turns = [_as_history(turn) for turn in source.turns[:count]]
    usage = rest[0].before if rest else (source.totals, source.last)
    thread.totals, thread.last = map(copy, usage)
    return thread


def _settings_update(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    method = "thread/settings/update"
    if not process.experimental:
        raise Refused(f"{method} requires experimentalApi capability")
    check_settings(method, params, experimental=True)
    thread = loaded_thread(process, params)
    settings = changed_settings(thread.settings, params, process.world.cwd)
    process.wire.result(request_id, {})
    take_settings(process, thread, settings)


def _unsubscribe(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = process.world.threads.get(need_thread_id(params))
    if thread is None or not thread.loaded:
        status = "notLoaded"
    else:
        status = "unsubscribed" if thread.subscribed else "notSubscribed"
        thread.subscribed = False
    process.wire.result(request_id, {"status": status})


def _requirements(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _ = params
    result = {"supportsIndependentSpeedModes": True, "requirements": None}
    process.wire.result(request_id, result)


def _new(process: FakeProcess, settings: Settings, *, ephemeral: bool) -> FakeThread:
    """Make a thread and keep it."""
    thread_id, created = process.ticker.uuid(), process.ticker.now()
    folder = f"{process.world.codex_home}/sessions/2026/09/21"
    thread = FakeThread(
        id=thread_id,
        settings=settings,
        created=created,
        path=None if ephemeral else f"{folder}/rollout-2026-09-21T14-13-20-{thread_id}.jsonl",
        originator=process.client_name or "",
        started_in=settings.cwd,
        ephemeral=ephemeral,
    )
    process.world.threads[thread_id] = thread
    return thread


def _to_open(process: FakeProcess, params: Json) -> FakeThread:
    thread = recorded_thread(process, params, kind="session")
    refuse_archived(thread)
    return thread


def _taken_over(source: FakeThread, last: object, before: object) -> int:
    """How many turns a fork takes over."""
    wanted = before if last is None else last
    if wanted is None:
        return len(source.turns)
    for place, turn in enumerate(source.turns):
        if turn.id == wanted:
            return place if last is None else place + 1
    raise Refused(f"turn not found: {wanted}")


def _as_history(turn: FakeTurn) -> FakeTurn:
    """A turn as a fork has it: under the same id, and interrupted where it still runs."""
    taken = copy(turn)
    taken.items = list(turn.items)
    if taken.status == "inProgress":
        taken.status = "interrupted"
    return taken


def _set_base_instructions(thread: FakeThread, params: Json) -> None:
    own = text_or_none(params, "baseInstructions")
    thread.base_instructions = thread.base_instructions if own is None else own


def _tell_usage(process: FakeProcess, thread: FakeThread) -> None:
    if thread.turns:
        params = {"threadId": thread.id, "turnId": thread.turns[-1].id}
        usage = {**params, "tokenUsage": thread.usage_json()}
        process.wire.notify("thread/tokenUsage/updated", usage)


OPENING_HANDLERS: dict[str, Handler] = {
    "configRequirements/read": _requirements,
    "thread/fork": _fork,
    "thread/resume": _resume,
    "thread/settings/update": _settings_update,
    "thread/start": _start,
    "thread/unsubscribe": _unsubscribe,
}
"""What plays each request."""
