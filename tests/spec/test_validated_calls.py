"""Raw calls that are held to the schema of codex."""

from __future__ import annotations

from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import InvalidArgument, InvalidParams, RequestRefused
from codex_runtime.errors import InvalidThreadId, ThreadNotFound

NOBODY = "01a20e14-2be4-7a12-a239-d67c2245c836"


@requirement("validated:known")
async def test_a_call_of_a_known_method_gives_what_a_raw_one_gives(server: Server) -> None:
    thread = await server.thread()
    params = {"threadId": thread.thread_id}

    validated = await server.runtime.call_validated("thread/read", params)

    assert validated == await server.runtime.call_raw("thread/read", params)
    loaded = await server.runtime.call_validated("thread/loaded/list")
    assert thread.thread_id in loaded["data"]
    for mode in ("none", "known"):
        listed = await server.runtime.call_validated("thread/list", {"limit": 1}, mode=mode)
        assert isinstance(listed["data"], list)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("thread/read", {"threadId": ""}, "$.threadId"),
    ("thread/read", {"threadId": 7}, "$.threadId"),
    ("thread/resume", {}, "$.threadId"),
    ("thread/archive", {"threadId": " "}, "$.threadId"),
    ("turn/interrupt", {"threadId": NOBODY, "turnId": ""}, "$.turnId"),
    ("turn/steer", {"threadId": NOBODY, "input": [], "expectedTurnId": ""}, "$.expectedTurnId"),
    ("turn/start", {"threadId": NOBODY, "input": [{"type": "smell"}]}, "$.input[0].type"),
    ("thread/list", {"limit": -1}, "$.limit"),
    ("thread/turns/list", {"threadId": NOBODY, "limit": -1}, "$.limit"),
    ("thread/start", {"sandbox": {"type": "readOnly"}}, "$.sandbox"),
    (
        "turn/start",
        {"threadId": NOBODY, "input": [], "sandboxPolicy": "read-only"},
        "$.sandboxPolicy",
    ),
    ("command/exec", {"command": []}, "$.command"),
    ("command/exec", {"command": ["true"], "tty": True}, "$.processId"),
]


@requirement("validated:bad-input")
async def test_bad_input_is_refused_before_it_is_sent(server: Server) -> None:
    sent = server.runtime.statistics().requests

    for method, params, field in BAD:
        with pytest.raises(InvalidParams) as refusal:
            await server.runtime.call_validated(method, params)
        assert (refusal.value.method, refusal.value.field) == (method, field)
        assert NOBODY not in str(refusal.value)

    assert server.runtime.statistics().requests == sent


@requirement("validated:servers-part")
async def test_what_only_the_server_can_tell_is_its_refusal(server: Server) -> None:
    for method in ("thread/read", "thread/resume"):
        with pytest.raises(InvalidThreadId):
            await server.runtime.call_validated(method, {"threadId": "nobody"})
        with pytest.raises(ThreadNotFound):
            await server.runtime.call_validated(method, {"threadId": NOBODY})


@requirement("validated:strict")
async def test_strict_refuses_what_the_schema_does_not_have(server: Server) -> None:
    sent = server.runtime.statistics().requests
    strange: list[tuple[dict[str, Any], str]] = [
        ({"colour": "red"}, "$"),
        ({"sortKey": "taste"}, "$.sortKey"),
    ]

    for params, field in strange:
        with pytest.raises(InvalidParams) as refusal:
            await server.runtime.call_validated("thread/list", params, mode="strict")
        assert refusal.value.field == field
    assert server.runtime.statistics().requests == sent

    loaded = await server.runtime.call_validated("thread/loaded/list", mode="strict")
    assert loaded.keys() == {"data", "nextCursor"}


@requirement("validated:unknown-method")
async def test_an_unknown_method_is_the_servers_refusal_or_ours(server: Server) -> None:
    with pytest.raises(RequestRefused):
        await server.runtime.call_validated("thread/dream", {"of": "sheep"})
    with pytest.raises(InvalidArgument) as refusal:
        await server.runtime.call_validated("thread/dream", mode="strict")
    assert refusal.value.field == "method"
