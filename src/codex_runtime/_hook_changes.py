"""What hooks may change, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from codex_runtime._hook_input import items_of, text_of
from codex_runtime._hook_report import HookPhase, TurnKind
from codex_runtime._outgoing import encode
from codex_runtime.errors import InvalidArgument
from codex_runtime.hooks import Mutate
from codex_runtime.inputs import check_input, prepared_input

if TYPE_CHECKING:
    from codex_runtime.inputs import TurnInput

__all__ = ["RIGHTS", "Change", "Subject", "plain"]

RIGHTS: Final[dict[HookPhase, frozenset[str]]] = {
    "pre_run": frozenset({"prompt", "model", "attachments", "metadata"}),
    "pre_session_start": frozenset({"model", "metadata"}),
    "pre_turn": frozenset({"prompt", "model", "attachments", "metadata"}),
    "post_run": frozenset(),
    "post_session_start": frozenset(),
    "post_turn": frozenset(),
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
        model_changed: Whether a hook chose the model.
        model_fixed: Why no hook may choose it; empty if one may.
    """

    thread_id: str | None = None
    turn_id: str | None = None
    cwd: str | None = None
    model: str | None = None
    input: TurnInput | None = None
    kind: TurnKind | None = None
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
        if wanted.attachments != () and self._may("attachments"):
            await self._attach(wanted.attachments)

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
            self.metadata = {**self.metadata, **plain(given)}
        except (TypeError, ValueError, RecursionError) as error:
            # Not what the values are: only of which type one is, or that it goes round.
            return f"metadata has no form in JSON: {error}"
        return ""

    async def _attach(self, attachments: Any) -> None:
        given: Any = attachments
        if isinstance(attachments, str) or not isinstance(attachments, Iterable):
            self.problems.append(_NO_ATTACHMENT.format("attachments", type(given).__name__))
            return
        for index, item in enumerate(given):
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


def plain(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    """A copy of what has a form in JSON, which shares nothing with it.

    Raises:
        TypeError: A value or a key has no such form.
        ValueError: A number has none, or a list or mapping holds itself.
        RecursionError: It is nested too deep.
    """
    for key in metadata:
        if not isinstance(key, str):
            raise TypeError(f"a key is of type {type(key).__name__}")
    copied: dict[str, Any] = json.loads(json.dumps(dict(metadata), allow_nan=False))
    return copied
