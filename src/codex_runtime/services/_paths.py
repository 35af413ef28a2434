"""Checks of lists of paths, before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeAlias

from codex_runtime._arguments import absolute_cwd, server_path, without_none
from codex_runtime.errors import InvalidArgument

__all__ = ["Paths", "absolute_cwds", "in_folder", "server_paths"]

Paths: TypeAlias = Iterable[str | os.PathLike[str]]
"""Several paths; of a server of this machine also relative ones, which are made absolute against
this process."""


def server_paths(field: str, paths: Paths, *, remote: bool) -> list[str]:
    """The absolute forms of paths on the server's machine; see `server_path`.

    Raises:
        InvalidArgument: It is one path instead of a list, or holds what is no path; or a relative
            one of a remote server.
    """
    listed = _listed(field, paths)
    return [
        server_path(f"{field}[{index}]", each, remote=remote) for index, each in enumerate(listed)
    ]


def absolute_cwds(cwds: Paths, *, remote: bool) -> list[str]:
    """Make working directories absolute; see `absolute_cwd`.

    Args:
        cwds: As given by the caller.
        remote: The server sees another file system.

    Raises:
        InvalidArgument: It is one path instead of a list, or holds what is no path; or a relative
            one of a remote server.
        WorkingDirectoryMissing: One is no folder here.
    """
    found = [absolute_cwd(each, remote=remote) for each in _listed("cwds", cwds)]
    return [each for each in found if each is not None]


def in_folder(cwd: str | os.PathLike[str] | None, *, remote: bool) -> dict[str, Any]:
    """The field that names a folder, if one is named.

    Raises:
        InvalidArgument: It is no path, or a relative one of a remote server.
        WorkingDirectoryMissing: It is no folder here.
    """
    return without_none(cwd=absolute_cwd(cwd, remote=remote))


def _listed(field: str, paths: Paths) -> list[str | os.PathLike[str]]:
    given: object = paths
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        raise InvalidArgument(field, f"is of type {type(given).__name__}", "use a list of paths")
    return list(paths)
