"""MCP servers, as codex runs and reaches them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from msgspec.structs import replace

from codex_runtime._arguments import checked_thread_id, positive_seconds, without_none
from codex_runtime.errors import InvalidArgument, RemoteProtocolError
from codex_runtime.protocol import (
    ListMcpServerStatusParams,
    ListMcpServerStatusResponse,
    McpResourceReadParams,
    McpResourceReadResponse,
    McpServerOauthLoginCompletedNotification,
    McpServerOauthLoginParams,
    McpServerOauthLoginResponse,
    McpServerStatus,
    McpServerToolCallParams,
    McpServerToolCallResponse,
    methods,
)
from codex_runtime.services._calls import NETWORK_TIMEOUT, Service
from codex_runtime.services._listing import first_page, on_thread, one_page, pages
from codex_runtime.services._sign_in import Outcome
from codex_runtime.services.logins import McpLogin
from codex_runtime.threads._checks import (
    checked_choice,
    checked_mapping,
    checked_text,
    checked_texts,
)

__all__ = ["Mcp", "StatusDetail"]

StatusDetail: TypeAlias = Literal["full", "toolsAndAuthOnly"]
"""How much of each MCP server is listed: with its resources, or without."""

_DETAILS: Final = get_args(StatusDetail)

_STATUS_TIMEOUT: Final = 120.0
"""Seconds for a list by default, at the least. Ours: the MCP servers on it are started first (fact
223), which may mean to download them."""

_TOOL_TIMEOUT: Final = 300.0
"""Seconds for a tool or a resource by default, at the least. Ours, and meant to be more than most
tools need: codex has a limit of its own, `tool_timeout_sec` of config.toml, and whoever gives a tool
more time there has to say so here too."""

_LOGIN_TIMEOUT: Final = 300.0
"""Seconds that a person has by default to sign in to an MCP server. Ours: time to look for a
password, and few, since nothing but time ends such a sign-in (fact 217)."""


class Mcp(Service):
    """State, sign-in, resources and tools of MCP servers. From `Runtime.mcp`.

    Which ones there are is said by config.toml (`mcp_servers`). A thread starts one process of each
    stdio server for itself (fact 101); calls that name no thread start one for the occasion.

    Every call takes `timeout=` in seconds for its answer. By default that is the runtime's
    `request_timeout`, and at the least 120 seconds for a list, 300 for a tool or a resource, and 60
    for the start of a sign-in.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    async def status(
        self,
        *,
        server: str | None = None,
        thread_id: str | None = None,
        detail: StatusDetail | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> ListMcpServerStatusResponse:
        """A page of MCP servers: their tools, resources, sign-in (`mcpServerStatus/list`).

        Starts those that do not run, for each page anew; `tools_error` says of one that could not
        be started why (fact 223).

        Args:
            server: This one only. Codex 0.154 lists all the same (fact 215); the others are left out
                here.
            thread_id: As this loaded thread sees them, with `runtime_status`.
            detail: `"toolsAndAuthOnly"` leaves resources out.
            limit: Entries a page at the most; by default all.
            cursor: `next_cursor` of the page before.
            timeout: Seconds.

        Raises:
            ThreadNotLoaded: No such thread is loaded.
            InvalidCursor: `cursor` is none that the server gave.
            InvalidArgument: An argument cannot be used.
        """
        params = _status_params(server, thread_id, detail, one_page(limit, cursor))
        page = await self._ask(
            methods.MCP_SERVER_STATUS_LIST, params, timeout, at_least=_STATUS_TIMEOUT
        )
        return _of_server(page, server)

    def iter_status(
        self,
        *,
        server: str | None = None,
        thread_id: str | None = None,
        detail: StatusDetail | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[McpServerStatus]:
        """All MCP servers, page after page (`mcpServerStatus/list`). See `status`.

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            server: As for `status`.
            thread_id: As for `status`.
            detail: As for `status`.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = _status_params(server, thread_id, detail, first_page(page_size))
        return pages(
            self._client,
            methods.MCP_SERVER_STATUS_LIST,
            params,
            timeout=self._seconds(timeout, at_least=_STATUS_TIMEOUT),
            keep=lambda page: _of_server(page, server),
        )

    async def reload(self, *, timeout: float | None = None) -> None:
        """Start the MCP servers of all loaded threads anew (`config/mcpServer/reload`).

        As config.toml has them now. Also one that has died, which stays dead otherwise (fact 216).
        Returns before they are ready; `mcpServer/startupStatus/updated` tells of that.

        Args:
            timeout: Seconds.

        Raises:
            ConfigurationRefused: config.toml cannot be loaded.
        """
        await self._ask(methods.CONFIG_MCP_SERVER_RELOAD, None, timeout)

    async def login(
        self,
        server: str,
        *,
        scopes: Iterable[str] | None = None,
        thread_id: str | None = None,
        login_timeout: float | None = None,
        timeout: float | None = None,
    ) -> McpLogin:
        """Start to sign in to an MCP server that is reached over HTTP (`mcpServer/oauth/login`).

            async with await runtime.mcp.login("docs") as login:
                webbrowser.open(login.authorization_url)
                await login.wait()

        Cancelling stops the wait for the address only: the server ends what it has begun after
        `login_timeout`.

        Args:
            server: The MCP server.
            scopes: What to ask for; by default what config.toml or the MCP server says.
            thread_id: As this loaded thread sees it.
            login_timeout: Seconds that a person has for it, after which the server gives it up.
                Rounded up to whole ones; 300 by default.
            timeout: Seconds for the start alone.

        Raises:
            RequestRefused: There is no such MCP server, it is none that is reached over HTTP, or
                it offers no such sign-in.
            InvalidArgument: An argument cannot be used.
        """
        name = checked_text(server, "server")
        start = self._seconds(timeout, at_least=NETWORK_TIMEOUT)
        seconds = positive_seconds("login_timeout", login_timeout, _LOGIN_TIMEOUT)
        params = McpServerOauthLoginParams(
            name=name,
            timeout_secs=_whole(seconds),
            **without_none(scopes=None if scopes is None else checked_texts(scopes, "scopes")),
            **on_thread(thread_id),
        )
        outcome = Outcome(self._client, McpServerOauthLoginCompletedNotification)
        try:
            answer = _checked_answer(await self._ask(methods.MCP_SERVER_OAUTH_LOGIN, params, start))
        except BaseException:
            outcome.close()
            raise
        outcome.server, outcome.login_id = name, answer.login_id
        outcome.expect(lambda completion: _is_of(completion, name, answer.login_id))
        return McpLogin(self._client, outcome, answer, seconds)

    async def read_resource(
        self,
        server: str,
        uri: str,
        *,
        thread_id: str | None = None,
        timeout: float | None = None,
    ) -> McpResourceReadResponse:
        """What a resource of an MCP server holds (`mcpServer/resource/read`).

        Args:
            server: The MCP server.
            uri: The resource.
            thread_id: With the connection of this loaded thread; by default with one of its own.
            timeout: Seconds.

        Returns:
            `contents`, each as text or as base64.

        Raises:
            RequestRefused: There is no such MCP server or resource. `code` and `message` are the
                MCP server's own where it has answered (fact 222).
            ThreadNotLoaded: No such thread is loaded.
            InvalidArgument: An argument cannot be used.
        """
        params = McpResourceReadParams(
            server=checked_text(server, "server"),
            uri=checked_text(uri, "uri"),
            **on_thread(thread_id),
        )
        return await self._ask(
            methods.MCP_SERVER_RESOURCE_READ, params, timeout, at_least=_TOOL_TIMEOUT
        )

    async def call_tool(
        self,
        thread_id: str,
        server: str,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        meta: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> McpServerToolCallResponse:
        """Call a tool of an MCP server (`mcpServer/tool/call`).

        Nobody is asked: this is a call of yours and not of the model, so neither approval policy
        nor sandbox apply (fact 223).

        Args:
            thread_id: A loaded thread, whose connection is used.
            server: The MCP server.
            tool: The tool.
            arguments: What it takes, as JSON; none by default.
            meta: For the MCP server's `_meta`.
            timeout: Seconds. The tool may go on all the same.

        Returns:
            `content`, and `structured_content` where the tool gives some. `is_error` is True where
            the tool says that it has failed: that is a result and raises nothing.

        Raises:
            RequestRefused: There is no such MCP server, or it could not be started, has died, or
                answered with an error, a tool that it does not have among them. `code` and
                `message` are the MCP server's own where it has answered.
            ThreadNotLoaded: No such thread is loaded.
            UnsendableValue: `arguments` or `meta` have no form in JSON.
            InvalidArgument: Another argument cannot be used.
        """
        fields = without_none(
            arguments=_checked_object(arguments, "arguments"), meta=_checked_object(meta, "meta")
        )
        params = McpServerToolCallParams(
            thread_id=checked_thread_id(thread_id),
            server=checked_text(server, "server"),
            tool=checked_text(tool, "tool"),
            **fields,
        )
        return await self._ask(
            methods.MCP_SERVER_TOOL_CALL, params, timeout, at_least=_TOOL_TIMEOUT
        )


def _status_params(
    server: str | None, thread_id: str | None, detail: StatusDetail | None, page: dict[str, Any]
) -> ListMcpServerStatusParams:
    fields = without_none(
        server_name=None if server is None else checked_text(server, "server"),
        detail=None if detail is None else checked_choice(detail, "detail", _DETAILS),
    )
    return ListMcpServerStatusParams(**fields, **on_thread(thread_id), **page)


def _of_server(
    page: ListMcpServerStatusResponse, server: str | None
) -> ListMcpServerStatusResponse:
    # A page without a list stays one, since it is no empty list.
    if server is None or not page.data:
        return page
    return replace(page, data=[each for each in page.data if each.name == server])


def _checked_object(value: Mapping[str, Any] | None, field: str) -> dict[str, Any] | None:
    return None if value is None else dict(checked_mapping(value, field))


def _whole(seconds: float) -> int:
    if not math.isfinite(seconds):
        raise InvalidArgument("login_timeout", f"is {seconds}", "use a finite number of seconds")
    return math.ceil(seconds)


def _checked_answer(answer: McpServerOauthLoginResponse) -> McpServerOauthLoginResponse:
    if not answer.authorization_url:
        raise RemoteProtocolError(methods.MCP_SERVER_OAUTH_LOGIN.method, "it names no address")
    return answer


def _is_of(
    completion: McpServerOauthLoginCompletedNotification, server: str, login_id: str | None
) -> bool:
    # Codex 0.154 gives sign-ins no id (fact 217).
    return completion.name == server and completion.login_id == login_id
