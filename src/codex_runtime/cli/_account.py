"""Who is signed in, which home that is about, and the command that signs in."""

import os
import shlex
from pathlib import Path

from codex_runtime._lines import Line, line
from codex_runtime.errors import RemoteProtocolError, RequestRefused, RequestTimeout
from codex_runtime.protocol import GetAccountParams, GetAccountResponse, methods
from codex_runtime.runtime import Runtime

__all__ = ["is_missing", "is_new", "login_command", "read_account", "sign_in_warning"]

_READ_SECONDS = 10.0
"""Seconds that reading the account may take: 0.004 is usual, and it asks nobody outside."""


def is_new(codex_home: str | os.PathLike[str] | None) -> bool:
    """Whether this home is named and not there yet: starting codex makes it then."""
    if codex_home is None:
        return False
    # Unlike those of `Path`, these two raise for no path at all.
    return not os.path.exists(os.path.expanduser(codex_home))  # noqa: PTH110, PTH111 — see above


async def read_account(runtime: Runtime) -> GetAccountResponse:
    """Ask codex who is signed in."""
    return await runtime.request(methods.ACCOUNT_READ, GetAccountParams(), timeout=_READ_SECONDS)


def is_missing(answer: GetAccountResponse) -> bool:
    """Whether every turn will fail because nobody is signed in."""
    return answer.account is None and answer.requires_openai_auth


def login_command(binary: Path, codex_home: str | None) -> str:
    """The command that signs in, fit for a shell.

    Args:
        binary: The codex that is run.
        codex_home: The home that was named, as codex knows it; None for the user's usual one.
    """
    home = f"CODEX_HOME={shlex.quote(codex_home)} " if codex_home else ""
    return f"{home}{shlex.quote(str(binary))} login"


async def sign_in_warning(runtime: Runtime, binary: Path, *, named_home: bool) -> list[Line]:
    """What to tell somebody whose turn is going to fail; nothing where codex does not say."""
    try:
        answer = await read_account(runtime)
    except (RequestRefused, RequestTimeout, RemoteProtocolError):
        return []
    if not is_missing(answer):
        return []
    command = login_command(binary, runtime.server_info.codex_home if named_home else None)
    return [line(f"warning: not signed in; sign in with: {command}", "warning")]
