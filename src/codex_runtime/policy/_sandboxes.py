"""Sandboxes: their presets, their details, and how far they reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias, cast

from codex_runtime._plain import is_list, is_mapping, is_path, members, plain
from codex_runtime.errors import InvalidArgument

__all__ = [
    "DEFAULT_SANDBOX",
    "Sandbox",
    "SandboxChoice",
    "SandboxMode",
    "SandboxStruct",
    "sandbox_mode",
]

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
"""The presets of `thread/start.sandbox`."""

SandboxKind: TypeAlias = Literal[
    "readOnly", "workspaceWrite", "dangerFullAccess", "externalSandbox"
]
"""The `type` of a sandbox given in its details."""


class SandboxStruct(Protocol):
    """A sandbox as the protocol has it, say `protocol.WorkspaceWriteSandboxPolicy(…)`."""

    __struct_fields__: ClassVar[tuple[str, ...]]
    type: ClassVar[Any]


SandboxChoice: TypeAlias = SandboxMode | SandboxStruct | Mapping[str, Any]
"""What callers name a sandbox with: a preset, or details.

Details are one of the protocol's structs (`ReadOnlySandboxPolicy`, `WorkspaceWriteSandboxPolicy`,
`DangerFullAccessSandboxPolicy`, `ExternalSandboxSandboxPolicy`) or the same as a plain mapping:
`{"type": "workspaceWrite", "writable_roots": ["/data"], "network_access": True}`.
"""

DEFAULT_SANDBOX: Final = "read-only"
"""Sent where the caller names no sandbox: the strictest there is."""

_KINDS: Final[dict[str, SandboxKind]] = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}
"""`thread/start.sandbox` and `turn/start.sandboxPolicy` spell the same thing in two ways, and
each refuses or ignores the other's form (fact 20)."""

_PRESETS: Final = {kind: preset for preset, kind in _KINDS.items()}

_DETAILS: Final[dict[str, tuple[str, ...]]] = {
    "readOnly": ("network_access",),
    "workspaceWrite": (
        "writable_roots",
        "network_access",
        "exclude_slash_tmp",
        "exclude_tmpdir_env_var",
    ),
    "dangerFullAccess": (),
    "externalSandbox": ("network_access",),
}
"""What can be said of each kind."""

_SPELLINGS: Final = {
    "writableRoots": "writable_roots",
    "networkAccess": "network_access",
    "excludeSlashTmp": "exclude_slash_tmp",
    "excludeTmpdirEnvVar": "exclude_tmpdir_env_var",
}
"""A mapping may use the names of the wire too: it may have come from there."""

_NETWORK: Final = {"restricted": False, "enabled": True}
"""How an external sandbox says whether it gives access to the network."""


