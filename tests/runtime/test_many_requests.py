"""A thousand requests at once, decided by whoever fails in all the ways there are."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime.virtual_time import virtual_backend

from codex_runtime import Runtime
from codex_runtime.answers import Allow, Answers, Deny, Later
from codex_runtime.protocol import CommandExecutionItem
from codex_runtime.requests import RequestDecided, ServerRequest
from codex_runtime.testing import FakeAppServer, assistant_message, shell, together

MANY = 1_000


async def _raise(_: ServerRequest) -> Any:
    raise ValueError("no")


async def _exit(_: ServerRequest) -> Any:
    raise SystemExit


async def _hang(_: ServerRequest) -> Any:
    await anyio.sleep_forever()


async def _answer_late(_: ServerRequest) -> Any:
    await anyio.sleep(1_000)
    return Allow()


async def _think(_: ServerRequest) -> Any:
    await anyio.sleep(1)
    return Allow()


async def _answer_itself(request: ServerRequest) -> Any:
    request.respond(Allow())
    await anyio.sleep(1)
    return Deny()


async def _answer_itself_and_fail(request: ServerRequest) -> Any:
    request.respond(Deny())
    raise ValueError("afterwards")


async def _misfit(_: ServerRequest) -> Any:
    return Answers({})


def _returning(answer: Any) -> Callable[[ServerRequest], Awaitable[Any]]:
    async def approver(_: ServerRequest) -> Any:
        return answer

    return approver


WAYS: dict[str, tuple[Callable[[ServerRequest], Awaitable[Any]], str]] = {
    "allows": (_returning(Allow()), "allowed"),
    "denies": (_returning(Deny()), "denied"),
    "has no opinion": (_returning(None), "refused"),
    "says nonsense": (_returning(7), "refused"),
    "does not fit": (_misfit, "refused"),
    "raises": (_raise, "refused"),
    "wants to exit": (_exit, "refused"),
    "hangs": (_hang, "expired"),
    "is late": (_answer_late, "expired"),
    "leaves it open": (_returning(Later()), "expired"),
    "leaves it open for a while": (_returning(Later(5)), "refused"),
    "thinks": (_think, "allowed"),
    "answers by itself": (_answer_itself, "allowed"),
    "answers by itself and fails": (_answer_itself_and_fail, "denied"),
}
"""What an approver may do, and what becomes of the request."""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=3, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_each_of_a_thousand_open_requests_is_settled_once(
    backend: str, chance: random.Random
) -> None:
    name, options = virtual_backend(backend)
    anyio.run(_settle_many, chance, backend=name, backend_options=options)


async def _settle_many(chance: random.Random) -> None:
    steps = [together(*[shell("touch here", escalate=True)] * MANY), assistant_message("Done.")]
    fake = FakeAppServer(*steps)
    chosen: dict[str, str] = {}

    async def decide(request: ServerRequest) -> Any:
        way = chosen[request.item_id] = chance.choice(list(WAYS))
        return await WAYS[way][0](request)

    async with Runtime(connect=fake.connect, approve=decide, decision_timeout=60) as runtime:
        thread = await runtime.thread_start()
        turn = await thread.turn_start("Work.")
        said = [event async for event in turn if isinstance(event, RequestDecided)]
        result = await turn.result()
        statistics = runtime.statistics()
    assert result.status == "completed"
    assert len({event.request_id for event in said}) == len(said) == MANY
    became = {event.item_id: event.decision for event in said}
    assert became == {item: WAYS[way][1] for item, way in chosen.items()}
    assert statistics.decisions == Counter(became.values())
    assert statistics.open_server_requests == 0
    ran = {
        item.id
        for item in result.items
        if isinstance(item, CommandExecutionItem) and item.status == "completed"
    }
    assert ran == {item for item, decision in became.items() if decision == "allowed"}
