"""The `thread/goal/*` requests that the fake app-server plays, and the model's tool for goals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codex_runtime.testing._fake_idle import count_tokens, go_on, tell_goal
from codex_runtime.testing._fake_params import text_or_none, variant
from codex_runtime.testing._fake_threads import Handler, RequestId, compact, known_thread
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, member
from codex_runtime.testing._responses import response_usage

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread
    from codex_runtime.testing._step_types import ToolCall

__all__ = ["GOAL_HANDLERS", "use_goal_tool"]

_STATUSES = ("active", "paused", "blocked", "usageLimited", "budgetLimited", "complete")

_MAX_OBJECTIVE = 4_000
"""Characters (fact 234)."""

_REPORT = "Goal achieved. Report final usage from this tool result's structured goal fields."
"""How what codex tells the model of an achieved goal begins."""


def _get(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    process.wire.result(request_id, {"goal": _thread(process, params).kept.goal})


def _set(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    objective, status = text_or_none(params, "objective"), text_or_none(params, "status")
    if status is not None:
        variant(status, _STATUSES)
    thread = _thread(process, params)
    goal = _changed(process, thread, objective, status, params.get("tokenBudget"))
    thread.kept.goal, thread.kept.durable, thread.kept.goal_rests = goal, True, False
    process.wire.result(request_id, {"goal": dict(goal)})
    tell_goal(process, thread)
    go_on(process, thread)


def _changed(
    process: FakeProcess,
    thread: FakeThread,
    objective: str | None,
    status: str | None,
    budget: object,
) -> Json:
    now, old = process.ticker.now(), thread.kept.goal
    if objective is not None and not objective.strip():
        raise Refused("goal objective must not be empty")
    if objective is not None and len(objective) > _MAX_OBJECTIVE:
        raise Refused(f"goal objective must be at most {_MAX_OBJECTIVE} characters")
    if isinstance(budget, int) and budget <= 0:
        raise Refused("goal budgets must be positive when provided")
    if old is None and objective is None:
        raise Refused(f"cannot update goal for thread {thread.id}: no goal exists")
    fresh = {
        "threadId": thread.id,
        "status": "active",
        "tokenBudget": None,
        "tokensUsed": 0,
        "timeUsedSeconds": 0,
        "createdAt": now,
    }
    said: dict[str, Any] = {"objective": objective, "status": status, "tokenBudget": budget}
    given = {name: value for name, value in said.items() if value is not None}
    return {**(old or fresh), **given, "updatedAt": now}


def _clear(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    thread = _thread(process, params)
    cleared, thread.kept.goal = thread.kept.goal is not None, None
    process.wire.result(request_id, {"cleared": cleared})
    if cleared:
        process.wire.notify("thread/goal/cleared", {"threadId": thread.id})


def _thread(process: FakeProcess, params: Json) -> FakeThread:
    thread = known_thread(process, params, "thread not found: {}")
    if thread.archived:
        raise Refused(f"thread not found: {thread.id}")
    if thread.ephemeral:
        raise Refused(f"ephemeral thread does not support goals: {thread.id}")
    return thread


def use_goal_tool(process: FakeProcess, thread: FakeThread, call: ToolCall) -> str | None:
    """Play the model's call of a tool for goals; return what it is told, None for another tool."""
    goal = thread.kept.goal
    if call.name != "update_goal" or call.namespace is not None:
        return None
    if goal is None:
        return "cannot update goal because this thread has no goal"
    usage = response_usage(call)
    count_tokens(process, thread, usage.input + usage.output)
    goal["status"] = str(member(json.loads(call.arguments)).get("status"))
    goal["updatedAt"] = process.ticker.now()
    tell_goal(process, thread)
    budget = goal["tokenBudget"]
    told = {
        "goal": goal,
        "remainingTokens": None if budget is None else max(0, budget - goal["tokensUsed"]),
        "completionBudgetReport": _REPORT if goal["status"] == "complete" else None,
    }
    return compact(told)


GOAL_HANDLERS: dict[str, Handler] = {
    "thread/goal/clear": _clear,
    "thread/goal/get": _get,
    "thread/goal/set": _set,
}
"""What plays each request."""
