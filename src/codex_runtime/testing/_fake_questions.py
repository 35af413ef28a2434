"""What a fake turn waits for: its questions to the client, and the commands that run for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from codex_runtime.testing._fake_wire import Question
from codex_runtime.testing._json import Json, member

if TYPE_CHECKING:
    from codex_runtime.testing._fake_turn import TurnPlay

__all__ = ["APPROVAL", "USER_INPUT", "Questions", "TurnCancelled"]

APPROVAL = "waitingOnApproval"
"""The flag of a thread that waits for a decision."""

USER_INPUT = "waitingOnUserInput"
"""The flag of a thread that waits for an answer of the user's."""


class TurnCancelled(Exception):
    """The client answered an approval with `cancel`: the turn ends as interrupted."""


@dataclass(eq=False)
class _Open:
    """A question that waits.

    Attributes:
        decided: Gets the answer: `result` or `error`.
        told: Whether its end is told with `serverRequest/resolved`.
    """

    question: Question
    decided: Callable[[Json], None]
    told: bool


class Questions:
    """The questions of one turn, and what has to wait until none is open."""

    def __init__(self, play: TurnPlay) -> None:
        self._play = play
        self._open: dict[int, _Open] = {}
        self._answered: deque[int] = deque()
        self._held: list[Callable[[], None]] = []
        self._news = anyio.Event()

    @property
    def any_open(self) -> bool:
        """Whether one is open."""
        return bool(self._open)

    def ask(
        self, method: str, params: Json, decided: Callable[[Json], None], *, told: bool = True
    ) -> None:
        """Ask the client; `decided` is called with its answer, from `next_answer()`."""
        process, thread = self._play.process, self._play.thread
        question = process.wire.ask(method, params, thread)
        self._open[question.id] = _Open(question, decided, told)
        question.on_answer = lambda: self._heard(question.id)

    def when_settled(self, act: Callable[[], None]) -> None:
        """Call `act` when no question is open, which may be at once (fact 322)."""
        self._held.append(act)
        if not self._open:
            self._release()

    def news(self) -> None:
        """Wake `next_answer()`: something else has happened."""
        self._news.set()

    async def next_answer(self) -> None:
        """Wait for an answer, or for news, and do what all answers there are say.

        Raises:
            TurnCancelled: One of them was `cancel`.
        """
        await self._news.wait()
        self._news = anyio.Event()
        while self._answered:
            self._decide(self._open.pop(self._answered.popleft()))
            if not self._open:
                self._release()

    def give_up(self) -> None:
        """Forget what waits for the end of the questions: the turn has been interrupted."""
        self._held.clear()

    def resolve_open(self) -> None:
        """Say of every question left open that it is settled: the turn has ended (fact 320)."""
        for each in self._open.values():
            self._resolved(each)
        self._open.clear()

    def _heard(self, number: int) -> None:
        self._answered.append(number)
        self._news.set()

    def _decide(self, asked: _Open) -> None:
        self._resolved(asked)
        asked.decided(member(asked.question.answer))

    def _resolved(self, asked: _Open) -> None:
        process, thread = self._play.process, self._play.thread
        process.wire.questions.pop(asked.question.id, None)
        if asked.told:
            params = {"threadId": thread.id, "requestId": asked.question.id}
            process.tell(thread, "serverRequest/resolved", params)

    def _release(self) -> None:
        held, self._held = self._held, []
        for act in held:
            act()
