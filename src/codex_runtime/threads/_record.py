"""The record of a thread: reading it, naming it, putting it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from codex_runtime import protocol
from codex_runtime._arguments import checked_thread_id
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import checked_flag, checked_mapping, checked_text
from codex_runtime.threads._history import FULL_PAGE, ThreadHistory

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        Thread,
        ThreadMemoryMode,
        ThreadMetadataGitInfoUpdateParams,
        ThreadReadResponse,
        ThreadReadState,
        ThreadReadStateOperation,
        ThreadUnsubscribeStatus,
    )

__all__ = ["ThreadRecord"]


class ThreadRecord(ThreadHistory):
    """A thread, as far as its record goes."""

    async def read(self, *, include_turns: bool = False) -> ThreadReadResponse:
        """Read the record of the thread (`thread/read`).

        Works whether it is loaded, archived or neither, also while another process has it.
        Cancelling stops the wait.

        Args:
            include_turns: Also read all its turns with all their items, oldest first. They are
                fetched page by page (`thread/turns/list`), since a server answers otherwise with
                all of them at once and calls that deprecated (fact 28); a turn that runs or is
                dropped meanwhile is seen as it was when its page came. `iter_turns` does not
                hold all of them at once.

        Returns:
            `thread` and, from 0.163 on, `read_state`, which is None for threads without a turn.

        Raises:
            ThreadNotFound: There is no record of it (fact 12).
            NotSupportedByThread: It is ephemeral and `include_turns` was asked for (fact 24).
            InvalidArgument: `include_turns` is neither True nor False.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        checked_flag(include_turns, "include_turns")
        params = protocol.ThreadReadParams(thread_id=self.thread_id)
        found = await self._ask(methods.THREAD_READ, params)
        if not include_turns:
            return found
        pages = self.iter_turns(items_view="full", sort_direction="asc", page_size=FULL_PAGE)
        return replace(found, thread=replace(found.thread, turns=[each async for each in pages]))

    async def set_name(self, name: str) -> None:
        """Name the thread (`thread/name/set`).

        Also makes a thread durable that has no turn yet: without, it is gone with its process
        (facts 14, 17). Works while another process has the thread. Cancelling stops the wait.

        Raises:
            InvalidArgument: `name` is blank.
            ThreadNotFound: There is no record of it, or it is archived (fact 39).
            NotSupportedByThread: It is ephemeral.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadSetNameParams(
            thread_id=self.thread_id, name=checked_text(name, "name")
        )
        await self._ask(methods.THREAD_NAME_SET, params)

    async def update_metadata(
        self,
        *,
        git_info: ThreadMetadataGitInfoUpdateParams | None = None,
        project_id: str | UnsetType | None = UNSET,
        daybreak_enabled: bool | None = None,
    ) -> Thread:
        """Change what is on record about the thread (`thread/metadata/update`).

        What is left out stays. For a thread without a turn the change is lost with its process
        (fact 17). Cancelling stops the wait.

        Args:
            git_info: `branch`, `origin_url`, `sha`; a field that is None is cleared.
            project_id: The project it belongs to from now on; None for no project.
            daybreak_enabled: The saved choice of that name.

        Returns:
            The thread as it is now.

        Raises:
            InvalidArgument: There is nothing to change, or an argument cannot be used.
            ThreadNotFound: There is no record of it.
            NotSupportedByThread: It is ephemeral.
            RequestRefused: There is no such project, or a field is an empty text.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        if git_info is None and project_id is UNSET and daybreak_enabled is None:
            raise InvalidArgument("git_info", "is left out like all else", "say what to change")
        params = protocol.ThreadMetadataUpdateParams(
            thread_id=self.thread_id,
            git_info=UNSET if git_info is None else git_info,
            # The protocol clears it with an empty text.
            project_id=project_id if project_id is UNSET else _project(project_id),
            daybreak_enabled=UNSET
            if daybreak_enabled is None
            else checked_flag(daybreak_enabled, "daybreak_enabled"),
        )
        return (await self._ask(methods.THREAD_METADATA_UPDATE, params)).thread

    async def set_memory_mode(self, mode: ThreadMemoryMode) -> None:
        """Say whether memories are made of the thread (`thread/memoryMode/set`, experimental).

        For a thread without a turn that is lost with its process (fact 17). Cancelling stops the
        wait.

        Args:
            mode: `"enabled"` or `"disabled"`.

        Raises:
            InvalidArgument: `mode` is blank.
            InvalidRequest: The server does not know it.
            ThreadNotFound: There is no record of the thread, or it is archived.
            NotSupportedByThread: It is ephemeral.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadMemoryModeSetParams(
            thread_id=self.thread_id, mode=checked_text(mode, "mode")
        )
        await self._ask(methods.THREAD_MEMORY_MODE_SET, params)

    async def mark_read(self, *, expected_revision: str | None = None) -> ThreadReadState:
        """Mark the thread as read (`thread/readState/update`, from 0.163 on, experimental).

        Cancelling stops the wait.

        Args:
            expected_revision: `revision` of the read state that was seen; the server refuses if
                something has happened since. By default the present one, which is read first.

        Raises:
            InvalidArgument: `expected_revision` is blank.
            ThreadNotFound: There is no record of the thread.
            RequestRefused: It has no read state, or another one than expected.
            UnsupportedByServer: The server is older than 0.163.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        return await self._mark(protocol.ReadThreadReadStateOperation(), expected_revision)

    async def mark_unread(self, *, expected_revision: str | None = None) -> ThreadReadState:
        """Mark the thread as unread (`thread/readState/update`, from 0.163 on).

        Arguments, cancelling and exceptions are as with `mark_read`.
        """
        return await self._mark(protocol.UnreadThreadReadStateOperation(), expected_revision)

    async def move_to_section(
        self, section_id: str | None, *, before_thread_id: str | None = None
    ) -> None:
        """Move the thread into a section (`thread/section/move`).

        Also makes a thread durable that has no turn yet (fact 17). Cancelling stops the wait.

        Args:
            section_id: The section; None takes the thread out of its section.
            before_thread_id: A thread of that section, to stand before; by default at the end.

        Raises:
            InvalidArgument: An argument cannot be used.
            ThreadNotFound: There is no record of the thread.
            NotSupportedByThread: It is ephemeral.
            RequestRefused: There is no such section, or the other thread is not in it.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        if section_id is None and before_thread_id is not None:
            raise InvalidArgument("before_thread_id", "is given without a section", "leave it out")
        before = before_thread_id
        params = protocol.ThreadSectionMoveParams(
            thread_id=self.thread_id,
            section_id=None if section_id is None else checked_text(section_id, "section_id"),
            before_thread_id=UNSET
            if before is None
            else checked_thread_id(before, "before_thread_id"),
        )
        await self._ask(methods.THREAD_SECTION_MOVE, params)

    async def inject_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Add to what the model sees of the thread (`thread/inject_items`).

        The model sees the items in the next turn; `items` and `turns` do not show them
        (fact 69). Also makes a thread durable that has no turn yet (fact 17). Cancelling stops
        the wait.

        Args:
            items: Items of the Responses API as plain data, say
                `{"type": "message", "role": "user", "content": [{"type": "input_text",
                "text": "…"}]}`. The server takes kinds that it does not know.

        Raises:
            InvalidArgument: There are none, or one is no mapping.
            ThreadNotLoaded: The thread is not loaded.
            RequestRefused: The server cannot read an item.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadInjectItemsParams(
            thread_id=self.thread_id, items=_response_items(items)
        )
        await self._ask(methods.THREAD_INJECT_ITEMS, params)

    async def archive(self) -> None:
        """Archive the thread (`thread/archive`), and the threads that its agents have spawned.

        It is unloaded: a running turn ends as interrupted, commands of it are killed (facts 39,
        100). An archived thread can be read and listed, not resumed, forked or named. From 0.163
        on it may have no turn yet. Cancelling stops the wait; the thread may still be archived.

        Raises:
            ThreadNotFound: There is no record of it, it is archived already, or ephemeral.
            ThreadBusyElsewhere: Another process has it loaded (fact 32).
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadArchiveParams(thread_id=self.thread_id)
        await self._ask(methods.THREAD_ARCHIVE, params)

    async def unarchive(self) -> Thread:
        """Bring the thread back from the archive (`thread/unarchive`). That does not load it.

        Cancelling stops the wait; the thread may still be brought back.

        Raises:
            ThreadNotFound: There is no record of it, or it is not archived.
            ThreadHasActiveWriter: It is loaded, and so not archived (fact 18).
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadUnarchiveParams(thread_id=self.thread_id)
        return (await self._ask(methods.THREAD_UNARCHIVE, params)).thread

    async def delete(self) -> None:
        """Delete the thread and its record for good (`thread/delete`).

        A running turn ends as interrupted, commands of it are killed (facts 39, 100). Cancelling
        stops the wait; the thread may still be deleted.

        Raises:
            ThreadHasForks: Forks refer to its history. It is kept, but the server has unloaded it
                all the same and has interrupted its turn (fact 38): resume it to go on with it.
                It can be archived.
            ThreadNotFound: There is no record of it.
            NotSupportedByThread: It is ephemeral.
            ThreadBusyElsewhere: Another process has it loaded (fact 32).
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadDeleteParams(thread_id=self.thread_id)
        await self._ask(methods.THREAD_DELETE, params)

    async def unsubscribe(self) -> ThreadUnsubscribeStatus:
        """Get no more events of the thread (`thread/unsubscribe`).

        A running turn goes on unseen, and turns can still be started, unseen (fact 42); resuming
        subscribes again, which works only after the first turn (fact 15). When nobody is
        subscribed and nothing runs, the server unloads the thread after a while: 60 s unless
        `thread_unload_delay_secs` in config.toml says otherwise. Cancelling stops the wait.

        Returns:
            `"unsubscribed"`, `"notSubscribed"` where it was not before, or `"notLoaded"`, also
            for a thread that does not exist (fact 12).

        Raises:
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadUnsubscribeParams(thread_id=self.thread_id)
        return (await self._ask(methods.THREAD_UNSUBSCRIBE, params)).status

    async def _mark(
        self, operation: ThreadReadStateOperation, expected_revision: str | None
    ) -> ThreadReadState:
        if expected_revision is None:
            state = (await self.read()).read_state
            # None on threads that have none: the server says so in its own words.
            expected = state.revision if state else "none"
        else:
            expected = checked_text(expected_revision, "expected_revision")
        params = protocol.ThreadReadStateUpdateParams(
            thread_id=self.thread_id, expected_revision=expected, operation=operation
        )
        return (await self._ask(methods.THREAD_READ_STATE_UPDATE, params)).read_state


def _project(project_id: str | None) -> str:
    return "" if project_id is None else checked_text(project_id, "project_id")


def _response_items(items: Any) -> list[Any]:
    given: Any = items
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Sequence):
        kind = type(given).__name__
        raise InvalidArgument("items", f"is of type {kind}", "use a list of mappings")
    listed: list[Any] = list(given)
    if not listed:
        raise InvalidArgument("items", "is empty", "say what to add")
    return [checked_mapping(each, f"items[{index}]") for index, each in enumerate(listed)]
