"""The goal of a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from codex_runtime import protocol
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import methods
from codex_runtime.threads._checks import checked_number, checked_text
from codex_runtime.threads._part import ThreadPart

if TYPE_CHECKING:
    from codex_runtime.protocol.types import (
        ThreadGoal,
        ThreadGoalMutationOrigin,
        ThreadGoalStatus,
    )

__all__ = ["MAX_OBJECTIVE_CHARACTERS", "Goal"]

MAX_OBJECTIVE_CHARACTERS: Final = 4_000
"""Characters of an objective: the server refuses more (fact 234)."""


class Goal(ThreadPart):
    """What a thread works towards by itself. Reached by `thread.goal`.

    As long as a goal is active the server starts turns by itself, back to back, until the model
    calls it complete, its budget is used up, or it is paused or cleared (fact 43); it rests
    when one of them is interrupted. These turns run with the sandbox and the approval policy of
    the thread, cost tokens like any other, and have no `TurnHandle`: `runtime.events(thread_id)`
    shows them. `turn_start` raises `TurnInProgress` while one runs.
    """

    async def get(self) -> ThreadGoal | None:
        """Read the goal (`thread/goal/get`); None where there is none.

        Cancelling stops the wait.

        Raises:
            ThreadNotFound: There is no such thread, or it is archived.
            NotSupportedByThread: It is ephemeral.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadGoalGetParams(thread_id=self.thread_id)
        return (await self._ask(methods.THREAD_GOAL_GET, params)).goal

    async def set(
        self,
        objective: str | None = None,
        *,
        status: ThreadGoalStatus | None = None,
        token_budget: int | None = None,
        origin: ThreadGoalMutationOrigin | None = None,
    ) -> ThreadGoal:
        """Set the goal, or change it (`thread/goal/set`).

        **The server starts turns by itself from now on**, unless `status` says otherwise; see the
        class. On a thread that is not loaded they begin when it is resumed. What is left out
        stays as it is: a goal that is complete rests, also with another objective, until `status`
        is `"active"` again (fact 234). Also makes a thread durable that has no turn yet
        (fact 17).

        These turns run with what is in force in the thread. What a turn has changed for itself
        only (`only_this_turn`) is put back before; where that cannot be done, the error says so
        and nothing is set.

        Cancelling stops the wait, not the goal.

        Args:
            objective: What to reach, 4,000 characters at the most. Needed for the first goal.
            status: `"active"` (default of a new one), `"paused"`, `"complete"`, …; an open set.
            token_budget: Tokens that the turns may use.
            origin: Whose will it is: `"user"` or `"automatic"`; an open set. Servers before 0.163
                do not look at it.

        Raises:
            InvalidArgument: There is nothing to set, or an argument cannot be used.
            InvalidRequest: The server does not know the status.
            ThreadNotFound: There is no such thread, or it is archived.
            NotSupportedByThread: It is ephemeral.
            RequestRefused: There is no goal yet and no objective.
            RequestTimeout: The server did not answer in time; the goal may be set.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        if objective is None and status is None and token_budget is None:
            raise InvalidArgument("objective", "is left out like all else", "say what to set")
        params = protocol.ThreadGoalSetParams(
            thread_id=self.thread_id,
            objective=UNSET if objective is None else _objective(objective),
            status=UNSET if status is None else checked_text(status, "status"),
            token_budget=UNSET
            if token_budget is None
            else checked_number(token_budget, "token_budget"),
            origin=UNSET if origin is None else checked_text(origin, "origin"),
        )
        return (await self._ask_for_turn(methods.THREAD_GOAL_SET, params)).goal

    async def clear(self) -> bool:
        """Give up the goal (`thread/goal/clear`). A turn that runs for it goes on to its end.

        Cancelling stops the wait; the goal may still be cleared.

        Returns:
            Whether there was one.

        Raises:
            ThreadNotFound: There is no such thread, or it is archived.
            NotSupportedByThread: It is ephemeral.
            RequestTimeout: The server did not answer in time.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        params = protocol.ThreadGoalClearParams(thread_id=self.thread_id)
        return (await self._ask(methods.THREAD_GOAL_CLEAR, params)).cleared


def _objective(objective: str) -> str:
    text = checked_text(objective, "objective")
    if len(text) > MAX_OBJECTIVE_CHARACTERS:
        raise InvalidArgument(
            "objective",
            f"has {len(text):,} characters",
            f"use {MAX_OBJECTIVE_CHARACTERS:,} at the most",
        )
    return text
