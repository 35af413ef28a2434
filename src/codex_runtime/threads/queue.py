"""The messages that wait for a thread to become idle."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from msgspec import UNSET

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime._prepared_input import prepared_input
from codex_runtime.inputs import TurnInput
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import (
    checked_cursor,
    checked_limit,
    checked_text,
    checked_texts,
)
from codex_runtime.threads._pages import Pages
from codex_runtime.threads._part import ThreadPart

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        QueuedSubmission,
        ThreadQueueListResponse,
        Turn,
        UserInput,
    )

__all__ = ["Queue"]


class Queue(ThreadPart):
    """Messages for later: the next turn starts with the first of them. Reached by `thread.queue`.

    The server starts that turn by itself: at once where the thread is idle and loaded, else when
    its turn has completed or failed. After an interrupt the queue stays still until `start`
    (fact 55). These turns run with what is in force in the thread, never with what a turn has
    changed for itself (`only_this_turn`): `add` and `start` wait until that is put back, and raise
    what `turn_start` would where it cannot be. They have no `TurnHandle`:
    `runtime.events(thread_id)` shows them, and the user message of each carries the
    `client_user_message_id`. Experimental.
    """

    def __init__(self, client: Client, thread_id: str, cwd: str | None) -> None:
        super().__init__(client, thread_id)
        self._cwd = cwd

    async def add(
        self, input: TurnInput, *, client_user_message_id: str | None = None
    ) -> QueuedSubmission:
        """Add a message at the end (`thread/queue/add`).

        **The server starts a turn with it by itself**; see the class. Cancelling stops the wait;
        it may still be added.

        Args:
            input: What to do, as for `turn_start`. Relative paths are taken from the thread's
                working directory on a `ThreadHandle`, on a `ThreadReference` from this
                process's own.
            client_user_message_id: Comes back as `client_id` of the turn's user message; by
                default a fresh one. The same one twice makes two turns.

        Raises:
            EmptyInput: There is nothing in `input`.
            InvalidArgument: An argument cannot be used.
            ThreadNotFound: There is no record of the thread.
            ThreadArchived: It is archived.
            NotSupportedByThread: It is ephemeral.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        given = client_user_message_id
        params = protocol.ThreadQueueAddParams(
            thread_id=self.thread_id,
            client_user_message_id=str(uuid.uuid4())
            if given is None
            else checked_text(given, "client_user_message_id"),
            input=await _items(input, self._cwd, remote=self._client.remote),
        )
        return (await self._ask_for_turn(methods.THREAD_QUEUE_ADD, params)).queued_submission

    async def list(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadQueueListResponse:
        """List one page of messages, the next to be used first (`thread/queue/list`).

        Cancelling stops the wait.

        Args:
            cursor: `next_cursor` of the page before.
            limit: Messages of the page; by default as the server likes.

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            ThreadNotFound: There is no record of the thread.
            ThreadArchived: It is archived.
            NotSupportedByThread: It is ephemeral.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadQueueListParams(
            thread_id=self.thread_id, cursor=checked_cursor(cursor), limit=checked_limit(limit)
        )
        return await self._ask(methods.THREAD_QUEUE_LIST, params)

    def iter_submissions(self, *, page_size: int | None = None) -> AsyncIterator[QueuedSubmission]:
        """Iterate over all messages, the next to be used first (`thread/queue/list`, paged).

        The server pages by number, so messages that are used or added meanwhile may be missed or
        seen twice. Cancelling the wait for the next one loses nothing; for one task.

        Args:
            page_size: Messages to ask for at once; by default as the server likes.

        Raises:
            InvalidArgument: `page_size` is no positive number. At once.
            CodexRuntimeError: While iterating: whatever `list` raises.
        """
        checked_limit(page_size, "page_size")

        async def fetch(cursor: str | None) -> ThreadQueueListResponse:
            return await self.list(cursor=cursor, limit=page_size)

        return Pages(methods.THREAD_QUEUE_LIST.method, fetch)

    async def update(self, queued_submission_id: str, input: TurnInput) -> QueuedSubmission:
        """Replace what a message says (`thread/queue/update`).

        Cancelling stops the wait; it may still be replaced.

        Args:
            queued_submission_id: The `id` of the message.
            input: As for `add`.

        Raises:
            EmptyInput: There is nothing in `input`.
            InvalidArgument: An argument cannot be used.
            RequestRefused: There is no such message any more.
            CodexRuntimeError: Besides, whatever `list` raises.
        """
        params = protocol.ThreadQueueUpdateParams(
            thread_id=self.thread_id,
            queued_submission_id=_submission(queued_submission_id),
            input=await _items(input, self._cwd, remote=self._client.remote),
        )
        return (await self._ask(methods.THREAD_QUEUE_UPDATE, params)).queued_submission

    async def delete(self, queued_submission_id: str) -> bool:
        """Take a message back (`thread/queue/delete`).

        Cancelling stops the wait; it may still be taken back.

        Args:
            queued_submission_id: The `id` of the message.

        Returns:
            Whether it was still there.

        Raises:
            InvalidArgument: The id is blank.
            CodexRuntimeError: Besides, whatever `list` raises.
        """
        params = protocol.ThreadQueueDeleteParams(
            thread_id=self.thread_id, queued_submission_id=_submission(queued_submission_id)
        )
        return (await self._ask(methods.THREAD_QUEUE_DELETE, params)).deleted

    async def reorder(self, queued_submission_ids: Sequence[str]) -> None:
        """Put the messages into another order (`thread/queue/reorder`).

        Cancelling stops the wait; they may still be reordered.

        Args:
            queued_submission_ids: The `id` of each message, the next to be used first.

        Raises:
            InvalidArgument: It is no list of ids, or names one twice.
            RequestRefused: These are not all of the messages.
            CodexRuntimeError: Besides, whatever `list` raises.
        """
        ids = checked_texts(queued_submission_ids, "queued_submission_ids")
        params = protocol.ThreadQueueReorderParams(
            thread_id=self.thread_id, queued_submission_ids=ids
        )
        await self._ask(methods.THREAD_QUEUE_REORDER, params)

    async def start(self, queued_submission_id: str | None = None) -> Turn:
        """Start a turn with the first message, or with another (`thread/queue/start`).

        Needed after an interrupt; otherwise the server does it. Cancelling stops the wait; the
        turn may still start.

        Args:
            queued_submission_id: The `id` of the message; by default the first.

        Returns:
            The turn as it begins.

        Raises:
            InvalidArgument: The id is blank.
            RequestRefused: The queue is empty, there is no such message, or a turn is running.
            CodexRuntimeError: Besides, whatever `list` raises.
        """
        given = queued_submission_id
        params = protocol.ThreadQueueStartParams(
            thread_id=self.thread_id,
            queued_submission_id=UNSET if given is None else _submission(given),
        )
        return (await self._ask_for_turn(methods.THREAD_QUEUE_START, params)).turn


async def _items(input: TurnInput, cwd: str | None, *, remote: bool) -> list[UserInput]:
    prepared = await prepared_input(input, cwd=cwd, remote=remote)
    return prepared.only_items("a queued message")


def _submission(queued_submission_id: str) -> str:
    return checked_text(queued_submission_id, "queued_submission_id")
