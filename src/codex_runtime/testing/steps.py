"""What a scripted model says: immutable steps, each the answer to one request of codex.

The same steps drive `ScriptedModel`, in front of the real binary, and `FakeAppServer`, in
its place. One step is one model response. A step that calls a tool (`shell`, `apply_patch`,
`tool_call`, `mcp_call`) is followed by another request, in which codex reports what came of it, so a
script goes on after it; a step that only speaks ends the turn.

Every function here checks its arguments and raises `InvalidArgument`, a ValueError, that names
the bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._checks import (
    check_count,
    check_json,
    check_number,
    check_one_of,
    check_text,
    check_texts,
)
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._patches import read_patch
from codex_runtime.testing._step_checks import (
    as_objects,
    check_beginning,
    check_flag,
    check_gate,
    check_headers,
    check_usage,
    cut_text,
    named,
)
from codex_runtime.testing._step_types import (
    OUTPUTS,
    ApplyPatch,
    AssistantMessage,
    CutStream,
    Fail,
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

if TYPE_CHECKING:
    from codex_runtime.testing._script import ModelCall

__all__ = [
    "ApplyPatch",
    "AssistantMessage",
    "CutStream",
    "Fail",
    "Output",
    "Reasoning",
    "Respond",
    "Shell",
    "Stall",
    "Step",
    "Together",
    "ToolCall",
    "Usage",
    "apply_patch",
    "assistant_message",
    "cut_stream",
    "fail",
    "reasoning",
    "respond",
    "shell",
    "stall",
    "together",
    "tool_call",
]

PHASES = ("commentary", "final_answer")
"""What a message can be, for `assistant_message(phase=)`: the protocol's own two words."""

LONGEST_TIMEOUT_MS = 3_600_000
"""Milliseconds, one hour: a longer timeout in a script is a mistake of unit."""


def assistant_message(
    text: str,
    *,
    chunks: Sequence[str] | int | None = None,
    delay: float = 0.0,
    phase: str | None = None,
    usage: Usage | None = None,
    gate: Gate | None = None,
) -> AssistantMessage:
    """Say something.

    Args:
        text: The whole message, as it stands when complete.
        chunks: The pieces it is streamed in: a list, a number of about equal pieces, or
            None for word by word. A list need not add up to `text`: the completed message
            overrules its pieces.
        delay: Seconds of silence before each piece.
        phase: `"commentary"`, `"final_answer"`, or None as in most models.
        usage: Tokens the response reports.
        gate: Waited for when all pieces are out and the message is not complete yet.

    Raises:
        InvalidArgument: An argument cannot be used; the text names it.
    """
    check_text("text", text)
    return AssistantMessage(
        text=text,
        chunks=cut_text(text, chunks),
        delay=check_number("delay", delay),
        phase=None if phase is None else check_one_of("phase", phase, PHASES),
        usage=check_usage(usage),
        gate=check_gate(gate),
    )


def reasoning(
    *summary: str,
    content: Sequence[str] = (),
    delay: float = 0.0,
    usage: Usage | None = None,
    gate: Gate | None = None,
) -> Reasoning:
    """Think aloud. Alone in a response it ends the turn, as a message does.

    Args:
        summary: The parts of the summary, each streamed word by word.
        content: Raw reasoning; codex streams it and shows it only when configured to.
        delay: Seconds of silence before each piece.
        usage: Tokens the response reports.
        gate: Waited for before the item is complete.

    Raises:
        InvalidArgument: An argument cannot be used, or there is neither summary nor content.
    """
    parts = check_texts("summary", summary)
    raw = check_texts("content", content)
    if not parts and not raw:
        raise InvalidArgument("summary", "must hold at least one part when there is no content")
    return Reasoning(
        summary=parts,
        content=raw,
        delay=check_number("delay", delay),
        usage=check_usage(usage),
        gate=check_gate(gate),
    )


def shell(  # noqa: PLR0913 — the options of one command, all by keyword
    cmd: str,
    *,
    escalate: bool = False,
    justification: str | None = None,
    workdir: str | None = None,
    timeout_ms: int | None = None,
    output: str = "",
    exit_code: int = 0,
    usage: Usage | None = None,
    gate: Gate | None = None,
) -> Shell:
    """Run a command.

    Args:
        cmd: The command, for the user's shell.
        escalate: Ask to run it outside the sandbox. Under `on-request` the client gets an
            approval request, under `never` codex refuses.
        justification: The reason in that approval request.
        workdir: Where to run it; None for the turn's working directory.
        timeout_ms: Milliseconds that codex waits for it. With the `exec_command` tool, which
            current models get, a command still running then goes on in the background.
        output: What it prints. Only the fake app-server uses it: the real one runs the command.
        exit_code: Its exit code. Only the fake app-server uses it.
        usage: Tokens the response reports.
        gate: Waited for before the call is made. The fake app-server waits while the
            command runs instead, so that a test can see a running command.

    Raises:
        InvalidArgument: An argument cannot be used; the text names it.
    """
    return Shell(
        cmd=check_text("cmd", cmd, empty=False),
        escalate=check_flag("escalate", escalate),
        justification=None if justification is None else check_text("justification", justification),
        workdir=None if workdir is None else check_text("workdir", workdir, empty=False),
        timeout_ms=None
        if timeout_ms is None
        else check_count("timeout_ms", timeout_ms, smallest=1, largest=LONGEST_TIMEOUT_MS),
        output=check_text("output", output),
        exit_code=check_count("exit_code", exit_code, smallest=-255, largest=255),
        usage=check_usage(usage),
        gate=check_gate(gate),
    )


