"""One floor in this process: what a bare loop costs on the same pipe; prints one JSON line.

floor.py CASE [JSON]

  json         blocking readline and json.loads of `events` deltas
  queue        asyncio protocol, msgspec tagged union, `async for`, bounded: the loop one would write
  round-trip   `count` account/read calls over an asyncio protocol with a dict of futures
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec
from kit.fake import fake_command
from kit.measure import cpu_seconds, percentile, report

PENDING = 4096
"""Decoded events at which the bounded loop stops reading the pipe."""

WARM_UP_CALLS = 100
"""Round trips made before the first one that counts."""

END_SECONDS = 10.0
"""Limit for the fake to end when its input has ended."""

Options = dict[str, Any]

INITIALIZE: dict[str, Any] = {"id": 1, "method": "initialize", "params": {}}
THREAD: dict[str, Any] = {"id": 2, "method": "thread/start", "params": {}}
TURN: dict[str, Any] = {
    "id": 3,
    "method": "turn/start",
    "params": {"threadId": "01a203b8-b8c4-71b2-b202-000000000000"},
}


def encode(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


class Delta(msgspec.Struct, rename="camel", gc=False):
    """Params of an agent message delta."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class Ended(msgspec.Struct, rename="camel"):
    """Params of turn/completed."""

    thread_id: str
    turn: dict[str, Any]


class Other(msgspec.Struct):
    """Params that nobody reads."""


def line_type(method: str, params: type) -> type[msgspec.Struct]:
    """The struct of one notification line, told apart by its method."""
    return msgspec.defstruct(
        "Line_" + method.replace("/", "_"),
        [("params", params), ("emittedAtMs", int | None, None)],
        tag=method,
        tag_field="method",
    )


DELTA = line_type("item/agentMessage/delta", Delta)
ENDED = line_type("turn/completed", Ended)
IGNORED = [
    line_type(method, Other)
    for method in (
        "turn/started",
        "item/started",
        "item/completed",
        "thread/tokenUsage/updated",
    )
]


def costs(events: int, cpu: float, wall: float) -> Options:
    """The figures of a stream, from its start values."""
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    return {"cpu_100k": cpu / events * 1e5, "events_per_second": events / wall}


