"""What an approver decided, kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from core.asking_support import COMMAND, FILES, QUESTIONS, TOOL, request_of

from codex_runtime.answers import Allow, Answer, Answers, Cancel, Deny, GrantPermissions, Later
from codex_runtime.approvers import DecisionRecord, allow_listed, deny_all, first_of, recorded
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import types as t
from codex_runtime.requests import Approver, ServerRequest

SECRET = "sk-" + "cAnArY0123456789cAnArY"


def ls(script: str = "ls") -> ServerRequest:
    request: ServerRequest = request_of(COMMAND, command=f"/bin/bash -lc '{script}'", cwd="/srv")
    return request


async def test_each_time_is_kept_with_who_what_and_why() -> None:
    kept: list[DecisionRecord] = []
    approver = recorded(first_of(allow_listed(["ls"]), deny_all), kept)

    assert await asked(approver, ls()) == Allow()
    assert isinstance(await asked(approver, ls("rm x")), Deny)

    first, second = kept
    assert (first.about, first.answer, first.reason) == ("ls", "allow", "")
    assert (second.about, second.answer) == ("rm x", "deny")
    assert second.reason == "everything is denied here"
    assert first.by == "first_of(allow_listed, deny_all)"
    assert (first.request_id, first.request_method) == ("r-1", COMMAND)
    assert (first.thread_id, first.turn_id, first.item_id) == ("T", "U", "I")
    assert first.at.endswith("+00:00")
    assert 0 <= first.seconds < 5


async def asked(approver: Any, request: ServerRequest) -> Answer | None:
    answer: Answer | None = await approver(request)
    return answer


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (None, "no opinion"),
        (Allow(for_session=True), "allow for session"),
        (Cancel("enough"), "cancel"),
        (Later(), "later"),
        (Answers({"q": "hunter2"}), "Answers"),
        (GrantPermissions(t.GrantedPermissionProfile()), "GrantPermissions"),
        ("nonsense", "str"),
    ],
)
async def test_answers_are_kept_as_words_without_what_they_hold(answer: Any, word: str) -> None:
    kept: list[DecisionRecord] = []

    assert await asked(recorded(lambda _: answer, kept), request_of(QUESTIONS)) is answer

    assert kept[0].answer == word
    assert kept[0].about == "questions"
    assert "hunter2" not in str(kept)


async def test_what_has_the_shape_of_a_secret_is_not_kept_and_long_texts_are_cut() -> None:
    kept: list[DecisionRecord] = []
    approver = recorded(lambda _: Deny(f"has {SECRET}"), kept)

    await asked(approver, ls(f"curl -H x:{SECRET} {'y' * 2_000}"))

    assert SECRET not in str(kept)
    assert len(kept[0].about) == 1_000


async def test_files_hosts_and_tools_are_named() -> None:
    kept: list[DecisionRecord] = []
    approver = recorded(deny_all, kept)
    change = t.FileUpdateChange(path="/srv/a", kind=t.AddPatchChangeKind(), diff="text")
    patch = request_of(FILES)
    patch.changes = (change, change)
    host = {"host": "example.org", "protocol": "https"}

    await asked(approver, patch)
    await asked(approver, request_of(TOOL, tool="weather", namespace="home", arguments={"a": 1}))
    await asked(approver, request_of(COMMAND, networkApprovalContext=host))
    await asked(approver, request_of(COMMAND, networkApprovalContext=host, command="x y"))
    await asked(approver, request_of(COMMAND, kind="writeStdin", command="x y"))

    assert [record.about for record in kept] == [
        "/srv/a",
        "home/weather",
        "example.org",
        "example.org, for x y",
        "command",
    ]


async def test_a_file_gets_a_line_each_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    for into in (path, str(path)):
        await asked(recorded(deny_all, into), ls("echo ü"))

    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["about"] for line in lines] == ["echo ü", "echo ü"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_function_gets_records_asynchronous_or_not() -> None:
    kept: list[DecisionRecord] = []

    async def keep(record: DecisionRecord) -> None:
        kept.append(record)

    await asked(recorded(deny_all, keep), ls())
    await asked(recorded(deny_all, kept.append), ls())

    assert [record.answer for record in kept] == ["deny", "deny"]


async def test_what_cannot_be_kept_does_not_count(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        await asked(recorded(allow_listed(["ls"]), tmp_path), ls())


async def test_one_that_raises_is_kept_and_raises() -> None:
    kept: list[DecisionRecord] = []

    def failing(request: ServerRequest) -> None:
        raise LookupError("secret")

    with pytest.raises(LookupError):
        await asked(recorded(failing, kept), ls())

    assert (kept[0].answer, kept[0].reason) == ("failed", "LookupError")


async def test_one_that_somebody_else_was_faster_than_is_kept_as_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    async def slow(request: ServerRequest) -> None:
        await anyio.sleep_forever()

    with anyio.move_on_after(0.01):
        await asked(recorded(slow, path), ls())

    assert json.loads(path.read_text("utf-8"))["answer"] == "abandoned"


@pytest.mark.parametrize(
    ("approver", "into", "field"),
    [(7, [], "approver"), (deny_all, 7, "into"), (deny_all, (), "into")],
)
def test_what_cannot_be_used_is_refused(approver: Any, into: Any, field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        recorded(approver, into)

    assert refusal.value.field == field


def test_a_recorded_approver_keeps_its_name() -> None:
    approver: Approver = recorded(deny_all, [])

    assert approver.__name__ == "deny_all"  # pyright: ignore[reportFunctionMemberAccess] — an object
    assert repr(approver) == "<deny_all, recorded>"
