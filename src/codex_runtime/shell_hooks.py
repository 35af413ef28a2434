"""Hooks that are commands of a shell.

The command gets the context as JSON on its stdin and answers by its exit status and its stdout:

| exit status | stdout | outcome |
|---|---|---|
| 0 | nothing, `{}`, `{"action": "noop"}` | nothing |
| 0 | `{"action": "mutate", "prompt": …, "model": …, "attachments": […], "metadata": {…}}` | a change |
| 0 | `{"action": "block", "message": …}` | blocked |
| 2 | the reason: `{"message": …}`, or text | blocked |
| 0 | anything else | an issue |
| another | | an issue |

The context has these members, null where there is nothing to say: `version` (`"1.1"`, that of
`HOOK_CONTRACT_VERSION`), `phase`, `correlation_id`, `at` (seconds since 1970), `thread_id`,
`turn_id`, `turn_kind`, `cwd`, `model`, `prompt`, `attachments`, `metadata`, `status`, `result`
(`status`, `text`, `diff`, `duration`), `error` (`type`, `message`), `item_id`, `tool_name`,
`tool_input`.

`tool_input` is at `pre_tool_use` what codex asks: `method`, `params` under the protocol's names, of a
command also `command`, `argv`, `cwd` and `is_input`, of a change of files also `paths`, `diff` and
`inside_workspace`. At `post_tool_use` it is the completed item, in the protocol's form. Where it would
have more than 256 KiB of JSON, its texts are cut, and it has the member `truncated` (true).

Attachments have the form of the protocol, say `{"type": "localImage", "path": "shot.png"}`; a path
to point at is `{"type": "attachment", "path": "notes.md"}`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Final, cast

import msgspec

from codex_runtime._arguments import absolute_cwd
from codex_runtime._environment import child_environment
from codex_runtime._hook_calls import in_words
from codex_runtime._hook_input import items_of, text_of
from codex_runtime._hook_process import MAX_ANSWER, Finished, run_shell
from codex_runtime._redaction import Redactor, secrets_of
from codex_runtime.errors import InvalidArgument
from codex_runtime.hooks import (
    HOOK_CONTRACT_VERSION,
    Block,
    Hook,
    HookAction,
    HookContext,
    HookMatcher,
    HookPhase,
    Mutate,
)
from codex_runtime.inputs import Attachment, InputItem

__all__ = ["ShellHook"]

_BLOCKED: Final = 2
"""The exit status that blocks."""

_SHOWN: Final = 800
"""Characters of stderr, the last ones, that reports quote."""

_NO_MESSAGE: Final = "blocked by hook (no message)"

_CHANGES: Final = frozenset({"action", "prompt", "model", "attachments", "metadata"})
"""The members that a change may have."""


class ShellHook(Hook):
    """A command of a shell as a hook; see the top of this module for what it is told and answers.

    It runs as `sh -c command` in a process group of its own, which is killed when the command
    has ended, when its time is up, and when the caller is cancelled: what it leaves running goes
    with it. It sees the variables that codex gets to see (PATH, HOME, locale, …), and `env`.

    Not on Windows.
    """

    def __init__(  # noqa: PLR0913 — public option list, keyword-only
        self,
        name: str,
        command: str,
        phases: HookPhase | Iterable[HookPhase],
        *,
        matcher: HookMatcher | None = None,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        gate: bool = False,
    ) -> None:
        """Check it. Nothing is started yet.

        Args:
            name: What reports call it.
            command: For the shell.
            phases: Where it runs.
            matcher: For which calls; None for all.
            timeout: Seconds that it may take each time; by default 5.
            env: Variables to set besides.
            cwd: Its working directory; by default that of this process.
            gate: Whatever goes wrong with it in a pre phase blocks.

        Raises:
            InvalidArgument: An argument cannot be used.
            WorkingDirectoryMissing: `cwd` is no folder.
        """
        super().__init__(name, self._run, phases, matcher=matcher, timeout=timeout, gate=gate)
        if not isinstance(command, str) or not command.strip() or "\0" in command:  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
            raise InvalidArgument("command", "is no command", "give the shell something to do")
        child_environment(extra=env)
        self._command = command
        self._env = dict(env or {})
        self._cwd = absolute_cwd(cwd, remote=False)

    async def _run(self, context: HookContext) -> HookAction:
        environment = child_environment(extra=self._env)
        question = json.dumps(_told(context)).encode()
        done = await run_shell(self._command, question, env=environment, cwd=self._cwd)
        if done.status == 0:
            return _answer(done)
        redact = Redactor(secrets_of(environment))
        words = redact(done.last_words.decode(errors="replace"))[-_SHOWN:].strip()
        if done.status == _BLOCKED:
            return Block(_reason(done.answer) or words or _NO_MESSAGE)
        raise _ShellHookFailed(f"{done.end}; its last words were: {words}" if words else done.end)


class _ShellHookFailed(Exception):
    """The command did not answer as hooks do."""


def _told(context: HookContext) -> dict[str, Any]:
    items = items_of(context.input) if context.input is not None else ()
    return {
        "version": ".".join(map(str, HOOK_CONTRACT_VERSION)),
        "phase": context.phase,
        "correlation_id": context.correlation_id,
        "at": context.at,
        "thread_id": context.thread_id,
        "turn_id": context.turn_id,
        "turn_kind": context.turn_kind,
        "cwd": context.cwd,
        "model": context.model,
        "prompt": context.prompt,
        "attachments": [_plain(item) for item in items if text_of(item) is None],
        "metadata": dict(context.metadata),
        "status": context.status,
        "result": context.result
        and {
            name: getattr(context.result, name) for name in ("status", "text", "diff", "duration")
        },
        "error": context.error
        and {"type": type(context.error).__name__, "message": in_words(context.error)},
        "item_id": context.item_id,
        "tool_name": context.tool_name,
        "tool_input": _plain_use(context.tool_input),
    }


def _plain_use(tool_input: Any) -> Any:
    if tool_input is None:
        return None
    from codex_runtime._tool_plain import plain_input  # noqa: PLC0415 — 30 ms that few hooks need

    return plain_input(tool_input)


def _plain(item: Any) -> Any:
    if is_dataclass(item) and not isinstance(item, type):
        members: dict[str, Any] = asdict(cast("Any", item))
        if "path" in members:
            members["path"] = os.fsdecode(members["path"])
        return {"type": _OURS[type(item).__name__], **members}
    return msgspec.to_builtins(item)


_OURS: Final = {"Attachment": "attachment", "ExternalMessage": "externalMessage"}
"""Input items that the protocol does not have, and what they are called beside those it has."""


def _answer(done: Finished) -> HookAction:
    if not done.complete:
        raise _ShellHookFailed(f"wrote more than {MAX_ANSWER:,} bytes to stdout")
    if not done.answer.strip():
        return None
    said = _parsed(done.answer)
    if not isinstance(said, dict):
        raise _ShellHookFailed("wrote something to stdout that is no JSON object")
    answer: dict[str, Any] = {**said}
    action = str(answer.get("action", "" if answer else "noop")).lower()
    match action:
        case "noop":
            return None
        case "block":
            return Block(_message(answer) or _NO_MESSAGE)
        case "mutate":
            return _change(answer)
        case _:
            raise _ShellHookFailed("its answer names no action; there are noop, mutate, block")


def _change(answer: dict[str, Any]) -> Mutate:
    strange = sorted(answer.keys() - _CHANGES)
    if strange:
        raise _ShellHookFailed(
            f"its change has the member {strange[0]!r}; there are: {', '.join(sorted(_CHANGES))}"
        )
    items: Any = answer.get("attachments") or []
    if items.__class__ is not list:
        raise _ShellHookFailed("the attachments of its change are no list")
    return Mutate(
        prompt=answer.get("prompt"),
        model=answer.get("model"),
        attachments=tuple(map(_item, items)),
        metadata=answer.get("metadata"),
    )


def _item(form: Any) -> InputItem:
    from codex_runtime.protocol import types  # noqa: PLC0415 — 30 ms that few hooks need

    members: Any = form
    try:
        if isinstance(form, dict) and members.get("type") == "attachment":
            return Attachment(**{name: members[name] for name in members if name != "type"})
        item: InputItem = msgspec.convert(members, types.UserInput)
    except (TypeError, msgspec.ValidationError) as error:
        raise _ShellHookFailed(f"an attachment of its change: {error}") from None
    return item


def _reason(answer: bytes) -> str:
    said = _parsed(answer)
    message = _message(said) if isinstance(said, dict) else ""
    return message or answer.decode(errors="replace").strip()


def _message(answer: Any) -> str:
    message = answer.get("message")
    return message.strip() if isinstance(message, str) else ""


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None
