"""Approvers made of others, and those that need no list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from core.approver_support import command, patch, said
from core.asking_support import (
    QUESTIONS,
    request_of,
)

from codex_runtime.answers import Allow, Answers, Cancel, Deny, Later
from codex_runtime.approvers import (
    allow_listed,
    answered_later,
    deny_all,
    edits_within,
    first_of,
    when,
)
from codex_runtime.errors import InvalidArgument
from codex_runtime.requests import (
    REQUEST_TYPES,
    CommandApproval,
    FileChangeApproval,
    ServerRequest,
    UserInputRequest,
)

untyped_when: Any = when
untyped_first_of: Any = first_of
"""The same, for what a type checker would not let through."""


@pytest.mark.parametrize("method", [*REQUEST_TYPES, "item/brandNew/request"])
def test_deny_all_says_no_to_everything(method: str) -> None:
    assert isinstance(said(deny_all, request_of(method)), Deny)


def test_the_first_opinion_counts_whether_it_comes_sooner_or_later() -> None:
    asked: list[str] = []

    def silent(request: ServerRequest) -> None:
        asked.append("silent")

    async def denying(request: ServerRequest) -> Deny:
        asked.append("denying")
        return Deny("no")

    def never(request: ServerRequest) -> Allow:
        raise AssertionError

    assert said(first_of(silent, denying, never), command("ls")) == Deny("no")
    assert asked == ["silent", "denying"]
    assert said(first_of(silent, first_of()), command("ls")) is None


def test_one_that_raises_has_not_left_it_to_the_next() -> None:
    def failing(request: ServerRequest) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        said(first_of(failing, allow_listed(["ls"])), command("ls"))


def test_an_approver_for_one_kind_sees_no_other() -> None:
    def ask_me(request: UserInputRequest) -> Answers:
        return Answers({question.id or "": "blue" for question in request.questions})

    approver = when(UserInputRequest, ask_me)
    asked = request_of(QUESTIONS, questions=[{"id": "q", "header": "h", "question": "?"}])

    assert said(approver, asked) == Answers({"q": "blue"})
    assert said(approver, command("ls")) is None


def test_an_approver_may_be_for_several_kinds_and_asynchronous() -> None:
    async def cancel(request: CommandApproval | FileChangeApproval) -> Cancel:
        return Cancel("enough")

    approver = when((CommandApproval, FileChangeApproval), cancel)

    assert said(approver, command("ls")) == said(approver, patch("/a")) == Cancel("enough")
    assert said(approver, request_of(QUESTIONS)) is None
    assert said(untyped_when(ServerRequest, cancel), request_of(QUESTIONS)) == Cancel("enough")


def test_a_request_can_be_left_open_for_somebody_else() -> None:
    assert said(answered_later(), command("ls")) == Later()
    assert said(answered_later(30), command("ls")) == Later(30.0)
    assert said(when(CommandApproval, answered_later()), command("ls")) == Later()


@pytest.mark.parametrize("timeout", [0, -1, "3", True, float("nan")])
def test_a_time_is_a_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match="positive number of seconds"):
        answered_later(timeout)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: untyped_first_of(deny_all, 7), "approvers[1]"),
        (lambda: untyped_when(UserInputRequest, 7), "approver"),
        (lambda: untyped_when(7, deny_all), "kinds"),
        (lambda: untyped_when(int, deny_all), "kinds"),
        (lambda: untyped_when((), deny_all), "kinds"),
    ],
)
def test_what_cannot_be_asked_is_refused(make: Callable[[], Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        make()

    assert refusal.value.field == field


def test_approvers_have_names_for_the_audit() -> None:
    def ask_me(request: ServerRequest) -> None: ...

    listed = allow_listed(["ls"])
    made: list[Any] = [
        deny_all,
        listed,
        edits_within(),
        edits_within("/srv"),
        answered_later(),
        when(CommandApproval, ask_me),
        when((CommandApproval, FileChangeApproval), listed),
        first_of(listed, ask_me, lambda _: None),
    ]

    assert [approver.__name__ for approver in made] == [
        "deny_all",
        "allow_listed",
        "edits_within",
        "edits_within",
        "answered_later",
        "when(CommandApproval, ask_me)",
        "when(CommandApproval|FileChangeApproval, allow_listed)",
        "first_of(allow_listed, ask_me, <lambda>)",
    ]
    assert repr(listed) == "<allow_listed: 1 rules>"
    assert repr(made[-1]) == "<first_of(allow_listed, ask_me, <lambda>)>"
    assert repr(made[5]) == "<when(CommandApproval, ask_me)>"
