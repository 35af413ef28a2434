"""The process that the fake app-server plays: from `connect()` to the end of the connection."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from copy import copy
from typing import TYPE_CHECKING, TypeVarTuple

import anyio

from codex_runtime.testing._fake_requests import HANDLERS, unplayed
from codex_runtime.testing._fake_state import FakeThread, FakeTurn, Ticker
from codex_runtime.testing._fake_turn import TurnPlay
from codex_runtime.testing._fake_wire import Faults, FromClient, Refused, Wire, classify
from codex_runtime.testing._json import Json, is_object, member
from codex_runtime.testing._responses import Ids
from codex_runtime.testing._step_types import Step
from codex_runtime.transports import Ending
from codex_runtime.transports.memory import memory_pair

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from codex_runtime.testing._script import Script

__all__ = ["FakeProcess", "World"]

Args = TypeVarTuple("Args")

DEFAULT_EFFORT = "medium"
"""The effort that codex asks gpt-5.5 for when nobody names one."""

_TOOLS: list[Json] = [
    {"type": "function", "name": "exec_command"},
    {"type": "custom", "name": "apply_patch"},
]
"""The tools of codex that the fake plays, as `ModelCall.tools` shows them."""


class World:
    """What outlives a process of the fake: its CODEX_HOME, so to speak, and the test's wishes.

    Attributes:
        threads: Every thread there was, by id.
        received: Every message of the clients, in order.
        rules: The prefixes of commands that clients have allowed for good (fact 304).
        faults: What is to go wrong.
    """

    def __init__(self, script: Script, *, version: str, cwd: str, stream_max_retries: int) -> None:
        self.script = script
        self.version = version
        self.cwd = cwd
        self.stream_max_retries = stream_max_retries
        self.codex_home = "/fake/codex-home"
        self.threads: dict[str, FakeThread] = {}
        self.received: list[FromClient] = []
        self.rules: list[list[str]] = []
        self.faults = Faults()
        self.ticker = Ticker()
        self.ids = Ids()


class FakeProcess:
    """One run of the fake app-server, with one client."""

    def __init__(self, world: World) -> None:
        self.client_end, self._end = memory_pair()
        self.world = world
        self.wire = Wire(self._end, world.ticker, world.faults)
        self.client_name: str | None = None
        self.experimental = False
        self._tasks: TaskGroup | None = None
        self._ending: Ending | None = None

    @property
    def ticker(self) -> Ticker:
        """The clock and the ids."""
        return self.world.ticker

    @property
    def ids(self) -> Ids:
        """The ids that the model's side gives."""
        return self.world.ids

    @property
    def stream_max_retries(self) -> int:
        """How often a broken model response is asked for again."""
        return self.world.stream_max_retries

    @property
    def ended(self) -> bool:
        """Whether it has ended, however."""
        return self._ending is not None

    def ending(self) -> Ending:
        """How it ended; as far as its client knows, well if it was only closed."""
        return self._ending or Ending(exit_code=0)

    async def serve(self) -> None:
        """Be the server until the client goes away, `end()` is called, or this is cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            while not self.ended and (batch := await self.wire.receive()):
                for message in batch:
                    self._take(message)
            tasks.cancel_scope.cancel()
        self.end(Ending(exit_code=0))

    def end(self, ending: Ending) -> None:
        """End at once: running turns are interrupted in history, without a word (fact 95)."""
        if self.ended:
            return
        self._ending = ending
        self.wire.close(ending)
        if self._tasks is not None:
            self._tasks.cancel_scope.cancel()
        for thread in self.world.threads.values():
            if thread.turn is not None:
                thread.turn.status, thread.turn = "interrupted", None
            thread.terminals.clear()
            thread.loaded = thread.subscribed = False
            thread.status = {"type": "notLoaded"}

    def start_soon(self, run: Callable[[*Args], Awaitable[object]], *args: *Args) -> None:
        """Run something beside the reader; a failure of it ends the process, loudly."""
        assert self._tasks is not None  # noqa: S101 — only requests start anything, and serve() reads them

        async def guarded() -> None:
            try:
                await run(*args)
            except Exception as error:  # noqa: BLE001 — a bug here, or in the test's own callable
                self._fail(error)

        self._tasks.start_soon(guarded)

    def note(self, error: Exception) -> None:
        """Keep an error for `assert_complete()`."""
        self.world.script.note(error)

    # -- what the client says

    def _take(self, message: bytes) -> None:
        try:
            found = classify(message)
        except UnicodeDecodeError:
            self.world.received.append(message)
            self.end(Ending(exit_code=0))
            return
        self.world.received.append(message if found is None else found)
        if found is None or "id" not in found:
            return
        if "method" not in found:
            self.wire.answered(found)
            return
        waiting = self.world.faults.held.get(found["method"])
        if waiting is None:
            self._request(found)
        else:
            waiting.append(lambda: self._request(found))

    def _request(self, request: Json) -> None:
        try:
            self._answer(request["id"], request["method"], request.get("params"))
        except Refused as refused:
            self.wire.error(request["id"], refused)
        except Exception as error:  # noqa: BLE001 — a bug here, or in the test's own callable
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.note(error)
        self.end(Ending(exit_code=101, stderr_tail="".join(traceback.format_exception(error))))

    def _answer(self, request_id: int | str, method: str, params: object) -> None:
        faults = self.world.faults
        if refusals := faults.refusals.get(method):
            raise refusals.popleft()
        if (answer := faults.answers.get(method)) is not None:
            self.wire.result(request_id, answer(member(params)))
            return
        handler = HANDLERS.get(method)
        if handler is None:
            raise unplayed(method)
        if method != "initialize" and self.client_name is None:
            raise Refused("Not initialized")
        if not is_object(params):
            raise Refused("Invalid request: missing field `params`")
        handler(self, request_id, params)

    # -- what the turns need

    def tell(self, thread: FakeThread, method: str, params: object) -> None:
        """Notify the client of something about a thread, if it is subscribed to it."""
        if method == "thread/settings/updated" and not self.experimental:
            return
        if thread.subscribed:
            self.wire.notify(method, params)

    def set_status(self, thread: FakeThread, status: Json) -> None:
        """Change a thread's status; the change is told to everybody (fact 109)."""
        if thread.status != status:
            thread.status = status
            params = {"threadId": thread.id, "status": status}
            self.wire.notify("thread/status/changed", params)

    def flag(self, thread: FakeThread, flag: str) -> None:
        """Say that a thread waits for one more answer, by a flag of its status."""
        thread.flags += 1
        self.set_status(thread, {"type": "active", "activeFlags": [flag]})

    def unflag(self, thread: FakeThread) -> None:
        """Say that a thread waits for one answer less."""
        thread.flags -= 1
        if thread.flags <= 0:
            self.set_status(thread, {"type": "active", "activeFlags": []})

    def mark_unread(self, thread: FakeThread, turn: FakeTurn) -> None:
        """Say that a thread has something new to read; ephemeral ones are not kept count of."""
        if thread.ephemeral:
            return
        kept = thread.kept
        kept.unread = kept.unread or {"type": "turn", "turnId": turn.id}
        kept.revision = self.ticker.uuid()
        self.tell_read_state(thread)

    def tell_read_state(self, thread: FakeThread) -> None:
        """Say how far a thread was read."""
        told = {"threadId": thread.id, "readState": thread.kept.read_state()}
        self.tell(thread, "thread/readState/changed", told)

    def blocks(self, thread: FakeThread, paths: list[str]) -> str | None:
        """Return the sandbox that keeps a thread from writing `paths`, or None."""
        sandbox = thread.settings.sandbox
        if sandbox.get("type") == "readOnly":
            return "read-only"
        if sandbox.get("type") != "workspaceWrite":
            return None
        roots = [thread.settings.cwd, *sandbox.get("writableRoots", [])]
        inside = [f"{root.rstrip('/')}/" for root in roots]
        outside = [path for path in paths if path.startswith(("/", "../"))]
        blocked = [path for path in outside if not path.startswith(tuple(inside))]
        return "workspace-write" if blocked else None

    def start_turn(
        self, thread: FakeThread, turn: FakeTurn, play: type[TurnPlay] = TurnPlay
    ) -> None:
        """Make `turn` the active one of its thread and play it."""
        thread.turn, turn.place = turn, len(thread.conversation)
        turn.before = copy(thread.totals), copy(thread.last)
        thread.turns.append(turn)
        self.start_soon(play(self, thread, turn).run)

    def next_step(self, thread: FakeThread, kind: str = "turn") -> Step:
        """Ask the script, as codex asks the model.

        Args:
            thread: The thread.
            kind: What is asked for; anything but a turn is asked for without tools.
        """
        raw: Json = {
            "model": thread.settings.model,
            "input": thread.told_to_model(),
            "tools": [*_TOOLS, *thread.dynamic_tools] if kind == "turn" else [],
            "client_metadata": {"x-codex-turn-metadata": json.dumps({"request_kind": kind})},
            "reasoning": {"effort": thread.settings.effort or DEFAULT_EFFORT},
            "text": {"verbosity": "low"},
        }
        if thread.turn is not None and thread.turn.output_schema is not None:
            raw["text"]["format"] = {
                "type": "json_schema",
                "strict": True,
                "schema": thread.turn.output_schema,
                "name": "codex_output_schema",
            }
        script = self.world.script
        return script.answer(script.call(raw, {}))

    def answer_interrupts(self, thread: FakeThread, turn: FakeTurn) -> None:
        """Answer the interrupts of `turn`, and those that 0.163 forgets until now (fact 60)."""
        for request_id in (*turn.interrupters, *thread.unanswered):
            self.wire.result(request_id, {})
        turn.interrupters.clear()
        thread.unanswered.clear()
