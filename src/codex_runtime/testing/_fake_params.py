"""Parameters of requests to the fake, refused in the words of codex 0.163."""

from __future__ import annotations

from codex_runtime.testing._fake_wire import INVALID_PARAMS, Refused
from codex_runtime.testing._json import Json, is_list, objects

__all__ = [
    "direction_of",
    "limit_of",
    "need",
    "need_thread_id",
    "need_user_input",
    "page_size_of",
    "text_or_none",
    "typed",
    "variant",
]

MAX_INPUT = 1_048_576
"""Characters of one input (fact 45)."""

PAGE = 25
"""Entries of one page when the client names no limit."""

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
        raise Refused(f"Invalid request: invalid type: {typed(value)}, expected a string")
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
        raise Refused(f"Invalid request: invalid type: {typed(value)}, expected a sequence")
    parts = objects(value)
    for part in parts:
        variant(part.get("type"), _INPUTS)
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
        raise Refused(message, code=INVALID_PARAMS, data=data)
    return parts


def text_or_none(params: Json, field: str) -> str | None:
    """Return a text parameter that may be absent or null."""
    value = params.get(field)
    if value is not None and not isinstance(value, str):
        raise Refused(f"Invalid request: invalid type: {typed(value)}, expected a string")
    return value


def limit_of(params: Json) -> int | None:
    """Return the `limit` of a page, which may be absent or null."""
    value = params.get("limit")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"Invalid request: invalid type: {typed(value)}, expected u32")
    if not 0 <= value < 2**32:
        raise Refused(f"Invalid request: invalid value: {typed(value)}, expected u32")
    return value


def page_size_of(params: Json) -> int:
    """Return how many entries a page may have: `limit`, and at least one."""
    limit = limit_of(params)
    return max(1, PAGE if limit is None else limit)


def direction_of(params: Json, default: str) -> str:
    """Return the `sortDirection` of a list."""
    value = params.get("sortDirection")
    return default if value is None else variant(value, ("asc", "desc"))


def variant(value: object, known: tuple[str, ...]) -> str:
    """Return one of a closed set of texts."""
    if not isinstance(value, str) or value not in known:
        listed = [f"`{each}`" for each in known]
        # Two are joined by "or", more are listed.
        expected = " or ".join(listed) if len(listed) < 3 else f"one of {', '.join(listed)}"  # noqa: PLR2004 — see above
        raise Refused(f"Invalid request: unknown variant `{value}`, expected {expected}")
    return value


def typed(value: object) -> str:
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
