"""Questions and forms at a terminal: what is filled in, and what is sent."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from core.asking_support import ELICITATION, QUESTIONS, request_of
from runtime.terminal_support import answer_to, form, sitting

from codex_runtime.answers import Allow, Answer, Answers, Deny, ElicitationAnswer

pytestmark = pytest.mark.virtual_time

QUESTION: dict[str, Any] = {
    "id": "q1",
    "header": "Colour",
    "question": "Which colour?",
    "options": [
        {"label": "Red", "description": "like roses"},
        {"label": "Blue", "description": "like\x1b[2J violets"},
    ],
}


async def answers_to(*lines: str, **question: Any) -> tuple[Answer | None, str]:
    request = request_of(QUESTIONS, questions=[{**QUESTION, **question}], isBlocking=True)
    async with sitting(request) as found:
        await found.desk.type(*lines, at="(Enter leaves it out): ")
    return found.answers[0], found.desk.seen


async def test_an_option_is_chosen_by_its_number() -> None:
    answer, seen = await answers_to("2")

    assert answer == Answers({"q1": "Blue"})
    assert "1  Red: like roses\n" in seen
    assert "2  Blue: like violets\n" in seen


async def test_what_is_no_option_is_asked_for_again() -> None:
    answer, seen = await answers_to("3", "Green", "Red")

    assert answer == Answers({"q1": "Red"})
    assert seen.count("No: use a number from 1 to 2.") == 2


async def test_where_others_are_welcome_some_words_do() -> None:
    assert (await answers_to(" pale green ", isOther=True))[0] == Answers({"q1": "pale green"})
    assert (await answers_to("anything", options=None))[0] == Answers({"q1": "anything"})


async def test_a_secret_is_not_shown() -> None:
    answer, seen = await answers_to("hunter2", isSecret=True, options=None)

    assert answer == Answers({"q1": "hunter2"})
    assert "not shown as you type" in seen
    assert "hunter2" not in seen


async def test_questions_can_be_left_out() -> None:
    questions = [{**QUESTION, "id": each} for each in ("q1", "q2")]
    request = request_of(QUESTIONS, questions=questions, isBlocking=True)
    async with sitting(request) as found:
        await found.desk.type("", "1", at="(Enter leaves it out): ")

    assert found.answers == [Answers({"q2": "Red"})]
    assert (await answers_to(""))[0] == Deny("no question was answered")


async def test_a_form_is_filled_in_field_by_field_and_shown_before_it_is_sent() -> None:
    request = form(
        ["name"],
        name={"type": "string", "title": "Your name", "minLength": 2},
        age={"type": "integer", "minimum": 0},
        size={"type": "string", "enum": ["s", "l"], "default": "l"},
    )
    async with sitting(request) as found:
        await found.desk.type("y")
        await found.desk.type("", "x", "Ada", "", "", at="\n> ")
        await found.desk.type("y", at="y and Enter sends it (Enter alone does not): ")

    assert found.answers == [ElicitationAnswer({"name": "Ada", "size": "l"})]
    assert "y  fill in the form" in found.desk.seen
    assert "No: this field is required." in found.desk.seen
    assert "No: use 2 or more characters." in found.desk.seen
    assert "text, optional; Enter alone is l" in found.desk.seen
    assert "name = 'Ada'\n  size = 'l'" in found.desk.seen


async def test_a_form_is_not_sent_without_a_word() -> None:
    async with sitting(form(name={"type": "string"})) as found:
        await found.desk.type("y")
        await found.desk.type("Ada", at="\n> ")
        await found.desk.type("", at="(Enter alone does not): ")

    assert found.answers == [Deny()]


async def test_a_form_without_fields_needs_one_word() -> None:
    assert (await answer_to(form(), "y"))[0] == ElicitationAnswer({})
    assert (await answer_to(form(), ""))[0] == Deny()


async def test_whoever_leaves_in_the_middle_of_a_form_has_no_opinion() -> None:
    async with sitting(form(name={"type": "string"})) as found:
        await found.desk.type("y")
        await found.desk.until("\n> ")
        await found.desk.press("\x04")

    assert found.answers == [None]


async def test_a_form_of_a_new_kind_can_only_be_refused() -> None:
    request = request_of(ELICITATION, serverName="s", mode="hologram", message="m")

    answer, seen = await answer_to(request, "y", "n")

    assert answer == Deny()
    assert "Use one of n, c, e." in seen


async def test_a_page_is_shown_and_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webbrowser", None)
    request = request_of(
        ELICITATION, serverName="s", mode="url", message="Sign in", url="https://example.org/x"
    )

    answer, seen = await answer_to(request, "y")

    assert answer == Allow()
    assert "https://example.org/x" in seen
    assert "y  yes, I have gone there" in seen
