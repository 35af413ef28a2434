"""What a fake turn asks the user through tools of codex's own: permissions, and questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codex_runtime.testing._fake_questions import APPROVAL, USER_INPUT, TurnCancelled
from codex_runtime.testing._fake_threads import compact
from codex_runtime.testing._json import Json, is_list, is_object, member, objects
from codex_runtime.testing._step_types import ToolCall

if TYPE_CHECKING:
    from codex_runtime.testing._fake_calls import CallPlay

__all__ = ["ask_permissions", "ask_user"]

RELATIVE = "failed to localize granted filesystem paths: path `{}` is not absolute"
"""Why a grant ends the turn (fact 311)."""


# -- permissions


def ask_permissions(calls: CallPlay, call_id: str, call: ToolCall) -> None:
    """Play a call of `request_permissions` (fact 310)."""
    arguments = _arguments(calls, call_id, call, "permissions")
    if arguments is None:
        return
    asked = _profile(member(arguments["permissions"]))
    if not any(asked.values()):
        calls.report(call_id, "request_permissions requires at least one permission")
        return
    play = calls.play
    process, thread = play.process, play.thread
    if not _may_ask(play.approval_policy):
        calls.report(call_id, _told_granted({}, "turn"))
        return
    process.flag(thread, APPROVAL)
    params = {
        "threadId": thread.id,
        "turnId": play.turn.id,
        "itemId": call_id,
        "startedAtMs": process.ticker.now_ms(),
        "environmentId": "local",
        "cwd": thread.settings.cwd,
        "reason": arguments.get("reason"),
        "permissions": asked,
    }

    def decided(answer: Json) -> None:
        granted, scope = _granted(asked, answer.get("result"))
        relative = [path for path in _paths(granted) if not path.startswith(("/", "~"))]
        if relative:
            error = _failure(RELATIVE.format(relative[0]))
            play.notify("error", error=error, willRetry=False)
            play.complained = True
        process.unflag(thread)
        if relative:
            raise TurnCancelled
        calls.report(call_id, _told_granted(_cut(asked, granted), scope))

    calls.questions.ask("item/permissions/requestApproval", params, decided)


def _may_ask(policy: str | Json) -> bool:
    granular = member(policy).get("granular")
    return member(granular).get("request_permissions") is True if granular else policy != "never"


def _profile(permissions: Json) -> Json:
    """What the model asks for, as the protocol has it."""
    network, files = permissions.get("network"), member(permissions.get("file_system"))
    asked: Json = {"network": network if is_object(network) else None, "fileSystem": None}
    if files:
        paths = {kind: files.get(kind) for kind in ("read", "write")}
        entries = [
            {"path": {"type": "path", "path": path}, "access": kind}
            for kind, found in paths.items()
            for path in found or ()
        ]
        asked["fileSystem"] = {**paths, "entries": entries}
    return asked


def _granted(asked: Json, result: object) -> tuple[Json, str]:
    """What an answer grants, as lists of paths by kind and whether the network is in it."""
    scope = member(result).get("scope", "turn")
    if scope not in ("turn", "session"):
        return {}, "turn"
    permissions = member(member(result).get("permissions"))
    files = member(permissions.get("fileSystem"))
    found: Json = {kind: list(files.get(kind) or ()) for kind in ("read", "write")}
    for entry in objects(files.get("entries")):
        path = member(entry.get("path")).get("path")
        if isinstance(path, str) and entry.get("access") in found:
            found[str(entry["access"])].append(path)
    wanted = member(asked["network"]).get("enabled") is True
    found["network"] = wanted and member(permissions.get("network")).get("enabled") is True
    return found, scope


def _paths(granted: Json) -> list[str]:
    return [str(path) for kind in ("read", "write") for path in granted.get(kind, ())]


def _cut(asked: Json, granted: Json) -> Json:
    """What of a grant was asked for."""
    files = member(asked["fileSystem"])
    return {
        "network": granted.get("network"),
        **{
            kind: [path for path in files.get(kind) or () if path in granted.get(kind, ())]
            for kind in ("read", "write")
        },
    }


def _told_granted(granted: Json, scope: str) -> str:
    files = {kind: granted[kind] for kind in ("read", "write") if granted.get(kind)}
    network = {"enabled": True} if granted.get("network") else None
    return compact(
        {"permissions": {"network": network, "file_system": files or None}, "scope": scope}
    )


def _failure(message: str) -> Json:
    return {
        "message": message,
        "codexErrorInfo": None,
        "additionalDetails": None,
        "misalignment": None,
    }


# -- questions


def ask_user(calls: CallPlay, call_id: str, call: ToolCall) -> None:
    """Play a call of `request_user_input` (fact 312)."""
    play = calls.play
    process, thread = play.process, play.thread
    if thread.settings.mode != "plan" and (
        "default_mode_request_user_input" not in thread.features
    ):
        calls.report(call_id, "request_user_input is unavailable in Default mode")
        return
    arguments = _arguments(calls, call_id, call, "questions")
    if arguments is None:
        return
    questions = objects(arguments["questions"])
    if not all(question.get("options") for question in questions):
        why = "request_user_input requires non-empty options for every question"
        calls.report(call_id, why)
        return
    process.flag(thread, USER_INPUT)
    params = {
        "threadId": thread.id,
        "turnId": play.turn.id,
        "itemId": call_id,
        "questions": [{**question, "isOther": True, "isSecret": False} for question in questions],
        "isBlocking": True,
        "autoResolutionMs": None,
    }

    def decided(answer: Json) -> None:
        process.unflag(thread)
        calls.report(call_id, compact({"answers": _answers(answer.get("result"))}))

    calls.questions.ask("item/tool/requestUserInput", params, decided)


def _answers(result: object) -> Json:
    """The answers in a result; none if one of them has the wrong form."""
    answers = member(member(result).get("answers"))
    texts = [member(each).get("answers") for each in answers.values()]
    good = all(is_list(each) and all(isinstance(text, str) for text in each) for each in texts)
    return {name: {"answers": each["answers"]} for name, each in answers.items()} if good else {}


def _arguments(calls: CallPlay, call_id: str, call: ToolCall, needed: str) -> Json | None:
    """The arguments of a call; None where they cannot be used, which the model is then told."""
    problem = f"missing field `{needed}`"
    try:
        found: Any = json.loads(call.arguments)
    except ValueError as error:
        found, problem = None, str(error)
    if is_object(found) and needed in found:
        return found
    calls.report(call_id, f"failed to parse function arguments: {problem}")
    return None
