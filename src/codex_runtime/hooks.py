r"""Hooks: your code around runs, sessions and turns. It may look, change and forbid.

    @hook("pre_turn")
    def house_rules(context):
        return Mutate(prompt=f"{context.prompt}\n\nAnswer in English.")

    async with Runtime(hooks=[house_rules]) as runtime: ...

**Phases.** A run is what `run`, `stream` and `ThreadHandle.run` do. Around it stand `pre_run` and
`post_run`; around the opening of a thread `pre_session_start` and `post_session_start`; around
each turn, reviews, compactions and commands among them, `pre_turn` and `post_turn`. A post phase
comes whenever its pre phase was passed, whatever happened in between: success, failure, an
exception, a cancellation, another hook that blocked.

Within turns there are `pre_tool_use`, where codex asks whether the model may use a tool, and
`post_tool_use`, when it has used one. The two are not a pair: codex does not ask about everything.

**Order.** The hooks of the runtime first, in the order of their registration, then those of the
thread, then those of the call. Of several with one name the first counts; the others do not run,
and the report says so. A later hook sees what an earlier one has changed.

**Whatever goes wrong with a hook harms that hook only**: one that raises, takes too long or returns
something else than an action is noted in the report, and things go on. A hook with `gate=True`
blocks instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from codex_runtime._arguments import positive_seconds
from codex_runtime._hook_input import items_of, text_of
from codex_runtime._hook_matcher import HookMatcher, checked_phases, known_phases
from codex_runtime._hook_report import (
    HookEntry,
    HookIssue,
    HookOutcome,
    HookPhase,
    HookReport,
    TurnKind,
)
from codex_runtime.errors import IncompatibleHook, InvalidArgument

if TYPE_CHECKING:
    from codex_runtime.inputs import InputItem, TurnInput
    from codex_runtime.protocol.types import (
        CommandExecutionItem,
        DynamicToolCallItem,
        FileChangeItem,
        McpToolCallItem,
    )
    from codex_runtime.requests import (
        CommandApproval,
        FileChangeApproval,
        LegacyCommandApproval,
        LegacyPatchApproval,
        McpElicitation,
        PermissionsApproval,
        ToolCallRequest,
        UnknownRequest,
    )
    from codex_runtime.state import TurnResult

__all__ = [
    "HOOK_CONTRACT_VERSION",
    "Block",
    "Hook",
    "HookAction",
    "HookCall",
    "HookContext",
    "HookEntry",
    "HookIssue",
    "HookMatcher",
    "HookOutcome",
    "HookPhase",
    "HookReport",
    "HookStatus",
    "Hooks",
    "Mutate",
    "ToolInput",
    "TurnKind",
    "hook",
]

HOOK_CONTRACT_VERSION: Final = (1, 1)
"""(major, minor) of what this module promises to hooks. Those made for the same major version run."""

HookStatus: TypeAlias = Literal["ok", "error", "interrupted", "blocked"]
"""How it went, for post phases. `ok`: done; a turn has completed. `interrupted`: the turn was, or
the caller was cancelled. `blocked`: by a hook of a later phase; of a tool, that it was refused."""

ToolInput: TypeAlias = "CommandApproval | FileChangeApproval | PermissionsApproval | McpElicitation | ToolCallRequest | LegacyCommandApproval | LegacyPatchApproval | UnknownRequest | CommandExecutionItem | FileChangeItem | McpToolCallItem | DynamicToolCallItem"
"""What a tool is used for: at `pre_tool_use` one of `codex_runtime.requests`, at `post_tool_use` the
completed item."""

_TIMEOUT: Final = 5.0
"""Seconds for one hook in one phase. Somebody waits for it, and a check that needs longer should
say so."""


@dataclass(frozen=True, kw_only=True, repr=False)
class HookContext:
    """What a hook is told.

    Attributes:
        phase: Where it runs.
        correlation_id: The same for all phases of one run; of a `thread_start` or a
            `turn_start` that stands alone, one of its own.
        at: When, in seconds since 1970.
        metadata: What the hooks of this run have noted so far. Not to be changed here: return
            `Mutate(metadata=…)`.
        thread_id: The thread, where there is one yet.
        turn_id: The turn, where there is one yet.
        cwd: The working directory, absolute, as far as it is known.
        model: The model, as far as it is known.
        input: What the turn is told; None around the opening of a thread. Of a review the
            instructions, None where it is of changes; of a shell command the command; None for a
            compaction.
        turn_kind: What kind of turn it is: `turn`, `review`, `compact` or `shell_command`; None
            around the opening of a thread.
        status: How it went; None before.
        result: What the turn did; None before, and where there is no turn.
        error: What was raised; None if nothing was.
        item_id: The item that the use of a tool is, where it is one; None in other phases.
        tool_name: The tool that is about to be used, or was: `command`, `file_change`,
            `permissions` (more of them than the sandbox gives), a tool of yours by its name
            (`namespace/name` where it has a namespace), one of an MCP server as `server/tool`. None
            in other phases, and where this version cannot tell.
        tool_input: At `pre_tool_use` what codex asks, as an approver sees it, but not to be
            answered: return `Block`. At `post_tool_use` the completed item. None in other phases.
    """

    phase: HookPhase
    correlation_id: str
    at: float
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    thread_id: str | None = None
    turn_id: str | None = None
    cwd: str | None = None
    model: str | None = None
    input: TurnInput | None = None
    turn_kind: TurnKind | None = None
    status: HookStatus | None = None
    result: TurnResult | None = None
    error: BaseException | None = None
    item_id: str | None = None
    tool_name: str | None = None
    tool_input: ToolInput | None = None

    def __repr__(self) -> str:
        return f"<HookContext {self.phase} of {self.correlation_id}, thread {self.thread_id}>"

    @property
    def prompt(self) -> str | None:
        """The texts among `input`, a line break between them; None where there is no input."""
        if self.input is None:
            return None
        return "\n".join(
            text for item in items_of(self.input) if (text := text_of(item)) is not None
        )


@dataclass(frozen=True, repr=False)
class Mutate:
    """Change what is about to be done. What is None or empty stays as it is.

    What may be changed: the prompt and the attachments in `pre_run` and `pre_turn`; the model
    in all pre phases but `pre_tool_use`; the metadata in all pre phases; nothing in post phases. Of
    a turn that is a review, a compaction or a command only the metadata. The rest of a change is
    made all the same when a part of it is not allowed, or cannot be used; the report tells which.

    Attributes:
        prompt: Takes the place of all texts of the input; its other items stay.
        model: The model: for the thread in `pre_session_start`, and in `pre_run` where the run
            opens one; else for this turn only.
        attachments: Input items to add, say `Attachment("notes.md")`, as a list or tuple. A
            relative path is one in the working directory. One that cannot be used is left out.
        metadata: Notes for later hooks of the run, in the forms of JSON; merged key by key, and
            64 KiB (65,536 bytes) of JSON at the most, those that are there already among it.
    """

    prompt: str | None = None
    model: str | None = None
    attachments: Sequence[InputItem] = ()
    metadata: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        parts = [name for name, value in vars(self).items() if value is not None and value != ()]
        return f"<Mutate {', '.join(parts) or 'nothing'}>"


@dataclass(frozen=True)
class Block:
    """Forbid what is about to be done. The caller gets `BlockedByHook`.

    At `pre_tool_use` the tool is refused instead, as `Deny` does it, and the turn goes on.

    Attributes:
        reason: Why, for the caller, or for the audit (see `answers.Deny`).
    """

    reason: str = ""


HookAction: TypeAlias = Mutate | Block | None
"""What a hook wants; None is nothing."""

HookCall: TypeAlias = "Callable[[HookContext], HookAction | Awaitable[HookAction]]"
"""The work of a hook."""


class Hook:
    """Your code, and when it runs.

    Attributes:
        name: What reports call it. Of several hooks with one name only the first runs.
        call: Takes a `HookContext`; returns an action, or None. A plain function runs in a
            thread of its own, so it may block; after its `timeout` nobody waits for it any
            more, but it cannot be ended. An asynchronous one may use the runtime.
        phases: Where it runs.
        matcher: For which calls; None for all.
        timeout: Seconds that it may take each time.
        gate: Whatever goes wrong with it in a pre phase blocks. At `pre_tool_use` it also runs where
            its matcher cannot tell, and blocks reviews, in which codex asks nobody.
        contract_version: The `HOOK_CONTRACT_VERSION` that it was written for.
    """

    def __init__(  # noqa: PLR0913 — public option list, keyword-only
        self,
        name: str,
        call: HookCall,
        phases: HookPhase | Iterable[HookPhase],
        *,
        matcher: HookMatcher | None = None,
        timeout: float | None = None,
        gate: bool = False,
        contract_version: tuple[int, int] = HOOK_CONTRACT_VERSION,
    ) -> None:
        """Check it.

        Raises:
            InvalidArgument: An argument cannot be used.
        """
        if not isinstance(name, str) or not name.strip():  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
            raise InvalidArgument("name", f"is {name!r}", "give the hook a name")
        if not callable(call):
            raise InvalidArgument("call", f"is of type {type(call).__name__}", "use a function")
        self.name = name
        self.call = call
        self.phases = checked_phases(phases)
        if not self.phases:
            raise InvalidArgument("phases", "is empty", known_phases())
        if matcher is not None and not isinstance(matcher, HookMatcher):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
            kind = type(matcher).__name__
            raise InvalidArgument("matcher", f"is of type {kind}", "use HookMatcher(…)")
        self.matcher = matcher
        self.timeout = positive_seconds("timeout", timeout, _TIMEOUT)
        self.gate = gate
        self.contract_version = contract_version

    def __repr__(self) -> str:
        kind = "gate" if self.gate else "hook"
        return f"<{type(self).__name__} {self.name!r}, a {kind} at {', '.join(self.phases)}>"


def hook(
    *phases: HookPhase,
    name: str | None = None,
    matcher: HookMatcher | None = None,
    timeout: float | None = None,
    gate: bool = False,
) -> Callable[[HookCall], Hook]:
    """Make a function a hook: `@hook("pre_turn")`.

    Args:
        *phases: Where it runs.
        name: What reports call it; by default the function's name.
        matcher: For which calls; by default for all.
        timeout: Seconds that it may take each time; by default 5.
        gate: Whatever goes wrong with it in a pre phase blocks.

    Raises:
        InvalidArgument: An argument cannot be used.
    """
    checked_phases(phases)

    def make(call: HookCall) -> Hook:
        own = str(name or getattr(call, "__name__", type(call).__name__))
        return Hook(own, call, phases, matcher=matcher, timeout=timeout, gate=gate)

    return make


class Hooks:
    """Several hooks in the order in which they run. Cannot be changed; `+` makes a longer one."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: Hook | Iterable[Hook] = ()) -> None:
        """Check them.

        Raises:
            InvalidArgument: One is no hook.
            IncompatibleHook: One is made for another contract.
        """
        self._hooks = _checked_hooks(hooks)

    def __iter__(self) -> Iterator[Hook]:
        return iter(self._hooks)

    def __len__(self) -> int:
        return len(self._hooks)

    def __repr__(self) -> str:
        return f"Hooks({[each.name for each in self._hooks]})"

    def __add__(self, more: Hook | Iterable[Hook]) -> Hooks:
        """These, and then those.

        Raises:
            InvalidArgument: One is no hook.
            IncompatibleHook: One is made for another contract.
        """
        return Hooks((*self._hooks, *_checked_hooks(more)))


def _checked_hooks(hooks: Any) -> tuple[Hook, ...]:
    given: Any = (hooks,) if isinstance(hooks, Hook) else hooks
    if not hasattr(given, "__iter__"):
        raise InvalidArgument("hooks", f"is of type {type(hooks).__name__}", "use a list of hooks")
    listed: tuple[Any, ...] = tuple(given)
    for index, each in enumerate(listed):
        if not isinstance(each, Hook):
            raise InvalidArgument(
                f"hooks[{index}]",
                f"is of type {type(each).__name__}",
                "make it a hook: Hook(name, function, phases), or @hook(phase)",
            )
        _check_version(each)
    return listed


def _check_version(each: Hook) -> None:
    version: Any = each.contract_version
    if not _is_version(version):
        raise InvalidArgument(
            "contract_version", f"of hook {each.name!r} is {version!r}", "use (major, minor)"
        )
    if version[0] != HOOK_CONTRACT_VERSION[0]:
        raise IncompatibleHook(each.name, version, HOOK_CONTRACT_VERSION)


def _is_version(version: Any) -> bool:
    given: Any = version
    return isinstance(version, tuple) and [type(word) for word in given] == [int, int]
