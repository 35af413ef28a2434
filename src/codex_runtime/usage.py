"""Token counts, from the running totals that the server reports. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_runtime.protocol.types import ThreadTokenUsage, TokenUsageBreakdown

__all__ = ["TokenUsage", "UsageMeter"]


@dataclass(frozen=True)
class TokenUsage:
    """Tokens used.

    Attributes:
        input_tokens: Sent to the model, the cached ones among them.
        cached_input_tokens: Those of `input_tokens` that the provider had cached.
        output_tokens: Made by the model, its reasoning among them.
        reasoning_output_tokens: Those of `output_tokens` that were reasoning.
        total_tokens: As the provider counts.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0

    @classmethod
    def of(cls, breakdown: TokenUsageBreakdown) -> TokenUsage:
        """Take over the server's numbers; what it does not send counts as 0."""
        return cls(
            input_tokens=breakdown.input_tokens or 0,
            cached_input_tokens=breakdown.cached_input_tokens or 0,
            output_tokens=breakdown.output_tokens or 0,
            reasoning_output_tokens=breakdown.reasoning_output_tokens or 0,
            total_tokens=breakdown.total_tokens or 0,
        )

    def __sub__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            input_tokens=self.input_tokens - other.input_tokens,
            cached_input_tokens=self.cached_input_tokens - other.cached_input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            reasoning_output_tokens=self.reasoning_output_tokens - other.reasoning_output_tokens,
            total_tokens=self.total_tokens - other.total_tokens,
        )


class UsageMeter:
    """What one turn used, from the thread's running total.

    The baseline is the first total of the turn less the model call that it ends with, so it
    needs no memory of the turns before, and a total that is sent again changes nothing.
    """

    __slots__ = ("_baseline", "_latest")

    def __init__(self) -> None:
        self._baseline: TokenUsage | None = None
        self._latest: TokenUsage | None = None

    def update(self, report: ThreadTokenUsage) -> None:
        """Take the next report of this turn."""
        if not report.total or not report.last:
            return
        total = TokenUsage.of(report.total)
        if self._baseline is None:
            self._baseline = total - TokenUsage.of(report.last)
        self._latest = total

    @property
    def used(self) -> TokenUsage | None:
        """What the turn used so far; None while the server has reported nothing."""
        if self._latest is None or self._baseline is None:
            return None
        return self._latest - self._baseline
