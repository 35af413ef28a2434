"""Watches on files, and searches that go on while somebody types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

import anyio

from codex_runtime import protocol
from codex_runtime._arguments import positive_seconds
from codex_runtime._channel import Channel
from codex_runtime._client import Client
from codex_runtime._events import Name
from codex_runtime._input_items import check_text
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    RemoteProtocolError,
    RequestTimeout,
)
from codex_runtime.protocol import Event, Notification, methods
from codex_runtime.services._calls import Call, new_name
from codex_runtime.services._leaving import take_leave

__all__ = ["FileWatch", "SearchSession"]

E = TypeVar("E", bound=Notification)


class _Sieve(Channel):
    """A channel that takes events of one kind."""

    __slots__ = ("_kind",)

    def __init__(self, kind: type[Notification]) -> None:
        super().__init__()
        self._kind = kind

    def push(self, event: Event, size: int) -> None:
        if isinstance(event, self._kind):
            super().push(event, size)


class _Feed(ABC, Generic[E]):
    """Events of something that the server does on request, from entering a block to leaving it.

    What it asks of the server is one request, `_open_call`, which may be sent again on another
    connection.
    """

    _field: ClassVar[str]
    """The field that holds its id in events."""

    _wanted: type[E]
    """The events that are handed out."""

    def __init__(self, client: Client, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._id = new_name(self._field.removesuffix("_id"))
        self._events = _Sieve(self._wanted)
        self._entered = False

    @property
    def _name(self) -> Name:
        """Under which the hub knows it."""
        return self._field, self._id

    @abstractmethod
    def _open_call(self) -> Call:
        """The request that begins it."""

    @abstractmethod
    def _close_call(self) -> Call:
        """The request that ends it."""

    async def __aenter__(self) -> Self:
        if self._entered:
            raise InvalidArgument(type(self).__name__, "was used before", "make another")
        self._client.peer  # noqa: B018 — raises where there is no connection
        self._entered = True
        self._client.hub.attach(self._name, self._events)
        method, params = self._open_call()
        try:
            await self._client.request(method, params, timeout=self._seconds)
        except (RequestTimeout, RemoteProtocolError, anyio.get_cancelled_exc_class()):
            # The server may have begun all the same, or has, and says so in a way nobody can read.
            await self._leave()
            raise
        except CodexRuntimeError:
            self._forget()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave()

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        if not self._entered:
            raise InvalidArgument(type(self).__name__, "was not entered", "use `async with` on it")
        event = await anext(self._events)
        assert isinstance(event, self._wanted)  # noqa: S101 — nothing else is pushed
        return event

    def _forget(self) -> None:
        self._client.hub.detach(self._name)
        self._events.close()

    async def _leave(self) -> None:
        self._forget()
        await take_leave(self._client, *self._close_call())


class FileWatch(_Feed[protocol.FsChangedNotification]):
    """Changes of a file or folder (`fs/watch`, `fs/unwatch`); made by `Files.watch`.

    An asynchronous iterator over `FsChangedNotification`, for one consumer: `changed_paths` holds
    absolute paths. Cancelling the wait for the next one loses nothing.

    Raises:
        RequestRefused: On entering: the server does not watch it.
        RequestTimeout: On entering: it did not answer in time.
        EventsLost: While iterating: this consumer lagged beyond every bound.
        ConnectionLost: While iterating: the server went away.
        RuntimeClosed: While iterating: the runtime was closed.
    """

    _field = "watch_id"
    _wanted = protocol.FsChangedNotification

    def __init__(self, client: Client, path: str, seconds: float) -> None:
        super().__init__(client, seconds)
        self._path = path

    def __repr__(self) -> str:
        return f"<FileWatch of {self._path}>"

    @property
    def path(self) -> str:
        """What is watched."""
        return self._path

    def _open_call(self) -> Call:
        params = protocol.FsWatchParams(path=self._path, watch_id=self._id)
        return methods.FS_WATCH, params

    def _close_call(self) -> Call:
        return methods.FS_UNWATCH, protocol.FsUnwatchParams(watch_id=self._id)


class SearchSession(_Feed[protocol.FuzzyFileSearchSessionUpdatedNotification]):
    """A search that follows somebody's typing (`fuzzyFileSearch/sessionStart`, `fuzzyFileSearch/sessionStop`).

    Made by `Files.search_session`. An asynchronous iterator over
    `FuzzyFileSearchSessionUpdatedNotification`, for one consumer, with `query` and `files`. There
    may be several for one query, and late ones for the query before: look at `query`. The server
    also tells when it has looked at everything, but neither for which query nor in order (fact
    208), so that is not handed out. Cancelling the wait for the next one loses nothing.

    Raises:
        RequestRefused: On entering: the server does not search there.
        RequestTimeout: On entering: it did not answer in time.
        EventsLost: While iterating: this consumer lagged beyond every bound.
        ConnectionLost: While iterating: the server went away.
        RuntimeClosed: While iterating: the runtime was closed.
    """

    _field = "session_id"
    _wanted = protocol.FuzzyFileSearchSessionUpdatedNotification

    def __init__(self, client: Client, roots: list[str], seconds: float) -> None:
        super().__init__(client, seconds)
        self._roots = roots

    def __repr__(self) -> str:
        return f"<SearchSession in {', '.join(self._roots)}>"

    async def update(self, query: str, *, timeout: float | None = None) -> None:
        """Search for something else (`fuzzyFileSearch/sessionUpdate`).

        Cancelling stops the wait; the server may search all the same.

        Args:
            query: Characters of a path, in their order.
            timeout: Seconds; by default the runtime's `request_timeout`.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            RequestRefused: The session is over.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
        """
        check_text("query", query)
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        params = protocol.FuzzyFileSearchSessionUpdateParams(query=query, session_id=self._id)
        await self._client.request(
            methods.FUZZY_FILE_SEARCH_SESSION_UPDATE, params, timeout=seconds
        )

    def _open_call(self) -> Call:
        params = protocol.FuzzyFileSearchSessionStartParams(roots=self._roots, session_id=self._id)
        return methods.FUZZY_FILE_SEARCH_SESSION_START, params

    def _close_call(self) -> Call:
        params = protocol.FuzzyFileSearchSessionStopParams(session_id=self._id)
        return methods.FUZZY_FILE_SEARCH_SESSION_STOP, params
