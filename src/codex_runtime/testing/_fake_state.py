"""What the fake app-server knows: its clock, its threads, their turns."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import anyio

from codex_runtime.testing._fake_items import told_message
from codex_runtime.testing._fake_kept import Kept
from codex_runtime.testing._json import Json

__all__ = ["CONTEXT_WINDOW", "FakeThread", "FakeTurn", "Settings", "Terminal", "Ticker", "Totals"]

CONTEXT_WINDOW = 258_400
"""Tokens: what codex 0.163 reports for gpt-5.5, 95 % of the model's window (fact 92)."""

BASE_INSTRUCTIONS = "You are Codex, a coding agent."
"""How codex's own base instructions begin; their text belongs to the model, and is long."""

EPOCH_MS = 1_790_000_000_000
"""Milliseconds since 1970 at which every fake's time begins. Fixed, so that runs are equal."""


class Ticker:
    """A clock that goes on by one millisecond whenever it is read, and ids that count."""

    def __init__(self) -> None:
        self._now = itertools.count(EPOCH_MS)
        self._ids = itertools.count(1)
        self._processes = itertools.count(10_001)

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970; never the same twice."""
        return next(self._now)

    def now(self) -> int:
        """Return the time in whole seconds since 1970."""
        return self.now_ms() // 1000

    def uuid(self) -> str:
        """Return a fresh id in the form of a UUIDv7."""
        return f"01a0c4ab-1a00-7000-8000-{next(self._ids):012x}"

    def process_id(self) -> str:
        """Return the id of a process that never ran, as text, as the protocol has it."""
        return str(next(self._processes))


@dataclass
class Totals:
    """Tokens, added up.

    Attributes:
        assumed: What codex takes the sum for when the provider says that its context is full.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    assumed: int = 0

    def as_json(self) -> Json:
        """Return them as the protocol's TokenUsageBreakdown."""
        return {
            "totalTokens": self.assumed or self.input + self.output,
            "inputTokens": self.input,
            "cachedInputTokens": self.cached,
            "cacheWriteInputTokens": 0,
            "outputTokens": self.output,
            "reasoningOutputTokens": self.reasoning,
        }


@dataclass
class Settings:
    """What the turns of a thread run with. Overrides of one turn stay (fact 49).

    Attributes:
        profile: The permission profile, as long as no sandbox was named.
        mode: The collaboration mode.
        instructions: Those of the mode.
        roots: What a config.toml has the thread write in, besides its working directory.
    """

    cwd: str
    model: str
    approval_policy: str | Json = "on-request"
    sandbox: Json = field(default_factory=lambda: {"type": "readOnly", "networkAccess": False})
    profile: Json | None = field(default_factory=lambda: {"id": ":read-only", "extends": None})
    effort: str | None = None
    summary: str | None = None
    reviewer: str = "user"
    tier: str | None = None
    mode: str = "default"
    instructions: str | None = None
    roots: list[str] = field(default_factory=list[str])

    def as_json(self) -> Json:
        """Return them as the protocol's ThreadSettings."""
        mode = {"model": self.model, "reasoning_effort": self.effort}
        return {
            "cwd": self.cwd,
            "disabledPluginIds": [],
            "approvalPolicy": self.approval_policy,
            "approvalsReviewer": self.reviewer,
            "sandboxPolicy": self.sandbox,
            "activePermissionProfile": self.profile,
            "model": self.model,
            "modelProvider": "scripted",
            "serviceTier": self.tier,
            "effort": self.effort,
            "summary": self.summary,
            "collaborationMode": {
                "mode": self.mode,
                "settings": {**mode, "developer_instructions": self.instructions},
            },
            "multiAgentMode": "explicitRequestOnly",
            "personality": None,
        }


@dataclass(eq=False)
class Terminal:
    """A command that runs at its gate, in its turn or after it (fact 61).

    Attributes:
        command: As the model wrote it.
        scope: Cancelled to kill the command.
        killed: Which request killed it, if one did.
        left: Whether its turn was interrupted, so that nobody waits for it any more.
        failure: Why it never ended.
        ended: Set when its `item/completed` was sent, or with `failure`.
    """

    item_id: str
    process_id: int
    command: str
    cwd: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    killed: Literal["terminate", "clean"] | None = None
    left: bool = False
    failure: Exception | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)

    def kill(self, how: Literal["terminate", "clean"]) -> None:
        """End the command; its `item/completed` follows."""
        self.killed = how
        self.scope.cancel()

    def as_json(self) -> Json:
        """Return it as the protocol's ThreadBackgroundTerminal."""
        return {
            "itemId": self.item_id,
            "processId": str(self.process_id),
            "command": self.command,
            "cwd": self.cwd,
            "osPid": None,
            "cpuPercent": None,
            "rssKb": None,
        }


