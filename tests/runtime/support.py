"""What the runtime's tests share: a server played by hand, and ways to see what is left."""

import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import anyio
from anyio.lowlevel import checkpoint

from codex_runtime import Runtime, ThreadHandle
from codex_runtime.transports import Ending, Transport
from codex_runtime.transports.memory import MemoryTransport, memory_pair

__all__ = [
    "FORK",
    "PATIENCE",
    "Message",
    "Server",
    "a_thread",
    "cancelled_at_every_wait",
    "children",
    "descriptors",
    "is_alive",
    "rogue",
    "settled",
]

T = TypeVar("T")

FORK = "01a20d62-01ef-7093-a6dd-00000000f04c"
"""The thread that a fork is."""

PATIENCE = 20.0
"""Seconds after which a test gives up on what takes milliseconds."""

_ROUNDS = 60
"""Of the scheduler. A message and all that comes of it takes about ten, and none takes time."""

Message: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Message], None]


class Server:
    """The far side of a conversation in memory.

    It plays along: greets, opens threads, starts turns that go on until they are interrupted
    or `complete` is called. What it does with a request can be replaced in `on`; `nothing`
    is a server that does not answer.

    Attributes:
        received: Every message of the client, oldest first.
        on: What is done with a request, by method. For any other the answer is `{}`.
        running: (thread id, turn id) of the turns under way.
        settings: By thread, what is in force in it.
    """

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.running: list[tuple[str, str]] = []
        self.on: dict[str, Handler] = {
            "initialize": self.greet,
            "initialized": self.nothing,
            "thread/start": self.open_thread,
            "thread/resume": self.resume_thread,
            "thread/fork": self.fork_thread,
            "thread/settings/update": self.update_settings,
            "turn/start": self.start_turn,
            "turn/interrupt": self.interrupt_turn,
        }
        self._end: MemoryTransport | None = None
        self._news = anyio.Event()
        self._threads = 0
        self._turns = 0
        self.settings: dict[str, Message] = {}

    async def connect(self) -> Transport:
        client, self._end = memory_pair()
        return _ClientEnd(client, self)

    def runtime(self, **options: Any) -> Runtime:
        return Runtime(connect=self.connect, **options)

    async def serve(self) -> None:
        assert self._end is not None
        while batch := await self._end.receive():
            for line in batch:
                self._take(json.loads(line))

    # -- looking at the client

    def sent(self, method: str) -> list[Message]:
        """The client's messages of this method so far."""
        return [message for message in self.received if message.get("method") == method]

    def answers(self) -> list[Message]:
        """The client's answers so far."""
        return [message for message in self.received if "method" not in message]

    async def heard(self, method: str, count: int = 1) -> Message:
        """Wait until the client has sent so many messages of this method; return the last."""
        with anyio.fail_after(PATIENCE):
            while len(self.sent(method)) < count:
                self._news = anyio.Event()
                await self._news.wait()
        return self.sent(method)[count - 1]

    async def answered(self, count: int = 1) -> Message:
        """Wait until the client has given so many answers; return the last."""
        with anyio.fail_after(PATIENCE):
            while len(self.answers()) < count:
                self._news = anyio.Event()
                await self._news.wait()
        return self.answers()[count - 1]

    # -- speaking

    def line(self, line: bytes) -> None:
        assert self._end is not None
        self._end.send(line)

    def say(self, **message: Any) -> None:
        self.line(json.dumps(message).encode())

    def answer(self, request: Message, result: Any) -> None:
        self.say(id=request["id"], result=result)

    def refuse(self, request: Message, text: str) -> None:
        self.say(id=request["id"], error={"code": -32600, "message": text})

    def tell(self, method: str, **params: Any) -> None:
        self.say(method=method, params=params, emittedAtMs=1)

    def crash(self, **ending: Any) -> None:
        assert self._end is not None
        self._end.end(Ending(**ending))

    # -- turns

    def begin(self, thread_id: str, turn_id: str) -> None:
        turn: Message = {"id": turn_id, "status": "inProgress", "items": []}
        self.tell("turn/started", threadId=thread_id, turn=turn)

    def delta(self, thread_id: str, turn_id: str, text: str, item_id: str = "message-1") -> None:
        ids = {"threadId": thread_id, "turnId": turn_id, "itemId": item_id}
        self.tell("item/agentMessage/delta", **ids, delta=text)

    def item(self, what: str, thread_id: str, turn_id: str, **item: Any) -> None:
        self.tell(f"item/{what}", threadId=thread_id, turnId=turn_id, item=item)

    def message(self, thread_id: str, turn_id: str, text: str, item_id: str = "message-1") -> None:
        item = {"type": "agentMessage", "id": item_id, "text": text}
        self.item("completed", thread_id, turn_id, **item)

    def complete(
        self, thread_id: str, turn_id: str, status: str = "completed", error: Any = None
    ) -> None:
        with suppress(ValueError):
            self.running.remove((thread_id, turn_id))
        turn: Message = {
            "id": turn_id,
            "status": status,
            "error": error,
            "items": [],
            "durationMs": 1500,
        }
        self.tell("turn/completed", threadId=thread_id, turn=turn)

    def status(self, thread_id: str, *flags: str) -> None:
        status = {"type": "active", "activeFlags": list(flags)}
        self.tell("thread/status/changed", threadId=thread_id, status=status)

    # -- what it does by itself

    def nothing(self, request: Message) -> None:
        """Do not answer."""

    def greet(self, request: Message) -> None:
        name = request["params"]["clientInfo"]["name"]
        result = {
            "userAgent": f"{name}/0.163.0 (by hand)",
            "codexHome": "/nowhere",
            "platformFamily": "unix",
            "platformOs": "linux",
        }
        self.answer(request, result)

    def open_thread(self, request: Message) -> None:
        self._threads += 1
        self.answer(request, self.opened(request, f"thread-{self._threads}"))

    def resume_thread(self, request: Message) -> None:
        self.answer(request, self.opened(request, request["params"]["threadId"]))

    def fork_thread(self, request: Message) -> None:
        self.answer(request, self.opened(request, FORK))

    def update_settings(self, request: Message) -> None:
        self.answer(request, {})
        self.put_in_force(request)

    def put_in_force(self, request: Message, **differing: Any) -> None:
        """Change the settings of a thread as a request says, and tell of it if there is a change."""
        params = request["params"]
        before = self.settings.get(params["threadId"], {})
        now = {**before, **{key: value for key, value in params.items() if key in before}}
        if params.get("sandboxPolicy"):
            now["activePermissionProfile"] = None
        if params.get("permissions"):
            now["activePermissionProfile"] = {"id": params["permissions"]}
        now |= differing
        if now != before:
            self.settings[params["threadId"]] = now
            told = {"threadId": params["threadId"], "threadSettings": now}
            self.tell("thread/settings/updated", **told)

    def opened(self, request: Message, thread_id: str, **differing: Any) -> Message:
        """The answer to a request that opens a thread: what it asks for is in force."""
        params = request["params"]
        kinds = {"workspace-write": "workspaceWrite", "danger-full-access": "dangerFullAccess"}
        details = params.get("config", {}).get("sandbox_workspace_write", {})
        sandbox = {
            "type": kinds.get(params.get("sandbox"), "readOnly"),
            "writableRoots": details.get("writable_roots", []),
            "networkAccess": details.get("network_access", False),
        }
        profile = params.get("permissions")
        in_force = {
            "model": params.get("model", "none"),
            "cwd": params.get("cwd", "/"),
            "approvalPolicy": params.get("approvalPolicy"),
            "approvalsReviewer": params.get("approvalsReviewer"),
            "activePermissionProfile": {"id": profile} if profile else None,
            **differing,
        }
        sandbox = in_force.pop("sandbox", sandbox)
        more = {"sandboxPolicy": sandbox, "effort": None, "summary": None, "serviceTier": None}
        self.settings[thread_id] = {**in_force, **more}
        return {"thread": {"id": thread_id}, "sandbox": sandbox, **in_force}

    def take_turn(self, request: Message, turn_id: str | None = None) -> tuple[str, str]:
        """Answer `turn/start`, and tell of nothing."""
        self._turns += 1
        ids = request["params"]["threadId"], turn_id or f"turn-{self._turns}"
        self.running.append(ids)
        self.put_in_force(request)
        self.answer(request, {"turn": {"id": ids[1], "status": "inProgress", "items": []}})
        return ids

    def start_turn(self, request: Message) -> None:
        self.begin(*self.take_turn(request))

    def play_turn(self, request: Message) -> None:
        """Start a turn that says `Hello.` and ends."""
        ids = self.take_turn(request)
        self.begin(*ids)
        self.delta(*ids, "Hel")
        self.delta(*ids, "lo.")
        self.message(*ids, "Hello.")
        self.complete(*ids)

    def interrupt_turn(self, request: Message) -> None:
        ids = request["params"]["threadId"], request["params"]["turnId"]
        if ids not in self.running:
            self.refuse(request, "no active turn to interrupt")
            return
        self.answer(request, {})
        self.complete(*ids, "interrupted")

    def _take(self, message: Message) -> None:
        self.received.append(message)
        self._news.set()
        if "method" in message:
            self.on.get(message["method"], self._shrug)(message)

    def _shrug(self, request: Message) -> None:
        self.answer(request, {})


