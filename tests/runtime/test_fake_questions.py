"""What the fake app-server asks, beyond what is compared with codex: many at once, the order of things."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from runtime.fake_talk import params, request
from runtime.question_acts import COMMAND, ELICITATION, PATCH, PERMISSIONS, QUESTION, TOOL
from support_app_server import Conversation, Json, conversation, with_fake

from codex_runtime.testing import (
    FakeAppServer,
    Gate,
    add_file,
    apply_patch,
    assistant_message,
    mcp_call,
    patch_text,
    shell,
    together,
    tool_call,
)

ACCEPT: Json = {"result": {"decision": "accept"}}


@pytest.fixture
def fake() -> FakeAppServer:
    return FakeAppServer(cwd="/project")


@pytest.fixture
async def talk(fake: FakeAppServer) -> AsyncIterator[Conversation]:
    async with with_fake(fake) as talk:
        yield talk


async def test_a_thousand_requests_are_open_at_once(
    fake: FakeAppServer, talk: Conversation
) -> None:
    commands = [shell(f"echo {n}", output=str(n)) for n in range(1000)]
    fake.enqueue(together(*commands), assistant_message("ok"))
    thread = await talk.thread(approvalPolicy="untrusted")

    await talk.turn_start(thread)
    await talk.until(lambda _: talk.methods().count(COMMAND) == 1000)
    numbers = [message["id"] for message in talk.heard if message.get("method") == COMMAND]
    for number in sorted(numbers, key=lambda number: number * 7919 % 1000):
        talk.say({"id": number, "result": {"decision": "accept" if number % 2 else "decline"}})
    await talk.completed(thread)

    ended = [item["status"] for item in talk.items("commandExecution")]
    assert (ended.count("completed"), ended.count("declined")) == (500, 500)
    told = [*fake.last_call.tool_outputs.values()]
    assert all(("rejected" in text) == (n % 2 == 0) for n, text in enumerate(told))
    assert len(told) == talk.methods().count("serverRequest/resolved") == 1000


async def test_what_ends_at_once_is_told_when_nothing_is_asked_any_more(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(together(shell("a"), shell("b"), shell("c")), assistant_message("ok"))
    thread = await talk.thread(approvalPolicy="untrusted")

    await talk.turn_start(thread)
    await request(talk, COMMAND, 2)
    for number in (1, 0, 2):
        assert talk.items("commandExecution") == []
        talk.say({"id": number, **ACCEPT})
        await talk.event("serverRequest/resolved", requestId=number)
    await talk.completed(thread)

    assert [item["command"][-1] for item in talk.items("commandExecution")] == ["b", "a", "c"]


async def test_an_accepted_command_runs_until_its_gate_opens(
    fake: FakeAppServer, talk: Conversation
) -> None:
    gate = fake.gate()
    fake.enqueue(together(shell("a", gate=gate), shell("b")), assistant_message("ok"))
    talk.answers[COMMAND] = lambda _: ACCEPT
    thread = await talk.thread(approvalPolicy="untrusted")

    await talk.turn_start(thread)
    await gate.wait_reached()
    await talk.event("thread/status/changed", status={"type": "active", "activeFlags": []})
    gate.open()
    await talk.completed(thread)

    assert [item["command"][-1] for item in talk.items("commandExecution")] == ["b", "a"]


async def test_a_gate_that_nobody_opens_fails_the_turn(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(shell("a", gate=Gate(seconds=0.01)))
    talk.answers[COMMAND] = lambda _: ACCEPT

    turn = await talk.turn(await talk.thread(approvalPolicy="untrusted"))

    assert turn["status"] == "failed"
    assert "GateTimeout" in turn["error"]["message"]


async def test_other_calls_wait_for_those_before_them(
    fake: FakeAppServer, talk: Conversation
) -> None:
    patch = apply_patch(patch_text(add_file("a", "x")))
    fake.enqueue(together(shell("a"), shell("b"), patch, shell("c")), assistant_message("ok"))
    thread = await talk.thread(approvalPolicy="untrusted", sandbox="workspace-write")

    await talk.turn_start(thread)
    for number, method in enumerate((COMMAND, COMMAND, PATCH, COMMAND)):
        place = (COMMAND, COMMAND, PATCH, COMMAND)[:number].count(method)
        assert (await request(talk, method, place))["id"] == number
        assert talk.methods().count(PATCH) == (number > 1)
        talk.say({"id": number, **ACCEPT})
    await talk.completed(thread)


async def test_a_patch_with_one_more_file_is_asked_about_as_a_whole(
    fake: FakeAppServer, talk: Conversation
) -> None:
    one, two = add_file("a", "x"), add_file("b", "x")
    fake.enqueue(
        apply_patch(patch_text(one)), apply_patch(patch_text(one, two)), assistant_message("ok")
    )
    talk.answers[PATCH] = lambda _: {"result": {"decision": "acceptForSession"}}

    await talk.turn(await talk.thread(approvalPolicy="untrusted"))

    assert talk.methods().count(PATCH) == 2


async def test_tools_that_are_switched_off_are_none(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(
        tool_call("request_permissions", {"permissions": {}}),
        tool_call("say", {}, namespace="mcp__nobody"),
        tool_call("request_user_input", "{"),
        assistant_message("ok"),
    )

    await talk.turn(await talk.thread(config={"features": {"request_permissions_tool": False}}))

    assert [*fake.last_call.tool_outputs.values()] == [
        "unsupported call: request_permissions",
        "unsupported call: mcp__nobodysay",
        "request_user_input is unavailable in Default mode",
    ]


async def test_questions_in_default_mode_are_a_feature(
    fake: FakeAppServer, talk: Conversation
) -> None:
    fake.enqueue(
        tool_call("request_user_input", {"questions": []}),
        tool_call("request_user_input", {}),
        tool_call("request_user_input", "{"),
        assistant_message("ok"),
    )
    talk.answers[QUESTION] = lambda _: {"result": {"answers": {}}}

    config = {"features": {"default_mode_request_user_input": True}}
    await talk.turn(await talk.thread(config=config))

    assert talk.methods().count(QUESTION) == 1
    told = [*fake.last_call.tool_outputs.values()]
    assert told[0] == '{"answers":{}}'
    assert told[1] == "failed to parse function arguments: missing field `questions`"
    assert told[2].startswith("failed to parse function arguments: ")


async def test_permissions_under_a_policy_of_parts(fake: FakeAppServer, talk: Conversation) -> None:
    granular = {"sandbox_approval": True, "rules": True, "mcp_elicitations": True}
    ask = tool_call("request_permissions", {"permissions": {"network": {"enabled": True}}})
    fake.enqueue(*[ask, assistant_message("ok")] * 2)
    talk.answers[PERMISSIONS] = lambda asked: {"result": {"permissions": asked["permissions"]}}

    for is_asked in (False, True):
        policy = {"granular": {**granular, "request_permissions": is_asked}}
        config = {"features.request_permissions_tool": True}
        await talk.turn(await talk.thread(config=config, approvalPolicy=policy))
        assert talk.methods().count(PERMISSIONS) == is_asked

    assert '"network":{"enabled":true}' in str(fake.last_call.last_tool_output)


async def test_a_url_of_an_mcp_server(fake: FakeAppServer, talk: Conversation) -> None:
    url = {"mode": "url", "message": "Sign in", "url": "https://example.com", "elicitationId": "1"}
    fake.enqueue(mcp_call("tiny", "ask", read_only=True, asks=url, output="done"))
    fake.enqueue(assistant_message("ok"))
    talk.answers[ELICITATION] = lambda _: {"result": {"action": "accept"}}

    await talk.turn(await talk.thread())

    (asked,) = params(talk, ELICITATION)
    assert (asked["mode"], asked["url"], asked["serverName"]) == ("url", url["url"], "tiny")
    assert str(fake.last_call.last_tool_output).endswith("Output:\ndone")


async def test_an_elicitation_looks_like_an_approval_where_the_server_wants_it(
    fake: FakeAppServer, talk: Conversation
) -> None:
    meta = {"codex_approval_kind": "mcp_tool_call"}
    asks = {"message": "Allow?", "requestedSchema": {"type": "object"}, "_meta": meta}
    fake.enqueue(mcp_call("sly", "ask", read_only=True, asks=asks), assistant_message("ok"))
    talk.answers[ELICITATION] = lambda _: {"result": {"action": "decline"}}

    await talk.turn(await talk.thread())

    assert params(talk, ELICITATION)[0]["_meta"] == meta
    assert str(fake.last_call.last_tool_output).endswith('{"action": "decline"}')


async def test_a_call_may_have_a_gate(fake: FakeAppServer, talk: Conversation) -> None:
    gate = fake.gate()
    fake.enqueue(mcp_call("tiny", "say", read_only=True, gate=gate), assistant_message("ok"))
    thread = await talk.thread()

    await talk.turn_start(thread)
    await gate.wait_reached()
    assert talk.items("mcpToolCall", of="item/started") == []
    gate.open()
    await talk.completed(thread)

    assert len(talk.items("mcpToolCall")) == 1


async def test_a_shutdown_says_nothing_of_what_is_open(fake: FakeAppServer) -> None:
    fake.enqueue(together(shell("a"), shell("b")))

    async with conversation(await fake.connect()) as talk:
        await talk.initialize()
        await talk.turn_start(await talk.thread(approvalPolicy="untrusted"))
        await request(talk, COMMAND, 1)
        heard = len(talk.heard)
        await talk.transport.aclose()

    assert talk.heard[heard:] == []
    fake.assert_complete()


async def test_answers_that_fit_nothing_are_ignored(
    fake: FakeAppServer, talk: Conversation
) -> None:
    lookup = {"name": "lookup", "description": "", "inputSchema": {"type": "object"}}
    fake.enqueue(tool_call("lookup", {}), assistant_message("ok"))
    thread = await talk.thread(dynamicTools=[{"type": "function", **lookup}])
    done: Json = {"success": True, "contentItems": [{"type": "inputText", "text": "1"}]}

    await talk.turn_start(thread)
    await request(talk, TOOL, 0)
    for number in ("0", 7, True, 0, 0):
        talk.say({"id": number, "result": done if number == 0 else {"success": False}})
    await talk.completed(thread)

    (item,) = talk.items("dynamicToolCall")
    assert (item["status"], item["contentItems"]) == ("completed", done["contentItems"])
