"""What everything that plays a script has in common."""

from __future__ import annotations

from collections.abc import Iterable

from codex_runtime.testing._gates import GATE_SECONDS, Gate
from codex_runtime.testing._script import ModelCall, Script
from codex_runtime.testing._step_types import Step

__all__ = ["Scripted"]


class Scripted:
    """The script of a model, and what was asked of it. Any thread may call any method."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._script = Script(steps)

    def enqueue(self, *steps: Step) -> None:
        """Add steps at the end of the script.

        Raises:
            InvalidArgument: One is no step; none is added then.
        """
        self._script.enqueue(steps)

    def extend(self, steps: Iterable[Step]) -> None:
        """Add steps at the end of the script.

        Raises:
            InvalidArgument: One is no step; none is added then.
        """
        self._script.enqueue(steps)

    def on(self, text: str, *steps: Step) -> None:
        """Add steps that only answer conversations with `text` in a prompt.

        Such a conversation gets no other steps. The newest prompt that holds a known text
        decides; of several texts in one prompt, the longest.

        Raises:
            InvalidArgument: `text` is empty or one of `steps` is no step.
        """
        self._script.on(text, steps)

    def gate(self, *, seconds: float = GATE_SECONDS) -> Gate:
        """Return a new gate, for the `gate=` of a step.

        Args:
            seconds: Longest wait of a step at the gate.
        """
        return Gate(seconds=seconds)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every request to the model so far."""
        return self._script.calls

    @property
    def last_call(self) -> ModelCall:
        """The newest request to the model.

        Raises:
            LookupError: There was none.
        """
        calls = self._script.calls
        if not calls:
            raise LookupError("the model has not been called yet")
        return calls[-1]

    @property
    def remaining_steps(self) -> tuple[Step, ...]:
        """The steps that were not used yet: the script's, then those of `on()`."""
        return self._script.remaining

    def assert_complete(self) -> None:
        """Check that codex used the script up and asked for no more.

        Raises:
            UnexpectedModelCall: It asked for more. The first such call is raised.
            UnconsumedSteps: It asked for less.
            ToolNotOffered: A step used a tool that codex did not offer.
            GateTimeout: A gate was never opened.
            Exception: What a callable of `respond()` raised.
        """
        self._script.check()
