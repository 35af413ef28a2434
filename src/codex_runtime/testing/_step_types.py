"""The kinds of steps, as the scripted model and the fake app-server see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._checks import check_count
from codex_runtime.testing._gates import Gate

if TYPE_CHECKING:
    from codex_runtime.testing._script import ModelCall

__all__ = [
    "OUTPUTS",
    "STEPS",
    "ApplyPatch",
    "AssistantMessage",
    "Call",
    "CutStream",
    "Fail",
    "McpCall",
    "Output",
    "Reasoning",
    "Respond",
    "Shell",
    "Stall",
    "Step",
    "Together",
    "ToolCall",
    "Usage",
    "describe",
]


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that one model response reports.

    Attributes:
        input: Tokens read, the cached ones included.
        cached: Those of `input` that came from the cache.
        output: Tokens written, the reasoning ones included.
        reasoning: Those of `output` that were reasoning.
    """

    input: int = 100
    cached: int = 0
    output: int = 10
    reasoning: int = 0

    def __post_init__(self) -> None:
        for field in ("input", "cached", "output", "reasoning"):
            check_count(field, getattr(self, field))
        if self.cached > self.input:
            raise InvalidArgument("cached", "must not be over input, which includes it")
        if self.reasoning > self.output:
            raise InvalidArgument("reasoning", "must not be over output, which includes it")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    """A message of the model. Make one with `assistant_message()`."""

    text: str
    chunks: tuple[str, ...]
    delay: float = 0.0
    phase: str | None = None
    usage: Usage | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """A reasoning item of the model. Make one with `reasoning()`."""

    summary: tuple[str, ...]
    content: tuple[str, ...] = ()
    delay: float = 0.0
    usage: Usage | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A command that the model wants run. Make one with `shell()`."""

    cmd: str
    escalate: bool = False
    justification: str | None = None
    workdir: str | None = None
    timeout_ms: int | None = None
    output: str = ""
    exit_code: int = 0
    usage: Usage | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPatch:
    """A patch that the model wants applied. Make one with `apply_patch()`."""

    patch: str
    usage: Usage | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of any tool by its name. Make one with `tool_call()`."""

    name: str
    arguments: str
    namespace: str | None = None
    usage: Usage | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCall:
    """A call of a tool of an MCP server. Make one with `mcp_call()`."""

    server: str
    tool: str
    arguments: str = "{}"
    read_only: bool = False
    asks: str | None = None
    output: str = ""
    usage: Usage | None = None
    gate: Gate | None = None


Call: TypeAlias = Shell | ApplyPatch | ToolCall | McpCall
"""An output that codex answers, so that the model is asked again."""

Output: TypeAlias = AssistantMessage | Reasoning | Call
"""One thing a model response can hold; also a whole response of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several outputs in one model response. Make one with `together()`."""

    outputs: tuple[Output, ...]
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """A failure of the model's side. Make one with `fail()`."""

    status: int | None
    code: str | None
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    details: str = "{}"
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Silence in the middle of a response. Make one with `stall()`."""

    after: tuple[Output, ...]
    partial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CutStream:
    """A stream that breaks off. Make one with `cut_stream()`."""

    after: tuple[Output, ...]
    partial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """A step made when codex asks. Make one with `respond()`."""

    answer: Callable[[ModelCall], Step | Sequence[Step]]
    times: int | None = 1


Step: TypeAlias = Output | Together | Fail | Stall | CutStream | Respond
"""The answer to one model request."""

OUTPUTS = (AssistantMessage, Reasoning, Shell, ApplyPatch, ToolCall, McpCall)
"""The classes of `Output`, for isinstance."""

STEPS = (*OUTPUTS, Together, Fail, Stall, CutStream, Respond)
"""The classes of `Step`, for isinstance."""


def describe(step: Step) -> str:
    """Return `step` as the call that makes it, options left out, for error texts."""
    match step:
        case AssistantMessage():
            said = f"assistant_message({step.text!r})"
        case Reasoning():
            said = f"reasoning({', '.join(map(repr, step.summary))})"
        case Shell():
            said = f"shell({step.cmd!r})"
        case ApplyPatch():
            said = f"apply_patch({step.patch!r})"
        case ToolCall():
            said = f"tool_call({step.name!r}, {step.arguments})"
        case McpCall():
            said = f"mcp_call({step.server!r}, {step.tool!r}, {step.arguments})"
        case Together():
            said = f"together({', '.join(map(describe, step.outputs))})"
        case _:
            said = _describe_other(step)
    return said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"


def _describe_other(step: Fail | Stall | CutStream | Respond) -> str:
    match step:
        case Fail():
            return f"fail(status={step.status}, code={step.code!r})"
        case Stall():
            return "stall(…)"
        case CutStream():
            return "cut_stream(…)"
        case Respond():
            return f"respond({getattr(step.answer, '__name__', step.answer)})"


_SHOWN = 120
"""Characters of a step that an error text quotes; the step itself is in the error's attributes."""
