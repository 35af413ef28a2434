"""The greeting: who is there, and can it be worked with?"""

import re
from dataclasses import dataclass
from typing import Any, Final

from codex_runtime._launch import Greeting
from codex_runtime._outgoing import encode
from codex_runtime._peer import Peer
from codex_runtime._version import __version__
from codex_runtime.errors import IncompatibleCodexVersion, RemoteProtocolError

__all__ = ["MINIMUM_CODEX", "ServerInfo", "handshake"]

MINIMUM_CODEX: Final = "0.154.0"
"""Older ones corrupt threads of newer ones, or report turns that never come (facts 53, 135)."""


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
    peer.codex_version = server.codex_version
    if greeting.version_guard and _numbers(server.codex_version) < _numbers(MINIMUM_CODEX):
        raise IncompatibleCodexVersion(server.codex_version, MINIMUM_CODEX)
    return server


def _version_in(user_agent: str, client_name: str) -> str | None:
    """The version in `NAME/0.163.0 (Debian 12.0.0; x86_64) …`; the name is ours (fact 6)."""
    found = re.match(r"/(\d+\.\d+\.\d+\S*)", user_agent.removeprefix(client_name))
    return found[1] if found else None


def _numbers(version: str | None) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version or "")
    return tuple(map(int, found.groups())) if found else ()
