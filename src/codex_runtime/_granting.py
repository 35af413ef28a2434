"""What permissions allow, comparable: what was asked for with what is granted. No I/O, no clock."""

from __future__ import annotations

from typing import Any

__all__ = ["access_of"]


def access_of(permissions: Any) -> set[tuple[str, str]]:
    """What is allowed by these permissions, as (access, to what)."""
    found = set[tuple[str, str]]()
    network: Any = permissions.network or None
    if network is not None and network.enabled:
        found.add(("access to", "the network"))
    files: Any = permissions.file_system or None
    if files is None:
        return found
    found |= {("read", path) for path in files.read or ()}
    found |= {("write", path) for path in files.write or ()}
    for entry in files.entries or ():
        path: Any = getattr(entry.path, "path", None)
        found.add((str(entry.access), path if isinstance(path, str) else repr(entry.path)))
    return found
