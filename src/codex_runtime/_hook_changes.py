"""What hooks may change, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from codex_runtime._hook_input import items_of, text_of
from codex_runtime._hook_report import HookPhase, TurnKind
from codex_runtime._outgoing import encode
from codex_runtime._prepared_input import check_input, prepared_input
from codex_runtime.errors import InvalidArgument
from codex_runtime.hooks import Mutate

if TYPE_CHECKING:
    from codex_runtime.inputs import TurnInput

__all__ = ["MAX_METADATA", "RIGHTS", "Change", "Subject", "copy_of"]

MAX_METADATA: Final = 65_536
"""Bytes of JSON that the notes of one run may have: each hook is given a copy, in the event loop."""

RIGHTS: Final[dict[HookPhase, frozenset[str]]] = {
    "pre_run": frozenset({"prompt", "model", "attachments", "metadata"}),
    "pre_session_start": frozenset({"model", "metadata"}),
    "pre_turn": frozenset({"prompt", "model", "attachments", "metadata"}),
    "post_run": frozenset(),
    "post_session_start": frozenset(),
    "post_turn": frozenset(),
    "pre_tool_use": frozenset({"metadata"}),
    "post_tool_use": frozenset(),
}
"""What a `Mutate` may hold in each phase; less where a turn is none of the caller's input."""


@dataclass(frozen=True)
class Subject:
    """What a phase is about, as hooks see it and may change it.

    Attributes:
        thread_id: The thread, where there is one yet.
        turn_id: The turn, where there is one yet.
        cwd: The working directory, as far as it is known.
        model: The model, as far as it is known.
        input: What the turn is told; None where there is no turn in sight, or it is told nothing.
        kind: What kind of turn it is; None where there is no turn in sight.
        item_id: The item, around the use of a tool.
        tool_name: The tool, likewise; None where it is not known too.
        tool_input: What is asked, or was done, likewise.
        model_changed: Whether a hook chose the model.
        model_fixed: Why no hook may choose it; empty if one may.
    """

    thread_id: str | None = None
    turn_id: str | None = None
    cwd: str | None = None
    model: str | None = None
    input: TurnInput | None = None
    kind: TurnKind | None = None
    item_id: str | None = None
    tool_name: str | None = None
    tool_input: Any = None
    model_changed: bool = False
    model_fixed: str = ""


class Change:
    """Makes the changes that a hook wants, as far as they can be made.

    Attributes:
        subject: What the phase is about, changed.
        metadata: The notes of the run, changed.
        problems: What could not be done, in words.
        done: Whether anything was.
    """

    def __init__(
        self, phase: HookPhase, subject: Subject, metadata: dict[str, Any], *, remote: bool
    ) -> None:
        self._phase: HookPhase = phase
        self._remote = remote
        self._before = subject, metadata
        self.subject = subject
        self.metadata = metadata
        self.problems: list[str] = []
        self.done = False

    async def make(self, wanted: Mutate) -> None:
        """Make what is allowed of `wanted`."""
        for part, set_it in (
            ("prompt", self._set_prompt),
            ("model", self._set_model),
            ("metadata", self._merge_metadata),
        ):
            value = getattr(wanted, part)
            if value is not None and self._may(part):
                problem = set_it(value)
                self._note(problem)
        await self._attach(wanted.attachments)

    def undo(self) -> None:
        """Leave everything as it was."""
        self.subject, self.metadata = self._before

    def _may(self, part: str) -> bool:
        kind = self.subject.kind
        if part not in RIGHTS[self._phase]:
            self.problems.append(f"{part} cannot be changed at {self._phase}")
        elif kind not in (None, "turn") and part != "metadata":
            self.problems.append(f"{part} cannot be changed at {self._phase} of a {kind}")
        else:
            return True
        return False

    def _note(self, problem: str) -> None:
        if problem:
            self.problems.append(problem)
        else:
            self.done = True

    def _set_prompt(self, prompt: Any) -> str:
        if not isinstance(prompt, str) or not prompt.strip():
            return f"prompt {_what_is_wrong(prompt)}"
        rest = [item for item in items_of(self.subject.input or ()) if text_of(item) is None]
        changed: TurnInput = [prompt, *rest] if rest else prompt
        try:
            encode(prompt, "prompt")
            check_input(changed)
        except InvalidArgument as error:
            return str(error)
        self.subject = replace(self.subject, input=changed)
        return ""

    def _set_model(self, model: Any) -> str:
        if not isinstance(model, str) or not model.strip():
            return f"model {_what_is_wrong(model)}"
        if self.subject.model_fixed:
            return f"model {self.subject.model_fixed}"
        self.subject = replace(self.subject, model=model, model_changed=True)
        return ""

    def _merge_metadata(self, metadata: Any) -> str:
        given: Any = metadata
        if not isinstance(metadata, Mapping):
            return f"metadata is of type {type(given).__name__}; use a mapping"
        try:
            self.metadata = _merged(self.metadata, given)
        except _TooMuch:
            return f"metadata has more than {MAX_METADATA:,} bytes of JSON in all"
        except (TypeError, ValueError, RecursionError) as error:
            # Not what the values are: only of which type one is, or that it goes round.
            return f"metadata has no form in JSON: {error}"
        return ""

    async def _attach(self, attachments: Any) -> None:
        given: Any = attachments
        # Another iterable may never end, or block.
        if type(given) not in (list, tuple):
            self.problems.append(
                f"attachments is of type {type(given).__name__}; use a list or tuple of input items"
            )
            return
        if not given or not self._may("attachments"):
            return
        for index, item in enumerate(tuple(given)):
            field = f"attachments[{index}]"
            if isinstance(item, str):
                self.problems.append(_NO_ATTACHMENT.format(field, "str"))
                continue
            try:
                await prepared_input([item], cwd=self.subject.cwd, remote=self._remote)
                changed: TurnInput = [*items_of(self.subject.input or ()), item]
                check_input(changed)
            except InvalidArgument as error:
                self.problems.append(f"{field} is left out: {error}")
            else:
                self.subject = replace(self.subject, input=changed)
                self.done = True


_NO_ATTACHMENT: Final = "{} is of type {}; use input items, say Attachment(path)"


def _what_is_wrong(text: Any) -> str:
    return "is blank" if isinstance(text, str) else f"is of type {type(text).__name__}; use text"


class _TooMuch(Exception):
    """There is more metadata than may be."""


def _merged(metadata: dict[str, Any], given: Mapping[Any, Any]) -> dict[str, Any]:
    """Notes and further ones, as a copy that shares nothing with either.

    Raises:
        TypeError: A value or a key has no form in JSON.
        ValueError: A number has none, or a list or mapping holds itself.
        RecursionError: It is nested too deep.
        _TooMuch: It is too long. Not more than that is looked at.
    """
    further = {key: given[key] for key in islice(given, MAX_METADATA)}
    for key in further:
        if not isinstance(key, str):
            raise TypeError(f"a key is of type {type(key).__name__}")
    pieces: list[str] = []
    size = 0
    for piece in json.JSONEncoder(allow_nan=False).iterencode({**metadata, **further}):
        size += len(piece)
        if size > MAX_METADATA:
            raise _TooMuch
        pieces.append(piece)
    merged: dict[str, Any] = json.loads("".join(pieces))
    return merged


def copy_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """A copy of notes, which shares nothing with them."""
    copied: dict[str, Any] = json.loads(json.dumps(metadata))
    return copied
