"""The fake app-server beyond what is compared with codex: its wire, its threads, what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.fake_talk import TEXT, request
from support_app_server import Conversation, conversation, with_fake

from codex_runtime import testing
from codex_runtime.testing import (
    FakeAppServer,
    ScriptedModel,
    assistant_message,
    shell,
    stall,
)


@pytest.fixture
def fake() -> FakeAppServer:
    return FakeAppServer(cwd="/project")


@pytest.fixture
async def talk(fake: FakeAppServer) -> AsyncIterator[Conversation]:
    async with with_fake(fake) as talk:
        yield talk


async def test_it_poses_as_another_codex() -> None:
    fake = FakeAppServer(version="0.200.0")

    async with conversation(await fake.connect()) as talk:
        greeting = await talk.initialize()

    assert greeting["userAgent"].startswith("tests/0.200.0 (")


async def test_nothing_works_before_the_greeting(fake: FakeAppServer) -> None:
    async with conversation(await fake.connect()) as talk:
        assert await talk.refusal("thread/list") == "Not initialized"
        assert "missing field `clientInfo`" in await talk.refusal("initialize")
        bad = {"name": "line\nbreak", "version": "1"}
        assert "valid HTTP header" in await talk.refusal("initialize", clientInfo=bad)
        await talk.initialize()
        await talk.result("thread/list")


async def test_a_client_may_opt_out_of_notifications(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("a b"))

    async with conversation(await fake.connect()) as talk:
        await talk.initialize(optOutNotificationMethods=["item/agentMessage/delta"])
        await talk.turn(await talk.thread())

    assert "item/agentMessage/delta" not in talk.methods()
    assert "item/completed" in talk.methods()


async def test_dynamic_tools_need_the_experimental_capability(fake: FakeAppServer) -> None:
    async with conversation(await fake.connect()) as talk:
        await talk.initialize(experimentalApi=False)

        refusal = await talk.refusal("thread/start", dynamicTools=[])

    assert refusal == "thread/start.dynamicTools requires experimentalApi capability"


@pytest.mark.parametrize(
    "noise",
    [b"", b"nonsense", b"[]", b"{}", b"3", b'{"id":null,"method":"thread/list"}', b'{"id":1.5,"method":"x"}',
     b'{"id":true,"method":"x"}', b'{"method":3,"id":1}', b'{"id":1,"method":"x","params":{"a":NaN}}',
     b'{"id":1,"method":"x"}{"id":2,"method":"x"}', b'{"method":"no/such"}', b'{"id":77,"result":{}}'],
)  # fmt: skip  # one a line would hide the rest
async def test_what_is_no_message_is_ignored_in_silence(
    fake: FakeAppServer, talk: Conversation, noise: bytes
) -> None:
    place = len(talk.heard)

    talk.say(noise)
    await talk.result("thread/list")

    assert talk.methods(after=place) == ["answer"]
    assert len(fake.received) == 4


async def test_invalid_utf8_ends_it_well(talk: Conversation) -> None:
    talk.say(b'{"id":1,"method":"\xff"}')

    await ended(talk)
    assert talk.transport.ending().exit_code == 0


async def test_a_resumed_thread_keeps_its_developers_instructions(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("ok"), assistant_message("ok"))
    async with with_fake(fake) as talk:
        thread = await talk.thread(baseInstructions="Be brief.", developerInstructions="Be kind.")
        await talk.turn(thread)
    others = {"baseInstructions": "Be long.", "developerInstructions": "Be rude."}
    async with with_fake(fake) as talk:
        await talk.result("thread/resume", threadId=thread, excludeTurns=True, **others)
        await talk.turn(thread)

    # As codex 0.163 does: the developer's are in the history, the base instructions are not.
    told = [item["content"][0]["text"] for item in fake.last_call.input[:2]]
    assert told == ["Be long.", "Be kind."]
    assert fake.last_call.instructions == "Be long."


async def test_a_thread_with_a_turn_outlives_its_process(fake: FakeAppServer) -> None:
    fake.enqueue(assistant_message("1"), assistant_message("2"))
    async with with_fake(fake) as talk:
        kept, lost = await talk.thread(), await talk.thread()
        await talk.turn(kept)

    async with with_fake(fake) as talk:
        assert (
            await talk.refusal("turn/start", threadId=kept, input=TEXT)
            == f"thread not found: {kept}"
        )
        assert "no rollout found" in await talk.refusal("thread/resume", threadId=lost)
        opened = await talk.result("thread/resume", threadId=kept, approvalPolicy="never")
        await talk.turn(kept)

    assert opened["approvalPolicy"] == "never"
    assert len(opened["thread"]["turns"]) == 1


async def test_an_unsubscribed_thread_runs_on_unseen(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(assistant_message("unseen"))
    thread = await talk.thread()
    await talk.result("thread/unsubscribe", threadId=thread)
    place = len(talk.heard)

    await talk.turn_start(thread)
    await talk.event("thread/status/changed", after=place, status={"type": "idle"})

    assert set(talk.methods(after=place)) == {"answer", "thread/status/changed"}


async def test_questions_are_asked_again_on_resume(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(assistant_message("1"), shell("ls"))
    thread = await talk.thread(approvalPolicy="untrusted")
    await talk.turn(thread)

    await talk.turn_start(thread)
    first = await request(talk, "item/commandExecution/requestApproval", 0)
    await talk.result("thread/resume", threadId=thread, excludeTurns=True)
    second = await request(talk, "item/commandExecution/requestApproval", 1)

    assert first == second


async def test_archiving_ends_a_running_turn_first(fake: FakeAppServer, talk: Conversation) -> None:
    fake.enqueue(stall("half"))
    thread = await talk.thread()
    await talk.turn_start(thread)
    await talk.event("item/agentMessage/delta")
    place = len(talk.heard)

    await talk.result("thread/archive", threadId=thread)
    await talk.event("thread/archived")

    told = talk.methods(after=place)
    assert told.index("turn/completed") < told.index("answer") < told.index("thread/archived")


async def test_threads_are_listed_in_pages(fake: FakeAppServer, talk: Conversation) -> None:
    fake.extend([assistant_message("ok")] * 3)
    threads = [await talk.thread() for _ in range(3)]
    for thread in threads:
        await talk.turn(thread)

    first = await talk.result("thread/list", limit=2, sortKey="recency_at")
    after = first["nextCursor"]
    second = await talk.result("thread/list", limit=2, sortKey="recency_at", cursor=after)

    found = [thread["id"] for page in (first, second) for thread in page["data"]]
    assert found == threads[::-1]
    assert second["nextCursor"] is None
    assert await talk.refusal("thread/list", cursor="garbage") == "invalid cursor: garbage"


async def test_pages_by_creation_skip_threads_of_the_same_second_as_codex_does(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.extend([assistant_message("ok")] * 3)
    for _ in range(3):
        await talk.turn(await talk.thread())

    first = await talk.result("thread/list", limit=2)
    second = await talk.result("thread/list", limit=2, cursor=first["nextCursor"])

    assert [len(page["data"]) for page in (first, second)] == [2, 0]


async def test_what_it_does_not_play_is_refused_with_the_way_out(talk: Conversation) -> None:
    refusal = await talk.refusal("thread/timeline/list", threadId="x")

    assert refusal == (
        "the fake app-server does not play `thread/timeline/list`; "
        "give it an answer with fake.on_request('thread/timeline/list', …)"
    )
    assert "runs no commands" in await talk.refusal("command/exec", command=["true"])
    assert (await talk.result("model/list"))["data"][0]["id"] == "gpt-5.5"


async def test_too_long_an_input_is_refused(talk: Conversation) -> None:
    thread = await talk.thread()
    long = [{"type": "text", "text": "x" * 1_048_577}]

    answer = await talk.request("turn/start", threadId=thread, input=long)

    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["input_error_code"] == "input_too_large"


def test_the_example_of_the_package_runs() -> None:
    _, example = (testing.__doc__ or "").split("`fake_codex`.\n\n")
    source = "\n".join(line.removeprefix("    ") for line in example.splitlines())

    exec(compile(source, "example", "exec"), {})  # noqa: S102 — the package's own example


def test_both_players_take_the_same_script(tmp_path: Path) -> None:
    steps = (shell("ls", output="a"), assistant_message("ok"))

    fake, model = FakeAppServer(*steps, cwd=tmp_path), ScriptedModel(*steps)

    assert fake.remaining_steps == model.remaining_steps == steps


async def ended(talk: Conversation) -> None:
    with anyio.fail_after(5):
        while not talk.ended:
            await checkpoint()