async def json_lines(options: Options) -> Options:
    """Blocking, in spite of its colour."""
    child = subprocess.Popen(  # noqa: ASYNC220 — nothing else runs in this process
        fake_command("flood", events=options["events"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        if child.stdin is None or child.stdout is None:
            raise TypeError
        for message in (INITIALIZE, THREAD, TURN):
            child.stdin.write(encode(message))
            child.stdin.flush()
            child.stdout.readline()
        cpu, wall = cpu_seconds(), time.perf_counter()
        texts: list[str] = []
        for line in child.stdout:
            event = json.loads(line)
            if event["method"] == "item/agentMessage/delta":
                texts.append(event["params"]["delta"])
            elif event["method"] == "turn/completed":
                break
        return costs(len(texts), cpu, wall)


class Lines(asyncio.SubprocessProtocol):
    """Cuts the child's output into lines and gives each batch to `batch`."""

    def __init__(self, batch: Callable[[list[bytes]], None]) -> None:
        self._batch = batch
        self._rest = b""
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        """Note that the child has ended."""
        self.exited.set()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 — asyncio's signature
        """Hand over the whole lines, keep the rest."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        self._batch(lines)


class Child:
    """The fake behind an asyncio subprocess transport."""

    def __init__(self, transport: asyncio.SubprocessTransport, lines: Lines) -> None:
        self._transport, self._lines = transport, lines
        self._output: Any = transport.get_pipe_transport(1)
        self._input: Any = transport.get_pipe_transport(0)
        self.pause, self.resume = self._output.pause_reading, self._output.resume_reading

    @classmethod
    async def start(cls, command: list[str], batch: Callable[[list[bytes]], None]) -> "Child":
        """Start the command; `batch` gets its lines."""
        transport, lines = await asyncio.get_running_loop().subprocess_exec(
            lambda: Lines(batch),
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
        )
        return cls(transport, lines)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self._input.write(encode(message))

    async def close(self) -> None:
        """End the child's input, and so the child."""
        self._input.close()
        await asyncio.wait_for(self._lines.exited.wait(), END_SECONDS)
        self._transport.close()


class Bounded:
    """Decoded events of one turn, at most about PENDING of them; the pipe waits meanwhile."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(
            DELTA | ENDED | IGNORED[0] | IGNORED[1] | IGNORED[2] | IGNORED[3]
        ).decode
        self._pending: list[Any] = []
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._streaming = False
        self.child: Child

    def batch(self, lines: list[bytes]) -> None:
        """Decode a batch; the first three lines are answers."""
        for line in lines:
            if self._streaming:
                self._pending.append(self._decode(line))
            else:
                self._answers.put_nowait(line)
                self._streaming = line.startswith(b'{"id":3')
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
        if len(self._pending) > PENDING and not self._paused:
            self._paused = True
            self.child.pause()

    async def call(self, message: dict[str, Any]) -> None:
        """Send one request and await its answer."""
        self.child.send(message)
        await self._answers.get()

    async def events(self) -> AsyncIterator[Any]:
        """Every event in order."""
        while True:
            if not self._pending:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            batch, self._pending = self._pending, []
            if self._paused:
                self._paused = False
                self.child.resume()
            for event in batch:
                yield event


async def bounded_queue(options: Options) -> Options:
    """The hand-written bounded loop."""
    queue = Bounded()
    queue.child = await Child.start(fake_command("flood", events=options["events"]), queue.batch)
    await queue.call(INITIALIZE)
    await queue.call(THREAD)
    cpu, wall = cpu_seconds(), time.perf_counter()
    await queue.call(TURN)
    texts: list[str] = []
    event: Any
    async for event in queue.events():
        if type(event) is DELTA:
            texts.append(event.params.delta)
        elif type(event) is ENDED:
            break
    result = costs(len(texts), cpu, wall)
    await queue.child.close()
    return result


async def round_trip(options: Options) -> Options:
    """Durations of account/read, one at a time."""
    loop = asyncio.get_running_loop()
    waiting: dict[Any, asyncio.Future[Any]] = {}

    def batch(lines: list[bytes]) -> None:
        for line in lines:
            message = json.loads(line)
            waiter = waiting.pop(message.get("id"), None)
            if waiter:
                waiter.set_result(message)

    child = await Child.start(fake_command("silent"), batch)

    async def call(message: dict[str, Any]) -> Any:
        waiter = waiting[message["id"]] = loop.create_future()
        child.send(message)
        return await waiter

    await call(INITIALIZE)
    durations: list[float] = []
    cpu = 0.0
    for number in range(options["count"] + WARM_UP_CALLS):
        if number == WARM_UP_CALLS:
            cpu = cpu_seconds()
        at = time.perf_counter_ns()
        await call({"id": number + 10, "method": "account/read", "params": {"refreshToken": False}})
        if number >= WARM_UP_CALLS:
            durations.append((time.perf_counter_ns() - at) / 1e3)
    cpu = cpu_seconds() - cpu
    await child.close()
    return {
        "p50_us": percentile(durations, 0.5),
        "p99_us": percentile(durations, 0.99),
        "cpu_us": cpu / len(durations) * 1e6,
    }


CASES: dict[str, Callable[[Options], Coroutine[Any, Any, Options]]] = {
    "json": json_lines,
    "queue": bounded_queue,
    "round-trip": round_trip,
}


def main() -> None:
    """Run the case that the command line names, print what it measured."""
    case, *rest = sys.argv[1:]
    report(asyncio.run(CASES[case](json.loads(rest[0]) if rest else {})))


if __name__ == "__main__":
    main()
