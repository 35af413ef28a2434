"""Checks of what callers pass to commands, before anything is sent."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, cast

from codex_runtime._arguments import checked_bytes, path_text
from codex_runtime._plain import plain
from codex_runtime.errors import InvalidArgument, SandboxNotAllowed, UnsendableValue
from codex_runtime.policy import Sandbox

__all__ = [
    "check_sendable",
    "check_tmpdir",
    "checked_argv",
    "checked_environment",
    "input_bytes",
    "output_limit",
    "terminal_size",
    "wire_milliseconds",
]

_DEFAULT_OUTPUT_LIMIT: Final = 2**20
"""Bytes of each stream that a result holds: what the server itself sends by default (fact 126)."""

_LARGEST_LIMIT: Final = 2**63 - 1
"""Bytes; the server counts with 64 bits, and one more than is wanted is asked for."""

_LARGEST_SIZE: Final = 65_535
"""Characters; the server takes 16 bits (fact 204)."""

_LONGEST: Final = 1e9
"""Seconds from which on a time counts as no limit: 31 years, far within what the server can count."""


def checked_argv(argv: object) -> list[str]:
    """Check a command.

    Raises:
        InvalidArgument: It is no sequence of texts, is empty, or holds a NUL character.
        UnsendableValue: It holds a lone surrogate.
    """
    if isinstance(argv, str | bytes):
        fix = "use a list, ['ls', '-l'], or give it to a shell, ['bash', '-c', …]"
        raise InvalidArgument("argv", f"is one {type(argv).__name__}", fix)
    if not isinstance(argv, Sequence):
        raise InvalidArgument("argv", f"is of type {type(argv).__name__}", "use a list of texts")
    parts = cast("Sequence[object]", argv)
    found = [_text(f"argv[{index}]", part) for index, part in enumerate(parts)]
    if not found:
        raise InvalidArgument("argv", "is empty", "name a program")
    if not found[0].strip():
        raise InvalidArgument("argv[0]", "is blank", "name a program")
    return found


def checked_environment(env: object) -> dict[str, str | None] | None:
    """Check variables for a command; None for a value takes the variable away.

    Raises:
        InvalidArgument: It is no mapping of names to texts or None, or one cannot be a variable.
        UnsendableValue: One holds a lone surrogate.
    """
    if env is None:
        return None
    if not isinstance(env, Mapping):
        raise InvalidArgument("env", f"is of type {type(env).__name__}", "use a mapping")
    variables = cast("Mapping[object, object]", env)
    return {
        _variable(name): None if value is None else _text(f"env[{name!r}]", value)
        for name, value in variables.items()
    }


def output_limit(limit: object) -> int:
    """Check how many bytes of each stream to keep.

    Raises:
        InvalidArgument: It is no positive whole number, or more than the server can count.
    """
    if limit is None:
        return _DEFAULT_OUTPUT_LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int) or limit <= 0:
        fix = "use a positive number of bytes"
        raise InvalidArgument("output_limit", f"is {limit!r}", fix)
    if limit > _LARGEST_LIMIT:
        # Not its digits: it may have so many that Python refuses to write them.
        raise InvalidArgument("output_limit", "does not fit into 64 bits", "use less")
    return limit


def input_bytes(data: bytes | bytearray | memoryview | str) -> bytes:
    """Check what is to be typed into a command; text becomes UTF-8.

    Raises:
        InvalidArgument: It is neither bytes nor text.
        UnsendableValue: It is text with a lone surrogate.
    """
    if not isinstance(data, str):
        return checked_bytes("data", data, "use bytes or text")
    check_sendable("data", data)
    return data.encode()


def terminal_size(size: object) -> tuple[int, int]:
    """Check the size of a terminal: rows and columns.

    Raises:
        InvalidArgument: It is no pair of numbers from 1 to 65,535.
    """
    fix = f"use (rows, cols), each from 1 to {_LARGEST_SIZE:,}"
    pair = cast("Sequence[object]", size) if isinstance(size, tuple | list) else ()
    match [None if isinstance(each, bool) else each for each in pair]:
        case [int(rows), int(cols)] if 1 <= rows <= _LARGEST_SIZE and 1 <= cols <= _LARGEST_SIZE:
            return int(rows), int(cols)
        case _:
            raise InvalidArgument("size", f"is {size!r}", fix)


def check_sendable(field: str, text: str) -> None:
    """Refuse a text that the server would not read.

    Raises:
        UnsendableValue: It holds a lone surrogate, as the name of a file does that is no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        problem = f"has a lone surrogate at character {error.start}"
        raise UnsendableValue(field, problem, "take it out") from None


def check_tmpdir(
    env: Mapping[str, str | None] | None, sandbox: Sandbox | None, cwd: str | None, *, remote: bool
) -> None:
    """Hold SEC-004 for the folder that a command's own TMPDIR names.

    The server lets a command write there wherever that is (fact 224), so a variable would widen
    the scope that was named.

    Args:
        env: Variables of the command.
        sandbox: Of the command; None where it has a permission profile that may let it write.
        cwd: Its working directory.
        remote: The server sees another file system.

    Raises:
        SandboxNotAllowed: It lies outside of the scope.
    """
    tmpdir = (env or {}).get("TMPDIR")
    if not tmpdir or (sandbox is not None and not _opens_tmpdir(sandbox)):
        return
    roots = [] if cwd is None else [cwd]
    if sandbox is None or not sandbox.exclude_slash_tmp:
        roots.append("/tmp")  # noqa: S108 — the server lets commands write there
    if sandbox is not None:
        roots += sandbox.writable_roots
    # What is relative is taken from the command's working directory (fact 224). Where that is the
    # server's own, nobody knows here where it leads.
    path = tmpdir if cwd is None else os.path.join(cwd, tmpdir)  # noqa: PTH118 — its text is looked at
    if not _inside(path, roots, remote=remote):
        raise SandboxNotAllowed(
            field="env['TMPDIR']",
            problem=f"is {tmpdir!r}, where the command could write though no scope names it",
            fix="use a folder in cwd= or a writable root, or a sandbox with exclude_tmpdir_env_var",
        )


def _opens_tmpdir(sandbox: Sandbox) -> bool:
    return sandbox.kind == "workspaceWrite" and not sandbox.exclude_tmpdir_env_var


def _inside(path: str, roots: Sequence[str], *, remote: bool) -> bool:
    # Where links lead over there nobody knows here.
    if not path.startswith("/") or (remote and ".." in path.split("/")):
        return False
    resolved = os.path.normpath if remote else os.path.realpath
    place = PurePosixPath(resolved(path))
    return any(place.is_relative_to(resolved(root)) for root in roots)


def wire_milliseconds(seconds: float) -> int | None:
    """A time as the server counts it; None for no limit."""
    return None if seconds >= _LONGEST else math.ceil(seconds * 1000)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str | os.PathLike):
        raise InvalidArgument(field, f"is of type {type(value).__name__}", "use text")
    is_path = isinstance(value, os.PathLike)
    text: str = path_text(field, cast("object", value)) if is_path else plain(value)
    if "\0" in text:
        raise InvalidArgument(field, "holds a NUL character", "take it out")
    check_sendable(field, text)
    return text


def _variable(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidArgument("env", f"has the key {name!r}", "use text for names")
    text: str = plain(name)
    if not text or "=" in text or "\0" in text:
        raise InvalidArgument("env", f"has the key {text!r}", "use names without '=' and NUL")
    check_sendable("env (a key)", text)
    return text