class _ClientEnd:
    """What the runtime gets; running it runs the server."""

    oversized = 0

    def __init__(self, end: MemoryTransport, server: Server) -> None:
        self._end = end
        self._server = server
        self.send = end.send
        self.receive = end.receive
        self.aclose = end.aclose
        self.ending = end.ending

    async def serve(self) -> None:
        await self._server.serve()


@asynccontextmanager
async def a_thread(server: Server, **options: Any) -> AsyncGenerator[ThreadHandle]:
    """An open runtime over `server`, and a thread in it."""
    async with server.runtime(**options) as runtime:
        yield await runtime.thread_start()


async def settled(rounds: int = _ROUNDS) -> None:
    """Let everybody go on until nobody can: in memory all that follows takes some rounds."""
    for _ in range(rounds):
        await checkpoint()


class _UpTo(Generic[T]):
    """Awaits a call and cancels `scope` at the call's wait number `step`, counted from 0."""

    def __init__(self, call: Awaitable[T], step: int, scope: anyio.CancelScope) -> None:
        self._call = call
        self._step = step
        self._scope = scope
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._call.__await__()
        advance: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731 — replaced below
        while True:
            try:
                trap = advance()
            except StopIteration as end:
                return end.value
            if self.waits == self._step:
                self._scope.cancel()
            self.waits += 1
            try:
                value = yield trap
            except BaseException as error:  # noqa: BLE001 — handed on to the call
                advance = _throwing(inner, error)
            else:
                advance = _sending(inner, value)


