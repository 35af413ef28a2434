"""Permissions in words. Pure."""

from __future__ import annotations

import json
from typing import TypeAlias

from codex_runtime.protocol import to_plain, types

__all__ = ["permission_texts"]

_Profile: TypeAlias = types.RequestPermissionProfile | types.AdditionalPermissionProfile


def permission_texts(profile: _Profile) -> list[str]:
    """One line for each thing that is asked for. What has no words is shown as data."""
    known = [*_file_texts(profile.file_system), *_network_texts(profile.network)]
    return known or [_data(profile)]


def _file_texts(files: types.AdditionalFileSystemPermissions | None) -> list[str]:
    if not files:
        return []
    texts = [_entry(entry) for entry in files.entries or ()]
    listed = {(entry.access, _place(entry.path)) for entry in files.entries or ()}
    for access, paths in (("read", files.read), ("write", files.write)):
        # The older form says the same once more.
        texts += [f"{access} {path}" for path in paths or () if (access, path) not in listed]
    return texts


def _entry(entry: types.FileSystemSandboxEntry) -> str:
    return f"{entry.access} {_place(entry.path)}"


def _place(path: types.FileSystemPath) -> str:
    match path:
        case types.PathFileSystemPath():
            return path.path
        case types.GlobPatternFileSystemPath():
            return f"all that fits {path.pattern}"
        case types.SpecialFileSystemPath():
            return f"the place {_data(path.value)}"
        case _:
            return _data(path)


def _network_texts(network: types.AdditionalNetworkPermissions | None) -> list[str]:
    if not network or network.enabled is None:
        return []
    return ["use the network" if network.enabled else "no network"]


def _data(value: object) -> str:
    return json.dumps(to_plain(value), ensure_ascii=False)
