"""A thread: one conversation, in which turns follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from codex_runtime._arguments import absolute_cwd, positive_seconds
from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._outgoing import encode
from codex_runtime._params import Scope, turn_params
from codex_runtime._starting import start_turn
from codex_runtime._timekeeper import keep_time
from codex_runtime.errors import TurnInProgress
from codex_runtime.inputs import TurnInput, prepared_input
from codex_runtime.options import TurnOptions
from codex_runtime.state import TurnResult
from codex_runtime.threads.reference import ThreadReference
from codex_runtime.turn import DEFAULT_TURN_TIMEOUT, TurnHandle

if TYPE_CHECKING:
    from codex_runtime.protocol.types import ThreadStartResponse
    from codex_runtime.runtime import Runtime

__all__ = ["ThreadHandle", "TurnInput"]


class ThreadHandle(ThreadReference):
    """A thread that this runtime has loaded. Made by `Runtime.thread_start`.

    Attributes:
        info: What the server answered when the thread was opened: its model, policy, sandbox,
            working directory, as they are in force.
    """

    def __init__(self, runtime: Runtime, client: Client, info: ThreadStartResponse) -> None:
        super().__init__(client, info.thread.id)
        self._runtime = runtime
        self._scope = Scope.of(info)
        self.info = info

    @property
    def runtime(self) -> Runtime:
        """The runtime that it belongs to."""
        return self._runtime

    async def turn_start(self, input: TurnInput, **options: Unpack[TurnOptions]) -> TurnHandle:
        """Start a turn (`turn/start`). Returns as soon as the server has taken it.

        Cancelling while the server has not answered yet interrupts the turn, if it came about,
        and waits for its end, 10 seconds at the most.

        Args:
            input: What to do: text, or input items.
            **options: See `TurnOptions`.

        Raises:
            EmptyInput: There is nothing in `input`.
            InvalidArgument: An option cannot be used; `SandboxNotAllowed`,
                `WorkingDirectoryMissing` and `UnsendableValue` are of this kind.
            TurnInProgress: The thread has an active turn.
            RequestRefused: The server does not take the turn.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: The server went away.
            RuntimeClosed: The runtime is closed.
        """
        return await self._begin(input, options, keep_events=True)

    async def run(
        self, input: TurnInput, *, raise_on_failure: bool = True, **options: Unpack[TurnOptions]
    ) -> TurnResult:
        """Run a turn to its end and return what it did: `turn_start` and `result` in one.

        Cancelling interrupts the turn and waits for its end, 10 seconds at the most.

        Args:
            input: What to do: text, or input items.
            raise_on_failure: As in `TurnHandle.result`.
            **options: See `TurnOptions`.

        Raises:
            TurnFailed: The turn failed. Its `result` holds what was done.
            TurnTimedOut: Its time was up and it was interrupted. Likewise.
            CodexRuntimeError: Besides, whatever `turn_start` raises.
        """
        turn = await self._begin(input, options, keep_events=False)
        return await turn.result(raise_on_failure=raise_on_failure)

    async def _begin(
        self, input: TurnInput, options: TurnOptions, *, keep_events: bool
    ) -> TurnHandle:
        client, hub = self._client, self._client.hub
        allowed = positive_seconds("timeout", options.get("timeout"), DEFAULT_TURN_TIMEOUT)
        cwd = absolute_cwd(options.get("cwd"), remote=client.remote) or self._scope.cwd
        prepared = await prepared_input(input, cwd=cwd, remote=client.remote)
        params = turn_params(self._scope, prepared, options, remote=client.remote)
        encoded = encode(params)
        client.peer  # noqa: B018 — raises where there is no connection
        active = hub.active_turn(self.thread_id)
        if active is not None:
            raise TurnInProgress(self.thread_id, active or None)
        feed = TurnFeed(hub, self.thread_id, keep_events=keep_events)
        turn = TurnHandle(client, feed)
        try:
            await start_turn(client, feed, turn, encoded)
        except BaseException:
            # The server may have taken it all the same: count the wider of both.
            after = self._scope.after(params)
            if after.sandbox != "read-only":
                self._scope = after
            raise
        self._scope = self._scope.after(params)
        client.spawn(keep_time, turn, feed, allowed)
        return turn