@dataclass(frozen=True)
class Sandbox:
    """A sandbox in all its details.

    Attributes:
        kind: Its `type` in the protocol.
        network: Whether commands reach the network; always with `dangerFullAccess`.
        writable_roots: Folders besides the working directory that may be written in.
        exclude_slash_tmp: Whether `/tmp` may not be written in.
        exclude_tmpdir_env_var: Whether the folder that `$TMPDIR` names may not be written in.
    """

    kind: SandboxKind
    network: bool = False
    writable_roots: tuple[str, ...] = ()
    exclude_slash_tmp: bool = False
    exclude_tmpdir_env_var: bool = False

    @classmethod
    def of(cls, sandbox: object, field: str = "sandbox") -> Sandbox:
        """Read a preset or details.

        Args:
            sandbox: As given by the caller.
            field: How the call spells the argument.

        Raises:
            InvalidArgument: It is neither, or a detail cannot be used.
        """
        if isinstance(sandbox, Sandbox):
            return sandbox if type(sandbox) is Sandbox else cls._of_preset(sandbox, field)
        if isinstance(sandbox, str) or not hasattr(sandbox, "__iter__"):
            named = cls._of_struct(sandbox, field)
            return cls._of_preset(sandbox, field) if named is None else named
        if not is_mapping(sandbox):
            return cls._of_preset(sandbox, field)
        return cls._of_details(sandbox, field)

    @classmethod
    def in_force(cls, sandbox: object) -> Sandbox | None:
        """Read what a server says is in force; None where it says nothing that is known here."""
        try:
            return None if isinstance(sandbox, str) else cls.of(sandbox)
        except InvalidArgument:
            return None

    @property
    def mode(self) -> SandboxMode | None:
        """The preset of a thread that stands for this sandbox.

        None for what a thread cannot be opened with: read-only with access to the network, and an
        external sandbox. The details of `workspace-write` go along as settings.
        """
        if self.kind == "readOnly" and self.network:
            return None
        return cast("SandboxMode | None", _PRESETS.get(self.kind))

    @property
    def wider(self) -> bool:
        """Whether it allows more than reading files."""
        return self.kind != "readOnly" or self.network

    def __str__(self) -> str:
        name = _PRESETS.get(self.kind, "external")
        details = [f"writable {root}" for root in self.writable_roots]
        if self.network and self.kind != "dangerFullAccess":
            details.append("network access")
        if self.exclude_slash_tmp:
            details.append("no /tmp")
        if self.exclude_tmpdir_env_var:
            details.append("no $TMPDIR")
        return f"{name} with {', '.join(details)}" if details else name

    def as_policy(self) -> dict[str, Any]:
        """The form that turns, settings and commands take, under the names of the wire."""
        network: object = self.network
        if self.kind == "externalSandbox":
            network = "enabled" if self.network else "restricted"
        values = {
            "writable_roots": list(self.writable_roots),
            "network_access": network,
            "exclude_slash_tmp": self.exclude_slash_tmp,
            "exclude_tmpdir_env_var": self.exclude_tmpdir_env_var,
        }
        wire = {snake: camel for camel, snake in _SPELLINGS.items()}
        details = {wire[name]: values[name] for name in _DETAILS[self.kind]}
        return {"type": self.kind, **details}

    def as_config(self) -> dict[str, Any]:
        """The settings of config.toml that give a thread these details.

        All of them, and for every kind: what a user has in a config.toml of their own would be
        added to what is asked for, now or in a later turn, even to a thread that is opened to read
        only (fact 243).
        """
        return {
            "sandbox_workspace_write": {
                "writable_roots": list(self.writable_roots),
                "network_access": self.network and self.kind == "workspaceWrite",
                "exclude_slash_tmp": self.exclude_slash_tmp,
                "exclude_tmpdir_env_var": self.exclude_tmpdir_env_var,
            }
        }

    @classmethod
    def _of_preset(cls, sandbox: object, field: str) -> Sandbox:
        return cls._of_details({"type": _KINDS[sandbox_mode(sandbox, field)]}, field)

    @classmethod
    def _of_struct(cls, sandbox: object, field: str) -> Sandbox | None:
        fields = getattr(type(sandbox), "__struct_fields__", None)
        kind = plain(getattr(sandbox, "type", None))
        if fields is None or not isinstance(kind, str) or kind not in _DETAILS:
            return None
        details = {name: getattr(sandbox, name) for name in fields if name in _DETAILS[kind]}
        return cls._of_details({"type": kind, **details}, field)

    @classmethod
    def _of_details(cls, sandbox: Mapping[Any, Any], field: str) -> Sandbox:
        details = members(sandbox)
        kind = _kind(details, field)
        given: dict[str, Any] = {}
        for key, value in details.items():
            name = _SPELLINGS.get(key, key)
            if key == "type":
                continue
            if name not in _DETAILS[kind] or name in given:
                known = ", ".join(_DETAILS[kind]) or "none"
                raise InvalidArgument(
                    f"{field}.{key}", f"is no detail of {kind}", f"there are: {known}"
                )
            given[name] = _DETAIL_CHECKS[name](value, f"{field}.{name}", kind)
        network = given.pop("network_access", False) or kind == "dangerFullAccess"
        return cls(kind, network, **given)


def sandbox_mode(sandbox: object, field: str = "sandbox") -> SandboxMode:
    """Check the name of a sandbox preset.

    Raises:
        InvalidArgument: It is none of the presets.
    """
    sandbox = plain(sandbox)
    if not isinstance(sandbox, str) or sandbox not in _KINDS:
        raise InvalidArgument(field, f"is {sandbox!r}", f"use one of {', '.join(_KINDS)}")
    return cast("SandboxMode", sandbox)


def _kind(details: Mapping[Any, Any], field: str) -> SandboxKind:
    kind = plain(details.get("type"))
    if not isinstance(kind, str) or kind not in _DETAILS:
        known = ", ".join(_DETAILS)
        raise InvalidArgument(f"{field}.type", f"is {kind!r}", f"use one of {known}")
    return cast("SandboxKind", kind)


def _flag(value: object, field: str, kind: SandboxKind) -> bool:
    if kind == "externalSandbox":
        access = plain(value)
        if isinstance(access, str) and access in _NETWORK:
            return _NETWORK[access]
        raise InvalidArgument(field, f"is {value!r}", f"use one of {', '.join(_NETWORK)}")
    if not isinstance(value, bool):
        raise InvalidArgument(field, f"is {value!r}", "use True or False")
    return value


def _roots(value: object, field: str, kind: SandboxKind) -> tuple[str, ...]:
    del kind
    if not is_list(value):
        raise InvalidArgument(field, f"is of type {type(value).__name__}", "use a list of paths")
    return tuple(_root(root, f"{field}[{index}]") for index, root in enumerate(value))


def _root(root: object, field: str) -> str:
    path = plain(os.fspath(root) if is_path(root) else root)
    if not isinstance(path, str):
        raise InvalidArgument(field, f"is of type {type(root).__name__}", "use text or a Path")
    if not path.startswith("/") or "\0" in path:
        # A relative one would be taken from wherever the server happens to run.
        raise InvalidArgument(field, f"is {path!r}", "use an absolute path")
    return path


_DETAIL_CHECKS: Final[dict[str, Callable[[object, str, SandboxKind], object]]] = {
    "writable_roots": _roots,
    "network_access": _flag,
    "exclude_slash_tmp": _flag,
    "exclude_tmpdir_env_var": _flag,
}
