"""Raw calls held to the schema, over servers that lie."""

from __future__ import annotations

from typing import Any

import pytest

from codex_runtime import InvalidArgument, InvalidParams, RemoteProtocolError
from codex_runtime.errors import ThreadIdMismatch
from codex_runtime.testing import FakeAppServer

T, OTHER = "01a20e14-2be4-7a12-a239-d67c2245c836", "01a20e14-2be4-7a12-a239-d67c2245c837"


async def test_an_answer_that_is_none_of_the_method_is_not_taken() -> None:
    fake = FakeAppServer()
    fake.on_request("thread/loaded/list", lambda _: {"data": "SeCrEt"})
    async with fake.runtime() as runtime:
        with pytest.raises(RemoteProtocolError, match=r"\$\.data") as refusal:
            await runtime.call_validated("thread/loaded/list")
        assert "SeCrEt" not in str(refusal.value)
        assert await runtime.call_validated("thread/loaded/list", mode="none") == {"data": "SeCrEt"}


async def test_a_resume_that_gives_another_thread_is_not_taken() -> None:
    fake = FakeAppServer()
    fake.on_request("thread/resume", lambda _: {"thread": {"id": OTHER}})
    async with fake.runtime() as runtime:
        with pytest.raises(ThreadIdMismatch) as refusal:
            await runtime.call_validated("thread/resume", {"threadId": T})
    assert (refusal.value.requested, refusal.value.actual) == (T, OTHER)


async def test_what_is_refused_here_never_reaches_the_server() -> None:
    fake = FakeAppServer()
    wrong: Any = "lax"
    async with fake.runtime() as runtime:
        with pytest.raises(InvalidParams):
            await runtime.call_validated("thread/read", {"threadId": ""})
        with pytest.raises(InvalidArgument):
            await runtime.call_validated("thread/read", {"threadId": T}, mode=wrong)
        with pytest.raises(InvalidArgument):
            await runtime.call_validated("initialize", {}, mode="none")
    assert not fake.requests("thread/read")
