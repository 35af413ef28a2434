"""From an answer to what goes over the wire, kind by kind; and the refusal of each kind.

What codex cannot read it takes for a refusal without a word (facts 74, 79 to 83), so an answer that
does not fit is refused here, where whoever gave it can correct it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec

from codex_runtime import protocol
from codex_runtime._form_answers import checked_form
from codex_runtime._granting import access_of
from codex_runtime._outgoing import encode
from codex_runtime._refusing import Reply, refusal_of, told_by_tool
from codex_runtime.answers import (
    Allow,
    Answer,
    Answers,
    AttestationToken,
    AuthTokens,
    Cancel,
    Deny,
    ElicitationAnswer,
    GrantPermissions,
    ToolResult,
)
from codex_runtime.errors import InvalidAnswer, UnsendableValue
from codex_runtime.protocol import SERVER_REQUESTS, UNSET
from codex_runtime.requests import (
    AttestationRequest,
    AuthTokensRefresh,
    CommandApproval,
    CurrentTimeRequest,
    Decision,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    PermissionsApproval,
    ServerRequest,
    ToolCallRequest,
    UnknownRequest,
    UserInputRequest,
)

__all__ = ["reply_to"]

_LEGACY: Final[dict[str, Decision]] = {
    "approved": "allowed",
    "approved_for_session": "allowed",
    "abort": "cancelled",
    "timed_out": "denied",
}
"""The decisions of the legacy protocol that are words."""

_LASTING: Final = (Allow, GrantPermissions, ElicitationAnswer)
"""Answers that say for how long they hold."""

_DECISIONS: Final = frozenset({"accept", "acceptForSession", "decline", "cancel"})
_YES: Final = frozenset({"accept", "acceptForSession"})


def reply_to(request: ServerRequest, answer: Answer | Mapping[str, Any]) -> Reply:
    """What is sent for this answer to this request.

    Raises:
        InvalidAnswer: It does not fit.
    """
    try:
        _check_words(request, answer)
        reply = _REPLIES[type(request)](request, answer) or _no(request, answer)
        _check_readable(request, reply)
    except InvalidAnswer:
        raise
    except UnsendableValue as error:
        problem = f"cannot be sent: {error.field} {error.problem}"
        raise _invalid(request, problem, error.fix) from None
    except msgspec.ValidationError as error:
        raise _invalid(
            request, f"is not as the protocol says: {error}", _fitting(request)
        ) from None
    except Exception as error:  # noqa: BLE001 — the boundary to code of the user
        # An answer comes from code of the user, and may be anything; its text may be a secret.
        problem = f"cannot be read ({type(error).__name__})"
        raise _invalid(request, problem, _fitting(request)) from None
    return reply


def _no(request: ServerRequest, answer: Any) -> Reply:
    if not isinstance(answer, Deny | Cancel):
        raise _invalid(request, f"is of type {type(answer).__name__}", _fitting(request))
    refusal = refusal_of(request, answer.reason)
    if isinstance(answer, Cancel):
        return refusal._replace(decision="cancelled", reason=answer.reason, ends_turn=True)
    return refusal._replace(decision="denied", reason=answer.reason)


def _check_words(request: ServerRequest, answer: Any) -> None:
    """What is not sent as it is has to be what it seems: a text, a yes or a no."""
    if isinstance(answer, Deny | Cancel) and not isinstance(answer.reason, str):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise _invalid(request, f"has a reason of type {type(answer.reason).__name__}", "use text")
    lasting: Any = getattr(answer, "for_session", False)
    if isinstance(answer, _LASTING) and not isinstance(lasting, bool):
        raise _invalid(request, "has a for_session that is no bool", "use True or False")


def _check_readable(request: ServerRequest, reply: Reply) -> None:
    """What is sent is read back as the protocol says: codex takes anything else for a no."""
    entry = SERVER_REQUESTS.get(request.method)
    if entry is not None and reply.result is not None and not isinstance(request, UnknownRequest):
        msgspec.json.decode(reply.result, type=entry.result_type)


def _command(request: CommandApproval, answer: Any) -> Reply | None:
    if isinstance(answer, protocol.CommandExecutionRequestApprovalResponse):
        decision = answer.decision
        if isinstance(decision, protocol.CommandExecutionApprovalDecisionObject):
            return _amended(request, answer, decision)
        return _decided(request, decision)
    return _plain_decision(answer)


def _amended(
    request: CommandApproval,
    answer: Any,
    decision: protocol.CommandExecutionApprovalDecisionObject,
) -> Reply:
    rule, host = decision.accept_with_execpolicy_amendment, decision.apply_network_policy_amendment
    if (rule is None) == (host is None):
        raise _invalid(request, "holds no amendment, or two", "name one of them")
    if rule is not None and not rule.execpolicy_amendment:
        raise _invalid(request, "holds a rule that is about every command", "name its first words")
    if host is not None and request.network is None:
        # Codex would take it for a yes to the command (fact 304).
        raise _invalid(request, "amends the rules for a host", "this request is about none")
    return Reply("allowed", encode(answer), reason="with a lasting rule")


def _file_change(request: FileChangeApproval, answer: Any) -> Reply | None:
    if isinstance(answer, protocol.FileChangeRequestApprovalResponse):
        return _decided(request, answer.decision)
    return _plain_decision(answer)


def _plain_decision(answer: Any) -> Reply | None:
    match answer:
        case Allow(for_session=lasting):
            decision = "acceptForSession" if lasting else "accept"
            return Reply("allowed", encode({"decision": decision}))
        case Cancel(reason=reason):
            return Reply("cancelled", encode({"decision": "cancel"}), reason=reason)
        case _:
            return None


def _decided(request: ServerRequest, decision: Any) -> Reply:
    if decision not in _DECISIONS:
        fix = f"codex knows {sorted(_DECISIONS)}"
        raise _invalid(request, "has a decision that codex does not know", fix)
    if decision in _YES:
        word: Decision = "allowed"
    else:
        word = "denied" if decision == "decline" else "cancelled"
    return Reply(word, encode({"decision": decision}))


def _permissions(request: PermissionsApproval, answer: Any) -> Reply | None:
    match answer:
        case Allow(for_session=lasting):
            granted: Any = request.permissions
        case GrantPermissions(permissions=granted, for_session=lasting):
            _check_granted(request, granted)
        case protocol.PermissionsRequestApprovalResponse():
            _check_granted(request, answer.permissions)
            if answer.scope not in (UNSET, "turn", "session"):
                raise _invalid(request, "has a scope that there is not", "use 'turn' or 'session'")
            granted = access_of(answer.permissions)
            return Reply("allowed" if granted else "denied", encode(answer))
        case _:
            return None
    scope = "session" if lasting else "turn"
    decision: Decision = "allowed" if access_of(granted) else "denied"
    return Reply(decision, encode({"permissions": granted, "scope": scope}))


def _check_granted(request: PermissionsApproval, granted: Any) -> None:
    if not isinstance(granted, protocol.GrantedPermissionProfile):
        fix = "use protocol.GrantedPermissionProfile"
        raise _invalid(request, f"grants a {type(granted).__name__}", fix)
    # Codex grants nothing for what was not asked for, and interrupts the turn for a relative path
    # (facts 310 and 311).
    beyond = sorted(access_of(granted) - access_of(request.permissions))
    if beyond:
        fix = "grant what is asked for, as it is spelt"
        raise _invalid(request, f"grants {', '.join(map(' '.join, beyond))}", fix)


def _user_input(request: UserInputRequest, answer: Any) -> Reply | None:
    match answer:
        case Answers(answers=given):
            return Reply("answered", encode({"answers": _answers(request, given)}))
        case protocol.ToolRequestUserInputResponse(answers=given):
            plain = {each: list(texts.answers or ()) for each, texts in given.items()}
            return Reply("answered", encode({"answers": _answers(request, plain)}))
        case _:
            return None


def _answers(request: UserInputRequest, given: Any) -> dict[str, Any]:
    answers: Any = given
    if not isinstance(given, Mapping):
        raise _invalid(request, "holds no mapping", "map question ids to texts")
    asked = {question.id for question in request.questions}
    found: dict[str, Any] = {}
    for name, said in answers.items():
        if name not in asked:
            raise _invalid(
                request, f"answers {name!r}, which was not asked", f"asked: {sorted(asked)}"
            )
        texts = [said] if isinstance(said, str) else said
        if not isinstance(texts, Sequence) or not all(
            isinstance(text, str) for text in cast("Sequence[Any]", texts)
        ):
            raise _invalid(request, f"answers {name!r} with something else than text", "use texts")
        found[name] = {"answers": list(cast("Sequence[str]", texts))}
    return found


def _elicitation(request: McpElicitation, answer: Any) -> Reply | None:
    match answer:
        case Allow(for_session=lasting):
            return _accepted(request, None, lasting=lasting)
        case ElicitationAnswer(content=content, for_session=lasting):
            return _accepted(request, content, lasting=lasting)
        case Cancel(reason=reason):
            result = encode({"action": "cancel", "content": None})
            return Reply("cancelled", result, reason=reason, ends_turn=True)
        case protocol.McpServerElicitationRequestResponse(action=action):
            words: dict[Any, Decision] = {
                "accept": "answered",
                "decline": "denied",
                "cancel": "cancelled",
            }
            if action not in words:
                raise _invalid(request, "has an action that there is not", f"use {sorted(words)}")
            if action == "accept":
                _check_form(request, answer.content or None)
            return Reply(words[action], encode(answer))
        case _:
            return None


def _accepted(request: McpElicitation, content: Any, *, lasting: bool) -> Reply:
    _check_form(request, content)
    if lasting and "session" not in request.may_persist:
        raise _invalid(
            request, "is to hold for the session", "this server asks each time: leave it out"
        )
    decision: Decision = "allowed" if request.is_tool_approval else "answered"
    result: dict[str, Any] = {"action": "accept", "content": content}
    if lasting:
        result["_meta"] = {"persist": "session"}
    return Reply(decision, encode(result))


def _check_form(request: McpElicitation, content: Any) -> None:
    if request.schema is None and request.has_fields:
        # A form in a way of writing that this version does not know: its answer is the caller's.
        problem = None if content else ("has no content", "the form has fields: fill them in")
    else:
        problem = checked_form(request.schema, content)
    if problem is not None:
        raise _invalid(request, *problem)


def _tool_call(request: ToolCallRequest, answer: Any) -> Reply | None:
    match answer:
        case ToolResult():
            return Reply("answered", encode(told_by_tool(answer)))
        case protocol.DynamicToolCallResponse():
            return Reply("answered", encode(answer))
        case Deny(reason=reason):
            said = f"this call was refused: {reason}" if reason else "this call was refused"
            return refusal_of(request, said)._replace(decision="denied", reason=reason)
        case Allow():
            raise _invalid(
                request, "lets a tool run that is not known here", "answer with ToolResult"
            )
        case _:
            return None


def _auth_tokens(_: AuthTokensRefresh, answer: Any) -> Reply | None:
    match answer:
        case AuthTokens(access_token=token, account_id=account, plan_type=plan):
            result = protocol.ChatgptAuthTokensRefreshResponse(
                access_token=token,
                chatgpt_account_id=account,
                chatgpt_plan_type=UNSET if plan is None else plan,
            )
            return Reply("answered", encode(result))
        case protocol.ChatgptAuthTokensRefreshResponse():
            return Reply("answered", encode(answer))
        case _:
            return None


def _attestation(_: AttestationRequest, answer: Any) -> Reply | None:
    match answer:
        case AttestationToken(token=token):
            return Reply("answered", encode({"token": token}))
        case protocol.AttestationGenerateResponse():
            return Reply("answered", encode(answer))
        case _:
            return None


def _current_time(_: CurrentTimeRequest, answer: Any) -> Reply | None:
    if isinstance(answer, protocol.CurrentTimeReadResponse):
        return Reply("answered", encode(answer))
    return None


def _legacy(request: LegacyCommandApproval | LegacyPatchApproval, answer: Any) -> Reply | None:
    match answer:
        case Allow(for_session=lasting):
            decision = "approved_for_session" if lasting else "approved"
            return Reply("allowed", encode({"decision": decision}))
        case Cancel(reason=reason):
            return Reply("cancelled", encode({"decision": "abort"}), reason=reason)
        case protocol.ExecCommandApprovalResponse() | protocol.ApplyPatchApprovalResponse():
            return _legacy_decision(request, answer)
        case _:
            return None


def _legacy_decision(
    request: LegacyCommandApproval | LegacyPatchApproval,
    answer: protocol.ExecCommandApprovalResponse | protocol.ApplyPatchApprovalResponse,
) -> Reply | None:
    if type(answer) is not SERVER_REQUESTS[request.method].result_type:
        return None
    decision: Any = answer.decision
    if isinstance(decision, str):
        if decision not in _LEGACY:
            fix = f"codex knows {sorted(_LEGACY)}"
            raise _invalid(request, "has a decision that codex does not know", fix)
        return Reply(_LEGACY[decision], encode(answer))
    denied = getattr(decision, "denied", None) is not None
    return Reply("denied" if denied else "allowed", encode(answer))


def _unknown(_: UnknownRequest, answer: Any) -> Reply | None:
    return Reply("answered", encode(answer)) if isinstance(answer, Mapping) else None


_Replies: TypeAlias = Callable[[Any, Any], Reply | None]

_REPLIES: Final[dict[type[ServerRequest], _Replies]] = {
    CommandApproval: _command,
    FileChangeApproval: _file_change,
    PermissionsApproval: _permissions,
    UserInputRequest: _user_input,
    McpElicitation: _elicitation,
    ToolCallRequest: _tool_call,
    AuthTokensRefresh: _auth_tokens,
    AttestationRequest: _attestation,
    CurrentTimeRequest: _current_time,
    LegacyCommandApproval: _legacy,
    LegacyPatchApproval: _legacy,
    UnknownRequest: _unknown,
}

_FITTING: Final[dict[type[ServerRequest], str]] = {
    CommandApproval: "Allow, Deny or Cancel",
    FileChangeApproval: "Allow, Deny or Cancel",
    PermissionsApproval: "Allow, GrantPermissions, Deny or Cancel",
    UserInputRequest: "Answers, Deny or Cancel",
    McpElicitation: "ElicitationAnswer, Allow, Deny or Cancel",
    ToolCallRequest: "ToolResult, Deny or Cancel",
    AuthTokensRefresh: "AuthTokens or Deny",
    AttestationRequest: "AttestationToken or Deny",
    CurrentTimeRequest: "protocol.CurrentTimeReadResponse or Deny",
    LegacyCommandApproval: "Allow, Deny or Cancel",
    LegacyPatchApproval: "Allow, Deny or Cancel",
    UnknownRequest: "plain data under wire names, Deny or Cancel",
}


def _fitting(request: ServerRequest) -> str:
    return f"use {_FITTING[type(request)]}"


def _invalid(request: ServerRequest, problem: str, fix: str) -> InvalidAnswer:
    return InvalidAnswer(f"answer to {request.method}", problem, fix, request.request_id)
