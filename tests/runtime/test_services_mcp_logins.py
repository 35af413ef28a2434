"""Signing in to MCP servers."""

from typing import Any

import anyio
import pytest
from runtime.support import Server, settled

from codex_runtime import LoginFailed, LoginTimedOut, RemoteProtocolError, Runtime

ADDRESS = "https://auth.invalid/canary-address"


def nobody_listens(runtime: Runtime) -> bool:
    return not runtime._client.hub._subscribers


MCP = "mcpServer/oauth/login"


def mcp_completed(server: Server, name: str = "docs", **more: Any) -> None:
    server.tell("mcpServer/oauthLogin/completed", **{"name": name, "success": True, **more})


@pytest.mark.parametrize("login_id", ["login-1", None])
async def test_a_sign_in_to_an_mcp_server_is_told_by_its_id_or_by_its_name(
    server: Server, login_id: str | None
) -> None:
    server.on[MCP] = lambda request: server.answer(
        request, {"authorizationUrl": ADDRESS, "loginId": login_id}
    )
    async with (
        server.runtime() as runtime,
        await runtime.mcp.login("docs", scopes=["a"], login_timeout=1.2) as login,
    ):
        assert (login.server, login.login_id, login.authorization_url) == (
            "docs",
            login_id,
            ADDRESS,
        )
        assert server.sent(MCP)[0]["params"] == {"name": "docs", "scopes": ["a"], "timeoutSecs": 2}
        mcp_completed(server, "other", loginId=login_id)
        mcp_completed(server, loginId="another", success=False)
        await settled()
        assert not login.ended
        mcp_completed(server, loginId=login_id, success=False, error="denied")
        with pytest.raises(LoginFailed) as caught:
            await login.wait()
        error = caught.value
        assert (error.server, error.message, error.login_id) == ("docs", "denied", login_id)
        assert "canary" not in repr(login)
    assert [each for each in server.received if "cancel" in str(each.get("method"))] == []


@pytest.mark.virtual_time
async def test_an_mcp_server_is_waited_for_until_the_server_has_given_up(server: Server) -> None:
    server.on[MCP] = lambda request: server.answer(request, {"authorizationUrl": ADDRESS})
    async with server.runtime() as runtime:
        login = await runtime.mcp.login("docs", login_timeout=20)
        began = anyio.current_time()
        with pytest.raises(LoginTimedOut):
            await login.wait()
        assert 29 < anyio.current_time() - began < 31
        mcp_completed(server)
        await login.wait()
        assert nobody_listens(runtime)

        server.on[MCP] = lambda request: server.answer(request, {})
        with pytest.raises(RemoteProtocolError):
            await runtime.mcp.login("docs")
        assert nobody_listens(runtime)
