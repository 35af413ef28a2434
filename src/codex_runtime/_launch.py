"""From options to a server process. Light on imports: the sooner it runs, the sooner it is ready."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from codex_runtime._arguments import absolute_path
from codex_runtime._binary import find_codex
from codex_runtime._environment import child_environment
from codex_runtime._framing import DEFAULT_MAX_FRAME_BYTES
from codex_runtime._homes import FirstStart, home_of, prepare_home
from codex_runtime._process import ChildProcess
from codex_runtime._toml import setting
from codex_runtime.errors import InvalidArgument

__all__ = ["Greeting", "Launch"]


@dataclass(frozen=True)
class Greeting:
    """How to introduce this client. The fields are those of `Runtime`."""

    client_info: Mapping[str, str] | None = None
    experimental_api: bool = True
    version_guard: bool = True

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            InvalidArgument: `client_info` is no mapping of text to text.
        """
        if self.client_info is not None and not _is_text(self.client_info):
            raise InvalidArgument("client_info", "is no mapping of text", "give name and version")


def _is_text(mapping: Any) -> bool:
    items: Any = mapping.items() if hasattr(mapping, "items") else [(None, None)]
    return all(isinstance(name, str) and isinstance(value, str) for name, value in items)


@dataclass(frozen=True)
class Launch:
    """How to start a server process. The fields are those of `Runtime`."""

    codex_bin: str | os.PathLike[str] | None = None
    codex_home: str | os.PathLike[str] | None = None
    command: Sequence[str] | None = None
    cwd: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    env: Mapping[str, str] | None = field(default=None, repr=False)
    env_passthrough: Sequence[str] = ()
    inherit_env: bool = False
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES
    environment: dict[str, str] = field(init=False, repr=False, hash=False, compare=False)

    def __post_init__(self) -> None:
        """Settle the environment.

        Raises:
            InvalidArgument: `env`, `command` or `codex_home` cannot be used.
        """
        if self.command is not None:
            object.__setattr__(self, "command", _words(self.command))
        environment = child_environment(
            extra=self.env, passthrough=self.env_passthrough, inherit=self.inherit_env
        )
        if self.codex_home is not None:
            environment["CODEX_HOME"] = absolute_path("codex_home", self.codex_home)
        object.__setattr__(self, "environment", environment)

    def folder(self) -> str | None:
        """Where the server works; None where that is not known: a `command` may go elsewhere."""
        if self.command is not None:
            return None
        with suppress(OSError):
            return self.cwd or os.getcwd()  # noqa: PTH109 — as text
        return None

    def first_start(self) -> FirstStart:
        """Prepare the CODEX_HOME; return the right to start on it.

        Raises:
            InvalidArgument: The CODEX_HOME cannot be created.
        """
        if self.command is not None:
            return FirstStart(None)
        home = home_of(self.environment, self.cwd)
        prepare_home(home)
        return FirstStart(home)

    def start(self) -> ChildProcess:
        """Start the process.

        Raises:
            CodexNotFound: There is no binary.
            StartupFailed: The operating system refused.
            InvalidArgument: `config` has no form in TOML.
        """
        return ChildProcess(self._argv(), env=self.environment, cwd=self.cwd)

    def _argv(self) -> list[str]:
        if self.command is not None:
            return list(self.command)
        binary = str(find_codex(self.codex_bin).path)
        settings = (setting(*pair, "config") for pair in (self.config or {}).items())
        overrides = (word for pair in settings for word in ("-c", "=".join(pair)))
        return [binary, *overrides, "app-server"]


def _words(command: Any) -> tuple[str, ...]:
    words = () if isinstance(command, str) else tuple(map(_word, command))
    if not words or None in words:
        raise InvalidArgument(
            "command", "is no argv", "give the program and its arguments as a list of text"
        )
    argv = tuple(word or "" for word in words)
    if any("\0" in word for word in argv):
        raise InvalidArgument("command", "holds a NUL character", "take it out")
    return argv


def _word(word: Any) -> str | None:
    text: Any = word.__fspath__() if hasattr(word, "__fspath__") else word
    return text if isinstance(text, str) else None
