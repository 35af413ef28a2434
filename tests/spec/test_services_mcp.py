"""MCP servers of a real codex: a tiny one over stdio, and one on loopback that wants a sign-in."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import pytest
from spec.conftest import Stage
from spec.private import Private, private
from spec.requirements import requirement
from spec.web import Web, callback, visit, web

from codex_runtime import LoginFailed, RequestRefused, ThreadNotFound
from codex_runtime.protocol import Event, McpServerStatusUpdatedNotification

NOT_FAKED = "the fake app-server knows no MCP servers"

PROGRAM: Final = Path(__file__).with_name("mcp_server.py")

SETTINGS: Final = (
    f"mcp_servers.tiny.command = {json.dumps(sys.executable)}",
    f'mcp_servers.tiny.args = ["-IS", {json.dumps(str(PROGRAM))}]',
    'mcp_servers.broken.command = "/no/such/program"',
    'mcp_servers.off.command = "true"',
    "mcp_servers.off.enabled = false",
)

PATIENCE: Final = 20.0
"""Seconds to wait for an MCP server to be ready; it takes less than one."""

NOBODY: Final = "0199a213-81c0-7800-8aa1-bbab2a035a53"
"""A thread id in the right form that no thread has."""


async def ready(events: AsyncIterator[Event]) -> None:
    """Wait until an MCP server is."""
    with anyio.fail_after(PATIENCE):
        async for event in events:
            if isinstance(event, McpServerStatusUpdatedNotification) and event.status == "ready":
                return


@asynccontextmanager
async def with_thread(folder: Path) -> AsyncGenerator[tuple[Private, str]]:
    """A server with MCP servers, and a thread whose tiny one is ready."""
    async with private(folder, *SETTINGS) as server, server.runtime.events() as events:
        thread = await server.runtime.thread_start(cwd=server.workspace)
        await ready(events)
        yield server, thread.thread_id


@asynccontextmanager
async def wanting_a_sign_in(folder: Path) -> AsyncGenerator[tuple[Private, Web]]:
    """A server with an MCP server on our web server, and where to put what it is given."""
    with web() as site:
        async with private(
            folder,
            'mcp_oauth_credentials_store = "file"',
            f'mcp_servers.docs.url = "{site.url}/mcp"',
        ) as server:
            yield server, site


@requirement("mcp:status")
async def test_the_list_tells_what_each_server_offers(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path, *SETTINGS) as server:
        mcp = server.runtime.mcp
        page = await mcp.status()
        paged = [each.name async for each in mcp.iter_status(page_size=1)]
        brief = await mcp.status(detail="toolsAndAuthOnly")

    found = {each.name: each for each in page.data}
    assert list(found) == paged == ["broken", "off", "tiny"]
    assert page.next_cursor is None
    assert sorted(found["tiny"].tools) == ["ask", "die", "echo", "fail"]
    assert [each.uri for each in found["tiny"].resources] == ["tiny://greeting"]
    assert "No such file" in (found["broken"].tools_error or "")
    assert [each.resources for each in brief.data if each.name == "tiny"] == [[]]


@requirement("mcp:one-server")
async def test_a_list_of_one_has_no_other(stage: Stage, tmp_path: Path) -> None:
    async with with_thread(tmp_path) as (server, thread_id):
        mcp = server.runtime.mcp
        page = await mcp.status(server="tiny", thread_id=thread_id)
        none = [each async for each in mcp.iter_status(server="nobody")]

    assert [each.name for each in page.data] == ["tiny"]
    assert page.data[0].runtime_status == "connected"
    assert none == []


@requirement("mcp:resource")
async def test_a_resource_is_read_with_and_without_a_thread(stage: Stage, tmp_path: Path) -> None:
    async with with_thread(tmp_path) as (server, thread_id):
        mcp = server.runtime.mcp
        for thread in (None, thread_id):
            read = await mcp.read_resource("tiny", "tiny://greeting", thread_id=thread)
            [content] = read.contents
            assert getattr(content, "text", None) == "Hello."
        with pytest.raises(RequestRefused, match="no resource called") as caught:
            await mcp.read_resource("tiny", "tiny://nothing")
        assert caught.value.code == -32002
        with pytest.raises(RequestRefused, match="unknown MCP server"):
            await mcp.read_resource("nobody", "tiny://greeting")


@requirement("mcp:tool", "mcp:tool-failed")
async def test_a_tool_is_called_without_asking_anybody(stage: Stage, tmp_path: Path) -> None:
    async with with_thread(tmp_path) as (server, thread_id):
        mcp = server.runtime.mcp
        done = await mcp.call_tool(thread_id, "tiny", "echo", {"a": [1, None]}, meta={"m": "x"})
        failed = await mcp.call_tool(thread_id, "tiny", "fail")
        with pytest.raises(RequestRefused, match="no tool called nothing") as caught:
            await mcp.call_tool(thread_id, "tiny", "nothing")
        assert caught.value.code == -32050
        with pytest.raises(RequestRefused, match="unknown MCP server"):
            await mcp.call_tool(thread_id, "nobody", "echo")
        with pytest.raises(RequestRefused, match="No such file"):
            await mcp.call_tool(thread_id, "broken", "echo")
        with pytest.raises(ThreadNotFound):
            await mcp.call_tool(NOBODY, "tiny", "echo")
        asked = server.runtime.statistics().server_requests

    assert not done.is_error
    assert done.structured_content["arguments"] == {"a": [1, None]}
    assert done.structured_content["meta"]["m"] == "x"
    assert failed.is_error is True
    assert failed.content[0]["text"] == "it did not work"
    assert asked == 0


@requirement("mcp:reload")
async def test_an_mcp_server_that_died_is_back_after_a_reload(stage: Stage, tmp_path: Path) -> None:
    async with with_thread(tmp_path) as (server, thread_id):
        mcp = server.runtime.mcp
        for tool in ("die", "echo"):
            with pytest.raises(RequestRefused, match="Transport closed"):
                await mcp.call_tool(thread_id, "tiny", tool)

        async with server.runtime.events() as events:
            await mcp.reload()
            await ready(events)
        assert not (await mcp.call_tool(thread_id, "tiny", "echo")).is_error


@requirement("mcp:login")
async def test_a_sign_in_to_an_mcp_server_ends_when_the_browser_comes_back(
    stage: Stage, tmp_path: Path
) -> None:
    async with wanting_a_sign_in(tmp_path) as (server, site):
        mcp = server.runtime.mcp
        [status] = (await mcp.status()).data
        assert status.auth_status == "notLoggedIn"

        async with await mcp.login("docs", scopes=["read"]) as denied:
            assert "scope=read&" in f"{denied.authorization_url}&"
            await visit(callback(denied.authorization_url, error="access_denied"))
            with pytest.raises(LoginFailed, match="access_denied") as caught:
                await denied.wait()
            assert caught.value.server == "docs"

        async with await mcp.login("docs") as login:
            assert login.authorization_url.startswith(f"{site.url}/authorize?")
            assert login.authorization_url not in repr(login)
            assert await visit(callback(login.authorization_url, code="c1")) == 200
            await login.wait()
        assert "/token" in site.asked
        assert (server.home / ".credentials.json").exists()


@requirement("mcp:login-given-up")
async def test_a_sign_in_to_an_mcp_server_is_given_up_in_time(stage: Stage, tmp_path: Path) -> None:
    async with wanting_a_sign_in(tmp_path) as (server, _):
        began = anyio.current_time()
        login = await server.runtime.mcp.login("docs", login_timeout=0.5)
        with pytest.raises(LoginFailed, match="timed out"):
            await login.wait()
        assert anyio.current_time() - began < 10
        assert login.ended


@requirement("mcp:login-refused")
async def test_a_sign_in_that_makes_no_sense_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path, *SETTINGS) as server:
        for name, words in (("tiny", "only supported for"), ("nobody", "No MCP server named")):
            with pytest.raises(RequestRefused, match=words):
                await server.runtime.mcp.login(name)
        assert not server.runtime._client.hub._subscribers
