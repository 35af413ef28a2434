"""The tools of a thread, and one call of one of them: it ends in a result, whatever the tool does."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakKeyDictionary, ref

import anyio
from anyio.lowlevel import RunVar

from codex_runtime._tool_results import BadResult, failed, result_of
from codex_runtime._tool_schema import WrongArguments
from codex_runtime._user_calls import in_thread, is_asynchronous, traced
from codex_runtime.answers import ToolResult
from codex_runtime.errors import InvalidArgument
from codex_runtime.tools import Tool, ToolContext, ToolError

if TYPE_CHECKING:
    from codex_runtime._live import LiveThread, Scope

__all__ = ["ToolCall", "ToolSet", "checked_tools", "tools_of"]

logger = logging.getLogger("codex_runtime.tools")

UNKNOWN: Final = "this tool is not available in this session"
"""What the model is told of a tool that nobody has here, say one of a thread that another process
has started (fact 82)."""

NOT_APPROVED: Final = "not approved: nobody has said yes to this call"

UNEXPECTED: Final = "the tool failed with an unexpected error"

_MAX_HUNG: Final = 8
"""Threads that calls of one tool may hang in, given up, before it is called no more until one comes
back: nobody can end them."""


class ToolCall(Protocol):
    """A call as the server sends it: `requests.ToolCallRequest`, as far as it matters here."""

    @property
    def tool(self) -> str:
        """The name of the tool."""
        ...

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it has none."""
        ...

    @property
    def arguments(self) -> Any:
        """What it is called with."""
        ...

    @property
    def call_id(self) -> str:
        """Names the call."""
        ...

    @property
    def thread_id(self) -> str:
        """The thread."""
        ...

    @property
    def turn_id(self) -> str:
        """The turn."""
        ...


def checked_tools(
    tools: Tool[..., Any] | Collection[Tool[..., Any]] | None, field: str = "tools"
) -> tuple[Tool[..., Any], ...]:
    """The tools that a caller passes.

    Raises:
        InvalidArgument: One is no tool, or two have one name.
    """
    if tools is None:
        return ()
    given: Any = (tools,) if isinstance(tools, Tool) else tools
    # It is looked at more than once: of an iterator the second look would find nothing.
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise InvalidArgument(field, f"is of type {type(tools).__name__}", "use a list of tools")
    listed: tuple[Any, ...] = tuple(given)
    first: dict[str, int] = {}
    for index, each in enumerate(listed):
        if not isinstance(each, Tool):
            kind = type(each).__name__
            fix = "make it a tool: @tool, or tool(function)"
            raise InvalidArgument(f"{field}[{index}]", f"is of type {kind}", fix)
        if first.setdefault(each.name, index) != index:
            problem = f"has the name {each.name!r} of {field}[{first[each.name]}]"
            raise InvalidArgument(f"{field}[{index}]", problem, "give it another: @tool(name=…)")
    return listed


def tools_of(live: LiveThread) -> ToolSet:
    """The tools of a thread, which all handles to it share."""
    if live.tools is None:
        # Weakly, or the thread would be known for longer than it is used.
        thread = ref(live)
        live.tools = ToolSet(lambda: scope.cwd if (scope := _scope_of(thread())) else None)
    return live.tools


def _scope_of(live: LiveThread | None) -> Scope | None:
    return None if live is None else live.scope


class ToolSet:
    """The tools of one thread."""

    def __init__(self, where: Callable[[], str | None] = lambda: None) -> None:
        """Begin with none.

        Args:
            where: Tells the working directory of the thread.
        """
        self._where = where
        self._tools: dict[str, Tool[..., Any]] = {}

    def __len__(self) -> int:
        return len(self._tools)

    def register(self, tools: Iterable[Tool[..., Any]]) -> None:
        """Add tools; one takes the place of another of its name."""
        self._tools.update((each.name, each) for each in tools)

    @contextmanager
    def registering(self, tools: Iterable[Tool[..., Any]]) -> Generator[None]:
        """Add tools, and take them back if the block fails."""
        before = dict(self._tools)
        self.register(tools)
        try:
            yield
        except BaseException:
            self._tools = before
            raise

    def find(self, call: ToolCall) -> Tool[..., Any] | None:
        """The tool that is called, if it is there. Ours have no namespaces."""
        return None if call.namespace else self._tools.get(call.tool)

    def needs_approval(self, call: ToolCall) -> bool:
        """Whether an approver has to say yes before this call is answered.

        A call with wrong arguments needs none: it fails without one. Where it cannot be told, it does.
        """
        found = self.find(call)
        if found is None or found.needs_approval is False:
            return False
        try:
            return _wants_approval(found, call, found.signature.read(call.arguments))
        except WrongArguments:
            return False
        except BaseException:  # noqa: BLE001 — the boundary to code of the user's types
            return True

    async def answer(self, call: ToolCall, *, approved: bool = False) -> ToolResult:
        """Call the tool, and return its result. Never raises.

        Cancelling cancels an asynchronous tool; for a plain one it sets `ToolContext.cancelled`, and
        nobody waits for it any more.

        Args:
            call: The call.
            approved: Whether an approver has said yes to it.
        """
        found = self.find(call)
        if found is None:
            return failed(UNKNOWN)
        try:
            arguments = found.signature.read(call.arguments)
        except WrongArguments as error:
            return failed(str(error))
        except BaseException as error:  # noqa: BLE001 — the boundary to code of the user's types
            return _unexpected(call, error)
        if not approved and _wants_approval(found, call, arguments):
            return failed(NOT_APPROVED)
        context = ToolContext(call.thread_id, call.turn_id, call.call_id, call.tool, self._where())
        try:
            return await _Call(found, call, context).result(arguments)
        finally:
            context.cancelled.set()


