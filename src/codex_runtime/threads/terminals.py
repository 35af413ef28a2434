"""The commands of a thread that run in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from codex_runtime import protocol
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import checked_cursor, checked_limit, checked_text
from codex_runtime.threads._pages import Pages
from codex_runtime.threads._part import ThreadPart

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ThreadBackgroundTerminal,
        ThreadBackgroundTerminalsListResponse,
    )

__all__ = ["Terminals"]


class Terminals(ThreadPart):
    """Commands that a thread has running. Reached by `thread.terminals`.

    Those of a running turn, those that a turn went on without, and those that an interrupted turn
    has left, since an interrupt stops no command (fact 61). Experimental. The thread has to be
    loaded. `TurnHandle.interrupt(kill_commands=True)` ends those of one turn.
    """

    async def list(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadBackgroundTerminalsListResponse:
        """List one page of running commands (`thread/backgroundTerminals/list`).

        A command is listed some milliseconds after its item was started. Cancelling stops the
        wait.

        Args:
            cursor: `next_cursor` of the page before.
            limit: Commands of the page; by default all.

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            ThreadNotLoaded: The thread is not loaded.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadBackgroundTerminalsListParams(
            thread_id=self.thread_id, cursor=checked_cursor(cursor), limit=checked_limit(limit)
        )
        return await self._ask(methods.THREAD_BACKGROUND_TERMINALS_LIST, params)

    def iter_terminals(
        self, *, page_size: int | None = None
    ) -> AsyncIterator[ThreadBackgroundTerminal]:
        """Iterate over all running commands (`thread/backgroundTerminals/list`, paged).

        Cancelling the wait for the next one loses nothing; for one task.

        Args:
            page_size: Commands to ask for at once; by default all.

        Raises:
            InvalidArgument: `page_size` is no positive number. At once.
            CodexRuntimeError: While iterating: whatever `list` raises.
        """
        checked_limit(page_size, "page_size")

        async def fetch(cursor: str | None) -> ThreadBackgroundTerminalsListResponse:
            return await self.list(cursor=cursor, limit=page_size)

        return Pages(methods.THREAD_BACKGROUND_TERMINALS_LIST.method, fetch)

    async def terminate(self, process_id: str) -> bool:
        """End one command (`thread/backgroundTerminals/terminate`).

        Its `item/completed` follows. Not the processes of it that moved to a session of their
        own. Cancelling stops the wait; the command may still be ended.

        Args:
            process_id: The `process_id` that `list` gave: the server's own number, not that of
                the operating system.

        Returns:
            Whether it ran.

        Raises:
            InvalidArgument: `process_id` is no text of digits.
            ThreadNotLoaded: The thread is not loaded.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        if not (checked_text(process_id, "process_id").isascii() and process_id.isdigit()):
            raise InvalidArgument("process_id", "is no number", "use one that list() gave")
        params = protocol.ThreadBackgroundTerminalsTerminateParams(
            thread_id=self.thread_id, process_id=process_id
        )
        return (await self._ask(methods.THREAD_BACKGROUND_TERMINALS_TERMINATE, params)).terminated

    async def clean(self) -> None:
        """End all commands of the thread (`thread/backgroundTerminals/clean`).

        Also those that ignore a polite request to end; not processes that moved to a session of
        their own (fact 61). Cancelling stops the wait; they may still be ended.

        Raises:
            ThreadNotLoaded: The thread is not loaded.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadBackgroundTerminalsCleanParams(thread_id=self.thread_id)
        await self._ask(methods.THREAD_BACKGROUND_TERMINALS_CLEAN, params)
