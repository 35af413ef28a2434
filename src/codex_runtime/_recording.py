"""What an approver decided, kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, MutableSequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast

import anyio

from codex_runtime._redaction import Redactor
from codex_runtime._rule_book import subject_of
from codex_runtime._server_request import ServerRequest
from codex_runtime._user_calls import call_user, in_thread
from codex_runtime.answers import Allow, Answer, Cancel, Deny, Later
from codex_runtime.requests import Approver

__all__ = ["DecisionRecord", "RecordSink", "Recorded"]


@dataclass(frozen=True)
class DecisionRecord:
    """What an approver said of a request.

    Holds no answers to questions, and nothing that has the shape of a secret; but what was to run, and
    which files were to be changed.

    Attributes:
        at: When it was asked: ISO 8601, UTC.
        request_id: As in `ServerRequest.request_id`.
        request_method: Its wire name.
        thread_id: The thread; empty where it is about none.
        turn_id: The turn, likewise.
        item_id: The item, likewise.
        about: What was asked: the command line, the files, the tool, up to 1,000 characters.
        answer: `allow`, `allow for session`, `deny`, `cancel`, `later`, `no opinion`; the name of the
            type of any other answer; `failed` if it raised, `abandoned` if somebody else was faster.
        reason: Why, as far as it said so.
        by: The name of the approver.
        seconds: How long it took.
    """

    at: str
    request_id: str
    request_method: str
    thread_id: str
    turn_id: str
    item_id: str
    about: str
    answer: str
    reason: str
    by: str
    seconds: float


RecordSink: TypeAlias = (
    "MutableSequence[DecisionRecord] | str | os.PathLike[str] | Callable[[DecisionRecord], Any]"
)
"""Where records go: a list; a file, one line of JSON each; a function, asynchronous or not."""

_MAX_WORDS: Final = 1_000
"""Characters of what is asked, or of a reason, that a record keeps."""

_KEEPING_BOUND: Final = 5.0
"""Seconds that keeping a record may take once nobody waits for the decision any more."""

_redact: Final = Redactor()


class Recorded:
    """An approver that decides as another, and keeps records of it."""

    def __init__(self, approver: Approver, into: Any, name: str) -> None:
        """Both have been checked.

        Args:
            approver: Who decides.
            into: A `RecordSink`.
            name: What the audit calls it.
        """
        self._approver, self._into = approver, into
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<{self.__name__}, recorded>"

    async def __call__(self, request: ServerRequest) -> Answer | None:
        """What the other one says."""
        at, began = datetime.now(UTC), anyio.current_time()

        def record(answer: str, reason: str = "") -> DecisionRecord:
            return DecisionRecord(
                at=at.isoformat(),
                request_id=request.request_id,
                request_method=request.method,
                thread_id=request.thread_id,
                turn_id=request.turn_id,
                item_id=request.item_id,
                about=_redact(_about(request))[:_MAX_WORDS],
                answer=answer,
                reason=_redact(reason)[:_MAX_WORDS],
                by=self.__name__,
                seconds=round(anyio.current_time() - began, 3),
            )

        try:
            answer: Answer | None = await call_user(self._approver, request)
        except BaseException as error:
            gone = isinstance(error, anyio.get_cancelled_exc_class())
            with anyio.move_on_after(_KEEPING_BOUND, shield=True):
                await self._keep(record("abandoned" if gone else "failed", type(error).__name__))
            raise
        await self._keep(record(_in_word(answer), getattr(answer, "reason", "")))
        return answer

    async def _keep(self, record: DecisionRecord) -> None:
        into = self._into
        if callable(into):
            await call_user(into, record)
        elif isinstance(into, str | os.PathLike):
            line = json.dumps(asdict(record), ensure_ascii=False) + "\n"
            path = os.fspath(cast("str | os.PathLike[str]", into))
            await in_thread(lambda: _append(path, line.encode(errors="replace")))
        else:
            into.append(record)


def _append(path: str, line: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(descriptor, "ab", buffering=0) as file:  # noqa: PTH123 — it is open already
        file.write(line)


def _about(request: ServerRequest) -> str:
    """What a request is about, in a few words for people. May hold secrets."""
    subject = subject_of(request)
    if subject is None:
        return request.kind
    match subject.what:
        case "command":
            return subject.line
        case "network":
            return f"{subject.name}, for {subject.line}" if subject.line else subject.name
        case "file_changes":
            return ", ".join(subject.paths)
        case _:
            return subject.name


def _in_word(answer: Any) -> str:
    match answer:
        case None:
            return "no opinion"
        case Allow(for_session=True):
            return "allow for session"
        case Allow() | Deny() | Cancel() | Later():
            return type(answer).__name__.lower()
        case _:
            return type(answer).__name__
