"""The operations on threads that a runtime offers, under the names of the protocol."""

from __future__ import annotations

from codex_runtime._runtime_base import RuntimeBase

__all__ = ["ThreadCalls"]


class ThreadCalls(RuntimeBase):
    """The part of `Runtime` that is about threads."""

    # Imports stay within the methods: this module is loaded before the server is started.
