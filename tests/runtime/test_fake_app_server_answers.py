"""What the fake app-server answers, compared with the real one: refusals, reads, the life of a thread."""

from __future__ import annotations

from pathlib import Path

import pytest
from runtime.fake_acts import TERMINATE, Act
from runtime.fake_comparison import ANOTHER_CODEX, said
from support_app_server import VERIFIED, Conversation, Json, binaries, with_fake, with_real

from codex_runtime.testing import FakeAppServer, ScriptedModel, Step, assistant_message, stall

pytestmark = pytest.mark.real

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"

REFUSED: dict[str, tuple[str, Json]] = {
    "unknown method": ("no/such", {}),
    "no thread id": ("thread/read", {}),
    "malformed thread id": ("thread/read", {"threadId": "xx"}),
    "short thread id": ("turn/start", {"threadId": "bad", "input": []}),
    "malformed session id": ("thread/resume", {"threadId": "bad"}),
    "read of nobody": ("thread/read", {"threadId": NOBODY}),
    "resume of nobody": ("thread/resume", {"threadId": NOBODY}),
    "name of nobody": ("thread/name/set", {"threadId": NOBODY, "name": "x"}),
    "archive of nobody": ("thread/archive", {"threadId": NOBODY}),
    "turn of nobody": ("turn/start", {"threadId": NOBODY, "input": []}),
    "interrupt of nobody": ("turn/interrupt", {"threadId": NOBODY, "turnId": "x"}),
    "steer of nobody": ("turn/steer", {"threadId": NOBODY, "expectedTurnId": "x", "input": []}),
    "terminals of nobody": ("thread/backgroundTerminals/list", {"threadId": NOBODY}),
    "terminals, no thread id": ("thread/backgroundTerminals/list", {}),
    "cleaning of nobody": ("thread/backgroundTerminals/clean", {"threadId": NOBODY}),
    "terminating of nobody": (TERMINATE, {"threadId": NOBODY, "processId": "7"}),
    "terminating no process": (TERMINATE, {"threadId": NOBODY}),
    "terminating a word": (TERMINATE, {"threadId": NOBODY, "processId": "xx"}),
    "terminating an empty word": (TERMINATE, {"threadId": NOBODY, "processId": ""}),
    "terminating a number": (TERMINATE, {"threadId": NOBODY, "processId": 7}),
    "bad instructions": ("thread/start", {"developerInstructions": 3}),
    "bad sandbox": ("thread/start", {"sandbox": "nope"}),
    "bad policy": ("thread/start", {"approvalPolicy": "nope"}),
    "bad cwd": ("thread/start", {"cwd": 3}),
    "bad input": ("turn/start", {"threadId": NOBODY, "input": [{"type": "nope"}]}),
    "no input": ("turn/start", {"threadId": NOBODY}),
    "bad policy object": (
        "turn/start",
        {"threadId": NOBODY, "input": [], "sandboxPolicy": {"type": "x"}},
    ),
    "greeting again": ("initialize", {"clientInfo": {"name": "tests", "version": "1"}}),
    "greeting without a version": ("initialize", {"clientInfo": {"name": "tests"}}),
}


async def refusals(talk: Conversation, work: Path) -> None:
    _ = work
    for method, params in REFUSED.values():
        await talk.request(method, **params)


async def life_of_a_thread(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), approvalPolicy="never", sandbox="read-only")
    for method, params in (
        ("thread/resume", {}),
        ("thread/read", {}),
        ("thread/read", {"includeTurns": True}),
        ("thread/list", {}),
        ("thread/loaded/list", {}),
        ("turn/interrupt", {"turnId": "x"}),
        ("turn/steer", {"expectedTurnId": "x", "input": [{"type": "text", "text": "x"}]}),
    ):
        await talk.request(method, threadId=thread, **params)
    await talk.turn(thread)
    for method, params in (
        ("thread/name/set", {"name": "my name"}),
        ("thread/list", {}),
        ("thread/read", {}),
        ("thread/read", {"includeTurns": True}),
        ("thread/resume", {}),
        ("thread/resume", {"excludeTurns": True}),
        ("thread/turns/list", {}),
        ("thread/unsubscribe", {}),
        ("thread/unsubscribe", {}),
        ("thread/resume", {"excludeTurns": True}),
        ("thread/archive", {}),
        ("thread/resume", {}),
        ("thread/archive", {}),
        ("thread/list", {}),
        ("thread/unarchive", {}),
        ("thread/read", {}),
        ("thread/unsubscribe", {}),
    ):
        await talk.request(method, threadId=thread, **params)
    await talk.event("thread/unarchived")


async def ephemeral(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), ephemeral=True)
    await talk.turn(thread)
    for method, params in (
        ("thread/read", {"includeTurns": True}),
        ("thread/read", {}),
        ("thread/list", {}),
    ):
        await talk.request(method, threadId=thread, **params)


async def terminals_of_the_idle(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    for method, params in (
        ("thread/backgroundTerminals/list", {}),
        ("thread/backgroundTerminals/list", {"cursor": "x"}),
        ("thread/backgroundTerminals/clean", {}),
        (TERMINATE, {"processId": "-7"}),
    ):
        await talk.request(method, threadId=thread, **params)


async def interrupts_of_the_idle(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work))
    turn = await talk.turn_start(thread)
    # Before `turn/started` it is refused, and the turn runs on (fact 57).
    await talk.request("turn/interrupt", threadId=thread, turnId=turn)
    await talk.event("item/agentMessage/delta", delta="said", threadId=thread)
    await talk.request("turn/interrupt", threadId=thread, turnId="other")
    await talk.request("turn/steer", threadId=thread, expectedTurnId="other", input=[])
    await talk.request("turn/interrupt", threadId=thread, turnId=turn)
    await talk.completed(thread)
    await talk.request("turn/interrupt", threadId=thread, turnId="other")
    await talk.request("turn/interrupt", threadId=thread, turnId="")
    # Of a turn that was interrupted before: answered when the next turn ends (fact 60).
    late = talk.send("turn/interrupt", {"threadId": thread, "turnId": turn})
    await talk.turn(thread)
    await talk.answer_to(late)


async def reads(talk: Conversation, work: Path) -> None:
    _ = work
    await talk.request("account/read")
    await talk.request("thread/unsubscribe", threadId=NOBODY)
    await talk.request("thread/list")


CONVERSATIONS: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "refusals": (refusals, ()),
    "the life of a thread": (life_of_a_thread, (assistant_message("Hello."),)),
    "an ephemeral thread": (ephemeral, (assistant_message("Hello."),)),
    "no terminals": (terminals_of_the_idle, ()),
    "interrupts": (interrupts_of_the_idle, (stall("half said"), assistant_message("ok"))),
    "nothing but reads": (reads, ()),
}


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("binary", binaries()[:1])
async def test_the_fake_answers_what_codex_answers(case: str, binary: str, tmp_path: Path) -> None:
    act, steps = CONVERSATIONS[case]
    work = tmp_path / "work"
    fake = FakeAppServer(*steps, cwd=work)

    with ScriptedModel(*steps) as model:
        async with with_real(binary, model, tmp_path) as talk:
            if talk.version == VERIFIED:
                await act(talk, work)
            real_said = said(talk)
    if talk.version != VERIFIED:
        pytest.skip(ANOTHER_CODEX)
    async with with_fake(fake) as talk:
        await act(talk, work)
        fake_said = said(talk)

    assert fake_said == real_said
