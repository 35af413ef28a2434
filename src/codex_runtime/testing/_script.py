"""A script: which step answers which model request, and what was asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._json import Json, member, objects, text_of
from codex_runtime.testing._step_checks import check_steps
from codex_runtime.testing._step_types import Fail, Respond, Step, describe

__all__ = ["ModelCall", "Script", "UnconsumedSteps", "UnexpectedModelCall"]

_SHOWN = 120
"""Characters of a prompt that an error text quotes; all of it is in the error's `call`."""

_LISTED = 10
"""Steps that an error text lists; all of them are in its `steps`."""

_CONTEXT_MARKS = (
    "<environment_context>",
    "<external_",
    "<turn_aborted>",
    "<user_instructions>",
    "<skill>",
    "# AGENTS.md",
)
"""How the messages begin that codex writes in the user's name. They are not prompts."""


@dataclass(frozen=True)
class ModelCall:
    """One request to the model, as codex sent it.

    Attributes:
        number: 1 for the first call that this script got.
        raw: The whole body.
        headers: The HTTP headers, names in lower case. Empty with the fake app-server.
    """

    number: int
    raw: Json
    headers: Mapping[str, str]

    @property
    def kind(self) -> str:
        """What codex asks for: `"turn"`, or another word for a request of its own, say a summary."""
        metadata = member(self.raw.get("client_metadata")).get("x-codex-turn-metadata")
        try:
            told = member(json.loads(metadata)) if isinstance(metadata, str) else {}
        except ValueError:
            told = {}
        return str(told.get("request_kind", "turn"))

    @property
    def model(self) -> str:
        """The model that was asked."""
        return str(self.raw.get("model", ""))

    @property
    def input(self) -> list[Json]:
        """The items of the conversation so far, oldest first."""
        return objects(self.raw.get("input"))

    @cached_property
    def user_texts(self) -> tuple[str, ...]:
        """The prompts of the conversation, oldest first; what codex adds itself is left out."""
        texts = (text_of(item.get("content")) for item in self.input if item.get("role") == "user")
        return tuple(text for text in texts if not text.startswith(_CONTEXT_MARKS))

    @property
    def user_text(self) -> str:
        """The last prompt; empty if there is none."""
        return self.user_texts[-1] if self.user_texts else ""

    @property
    def instructions(self) -> str:
        """The base instructions: a member of their own, or the first developer message."""
        own = self.raw.get("instructions")
        if isinstance(own, str) and own:
            return own
        return next(
            (
                text_of(item.get("content"))
                for item in self.input
                if item.get("role") == "developer"
            ),
            "",
        )

    @cached_property
    def tool_definitions(self) -> dict[str, Json]:
        """The tools that are offered, by name; one without a name goes by its type."""
        return {
            str(tool.get("name") or tool.get("type")): tool
            for tool in objects(self.raw.get("tools"))
        }

    @property
    def tools(self) -> frozenset[str]:
        """The names of the tools that are offered."""
        return frozenset(self.tool_definitions)

    @cached_property
    def tool_outputs(self) -> dict[str, str]:
        """What codex reports of earlier calls: the text by call id, oldest first."""
        return {
            str(item.get("call_id")): _output_text(item.get("output"))
            for item in self.input
            if str(item.get("type", "")).endswith("_output")
        }

    @property
    def last_tool_output(self) -> str:
        """The newest report of a call; empty if there is none."""
        return list(self.tool_outputs.values())[-1] if self.tool_outputs else ""


class UnexpectedModelCall(AssertionError):
    """Codex asked the model more often than the script has answers.

    Attributes:
        call: What it asked.
        last_step: The step before, or None.
        route: The text given to `on()` whose steps ran out, or None for the main script.
    """

    __module__ = "codex_runtime.testing"

    def __init__(self, call: ModelCall, last_step: Step | None, route: str | None) -> None:
        self.call = call
        self.last_step = last_step
        self.route = route
        super().__init__(_unexpected(call, last_step, route))


class UnconsumedSteps(AssertionError):
    """Steps of the script were never asked for.

    Attributes:
        steps: Those steps, in order.
        calls: How many calls there were.
    """

    __module__ = "codex_runtime.testing"

    def __init__(self, steps: tuple[Step, ...], calls: int) -> None:
        self.steps = steps
        self.calls = calls
        listed = "".join(f"\n  {describe(step)}" for step in steps[:_LISTED])
        more = f"\n  … and {len(steps) - _LISTED} more" if len(steps) > _LISTED else ""
        super().__init__(
            f"{len(steps)} scripted step{'' if len(steps) == 1 else 's'} never used "
            f"(the model was called {_times(calls)}):{listed}{more}"
        )