def apply_patch(patch: str, *, usage: Usage | None = None, gate: Gate | None = None) -> ApplyPatch:
    """Change files.

    Args:
        patch: The text of the patch; `patch_text(add_file(…), update_file(…))` writes it.
        usage: Tokens the response reports.
        gate: Waited for before the call is made.

    Raises:
        InvalidArgument: `patch` is not one. Whether it fits the files is not known here; codex
            tells the model when it does not.
    """
    read_patch(check_text("patch", patch, empty=False))
    return ApplyPatch(patch=patch, usage=check_usage(usage), gate=check_gate(gate))


def tool_call(
    name: str,
    arguments: Mapping[str, object] | str,
    namespace: str | None = None,
    *,
    usage: Usage | None = None,
    gate: Gate | None = None,
) -> ToolCall:
    """Call a tool by its name: a dynamic tool, an MCP tool, or one of codex's own.

    Args:
        name: The tool.
        arguments: A mapping, or text sent as it is, which need not be JSON. A tool of the
            freeform kind gets the text itself.
        namespace: The namespace it lives in.
        usage: Tokens the response reports.
        gate: Waited for before the call is made.

    Raises:
        InvalidArgument: An argument cannot be used; the text names it.
    """
    return ToolCall(
        name=check_text("name", name, empty=False),
        arguments=check_text("arguments", arguments)
        if isinstance(arguments, str)
        else check_json("arguments", arguments),
        namespace=None if namespace is None else check_text("namespace", namespace, empty=False),
        usage=check_usage(usage),
        gate=check_gate(gate),
    )


def together(*outputs: Output, usage: Usage | None = None) -> Together:
    """Put several outputs in one response: parallel calls, or a message and a call.

    Args:
        outputs: What the response holds, in order.
        usage: Tokens the response reports. None: those of the last output that has some.

    Raises:
        InvalidArgument: There are no outputs, or one is no output: `fail`, `stall`, `cut_stream`
            and `respond` are whole responses.
    """
    for place, output in enumerate(as_objects("outputs", outputs)):
        if not isinstance(output, OUTPUTS):
            raise InvalidArgument(f"outputs[{place}]", f"cannot share a response: {named(output)}")
    if not outputs:
        raise InvalidArgument("outputs", "must hold at least one output")
    return Together(outputs=outputs, usage=check_usage(usage))


def fail(
    *,
    status: int | None = None,
    code: str | None = None,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, object] | None = None,
) -> Fail:
    """Fail, as the provider of a model can.

    Args:
        status: Answer with this HTTP status, 400 to 599, instead of a stream.
        code: The code of the error. Without `status` the stream starts and then reports it
            (`response.failed`); `"max_output_tokens"` and `"content_filter"` come as
            `response.incomplete`. With `status` it is the error's `type` and `code`.
        message: The text of the error.
        headers: Headers of the HTTP answer, say `{"retry-after": "3"}`.
        details: More members for the error object, say `{"resets_at": 1700000000}`.

    Raises:
        InvalidArgument: Neither `status` nor `code` is given, or an argument cannot be used.
    """
    if status is None and code is None:
        raise InvalidArgument("status", "or code must be given")
    if status is not None:
        check_count("status", status, smallest=400, largest=599)
    if code is not None:
        check_text("code", code, empty=False)
    return Fail(
        status=status,
        code=code,
        message=f"scripted failure: {code or status}"
        if message is None
        else check_text("message", message),
        headers=check_headers({} if headers is None else headers),
        details=check_json("details", {} if details is None else details),
    )


def stall(after: int | str | Output | Sequence[Output] = 0) -> Stall:
    """Say nothing more until the client goes away or the model is closed.

    Args:
        after: What is said first. A number of words; a text, left as an unfinished message;
            or outputs, which are completed. 0: the HTTP answer starts and stays empty.

    Raises:
        InvalidArgument: `after` cannot be used.
    """
    outputs, partial = check_beginning(after)
    return Stall(after=outputs, partial=partial)


def cut_stream(after: int | str | Output | Sequence[Output] = 0) -> CutStream:
    """Break the connection in the middle of a response.

    Args:
        after: What is said first, as for `stall`.

    Raises:
        InvalidArgument: `after` cannot be used.
    """
    outputs, partial = check_beginning(after)
    return CutStream(after=outputs, partial=partial)


def respond(
    answer: Callable[[ModelCall], Step | Sequence[Step]], *, times: int | None = 1
) -> Respond:
    """Decide the step when codex asks.

    Args:
        answer: Gets the call, returns a step; or several, of which the first answers this
            call and the others stay at the head of the script. With `ScriptedModel` it runs
            in a thread of the model's, with `FakeAppServer` in the event loop, and must not
            block there. An exception in it fails the turn and comes out of
            `assert_complete()`.
        times: How many calls it answers. None: every one from here on, and the script counts
            as complete with it.

    Raises:
        InvalidArgument: `answer` cannot be called, or `times` is not a number over 0.
    """
    if not callable(answer):
        raise InvalidArgument("answer", f"must be callable, not {type(answer).__name__}")
    if times is not None:
        check_count("times", times, smallest=1)
    return Respond(answer=answer, times=times)
