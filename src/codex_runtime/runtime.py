"""The runtime: one codex app-server process, many threads."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

# Only what it takes to start a process. The rest, some 60 ms, is imported while that boots.
from codex_runtime._arguments import (
    absolute_cwd,
    checked_approvers,
    checked_callable,
    positive_seconds,
)
from codex_runtime._framing import DEFAULT_MAX_FRAME_BYTES
from codex_runtime._homes import FirstStart
from codex_runtime._hook_access import HookAccess
from codex_runtime._hook_book import HookBook
from codex_runtime._launch import Greeting, Launch
from codex_runtime._opening_calls import OpeningCalls
from codex_runtime._process import ChildProcess
from codex_runtime._request_access import RequestAccess
from codex_runtime._service_access import ServiceAccess
from codex_runtime._thread_calls import ThreadCalls
from codex_runtime.errors import InvalidArgument, RuntimeClosed

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime._handshake import ServerInfo
    from codex_runtime._lifecycle import Lifecycle
    from codex_runtime._statistics import Statistics
    from codex_runtime._subscription import Subscription
    from codex_runtime._validation import ValidationMode
    from codex_runtime.hooks import Hook
    from codex_runtime.protocol import Method
    from codex_runtime.requests import Approver, Approvers
    from codex_runtime.tools import Tool
    from codex_runtime.transports import Connect

__all__ = ["Runtime"]

P = TypeVar("P")
R = TypeVar("R")

_REQUEST_TIMEOUT: Final = 30.0
"""Seconds for an answer. Nearly all take milliseconds; none that was measured took more than 3 s."""

_STARTUP_TIMEOUT: Final = 30.0
"""Seconds from the start of the process to its answer to the greeting. 0.06 to 0.43 s were
measured (fact 116), up to 7 s for the last of 40 started at once on two cores (fact 117)."""

_DECISION_TIMEOUT: Final = 600.0
"""Seconds that a decision may take. A person may be at lunch; codex itself waits without an end
(fact 75)."""

_NOT_OPEN: Final = "the runtime is not open; use `async with Runtime() as runtime:`"

_MAX_IN_FLIGHT_LIMIT: Final = 64
"""Requests. Beyond about 128 the server leaves some unanswered (fact 115); half of that is safe."""


class Runtime(OpeningCalls, ThreadCalls, ServiceAccess, HookAccess, RequestAccess):
    """One codex app-server process, kept for as long as the `async with` block.

    Any task may open it, use it and close it. Everything inside runs in one task of its own;
    errors of yours come out as they went in.

    Args:
        codex_bin: The codex binary. By default: `$CODEX_RUNTIME_BIN`, then the one of the wheel
            `openai-codex-cli-bin` (extra `codex`), then `codex` on the PATH.
        codex_home: The server's CODEX_HOME: threads, settings, sign-in. Created for its owner
            only if it is not there. By default the user's own.
        command: The whole argv, instead of the binary and its arguments: wrappers, ssh, fakes.
        cwd: Working directory of the server, and so of threads that name none.
        config: Settings of config.toml for this server alone. They go on its command line, which
            other users of the machine can read: no secrets. As with config.toml itself, they are
            its owner's word and are not held to rule SEC-004: hooks and MCP servers that they name
            run outside of every sandbox. Build them from nothing that others have written.
        env: Variables for the server, besides those it gets anyway.
        env_passthrough: Names of variables to hand on from this process besides the allow-list
            (PATH, HOME, locale, temporary folder, proxies, certificates, CODEX_*, OPENAI_*).
        inherit_env: Hand on the whole environment.
        request_timeout: Seconds that a request may take. Opening a thread may take 120 if that
            is longer.
        startup_timeout: Seconds from start to the server's answer to the greeting.
        max_in_flight: Requests under way at once, 64 at most; the rest wait in order.
        max_frame_bytes: Longest message accepted; a longer one is dropped and counted.
        experimental_api: Ask for experimental methods and fields.
        client_info: `name`, `title` and `version` to introduce this client with.
        version_guard: Refuse a codex older than 0.154.0.
        remote: The server sees another file system: working directories are not checked here, and
            images and sounds are read here and sent along.
        connect: Gives a transport to a server that somebody else runs; no process is started.
        approve: Who decides about what the server asks, where neither the turn nor the thread says:
            a function of a `ServerRequest`, or several that are asked in order. By default
            everything is refused.
        decision_timeout: Seconds until a request that nobody decides is refused.
        auth_tokens: Gives fresh tokens of a ChatGPT account, where the program that uses the
            runtime has signed it in: a function of an `AuthTokensRefresh` that returns
            `AuthTokens`.
        tools: Functions of yours that the model can call in all threads that are opened, besides
            those of the thread; see `codex_runtime.tools`. Experimental.
        hooks: Your code around runs, the opening of threads, and turns; see
            `codex_runtime.hooks`. More can be added with `register_hooks`.
    """

    def __init__(  # noqa: PLR0913 — public option list, keyword-only
        self,
        *,
        codex_bin: str | os.PathLike[str] | None = None,
        codex_home: str | os.PathLike[str] | None = None,
        command: Sequence[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        config: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        env_passthrough: Sequence[str] = (),
        inherit_env: bool = False,
        request_timeout: float = _REQUEST_TIMEOUT,
        startup_timeout: float = _STARTUP_TIMEOUT,
        max_in_flight: int = _MAX_IN_FLIGHT_LIMIT,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        experimental_api: bool = True,
        client_info: Mapping[str, str] | None = None,
        version_guard: bool = True,
        remote: bool = False,
        connect: Connect | None = None,
        approve: Approvers | None = None,
        decision_timeout: float = _DECISION_TIMEOUT,
        auth_tokens: Approver | None = None,
        tools: Tool[..., Any] | Collection[Tool[..., Any]] | None = None,
        hooks: Hook | Iterable[Hook] | None = None,
    ) -> None:
        """Check the options. Nothing is started yet.

        Raises:
            InvalidArgument: An option cannot be used.
            WorkingDirectoryMissing: `cwd` is no folder.
            IncompatibleHook: A hook is made for another contract.
        """
        self._launch = Launch(
            codex_bin=codex_bin,
            codex_home=codex_home,
            command=command,
            cwd=absolute_cwd(cwd, remote=False),
            config=config,
            env=env,
            env_passthrough=env_passthrough,
            inherit_env=inherit_env,
            max_frame_bytes=_positive("max_frame_bytes", max_frame_bytes),
        )
        self._connect = connect
        self._greeting = Greeting(client_info, experimental_api, version_guard)
        self._request_timeout = positive_seconds(
            "request_timeout", request_timeout, _REQUEST_TIMEOUT
        )
        self._startup_timeout = positive_seconds(
            "startup_timeout", startup_timeout, _STARTUP_TIMEOUT
        )
        self._max_in_flight = _in_flight(max_in_flight)
        self._decision_timeout = positive_seconds(
            "decision_timeout", decision_timeout, _DECISION_TIMEOUT
        )
        self._approvers = checked_approvers("approve", approve)
        self._auth_tokens = checked_callable("auth_tokens", auth_tokens)
        self._remote = remote
        self._tools = _checked_tools(tools)
        self._hook_book = HookBook()
        if hooks is not None:
            self._hook_book.register(hooks)
        self._life: Lifecycle | None = None

    def __repr__(self) -> str:
        life = self._life
        if life is None:
            return "<Runtime, not open>"
        version = life.server_info.codex_version if life.server_info else "of unknown version"
        return f"<Runtime of codex {version}, pid {life.pid}, {life.phase}>"

    async def __aenter__(self) -> Self:
        """Start the server and greet it (`initialize`).

        Cancelling ends the server again.

        Raises:
            CodexNotFound: There is no codex binary.
            IncompatibleCodexVersion: It is too old.
            StartupFailed: It ended before it was ready, or could not be started.
            HandshakeTimeout: It did not answer the greeting in time.
            RequestRefused: It does not take the greeting, say for a name in `client_info`.
            RemoteProtocolError: It answered the greeting with something else.
            InvalidArgument: The CODEX_HOME cannot be created, or `config` has no form in TOML.
            RuntimeClosed: This runtime was opened before; make a new one.
        """
        if self._life is not None:
            raise RuntimeClosed("a runtime is opened once; make a new one")
        first_start = self._launch.first_start() if self._connect is None else FirstStart(None)
        process: ChildProcess | None = None
        try:
            if self._connect is None and first_start.try_now():
                process = self._launch.start()
            self._life = self._new_life()
            await self._life.open(first_start, process)
        except BaseException:
            if process is not None:
                process.kill_now()
            first_start.end(started=False)
            raise
        return self

    def _new_life(self) -> Lifecycle:
        from codex_runtime._lifecycle import Lifecycle  # noqa: PLC0415 — while the server boots

        life = Lifecycle(
            self._connect or self._launch,
            self._greeting,
            request_timeout=self._request_timeout,
            startup_timeout=self._startup_timeout,
            max_in_flight=self._max_in_flight,
            remote=self._remote,
        )
        deciders = life.client.deciders
        deciders.approvers, deciders.auth_tokens = self._approvers, self._auth_tokens
        deciders.decision_timeout = self._decision_timeout
        life.client.tools = self._tools
        life.client.hook_book = self._hook_book
        if self._connect is None:
            self._hook_book.folder = self._launch.folder()
        return life

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The server's process id; None where it is not a process of ours."""
        return self._life.pid if self._life else None

    @property
    def server_info(self) -> ServerInfo:
        """What the server said of itself.

        Raises:
            RuntimeClosed: The runtime has not been opened.
        """
        if self._life is None or self._life.server_info is None:
            raise RuntimeClosed(_NOT_OPEN)
        return self._life.server_info

    def statistics(self) -> Statistics:
        """Counts since the runtime was opened; they stay readable when it is closed."""
        from codex_runtime._statistics import Statistics  # noqa: PLC0415 — see the top

        life = self._life
        return (
            Statistics.of(life.peer, life.transport, life.broker)
            if life
            else Statistics.of(None, None)
        )

    async def request(self, method: Method[P, R], params: P, *, timeout: float | None = None) -> R:
        """Send any request of the protocol, typed both ways.

        Not held to the rules of this package about sandboxes: what is asked for here is sent.
        Cancelling stops the wait, not the server: it may still act on the request.

        Args:
            method: From `codex_runtime.protocol.methods`, say `methods.THREAD_READ`.
            params: Of that method's own type, say `ThreadReadParams`.
            timeout: Seconds; by default the runtime's `request_timeout`.

        Raises:
            RequestRefused: The server answered with an error.
            RequestTimeout: It did not answer in time.
            RemoteProtocolError: Its answer cannot be read as this method's result.
            UnsendableValue: `params` holds something that has no form in JSON.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is not open.
        """
        return await self._client.request(method, params, timeout=self._seconds(timeout))

    async def call_raw(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Send any request by its wire name with plain data; return the result as plain data.

        Cancelling, `timeout` and exceptions are those of `request`.
        """
        _check_method(method)
        return await self._client.call_raw(method, params, timeout=self._seconds(timeout))

    async def call_validated(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        mode: ValidationMode = "known",
        timeout: float | None = None,
    ) -> Any:
        """Send any request by its wire name, as `call_raw` does, held to the schema of codex.

        What is wrong is told by its place, as a JSON path, and by kinds, keys and sizes; values
        are never shown. Not held to the rules of this package about sandboxes. Cancelling stops
        the wait, not the server.

        Args:
            method: The wire name.
            params: Plain data under wire names. None is as good as nothing.
            mode: `"none"` looks at the name of the method only. `"known"` checks parameters and
                results of the methods that this version knows, and lets others pass. `"strict"`
                also refuses what the schema does not have: methods, members of objects, texts that
                are none of an enumeration, and results that lack what the schema promises. A
                server of another version than the schema's may fail that.
            timeout: Seconds; by default the runtime's `request_timeout`.

        Raises:
            InvalidParams: `params` are not those of the method. Nothing was sent.
            InvalidArgument: `mode` or `method` cannot be used; `UnsendableValue` is of this kind.
            RemoteProtocolError: The result is not one of the method; `ThreadIdMismatch`, where it
                is about another thread, is of this kind. The server has acted all the same.
            CodexRuntimeError: Besides, what `request` raises.
        """
        from codex_runtime._validation import Check  # noqa: PLC0415 — see the top

        _check_method(method)
        check = Check(method, mode)
        check.params(params)
        result = await self._client.call_raw(method, params, timeout=self._seconds(timeout))
        check.result(result)
        return result

    def events(self, thread_id: str | None = None) -> Subscription:
        """All events of the server, or of one thread, as they come.

        Those of turns that nobody here has started are among them. Use it as
        `async with runtime.events() as events: async for event in events: …`.

        Args:
            thread_id: The thread; all of them, and what is about none, by default.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime._subscription import Subscription  # noqa: PLC0415 — see the top

        return Subscription(self._client, thread_id)

    async def close(self) -> None:
        """End the server and everything that waits for it. Bounded, and done at most once.

        Turns under way are recorded by the server as interrupted; their handles raise
        `RuntimeClosed`. Post hooks that are owed run yet, each within its time. Cancelling has no
        effect: the end of a process is not left half done.
        """
        if self._life is not None:
            await self._life.close()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended, for whatever reason. Cancelling stops the wait."""
        if self._life is not None:
            await self._life.wait_closed()

    @property
    def _client(self) -> Client:
        if self._life is None:
            raise RuntimeClosed(_NOT_OPEN)
        return self._life.client

    def _seconds(self, timeout: float | None) -> float:
        return positive_seconds("timeout", timeout, self._request_timeout)


def _check_method(method: str) -> None:
    if not isinstance(method, str) or not method or not method.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument("method", f"is {method!r}", "use a wire name, say 'thread/read'")
    if method in {"initialize", "initialized"}:
        raise InvalidArgument("method", f"is {method!r}", "the runtime has sent that itself")


def _checked_tools(
    tools: Tool[..., Any] | Collection[Tool[..., Any]] | None,
) -> tuple[Tool[..., Any], ...]:
    if tools is None:
        return ()
    from codex_runtime._tool_calls import checked_tools  # noqa: PLC0415 — most have none

    return checked_tools(tools)


def _positive(field: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
        raise InvalidArgument(field, f"is {value!r}", "use a positive whole number")
    return value


def _in_flight(value: int) -> int:
    if _positive("max_in_flight", value) > _MAX_IN_FLIGHT_LIMIT:
        raise InvalidArgument(
            "max_in_flight",
            f"is {value}",
            f"use {_MAX_IN_FLIGHT_LIMIT} or less: the server leaves requests beyond about "
            "128 unanswered",
        )
    return value