class Script:
    """Steps in the order they are to be used, one queue for all and one per route.

    Any thread may call any method.
    """

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._lock = threading.Lock()
        self._main: deque[Step] = deque(check_steps("steps", tuple(steps)))
        self._routes: dict[str, deque[Step]] = {}
        self._last: dict[str | None, Step] = {}
        self._calls: list[ModelCall] = []
        self._errors: list[BaseException] = []

    def enqueue(self, steps: Iterable[Step]) -> None:
        """Add steps at the end of the main queue.

        Raises:
            InvalidArgument: One is no step; none is added then.
        """
        checked = check_steps("steps", tuple(steps))
        with self._lock:
            self._main.extend(checked)

    def on(self, text: str, steps: Iterable[Step]) -> None:
        """Add steps for the conversations whose prompt holds `text`.

        Raises:
            InvalidArgument: `text` is empty or one of `steps` is no step.
        """
        if not text:
            raise InvalidArgument("text", "must not be empty", "it would match every prompt")
        checked = check_steps("steps", tuple(steps))
        with self._lock:
            self._routes.setdefault(text, deque()).extend(checked)

    def call(self, raw: Json, headers: Mapping[str, str]) -> ModelCall:
        """Record a request and return it as a call."""
        with self._lock:
            call = ModelCall(len(self._calls) + 1, raw, headers)
            self._calls.append(call)
            return call

    def answer(self, call: ModelCall) -> Step:
        """Take the step that answers `call`; never a `Respond`.

        Never raises: what goes wrong is recorded for `check()`, and the answer is then a
        failure that ends the turn at once.
        """
        with self._lock:
            route = self._route(call)
            step = self._take(route)
            if step is None:
                return self._refused(UnexpectedModelCall(call, self._last.get(route), route))
            self._last[route] = step
        if not isinstance(step, Respond):
            return step
        return self._responded(step, call, route)

    def note(self, error: BaseException) -> None:
        """Record a failure that `check()` will raise."""
        with self._lock:
            self._errors.append(error)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far."""
        with self._lock:
            return tuple(self._calls)

    @property
    def remaining(self) -> tuple[Step, ...]:
        """The steps that were not used yet: the main queue, then the routes."""
        with self._lock:
            queues = (self._main, *self._routes.values())
            return tuple(step for queue in queues for step in queue if not _endless(step))

    def check(self) -> None:
        """Raise what went wrong first, or else say what is left over.

        Raises:
            UnexpectedModelCall: The script ran out.
            GateTimeout: A gate was never opened.
            Exception: Whatever a `respond()` callable raised.
            UnconsumedSteps: Steps were never used.
        """
        with self._lock:
            errors, calls = list(self._errors), len(self._calls)
        if errors:
            raise errors[0]
        if left := self.remaining:
            raise UnconsumedSteps(left, calls)

    def _route(self, call: ModelCall) -> str | None:
        # The newest prompt that any route knows decides: a steered turn stays with its
        # thread. Of several routes the longest text does, as it says most.
        for text in reversed(call.user_texts):
            if found := [route for route in self._routes if route in text]:
                return max(found, key=len)
        return None

    def _take(self, route: str | None) -> Step | None:
        queue = self._main if route is None else self._routes[route]
        if not queue:
            return None
        step = queue.popleft()
        if isinstance(step, Respond) and step.times != 1:
            again = None if step.times is None else step.times - 1
            queue.appendleft(replace(step, times=again))
        return step

    def _responded(self, step: Respond, call: ModelCall, route: str | None) -> Step:
        try:
            steps = _answers(step.answer(call))
        except Exception as error:  # noqa: BLE001 — a boundary with the test's own code
            with self._lock:
                return self._refused(error)
        with self._lock:
            queue = self._main if route is None else self._routes[route]
            queue.extendleft(reversed(steps[1:]))
            self._last[route] = steps[0]
        return steps[0]

    def _refused(self, error: Exception) -> Fail:
        self._errors.append(error)
        # HTTP 400 is the one failure that codex neither retries nor rewords.
        kind = type(error).__name__
        return Fail(status=400, code=kind, message=f"{kind}: {error}", plain=True)


def _endless(step: Step) -> bool:
    return isinstance(step, Respond) and step.times is None


def _answers(made: Step | Sequence[Step]) -> tuple[Step, ...]:
    steps = check_steps("respond()", made if isinstance(made, Sequence) else (made,))
    if not steps or any(isinstance(step, Respond) for step in steps):
        raise InvalidArgument("respond()", "must return one step or more, none of them respond()")
    return steps


def _output_text(output: object) -> str:
    if isinstance(output, dict):
        return str(member(cast("object", output)).get("content", ""))
    return text_of(output, between="\n")


def _unexpected(call: ModelCall, last_step: Step | None, route: str | None) -> str:
    script = "the script" if route is None else f"the script of on({route!r})"
    before = "it is empty" if last_step is None else f"its last was {describe(last_step)}"
    call_it = "enqueue(" if route is None else f"on({route!r}, "
    reported = (
        " This call reports the result of a tool call: every one needs a step after it."
        if call.tool_outputs
        else ""
    )
    return (
        f"{script} has no step for model call {call.number} ({before}); the prompt was "
        f'{_cut(call.user_text)!r}.{reported} Add one: model.{call_it}assistant_message("done"))'
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
