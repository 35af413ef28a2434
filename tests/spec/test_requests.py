"""Any method of the protocol: typed, raw, refused."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import InvalidArgument, RequestRefused, UnsendableValue
from codex_runtime.protocol import (
    ModelListParams,
    ThreadListParams,
    ThreadLoadedListParams,
    ThreadReadParams,
    ThreadReadResponse,
    ThreadSetNameParams,
    methods,
)
from codex_runtime.testing import assistant_message

NOBODY = "0199a213-81c0-7800-8aa1-bbab2a035a53"
"""A thread id in the right form that no thread has."""


@requirement("request:typed")
async def test_any_method_can_be_called_with_types(server: Server) -> None:
    server.says(assistant_message("Hello"))
    thread = await server.thread()
    await thread.run("A prompt to be listed by")

    read = await server.runtime.request(
        methods.THREAD_READ, ThreadReadParams(thread_id=thread.thread_id)
    )
    listing = await server.runtime.request(methods.THREAD_LIST, ThreadListParams(limit=100))
    loaded = await server.runtime.request(methods.THREAD_LOADED_LIST, ThreadLoadedListParams())
    models = await server.runtime.request(methods.MODEL_LIST, ModelListParams())

    assert isinstance(read, ThreadReadResponse)
    assert (read.thread.id, read.thread.preview) == (thread.thread_id, "A prompt to be listed by")
    assert read.thread.cwd == str(server.workspace)
    assert [each.preview for each in listing.data if each.id == thread.thread_id] == [
        "A prompt to be listed by"
    ]
    assert thread.thread_id in loaded.data
    assert models.data
    assert all(model.id and model.display_name for model in models.data)


@requirement("request:raw")
async def test_any_method_can_be_called_with_plain_data(server: Server) -> None:
    thread = await server.thread()

    read = await server.runtime.call_raw("thread/read", {"threadId": thread.thread_id})
    models = await server.runtime.call_raw("model/list")

    assert read["thread"]["id"] == thread.thread_id
    assert read["thread"]["status"] == {"type": "idle"}
    assert models["data"][0]["id"]


@requirement("request:unknown-thread")
async def test_a_request_about_an_unknown_thread_is_refused(server: Server) -> None:
    expected = {
        "thread/read": "thread not loaded",
        "thread/resume": "no rollout found for thread id",
        "thread/archive": "no rollout found for thread id",
    }

    for method, words in expected.items():
        with pytest.raises(RequestRefused) as refusal:
            await server.runtime.call_raw(method, {"threadId": NOBODY})
        assert (refusal.value.method, refusal.value.code) == (method, -32600)
        assert words in refusal.value.message
        assert NOBODY in refusal.value.message
        assert method in str(refusal.value)
    with pytest.raises(RequestRefused) as refusal:
        await server.runtime.request(methods.THREAD_READ, ThreadReadParams(thread_id="nonsense"))
    assert "invalid thread id" in refusal.value.message


@requirement("request:unknown-method")
async def test_an_unknown_method_is_refused(server: Server) -> None:
    with pytest.raises(RequestRefused) as refusal:
        await server.runtime.call_raw("thread/fly", {"threadId": NOBODY})

    assert refusal.value.code == -32600
    assert "thread/fly" in refusal.value.message


@requirement("request:unsendable")
async def test_what_json_cannot_carry_is_not_sent(server: Server) -> None:
    sent = server.runtime.statistics().requests
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"limit": float("nan")}, "limit"),
        ({"config": {"sizes": [1, float("inf")]}}, "sizes[1]"),
        ({"name": "\udc80"}, "name"),
        ({"when": object()}, "when"),
    ]

    for params, place in wrong:
        with pytest.raises(UnsendableValue) as refusal:
            await server.runtime.call_raw("thread/list", params)
        assert place in refusal.value.field
    with pytest.raises(InvalidArgument):
        await server.runtime.call_raw("thread/list", timeout=0)

    assert server.runtime.statistics().requests == sent


@requirement("request:many-at-once")
async def test_three_hundred_requests_at_once_are_all_answered(server: Server) -> None:
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await server.runtime.call_raw("thread/loaded/list"))

    async with anyio.create_task_group() as tasks:
        for _ in range(300):
            tasks.start_soon(ask)

    assert len(answers) == 300
    assert all("data" in answer for answer in answers)
    assert server.runtime.statistics().open_requests == 0


@requirement("request:name-makes-durable")
async def test_a_name_makes_a_thread_durable(server: Server) -> None:
    thread = await server.thread()

    with pytest.raises(RequestRefused):
        await server.runtime.call_raw("thread/resume", {"threadId": thread.thread_id})
    await server.runtime.request(
        methods.THREAD_NAME_SET, ThreadSetNameParams(thread_id=thread.thread_id, name="My work")
    )
    resumed = await server.runtime.call_raw("thread/resume", {"threadId": thread.thread_id})

    assert resumed["thread"]["name"] == "My work"
