"""What a thread is opened with besides its settings: tools of ours, and who decides."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from codex_runtime.errors import ExperimentalApiNeeded

if TYPE_CHECKING:
    from codex_runtime._client import Client
    from codex_runtime._live import LiveThread
    from codex_runtime.options import ResumeOptions
    from codex_runtime.protocol import Method
    from codex_runtime.requests import Approver
    from codex_runtime.tools import Tool

__all__ = ["deciding_by", "register", "tools_for"]


def tools_for(
    client: Client, options: ResumeOptions, method: Method[Any, Any] | None = None
) -> tuple[Tool[..., Any], ...]:
    """The tools of a thread that is opened: those of the runtime, and its own.

    Args:
        client: The connection.
        options: As given by the caller.
        method: What they are sent with, if they are.

    Raises:
        ExperimentalApiNeeded: They are, and it was not asked for.
        InvalidArgument: One is no tool, or two have one name.
    """
    if options.get("tools") is None and not client.tools:
        return ()
    from codex_runtime._tool_calls import checked_tools  # noqa: PLC0415 — few have tools

    named = {each.name: each for each in (*client.tools, *checked_tools(options.get("tools")))}
    if named and method is not None and not client.experimental:
        feature = f"{method.method}.dynamicTools"
        words = f"{feature} requires experimentalApi capability"
        raise ExperimentalApiNeeded(method.method, -32600, words, feature=feature)
    return tuple(named.values())


def register(live: LiveThread, tools: tuple[Tool[..., Any], ...]) -> None:
    """Have the calls of these tools come here."""
    if tools:
        from codex_runtime._tool_calls import tools_of  # noqa: PLC0415 — few have tools

        tools_of(live).register(tools)


@contextmanager
def deciding_by(
    live: LiveThread, approvers: tuple[Approver, ...], tools: tuple[Tool[..., Any], ...]
) -> Generator[None]:
    """Have these decide, and these tools called, from before the server asks again what is open.

    It does that before it answers to a resume (fact 318). Where the block fails, those of before do.
    """
    before = live.approvers
    live.approvers = approvers
    try:
        with _registering(live, tools):
            yield
    except BaseException:
        live.approvers = before
        raise


def _registering(
    live: LiveThread, tools: tuple[Tool[..., Any], ...]
) -> AbstractContextManager[None]:
    if not tools:
        return nullcontext()
    from codex_runtime._tool_calls import tools_of  # noqa: PLC0415 — few have tools

    return tools_of(live).registering(tools)
