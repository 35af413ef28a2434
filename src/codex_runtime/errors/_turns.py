"""How turns end that do not end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.errors._base import Record, redact

if TYPE_CHECKING:
    from codex_runtime.protocol.types import TurnError
    from codex_runtime.state import TurnResult

__all__ = ["TurnFailed", "TurnTimedOut"]


class TurnFailed(Record):
    """The turn ended as failed.

    Attributes:
        error: The server's account: `message`, `codex_error_info`, `additional_details`.
            None where it gave none.
        result: All that the turn did until then.
    """

    error: TurnError | None
    result: TurnResult

    def __str__(self) -> str:
        # The message of a server that sent none is `UNSET`, which is false.
        why = (self.error and self.error.message) or "codex gave no reason"
        return f"turn {self.result.turn_id} failed: {redact(why)}"


class TurnTimedOut(Record):
    """The turn used up its time and was interrupted.

    Attributes:
        seconds: The active time it was allowed.
        result: All that the turn did until then. Its `status` is `"interrupted"` where the
            server confirmed the end, `"incomplete"` where it did not.
    """

    seconds: float
    result: TurnResult

    def __str__(self) -> str:
        return (
            f"turn {self.result.turn_id} was stopped after {self.seconds:g} s of active time "
            f"({self.result.status}){self._still_trying()}"
        )

    def _still_trying(self) -> str:
        error = self.result.error
        if not error:
            return ""
        why = ": ".join(text for text in (error.message, error.additional_details) if text)
        return f"; codex was still trying: {redact(why)}"
