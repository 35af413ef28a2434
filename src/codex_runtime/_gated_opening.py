"""Opening threads with hooks around it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from codex_runtime._client import Client
from codex_runtime._escalating import checked_hooks, escalation_of, explained, with_escalation
from codex_runtime._hook_book import has_phase
from codex_runtime._params import Asked
from codex_runtime.options import ResumeOptions
from codex_runtime.policy import GATED_POLICY

if TYPE_CHECKING:
    from codex_runtime._hook_changes import Subject
    from codex_runtime.thread import ThreadHandle

__all__ = ["open_gated"]

logger = logging.getLogger("codex_runtime.thread")


def _warn_of_what_is_not_asked(client: Client, thread: ThreadHandle, own: Any) -> None:
    """A gate that is not asked about most commands looks like one that lets them through."""
    gated = client.hook_book.has_tool_hooks(thread.thread_id) or has_phase(
        own or (), "pre_tool_use"
    )
    policy = thread.info.approval_policy
    if gated and policy != GATED_POLICY:
        logger.warning(
            "thread %s has pre_tool_use hooks, and the approval policy %s, under which codex asks "
            "only before something leaves the sandbox: they see nothing else. Under %s they see "
            "each command, and so they do where no policy is named",
            thread.thread_id,
            policy if isinstance(policy, str) else "granular",
            GATED_POLICY,
        )


async def open_gated(
    client: Client,
    options: ResumeOptions,
    asked: Callable[[Client, Any], Asked],
    open_thread: Callable[[Any], Awaitable[ThreadHandle]],
    *,
    thread_id: str | None = None,
) -> ThreadHandle:
    """Open a thread, with hooks around that, and with a policy that they can do with.

    Args:
        client: Of the runtime.
        options: As given by the caller.
        asked: Reads what options ask for, and refuses what cannot be sent.
        open_thread: Opens it with the options it is given.
        thread_id: The thread, where it is resumed.

    Raises:
        BlockedByHook: A hook forbids it.
        CodexRuntimeError: Besides, what `asked` and `open_thread` raise.
    """
    options = checked_hooks(options)
    escalation = escalation_of(options, client.hook_book, thread_id=thread_id)
    options = with_escalation(options, escalation)

    async def open_it(changed: Any) -> ThreadHandle:
        with explained(escalation):
            thread = await open_thread(changed)
        if escalation is not None and escalation.raises:
            thread.adjusted += (escalation.text,)
            logger.info("thread %s: %s", thread.thread_id, escalation.text)
        _warn_of_what_is_not_asked(client, thread, options.get("hooks"))
        return thread

    if not client.hook_book.wanted(options.get("hooks")):
        return await open_it(options)
    from codex_runtime._hook_changes import Subject  # noqa: PLC0415 — few have hooks
    from codex_runtime._hooked import open_with_hooks  # noqa: PLC0415 — see above

    async def opened(about: Subject) -> ThreadHandle:
        chosen = {"model": about.model} if about.model_changed else {}
        return await open_it({**options, **chosen})

    # What cannot be sent reaches no hook.
    cwd = asked(client, options).cwd or client.hook_book.folder
    about = Subject(thread_id=thread_id, cwd=cwd, model=options.get("model"))
    said = "" if escalation is None else escalation.text
    return await open_with_hooks(client, [options.get("hooks")], about, opened, said)
