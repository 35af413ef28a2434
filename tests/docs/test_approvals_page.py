"""The file of rules that docs/approvals.md shows does what the page says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from core.asking_support import ELICITATION, QUESTIONS, request_of
from docs.programs import ROOT

import codex_runtime as cr
from codex_runtime._server_request import Decision
from codex_runtime.protocol import CollaborationMode, Settings
from codex_runtime.requests import REQUEST_TYPES, UnknownRequest
from codex_runtime.rules import Rules

PAGE = (ROOT / "docs/approvals.md").read_text("utf-8")


@pytest.fixture
def rules() -> Rules:
    found = re.search(r"<!-- rules: checked -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return Rules.parse(found[1], folder="/srv")


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("cargo test", "allow"),
        ("cargo test --all", "allow"),
        ("cargo test --release", "ask"),
        ("cargo test && git push", "deny"),
        ("cd x && git push", "deny"),
        ('bash -c "git push"', "deny"),
        ("sudo ls", "deny"),
        ("/usr/bin/git push", "deny"),
        ("cargo build", "no match"),
        ("cargo test > log", "no match"),
    ],
)
def test_the_rules_of_the_page_say_what_it_says(rules: Rules, command: str, outcome: str) -> None:
    assert rules.explain(command, cwd="/srv/x").outcome == outcome


def test_the_page_shows_every_key_of_a_rule(rules: Rules) -> None:
    assert {rule.decision for rule in rules.rules} == {"allow", "deny", "ask"}
    assert any(rule.network for rule in rules.rules)
    assert any(rule.mcp for rule in rules.rules)
    assert any(rule.tool for rule in rules.rules)
    assert any(rule.file_changes for rule in rules.rules)


def python(name: str) -> dict[str, Any]:
    """What a program of the page defines."""
    found = re.search(rf"<!-- python: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    names: dict[str, Any] = {"cr": cr}
    exec(found[1], names)  # noqa: S102 — the page's own
    return names


async def test_the_page_answers_questions_and_forms() -> None:
    reception = python("questions")["reception"]
    option = {"label": "red", "description": ""}
    questions = [
        {"id": "a", "header": "h", "question": "?", "options": [option]},
        {"id": "b", "header": "h", "question": "?"},
    ]
    form = {"type": "object", "properties": {"name": {"type": "string"}}}

    def elicitation(schema: Any) -> Any:
        return request_of(
            ELICITATION, serverName="s", mode="form", message="?", requestedSchema=schema
        )

    answers = await reception(request_of(QUESTIONS, questions=questions, isBlocking=True))
    assert answers == cr.Answers({"a": "red", "b": "whatever you like"})
    assert await reception(elicitation(form)) == cr.ElicitationAnswer({"name": "Ada"})
    assert await reception(elicitation({**form, "properties": {}})) == cr.Deny()


async def test_the_page_switches_to_plan_mode_as_it_was_measured() -> None:
    # That the real server takes it: tests/spec/test_questions.py.
    told: dict[str, Any] = {}

    class Info:
        model = "m"

    class Thread:
        info = Info

        async def update_settings(self, **options: Any) -> None:
            told.update(options)

    await python("plan")["plan"](Thread())

    assert told == {
        "collaboration_mode": CollaborationMode(mode="plan", settings=Settings(model="m"))
    }


def test_the_page_lists_and_decides_for_a_service() -> None:
    service = python("service")
    request = request_of(QUESTIONS, questions=[], isBlocking=True)

    class Runtime:
        def pending_requests(self) -> tuple[Any, ...]:
            return (request,)

        def respond(self, request_id: str, answer: Any, *, by: str) -> None:
            if request_id != "r-1":
                raise cr.RequestNotFound(request_id)
            told.append((answer, by))

    told: list[Any] = []
    assert service["listed"](Runtime()) == [
        {"request_id": "r-1", "kind": "questions", "seconds_left": 600.0}
    ]
    assert service["decided"](Runtime(), "r-1", True)
    assert told == [(cr.Allow(), "the service")]
    assert not service["decided"](Runtime(), "r-2", True)


def test_the_page_has_every_decision_and_every_kind() -> None:
    reference = (ROOT / "docs/reference.md").read_text("utf-8")

    for decision in Decision.__args__:
        assert f"| `{decision}` |" in PAGE
        assert f"`{decision}`: " in reference
    for each in (*REQUEST_TYPES.values(), UnknownRequest):
        assert f"`{each.kind}`" in PAGE
