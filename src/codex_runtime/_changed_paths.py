"""Which files a patch touches, where they really are, and what it does to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from codex_runtime.protocol import types as t

__all__ = [
    "PROTECTED",
    "all_within",
    "diff_of",
    "is_within",
    "legacy_paths_of",
    "paths_of",
    "replaces",
    "touches",
]

PROTECTED: Final = frozenset({".git", ".codex", ".agents", ".aws"})
"""Folders that are no part of the workspace they stand in: what is written there decides what others
run. Codex keeps them out of its sandboxes as well (facts 137 and 308)."""

_KNOWN_KINDS: Final = frozenset({"add", "delete", "update"})


def paths_of(changes: Iterable[t.FileUpdateChange], workspace: Sequence[str]) -> tuple[str, ...]:
    """All files that are touched, absolute, those that are moved under both names.

    Args:
        changes: As in the item of the patch.
        workspace: What relative paths start from is the first of these.

    Returns:
        Nothing at all where it is not known of each change which files it touches.
    """
    return _absolute_all(((change.path, change.kind) for change in changes), workspace)


def legacy_paths_of(changes: Mapping[str, t.FileChange]) -> tuple[str, ...]:
    """The same for the patches of older servers, whose relative paths cannot be placed."""
    return _absolute_all(changes.items(), ())


def _absolute_all(touched: Iterable[tuple[Any, Any]], workspace: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for path, kind in touched:
        if _name(kind) not in _KNOWN_KINDS:
            return ()
        for named in (path, _moved_to(kind) or path):
            absolute = _absolute(named, workspace)
            if absolute is None:
                return ()
            found.append(absolute)
    return tuple(dict.fromkeys(found))


def _absolute(path: Any, workspace: Sequence[str]) -> str | None:
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    if not workspace and not PurePath(path).is_absolute():
        return None
    return os.path.normpath(PurePath(workspace[0] if workspace else "/", path))


def _name(kind: Any) -> str:
    return str(getattr(kind, "type", ""))


def _moved_to(kind: Any) -> str:
    return getattr(kind, "move_path", None) or ""


def all_within(paths: Iterable[str], folders: Iterable[str]) -> bool | None:
    """Whether each of the files is in one of the folders, symbolic links followed.

    What does not exist yet is where its nearest folder that does really is. What is in a `PROTECTED`
    folder of a folder is not in it. Looks at the file system of this process, as it is now.

    Returns:
        None where there are no paths, or no folders.
    """
    files, roots = list(paths), [folder for folder in folders if folder]
    if not files or not roots:
        return None
    return all(any(_is_safely_within(path, root) for root in roots) for path in files)


def _is_safely_within(path: str, folder: str) -> bool:
    try:
        below = [*_below(path, folder), *_below(os.path.realpath(path), os.path.realpath(folder))]
    except (OSError, ValueError):
        return False
    # As it is spelled it may be elsewhere, and as it is it may not.
    return is_within(path, folder) and not any(part.casefold() in PROTECTED for part in below)


def is_within(path: str, folder: str) -> bool:
    """Whether it is that folder or below it, symbolic links of both followed."""
    try:
        return PurePath(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):
        return False


def touches(paths: Iterable[str], folders: Iterable[str]) -> bool:
    """Whether one of the files is in one of the folders, as it is spelled or as it is."""
    roots = list(folders)
    return any(
        bool(_below(path, root)) or is_within(path, root) for path in paths for root in roots
    )


def replaces(paths: Iterable[str], file: str) -> bool:
    """Whether a change of one of these changes what is read under the name of a file.

    That is the file itself, whatever else it is called (symbolic and hard links), and each folder or
    link that leads to it. Looks at the file system of this process, as it is now.
    """
    return any(_leads_to(path, file) for path in paths)


def _leads_to(path: str, file: str) -> bool:
    try:
        names = os.path.normpath(file), os.path.realpath(file)
        leading = path, os.path.realpath(path)
        if any(_below(name, each) or name == each for name in names for each in leading):
            return True
        return os.path.samefile(path, file)  # noqa: PTH121 — texts
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except (OSError, ValueError):
        # It cannot be seen what it is.
        return True


def _below(path: str, folder: str) -> tuple[str, ...]:
    inner = PurePath(path)
    return inner.relative_to(folder).parts if inner.is_relative_to(folder) else ()


def diff_of(changes: Iterable[t.FileUpdateChange]) -> str:
    """All changes as one unified diff. Paths are as the server says them."""
    return "".join("".join(_file_diff(change)) for change in changes)


def _file_diff(change: t.FileUpdateChange) -> Iterator[str]:
    text, path, target = change.diff or "", change.path or "?", _moved_to(change.kind)
    match _name(change.kind):
        case "add":
            yield f"--- /dev/null\n+++ {path}\n"
            yield from _whole(text, "+")
        case "delete":
            yield f"--- {path}\n+++ /dev/null\n"
            yield from _whole(text, "-")
        case _:
            yield f"--- {path}\n+++ {target or path}\n"
            hunks = text.removesuffix(f"\n\nMoved to: {target}") if target else text
            yield hunks if not hunks or hunks.endswith("\n") else hunks + "\n"


def _whole(text: str, sign: str) -> Iterator[str]:
    """The only hunk of a file that comes or goes: all of it. The server sends its bare text."""
    lines = text.split("\n")
    ended = not lines[-1]
    lines = lines[:-1] if ended else lines
    if not lines:
        return
    count = f"1,{len(lines)}"
    yield f"@@ -0,0 +{count} @@\n" if sign == "+" else f"@@ -{count} +0,0 @@\n"
    yield from (f"{sign}{line}\n" for line in lines)
    if not ended:
        yield "\\ No newline at end of file\n"
