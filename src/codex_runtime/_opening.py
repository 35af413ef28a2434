"""Opening threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codex_runtime._client import Client
from codex_runtime._params import thread_params
from codex_runtime.errors import RemoteProtocolError
from codex_runtime.options import ThreadOptions
from codex_runtime.protocol import methods
from codex_runtime.thread import ThreadHandle

if TYPE_CHECKING:
    from codex_runtime.runtime import Runtime

__all__ = ["start_thread"]

_THREAD_TIMEOUT: Final = 120.0
"""Seconds for opening a thread: required MCP servers are started within it (fact 132)."""


async def start_thread(runtime: Runtime, client: Client, options: ThreadOptions) -> ThreadHandle:
    """Start a thread; see `Runtime.thread_start`."""
    params = thread_params(options, remote=client.remote)
    timeout = max(_THREAD_TIMEOUT, client.request_timeout)
    info = await client.request(methods.THREAD_START, params, timeout=timeout)
    if not info.thread or not info.thread.id:
        raise RemoteProtocolError(methods.THREAD_START.method, "it names no thread")
    return ThreadHandle(runtime, client, info)
