"""What the fake app-server says of threads, compared with the real one: lists, history, goals, queue."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from runtime.fake_acts import Act
from runtime.fake_comparison import ANOTHER_CODEX, said
from support_app_server import VERIFIED, Conversation, Json, binaries, with_fake, with_real

from codex_runtime.testing import (
    FakeAppServer,
    ScriptedModel,
    Step,
    assistant_message,
    stall,
    tool_call,
)

pytestmark = pytest.mark.real

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

Request = tuple[str, Json]


def text(words: str) -> list[Json]:
    return [{"type": "text", "text": words}]


PSST: Json = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "psst"}],
}

OF_NOBODY: Sequence[Request] = (
    ("thread/delete", {}),
    ("thread/unarchive", {}),
    ("thread/turns/list", {}),
    ("thread/items/list", {}),
    ("thread/searchOccurrences", {"searchTerm": "x"}),
    ("thread/revert", {"beforeTurnId": "x"}),
    ("thread/metadata/update", {"gitInfo": {"branch": "b"}}),
    ("thread/memoryMode/set", {"mode": "enabled"}),
    ("thread/readState/update", {"expectedRevision": "x", "operation": {"type": "read"}}),
    ("thread/inject_items", {"items": [PSST]}),
    ("thread/goal/get", {}),
    ("thread/goal/clear", {}),
    ("thread/goal/set", {"objective": "x"}),
    ("thread/queue/list", {}),
    ("thread/queue/add", {"clientUserMessageId": "m", "input": text("x")}),
    ("thread/attachment/list", {}),
    ("thread/attachment/add", {"attachmentType": "t", "identityKey": "k", "payload": 1}),
    ("thread/attachment/remove", {"attachmentType": "t", "identityKey": "k"}),
)
"""Requests about a thread, besides those of the other suites."""

WRONG_LISTS: Sequence[Json] = (
    {"limit": -1},
    {"limit": "x"},
    {"limit": 2**40},
    {"cursor": "garbage"},
    {"cursor": ""},
    {"sortKey": "name"},
    {"sortKey": "section_position"},
    {"sortDirection": "up"},
    {"sourceKinds": ["bogus"]},
    {"originators": ["x"]},
    {"projectId": "x"},
    {"parentThreadId": "x"},
    {"parentThreadId": NOBODY, "ancestorThreadId": NOBODY},
    {"excludedThreadIds": [NOBODY] * 101},
)

LISTS: Sequence[Json] = (
    {},
    {"limit": 0},
    {"limit": 2},
    {"limit": 2, "sortDirection": "asc"},
    {"limit": 2, "sortKey": "recency_at"},
    {"useStateDbOnly": True},
    {"archived": True},
    {"searchTerm": "wait"},
    {"searchTerm": "WAIT"},
    {"modelProviders": ["nope"]},
    {"modelProviders": []},
    {"sourceKinds": ["exec"]},
    {"cwd": "/nowhere"},
    {"cwd": ["/nowhere"]},
    {"projectId": None},
    {"sectionId": "nope"},
    {"parentThreadId": NOBODY},
    {"sortKey": "section_position", "sectionId": "nope"},
)


async def requests_of_nobody(talk: Conversation, work: Path) -> None:
    _ = work
    for method, params in OF_NOBODY:
        await talk.request(method, threadId=NOBODY, **params)


async def requests_of_the_ephemeral(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), ephemeral=True)
    await talk.turn(thread)
    for method, params in (*OF_NOBODY, ("thread/archive", {}), ("thread/name/set", {"name": "x"})):
        await talk.request(method, threadId=thread, **params)


async def requests_of_the_archived(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread)
    await talk.request("thread/archive", threadId=thread)
    for method, params in OF_NOBODY[2:]:
        await talk.request(method, threadId=thread, **params)
    await talk.event("thread/attachment/updated", operation="deleted")


async def requests_of_the_fresh(talk: Conversation, work: Path) -> None:
    for method, params in (*OF_NOBODY[:9], *OF_NOBODY[10:12], ("thread/archive", {})):
        thread = await talk.thread(cwd=str(work))
        await talk.request(method, threadId=thread, **params)
        await talk.request("thread/read", threadId=thread)


async def lists(talk: Conversation, work: Path) -> None:
    threads = [await talk.thread(cwd=str(work)) for _ in range(3)]
    for thread in threads:
        await talk.turn(thread, "wait for it")
    for filters in (*LISTS, *WRONG_LISTS):
        await talk.request("thread/list", **filters)
    await talk.request("thread/list", limit=2, excludedThreadIds=[threads[2]])
    await talk.request("thread/archive", threadId=threads[0])
    for filters in ({}, {"archived": True}, {"limit": 1}):
        await talk.request("thread/list", **filters)
    for filters in (
        {},
        {"limit": 0},
        {"limit": 1},
        {"cursor": threads[1]},
        {"cursor": "garbage"},
    ):
        await talk.request("thread/loaded/list", **filters)


async def early_in_a_second() -> None:
    """Threads of one second share a cursor (fact 26), and those of the fake are all of one."""
    with anyio.fail_after(2):
        while time.time() % 1 > 0.5:  # noqa: ASYNC110 — a clock tells nobody
            await anyio.sleep(0.01)


async def pages_of_lists(talk: Conversation, work: Path) -> None:
    await early_in_a_second()
    threads = [await talk.thread(cwd=str(work)) for _ in range(4)]
    for thread in threads:
        await talk.turn(thread)
    for key in ("created_at", "recency_at"):
        for direction in ("asc", "desc"):
            cursor = None
            for _ in range(3):
                place = {} if cursor is None else {"cursor": cursor}
                page = await talk.result(
                    "thread/list", limit=2, sortKey=key, sortDirection=direction, **place
                )
                cursor = page["nextCursor"]
                if cursor is None:
                    break


async def searches(talk: Conversation, work: Path) -> None:
    await talk.turn(await talk.thread(cwd=str(work)), "where is Waldo")
    for params in (
        {"searchTerm": "waldo"},
        {"searchTerm": "HERE"},
        {"searchTerm": "nobody"},
        {"searchTerm": "waldo", "archived": True},
        {"searchTerm": ""},
        {"searchTerm": "x", "cursor": "garbage"},
        {"searchTerm": "x", "sortKey": "section_position"},
        {},
    ):
        await talk.request("thread/search", **params)


async def histories(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    for words in ("one", "two", "three"):
        await talk.turn(thread, words)
    turns = await talk.result("thread/turns/list", threadId=thread)
    oldest = turns["data"][-1]["id"]
    first = await talk.result("thread/turns/list", threadId=thread, limit=2)
    items = await talk.result("thread/items/list", threadId=thread, limit=3)
    for method, params in (
        ("thread/turns/list", {"sortDirection": "asc", "itemsView": "full"}),
        ("thread/turns/list", {"itemsView": "notLoaded", "limit": 0}),
        ("thread/turns/list", {"cursor": first["nextCursor"]}),
        ("thread/turns/list", {"cursor": first["nextCursor"], "sortDirection": "asc"}),
        ("thread/turns/list", {"cursor": first["backwardsCursor"], "sortDirection": "asc"}),
        ("thread/turns/list", {"cursor": "garbage"}),
        ("thread/turns/list", {"itemsView": "bogus"}),
        ("thread/turns/list", {"sortDirection": "up"}),
        ("thread/items/list", {"sortDirection": "desc", "limit": 2}),
        ("thread/items/list", {"turnId": oldest}),
        ("thread/items/list", {"turnId": NOBODY}),
        ("thread/items/list", {"cursor": items["nextCursor"], "limit": 3}),
        ("thread/items/list", {"cursor": items["nextCursor"], "sortDirection": "desc"}),
        ("thread/items/list", {"cursor": "garbage"}),
        ("thread/items/list", {"limit": -1}),
        ("thread/searchOccurrences", {"searchTerm": "TWO"}),
        ("thread/searchOccurrences", {"searchTerm": "o", "limit": 1}),
        ("thread/searchOccurrences", {"searchTerm": ""}),
        ("thread/searchOccurrences", {"searchTerm": "x", "cursor": "g"}),
    ):
        await talk.request(method, threadId=thread, **params)


async def reverts(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    for words in ("one", "two", "three"):
        await talk.turn(thread, words)
    turns = await talk.result("thread/turns/list", threadId=thread, sortDirection="asc")
    ids = [turn["id"] for turn in turns["data"]]
    await talk.request("thread/revert", threadId=thread, beforeTurnId="nope")
    for turn_id in (ids[2], ids[0]):
        await talk.request("thread/revert", threadId=thread, beforeTurnId=turn_id)
        await talk.request("thread/turns/list", threadId=thread)
    await talk.turn(thread, "four")
    running = await talk.turn_start(thread, "five")
    await talk.event("item/agentMessage/delta", turnId=running)
    await talk.request("thread/revert", threadId=thread, beforeTurnId=running)
    await talk.request("thread/turns/list", threadId=thread, itemsView="full")


async def ends(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread, "one")
    await talk.request("thread/archive", threadId=thread)
    await talk.request("thread/unarchive", threadId=thread)
    place = len(talk.heard)
    await talk.request("thread/resume", threadId=thread)
    await talk.event("thread/goal/cleared", after=place)
    fork = await talk.result("thread/fork", threadId=thread, excludeTurns=True)
    running = await talk.turn_start(thread, "two")
    await talk.event("item/agentMessage/delta", turnId=running)
    await talk.request("thread/delete", threadId=thread)
    await talk.request("thread/loaded/list")
    place = len(talk.heard)
    await talk.request("thread/resume", threadId=thread, excludeTurns=True)
    await talk.event("thread/goal/cleared", after=place)
    await talk.request("thread/delete", threadId=fork["thread"]["id"])
    await talk.request("thread/delete", threadId=thread)
    await talk.request("thread/read", threadId=thread)
    await talk.event("thread/deleted", threadId=thread)


async def notes(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread, "one")
    state = (await talk.result("thread/read", threadId=thread))["readState"]
    revision = state["revision"]
    requests: Sequence[Request] = (
        ("thread/metadata/update", {"gitInfo": {"branch": "b", "sha": None}}),
        ("thread/metadata/update", {"gitInfo": {"branch": ""}}),
        ("thread/metadata/update", {"gitInfo": {}}),
        ("thread/metadata/update", {"projectId": "nope"}),
        ("thread/metadata/update", {"projectId": ""}),
        ("thread/metadata/update", {"daybreakEnabled": True}),
        ("thread/metadata/update", {}),
        ("thread/name/set", {"name": " "}),
        ("thread/name/set", {"name": "a\nb"}),
        ("thread/memoryMode/set", {"mode": "disabled"}),
        ("thread/memoryMode/set", {"mode": "bogus"}),
        ("thread/readState/update", {"expectedRevision": "x", "operation": {"type": "bogus"}}),
        ("thread/readState/update", {"expectedRevision": revision, "operation": {"type": "read"}}),
        ("thread/readState/update", {"expectedRevision": revision, "operation": {"type": "read"}}),
        ("thread/read", {}),
        ("thread/inject_items", {"items": []}),
        ("thread/inject_items", {"items": [PSST]}),
        ("thread/inject_items", {"items": [{"x": 1}]}),
        ("thread/inject_items", {"items": ["x"]}),
        ("thread/attachment/add", {"attachmentType": "t", "identityKey": "k", "payload": {"a": 1}}),
        ("thread/attachment/add", {"attachmentType": "t", "identityKey": "k", "payload": 2}),
        ("thread/attachment/add", {"attachmentType": "", "identityKey": "k", "payload": None}),
        ("thread/attachment/add", {"attachmentType": "t", "identityKey": "l", "payload": [1]}),
        ("thread/attachment/list", {"limit": 1}),
        ("thread/attachment/list", {"cursor": "garbage"}),
        ("thread/attachment/remove", {"attachmentType": "t", "identityKey": "k"}),
        ("thread/attachment/remove", {"attachmentType": "t", "identityKey": "k"}),
        ("thread/attachment/list", {}),
    )
    for method, params in requests:
        await talk.request(method, threadId=thread, **params)
    await talk.event("thread/attachment/updated", operation="deleted")


async def queues(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    running = await talk.turn_start(thread, "one")
    await talk.event("item/agentMessage/delta", turnId=running)
    ids: list[str] = []
    for number in range(3):
        added = await talk.result(
            "thread/queue/add",
            threadId=thread,
            clientUserMessageId=f"m{number}",
            input=text(f"queued {number}"),
        )
        ids.append(added["queuedSubmission"]["id"])
    requests: Sequence[Request] = (
        ("add", {"clientUserMessageId": "", "input": []}),
        ("list", {"limit": 2}),
        ("list", {"limit": 2, "cursor": "2"}),
        ("list", {"cursor": "garbage"}),
        ("update", {"queuedSubmissionId": ids[0], "input": text("changed")}),
        ("update", {"queuedSubmissionId": "nope", "input": text("changed")}),
        ("update", {"queuedSubmissionId": ids[0], "input": []}),
        ("reorder", {"queuedSubmissionIds": [ids[2], ids[0], ids[1]]}),
        ("reorder", {"queuedSubmissionIds": [ids[2]]}),
        ("delete", {"queuedSubmissionId": ids[1]}),
        ("delete", {"queuedSubmissionId": ids[1]}),
        ("start", {}),
        ("start", {"queuedSubmissionId": "nope"}),
    )
    for method, params in requests:
        await talk.request(f"thread/queue/{method}", threadId=thread, **params)
    await talk.request("turn/interrupt", threadId=thread, turnId=running)
    await talk.completed(thread)
    await talk.request("thread/queue/list", threadId=thread)
    place = len(talk.heard)
    await talk.request("thread/queue/start", threadId=thread)
    for _ in range(2):
        await talk.completed(thread, after=place)
        place = len(talk.heard)
    await talk.request("thread/queue/start", threadId=thread)
    await talk.request("thread/queue/list", threadId=thread)


async def goals(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    await talk.turn(thread, "one")
    for params in (
        {},
        {"objective": " "},
        {"status": "paused"},
        {"objective": "x", "tokenBudget": 0},
        {"objective": "x", "status": "bogus"},
        {"objective": "x" * 4001},
        {"objective": "reach it", "status": "paused"},
    ):
        await talk.request("thread/goal/set", threadId=thread, **params)
    await talk.request("thread/goal/get", threadId=thread)
    await talk.request("thread/goal/set", threadId=thread, status="active", tokenBudget=1000)
    await talk.until(lambda m: m.get("params", {}).get("goal", {}).get("status") == "complete")
    await talk.completed(thread, after=len(talk.heard))
    await talk.request("thread/goal/get", threadId=thread)
    await talk.request("thread/goal/set", threadId=thread, objective="again")
    await talk.request("thread/goal/clear", threadId=thread)
    await talk.request("thread/goal/clear", threadId=thread)


def ok(count: int = 1) -> tuple[Step, ...]:
    return tuple(assistant_message("ok") for _ in range(count))


CONVERSATIONS: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "requests of nobody": (requests_of_nobody, ()),
    "requests of an ephemeral thread": (requests_of_the_ephemeral, ok()),
    "requests of an archived thread": (requests_of_the_archived, ok()),
    "requests of a thread without a turn": (requests_of_the_fresh, ()),
    "lists": (lists, ok(3)),
    "pages of lists": (pages_of_lists, ok(4)),
    "searches": (searches, (assistant_message("Waldo is here."),)),
    "histories": (histories, (assistant_message("two and two"), *ok(2))),
    "reverts": (reverts, (*ok(4), stall("half said"))),
    "ends": (ends, (*ok(), stall("half said"))),
    "notes": (notes, ok()),
    "queues": (queues, (stall("half said"), *ok(2))),
    "goals": (
        goals,
        (
            *ok(),
            assistant_message("working"),
            tool_call("update_goal", {"status": "complete"}),
            assistant_message("done"),
        ),
    ),
}


def compared(talk: Conversation) -> list[str]:
    """What was said, without cursors, which are opaque, and without the counting of a goal's tokens.

    Whether codex has counted a response when the model calls its goal complete differs from run
    to run, and so does whether it says once or twice that a thread is unloaded.
    """
    found: list[str] = []
    for line in said(talk):
        text = CURSOR.sub('"cursor": "…"', TOKENS.sub('"tokensUsed": "…"', line))
        again = '"thread/status/changed"' in text and '"notLoaded"' in text and text in found[-1:]
        if not again and COUNTING.search(text) is None:
            found.append(text)
    return found


CURSOR = re.compile(r'"(nextCursor|turnCursor)": "(?:[^"\\]|\\.)*"')
TOKENS = re.compile(r'"tokensUsed": \d+')
COUNTING = re.compile(r'"thread/goal/updated".*"status": "active".*"turnId": "')


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("binary", binaries()[:1])
async def test_the_fake_says_of_threads_what_codex_says(
    case: str, binary: str, tmp_path: Path
) -> None:
    act, steps = CONVERSATIONS[case]
    work = tmp_path / "work"
    fake = FakeAppServer(*steps, cwd=work)

    with ScriptedModel(*steps) as model:
        async with with_real(binary, model, tmp_path) as talk:
            if talk.version == VERIFIED:
                await act(talk, work)
            real_said = compared(talk)
    if talk.version != VERIFIED:
        pytest.skip(ANOTHER_CODEX)
    async with with_fake(fake) as talk:
        await act(talk, work)
        fake_said = compared(talk)

    assert fake_said == real_said
