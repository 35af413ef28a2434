"""Opening threads: starting, resuming and forking them, and seeing what is then in force."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from codex_runtime import protocol
from codex_runtime._arguments import canonical_id, checked_approvers, checked_thread_id
from codex_runtime._client import Client
from codex_runtime._effective import Differences, differences, imposed, strictest_approval
from codex_runtime._equipping import deciding_by, register, tools_for
from codex_runtime._gated_opening import open_gated
from codex_runtime._live import LiveThread
from codex_runtime._option_checks import check_options
from codex_runtime._params import (
    Asked,
    asked_of,
    fork_params,
    name_of,
    policy_params,
    resume_params,
    start_params,
)
from codex_runtime._settings import change_settings, mismatch
from codex_runtime.errors import (
    CodexRuntimeError,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    ThreadIdMismatch,
)
from codex_runtime.options import ForkOptions, ResumeOptions, ThreadOptions
from codex_runtime.policy import (
    ASKING_POLICY,
    DEFAULT_APPROVAL_POLICY,
    DEFAULT_REVIEWER,
    DEFAULT_SANDBOX,
    Sandbox,
)
from codex_runtime.protocol import Method, methods
from codex_runtime.thread import ThreadHandle

if TYPE_CHECKING:
    from codex_runtime._live import Opened
    from codex_runtime.protocol.types import ConfigRequirements, Thread
    from codex_runtime.runtime import Runtime

__all__ = ["fork_thread", "resume_thread", "start_thread"]

logger = logging.getLogger("codex_runtime.thread")

P = TypeVar("P")
R = TypeVar("R", bound="Opened")

_THREAD_TIMEOUT: Final = 120.0
"""Seconds for opening a thread: required MCP servers are started within it (fact 132)."""

_NAMES_COUNT: Final = (0, 163)
"""The first version of codex that was seen to keep a thread for its name."""

_RECORD_BOUND: Final = 10.0
"""Seconds that it may take to ask for the turn that runs in a thread; it takes milliseconds."""

_GIVING_UP_BOUND: Final = 10.0
"""Seconds that giving up a thread may take that nobody is going to use."""


async def start_thread(runtime: Runtime, client: Client, options: ThreadOptions) -> ThreadHandle:
    """Start a thread; see `Runtime.thread_start`."""
    check_options(options, ThreadOptions, "a thread")
    tools_for(client, options, methods.THREAD_START)
    return await open_gated(
        client, options, _asked, lambda changed: _start(runtime, client, changed)
    )


async def _start(runtime: Runtime, client: Client, options: ThreadOptions) -> ThreadHandle:
    approvers = checked_approvers("approve", options.get("approve"))
    asked = _asked(client, options)
    name = name_of(options)
    tools = tools_for(client, options, methods.THREAD_START)
    info = await _open(client, methods.THREAD_START, start_params(options, asked, tools))
    live = client.live(info.thread.id)
    register(live, tools)
    thread = await _usable(runtime, client, info, asked)
    live.approvers = approvers
    if name is not None:
        try:
            await _keep(client, thread.thread_id, name)
        except BaseException:
            client.live(thread.thread_id).holders.discard(thread)
            _leave(client, thread.thread_id)
            raise
    return thread


async def _keep(client: Client, thread_id: str, name: str) -> None:
    """Have a record made of a thread that has had no turn yet."""
    named = protocol.ThreadSetNameParams(thread_id=thread_id, name=name)
    await client.request(methods.THREAD_NAME_SET, named)
    if _before_names_count(client.peer.codex_version):
        # Into no section, where it is anyway; that makes the record (fact 249).
        moved = protocol.ThreadSectionMoveParams(thread_id=thread_id, section_id=None)
        await client.request(methods.THREAD_SECTION_MOVE, moved)


def _before_names_count(version: str | None) -> bool:
    """Whether a name alone makes no record: so on 0.154, and not on 0.163 any more."""
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    return numbers is None or tuple(map(int, numbers.groups())) < _NAMES_COUNT


async def resume_thread(
    runtime: Runtime, client: Client, thread_id: str, options: ResumeOptions
) -> ThreadHandle:
    """Resume a thread; see `Runtime.thread_resume`."""
    thread_id = checked_thread_id(thread_id)
    check_options(options, ResumeOptions, "a resumed thread")
    tools_for(client, options)
    return await open_gated(
        client,
        options,
        _asked,
        lambda changed: _resume(runtime, client, thread_id, changed),
        thread_id=thread_id,
    )


async def _resume(
    runtime: Runtime, client: Client, thread_id: str, options: ResumeOptions
) -> ThreadHandle:
    approvers = checked_approvers("approve", options.get("approve"))
    asked = _asked(client, options)
    tools = tools_for(client, options)
    params = resume_params(thread_id, options, asked)
    live = client.live(thread_id)
    # One after the other: another resume of this thread, and whatever changes its settings.
    async with live.locked(methods.THREAD_RESUME.method, _opening_timeout(client)):
        told = live.told
        given = approvers if options.get("approve") is not None else live.approvers
        with deciding_by(live, given, tools):
            info = await _open(client, methods.THREAD_RESUME, params)
            if canonical_id(info.thread.id) != thread_id:
                _leave(client, info.thread.id)
                raise ThreadIdMismatch(
                    methods.THREAD_RESUME.method, requested=thread_id, actual=info.thread.id
                )
            # Only here a model that is not the one asked for means that nothing was listened to.
            asked = replace(asked, model=options.get("model"))
            return await _usable(runtime, client, info, asked, told=told)


async def fork_thread(
    runtime: Runtime, client: Client, thread_id: str, options: ForkOptions
) -> ThreadHandle:
    """Fork a thread; see `Runtime.thread_fork`."""
    thread_id = checked_thread_id(thread_id)
    check_options(options, ForkOptions, "a fork")
    tools_for(client, options)
    return await open_gated(
        client, options, _asked, lambda changed: _fork(runtime, client, thread_id, changed)
    )


async def _fork(
    runtime: Runtime, client: Client, thread_id: str, options: ForkOptions
) -> ThreadHandle:
    approvers = checked_approvers("approve", options.get("approve"))
    asked = _asked(client, options)
    tools = tools_for(client, options)
    info = await _open(client, methods.THREAD_FORK, fork_params(thread_id, options, asked))
    if canonical_id(info.thread.id) == thread_id:
        raise RemoteProtocolError(
            methods.THREAD_FORK.method, "it names the thread that was to be forked"
        )
    live = client.live(info.thread.id)
    register(live, tools)
    thread = await _usable(runtime, client, info, asked)
    live.approvers = approvers
    return thread


def _asked(client: Client, options: ResumeOptions) -> Asked:
    decided = options.get("approve") is not None or client.deciders.approvers
    # Whoever is there to decide wants to be asked. It adds nothing to what is allowed.
    approval = ASKING_POLICY if decided else DEFAULT_APPROVAL_POLICY
    asked = replace(asked_of(options, remote=client.remote).with_defaults(approval), model=None)
    sandbox = asked.sandbox
    if sandbox is not None and sandbox.mode is None and not client.experimental:
        raise InvalidArgument(
            "sandbox",
            f"is {sandbox}, which a thread cannot be opened with",
            "give it with the turn, or open the runtime with experimental_api=True",
        )
    return asked


async def _open(client: Client, method: Method[P, R], params: P) -> R:
    info = await client.request(method, params, timeout=_opening_timeout(client))
    if not info.thread or not info.thread.id:
        raise RemoteProtocolError(method.method, "it names no thread")
    return info


def _opening_timeout(client: Client) -> float:
    return max(_THREAD_TIMEOUT, client.request_timeout)


async def _usable(
    runtime: Runtime, client: Client, info: Opened, asked: Asked, *, told: int = 0
) -> ThreadHandle:
    """The handle to a thread, once what is in force in it is what was asked for.

    Args:
        runtime: What it belongs to.
        client: Likewise.
        info: What the server answered.
        asked: What was asked for.
        told: How often the server had said what is in force before the request was sent.
    """
    live = client.live(info.thread.id)
    live.note_opened(info, told=told)
    try:
        await _note_running(client, info.thread)
        adjusted = await _bring_about(client, live, asked)
    except BaseException:
        _leave(client, live.thread_id)
        raise
    return ThreadHandle(runtime, client, info, adjusted)


async def _note_running(client: Client, thread: Thread) -> None:
    """Take note of the turn that runs already, if one does: its start is not told again (fact 287)."""
    hub, thread_id = client.hub, thread.id
    if getattr(thread.status, "type", None) != "active":
        return
    known = hub.active_turn(thread_id)
    if known is not None and (not known or hub.sink_of(thread_id, known)):
        # It is followed here, or being started.
        return
    last_ended = hub.last_ended(thread_id)
    params = protocol.ThreadTurnsListParams(
        thread_id=thread_id, limit=1, items_view="notLoaded", sort_direction="desc"
    )
    timeout = min(_RECORD_BOUND, client.request_timeout)
    try:
        page = await client.request(methods.THREAD_TURNS_LIST, params, timeout=timeout)
    except (RequestRefused, RequestTimeout, RemoteProtocolError) as error:
        logger.warning("thread %s: not known which turn runs: %s", thread_id, error)
        return
    for turn in page.data[:1] if page.data else ():
        if turn.id and turn.status == "inProgress":
            hub.find_running(thread_id, turn, last_ended)


async def _bring_about(client: Client, live: LiveThread, asked: Asked) -> tuple[str, ...]:
    """See that what was asked for is in force; return which defaults the organisation forbids."""
    if not differences(asked, live.settings):
        return ()
    opened = asked
    if asked.sandbox is not None and asked.sandbox.mode is None:
        # A thread cannot be opened with it: it was opened to read only, and gets it now.
        opened = replace(asked, sandbox=Sandbox.of(DEFAULT_SANDBOX))
    adjusted: tuple[str, ...] = ()
    found = differences(opened, live.settings)
    if found:
        allowed = await _allowed(client, live, asked, found)
        asked = replace(asked, approval=allowed.approval, reviewer=allowed.reviewer)
        adjusted = _report_adjusted(live, allowed, found)
    left = differences(asked, live.settings)
    if left:
        if not client.experimental:
            raise mismatch(live, left)
        await change_settings(client, live, policy_params(live.thread_id, asked), asked)
    return adjusted


async def _allowed(client: Client, live: LiveThread, asked: Asked, found: Differences) -> Asked:
    """What comes next to the defaults among what the organisation's requirements allow.

    Raises:
        PolicyMismatch: They do not account for what differs.
    """
    requirements = None
    if found.keys() <= asked.defaults:
        requirements = await _requirements(client)
    if requirements is None or found != imposed(asked, found, requirements):
        raise mismatch(live, found)
    if "approval_policy" in found:
        asked = replace(asked, approval=strictest_approval(requirements))
    if "approvals_reviewer" in found:
        asked = replace(asked, reviewer=live.settings.approvals_reviewer)
    return asked


async def _requirements(client: Client) -> ConfigRequirements | None:
    try:
        answer = await client.request(methods.CONFIG_REQUIREMENTS_READ, None)
    except RequestRefused:
        return None
    return answer.requirements


def _report_adjusted(live: LiveThread, allowed: Asked, found: Differences) -> tuple[str, ...]:
    """Log which defaults the organisation has replaced, and by what; return that in words."""
    values = {
        "approval_policy": (DEFAULT_APPROVAL_POLICY, allowed.approval),
        "approvals_reviewer": (DEFAULT_REVIEWER, allowed.reviewer),
    }
    texts = tuple(
        f"{name}: {values[name][1]} in place of {values[name][0]}" for name in sorted(found)
    )
    logger.warning(
        "thread %s: the organisation's requirements allow no default: %s",
        live.thread_id,
        "; ".join(texts),
    )
    return texts


def _leave(client: Client, thread_id: str) -> None:
    """Have a thread given up that nobody is going to use; it is unloaded if nobody else does.

    Whether somebody here uses it is looked at when it is its turn: until then a handle may be
    dropped, or another call may open it.
    """
    with suppress(CodexRuntimeError):
        # Where there is no connection any more, there is nothing to give up.
        client.spawn(_unsubscribe, client, thread_id)


async def _unsubscribe(client: Client, thread_id: str) -> None:
    params = protocol.ThreadUnsubscribeParams(thread_id=thread_id)
    live = client.live(thread_id)
    try:
        async with live.lock:
            if not client.in_use(thread_id):
                await client.request(methods.THREAD_UNSUBSCRIBE, params, timeout=_GIVING_UP_BOUND)
    except CodexRuntimeError as error:
        logger.debug("thread %s may still be subscribed to: %s", thread_id, error)