def _wants_approval(tool: Tool[..., Any], call: ToolCall, arguments: Mapping[str, Any]) -> bool:
    needed = tool.needs_approval
    if isinstance(needed, bool):
        return needed
    try:
        return bool(needed(dict(arguments)))
    except BaseException as error:  # noqa: BLE001 — the boundary to user code; fails closed
        logger.warning("%s: needs_approval failed: %s", _named(call), traced(error))
        return True


@dataclass(frozen=True)
class _Call:
    """One call of a tool."""

    tool: Tool[..., Any]
    call: ToolCall
    context: ToolContext

    async def result(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Make the call, within its time. What the tool raises becomes a result."""
        outcome: list[Any] = []
        errors: list[BaseException] = []

        async def work() -> None:
            try:
                outcome.append(await self._called(arguments))
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # noqa: BLE001 — the boundary to user code
                errors.append(error)

        with anyio.move_on_after(self.tool.timeout) as patience:
            async with _turn_of(self.tool), anyio.create_task_group() as alone:
                # In a task of its own: a cancellation that the tool makes up itself, and that
                # nobody has asked for, ends there.
                alone.start_soon(work)
        if outcome:
            return self._told(outcome[0])
        if errors:
            return self._told_failure(errors[0])
        if patience.cancelled_caught:
            seconds = f"{self.tool.timeout:g} s"
            logger.warning("%s took more than %s", _named(self.call), seconds)
            return failed(f"the tool did not finish within {seconds}")
        logger.warning("%s was cancelled by itself", _named(self.call))
        return failed(UNEXPECTED)

    async def _called(self, values: Mapping[str, Any]) -> Any:
        positional, named = self.tool.signature.split(values)
        if self.tool.signature.takes_context:
            positional.insert(0, self.context)
        function: Callable[..., Any] = self.tool.call
        if is_asynchronous(function):
            return await function(*positional, **named)
        hung = _hung.setdefault(self.tool, set())
        hung.intersection_update([thread for thread in hung if thread.is_alive()])
        if len(hung) >= _MAX_HUNG:
            raise _ToolHangs(f"{len(hung)} earlier calls of it have not come back yet")
        found = await in_thread(lambda: function(*positional, **named), given_up=hung.add)
        return await found if hasattr(found, "__await__") else found

    def _told(self, value: Any) -> ToolResult:
        try:
            return result_of(value)
        except BadResult as error:
            logger.warning("%s: %s", _named(self.call), error)
            return failed(str(error))
        except BaseException as error:  # noqa: BLE001 — the boundary to code of the user's types
            return _unexpected(self.call, error)

    def _told_failure(self, error: BaseException) -> ToolResult:
        if not isinstance(error, ToolError):
            return _unexpected(self.call, error)
        try:
            return result_of(ToolResult(str(error) or UNEXPECTED, success=False))
        except BaseException as worse:  # noqa: BLE001 — too long, or a text of its own making
            return _unexpected(self.call, worse)


class _ToolHangs(Exception):
    """A tool cannot be called."""


_hung: Final[WeakKeyDictionary[Tool[..., Any], set[Thread]]] = WeakKeyDictionary()
"""Where calls were given up, by tool."""

_limits: Final[RunVar[WeakKeyDictionary[Tool[..., Any], anyio.Semaphore]]] = RunVar(
    "codex_runtime_tool_limits"
)
"""Who may run, by tool; of each event loop."""


@asynccontextmanager
async def _turn_of(tool: Tool[..., Any]) -> AsyncGenerator[None]:
    """Wait until no more calls run than the tool allows. One that was given up counts no more."""
    if tool.max_concurrency is None:
        yield
        return
    try:
        limits = _limits.get()
    except LookupError:
        limits = WeakKeyDictionary[Tool[..., Any], anyio.Semaphore]()
        _limits.set(limits)
    async with limits.setdefault(tool, anyio.Semaphore(tool.max_concurrency)):
        yield


def _unexpected(call: ToolCall, error: BaseException) -> ToolResult:
    """The model learns nothing of it: what an exception says is not written for it."""
    logger.warning("%s failed: %s", _named(call), traced(error))
    return failed(UNEXPECTED)


def _named(call: ToolCall) -> str:
    return f"tool {call.tool}, call {call.call_id} of thread {call.thread_id}"
