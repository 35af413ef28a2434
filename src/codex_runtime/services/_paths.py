"""Checks of lists of paths, before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeAlias

from codex_runtime._arguments import absolute_cwd, absolute_path, without_none
from codex_runtime.errors import InvalidArgument

__all__ = ["Paths", "absolute_cwds", "absolute_paths", "in_folder"]

Paths: TypeAlias = Iterable[str | os.PathLike[str]]
"""Several paths; made absolute against this process."""


def absolute_paths(field: str, paths: Paths) -> list[str]:
    """Make paths absolute against this process.

    Raises:
        InvalidArgument: It is one path instead of a list, or holds what is no path.
    """
    listed = _listed(field, paths)
    return [absolute_path(f"{field}[{index}]", each) for index, each in enumerate(listed)]


def absolute_cwds(cwds: Paths, *, remote: bool) -> list[str]:
    """Make working directories absolute against this process.

    Args:
        cwds: As given by the caller.
        remote: The server sees another file system.

    Raises:
        InvalidArgument: It is one path instead of a list, or holds what is no path.
        WorkingDirectoryMissing: One is no folder here.
    """
    found = [absolute_cwd(each, remote=remote) for each in _listed("cwds", cwds)]
    return [each for each in found if each is not None]


def in_folder(cwd: str | os.PathLike[str] | None, *, remote: bool) -> dict[str, Any]:
    """The field that names a folder, if one is named.

    Raises:
        InvalidArgument: It is no path.
        WorkingDirectoryMissing: It is no folder here.
    """
    return without_none(cwd=absolute_cwd(cwd, remote=remote))


def _listed(field: str, paths: Paths) -> list[str | os.PathLike[str]]:
    given: object = paths
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use a list of paths")
    return list(paths)
