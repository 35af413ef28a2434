"""The requests that the fake app-server plays, refused in the words of codex 0.163."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.protocol import methods
from codex_runtime.testing._fake_goals import GOAL_HANDLERS
from codex_runtime.testing._fake_history import HISTORY_HANDLERS
from codex_runtime.testing._fake_input import hear_context, need_context, need_items
from codex_runtime.testing._fake_items import input_text
from codex_runtime.testing._fake_lists import LIST_HANDLERS
from codex_runtime.testing._fake_opening import OPENING_HANDLERS
from codex_runtime.testing._fake_params import need, text_or_none
from codex_runtime.testing._fake_queue import QUEUE_HANDLERS
from codex_runtime.testing._fake_records import RECORD_HANDLERS
from codex_runtime.testing._fake_reviews import REVIEW_HANDLERS
from codex_runtime.testing._fake_settings import changed_settings, check_settings
from codex_runtime.testing._fake_shell import SHELL_HANDLERS
from codex_runtime.testing._fake_state import FakeThread, FakeTurn
from codex_runtime.testing._fake_terminals import TERMINAL_HANDLERS
from codex_runtime.testing._fake_threads import (
    Handler,
    RequestId,
    loaded_thread,
    take_settings,
)
from codex_runtime.testing._fake_wire import INTERNAL_ERROR, Refused
from codex_runtime.testing._home import DEFAULT_MODEL
from codex_runtime.testing._json import Json, is_list, member

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["HANDLERS", "unplayed"]

_NOT_STEERABLE = ("compact", "review")


def unplayed(method: str) -> Refused:
    """Return the refusal of a method that the fake does not play."""
    if method in methods.CLIENT_REQUESTS:
        return Refused(
            f"the fake app-server does not play `{method}`; "
            f"give it an answer with fake.on_request({method!r}, …)"
        )
    known = ", ".join(f"`{name}`" for name in methods.CLIENT_REQUESTS)
    return Refused(f"Invalid request: unknown variant `{method}`, expected one of {known}")


def _initialize(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    info = need(params, "clientInfo")
    for field in ("name", "version"):
        need(member(info), field)
    name = str(member(info)["name"])
    if process.client_name is not None:
        raise Refused("Already initialized")
    if not name.isprintable():
        raise Refused(f"Invalid clientInfo.name: '{name}'. Must be a valid HTTP header value.")
    capabilities = member(params.get("capabilities"))
    process.client_name = name
    process.experimental = capabilities.get("experimentalApi") is True
    opted_out = capabilities.get("optOutNotificationMethods")
    process.wire.opted_out = frozenset(map(str, opted_out)) if is_list(opted_out) else frozenset()
    version = process.world.version
    client = f"({name}; {member(info)['version']})"
    process.wire.result(
        request_id,
        {
            "userAgent": f"{name}/{version} (Fake 1.0.0; x86_64) unknown {client}",
            "codexHome": process.world.codex_home,
            "platformFamily": "unix",
            "platformOs": "linux",
        },
    )
    status = {
        "status": "disabled",
        "serverName": "fake",
        "installationId": process.ticker.uuid(),
        "environmentId": None,
    }
    process.wire.notify("remoteControl/status/changed", status)


def _turn_start(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    content = need_items(params)
    context = need_context(process, params, "turn/start")
    # As in codex, what is misspelled is told before what is missing.
    check_settings("turn/start", params, experimental=process.experimental)
    thread = loaded_thread(process, params)
    client_id = text_or_none(params, "clientUserMessageId")
    settings = changed_settings(thread.settings, params, process.world.cwd)
    schema, running = params.get("outputSchema"), thread.turn
    if running is not None:
        _check_addition(running, content, schema)
    take_settings(process, thread, settings)
    hear_context(thread, context)
    if running is not None:
        # Not an error: it steers the running turn, under that turn's id (fact 53).
        _steer(running, content, client_id)
        process.wire.result(request_id, {"turn": _bare(running)})
        return
    turn = FakeTurn(process.ticker.uuid(), content, client_id, schema)
    if not thread.ephemeral:
        thread.preview = thread.preview or input_text(content)
    process.wire.result(request_id, {"turn": turn.as_json()})
    process.start_turn(thread, turn)


def _check_addition(turn: FakeTurn, content: list[Json], schema: object) -> None:
    """Refuse what a `turn/start` cannot add to a turn that runs already."""
    why = None
    if turn.kind in _NOT_STEERABLE:
        why = f"ActiveTurnNotSteerable {{ turn_kind: {turn.kind.capitalize()} }}"
    elif not content:
        why = "EmptyInput"
    elif schema not in (None, turn.output_schema):
        why = "ActiveTurnOutputSchemaMismatch"
    if why is not None:
        raise Refused(f"failed to submit turn input: {why}", code=INTERNAL_ERROR)


def _turn_steer(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    content = need_items(params)
    context = need_context(process, params, "turn/steer")
    expected = need(params, "expectedTurnId")
    thread = loaded_thread(process, params)
    turn = thread.turn
    if not expected:
        raise Refused("expectedTurnId must not be empty")
    if turn is None or not turn.started:
        raise Refused("no active turn to steer")
    if turn.id != expected:
        raise Refused(f"expected active turn id `{expected}` but found `{turn.id}`")
    if turn.kind in _NOT_STEERABLE:
        raise _not_steerable(turn.kind)
    if not content:
        raise Refused("input must not be empty")
    hear_context(thread, context)
    _steer(turn, content, text_or_none(params, "clientUserMessageId"))
    process.wire.result(request_id, {"turnId": turn.id})


def _not_steerable(kind: str) -> Refused:
    message = f"cannot steer a {kind} turn"
    data = {
        "message": message,
        "codexErrorInfo": {"activeTurnNotSteerable": {"turnKind": kind}},
        "additionalDetails": None,
        "misalignment": None,
    }
    return Refused(message, data=data)


def _steer(turn: FakeTurn, content: list[Json], client_id: str | None) -> None:
    turn.steering.append((content, client_id))
    if turn.stream is not None:
        # The half-written message is never completed (fact 52).
        turn.stream.cancel()


def _turn_interrupt(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    wanted = need(params, "turnId")
    thread = loaded_thread(process, params)
    turn = thread.turn
    if wanted == "":
        # Undocumented, and it works at any time (fact 58).
        if turn is None:
            process.wire.result(request_id, {})
        else:
            _interrupt(turn, request_id)
    elif turn is not None and turn.started:
        if turn.interrupt_id != wanted:
            raise Refused(f"expected active turn id {wanted} but found {turn.interrupt_id}")
        _interrupt(turn, request_id)
    elif turn is not None and turn.kind == "review" and thread.last_interrupted is None:
        # One that has not quite begun is taken, unlike any other turn.
        _interrupt(turn, request_id)
    else:
        _interrupt_idle(thread, request_id, str(wanted))


def _interrupt(turn: FakeTurn, request_id: RequestId) -> None:
    turn.interrupters.append(request_id)
    turn.scope.cancel()


def _interrupt_idle(thread: FakeThread, request_id: RequestId, wanted: str) -> None:
    last = thread.last_interrupted
    if last is None:
        raise Refused("no active turn to interrupt")
    if last != wanted:
        raise Refused(f"expected active turn id {wanted} but found {last}")
    # No answer at all until the next turn of the thread ends (fact 60).
    thread.unanswered.append(request_id)


def _bare(turn: FakeTurn) -> Json:
    return {**turn.as_json(), "startedAt": None}


def _model_list(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _ = params
    efforts = ("low", "medium", "high", "xhigh")
    model = {
        "id": DEFAULT_MODEL,
        "model": DEFAULT_MODEL,
        "upgrade": None,
        "upgradeInfo": None,
        "availabilityNux": None,
        "displayName": "GPT-5.5",
        "description": "The only model of the fake app-server.",
        "modelSpecialty": None,
        "hidden": False,
        "supportedReasoningEfforts": [
            {"reasoningEffort": effort, "description": effort} for effort in efforts
        ],
        "defaultReasoningEffort": "medium",
        "inputModalities": ["text", "image"],
        "supportsPersonality": False,
        "multiAgentVersion": None,
        "additionalSpeedTiers": [],
        "serviceTiers": [],
        "defaultServiceTier": None,
        "availableAccessPrograms": None,
        "isDefault": True,
    }
    process.wire.result(request_id, {"data": [model], "nextCursor": None})


def _account_read(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _ = params
    result = {"account": None, "requiresOpenaiAuth": False, "workspaceRouting": None}
    process.wire.result(request_id, result)


def _command_exec(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _ = process, request_id
    need(params, "command")
    raise Refused(
        "the fake app-server runs no commands; "
        "give it an answer with fake.on_request('command/exec', …)"
    )


HANDLERS: dict[str, Handler] = {
    **OPENING_HANDLERS,
    **TERMINAL_HANDLERS,
    **GOAL_HANDLERS,
    **HISTORY_HANDLERS,
    **LIST_HANDLERS,
    **QUEUE_HANDLERS,
    **RECORD_HANDLERS,
    **REVIEW_HANDLERS,
    **SHELL_HANDLERS,
    "account/read": _account_read,
    "command/exec": _command_exec,
    "initialize": _initialize,
    "model/list": _model_list,
    "turn/interrupt": _turn_interrupt,
    "turn/start": _turn_start,
    "turn/steer": _turn_steer,
}
"""What plays each request."""
