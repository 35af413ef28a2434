"""Parameters of requests to the fake, refused in the words of codex 0.163."""

from __future__ import annotations

from codex_runtime.testing._fake_state import Settings
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, is_list, is_object, member, objects

__all__ = [
    "apply_overrides",
    "approval_policy",
    "need",
    "need_thread_id",
    "need_user_input",
    "sandbox_policy",
    "text_or_none",
]

MAX_INPUT = 1_048_576
"""Characters of one input (fact 45)."""

_POLICIES = ("untrusted", "on-request", "granular", "never")
_MODES: dict[str, Json] = {
    "read-only": {"type": "readOnly", "networkAccess": False},
    "workspace-write": {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    },
    "danger-full-access": {"type": "dangerFullAccess"},
}
_SANDBOXES = ("dangerFullAccess", "readOnly", "externalSandbox", "workspaceWrite")
_INPUTS = ("text", "image", "localImage", "audio", "localAudio", "skill", "mention")


def need(params: Json, field: str) -> object:
    """Return a parameter that must be there."""
    if field not in params:
        raise Refused(f"Invalid request: missing field `{field}`")
    return params[field]


def need_thread_id(params: Json, *, kind: str = "thread") -> str:
    """Return the `threadId`, in its own spelling; codex also takes a URN and capitals (fact 13)."""
    value = need(params, "threadId")
    if not isinstance(value, str):
        raise Refused(f"Invalid request: invalid type: {_typed(value)}, expected a string")
    bare = value.lower().removeprefix("urn:uuid:")
    for place, character in enumerate(bare, 1):
        if character not in "0123456789abcdef-":
            raise Refused(
                f"invalid {kind} id: invalid character: expected an optional prefix of "
                f"`urn:uuid:` followed by [0-9a-fA-F-], found `{character}` at {place}"
            )
    if len(bare.replace("-", "")) != 32:  # noqa: PLR2004 — the hex digits of a UUID
        raise Refused(
            f"invalid {kind} id: invalid length: expected length 32 for simple format, "
            f"found {len(bare)}"
        )
    return bare


def need_user_input(params: Json) -> list[Json]:
    """Return the `input` of a turn."""
    value = need(params, "input")
    if not is_list(value):
        raise Refused(f"Invalid request: invalid type: {_typed(value)}, expected a sequence")
    parts = objects(value)
    for part in parts:
        _variant(part.get("type"), _INPUTS)
        if part["type"] == "text":
            need(part, "text")
    size = sum(len(str(part.get("text", ""))) for part in parts)
    if size > MAX_INPUT:
        data = {
            "input_error_code": "input_too_large",
            "max_chars": MAX_INPUT,
            "actual_chars": size,
        }
        message = f"Input exceeds the maximum length of {MAX_INPUT} characters."
        raise Refused(message, code=-32602, data=data)
    return parts


def text_or_none(params: Json, field: str) -> str | None:
    """Return a text parameter that may be absent or null."""
    value = params.get(field)
    if value is not None and not isinstance(value, str):
        raise Refused(f"Invalid request: invalid type: {_typed(value)}, expected a string")
    return value


def approval_policy(params: Json) -> str | Json | None:
    """Return the `approvalPolicy`, if there is one."""
    value = params.get("approvalPolicy")
    if value is None:
        return None
    if is_object(value):
        return value
    return _variant(value, _POLICIES)


def sandbox_policy(params: Json) -> Json | None:
    """Return the sandbox that `sandbox` or `sandboxPolicy` names, if there is one (fact 20)."""
    if (mode := params.get("sandbox")) is not None:
        return dict(_MODES[_variant(mode, tuple(_MODES))])
    policy = params.get("sandboxPolicy")
    if policy is None:
        return None
    kind = _variant(member(policy).get("type"), _SANDBOXES)
    known = {each["type"]: each for each in _MODES.values()}
    return {**known.get(kind, {}), **member(policy)}


def apply_overrides(settings: Settings, params: Json, cwd: str) -> None:
    """Put the overrides of a request into `settings`; a relative cwd is taken from `cwd`."""
    where = text_or_none(params, "cwd")
    if where is not None:
        settings.cwd = where if where.startswith("/") else f"{cwd.rstrip('/')}/{where}"
    settings.approval_policy = approval_policy(params) or settings.approval_policy
    if (sandbox := sandbox_policy(params)) is not None:
        settings.sandbox, settings.profile = sandbox, None
    settings.model = text_or_none(params, "model") or settings.model
    settings.effort = text_or_none(params, "effort") or settings.effort
    settings.summary = text_or_none(params, "summary") or settings.summary


def _variant(value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(f"`{each}`" for each in known)
        raise Refused(f"Invalid request: unknown variant `{value}`, expected one of {listed}")
    return value


def _typed(value: object) -> str:
    """Return how codex names a value of the wrong type."""
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, (int, float)):
        return f"{'integer' if isinstance(value, int) else 'floating point'} `{value}`"
    if isinstance(value, str):
        return f'string "{value}"'
    if value is None:
        return "null"
    return "sequence" if is_list(value) else "map"
