"""A thread by its id."""

from __future__ import annotations

from codex_runtime.threads._part import ThreadPart

__all__ = ["ThreadReference"]


class ThreadReference(ThreadPart):
    """A thread by its id, loaded or not. Made by `Runtime.thread`, without asking the server."""
