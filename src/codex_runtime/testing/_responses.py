"""Steps into what a Responses API endpoint sends, for the tools that a request offers."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._json import Json
from codex_runtime.testing._script import ModelCall
from codex_runtime.testing._step_types import (
    ApplyPatch,
    AssistantMessage,
    Call,
    CutStream,
    Fail,
    McpCall,
    Output,
    Reasoning,
    Respond,
    Shell,
    Stall,
    Step,
    Together,
    ToolCall,
    Usage,
)

__all__ = ["Ids", "Pause", "Refusal", "Stream", "ToolNotOffered", "compile_step", "response_usage"]

INCOMPLETE = frozenset({"max_output_tokens", "content_filter"})
"""Codes that the API reports as `response.incomplete` and not as `response.failed`."""


class ToolNotOffered(AssertionError):
    """A step needs a tool that codex did not offer in its request.

    Attributes:
        step: What the step was.
        offered: The names of the tools that were offered.
    """

    __module__ = "codex_runtime.testing"

    def __init__(self, step: str, offered: Iterable[str]) -> None:
        self.step = step
        self.offered = frozenset(offered)
        super().__init__(
            f"{step} needs a tool that codex did not offer to the model; it offered: "
            f"{', '.join(sorted(self.offered)) or 'none'} (the model in the home's config.toml "
            f"decides; `gpt-5.5` gets classic tools)"
        )


class Ids:
    """Deterministic ids: `msg_1`, `call_2`, … one counter for all kinds."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next(self, kind: str) -> str:
        """Return a fresh id; `itertools.count` makes it safe for any thread."""
        return f"{kind}_{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait in the middle of a stream: for some seconds, or for a gate."""

    seconds: float = 0.0
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer as server-sent events.

    Attributes:
        parts: Events, and the pauses between them.
        ending: Whether the stream is then complete, silent or broken.
        headers: Extra HTTP headers.
    """

    parts: tuple[Json | Pause, ...]
    ending: Literal["complete", "silent", "broken"] = "complete"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer as a plain HTTP error."""

    status: int
    body: Json | str
    headers: tuple[tuple[str, str], ...] = ()


def compile_step(step: Step, call: ModelCall, ids: Ids) -> Stream | Refusal:
    """Return what to send for `step`.

    Raises:
        ToolNotOffered: `call` offers no tool that the step could use.
        InvalidArgument: `step` is `respond()`, which the script resolves before.
    """
    match step:
        case Fail():
            return _failure(step, ids)
        case Stall():
            return Stream(_interrupted(step, call, ids), "silent")
        case CutStream():
            return Stream(_interrupted(step, call, ids), "broken")
        case Respond():
            raise InvalidArgument("step", "has no events of its own: respond() is resolved before")
        case Together():
            return Stream(_complete(step.outputs, response_usage(step), call, ids))
        case _:
            return Stream(_complete((step,), response_usage(step), call, ids))


def response_usage(step: Output | Together) -> Usage:
    """Return the tokens that the response of `step` reports."""
    if not isinstance(step, Together):
        return step.usage or Usage()
    own = [output.usage for output in step.outputs if output.usage is not None]
    return step.usage or (own[-1] if own else Usage())


def _complete(
    outputs: tuple[Output, ...], usage: Usage, call: ModelCall, ids: Ids
) -> tuple[Json | Pause, ...]:
    response_id = ids.next("resp")
    body = {
        "id": response_id,
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.input + usage.output,
        },
    }
    return (
        _created(response_id),
        *(part for output in outputs for part in _output(output, call, ids)),
        {"type": "response.completed", "response": body},
    )


def _interrupted(step: Stall | CutStream, call: ModelCall, ids: Ids) -> tuple[Json | Pause, ...]:
    if not step.after and not step.partial:
        return ()
    parts = [part for output in step.after for part in _output(output, call, ids)]
    if step.partial:
        message_id = ids.next("msg")
        parts.append(_added(_message_item(message_id)))
        parts.extend(_text_delta(message_id, piece) for piece in step.partial)
    return (_created(ids.next("resp")), *parts)


def _output(output: Output, call: ModelCall, ids: Ids) -> Iterator[Json | Pause]:
    match output:
        case AssistantMessage():
            yield from _message(output, ids)
        case Reasoning():
            yield from _thought(output, ids)
        case _:
            if output.gate is not None:
                yield Pause(gate=output.gate)
            yield _done(_call_item(output, call, ids))


def _message(step: AssistantMessage, ids: Ids) -> Iterator[Json | Pause]:
    message_id = ids.next("msg")
    yield _added(_message_item(message_id, phase=step.phase))
    for piece in step.chunks:
        if step.delay:
            yield Pause(step.delay)
        yield _text_delta(message_id, piece)
    if step.gate is not None:
        yield Pause(gate=step.gate)
    yield _done(_message_item(message_id, text=step.text, phase=step.phase))


