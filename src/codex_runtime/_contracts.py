"""What the types of the protocol do not say of parameters and results, and still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard

from codex_runtime._arguments import canonical_id

__all__ = ["Broken", "broken_params", "broken_result", "is_array", "is_object", "other_thread"]

Json: TypeAlias = dict[str, Any]


_IDS: Final = (
    "threadId",
    "turnId",
    "expectedTurnId",
    "beforeTurnId",
    "lastTurnId",
    "parentTurnId",
    "rootTurnId",
    "sourceTurnId",
    "parentThreadId",
    "beforeThreadId",
    "ancestorThreadId",
)
"""The parameters that name a thread or a turn."""


class Broken(NamedTuple):
    """One rule that is broken.

    Attributes:
        path: Where, as a JSON path.
        problem: How; never with the value.
        fix: What to do about it.
    """

    path: str
    problem: str
    fix: str = ""


def is_object(data: object) -> TypeGuard[Json]:
    """Say whether decoded JSON is an object."""
    return isinstance(data, dict)


def is_array(data: object) -> TypeGuard[list[Any]]:
    """Say whether decoded JSON is an array."""
    return isinstance(data, list)


def broken_params(method: str, params: Json) -> Broken | None:
    """The first rule that these parameters break; they have the type that the method wants."""
    of_method = _PARAMS.get(method)
    rules = (_ids(params), _page_limit(params), of_method(params) if of_method else ())
    return next((broken for rule in rules for broken in rule), None)


def broken_result(method: str, result: Json) -> Broken | None:
    """The first thing that this result lacks, of what it is good for."""
    for path in _RESULTS.get(method, ()):
        found: Any = result
        for key in path.split("."):
            found = found.get(key) if is_object(found) else None
        if found is None:
            return Broken(f"$.{path}", "is missing")
        if isinstance(found, str) and not found.strip() and path.lower().endswith("id"):
            return Broken(f"$.{path}", "is blank")
    return None


def other_thread(method: str, params: Json, result: Json) -> tuple[str, str] | None:
    """The thread that was asked for, and the other one that came; None where all is well."""
    if "thread.id" not in _RESULTS.get(method, ()) or method in _NEW_THREAD:
        return None
    asked, came = params.get("threadId"), result["thread"]["id"]
    if asked is None or canonical_id(asked) in {None, canonical_id(came)}:
        return None
    return asked, came


def _ids(params: Json) -> Iterator[Broken]:
    for key in _IDS:
        value = params.get(key)
        # A blank turn id interrupts whatever runs (fact 58).
        if isinstance(value, str) and not value.strip():
            yield Broken(f"$.{key}", "is blank", "name one")


def _page_limit(params: Json) -> Iterator[Broken]:
    limit = params.get("limit")
    # Where the method has no such parameter, its type was not looked at.
    if isinstance(limit, int) and limit < 0:
        yield Broken("$.limit", "is negative", "use a whole number, or leave it out")


def _command_exec(params: Json) -> Iterator[Broken]:
    if not params["command"]:
        yield Broken("$.command", "is empty", "name a program and its arguments")
    yield from _process_id(params)
    yield from _limits(params)
    size = params.get("size")
    if size is not None:
        if not params.get("tty"):
            yield Broken("$.size", "is for a terminal", "set tty, or leave it out")
        yield from _size(size)


def _process_id(params: Json) -> Iterator[Broken]:
    process_id = params.get("processId")
    streams = any(params.get(key) for key in ("tty", "streamStdin", "streamStdoutStderr"))
    if process_id is None and streams:
        yield Broken("$.processId", "is missing", "a terminal or a stream needs one")
    if process_id is not None and not process_id.strip():
        yield Broken("$.processId", "is blank", "name the process, or leave it out")


def _limits(params: Json) -> Iterator[Broken]:
    cap, milliseconds = params.get("outputBytesCap"), params.get("timeoutMs")
    if cap is not None and params.get("disableOutputCap"):
        yield Broken("$.outputBytesCap", "is set, and disableOutputCap too", "use one of them")
    if milliseconds is not None and params.get("disableTimeout"):
        yield Broken("$.timeoutMs", "is set, and disableTimeout too", "use one of them")
    if milliseconds is not None and milliseconds < 0:
        yield Broken("$.timeoutMs", "is negative", "use milliseconds, or leave it out")
    if cap is not None and cap < 1:
        yield Broken("$.outputBytesCap", "is less than 1", "use bytes, or leave it out")


def _size(size: Json) -> Iterator[Broken]:
    for key in ("rows", "cols"):
        if size[key] < 1:
            yield Broken(f"$.size.{key}", "is less than 1", "use character cells")


def _write(params: Json) -> Iterator[Broken]:
    yield from _process_id(params)
    if params.get("deltaBase64") is None and not params.get("closeStdin"):
        yield Broken("$.deltaBase64", "is missing, and closeStdin too", "use one of them, or both")


def _resize(params: Json) -> Iterator[Broken]:
    yield from _process_id(params)
    yield from _size(params["size"])


_PARAMS: Final[dict[str, Callable[[Json], Iterator[Broken]]]] = {
    "command/exec": _command_exec,
    "command/exec/resize": _resize,
    "command/exec/terminate": _process_id,
    "command/exec/write": _write,
}

_NEW_THREAD: Final = frozenset({"thread/start", "thread/fork"})
"""The thread of their result is not the one of their parameters."""

_RESULTS: Final[dict[str, tuple[str, ...]]] = {
    "command/exec": ("exitCode", "stdout", "stderr"),
    "model/list": ("data",),
    "review/start": ("turn.id", "reviewThreadId"),
    "skills/list": ("data",),
    "thread/fork": ("thread.id",),
    "thread/items/list": ("data",),
    "thread/list": ("data",),
    "thread/loaded/list": ("data",),
    "thread/metadata/update": ("thread.id",),
    "thread/queue/list": ("data",),
    "thread/queue/start": ("turn.id",),
    "thread/read": ("thread.id",),
    "thread/resume": ("thread.id",),
    "thread/revert": ("thread.id",),
    "thread/start": ("thread.id",),
    "thread/turns/list": ("data",),
    "thread/unarchive": ("thread.id",),
    "turn/start": ("turn.id",),
    "turn/steer": ("turnId",),
}
"""What a result has to name; every list has to have its elements."""
