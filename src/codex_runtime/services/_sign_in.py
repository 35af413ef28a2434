"""A sign-in, which somebody has to finish elsewhere: in a browser, some time, perhaps never."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import anyio

from codex_runtime._client import Client
from codex_runtime.errors import CodexRuntimeError, LoginFailed, LoginTimedOut, RuntimeClosed
from codex_runtime.protocol import (
    AccountLoginCompletedNotification,
    Event,
    McpServerOauthLoginCompletedNotification,
)

__all__ = ["Completed", "Outcome"]

Completed = TypeVar(
    "Completed", AccountLoginCompletedNotification, McpServerOauthLoginCompletedNotification
)

_EARLY: Final = 64
"""Events that are kept until the sign-in has its id. There is one, two where another sign-in is
replaced by this one."""

_TAKING_EFFECT: Final = 5.0
"""Seconds to wait for a new account to be in force. 0 to 30 ms were measured (fact 210), so a
server that takes longer is not going to say so."""


class Outcome(Generic[Completed]):
    """What becomes of a sign-in, told by the server to everybody at some time.

    It listens from before the sign-in is started, since the end may be told before the answer that
    names it. Whatever is known of the sign-in here is no secret.
    """

    def __init__(
        self, client: Client, completed: type[Completed], in_force: type[Event] | None = None
    ) -> None:
        """Listen.

        Args:
            client: Where.
            completed: What tells that a sign-in has ended.
            in_force: What tells thereafter that it has taken effect; None where nothing does.

        Raises:
            RuntimeClosed: The runtime is not open.
            ConnectionLost: The server went away.
        """
        client.peer  # noqa: B018 — raises where there is no connection
        self.login_id: str | None = None
        self.server = ""
        self._hub = client.hub
        self._completed: type[Completed] = completed
        self._in_force = in_force
        self._early: deque[Event] = deque(maxlen=_EARLY)
        self._is_ours: Callable[[Completed], bool] | None = None
        self._completion: Completed | None = None
        self._lost: CodexRuntimeError | None = None
        self._ended = anyio.Event()
        self._taken_effect = anyio.Event()
        self._listening = True
        self._hub.subscribe(self)

    @property
    def strained(self) -> bool:
        """Whether the reader should take it easy; never because of this."""
        return False

    @property
    def ended(self) -> bool:
        """Whether the sign-in has come to its end, one way or another."""
        return self._ended.is_set()

    def push(self, event: Event, size: int) -> None:
        """Take an event; called by the reader."""
        del size
        if isinstance(event, self._completed) or (
            self._in_force is not None and isinstance(event, self._in_force)
        ):
            if self._is_ours is None:
                self._early.append(event)
            else:
                self._take(event)

    def fail(self, error: CodexRuntimeError) -> None:
        """No event will come any more; called by the reader."""
        self._lost = error
        self._ended.set()
        self._taken_effect.set()

    def expect(self, is_ours: Callable[[Completed], bool]) -> None:
        """From now on it is known which completion is that of this sign-in."""
        self._is_ours = is_ours
        while self._early:
            self._take(self._early.popleft())

    def close(self) -> None:
        """Listen no more. Whoever waits for the end is told that it was not waited for."""
        self._listen_no_more()
        if not self.ended:
            self.fail(LoginFailed("it was left before its end", self.login_id, self.server))

    async def wait(self, seconds: float) -> None:
        """Wait for the end, and until it is in force. Cancelling stops the wait only.

        Raises:
            LoginFailed: It ended without success.
            LoginTimedOut: It has not ended in time.
            ConnectionLost: The server went away.
            RuntimeClosed: The runtime was closed.
        """
        with anyio.move_on_after(seconds):
            await self._ended.wait()
        if not self.ended:
            raise LoginTimedOut(self._completed.method, seconds, self.login_id)
        completion = self._completion
        # A server that leaves `success` out has not said that it was one.
        if completion is not None and self._expects_more():
            with anyio.move_on_after(_TAKING_EFFECT):
                await self._taken_effect.wait()
        self.close()
        if completion is None:
            assert self._lost is not None  # noqa: S101 — one of the two has ended it
            raise self._lost
        if completion.success is not True:
            raise LoginFailed(completion.error or "", self.login_id, self.server)

    async def why_lost(self) -> CodexRuntimeError:
        """Why no more will come, once that is told; it is about to be."""
        with anyio.move_on_after(_TAKING_EFFECT):
            await self._ended.wait()
        return self._lost or RuntimeClosed()

    def _take(self, event: Any) -> None:
        assert self._is_ours is not None  # noqa: S101 — both callers see to it
        if not isinstance(event, self._completed):
            if self._completion is not None:
                self._taken_effect.set()
        elif self._completion is None and self._is_ours(event):
            self._completion = event
            self._ended.set()
        if self._completion is not None and not self._expects_more():
            # Also for a handle that nobody has kept: nobody would ever close this.
            self._listen_no_more()

    def _expects_more(self) -> bool:
        """Whether it is still to be told that the sign-in, which has ended, is in force."""
        succeeded = self._completion is not None and self._completion.success is True
        return succeeded and self._in_force is not None and not self._taken_effect.is_set()

    def _listen_no_more(self) -> None:
        if self._listening:
            self._listening = False
            self._hub.unsubscribe(self)
