"""The text of a patch, as codex's `apply_patch` tool reads it: written and read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from codex_runtime.errors import InvalidArgument

__all__ = ["FileChange", "add_file", "delete_file", "patch_text", "read_patch", "update_file"]

BEGIN = "*** Begin Patch"
"""First line of every patch."""

END = "*** End Patch"
"""Last line of every patch."""

_ADD, _UPDATE, _DELETE = "*** Add File: ", "*** Update File: ", "*** Delete File: "
_MOVE = "*** Move to: "
_KINDS: dict[str, Literal["add", "update", "delete"]] = {
    _ADD: "add",
    _UPDATE: "update",
    _DELETE: "delete",
}


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a patch does to one file.

    Attributes:
        path: As written in the patch: relative to the turn's working directory, or absolute.
        kind: What happens to the file.
        body: The lines under the file's header, each with its `+`, `-` or blank in front.
        move_to: The new path of a file that is moved as well, or None.
    """

    path: str
    kind: Literal["add", "update", "delete"]
    body: tuple[str, ...] = ()
    move_to: str | None = None


def add_file(path: str, content: str) -> FileChange:
    r"""Describe a new file.

    Args:
        path: Where; relative to the turn's working directory.
        content: All of it. A last line break is added where it is missing, as codex would.

    Raises:
        InvalidArgument: `path` or `content` is empty: codex refuses both.
    """
    if not content:
        raise InvalidArgument("content", "must not be empty: codex cannot add an empty file")
    return FileChange(_path(path), "add", tuple(f"+{line}" for line in _lines(content)))


def update_file(path: str, old: str, new: str, *, move_to: str | None = None) -> FileChange:
    """Describe one replacement in a file that exists.

    Args:
        path: Which file; relative to the turn's working directory.
        old: Whole lines as they are now. Empty: `new` is added at the end.
        new: The lines that take their place. Empty: the old ones go.
        move_to: A new path for the file.

    Raises:
        InvalidArgument: `path` is empty, or `old` and `new` are the same.
    """
    if old == new:
        raise InvalidArgument("new", "must differ from old")
    body = ("@@", *(f"-{line}" for line in _lines(old)), *(f"+{line}" for line in _lines(new)))
    return FileChange(_path(path), "update", body, None if move_to is None else _path(move_to))


def delete_file(path: str) -> FileChange:
    """Describe the removal of a file.

    Args:
        path: Which file; relative to the turn's working directory.

    Raises:
        InvalidArgument: `path` is empty.
    """
    return FileChange(_path(path), "delete")


def patch_text(*changes: FileChange) -> str:
    """Return the patch that makes all `changes`, for `apply_patch`.

    Raises:
        InvalidArgument: There is no change.
    """
    if not changes:
        raise InvalidArgument("changes", "must hold at least one change")
    return "\n".join([BEGIN, *(line for change in changes for line in _written(change)), END, ""])


def read_patch(text: str) -> tuple[FileChange, ...]:
    """Return what a patch does, file by file, in its order.

    Raises:
        InvalidArgument: It is not a patch: a frame line or every file header is missing.
    """
    lines = text.strip("\n").split("\n")
    if lines[0].strip() != BEGIN or lines[-1].strip() != END:
        raise InvalidArgument("patch", f"must begin with {BEGIN!r} and end with {END!r}")
    changes = tuple(_changes(lines[1:-1]))
    if not changes:
        raise InvalidArgument("patch", f"must name a file, as in {_UPDATE + 'src/app.py'!r}")
    return changes


def _changes(lines: list[str]) -> Iterator[FileChange]:
    current: FileChange | None = None
    for line in lines:
        header = next((mark for mark in _KINDS if line.startswith(mark)), None)
        if header is not None:
            if current is not None:
                yield current
            current = FileChange(_path(line.removeprefix(header).strip()), _KINDS[header])
        elif current is None:
            raise InvalidArgument("patch", f"must name a file before {line!r}")
        else:
            current = _grown(current, line)
    if current is not None:
        yield current


def _grown(change: FileChange, line: str) -> FileChange:
    if line.startswith(_MOVE) and not change.body:
        return FileChange(change.path, change.kind, (), _path(line.removeprefix(_MOVE).strip()))
    return FileChange(change.path, change.kind, (*change.body, line), change.move_to)


def _written(change: FileChange) -> Iterator[str]:
    yield {kind: mark for mark, kind in _KINDS.items()}[change.kind] + change.path
    if change.move_to is not None:
        yield _MOVE + change.move_to
    yield from change.body


def _path(path: str) -> str:
    if not path.strip() or "\n" in path:
        raise InvalidArgument("path", f"must be one line and not empty, not {path!r}")
    return path


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
