"""From options to a server that is ready: process, greeting, version."""

import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from codex_runtime._binary import find_codex
from codex_runtime._environment import child_environment
from codex_runtime._framing import DEFAULT_MAX_FRAME_BYTES
from codex_runtime._homes import FirstStart, home_of, prepare_home
from codex_runtime._outgoing import encode
from codex_runtime._peer import Peer
from codex_runtime._process import ServerProcess
from codex_runtime._redaction import Redactor, secrets_of
from codex_runtime._version import __version__
from codex_runtime.errors import (
    IncompatibleCodexVersion,
    InvalidArgument,
    RemoteProtocolError,
)
from codex_runtime.transports import Transport
from codex_runtime.transports.stdio import StdioTransport

__all__ = ["MINIMUM_CODEX", "Connect", "Greeting", "Launch", "ServerInfo", "handshake"]

MINIMUM_CODEX: Final = "0.154.0"
"""Older ones corrupt threads of newer ones, or report turns that never come (facts 53, 135)."""

Connect: TypeAlias = Callable[[], Awaitable[Transport]]
"""Gives a transport to a server that somebody else runs."""


@dataclass(frozen=True)
class ServerInfo:
    """What the server said of itself when it was greeted.

    Attributes:
        codex_version: Its version, say `"0.163.0"`; None if it gave none that can be read.
        user_agent: Its own words: version, operating system, terminal, client.
        codex_home: Where it keeps threads, settings and sign-in.
        platform_os: `"linux"`, `"macos"`, `"windows"`, or what a newer server says.
    """

    codex_version: str | None
    user_agent: str
    codex_home: str
    platform_os: str


@dataclass(frozen=True)
class Greeting:
    """How to introduce this client. The fields are those of `Runtime`."""

    client_info: Mapping[str, str] | None = None
    experimental_api: bool = True
    version_guard: bool = True


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
            InvalidArgument: `env` or `command` cannot be used.
        """
        if self.command is not None:
            object.__setattr__(self, "command", _words(self.command))
        environment = child_environment(
            extra=self.env, passthrough=self.env_passthrough, inherit=self.inherit_env
        )
        if self.codex_home is not None:
            environment["CODEX_HOME"] = str(Path(self.codex_home).expanduser().absolute())
        object.__setattr__(self, "environment", environment)

    def first_start(self) -> FirstStart:
        """Prepare the CODEX_HOME; return the right to start on it.

        Raises:
            InvalidArgument: The CODEX_HOME cannot be created.
        """
        if self.command is not None:
            return FirstStart(None)
        home = home_of(self.environment)
        prepare_home(home)
        return FirstStart(home)

    def start(self) -> Transport:
        """Start the process.

        Raises:
            CodexNotFound: There is no binary.
            StartupFailed: The operating system refused.
            InvalidArgument: `config` has no form in TOML.
        """
        process = ServerProcess(self._argv(), env=self.environment, cwd=self.cwd)
        return StdioTransport(
            process,
            redact=Redactor(secrets_of(self.environment)),
            max_frame_bytes=self.max_frame_bytes,
        )

    def _argv(self) -> list[str]:
        if self.command is not None:
            return list(self.command)
        overrides = [
            word
            for name, value in (self.config or {}).items()
            for word in ("-c", f"{name}={_toml(value, f'config.{name}')}")
        ]
        return [str(find_codex(self.codex_bin).path), *overrides, "app-server"]


async def handshake(
    peer: Peer,
    greeting: Greeting,
    *,
    timeout: float,
) -> ServerInfo:
    """Greet the server and check that it can be worked with.

    Raises:
        RequestTimeout: It did not answer in time.
        RequestRefused: It does not take the greeting.
        RemoteProtocolError: It answered with something else.
        IncompatibleCodexVersion: It is too old.
        ConnectionLost: It went away.
    """
    info = {
        "name": "codex-runtime",
        "title": None,
        "version": __version__,
        **(greeting.client_info or {}),
    }
    params = {"clientInfo": info, "capabilities": {"experimentalApi": greeting.experimental_api}}
    # Undecoded on purpose: the generated types are imported while the server gets ready.
    answer: Any = await peer.call_plain("initialize", encode(params), timeout=timeout)
    if not hasattr(answer, "keys"):
        raise RemoteProtocolError("initialize", "it is no object")
    peer.notify("initialized")
    user_agent = str(answer.get("userAgent", ""))
    server = ServerInfo(
        codex_version=_version_in(user_agent, str(info["name"])),
        user_agent=user_agent,
        codex_home=str(answer.get("codexHome", "")),
        platform_os=str(answer.get("platformOs", "")),
    )
    if greeting.version_guard and _numbers(server.codex_version) < _numbers(MINIMUM_CODEX):
        raise IncompatibleCodexVersion(server.codex_version, MINIMUM_CODEX)
    return server


def _words(command: Any) -> tuple[str, ...]:
    words = () if isinstance(command, str) else tuple(map(_word, command))
    if not words or None in words:
        raise InvalidArgument("command", f"is {command!r}", "give the whole argv as a list of text")
    argv = tuple(word or "" for word in words)
    if any("\0" in word for word in argv):
        raise InvalidArgument("command", "holds a NUL character")
    return argv


def _word(word: Any) -> str | None:
    text: Any = word.__fspath__() if hasattr(word, "__fspath__") else word
    return text if isinstance(text, str) else None


def _version_in(user_agent: str, client_name: str) -> str | None:
    """The version in `NAME/0.163.0 (Debian 12.0.0; x86_64) …`; the name is ours (fact 6)."""
    found = re.match(r"/(\d+\.\d+\.\d+\S*)", user_agent.removeprefix(client_name))
    return found[1] if found else None


def _numbers(version: str | None) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version or "")
    return tuple(map(int, found.groups())) if found else ()


def _toml(value: Any, path: str) -> str:
    """`value` as a TOML expression for codex's `-c name=value`."""
    match value:
        case bool() | int() | float() | str():
            return encode(value, path).decode()
        case list() | tuple():
            return _toml_array(value, path)
        case Mapping():
            return _toml_table(value, path)
        case _:
            raise InvalidArgument(
                path, f"is of type {type(value).__name__}", "TOML has no form for it"
            )


def _toml_array(values: Any, path: str) -> str:
    return f"[{', '.join(_toml(v, f'{path}[{i}]') for i, v in enumerate(values))}]"


def _toml_table(table: Any, path: str) -> str:
    pairs = (f"{encode(str(k)).decode()} = {_toml(v, f'{path}.{k}')}" for k, v in table.items())
    return f"{{{', '.join(pairs)}}}"