def _sending(inner: Generator[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: inner.send(value)


def _throwing(inner: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


async def cancelled_at_every_wait(
    call: Callable[[], Awaitable[T]], check: Callable[[T | None], Awaitable[None]]
) -> int:
    """Run `call` again and again, cancelled at its first wait, at its second, and so on.

    `check` is run after each, with what the call returned, or None where it was cancelled.
    The last run goes through uncancelled. Returns how many waits that one had.
    """
    for step in range(300):
        result: T | None = None
        scope = anyio.CancelScope()
        run = _UpTo(call(), step, scope)
        with scope:
            result = await run
        await settled()
        await check(result)
        if run.waits <= step:
            return run.waits
    raise AssertionError("the call never came to its end")


def rogue(fault: str, *more: str) -> list[str]:
    """The argv of a server that misbehaves; see `rogue_server.py`."""
    return [sys.executable, "-IS", str(Path(__file__).with_name("rogue_server.py")), fault, *more]


def children(pid: int | None = None) -> set[int]:
    """The children of a process, by default of this one, zombies among them (Linux)."""
    found: set[int] = set()
    for place in Path(f"/proc/{pid or os.getpid()}/task").glob("*/children"):
        with suppress(OSError):
            found.update(map(int, place.read_text().split()))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 — pathlib keeps one of its own open
