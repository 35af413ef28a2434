"""Hooks around the use of tools: those before may forbid it, those after are told of it.

Where the turn is one of ours, they take part in its run. Any other use, in a turn that a goal, the
queue, another client or an agent of the model has started, is a run of its own.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from codex_runtime import protocol
from codex_runtime._errand import Errand
from codex_runtime._feed import feed_of
from codex_runtime._hook_book import RUNNING, has_phase
from codex_runtime._hook_changes import Subject
from codex_runtime._hooking import HookRun, Outcome
from codex_runtime._tool_uses import ToolUse, asked_use, done_use
from codex_runtime.answers import Deny
from codex_runtime.errors import BlockedByHook, CodexRuntimeError

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime._hook_report import HookPhase
    from codex_runtime._server_request import ServerRequest
    from codex_runtime.hooks import Hook

__all__ = ["DeniedByHook", "ToolWatch", "gate"]

logger = logging.getLogger("codex_runtime.hooks")

_AT_ONCE: Final = 8
"""Turns whose hooks are told of tools at once. Each hook may start a process."""

_MAX_WAITING: Final = 256
"""Uses of tools of one turn that wait for hooks to be told of them. Items may be large."""


@dataclass(frozen=True)
class DeniedByHook(Deny):
    """A hook forbids the use of a tool.

    Attributes:
        by: Which.
    """

    by: str = ""


async def gate(client: Client, request: ServerRequest) -> DeniedByHook | None:
    """Ask the hooks before the use of tools. They may forbid it, and never say yes.

    Cancelling cancels the hook that is running.
    """
    taken = _taken(client, request.thread_id, request.turn_id, "pre_tool_use")
    use = asked_use(request) if taken is not None else None
    if taken is None or use is None:
        return None
    mark = RUNNING.set(taken.run.calls)
    try:
        subject = taken.subject(use, request.item_id)
        await taken.run.before("pre_tool_use", subject, taken.more)
    except BlockedByHook as error:
        return DeniedByHook(error.reason, f"hook {error.hook}")
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class() | GeneratorExit):
            raise
        # Also SystemExit and the like: what ends a function of the user ends no connection.
        logger.warning("hooks at pre_tool_use failed", exc_info=error)
        return DeniedByHook(f"a hook failed with {type(error).__name__}", "hooks")
    finally:
        RUNNING.reset(mark)
        taken.publish()
    return None


class ToolWatch:
    """Has hooks told of the tools that were used, in the order of their turn."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._at_once = anyio.Semaphore(_AT_ONCE)
        self._waiting: dict[tuple[str, str], deque[tuple[_Taken, Subject, Outcome]]] = {}

    def started(self, event: Any) -> None:
        """`item/started`. Called by the reader."""
        self._adopt_agents(event)

    def _adopt_agents(self, event: Any) -> None:
        """What holds for a turn holds for the agents that its model starts.

        They work in threads of their own (fact 353).
        """
        agents = _agents(event.item)
        if not agents:
            return
        book = self._client.hook_book
        feed = feed_of(self._client.hub, event.thread_id, event.turn_id)
        of_turn = feed.hooks.run if feed and feed.hooks else ()
        hooks = dict.fromkeys([*book.of_thread(event.thread_id), *of_turn])
        found = [each for each in hooks if each not in book.hooks]
        for agent in agents:
            if agent != event.thread_id:
                book.adopt(agent, found)

    def completed(self, event: Any) -> None:
        """`item/completed`. Called by the reader."""
        self._adopt_agents(event)
        use = done_use(event.item)
        if use is None:
            return
        taken = _taken(self._client, event.thread_id, event.turn_id, "post_tool_use")
        if taken is None:
            return
        key = (event.thread_id, event.turn_id)
        subject = taken.subject(use, getattr(event.item, "id", None))
        waiting = self._waiting.get(key)
        if waiting is not None and len(waiting) >= _MAX_WAITING:
            taken.run.leave_out("post_tool_use", subject, "too many uses of tools wait for hooks")
            return
        if waiting is None:
            waiting = self._waiting[key] = deque()
            self._begin(key, taken)
        waiting.append((taken, subject, Outcome(use.status)))

    def _begin(self, key: tuple[str, str], taken: _Taken) -> None:
        errand = Errand(lambda: self._tell(key))
        taken.run.tools_used.append(errand)
        try:
            errand.begin(self._client)
        except CodexRuntimeError:
            # The runtime is closed.
            errand.over.set()
            self._waiting.pop(key, None)

    async def _tell(self, key: tuple[str, str]) -> None:
        waiting = self._waiting[key]
        try:
            async with self._at_once:
                while waiting:
                    taken, subject, outcome = waiting.popleft()
                    await taken.told(subject, outcome)
        finally:
            del self._waiting[key]


def _agents(item: Any) -> tuple[str, ...]:
    """The threads of the agents that an item is about."""
    match item:
        case protocol.SubAgentActivityItem():
            named: Any = (item.agent_thread_id,)
        case protocol.CollabAgentToolCallItem():
            named = item.receiver_thread_ids or ()
        case _:
            return ()
    return tuple(each for each in named if each)


@dataclass(frozen=True)
class _Taken:
    """The hooks of one use of a tool.

    Attributes:
        run: What they take part in.
        more: Hooks that have come since it began.
        base: What is known of the turn.
        is_whole: Whether the run is about this use alone.
    """

    run: HookRun
    more: tuple[Hook, ...]
    base: Subject
    is_whole: bool

    def subject(self, use: ToolUse, item_id: str | None) -> Subject:
        return replace(
            self.base,
            # The folder of the turn, not one that the model has chosen: that is in the input.
            cwd=self.base.cwd or use.cwd,
            item_id=item_id or None,
            tool_name=use.name,
            tool_input=use.input,
        )

    async def told(self, subject: Subject, outcome: Outcome) -> None:
        mark = RUNNING.set(self.run.calls)
        try:
            await self.run.after("post_tool_use", subject, outcome, self.more)
        except BaseException as error:
            if isinstance(error, anyio.get_cancelled_exc_class() | GeneratorExit):
                raise
            # Nobody waits here whom SystemExit and the like could end.
            logger.warning("a hook at post_tool_use failed", exc_info=error)
        finally:
            RUNNING.reset(mark)
            self.publish()

    def publish(self) -> None:
        if self.is_whole:
            self.run.publish()


def _taken(client: Client, thread_id: str, turn_id: str, phase: HookPhase) -> _Taken | None:
    """The hooks of this phase, for a turn; None where there are none."""
    hub = client.hub
    # Some do not say which turn they are about, and a review runs as a turn within the turn.
    turn_id = turn_id or hub.active_turn(thread_id) or ""
    feed = feed_of(hub, thread_id, hub.root_of(thread_id, turn_id) or turn_id)
    hooks = feed.hooks if feed else None
    run: Iterable[Hook] = hooks.run if hooks else ()
    known = {id(each) for each in run}
    book = client.hook_book
    more = tuple(
        each for each in (*book.hooks, *book.of_thread(thread_id)) if id(each) not in known
    )
    if not has_phase((*run, *more), phase):
        return None
    if hooks is not None:
        about = replace(hooks.subject, thread_id=thread_id, turn_id=turn_id or None)
        return _Taken(hooks.run, more, about, is_whole=False)
    own = HookRun(book, book.of_thread(thread_id), remote=client.remote)
    live = client.live(thread_id)
    about = Subject(
        thread_id=thread_id or None,
        turn_id=turn_id or None,
        cwd=live.scope.cwd,
        model=live.settings.model or None,
    )
    return _Taken(own, (), about, is_whole=True)
