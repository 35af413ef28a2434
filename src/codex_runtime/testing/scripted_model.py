"""A model that says what a script tells it, for the real codex binary."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from codex_runtime.testing._checks import check_count
from codex_runtime.testing._gates import GateTimeout
from codex_runtime.testing._home import (
    DEFAULT_MODEL,
    child_environment,
    home_settings,
    write_home,
)
from codex_runtime.testing._http import Connection, HttpServer, Request
from codex_runtime.testing._json import Json
from codex_runtime.testing._responses import (
    Ids,
    Pause,
    Refusal,
    Stream,
    ToolNotOffered,
    compile_step,
)
from codex_runtime.testing._script import ModelCall
from codex_runtime.testing._scripted import Scripted
from codex_runtime.testing._step_types import Step

__all__ = ["ScriptedModel"]

STALL_SECONDS = 3600.0
"""Seconds that `stall()` keeps a connection: longer than any test, so that the test decides."""

_STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"


class ScriptedModel(Scripted):
    """A Responses API endpoint on loopback that plays steps, one per model request.

    Use it as a context manager, plain or async; both start and end it, and neither checks
    anything: call `assert_complete()` for that, or use the `scripted_model` fixture. Any
    thread may call any method.

        with ScriptedModel(shell("ls"), assistant_message("done")) as model:
            home = model.write_home(tmp_path / "home")
            ...  # run codex with CODEX_HOME=home
            model.assert_complete()

    Requests of parallel turns come in no fixed order; give each its own steps with `on()`.
    When the steps run out, the answer is HTTP 400 with the reason, which codex does not
    retry: the turn fails at once, and `assert_complete()` says what is missing.

    Args:
        steps: The script, in order.
    """

    def __init__(self, *steps: Step) -> None:
        super().__init__(steps)
        self._ids = Ids()
        self._lock = threading.Lock()
        self._server: HttpServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # It takes milliseconds, so it may as well be done here, where nothing can cancel it.
        self.close()

    def start(self) -> None:
        """Start to listen. Leaving the context manager, or `close()`, ends it.

        Raises:
            OSError: There is no port.
            RuntimeError: It was started before.
        """
        with self._lock:
            if self._server is not None:
                raise RuntimeError("this ScriptedModel was started before; make a new one")
            self._server = HttpServer(self._serve)
        self._server.start()

    def close(self) -> None:
        """End every open answer, connection and thread. Idempotent, takes milliseconds."""
        if self._server is not None:
            self._server.close()

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: It was not started.
        """
        if self._server is None:
            raise RuntimeError("this ScriptedModel was not started; use it in a `with` block")
        return self._server.port

    @property
    def base_url(self) -> str:
        """What a provider's `base_url` has to be, say `http://127.0.0.1:40123/v1`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def write_home(
        self,
        path: str | os.PathLike[str],
        *,
        model: str = DEFAULT_MODEL,
        request_max_retries: int = 0,
        stream_max_retries: int = 0,
        stream_idle_timeout_ms: int | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Path:
        """Write a CODEX_HOME whose only model is this one, and return its absolute path.

        Nothing in it makes codex use the network, or keeps it from asking this model again:
        by default nothing is retried. The folder is made when missing, readable by its owner
        only.

        Args:
            path: The folder.
            model: The model's name; it decides which tools codex offers.
            request_max_retries: How often codex repeats a request that failed at once.
            stream_max_retries: How often codex repeats a request whose stream broke.
            stream_idle_timeout_ms: Milliseconds of silence after which codex takes a stream
                for broken; None for codex's own default.
            settings: More of config.toml, by dotted key: `{"features.goals": False}`.

        Raises:
            RuntimeError: The model was not started, so it has no port yet.
            OSError: The folder cannot be written.
            InvalidArgument: A setting has no TOML form.
        """
        ours = home_settings(
            port=self.port,
            model=model,
            request_max_retries=check_count("request_max_retries", request_max_retries),
            stream_max_retries=check_count("stream_max_retries", stream_max_retries),
            stream_idle_timeout_ms=stream_idle_timeout_ms,
        )
        return write_home(path, {**ours, **(settings or {})})

    def environment(self, home: str | os.PathLike[str]) -> dict[str, str]:
        """Return the whole environment for a codex process on `home`.

        HOME is the same folder, managed configuration is off, and no variable of yours that
        could change what codex does is passed on. TMPDIR is a folder in `home`, made here, so
        that nothing codex leaves there outlives the home.

        Raises:
            OSError: That folder cannot be made.
        """
        return child_environment(Path(home).absolute())

    def _serve(self, request: Request, connection: Connection) -> bool:
        if request.method != "POST" or not request.path.endswith("/responses"):
            return _refuse(connection, _not_here(request))
        body = _object(request.body)
        if body is None:
            return _refuse(connection, _bad_body(request))
        call = self._script.call(body, request.headers)
        answer = self._compiled(self._script.answer(call), call)
        if isinstance(answer, Refusal):
            return _refuse(connection, answer)
        try:
            return _stream(connection, answer)
        except GateTimeout as error:
            self._script.note(error)
            return False

    def _compiled(self, step: Step, call: ModelCall) -> Stream | Refusal:
        try:
            return compile_step(step, call, self._ids)
        except ToolNotOffered as error:
            self._script.note(error)
            return Refusal(400, f"ToolNotOffered: {error}")


def _stream(connection: Connection, answer: Stream) -> bool:
    """Send `answer`; return whether the connection may be used again."""
    extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    pending = [(_STREAM_HEAD + extra + "\r\n").encode()]
    for part in answer.parts:
        if not isinstance(part, Pause):
            pending.append(_chunk(part))
            continue
        connection.send(b"".join(pending))
        pending.clear()
        _pause(connection, part)
    if answer.ending == "complete":
        pending.append(_LAST_CHUNK)
    connection.send(b"".join(pending))
    if answer.ending == "silent":
        connection.pause(STALL_SECONDS)
    return answer.ending == "complete"


def _pause(connection: Connection, pause: Pause) -> None:
    if pause.gate is not None:
        connection.wait_for(pause.gate)
    else:
        connection.pause(pause.seconds)


def _chunk(event: Json) -> bytes:
    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _refuse(connection: Connection, refusal: Refusal) -> bool:
    # codex shows the body of a 400 as it is: text for what a person will read.
    if isinstance(refusal.body, str):
        kind, text = "text/plain; charset=utf-8", refusal.body
    else:
        kind, text = "application/json", json.dumps(refusal.body)
    body = text.encode()
    headers = {"content-type": kind, **dict(refusal.headers)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {refusal.status} scripted\r\n{lines}content-length: {len(body)}\r\n\r\n"
    connection.send(head.encode() + body)
    return True


def _object(body: bytes) -> Json | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def _not_here(request: Request) -> Refusal:
    message = (
        f"the scripted model only knows POST /v1/responses, not {request.method} {request.path}"
    )
    return Refusal(404, message)


def _bad_body(request: Request) -> Refusal:
    encoding = request.headers.get("content-encoding", "none")
    message = f"the scripted model cannot read this body (content-encoding: {encoding})"
    return Refusal(400, message)
