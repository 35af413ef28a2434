"""Checks of what callers pass, before anything is sent."""

import os
import posixpath
import re
from typing import Any, Final

from codex_runtime._plain import plain
from codex_runtime.errors import InvalidArgument, WorkingDirectoryMissing

__all__ = [
    "absolute_cwd",
    "absolute_path",
    "canonical_id",
    "checked_approvers",
    "checked_bytes",
    "checked_callable",
    "checked_thread_id",
    "checked_turn_id",
    "normal_path",
    "path_text",
    "positive_seconds",
    "server_path",
    "without_none",
]

_HYPHENATED: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_THREAD_ID: Final = re.compile(
    rf"(?:urn:uuid:)?(?P<plain>{_HYPHENATED})|\{{(?P<braced>{_HYPHENATED})\}}|(?P<simple>[0-9a-f]{{32}})"
)
"""The spellings of a UUID that the server takes, in lower case (fact 13)."""


def without_none(**options: Any) -> dict[str, Any]:
    """The options that the caller has set: what nobody says is not sent."""
    return {name: value for name, value in options.items() if value is not None}


def positive_seconds(field: str, value: float | None, default: float) -> float:
    """Check a duration.

    Raises:
        InvalidArgument: It is not a positive number of seconds.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(field, f"is {value!r}", "use a positive number of seconds")
    return float(value)


def canonical_id(thread_id: object) -> str | None:
    """The spelling of a thread id that the server uses itself, or None where it is none."""
    if not isinstance(thread_id, str):
        return None
    match = _THREAD_ID.fullmatch(thread_id.lower())
    if match is None:
        return None
    text = match["simple"]
    if text is None:
        return match["plain"] or match["braced"]
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def checked_thread_id(thread_id: str, field: str = "thread_id") -> str:
    """Check the id of a thread and return the spelling that the server uses itself.

    Args:
        thread_id: As given by the caller: a UUID, also in capitals or with `urn:uuid:` before it.
        field: How the call spells the argument.

    Raises:
        InvalidArgument: It is no thread id.
    """
    found = canonical_id(thread_id)
    if found is not None:
        return found
    if not isinstance(thread_id, str):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(field, f"is of type {type(thread_id).__name__}", "use text")
    if not thread_id.strip():
        raise InvalidArgument(field, "is blank", "name a thread")
    shown = thread_id if len(thread_id) <= _SHOWN else f"{thread_id[:_SHOWN]}…"
    raise InvalidArgument(field, f"is {shown!r}", "use a thread id, which is a UUID")


def checked_turn_id(turn_id: str, field: str = "turn_id") -> str:
    """Check the id of a turn. The server takes an empty one for whatever runs (fact 58).

    Raises:
        InvalidArgument: It is no text, or blank.
    """
    if not isinstance(turn_id, str):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(field, f"is of type {type(turn_id).__name__}", "use text")
    if not turn_id.strip():
        raise InvalidArgument(field, "is blank", "name a turn")
    return turn_id


_SHOWN: Final = 60
"""Characters of a value that an error shows; a thread id has 36."""


def absolute_cwd(cwd: str | os.PathLike[str] | None, *, remote: bool) -> str | None:
    """Make a working directory absolute, as `server_path` does.

    Args:
        cwd: As given by the caller.
        remote: The server sees another file system, so only it can tell whether `cwd` exists.

    Raises:
        InvalidArgument: It is no path, is blank, or holds a NUL character; or it is a relative
            one of a remote server.
        WorkingDirectoryMissing: It is no folder here.
    """
    if cwd is None:
        return None
    path = server_path("cwd", cwd, remote=remote)
    # Unlike that of `Path`, it does not raise for a folder that this user may not look into.
    if not remote and not os.path.isdir(path):  # noqa: PTH112 — see above
        raise WorkingDirectoryMissing(path=path)
    return path


def server_path(field: str, path: str | os.PathLike[str], *, remote: bool) -> str:
    """The absolute form of a path on the server's machine.

    Args:
        field: How the call spells the argument.
        path: As given by the caller. For a server of this machine it may be relative, to this
            process's working directory, or start at a user's home.
        remote: The server sees another file system, where neither of the two means anything.

    Raises:
        InvalidArgument: It is no path, is blank, or holds a NUL character; or it is a relative
            one of a remote server.
    """
    if not remote:
        return absolute_path(field, path)
    text = path_text(field, path)
    if not text.startswith("/"):
        fix = "use an absolute one: the server sees another file system"
        raise InvalidArgument(field, f"is the relative path {text!r}", fix)
    return text


def absolute_path(field: str, path: str | os.PathLike[str]) -> str:
    """Make a path of this machine absolute against this process; it may start at a user's home.

    Raises:
        InvalidArgument: It is no path, is blank, or holds a NUL character; or it is a relative
            one, and this process's working directory is gone.
    """
    # Unlike that of `Path`, `expanduser` does not raise for a home that nobody has.
    text = os.path.expanduser(path_text(field, path))  # noqa: PTH111 — see above
    try:
        return normal_path(os.path.abspath(text))  # noqa: PTH100 — see above
    except FileNotFoundError:
        raise InvalidArgument(
            field,
            "is relative, and this process's working directory is gone",
            "use an absolute path",
        ) from None


def normal_path(path: str) -> str:
    """The one spelling of an absolute path, as the server has it: links are not followed.

    `..` and doubled slashes are taken out, those at the beginning too, which POSIX lets mean
    something else and Linux and macOS do not.
    """
    normal = posixpath.normpath(path)
    return f"/{normal.lstrip('/')}" if normal.startswith("/") else normal


def path_text(field: str, path: object) -> str:
    """The text of a path, as it was given, of whatever subclass of `str` it is.

    Raises:
        InvalidArgument: It is no path, is blank, or holds a NUL character.
    """
    given: Any = path
    try:
        text: Any = plain(os.fspath(given))
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise InvalidArgument(field, f"is of type {type(path).__name__}", "use text or a Path")
    if not text.strip():
        raise InvalidArgument(field, "is blank", "name one, or leave it out")
    if "\0" in text:
        raise InvalidArgument(field, "holds a NUL character", "take it out")
    return text


def checked_bytes(
    field: str, data: bytes | bytearray | memoryview, fix: str = "use bytes"
) -> bytes:
    """Check what is to be sent as bytes. Of what may change meanwhile, a copy is given.

    Args:
        field: How the call spells the argument.
        data: As given by the caller.
        fix: What the caller may use instead of what was given.

    Raises:
        InvalidArgument: It is neither bytes nor a bytearray nor a memoryview.
    """
    if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(field, f"is of type {type(data).__name__}", fix)
    return bytes(data)


def checked_approvers(field: str, given: Any) -> tuple[Any, ...]:
    """What `approve` names, as functions in the order in which they are asked.

    Raises:
        InvalidArgument: There is something that cannot be called.
    """
    if given is None:
        return ()
    listed: Any = (given,) if callable(given) else given
    if not hasattr(listed, "__iter__") or isinstance(listed, str | bytes):
        raise _not_callable(field, given)
    found: tuple[Any, ...] = tuple(listed)
    for index, each in enumerate(found):
        if not callable(each):
            raise _not_callable(f"{field}[{index}]", each)
    return found


def checked_callable(field: str, given: Any) -> Any:
    """A function, or None.

    Raises:
        InvalidArgument: It cannot be called.
    """
    if given is not None and not callable(given):
        raise _not_callable(field, given)
    return given


def _not_callable(field: str, given: Any) -> InvalidArgument:
    fix = "use a function of a request, or a list of them, as in codex_runtime.approvers"
    return InvalidArgument(field, f"is of type {type(given).__name__}", fix)
