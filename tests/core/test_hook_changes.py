"""What hooks may change, and what becomes of changes that cannot be made."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest
from core.hook_support import TURN, a_run, says

from codex_runtime._hook_changes import RIGHTS, Subject
from codex_runtime._hooking import Outcome
from codex_runtime.hooks import Hook, HookContext, HookPhase, Mutate, TurnKind
from codex_runtime.inputs import Attachment
from codex_runtime.protocol import ImageInput, TextInput

OPENING = Subject(cwd="/srv", model="gpt-x")

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = ImageInput(url=f"data:image/png;base64,{PNG}")


async def test_later_hooks_see_what_earlier_ones_have_changed() -> None:
    seen: list[Any] = []

    async def look(context: HookContext) -> Mutate:
        seen.append((context.prompt, context.model, dict(context.metadata), context.input))
        return Mutate(prompt=f"{context.prompt}!", metadata={"b": 2, "c": 3})

    first = says(Mutate("Play.", "gpt-y", [IMAGE], {"a": 1, "b": 1}), "first")
    run = a_run(first, Hook("second", look, "pre_turn"))
    changed = await run.before("pre_turn", TURN)
    assert seen == [("Play.", "gpt-y", {"a": 1, "b": 1}, ("Play.", IMAGE))]
    assert (changed.input, changed.model, changed.model_changed) == (
        ["Play.!", IMAGE],
        "gpt-y",
        True,
    )
    third = says(None, "third", "post_turn")
    kept: list[Any] = []
    run = a_run(first, Hook("second", look, "pre_turn"), third)
    await run.before("pre_turn", TURN)

    async def keep(context: HookContext) -> None:
        kept.append(context.metadata)

    object.__setattr__(third, "call", keep)
    await run.after("post_turn", TURN, Outcome("ok"))
    assert kept == [{"a": 1, "b": 2, "c": 3}]


async def test_a_prompt_takes_the_place_of_all_texts_and_of_nothing_else() -> None:
    files = Attachment("notes.md")
    subject = Subject(input=["One.", IMAGE, TextInput(text="Two."), files])
    seen: list[str | None] = []

    async def look(context: HookContext) -> Mutate:
        seen.append(context.prompt)
        return Mutate("Three.")

    changed = await a_run(Hook("h", look, "pre_turn")).before("pre_turn", subject)
    assert seen == ["One.\nTwo."]
    assert changed.input == ["Three.", IMAGE, files]


PARTS: dict[str, Any] = {
    "prompt": "Play.",
    "model": "gpt-y",
    "attachments": [IMAGE],
    "metadata": {"a": 1},
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", RIGHTS)
async def test_rights_to_change(phase: HookPhase, part: str) -> None:
    """The table in the docstring of `Mutate`."""
    allowed = {
        "pre_run": {*PARTS},
        "pre_session_start": {"model", "metadata"},
        "pre_turn": {*PARTS},
        "pre_tool_use": {"metadata"},
    }.get(phase, set[str]())
    run = a_run(says(Mutate(**{part: PARTS[part]}), phase=phase))
    if phase.startswith("pre_"):
        await run.before(phase, TURN)
    else:
        await run.after(phase, TURN, Outcome("ok"))
    (entry,) = run.report().entries
    if part in allowed:
        assert (entry.outcome, entry.issues) == ("mutated", ())
    else:
        (issue,) = entry.issues
        assert (entry.outcome, issue.kind) == ("noop", "validation")
        assert issue.message == f"{part} cannot be changed at {phase}"


@pytest.mark.parametrize("kind", ["review", "compact", "shell_command"])
async def test_of_other_turns_only_the_notes_can_be_changed(kind: TurnKind) -> None:
    subject = replace(TURN, kind=kind)
    run = a_run(says(Mutate("Play.", "gpt-y", [IMAGE], {"a": 1})))
    assert await run.before("pre_turn", subject) == subject
    (entry,) = run.report().entries
    assert (entry.outcome, {issue.kind for issue in entry.issues}) == ("mutated", {"validation"})
    assert [issue.message for issue in entry.issues] == [
        f"{part} cannot be changed at pre_turn of a {kind}"
        for part in ("prompt", "model", "attachments")
    ]


async def test_the_rest_of_a_change_is_made_when_a_part_is_not_allowed() -> None:
    wanted = Mutate("Play.", "gpt-y", [IMAGE], {"a": 1})
    run = a_run(says(wanted, phase="pre_session_start"))
    changed = await run.before("pre_session_start", OPENING)
    assert (changed.model, changed.input) == ("gpt-y", None)
    (entry,) = run.report().entries
    assert entry.outcome == "mutated"
    assert [issue.message for issue in entry.issues] == [
        "prompt cannot be changed at pre_session_start",
        "attachments cannot be changed at pre_session_start",
    ]
    assert not run.report().is_clean


class Endless(list[int]):
    def __iter__(self) -> Iterator[int]:
        return count()

    def __len__(self) -> int:
        return 1


class EndlessNames(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map(str, count())

    def __len__(self) -> int:
        return 1


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("part", "value", "says_what"),
    [
        ("prompt", " \n", "prompt is blank"),
        ("prompt", 7, "prompt is of type int; use text"),
        ("prompt", "x" * 1_048_577, "input holds 1,048,577 characters"),
        ("prompt", "\ud800", "prompt has a lone surrogate"),
        ("model", "", "model is blank"),
        ("model", ["gpt"], "model is of type list; use text"),
        ("metadata", [("a", 1)], "metadata is of type list; use a mapping"),
        ("metadata", {1: 2}, "metadata has no form in JSON: a key is of type int"),
        ("metadata", {"a": object()}, "metadata has no form in JSON: Object of type object"),
        ("metadata", {"a": math.nan}, "metadata has no form in JSON"),
        ("metadata", {"a": LOOP}, "metadata has no form in JSON"),
        ("attachments", "notes.md", "attachments is of type str; use a list or tuple"),
        ("attachments", 7, "attachments is of type int; use a list or tuple"),
        ("attachments", repeat(IMAGE), "attachments is of type repeat; use a list or tuple"),
        ("metadata", {"a": "x" * 65_528}, "metadata has more than 65,536 bytes of JSON in all"),
        ("metadata", {"a": Endless()}, "metadata has more than 65,536 bytes of JSON in all"),
        ("metadata", EndlessNames(), "metadata has more than 65,536 bytes of JSON in all"),
        ("attachments", ["notes.md"], "attachments[0] is of type str; use input items"),
        ("attachments", [7], "attachments[0] is left out: "),
        ("attachments", [Attachment("not-there.md")], "attachments[0] is left out: "),
    ],
)
async def test_what_cannot_be_used_is_left_out_and_said(
    part: str, value: Any, says_what: str, tmp_path: Path
) -> None:
    subject = Subject(cwd=str(tmp_path), model="gpt-x", input="Work.")
    wanted: dict[str, Any] = {part: value}
    run = a_run(says(Mutate(**wanted)))
    changed = await run.before("pre_turn", subject)
    assert changed == subject
    (issue,) = run.report().issues
    assert issue.kind == "validation"
    assert issue.message.startswith(says_what)


async def test_one_attachment_that_is_missing_costs_that_one(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("x")
    there, missing = Attachment("there.md"), Attachment("missing.md")
    run = a_run(says(Mutate(attachments=[missing, there])))
    changed = await run.before("pre_turn", Subject(cwd=str(tmp_path), input="Work."))
    assert changed.input == ["Work.", there]
    (entry,) = run.report().entries
    assert entry.outcome == "mutated"
    assert "missing.md" in entry.issues[0].message


async def test_the_notes_of_all_hooks_have_a_bound_together() -> None:
    big = "x" * 40_000
    run = a_run(
        says(Mutate(metadata={"a": big}), "one"),
        says(Mutate(metadata={"b": big}), "two"),
        says(Mutate(metadata={"a": "less"}), "three"),
        says(Mutate(metadata={"b": big}), "four"),
        says(Mutate(metadata={"exactly": "x" * (65_536 - 40_000 - 37)}), "five"),
    )
    await run.before("pre_turn", TURN)
    outcomes = [entry.outcome for entry in run.report().entries]
    assert outcomes == ["mutated", "noop", "mutated", "mutated", "mutated"]
    (issue,) = run.report().issues
    assert (issue.hook, issue.kind) == ("two", "validation")


async def test_attachments_that_are_added_meanwhile_do_not_count(tmp_path: Path) -> None:
    mine: list[Any] = []

    class Growing(Attachment):
        @property
        def path(self) -> str:  # type: ignore[override]  # a lying subclass is what is tested
            mine.append(IMAGE)
            return str(tmp_path)

    mine.append(object.__new__(Growing))
    object.__setattr__(mine[0], "placeholder", None)
    changed = await a_run(says(Mutate(attachments=mine))).before("pre_turn", TURN)
    assert len(mine) > 1
    assert changed.input == ["Work.", mine[0]]


async def test_notes_are_copies_both_ways() -> None:
    mine: dict[str, Any] = {"list": [1]}

    async def first(_: HookContext) -> Mutate:
        return Mutate(metadata=mine)

    async def second(context: HookContext) -> None:
        mine["list"].append(2)
        context.metadata["list"].append(3)
        with pytest.raises(TypeError):
            context.metadata["new"] = 1  # type: ignore[index]  # read-only to a type checker as well

    seen: list[Any] = []

    async def third(context: HookContext) -> None:
        seen.append(context.metadata["list"])

    run = a_run(*(Hook(f.__name__, f, "pre_turn") for f in (first, second, third)))
    await run.before("pre_turn", TURN)
    assert run.report().is_clean
    assert seen == [[1]]