@dataclass(eq=False)
class FakeTurn:
    """One turn.

    Attributes:
        kind: What it does, in the word of `activeTurnNotSteerable` where it cannot be steered.
        inner_id: The id of the turn that a review runs within itself, once it does.
        root_id: The id of the review that it is such a turn of.
        about: What a review is called, or the command of a shell turn.
        timeout: Seconds that the command of a shell turn may take.
        output_schema: What the model's answer has to match; any JSON, None for nothing.
        steering: Inputs that wait for the next model request.
        scope: Cancelled to interrupt the turn.
        stream: Cancelled to break off what the model is saying; None while it says nothing.
        started: Whether `turn/started` was sent.
        interrupters: Ids of the interrupt requests that are answered when the turn ends.
        done: Set when `turn/completed` was sent.
        place: How much of the conversation was said before it.
        before: The thread's tokens before it, in all and of the last response.
    """

    id: str
    input: list[Json]
    client_id: str | None
    output_schema: object = None
    kind: Literal["regular", "review", "compact", "shell"] = "regular"
    inner_id: str | None = None
    root_id: str | None = None
    about: str = ""
    timeout: float = 3600.0
    status: str = "inProgress"
    error: Json | None = None
    items: list[Json] = field(default_factory=list[Json])
    steering: deque[tuple[list[Json], str | None]] = field(
        default_factory=deque[tuple[list[Json], str | None]]
    )
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    stream: anyio.CancelScope | None = None
    started: bool = False
    started_ms: int | None = None
    completed_ms: int | None = None
    diff: str = ""
    interrupters: list[int | str] = field(default_factory=list[int | str])
    done: anyio.Event = field(default_factory=anyio.Event)
    place: int = 0
    before: tuple[Totals, Totals] = field(default_factory=lambda: (Totals(), Totals()))

    def as_json(self, view: str = "notLoaded") -> Json:
        """Return it as the protocol's Turn, with as many items as `view` says."""
        start, end = self.started_ms, self.completed_ms
        return {
            "id": self.id,
            "rootTurnId": self.root_id or self.id,
            "items": self._viewed(view),
            "itemsView": view,
            "status": self.status,
            "error": self.error,
            "startedAt": None if start is None else start // 1000,
            "completedAt": None if end is None else end // 1000,
            "durationMs": None if start is None or end is None else end - start,
        }

    @property
    def interrupt_id(self) -> str:
        """The id under which it is interrupted (fact 282)."""
        return self.inner_id or self.id

    def last_message(self) -> Json | None:
        """Return the newest completed message of the model."""
        messages = (item for item in reversed(self.items) if item["type"] == "agentMessage")
        return next(messages, None)

    def _viewed(self, view: str) -> list[Json]:
        if view == "full":
            return list(self.items)
        if view == "summary":
            asked = [item for item in self.items if item["type"] == "userMessage"][:1]
            last = self.last_message()
            return [*asked, *([] if last is None else [last])]
        return []


