"""Putting back what a turn has changed in the settings of its thread.

Not when the turn ends, but as soon as it has started: it keeps its own all the same (fact 288), and
what the server starts by itself right after it, for its queue or a goal, must not have them.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any, Final

import anyio

from codex_runtime import protocol
from codex_runtime._arguments import without_none
from codex_runtime._client import Client
from codex_runtime._effective import approval_in_force, asked_in, differences
from codex_runtime._live import LiveThread
from codex_runtime._params import Asked
from codex_runtime._settings import change_settings, said
from codex_runtime.errors import (
    CodexRuntimeError,
    ConnectionLost,
    InvalidArgument,
    RequestTimeout,
    RuntimeClosed,
)
from codex_runtime.policy import Sandbox
from codex_runtime.protocol import methods

if TYPE_CHECKING:
    from codex_runtime._feed import TurnFeed
    from codex_runtime.protocol.types import (
        ThreadSettings,
        ThreadSettingsUpdateParams,
        TurnStartParams,
    )

__all__ = [
    "Restore",
    "following",
    "holding",
    "only_this_turn",
    "plan_restore",
    "restoring",
]

logger = logging.getLogger("codex_runtime.thread")

_KEPT: Final = frozenset(
    {
        "approval_policy",
        "approvals_reviewer",
        "cwd",
        "effort",
        "model",
        "permissions",
        "sandbox",
        "service_tier",
        "summary",
    }
)
"""Options of a turn that stay in force after it (fact 49)."""

_RESTORE_BOUND: Final = 10.0
"""Seconds that putting settings back may take; the next turn of the thread waits for that."""

_LOOK_AGAIN: Final = 0.1
"""Seconds between two looks at a start that was given up, of which nobody tells how it ended."""

_METHOD: Final = methods.THREAD_SETTINGS_UPDATE.method


@dataclass(eq=False)
class Restore:
    """What is to be put back when a turn has started.

    Attributes:
        options: The options that were said for this turn only.
        before: The settings in force before it.
        asked: What the turn was started with; set when it is sent.
        done: Set when it was put back, or could not be.
        failed: Whether it could not be.
    """

    options: frozenset[str]
    before: ThreadSettings
    asked: Asked = field(default_factory=Asked)
    done: anyio.Event = field(default_factory=anyio.Event)
    failed: bool = False

    async def put_back(self, client: Client, live: LiveThread) -> None:
        """Put back what stands as the turn has set it; what somebody else has changed stays.

        Raises:
            CodexRuntimeError: Whatever becomes of it.
        """
        # A service tier goes by several names, so it is not among what is compared.
        # What the server has not said again counts as unchanged.
        changed = said(differences(self.asked, live.settings), live.settings).keys() & self.options
        if changed & _EITHER:
            changed |= _EITHER
        left = self.options - changed
        if left:
            params, asked = self._params(live, left)
            await change_settings(client, live, params, asked)

    def _params(
        self, live: LiveThread, names: Collection[str]
    ) -> tuple[ThreadSettingsUpdateParams, Asked]:
        values = {name: _value(self.before, name) for name in names}
        profile, sandbox = values.get("permissions"), values.get("sandbox")
        sent: dict[str, Any] = without_none(
            **{name: values.get(name) for name in _AS_THEY_ARE if name in values},
            permissions=profile,
            sandbox_policy=self.before.sandbox_policy if sandbox and not profile else None,
            approval_policy=self.before.approval_policy if "approval_policy" in values else None,
            collaboration_mode=self._no_effort(live, values),
        )
        if "service_tier" in values:
            # Null takes the tier of a thread away; left out, it would stay.
            sent["service_tier"] = values["service_tier"]
        asked = Asked(
            cwd=values.get("cwd"),
            sandbox=sandbox if not profile else None,
            permissions=profile,
            approval=values.get("approval_policy"),
            reviewer=values.get("approvals_reviewer"),
            model=values.get("model"),
            effort=values.get("effort"),
            summary=values.get("summary"),
        )
        return protocol.ThreadSettingsUpdateParams(thread_id=live.thread_id, **sent), asked

    def _no_effort(self, live: LiveThread, values: dict[str, Any]) -> Any:
        """What takes an effort away: null leaves it as it is, except within the mode.

        Empty instructions say nothing to the model; null would have the server say its own.
        """
        if "effort" not in values or values["effort"] is not None:
            return None
        mode = live.settings.collaboration_mode
        return protocol.CollaborationMode(
            mode=(mode and mode.mode) or "default",
            settings=protocol.Settings(
                model=values.get("model") or live.settings.model,
                developer_instructions=(mode and mode.settings.developer_instructions) or "",
            ),
        )


_EITHER: Final = frozenset({"permissions", "sandbox"})
"""They replace each other, so they are put back together."""

_AS_THEY_ARE: Final = ("approvals_reviewer", "cwd", "effort", "model", "summary")
"""Settings that are read and sent in one form, under the name of the option."""


def plan_restore(client: Client, live: LiveThread, options: Collection[str]) -> Restore | None:
    """Plan to put back what a turn is about to change; None where that is nothing.

    Args:
        client: Of the runtime.
        live: The thread.
        options: The options that are said for this turn only; those that do not stay in force
            anyway are not looked at.

    Raises:
        InvalidArgument: It could not be put back.
    """
    named = frozenset(options) & _KEPT
    if not named:
        return None
    if not client.experimental:
        raise InvalidArgument(
            "only_this_turn", "is experimental", "open the runtime with experimental_api=True"
        )
    for name in named - _EITHER - {"effort", "service_tier"}:
        if not _value(live.settings, name):
            raise InvalidArgument(
                name,
                "could not be put back after the turn: the one before is not known",
                f"name one with update_settings({name}=…) first",
            )
    if named & _EITHER:
        named |= _EITHER
        if _value(live.settings, "sandbox") is None:
            raise InvalidArgument(
                "sandbox", "could not be put back after the turn: the one before is not known"
            )
    return Restore(named, live.settings)


def only_this_turn(options: Mapping[str, Any]) -> set[str]:
    """The options of a turn that the caller has said to be for this turn only."""
    if not options.get("only_this_turn"):
        return set()
    return {name for name, value in options.items() if value is not None}


@asynccontextmanager
async def holding(
    client: Client,
    live: LiveThread,
    method: str,
    check_idle: Callable[[], None] | None = None,
) -> AsyncGenerator[None]:
    """Hold the settings of a thread still in this block, which makes the server start a turn.

    What the last turn has changed for itself is put back before. All that is waited for here takes
    no longer than a request may. Cancelling stops the wait.

    Args:
        client: Of the runtime.
        live: The thread.
        method: The request that the block sends.
        check_idle: Raises where the block is not to be reached, say for a turn that runs.

    Raises:
        RequestTimeout: It was not this block's turn in time. Nothing was sent.
        CodexRuntimeError: What `check_idle` raises, or settings could not be put back.
    """
    with anyio.move_on_after(client.request_timeout) as patience:
        while True:
            if check_idle is not None:
                check_idle()
            await _settled(client, live)
            async with live.lock:
                if live.restore is None:
                    if check_idle is not None:
                        check_idle()
                    patience.deadline = inf
                    yield
                    return
    raise RequestTimeout(method, client.request_timeout)


@contextmanager
def following(live: LiveThread, params: TurnStartParams) -> Generator[None]:
    """Keep an eye on what becomes of a thread's settings while a turn is started in this block.

    Args:
        live: The thread.
        params: What the turn is started with.
    """
    told = live.told
    try:
        yield
    except BaseException:
        # The server may have taken it all the same.
        live.suspect(params)
        raise
    else:
        live.assume(params, told=told)


@contextmanager
def restoring(
    client: Client,
    live: LiveThread,
    params: TurnStartParams,
    restore: Restore | None,
    feed: TurnFeed,
) -> Generator[None]:
    """Have settings put back once this block has started a turn, however it is left.

    Args:
        client: Of the runtime.
        live: The thread.
        params: What the turn is started with.
        restore: What is to be put back.
        feed: Of the turn.
    """
    try:
        yield
    finally:
        if restore is not None:
            restore.asked = _kept_in(params)
            _restore_later(client, live, restore, feed)


def _kept_in(params: TurnStartParams) -> Asked:
    """What the parameters of a turn leave in force, as far as it can be compared."""
    return replace(
        asked_in(params),
        model=params.model or None,
        effort=params.effort or None,
        summary=params.summary or None,
    )


def _restore_later(client: Client, live: LiveThread, restore: Restore, feed: TurnFeed) -> None:
    live.restore = restore
    try:
        client.spawn(_restore, client, live, restore, feed)
    except CodexRuntimeError:
        # The connection has ended, and the thread is not loaded any more.
        live.restore = None


async def _restore(client: Client, live: LiveThread, restore: Restore, feed: TurnFeed) -> None:
    try:
        await _started(client, live, feed)
        await _put_back(client, live, restore)
    except (CodexRuntimeError, TimeoutError) as error:
        if not isinstance(error, (ConnectionLost, RuntimeClosed)):
            restore.failed = True
            logger.warning(
                "thread %s: settings of a turn could not be put back: %s", live.thread_id, error
            )
    finally:
        if live.restore is restore and not restore.failed:
            # The connection has ended, which cancels this task as a rule; the thread is not loaded
            # any more. Whoever waits must not find something that nobody is going to put back.
            live.restore = None
        restore.done.set()


async def _put_back(client: Client, live: LiveThread, restore: Restore) -> None:
    async with live.lock:
        if live.restore is not restore:
            return
        with anyio.fail_after(_RESTORE_BOUND):
            await restore.put_back(client, live)
            live.restore = None


async def _started(client: Client, live: LiveThread, feed: TurnFeed) -> None:
    """Wait for the start of a turn, or until it is clear that there is none."""
    while not feed.state.turn_id:
        if client.hub.active_turn(live.thread_id) is None:
            return
        with anyio.move_on_after(_LOOK_AGAIN):
            await feed.started.wait()
    await feed.started.wait()


async def _settled(client: Client, live: LiveThread) -> None:
    """Wait until the settings that the last turn changed for itself are put back.

    Where that has failed, it is tried once more.

    Raises:
        CodexRuntimeError: They could not be put back.
    """
    restore = live.restore
    if restore is None:
        return
    await restore.done.wait()
    if live.restore is restore and restore.failed:
        try:
            await _put_back(client, live, restore)
        except TimeoutError:
            raise RequestTimeout(_METHOD, _RESTORE_BOUND) from None


def _value(settings: ThreadSettings, name: str) -> Any:
    """The setting that an option of this name changes."""
    profile = settings.active_permission_profile
    match name:
        case "sandbox":
            return Sandbox.in_force(settings.sandbox_policy)
        case "permissions":
            return (profile.id or None) if profile else None
        case "approval_policy":
            return approval_in_force(settings.approval_policy)
        case _:
            return getattr(settings, name) or None
