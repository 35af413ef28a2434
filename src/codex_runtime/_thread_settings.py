"""The settings of a thread: reading and changing them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Unpack

from codex_runtime._effective import approval_in_force
from codex_runtime._escalating import Escalation, escalation_of, explained, with_escalation
from codex_runtime._live import LiveThread, settings_of
from codex_runtime._option_checks import check_options
from codex_runtime._params import Asked, asked_of, settings_params
from codex_runtime._settings import change_settings
from codex_runtime.errors import InvalidArgument
from codex_runtime.options import SettingsOptions
from codex_runtime.protocol import methods
from codex_runtime.threads.reference import ThreadReference

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime._live import Opened
    from codex_runtime.protocol.types import ThreadSettings

__all__ = ["ThreadWithSettings"]

logger = logging.getLogger("codex_runtime.thread")


class ThreadWithSettings(ThreadReference):
    """The part of `ThreadHandle` that is about settings.

    Attributes:
        info: What the server answered when the thread was opened.
        adjusted: Defaults of ours that the organisation's requirements forbid, and an approval
            policy that `pre_tool_use` hooks cannot do with, and what is in force in their place;
            empty as a rule.
    """

    def __init__(self, client: Client, info: Opened, adjusted: tuple[str, ...] = ()) -> None:
        super().__init__(client, info.thread.id)
        self.info = info
        self.adjusted = adjusted
        self._live: LiveThread = client.live(info.thread.id)
        self._live.holders.add(self)
        if not self._live.told:
            self._live.note(settings_of(info))

    @property
    def settings(self) -> ThreadSettings:
        """The settings in force for the next turn, as the server last said (`thread/settings/updated`).

        Whoever changes them: this handle, another one, another client. What the server has not said
        yet is `UNSET`, which is false: the summary, and the collaboration mode of a thread that was
        started or forked here. With `experimental_api=False` the server does not tell of changes:
        these are the settings that the thread was opened with.
        """
        return self._live.settings

    async def update_settings(self, **options: Unpack[SettingsOptions]) -> None:
        """Change the settings for later turns (`thread/settings/update`), and see that they hold.

        Experimental. A turn under way keeps its own. Cancelling stops the wait; the settings may
        be changed all the same. The server tells of a change within milliseconds; 10 seconds are
        waited for that at the most.

        Args:
            **options: See `SettingsOptions`. A sandbox wider than read-only needs its words, as
                when a thread is started; so does moving one to another folder, or pairing it with
                approval policy never. Where the thread has `pre_tool_use` hooks, `untrusted` is
                sent in place of a policy that never asks.

        Raises:
            InvalidArgument: An option cannot be used; `SandboxNotAllowed` and
                `WorkingDirectoryMissing` are of this kind. Nothing was sent.
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
            PolicyMismatch: The server has taken them, but something else is in force; `settings`
                says what.
            RequestRefused: The server refuses, say for the organisation's requirements.
            RequestTimeout: It did not answer in time, or other calls kept the thread for as long.
            ConnectionLost: It went away.
            RuntimeClosed: The runtime is closed.
        """
        check_options(options, SettingsOptions, "settings")
        if not any(value is not None for value in options.values()):
            raise InvalidArgument("options", "say nothing", "name a setting")
        client, live = self._client, self._live
        # What cannot be used is refused at once; what is in force is looked at again below.
        self._asked(options)
        async with live.locked(methods.THREAD_SETTINGS_UPDATE.method, client.request_timeout):
            asked, escalation = self._asked(options)
            params, asked = settings_params(self.thread_id, options, asked)
            with explained(escalation):
                await change_settings(client, live, params, asked)
        if escalation is not None and escalation.raises:
            logger.info("thread %s: %s", self.thread_id, escalation.text)

    def _asked(self, options: SettingsOptions) -> tuple[Asked, Escalation | None]:
        client, live = self._client, self._live
        in_force = approval_in_force(live.settings.approval_policy)
        escalation = escalation_of(
            options, client.hook_book, thread_id=self.thread_id, in_force=in_force
        )
        said = with_escalation(options, escalation)
        return asked_of(said, remote=client.remote, scope=live.scope), escalation
