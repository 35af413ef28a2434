r"""Tools for the model that are functions of yours: typed, checked, and called in this process.

    @tool
    async def weather(city: str, days: int = 1) -> str:
        \"\"\"Forecast the weather of a city, so many days ahead.\"\"\"
        return await forecast(city, days)

    async with Runtime() as runtime:
        thread = await runtime.thread_start(tools=[weather])
        await thread.run("Do I need an umbrella in Oslo?")

The model sees the name, the docstring and a JSON Schema made of the type hints. What it calls the
function with is checked first; wrong arguments are told to the model, and the function is not called.
What the function returns is told too: text as it is, anything else as JSON, `ToolImage` as an image.
What it raises is not: the model learns that the tool failed, unless it is a `ToolError`.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast, overload

import msgspec

from codex_runtime._arguments import absolute_path, checked_bytes, positive_seconds
from codex_runtime._media import MAX_INLINE_BYTES, check_data_url, data_url, image_type
from codex_runtime._tool_docs import docs_of
from codex_runtime._tool_schema import Signature, names_around, signature_of
from codex_runtime._tool_wording import LONGEST_SCHEMA
from codex_runtime.errors import InvalidArgument, InvalidTool

__all__ = ["NeedsApproval", "Tool", "ToolContext", "ToolError", "ToolImage", "tool"]

logger = logging.getLogger("codex_runtime.tools")

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

NeedsApproval: TypeAlias = "bool | Callable[[Mapping[str, Any]], bool]"
"""Whether a call has to be approved; or a function that tells so from its arguments by name."""

_TIMEOUT: Final = 120.0
"""Seconds for one call. The turn waits for it, and the model for the turn; codex itself waits
without an end."""

_LONGEST_TIMEOUT: Final = 3_600.0
"""Seconds after which the request of the server is given up, whatever the tool does."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What codex takes for a name (fact 340)."""

_OF_CODEX: Final = frozenset(
    {
        "apply_patch",
        "create_goal",
        "exec_command",
        "get_goal",
        "request_user_input",
        "shell_command",
        "tool_search",
        "update_goal",
        "view_image",
        "write_stdin",
    }
)
"""Names of codex's own tools: it takes a tool of that name, and offers its own instead (fact 340)."""


class ToolError(Exception):
    """Raised by a tool: it has failed, and the model is told this text.

    Of any other exception the model learns nothing but that there was one.
    """


@dataclass(frozen=True)
class ToolContext:
    """What a tool may know of its call: its first parameter, where that is annotated so.

    Attributes:
        thread_id: The thread.
        turn_id: The turn.
        call_id: Names the call; it is the id of its item.
        tool: The name of the tool.
        cwd: The working directory of the thread, as far as it is known. On a remote server it is
            one of that machine.
        cancelled: Set when nobody waits for the result any more: the turn was interrupted, or the
            time is up. A plain function may `wait` on it; an asynchronous one is cancelled.
    """

    thread_id: str
    turn_id: str
    call_id: str
    tool: str
    cwd: str | None = None
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self.cancelled.is_set()


class ToolImage:
    """An image in the result of a tool: png, jpeg, gif or webp.

    Attributes:
        url: It, as a data URL.
    """

    def __init__(self, source: bytes | bytearray | memoryview | str | os.PathLike[str]) -> None:
        """Read it.

        Args:
            source: The bytes; or a base64 data URL; or the path of a file, read at once.

        Raises:
            InvalidArgument: It holds no such image, or is none of these; `AttachmentMissing` and
                `AttachmentTooLarge` are of this kind.
        """
        self.url = _image_url(source)

    def __repr__(self) -> str:
        return f"<ToolImage of {len(self.url)} characters>"


def _image_url(source: Any) -> str:
    if isinstance(source, str) and source[:5].lower() == "data:":
        check_data_url("source", source, "image")
        return source
    if isinstance(source, str) and source[:8].lower().startswith(("http://", "https://")):
        raise InvalidArgument(
            "source", "is a remote URL, which codex does not fetch", "pass the image itself"
        )
    if isinstance(source, str | os.PathLike):
        path = absolute_path("source", cast("str", source))
        return data_url("source", path, "image", room=MAX_INLINE_BYTES)[0]
    given = checked_bytes("source", source, "use bytes, a data URL or a path")
    media_type = image_type(given)
    if media_type is None:
        raise InvalidArgument("source", "holds no png, jpeg, gif or webp", "convert it")
    return f"data:{media_type};base64,{b64encode(given).decode()}"


