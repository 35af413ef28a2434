"""Opening threads, as a runtime offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, cast

from codex_runtime._runtime_base import RuntimeBase

if TYPE_CHECKING:
    from codex_runtime.options import ForkOptions, ResumeOptions, ThreadOptions
    from codex_runtime.runtime import Runtime
    from codex_runtime.thread import ThreadHandle

__all__ = ["OpeningCalls"]


class OpeningCalls(RuntimeBase):
    """The part of `Runtime` that opens threads."""

    # Imports stay within the methods: this module is loaded before the server is started.

    async def thread_start(self, **options: Unpack[ThreadOptions]) -> ThreadHandle:
        """Start a thread (`thread/start`).

        The server keeps no record of it before its first turn: until then it is gone with the
        process, and cannot be resumed or forked (facts 14 and 15). With `durable=True` it is given
        a name at once (`thread/name/set`), which makes a record of it (fact 17).

        What is in force is read back and compared with what was asked for. Cancelling stops the
        wait; a thread may have been started all the same.

        Args:
            **options: See `ThreadOptions`. Approval policy `never`, sandbox `read-only` and the
                user as reviewer are sent where none is named. Where the organisation's
                requirements forbid one of these, the strictest that they allow is used, logged,
                and told in `ThreadHandle.adjusted`.

        Raises:
            InvalidArgument: An option cannot be used; `SandboxNotAllowed` and
                `WorkingDirectoryMissing` are of this kind. Nothing was sent.
            PolicyMismatch: What is in force is not what was asked for. The thread is not used.
            RequestRefused: The server refuses, say for a broken config.toml.
            RequestTimeout: It did not answer in time.
            RemoteProtocolError: Its answer names no thread.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime._opening import start_thread  # noqa: PLC0415 — see the top

        return await start_thread(cast("Runtime", self), self._client, options)

    async def thread_resume(self, thread_id: str, **options: Unpack[ResumeOptions]) -> ThreadHandle:
        """Open a thread that is on record (`thread/resume`), or one that is loaded once more.

        What it may do is said anew, with the defaults and words of `thread_start`: the server
        keeps the approval policy and the reviewer of before, but not the sandbox (fact 245). On a
        thread that is loaded the server ignores all options (fact 33): it is used
        only if what is in force is what was asked for. To go on with a loaded thread that may do
        more than the defaults, say what is in force, with its words; to change it, use
        `ThreadHandle.update_settings`.

        History does not come along; read it with `read`, `iter_turns` or `iter_items`. Cancelling
        stops the wait; the thread may be loaded all the same.

        Args:
            thread_id: The thread.
            **options: See `ResumeOptions`.

        Raises:
            InvalidArgument: `thread_id` is none, or an option cannot be used; `SandboxNotAllowed`
                and `WorkingDirectoryMissing` are of this kind. Nothing was sent.
            ThreadNotFound: There is no record of the thread: it never was, was deleted, has had no
                turn yet, or is ephemeral.
            ThreadArchived: It is archived.
            ThreadBusyElsewhere: Another process has it loaded.
            ThreadIdMismatch: The server has opened another thread. It is not used.
            PolicyMismatch: What is in force is not what was asked for. The thread is not used.
            CodexRuntimeError: Besides, whatever `thread_start` raises.
        """
        from codex_runtime._opening import resume_thread  # noqa: PLC0415 — see the top

        return await resume_thread(cast("Runtime", self), self._client, thread_id, options)

    async def thread_fork(self, thread_id: str, **options: Unpack[ForkOptions]) -> ThreadHandle:
        """Open a copy of a thread, with its history and an id of its own (`thread/fork`).

        What the fork may do is said anew, with the defaults and words of `thread_start`. Turns
        have the same ids in the fork as in its source; a turn under way is in it as interrupted
        (fact 37). The source may be loaded by another process (fact 32). Cancelling stops the
        wait; the fork may have been made all the same.

        Args:
            thread_id: The source; it must be on record.
            **options: See `ForkOptions`.

        Raises:
            InvalidArgument: `thread_id` is none, or an option cannot be used; `SandboxNotAllowed`
                and `WorkingDirectoryMissing` are of this kind. Nothing was sent.
            ThreadNotFound: There is no record of the source: it has had no turn yet, or is ephemeral.
            ThreadArchived: It is archived.
            TurnNotFound: It has no such turn.
            PolicyMismatch: What is in force is not what was asked for. The fork is not used.
            CodexRuntimeError: Besides, whatever `thread_start` raises.
        """
        from codex_runtime._opening import fork_thread  # noqa: PLC0415 — see the top

        return await fork_thread(cast("Runtime", self), self._client, thread_id, options)
