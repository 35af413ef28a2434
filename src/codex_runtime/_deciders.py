"""Who decides about what the server asks, as a runtime knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self
from weakref import WeakSet, finalize

import anyio

from codex_runtime._server_request import ServerRequest

if TYPE_CHECKING:
    from codex_runtime.requests import Approver

__all__ = ["Deciders", "RequestStream"]


class Deciders:
    """Who decides for a runtime, besides those of its threads and turns.

    Attributes:
        approvers: In the order in which they are asked.
        auth_tokens: Gives fresh tokens; None where nobody does.
        decision_timeout: Seconds until a request that nobody decides is refused.
        streams: Who wants to see what is left open.
        listening: How many of them there are.
        left_open: What is, by name.
    """

    def __init__(self) -> None:
        self.approvers: tuple[Approver, ...] = ()
        self.auth_tokens: Approver | None = None
        self.decision_timeout = 0.0
        self.streams: WeakSet[RequestStream] = WeakSet()
        self.listening = 0
        self._nobody = anyio.Event()
        self.left_open: dict[str, ServerRequest] = {}

    def leave_open(self, request: ServerRequest) -> None:
        """No approver has decided: tell those who listen, and those who will."""
        self.left_open[request.request_id] = request
        for stream in list(self.streams):
            stream.push(request)

    def settled(self, request: ServerRequest) -> None:
        """Nobody needs to decide about it any more."""
        if self.left_open.pop(request.request_id, None) is not None:
            for stream in list(self.streams):
                stream.drop(request)

    def leave_one(self) -> None:
        """One that has listened does so no more; without any, nobody is waited for."""
        self.listening -= 1
        if not self.listening:
            self._nobody.set()
            self._nobody = anyio.Event()

    async def nobody_listens(self) -> None:
        """Wait until the last one that has listened does so no more."""
        await self._nobody.wait()

    def end(self) -> None:
        """No more will come."""
        for stream in list(self.streams):
            stream.close()


class RequestStream:
    """The requests that no approver has decided, as they are left open.

    While somebody listens they stay open until their deadline instead of being refused at once.
    Made by `Runtime.requests`; for one task. Letting go of it, or leaving its `async with` block,
    ends the listening.
    """

    def __init__(self, deciders: Deciders) -> None:
        """Listen from now on."""
        self._deciders = deciders
        self._waiting = dict(deciders.left_open)
        self._news = anyio.Event()
        self._over = False
        deciders.streams.add(self)
        deciders.listening += 1
        # Called once: by leaving the block, or where it is only let go of, say by `break`.
        self._leave = finalize(self, deciders.leave_one)
        self._leave.atexit = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._deciders.streams.discard(self)
        self._leave()
        self.close()

    def __aiter__(self) -> AsyncIterator[ServerRequest]:
        return self

    async def __anext__(self) -> ServerRequest:
        """The next one that is still open. Cancelling loses nothing."""
        while True:
            if self._waiting:
                return self._waiting.pop(next(iter(self._waiting)))
            if self._over:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()

    def push(self, request: ServerRequest) -> None:
        """Take one that is left open."""
        self._waiting[request.request_id] = request
        self._news.set()

    def drop(self, request: ServerRequest) -> None:
        """It is settled."""
        self._waiting.pop(request.request_id, None)

    def close(self) -> None:
        """No more will come."""
        self._over = True
        self._news.set()
