"""Changing the settings of a thread, and seeing that they are in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from codex_runtime import protocol
from codex_runtime._client import Client
from codex_runtime._effective import Differences, asked_in, differences
from codex_runtime._live import LiveThread
from codex_runtime._params import Asked
from codex_runtime.errors import ExperimentalApiNeeded, PolicyMismatch, RequestRefused
from codex_runtime.protocol import methods

if TYPE_CHECKING:
    from codex_runtime._feed import TurnFeed
    from codex_runtime.protocol.types import (
        ThreadSettings,
        ThreadSettingsUpdateParams,
        TurnStartParams,
    )

__all__ = ["change_settings", "check_turn", "mismatch", "said"]

_TOLD: Final = 10.0
"""Seconds in which the server tells that settings have changed; 1 to 5 ms were measured."""

_TOLD_IF_NEW: Final = 1.0
"""The same where it may well be that nothing has changed, of which the server does not tell."""

_METHOD: Final = methods.THREAD_SETTINGS_UPDATE.method


async def change_settings(
    client: Client, live: LiveThread, params: ThreadSettingsUpdateParams, asked: Asked
) -> None:
    """Change the settings of a thread, and see that they are in force.

    The caller holds the lock of the thread.

    Raises:
        PolicyMismatch: They are not.
        CodexRuntimeError: Besides, whatever becomes of the request.
    """
    if not client.experimental:
        raise ExperimentalApiNeeded(
            _METHOD, -32600, f"{_METHOD} requires experimentalApi capability", feature=_METHOD
        )
    told = live.told
    try:
        await client.request(methods.THREAD_SETTINGS_UPDATE, params)
    except RequestRefused:
        raise
    except BaseException:
        live.suspect(params)
        raise
    before = differences(asked, live.settings)
    with anyio.move_on_after(_TOLD if said(before, live.settings) else _TOLD_IF_NEW):
        while differences(asked, live.settings):
            await live.next_change()
    found = differences(asked, live.settings)
    if live.told == told:
        # Nothing was told, so nothing has changed: what is not known stands as it was asked for.
        found = said(found, live.settings)
        live.suspect(params)
    if found:
        raise mismatch(live, found)


def said(found: Differences, settings: ThreadSettings) -> Differences:
    """Those differences that are about what the server has said."""
    unsaid = {
        name
        for name, value in (
            ("summary", settings.summary),
            ("collaboration_mode", settings.collaboration_mode),
        )
        if value is protocol.MISSING
    }
    return {name: text for name, text in found.items() if name not in unsaid}


async def check_turn(
    client: Client, live: LiveThread, params: TurnStartParams, feed: TurnFeed
) -> None:
    """See that what a turn asks for is in force in it, once the server has taken it.

    A client that has not asked for the experimental API is not told of settings: nothing is
    compared then.

    Raises:
        PolicyMismatch: It is not.
    """
    asked = asked_in(params)
    if client.experimental and differences(asked, live.settings):
        # As a rule the server tells of a change before it answers, and always before it tells of
        # the turn's start; of no change it tells nothing (fact 247).
        with anyio.move_on_after(_TOLD):
            await feed.started.wait()
        found = differences(asked, live.settings)
        if found:
            raise mismatch(live, found)


def mismatch(live: LiveThread, found: Differences) -> PolicyMismatch:
    """The error that says what is in force in place of what was asked for."""
    texts = [f"{name}: {text}" for name, text in sorted(found.items())]
    return PolicyMismatch(live.thread_id, texts)