class Tool(Generic[P, R_co]):
    """A function that the model can call. Made by `tool`; calling it calls the function.

    Attributes:
        name: What the model calls it.
        description: What the model is told of it.
        input_schema: The JSON Schema of its arguments, as it is sent.
        call: The function.
        timeout: Seconds that a call may take.
        max_concurrency: Calls that run at once in one event loop; None for any number.
        needs_approval: Whether an approver is asked before each call.
    """

    def __init__(  # noqa: PLR0913 — public option list, keyword-only
        self,
        call: Callable[P, R_co],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        max_concurrency: int | None = None,
        needs_approval: NeedsApproval = False,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        """See `tool`.

        Args:
            call: The function.
            name: See `tool`.
            description: Likewise.
            timeout: Likewise.
            max_concurrency: Likewise.
            needs_approval: Likewise.
            names: What names in annotations that are text may mean, besides what is global to
                the function.
        """
        if not callable(call):
            raise InvalidArgument("call", f"is of type {type(call).__name__}", "use a function")
        if isinstance(call, Tool):
            call = cast("Tool[P, R_co]", call).call
        docs = docs_of(_docstring(call))
        self.name = _checked_name(call, name)
        self.description = _checked_description(self.name, description, docs.description)
        self.call: Callable[P, R_co] = call
        self.timeout = positive_seconds("timeout", timeout, _TIMEOUT)
        if self.timeout > _LONGEST_TIMEOUT:
            raise InvalidTool(
                "timeout", f"is {timeout:g}", f"use {_LONGEST_TIMEOUT:g} at the most", self.name
            )
        self.max_concurrency = _checked_count(self.name, max_concurrency)
        self.needs_approval = _checked_approval(self.name, needs_approval)
        self.signature: Signature = signature_of(
            self.name, call, docs, context_type=ToolContext, names=names or {}
        )
        self.input_schema: dict[str, Any] = self.signature.schema
        _warn_of_length(self.name, self.input_schema)
        self.__doc__ = self.description
        self.__wrapped__ = call

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Tool {self.name!r}>"


@overload
def tool(
    call: Callable[P, R_co],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    max_concurrency: int | None = None,
    needs_approval: NeedsApproval = False,
) -> Tool[P, R_co]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    max_concurrency: int | None = None,
    needs_approval: NeedsApproval = False,
) -> Callable[[Callable[P, R_co]], Tool[P, R_co]]: ...


def tool(call: Callable[..., Any] | None = None, /, **options: Any) -> Any:  # noqa: D417 — see the overloads
    """Make a function a tool: `@tool`, or `@tool(name="search")`; also `tool(thing.method)`.

    Its parameters need type hints of what has a form in JSON: str, int, float, bool, None, list, dict,
    tuple, set, `Literal`, enums, unions, `Any`, dates, UUIDs, paths, dataclasses, `TypedDict`,
    `NamedTuple`, `msgspec.Struct`, pydantic models, and `Annotated` with `msgspec.Meta` or with text, which
    describes it. Else a parameter is described by the `Args:` section of the docstring. A default has
    to be of the type, or None. A first parameter that is annotated as `ToolContext` gets one. What
    the function returns needs no type hint.

    A plain function runs in a thread of its own, so it may block; nobody can end it when its time
    is up. An asynchronous one runs in the event loop, and is cancelled.

    Args:
        call: The function.
        name: What the model calls it, in letters, digits, `_` and `-`; by default its own name.
        description: What the model is told of it; by default its docstring, without the sections
            about arguments and exceptions.
        timeout: Seconds that a call may take, the wait for others of `max_concurrency` among them;
            by default 120, and 3,600 at the most.
        max_concurrency: Calls that run at once in one event loop; by default any number. The
            model may make several calls in one response.
        needs_approval: Have each call approved first, by the approvers that are asked about commands
            too; or a function of the arguments, by name, that tells whether. Nobody says yes: the
            call fails, and the model is told that it was not approved.

    Raises:
        InvalidTool: Codex would not take it, or the model not see it: the error names the tool, the
            parameter and what to do.
        InvalidArgument: An argument cannot be used.
    """
    # Annotations that are text may name what is local to whoever defines the tool.
    names = names_around(inspect.currentframe())
    if call is not None:
        return Tool(call, names=names, **options)

    def make(function: Callable[..., Any]) -> Tool[..., Any]:
        return Tool(function, names=names, **options)

    return make


def _docstring(call: Any) -> str | None:
    told: Any = getattr(call, "__doc__", None)
    # An object shows the docstring of its class, which is not about calling it.
    return told if isinstance(told, str) and hasattr(call, "__name__") else None


def _checked_name(call: Any, name: Any) -> str:
    found = getattr(call, "__name__", "") if name is None else name
    shown = found if isinstance(found, str) else repr(found)
    if not isinstance(found, str) or not _NAME.fullmatch(found):
        problem = f"is {shown!r}" if found else "is not known"
        fix = "use name= with 1 to 128 of the letters A to Z, digits, _ and -"
        raise InvalidTool("name", problem, fix, shown)
    if found == "mcp" or found.startswith("mcp__"):
        problem, fix = "is reserved for tools of MCP servers", "use name= with another"
        raise InvalidTool("name", problem, fix, shown)
    if found in _OF_CODEX:
        problem = "is that of a tool of codex's own, which would be offered instead"
        raise InvalidTool("name", problem, "use name= with another", shown)
    return found


def _checked_description(tool: str, given: Any, documented: str) -> str:
    text = documented if given is None else given
    if not isinstance(text, str) or not text.strip():
        problem, fix = "is blank", "write a docstring, or pass description="
        raise InvalidTool("description", problem, fix, tool)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidTool("description", "has a lone surrogate", "take it out", tool) from None
    return text


def _warn_of_length(tool: str, schema: dict[str, Any]) -> None:
    size = len(msgspec.json.encode(schema))
    if size > LONGEST_SCHEMA:
        logger.warning(
            "tool %s: its schema has %d bytes; beyond %d codex drops all descriptions in it",
            tool,
            size,
            LONGEST_SCHEMA,
        )


def _checked_count(tool: str, count: Any) -> int | None:
    if count is None:
        return None
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidTool("max_concurrency", f"is {count!r}", "use a positive whole number", tool)
    return count


def _checked_approval(tool: str, needed: Any) -> NeedsApproval:
    if not isinstance(needed, bool) and not callable(needed):
        fix = "use True, False, or a function of the arguments"
        raise InvalidTool("needs_approval", f"is {needed!r}", fix, tool)
    return cast("NeedsApproval", needed)
