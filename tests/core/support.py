"""What the suites of events share: events, smaller bounds, and reading without an event loop."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from codex_runtime import _channel, _log, _merging
from codex_runtime._channel import Consumer
from codex_runtime.protocol import (
    AgentMessageDeltaNotification,
    AgentMessageItem,
    Event,
    ItemCompletedNotification,
    Turn,
    TurnCompletedNotification,
    TurnStartedNotification,
)

T, U = "thread-1", "turn-1"


def delta(text: Any, item_id: str = "m1", at: int | None = None) -> Event:
    return AgentMessageDeltaNotification(
        delta=text, item_id=item_id, thread_id=T, turn_id=U, emitted_at_ms=at
    )


def completed(item_id: str, text: str = "") -> Event:
    return ItemCompletedNotification(
        item=AgentMessageItem(id=item_id, text=text), thread_id=T, turn_id=U
    )


def turn_started(thread_id: str = T, turn_id: str = U) -> Event:
    return TurnStartedNotification(
        thread_id=thread_id, turn=Turn(id=turn_id, items=[], status="inProgress")
    )


def turn_completed(thread_id: str = T, turn_id: str = U) -> Event:
    return TurnCompletedNotification(
        thread_id=thread_id, turn=Turn(id=turn_id, items=[], status="completed")
    )


@contextmanager
def bounds(**values: int) -> Generator[None]:
    """Other bounds than the real ones, so that a few events are many."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            for module in (_channel, _log, _merging):
                for spelled in {name, f"_{name}"} & vars(module).keys():
                    patch.setattr(module, spelled, value)
        yield


def read(channel: Consumer) -> Event:
    """The next event, which is there: without an event loop, because nothing has to wait."""
    step = channel.__anext__()
    try:
        step.send(None)
    except StopIteration as done:
        event: Event = done.value
        return event
    step.close()
    pytest.fail("there is nothing to read")


def read_all(channel: Consumer) -> list[Event]:
    """All events up to the end of a closed channel."""
    found: list[Event] = []
    while True:
        try:
            found.append(read(channel))
        except StopAsyncIteration:
            return found
