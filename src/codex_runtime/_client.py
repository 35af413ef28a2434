"""What handles share: the connection of the moment, the event hub, the limits of waiting."""

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from anyio.abc import TaskGroup

from codex_runtime import protocol
from codex_runtime._broker import Broker
from codex_runtime._deciders import Deciders
from codex_runtime._events import Hub
from codex_runtime._hook_book import HookBook
from codex_runtime._item_book import ItemBook
from codex_runtime._live import LiveThread, Scope
from codex_runtime._outgoing import encode
from codex_runtime._peer import Peer
from codex_runtime.errors import CodexRuntimeError, RuntimeClosed
from codex_runtime.protocol import Method

if TYPE_CHECKING:
    from codex_runtime.tools import Tool

__all__ = ["Client"]

P = TypeVar("P")
R = TypeVar("R")


class Client:
    """One runtime's connection, as its thread and turn handles see it.

    Attributes:
        hub: Where events come from.
        request_timeout: Seconds a request may take unless told otherwise.
        remote: Whether the server sees another file system.
        hook_book: The hooks of the runtime.
        experimental: Whether experimental methods and fields were asked for.
        deciders: Who decides about what the server asks.
        tools: The tools of all its threads.
        items: What is under way that the server asks about.
        broker: The requests of the server that are open; None where there is no connection.
    """

    def __init__(self, *, request_timeout: float, remote: bool, experimental: bool = True) -> None:
        self.hub = Hub(on_settings=self._note_settings)
        self.hook_book = HookBook()
        self.request_timeout = request_timeout
        self.remote = remote
        self.experimental = experimental
        self.deciders = Deciders()
        self.broker: Broker | None = None
        self.items = ItemBook()
        self.tools: tuple[Tool[..., Any], ...] = ()
        self._threads: WeakValueDictionary[str, LiveThread] = WeakValueDictionary()
        self._peer: Peer | None = None
        self._tasks: TaskGroup | None = None
        self._lasting: TaskGroup | None = None
        self._closed: Callable[[], CodexRuntimeError] = RuntimeClosed

    @property
    def peer(self) -> Peer:
        """The connection.

        Raises:
            RuntimeClosed: There is none: not opened yet, or closed.
            ConnectionLost: The server went away.
        """
        if self._peer is None:
            raise self._closed()
        return self._peer

    def open(self, peer: Peer, tasks: TaskGroup) -> None:
        """From now on there is a connection."""
        self._peer, self._tasks = peer, tasks

    def close(self, reason: Callable[[], CodexRuntimeError]) -> None:
        """From now on there is none; whatever waits is settled with an error made by `reason`."""
        self._closed = reason
        if self.broker is not None:
            self.broker.end()
        self.deciders.end()
        if self._peer is not None:
            self._peer.end(reason)
        self._peer = self._tasks = self.broker = None
        self.hub.end(reason)

    async def request(self, method: Method[P, R], params: P, *, timeout: float | None = None) -> R:
        """Send a typed request; see `Peer.request`."""
        seconds = self.request_timeout if timeout is None else timeout
        return await self.peer.request(method, params, timeout=seconds)

    async def call_raw(
        self, method: str, params: Mapping[str, Any] | None, *, timeout: float
    ) -> Any:
        """Send a request given as plain data; see `Runtime.call_raw`."""
        encoded = encode({} if params is None else params)
        return await self.peer.call_plain(method, encoded, timeout=timeout)

    def live(self, thread_id: str) -> LiveThread:
        """What is known of a thread that is in use; the same object for all who use it."""
        found = self._threads.get(thread_id)
        if found is None:
            found = self._threads[thread_id] = LiveThread(thread_id)
        return found

    def scope_of(self, thread_id: str) -> Scope | None:
        """What a thread may touch that is in use here; None for any other."""
        live = self._threads.get(thread_id)
        return live.scope if live else None

    def holds(self, thread_id: str) -> bool:
        """Whether somebody here has a handle to that thread."""
        live = self._threads.get(thread_id)
        return bool(live and live.holders)

    def in_use(self, thread_id: str) -> bool:
        """Whether somebody here has a handle to that thread, or follows what happens in it."""
        return self.holds(thread_id) or self.hub.follows(thread_id)

    def spawn(self, run: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task that lives as long as the connection."""
        if self._tasks is None:
            raise self._closed()
        self._tasks.start_soon(run, *args)

    def last_with(self, tasks: TaskGroup | None) -> None:
        """From now on tasks that outlive the connection live in this group, or there are none."""
        self._lasting = tasks

    def spawn_lasting(self, run: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task that outlives the connection: the end of the runtime waits for it.

        It has to shield itself from cancellation, and to come to an end by itself soon after
        the connection has.

        Raises:
            RuntimeClosed: The runtime is closed, or was never opened.
        """
        if self._lasting is None:
            raise self._closed()
        self._lasting.start_soon(run, *args)

    def _note_settings(self, thread_id: str, settings: Any) -> None:
        live = self._threads.get(thread_id)
        if live is not None:
            # Settings that cannot be read are not known, which counts as the widest.
            live.note(settings or protocol.ThreadSettings())