def _thought(step: Reasoning, ids: Ids) -> Iterator[Json | Pause]:
    item_id = ids.next("rs")
    yield _added({"type": "reasoning", "id": item_id, "summary": []})
    for event in _thought_pieces(step, item_id):
        if step.delay:
            yield Pause(step.delay)
        yield event
    if step.gate is not None:
        yield Pause(gate=step.gate)
    item: Json = {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": text} for text in step.summary],
    }
    if step.content:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in step.content]
    yield _done(item)


def _thought_pieces(step: Reasoning, item_id: str) -> Iterator[Json]:
    for index, text in enumerate(step.summary):
        place = {"item_id": item_id, "output_index": 0, "summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", **place}
        for word in words(text):
            yield {"type": "response.reasoning_summary_text.delta", "delta": word, **place}
    for index, text in enumerate(step.content):
        place = {"item_id": item_id, "output_index": 0, "content_index": index}
        yield {"type": "response.reasoning_text.delta", "delta": text, **place}


def _call_item(step: Call, call: ModelCall, ids: Ids) -> Json:
    call_id = ids.next("call")
    match step:
        case Shell():
            name, arguments = _shell_call(step, call)
        case ApplyPatch():
            name, arguments = _patch_call(step, call)
        case ToolCall():
            name, arguments = step.name, step.arguments
        case McpCall():
            name, arguments = step.tool, step.arguments
    if call.tool_definitions.get(name, {}).get("type") == "custom":
        return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": arguments}
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    namespace = _namespace(step)
    return item if namespace is None else {**item, "namespace": namespace}


def _namespace(step: Call) -> str | None:
    match step:
        case ToolCall():
            return step.namespace
        case McpCall():
            # Codex's name for the tools of a server.
            return "mcp__" + re.sub(r"\W", "_", step.server, flags=re.ASCII)
        case _:
            return None


def _shell_call(step: Shell, call: ModelCall) -> tuple[str, str]:
    arguments: Json = {"workdir": step.workdir}
    if step.escalate:
        arguments["sandbox_permissions"] = "require_escalated"
        arguments["justification"] = step.justification
    if "exec_command" in call.tools:
        arguments.update(cmd=step.cmd, yield_time_ms=step.timeout_ms)
        return "exec_command", _json(arguments)
    if "shell_command" in call.tools:
        arguments.update(command=step.cmd, timeout_ms=step.timeout_ms)
        return "shell_command", _json(arguments)
    if "shell" in call.tools:
        arguments.update(command=["bash", "-lc", step.cmd], timeout_ms=step.timeout_ms)
        return "shell", _json(arguments)
    raise ToolNotOffered(f"shell({step.cmd!r})", call.tools)


def _patch_call(step: ApplyPatch, call: ModelCall) -> tuple[str, str]:
    tool = call.tool_definitions.get("apply_patch")
    if tool is not None:
        custom = tool.get("type") == "custom"
        return "apply_patch", step.patch if custom else _json({"input": step.patch})
    # Models without the tool are told to write the command; codex sees through it.
    command = f"apply_patch <<'END_OF_SCRIPTED_PATCH'\n{step.patch}\nEND_OF_SCRIPTED_PATCH\n"
    return _shell_call(Shell(cmd=command), call)


def _failure(step: Fail, ids: Ids) -> Stream | Refusal:
    error: Json = {"message": step.message, **json.loads(step.details)}
    if step.code is not None:
        error = {"type": step.code, "code": step.code, **error}
    if step.plain:
        return Refusal(400, step.message)
    if step.status is not None:
        return Refusal(step.status, {"error": error}, step.headers)
    response: Json = {"id": ids.next("resp")}
    if step.code in INCOMPLETE:
        response["incomplete_details"] = {"reason": step.code}
        event = {"type": "response.incomplete", "response": response}
    else:
        event = {"type": "response.failed", "response": {**response, "error": error}}
    return Stream((_created(response["id"]), event), headers=step.headers)


def words(text: str) -> tuple[str, ...]:
    """Return `text` in pieces of about a word that add up to it."""
    pieces = text.split(" ")
    return (*(f"{piece} " for piece in pieces[:-1]), pieces[-1]) if text else ()


def _json(arguments: Json) -> str:
    return json.dumps({name: value for name, value in arguments.items() if value is not None})


def _created(response_id: str) -> Json:
    return {"type": "response.created", "response": {"id": response_id}}


def _added(item: Json) -> Json:
    return {"type": "response.output_item.added", "output_index": 0, "item": item}


def _done(item: Json) -> Json:
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def _message_item(message_id: str, *, text: str | None = None, phase: str | None = None) -> Json:
    content = [] if text is None else [{"type": "output_text", "text": text}]
    item: Json = {"type": "message", "role": "assistant", "id": message_id, "content": content}
    return item if phase is None else {**item, "phase": phase}


def _text_delta(message_id: str, piece: str) -> Json:
    return {
        "type": "response.output_text.delta",
        "item_id": message_id,
        "output_index": 0,
        "content_index": 0,
        "delta": piece,
    }