@dataclass(eq=False)
class FakeThread:
    """One thread.

    Attributes:
        conversation: What the model has been told, in the form of the Responses API.
        context: The additional context of the newest input.
        untold: What of it the model has not been told yet, in the same form.
        loaded: Whether the running process has it in memory.
        subscribed: Whether the client gets its events.
        last_interrupted: Whether the newest turn that ended was interrupted, and its id.
        unanswered: Interrupt requests that 0.163 leaves open until a turn ends (fact 60).
        approved: Commands, files and MCP tools that were accepted for the session.
        features: Features of codex that were switched on for it.
        terminals: Commands that run, by process id.
        updated: When something happened last, in milliseconds since 1970.
        kept: What is on record besides its turns.
        forked_from: The thread whose history it goes on with.
        started_in: The working directory that it was opened in first.
    """

    id: str
    settings: Settings
    created: int
    path: str | None
    originator: str
    started_in: str
    base_instructions: str = BASE_INSTRUCTIONS
    developer_instructions: str | None = None
    ephemeral: bool = False
    name: str | None = None
    preview: str = ""
    updated: int = 0
    turns: list[FakeTurn] = field(default_factory=list[FakeTurn])
    turn: FakeTurn | None = None
    status: Json = field(default_factory=lambda: {"type": "idle"})
    flags: int = 0
    totals: Totals = field(default_factory=Totals)
    last: Totals = field(default_factory=Totals)
    conversation: list[Json] = field(default_factory=list[Json])
    context: dict[str, Json] = field(default_factory=dict[str, Json])
    untold: list[Json] = field(default_factory=list[Json])
    dynamic_tools: list[Json] = field(default_factory=list[Json])
    approved: set[str] = field(default_factory=set[str])
    features: frozenset[str] = frozenset()
    terminals: dict[int, Terminal] = field(default_factory=dict[int, Terminal])
    loaded: bool = True
    subscribed: bool = True
    archived: bool = False
    last_interrupted: str | None = None
    unanswered: list[int | str] = field(default_factory=list[int | str])
    kept: Kept = field(default_factory=Kept)
    forked_from: str | None = None

    @property
    def durable(self) -> bool:
        """Whether another process could resume it (facts 14 to 17)."""
        kept = self.kept.durable or self.name is not None or self.forked_from is not None
        return not self.ephemeral and (bool(self.turns) or kept)

    @property
    def touched_ms(self) -> int:
        """When something happened last, in milliseconds since 1970."""
        return self.updated or self.created * 1000

    def told_to_model(self) -> list[Json]:
        """Return the `input` of a model request: the instructions, then the conversation."""
        texts = [self.base_instructions, self.developer_instructions]
        instructions = [told_message("developer", text) for text in texts if text]
        return [*instructions, *self.conversation]

    def as_json(self, version: str, view: str | None = None) -> Json:
        """Return it as the protocol's Thread; its turns too when there is a `view` of them."""
        settings = self.settings
        roots = [settings.cwd, *settings.roots]
        where = {"cwd": settings.cwd, "runtimeWorkspaceRoots": roots}
        return {
            "id": self.id,
            "environments": [{"environmentId": "local", **where}] if self.loaded else None,
            "extra": None,
            "sessionId": self.id,
            "forkedFromId": self.forked_from,
            "parentThreadId": None,
            "preview": self.preview,
            "ephemeral": self.ephemeral,
            "section": None,
            "sectionEnteredAt": None,
            "projectId": None,
            "historyMode": "paginated",
            "modelProvider": "scripted",
            # On record with the first turn.
            "model": settings.model if self.loaded or self.turns else None,
            "reasoningEffort": settings.effort,
            "createdAt": self.created,
            "updatedAt": self.touched_ms // 1000,
            "recencyAt": self.touched_ms // 1000,
            "status": self.status if self.loaded else {"type": "notLoaded"},
            "path": self.path,
            "cwd": self.started_in,
            "cliVersion": version,
            "originator": self.originator,
            "source": "vscode",
            "canAcceptDirectInput": True if self.loaded else None,
            "threadSource": None,
            "agentNickname": None,
            "agentRole": None,
            "name": self.name,
            **self.kept.as_json(),
            "turns": [] if view is None else [turn.as_json(view) for turn in self.turns],
        }

    def usage_json(self) -> Json:
        """Return its tokens as the protocol's ThreadTokenUsage."""
        return {
            "total": self.totals.as_json(),
            "last": self.last.as_json(),
            "modelContextWindow": CONTEXT_WINDOW,
        }

    def opened_json(self, version: str) -> Json:
        """Return the settings part of the answers to `thread/start` and `thread/resume`."""
        settings = self.settings
        return {
            "thread": self.as_json(version),
            "model": settings.model,
            "modelProvider": "scripted",
            "serviceTier": settings.tier,
            "disabledPluginIds": [],
            "cwd": settings.cwd,
            "runtimeWorkspaceRoots": [settings.cwd, *settings.roots],
            "instructionSources": [],
            "approvalPolicy": settings.approval_policy,
            "approvalsReviewer": settings.reviewer,
            "sandbox": settings.sandbox,
            "activePermissionProfile": settings.profile,
            "reasoningEffort": settings.effort,
            "multiAgentMode": "explicitRequestOnly",
        }
