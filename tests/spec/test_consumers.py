"""Several consumers of one turn, early and late."""

from __future__ import annotations

import anyio
from spec.reading import told
from spec.requirements import requirement
from spec.server import Server

from codex_runtime.protocol import AgentMessageDeltaNotification, Event
from codex_runtime.testing import assistant_message, shell


def text_in(events: list[Event]) -> str:
    return "".join(
        event.delta for event in events if isinstance(event, AgentMessageDeltaNotification)
    )


@requirement("consumers:each-begins-at-the-start")
async def test_consumers_early_and_late_get_all_of_it(server: Server) -> None:
    gate = server.model.gate()
    server.says(
        shell("true"), assistant_message("Hello there", chunks=["Hello ", "there"], gate=gate)
    )
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    found: list[list[Event]] = []

    async def follow() -> None:
        found.append([event async for event in turn])

    async with anyio.create_task_group() as consumers:
        consumers.start_soon(follow)
        consumers.start_soon(follow)
        await gate.wait_reached()
        consumers.start_soon(follow)
        gate.open()
    words = [text async for text in turn.text()]

    assert len(found) == 3
    for events in found:
        assert [told(event) for event in events[:3]] == [
            "turn/started",
            "item/started userMessage",
            "item/completed userMessage",
        ]
        assert text_in(events) == "Hello there"
        assert told(events[-1]) == "turn/completed"
    assert "".join(words) == "Hello there"


@requirement("consumers:after-the-end")
async def test_a_consumer_after_the_end_gets_all_of_it(server: Server) -> None:
    server.says(assistant_message("Hello there"))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    live = [event async for event in turn]
    await turn.wait_ended()

    for _ in range(2):
        late = [event async for event in turn]
        assert text_in(late) == text_in(live) == "Hello there"
        assert [told(event) for event in late if "delta" not in event.method] == [
            told(event) for event in live if "delta" not in event.method
        ]


@requirement("consumers:undisturbed")
async def test_a_consumer_that_gives_up_takes_nothing_from_another(server: Server) -> None:
    gate = server.model.gate()
    server.says(assistant_message("Hello there", chunks=["Hello ", "there"], gate=gate))
    thread = await server.thread()
    turn = await thread.turn_start("hello")
    asleep = turn.events()
    assert told(await anext(asleep)) == "turn/started"

    async for event in turn:
        if isinstance(event, AgentMessageDeltaNotification):
            break
    with anyio.move_on_after(0.01):
        async for _ in turn:
            pass
    gate.open()
    whole = [event async for event in turn]

    assert text_in(whole) == "Hello there"
    assert (await turn.result()).text == "Hello there"
    rest = [event async for event in asleep]
    assert text_in(rest) == "Hello there"
    assert told(rest[0]) == "item/started userMessage"
