"""A small HTTP/1.1 server on loopback: one thread per connection, every wait bounded.

The standard library's own server is not used: it cannot notice a client that goes away in
the middle of an answer, and ending its open connections needs its internals.
"""

from __future__ import annotations

import contextlib
import gzip
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codex_runtime.testing._gates import Gate, GateTimeout

__all__ = ["ClientGone", "Connection", "HttpServer", "Request"]

IDLE_SECONDS = 600.0
"""Seconds that a connection may stay unused, or that its client may take to read an answer."""

CLOSE_SECONDS = 5.0
"""Seconds that `close()` waits for the threads in all; they end in milliseconds unless a
callable of the test blocks one."""

MAX_HEAD = 64 * 1024
"""Bytes of a request's head; codex sends about 1.5 KB."""

MAX_BODY = 512 * 1024 * 1024
"""Bytes of a request's body; codex caps one input at 1 MiB, images come on top."""

_ACCEPT_AGAIN = 0.01
"""Seconds before a connection is accepted again after that failed."""

CHUNK = 256 * 1024
"""Bytes read at once."""


class ClientGone(Exception):
    """The client closed the connection, or the server is being closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: In capitals.
        path: As sent.
        headers: Names in lower case.
        body: Decompressed.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One client's connection, used by one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    def read_request(self) -> Request:
        """Return the next request.

        Raises:
            ClientGone: There is none, or it is no HTTP that this server speaks.
        """
        head = self._read_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.split("\r\n")
        try:
            method, path, _ = first.split(" ")
        except ValueError:
            raise ClientGone from None
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        return Request(method.upper(), path, headers, self._read_body(headers))

    def send(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            ClientGone: It cannot be sent.
        """
        try:
            self._sock.sendall(data)
        except OSError:
            raise ClientGone from None

    def pause(self, seconds: float) -> None:
        """Wait, at most until the client goes away.

        Raises:
            ClientGone: It did.
        """
        self._watch(seconds, None)

    def wait_for(self, gate: Gate) -> None:
        """Wait for a gate, at most until the client goes away.

        Raises:
            ClientGone: It did.
            GateTimeout: Nobody opened the gate within its time.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:

            def wake() -> None:
                # The wait may just have ended, and the pair been closed.
                with contextlib.suppress(OSError):
                    theirs.send(b"!")

            try:
                if not gate.arrive(wake) and not self._watch(gate.seconds, ours):
                    raise GateTimeout(gate.seconds)
            finally:
                gate.leave(wake)

    def shut(self) -> None:
        """Make every wait of the connection's thread end, from any thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self.shut()
        self._sock.close()

    def _watch(self, seconds: float, waker: socket.socket | None) -> bool:
        """Wait for `waker`; return whether it came."""
        watched = [self._sock] if waker is None else [self._sock, waker]
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready = _readable(watched, left)
            if waker is not None and waker in ready:
                return True
            if self._sock in ready:
                # No client of ours talks before it has its answer, so this is its end.
                raise ClientGone
        return False

    def _read_until(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise ClientGone
            self._more()
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    def _read_exactly(self, size: int) -> bytes:
        if not 0 <= size <= MAX_BODY:
            raise ClientGone
        while len(self._buffer) < size:
            self._more()
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        try:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = self._read_chunks()
            else:
                body = self._read_exactly(int(headers.get("content-length", "0")))
            return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        except (ValueError, EOFError, gzip.BadGzipFile):
            raise ClientGone from None

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._read_until(b"\r\n").split(b";")[0], 16):
            body += self._read_exactly(size)
            self._read_exactly(2)
            if len(body) > MAX_BODY:
                raise ClientGone
        self._read_exactly(2)
        return bytes(body)

    def _more(self) -> None:
        try:
            chunk = self._sock.recv(CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            raise ClientGone
        self._buffer += chunk


class HttpServer:
    """Listens on 127.0.0.1, on a port the system chooses, from `start()` to `close()`.

    Args:
        serve: Answers one request on its connection; called in the connection's thread. It
            returns whether the connection may be used again. `ClientGone` may pass through it.
    """

    def __init__(self, serve: Callable[[Request, Connection], bool]) -> None:
        self._serve = serve
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, Connection | None] = {}
        self._listener: socket.socket | None = None
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self.port = 0

    def start(self) -> None:
        """Start to listen.

        Raises:
            OSError: There is no port.
            RuntimeError: It was started before.
        """
        if self.port:
            raise RuntimeError("the server was started before; make a new one")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._waker = socket.socketpair()
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, None, self._listener, self._waker[0])

    def close(self) -> None:
        """End every connection and every thread. Idempotent, takes milliseconds."""
        with self._lock:
            listener, self._listener = self._listener, None
            waker, self._waker = self._waker, None
        if listener is None or waker is None:
            return
        waker[1].send(b"!")
        deadline = time.monotonic() + CLOSE_SECONDS
        # The accepting thread first: when it has ended, no connection can be new.
        self._join([thread for thread, connection in self._open() if connection is None], deadline)
        threads = self._open()
        for _, connection in threads:
            if connection is not None:
                connection.shut()
        self._join([thread for thread, _ in threads], deadline)
        for sock in (listener, *waker):
            sock.close()

    def _open(self) -> list[tuple[threading.Thread, Connection | None]]:
        with self._lock:
            return list(self._threads.items())

    def _join(self, threads: list[threading.Thread], deadline: float) -> None:
        for thread in threads:
            # A callable of the test, in its connection's thread, may close the model.
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _spawn(
        self, target: Callable[..., None], connection: Connection | None, *args: object
    ) -> None:
        thread = threading.Thread(
            target=target, args=args, name=f"scripted-model-{self.port}", daemon=True
        )
        with self._lock:
            self._threads[thread] = connection
        thread.start()

    def _accept(self, listener: socket.socket, waker: socket.socket) -> None:
        while waker not in _readable([listener, waker], None):
            try:
                sock, _ = listener.accept()
            except OSError:
                # The client gave up, or there are no descriptors: do not spin on that.
                _readable([waker], _ACCEPT_AGAIN)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(IDLE_SECONDS)
            connection = Connection(sock)
            self._spawn(self._converse, connection, connection)
        with self._lock:
            self._threads.pop(threading.current_thread(), None)

    def _converse(self, connection: Connection) -> None:
        try:
            while self._serve(connection.read_request(), connection):
                pass
        except ClientGone:
            pass
        finally:
            connection.close()
            with self._lock:
                self._threads.pop(threading.current_thread(), None)


def _readable(sockets: list[socket.socket], seconds: float | None) -> list[socket.socket]:
    # poll() where there is one: select() cannot watch a descriptor over 1023.
    if not hasattr(select, "poll"):
        return select.select(sockets, [], [], seconds)[0]
    poller = select.poll()
    by_number = {sock.fileno(): sock for sock in sockets}
    for number in by_number:
        poller.register(number, select.POLLIN)
    # Rounded up: a wait of 0.4 ms must not become a busy loop of no wait at all.
    ready = poller.poll(None if seconds is None else int(seconds * 1000) + 1)
    return [by_number[number] for number, _ in ready]
