"""What is known of the threads that are in use: their settings, and what they may touch."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import anyio
import msgspec

from codex_runtime import protocol
from codex_runtime.errors import RequestTimeout
from codex_runtime.policy import (
    DEFAULT_REVIEWER,
    READ_ONLY_PROFILE,
    Approval,
    Sandbox,
    may_ask,
)
from codex_runtime.protocol import MISSING

if TYPE_CHECKING:
    from codex_runtime._restoring import Restore
    from codex_runtime._tool_calls import ToolSet
    from codex_runtime.protocol.types import (
        ThreadForkResponse,
        ThreadResumeResponse,
        ThreadSettings,
        ThreadSettingsUpdateParams,
        ThreadStartResponse,
        TurnStartParams,
    )
    from codex_runtime.requests import Approver

    Opened = ThreadStartResponse | ThreadResumeResponse | ThreadForkResponse

__all__ = ["LiveThread", "Scope", "settings_of"]

_WIDEST: Final = Sandbox("dangerFullAccess", network=True)
"""What a sandbox counts as that is not known here."""

_READ_ONLY: Final = Sandbox("readOnly")
"""What the profile of that name comes to."""


@dataclass(frozen=True)
class Scope:
    """What a thread may touch at the moment, as far as this process has said or was told.

    Attributes:
        thread_id: The thread.
        sandbox: The sandbox in force; one that is not known here counts as the widest.
        cwd: The working directory in force: what a writable sandbox is about.
        permissions: The permission profile in force, if any.
        reviewer: Who is asked for approvals.
    """

    thread_id: str
    sandbox: Sandbox
    cwd: str | None
    permissions: str | None = None
    reviewer: str = DEFAULT_REVIEWER

    @classmethod
    def of(cls, thread_id: str, settings: ThreadSettings) -> Scope:
        """As the server says."""
        profile = settings.active_permission_profile
        return cls(
            thread_id,
            Sandbox.in_force(settings.sandbox_policy) or _WIDEST,
            settings.cwd or None,
            (profile.id or None) if profile else None,
            settings.approvals_reviewer or DEFAULT_REVIEWER,
        )

    @property
    def wide(self) -> bool:
        """Whether more than reading is allowed, or may be granted by somebody else than the user."""
        return (
            self.sandbox.wider
            or self.permissions not in (None, READ_ONLY_PROFILE)
            or self.reviewer != DEFAULT_REVIEWER
        )

    def after(self, params: TurnStartParams | ThreadSettingsUpdateParams) -> Scope:
        """As it is when these parameters were taken: what they name stays in force."""
        scope = replace(
            self,
            cwd=params.cwd or self.cwd,
            reviewer=params.approvals_reviewer or self.reviewer,
        )
        if params.sandbox_policy:
            named = Sandbox.in_force(params.sandbox_policy) or _WIDEST
            return replace(scope, sandbox=named, permissions=None)
        if params.permissions:
            sandbox = self.sandbox if params.permissions != READ_ONLY_PROFILE else _READ_ONLY
            return replace(scope, sandbox=sandbox, permissions=params.permissions)
        return scope

    def widened_by(self, cwd: str | None, approval: Approval | None) -> bool:
        """Whether a call that names no sandbox would still widen what a wide one allows."""
        if not self.wide:
            return False
        return (approval is not None and not may_ask(approval)) or cwd not in (None, self.cwd)


class LiveThread:
    """One thread in use, shared by all handles to it, and kept up to date by the server's word.

    Attributes:
        thread_id: The thread.
        settings: The settings in force, as the server last said.
        scope: What it may touch. Wider than `settings` where something was asked for that the
            server has not answered.
        restore: What is to be put back once the turn that was started last runs.
        told: How often the server has said what is in force; whoever remembers it can see
            whether it has done so since.
        lock: Held by whoever changes the settings, or opens the thread, from the look at what is
            in force until it is known what has become of it: so nobody relies on a look that
            another call has made untrue.
        holders: The handles that are in use.
        approvers: Who decides about what is asked in this thread, before those of the runtime.
        tools: The tools that it has here; None where it has none.
    """

    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.settings: ThreadSettings = protocol.ThreadSettings()
        self.scope = Scope.of(thread_id, self.settings)
        self.restore: Restore | None = None
        self.told = 0
        self.lock = anyio.Lock(fast_acquire=True)
        self.holders: WeakSet[object] = WeakSet()
        self.approvers: tuple[Approver, ...] = ()
        self.tools: ToolSet | None = None
        self._changed = anyio.Event()

    @asynccontextmanager
    async def locked(self, method: str, seconds: float) -> AsyncGenerator[None]:
        """Hold `lock` in this block. Cancelling stops the wait for it.

        Args:
            method: The request that the block sends.
            seconds: How long the lock is waited for at the most.

        Raises:
            RequestTimeout: Others have held it for as long. Nothing was sent.
        """
        with anyio.move_on_after(seconds) as patience:
            async with self.lock:
                patience.deadline = inf
                yield
                return
        raise RequestTimeout(method, seconds)

    def note(self, settings: ThreadSettings) -> None:
        """Take what the server says is in force. Called by the reader too."""
        self.settings = settings
        self.scope = Scope.of(self.thread_id, settings)
        self.told += 1
        self._changed.set()
        self._changed = anyio.Event()

    def note_opened(self, info: Opened, *, told: int) -> None:
        """Take what the answer to the opening of the thread says is in force.

        What it does not say stays as it is known. Where the server has told of a change since
        the request was sent, that counts: the answer is looked at later than it has come.

        Args:
            info: The answer.
            told: What `told` was before the request was sent.
        """
        if self.told != told:
            return
        known = {
            name: value
            for name in ("collaboration_mode", "summary")
            if (value := getattr(self.settings, name))
        }
        self.note(msgspec.structs.replace(settings_of(info), **known))

    def assume(self, params: TurnStartParams | ThreadSettingsUpdateParams, *, told: int) -> None:
        """Take it that these parameters are in force, where the server has not said so itself.

        Args:
            params: What it was asked for.
            told: What `told` was before.
        """
        if self.told == told:
            self.scope = self.scope.after(params)

    def suspect(self, params: TurnStartParams | ThreadSettingsUpdateParams) -> None:
        """These parameters may be in force or not: count the wider of both."""
        after = self.scope.after(params)
        if after.wide:
            self.scope = after

    async def next_change(self) -> None:
        """Wait until the server says something about the settings. Cancelling stops the wait."""
        await self._changed.wait()


def settings_of(info: Opened) -> ThreadSettings:
    """The settings that the answer to the opening of a thread shows.

    The answer does not say them all: what is left out is `UNSET`, which is false.
    """
    mode: Any = getattr(info, "collaboration_mode", None)
    return protocol.ThreadSettings(
        approval_policy=info.approval_policy,
        approvals_reviewer=info.approvals_reviewer,
        collaboration_mode=mode or MISSING,
        cwd=info.cwd,
        model=info.model,
        model_provider=info.model_provider,
        sandbox_policy=info.sandbox,
        active_permission_profile=info.active_permission_profile,
        disabled_plugin_ids=info.disabled_plugin_ids,
        effort=info.reasoning_effort,
        service_tier=info.service_tier,
        summary=MISSING,
    )
