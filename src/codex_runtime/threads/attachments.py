"""What clients have attached to a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from codex_runtime import protocol
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import checked_cursor, checked_limit, checked_text
from codex_runtime.threads._pages import Pages
from codex_runtime.threads._part import ThreadPart

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ThreadAttachment,
        ThreadAttachmentAddResponse,
        ThreadAttachmentListResponse,
    )

__all__ = ["Attachments"]


class Attachments(ThreadPart):
    """Data that clients keep beside a thread. Reached by `thread.attachments`.

    The model does not see it. Each has a type and a key, which name it within the thread, and any
    JSON as payload. From 0.158 on; older servers raise `UnsupportedByServer`.
    """

    async def add(
        self, attachment_type: str, identity_key: str, payload: Any
    ) -> ThreadAttachmentAddResponse:
        """Attach something (`thread/attachment/add`).

        Cancelling stops the wait; it may still be attached.

        Args:
            attachment_type: What kind of thing it is; any text.
            identity_key: Its name among those of its type; any text.
            payload: Any JSON.

        Returns:
            `outcome`: `"created"`, or `"existing"` where there is one of that name; that one is
            the `attachment` then, with the payload that it has had, and nothing is changed.

        Raises:
            InvalidArgument: An argument cannot be used; `UnsendableValue` is of this kind.
            ThreadNotFound: There is no record of the thread, or it is ephemeral.
            UnsupportedByServer: The server is older than 0.158.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadAttachmentAddParams(
            thread_id=self.thread_id,
            attachment_type=checked_text(attachment_type, "attachment_type"),
            identity_key=checked_text(identity_key, "identity_key"),
            payload=payload,
        )
        return await self._ask(methods.THREAD_ATTACHMENT_ADD, params)

    async def list(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadAttachmentListResponse:
        """List one page of attachments, oldest first (`thread/attachment/list`).

        A thread that does not exist has none. Cancelling stops the wait.

        Args:
            cursor: `next_cursor` of the page before.
            limit: Attachments of the page; by default as the server likes.

        Raises:
            InvalidArgument: An argument cannot be used.
            InvalidCursor: The server does not know the cursor.
            UnsupportedByServer: The server is older than 0.158.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadAttachmentListParams(
            thread_id=self.thread_id, cursor=checked_cursor(cursor), limit=checked_limit(limit)
        )
        return await self._ask(methods.THREAD_ATTACHMENT_LIST, params)

    def iter_attachments(self, *, page_size: int | None = None) -> AsyncIterator[ThreadAttachment]:
        """Iterate over all attachments, oldest first (`thread/attachment/list`, paged).

        Cancelling the wait for the next one loses nothing; for one task.

        Args:
            page_size: Attachments to ask for at once; by default as the server likes.

        Raises:
            InvalidArgument: `page_size` is no positive number. At once.
            CodexRuntimeError: While iterating: whatever `list` raises.
        """
        checked_limit(page_size, "page_size")

        async def fetch(cursor: str | None) -> ThreadAttachmentListResponse:
            return await self.list(cursor=cursor, limit=page_size)

        return Pages(methods.THREAD_ATTACHMENT_LIST.method, fetch)

    async def remove(self, attachment_type: str, identity_key: str) -> None:
        """Remove an attachment (`thread/attachment/remove`); no error where there is none.

        Cancelling stops the wait; it may still be removed.

        Args:
            attachment_type: Its type.
            identity_key: Its name.

        Raises:
            InvalidArgument: An argument is blank.
            UnsupportedByServer: The server is older than 0.158.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadAttachmentRemoveParams(
            thread_id=self.thread_id,
            attachment_type=checked_text(attachment_type, "attachment_type"),
            identity_key=checked_text(identity_key, "identity_key"),
        )
        await self._ask(methods.THREAD_ATTACHMENT_REMOVE, params)
