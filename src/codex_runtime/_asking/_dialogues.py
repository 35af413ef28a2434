"""The conversation about a request: what is shown, what is asked, what the answer is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from codex_runtime._asking._cards import card_of
from codex_runtime._asking._forms import Choice, Field, Unfit, fields_of, picked
from codex_runtime._asking._person import Person
from codex_runtime._lines import Line, Role
from codex_runtime._text import defuse, exact
from codex_runtime.answers import Allow, Answer, Answers, Cancel, Deny, ElicitationAnswer
from codex_runtime.protocol import types
from codex_runtime.requests import (
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    PermissionsApproval,
    ServerRequest,
    ToolCallRequest,
    UserInputRequest,
)

__all__ = ["Ready", "can_be_asked", "converse"]

Ready: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until what is typed can only be meant for what is shown now."""

_YES_OR_NO: Final = (
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    PermissionsApproval,
    ToolCallRequest,
)

_WORDS: Final = {
    "y": "yes, this once",
    "s": "yes, and for the same in this session",
    "n": "no (n and some words: no; the reason is noted for the audit)",
    "c": "no, and end the turn",
    "e": "explain: show all there is",
}


_LONG: Final = {"": "n", "yes": "y", "no": "n"}
"""What else may be typed for a key."""


def can_be_asked(request: ServerRequest) -> bool:
    """Whether it is a person who can answer this kind of request."""
    if isinstance(request, ToolCallRequest):
        return request.needs_approval
    return isinstance(request, (*_YES_OR_NO, UserInputRequest, McpElicitation))


async def converse(person: Person, request: ServerRequest, ready: Ready) -> Answer | None:
    """Ask somebody about a request. None if they are gone, or have no opinion.

    Cancelling takes the question away.
    """
    if isinstance(request, UserInputRequest):
        return await _questions(person, request, ready)
    if isinstance(request, McpElicitation):
        return await _elicitation(person, request, ready)
    lasting = "" if isinstance(request, ToolCallRequest) else "s"
    return await _decision(person, request, ready, f"y{lasting}nce")


async def _decision(
    person: Person, request: ServerRequest, ready: Ready, keys: str, agreed: str = ""
) -> Answer | None:
    """Let somebody decide.

    Args:
        person: Who decides.
        request: What about.
        ready: See `Ready`.
        keys: The keys that they may use, out of `_WORDS`.
        agreed: What a yes is called, where it needs a word of its own.
    """
    card = card_of(request)
    seen = not card.cut
    person.show(card)
    words = {**_WORDS, **({"y": agreed} if agreed else {})}
    person.tell(Line(f"  {key}  {words[key]}", "note") for key in keys)
    await ready()
    while True:
        typed = await person.ask("Your answer, then Enter (Enter alone is no):")
        if typed is None:
            return None
        key, _, rest = typed.strip().partition(" ")
        key = _LONG.get(key.lower(), key.lower())
        if key not in tuple(keys) or (rest and key not in "nc"):
            person.tell([Line(f"Use one of {', '.join(keys)}.", "warning")])
        elif key == "e":
            seen = True
            person.show(card_of(request, full=True))
        elif key in "ys" and not seen:
            person.tell([Line("Not all of it has been shown. See it with e first.", "warning")])
        else:
            return _answer(key, rest.strip())


def _answer(key: str, why: str) -> Answer:
    match key:
        case "y":
            return Allow()
        case "s":
            return Allow(for_session=True)
        case "c":
            return Cancel(why)
        case _:
            return Deny(why)


async def _questions(person: Person, request: UserInputRequest, ready: Ready) -> Answer | None:
    person.show(card_of(request))
    await ready()
    found: dict[str, str] = {}
    for question in request.questions:
        person.tell(_question_lines(question))
        answer = await _question(person, question)
        if answer is None:
            return None
        if answer:
            found[question.id] = answer
    return Answers(found) if found else Deny("no question was answered")


def _question_lines(question: types.ToolRequestUserInputQuestion) -> list[Line]:
    options = question.options or ()
    return [
        _said(question.question or question.header or "", "heading"),
        *(
            _said(f"  {number}  {option.label or ''}: {option.description or ''}")
            for number, option in enumerate(options, 1)
        ),
    ]


async def _question(person: Person, question: types.ToolRequestUserInputQuestion) -> str | None:
    """What somebody says to a question; empty if they leave it out, None if they are gone."""
    options = tuple(Choice(option.label, option.label) for option in question.options or ())
    free = question.is_other or not options
    how = f"A number{' or some words' if free else ''}" if options else "Some words"
    hidden = ", not shown as you type" if question.is_secret else ""
    while True:
        typed = await person.ask(f"{how}{hidden} (Enter leaves it out):", secret=question.is_secret)
        if typed is None:
            return None
        if not typed.strip():
            return ""
        try:
            return picked(typed, options)
        except Unfit as problem:
            if free:
                return typed if question.is_secret else typed.strip()
            person.tell([Line(f"No: {problem}.", "warning")])


async def _elicitation(person: Person, request: McpElicitation, ready: Ready) -> Answer | None:
    if request.is_tool_approval:
        lasting = "s" if "session" in request.may_persist else ""
        return await _decision(person, request, ready, f"y{lasting}nce")
    if request.mode == "url":
        return await _decision(person, request, ready, "ynce", "yes, I have gone there")
    fields = fields_of(request.schema) if request.mode == "form" else None
    if fields is None:
        return await _decision(person, request, ready, "nce")
    agreed = "fill in the form" if fields else "yes"
    answer = await _decision(person, request, ready, "ynce", agreed)
    if not isinstance(answer, Allow):
        return answer
    return await _form(person, fields)


async def _form(person: Person, fields: tuple[Field, ...]) -> Answer | None:
    content: dict[str, Any] = {}
    for field in fields:
        person.tell(_field_lines(field))
        filled = await _field(person, field)
        if filled is None:
            return None
        content.update({} if filled[0] is None else {field.name: filled[0]})
    person.tell([Line("This is what is sent:", "heading"), *map(_sent, content.items())])
    typed = await person.ask("y and Enter sends it (Enter alone does not):") if content else "y"
    if typed is None:
        return None
    if typed.strip().lower() != "y":
        return Deny()
    return ElicitationAnswer(content)


def _sent(pair: tuple[str, Any]) -> Line:
    name, value = pair
    return _said(f"  {name} = {value!r}")


def _said(text: str, role: Role = "plain") -> Line:
    return Line(exact(defuse(text)).replace("\n", " "), role)


def _field_lines(field: Field) -> list[Line]:
    described = field.schema.description or ""
    default = "" if field.default is None else f"; Enter alone is {field.default}"
    return [
        _said(f"{field.title}: {described}" if described else field.title, "heading"),
        *(_said(f"  {number}  {each.label}") for number, each in enumerate(field.choices, 1)),
        _said(f"  {field.hint}{default}", "note"),
    ]


async def _field(person: Person, field: Field) -> tuple[Any] | None:
    """The value of a field, or None if somebody is gone."""
    while True:
        typed = await person.ask(">")
        if typed is None:
            return None
        try:
            return (field.read(typed),)
        except Unfit as problem:
            person.tell([Line(f"No: {problem}.", "warning")])
