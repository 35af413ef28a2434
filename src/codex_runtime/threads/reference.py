"""A thread by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.threads._record import ThreadRecord

if TYPE_CHECKING:
    from codex_runtime.threads.attachments import Attachments
    from codex_runtime.threads.goal import Goal
    from codex_runtime.threads.queue import Queue
    from codex_runtime.threads.rollback import ThreadRollback
    from codex_runtime.threads.terminals import Terminals

__all__ = ["ThreadReference"]


class ThreadReference(ThreadRecord):
    """A thread by its id, loaded or not. Made by `Runtime.thread`, without asking the server.

    Whether there is such a thread is known when the server is asked for something: it then
    raises `ThreadNotFound`, or `ThreadNotLoaded` where that needs a loaded thread.
    """

    # The parts are imported on first use: hardly any program needs all of them.

    @property
    def goal(self) -> Goal:
        """What the thread works towards by itself: reading it, setting it, giving it up."""
        from codex_runtime.threads.goal import Goal  # noqa: PLC0415 — see above

        return Goal(self._client, self.thread_id)

    @property
    def queue(self) -> Queue:
        """The messages that wait for the thread to become idle."""
        from codex_runtime.threads.queue import Queue  # noqa: PLC0415 — see above

        return Queue(self._client, self.thread_id, self._folder())

    @property
    def attachments(self) -> Attachments:
        """Data that clients keep beside the thread."""
        from codex_runtime.threads.attachments import Attachments  # noqa: PLC0415 — see above

        return Attachments(self._client, self.thread_id)

    @property
    def terminals(self) -> Terminals:
        """The commands that the thread has running."""
        from codex_runtime.threads.terminals import Terminals  # noqa: PLC0415 — see above

        return Terminals(self._client, self.thread_id)

    async def rollback(self, num_turns: int, *, interrupt: bool = False) -> ThreadRollback:
        """Drop the last turns of the thread, for good (`thread/revert`, or `thread/rollback`).

        The model does not see them any more; files that they changed stay as they are. The
        thread keeps its id and has to be loaded; this connection gets its events from then on,
        also if it was not subscribed (fact 236). Which request is sent depends on the thread:
        one with paginated history, which all have since 0.154, is reverted; one with legacy
        history can be rolled back by 0.154 only (fact 40).

        Nothing is sent that changes anything before all has been checked: a refused
        `thread/revert` would have interrupted the running turn already, or lost a thread that
        has no turn yet (fact 237). Another client that starts turns in between is not noticed.

        Cancelling stops the wait; the turns may still be dropped, and the running one
        interrupted.

        Args:
            num_turns: How many.
            interrupt: Interrupt the running turn first; it is one of the dropped ones then.

        Returns:
            The thread as it is now, and the turns that are gone with their items.

        Raises:
            InvalidArgument: `num_turns` is no positive number, or the thread has not that many
                turns. Nothing was done.
            TurnInProgress: A turn is running, and `interrupt` was not asked for.
            ThreadNotFound: There is no record of the thread.
            ThreadNotLoaded: It is not loaded, so archived perhaps: resume it first.
            NotSupportedByThread: It is ephemeral, or has legacy history that this version of
                codex cannot roll back.
            TurnNotFound: Somebody else has dropped these turns meanwhile.
            RequestTimeout: The server did not answer in time, or the running turn did not end.
            ConnectionLost: The server went away.
            RuntimeClosed: The runtime is closed.
        """
        from codex_runtime.threads._rolling_back import roll_back  # noqa: PLC0415 — see above

        return await roll_back(self._client, self, num_turns, interrupt=interrupt)

    def _folder(self) -> str | None:
        """What relative paths are taken from, where that is known."""
        return None
