"""What the server asks of the client: refused once, in its own shape, whatever its id."""

from typing import Any

import anyio
import pytest
from runtime.support import Server, settled

REFUSALS: dict[str, Any] = {
    "item/commandExecution/requestApproval": {"decision": "decline"},
    "item/fileChange/requestApproval": {"decision": "decline"},
    "item/permissions/requestApproval": {"permissions": {}, "scope": "turn"},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None},
}


@pytest.mark.parametrize(
    ("method", "request_id"),
    [
        *((method, 0) for method in REFUSALS),
        *(("item/fileChange/requestApproval", id_) for id_ in ("", -7, "ü", "0", 2**53 + 1)),
    ],
)
async def test_a_request_of_the_server_is_refused_once_in_its_own_shape(
    server: Server, method: str, request_id: int | str
) -> None:
    async with server.runtime() as runtime:
        server.say(id=request_id, method=method, params={"threadId": "thread-1"})
        await server.answered()
        await settled()
        assert server.answers() == [{"id": request_id, "result": REFUSALS[method]}]
        assert runtime.statistics().server_requests == 1


async def test_a_tool_that_nobody_has_fails_in_words_for_the_model(server: Server) -> None:
    async with server.runtime():
        server.say(id=0, method="item/tool/call", params={})
        answer = await server.answered()
        assert answer["result"]["success"] is False
        assert answer["result"]["contentItems"][0]["type"] == "inputText"


@pytest.mark.parametrize("method", ["test/new", "attestation/generate", "currentTime/read"])
async def test_a_request_without_a_shape_of_refusal_gets_method_not_found(
    server: Server, method: str
) -> None:
    async with server.runtime():
        server.say(id="", method=method)
        answer = await server.answered()
        assert (answer["id"], answer["error"]["code"]) == ("", -32601)


async def test_the_ids_of_both_sides_are_two_different_things(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    got: list[Any] = []
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:

        async def slow() -> None:
            got.append(await runtime.call_raw("test/slow"))

        tasks.start_soon(slow)
        request = await server.heard("test/slow")
        server.say(id=request["id"], method="test/new")
        await server.answered()
        assert got == []
        server.answer(request, "mine")
    assert got == ["mine"]


@pytest.mark.parametrize("method", ["execCommandApproval", "applyPatchApproval"])
async def test_a_request_of_the_legacy_protocol_is_denied(server: Server, method: str) -> None:
    async with server.runtime():
        server.say(id=0, method=method, params={"conversationId": "thread-1"})
        decision = (await server.answered())["result"]["decision"]
        assert "denied" in decision
