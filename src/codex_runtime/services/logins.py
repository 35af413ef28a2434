"""Handles of sign-ins that somebody has to finish in a browser."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

from codex_runtime._arguments import positive_seconds
from codex_runtime._client import Client
from codex_runtime.protocol import (
    AccountLoginCompletedNotification,
    CancelLoginAccountParams,
    CancelLoginAccountResponse,
    ChatgptDeviceCodeLoginAccountResponse,
    ChatgptLoginAccountResponse,
    McpServerOauthLoginResponse,
    Method,
    methods,
)
from codex_runtime.services._leaving import take_leave
from codex_runtime.services._sign_in import Outcome

__all__ = ["ChatgptLogin", "DeviceCodeLogin", "LoginHandle", "McpLogin"]

_LOGIN_TIMEOUT: Final = 900.0
"""Seconds that `wait` gives a person by default. Ours: a quarter of an hour, to find a browser and a
password."""

_CANCEL_BOUND: Final = 10.0
"""Seconds that cancelling may hold up whoever leaves. 1 to 10 ms were measured (fact 211)."""

_MARGIN: Final = 10.0
"""Seconds for the server to tell that it has given up a sign-in."""


class _Handle:
    """What handles of sign-ins share."""

    def __init__(self, client: Client, outcome: Outcome[Any]) -> None:
        self._client = client
        self._outcome = outcome

    def __repr__(self) -> str:
        # Whoever knows the address or the code can finish the sign-in.
        state = "ended" if self.ended else "open"
        return f"<{type(self).__name__} {self._outcome.login_id or self._outcome.server} {state}>"

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, well or not."""
        return self._outcome.ended

    async def __aenter__(self) -> Self:
        return self


class LoginHandle(_Handle):
    """A sign-in to the account, until somebody has finished it elsewhere.

    Used as `async with` it is cancelled when the block is left before its end, by an exception or
    otherwise; leaving takes 10 seconds at the most. A handle that is dropped without either stays
    open at the server until the server gives it up.

    There is one at a time: another sign-in, signing out, or signing in with an API key cancels it
    (fact 212).

    Attributes:
        login_id: Its name, given by the server.
    """

    def __init__(self, client: Client, outcome: Outcome[AccountLoginCompletedNotification]) -> None:
        super().__init__(client, outcome)
        self.login_id = outcome.login_id or ""

    async def wait(self, *, timeout: float | None = None) -> None:
        """Wait until it is finished and the account is in force (`account/login/completed`).

        Cancelling stops the wait, not the sign-in; several tasks may wait.

        Args:
            timeout: Seconds, 900 by default.

        Raises:
            LoginFailed: It was refused, cancelled or replaced by another; in the server's words.
            LoginTimedOut: Nobody has finished it in time. It is still open.
            ConnectionLost: The server went away, and the sign-in with it.
            RuntimeClosed: The runtime was closed.
            InvalidArgument: `timeout` is no positive number.
        """
        await self._outcome.wait(positive_seconds("timeout", timeout, _LOGIN_TIMEOUT))

    async def cancel(self, *, timeout: float | None = None) -> bool:
        """Give it up (`account/login/cancel`). `wait` raises `LoginFailed` then.

        Cancelling this call stops the wait for the answer only.

        Args:
            timeout: Seconds; by default the runtime's `request_timeout`.

        Returns:
            Whether it was still open.

        Raises:
            RequestTimeout: The server did not answer in time.
            ConnectionLost: The server went away, and the sign-in with it.
            InvalidArgument: `timeout` is no positive number.
        """
        seconds = positive_seconds("timeout", timeout, self._client.request_timeout)
        if self.ended:
            return False
        method, params = self._cancel_call()
        response = await self._client.request(method, params, timeout=seconds)
        return response.status == "canceled"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if not self.ended:
                await take_leave(self._client, *self._cancel_call(), bound=_CANCEL_BOUND)
        finally:
            self._outcome.close()

    def _cancel_call(
        self,
    ) -> tuple[
        Method[CancelLoginAccountParams, CancelLoginAccountResponse], CancelLoginAccountParams
    ]:
        return methods.ACCOUNT_LOGIN_CANCEL, CancelLoginAccountParams(login_id=self.login_id)


class ChatgptLogin(LoginHandle):
    """A sign-in with ChatGPT, in a browser on the machine that codex runs on.

    The browser is sent back to port 1455 of that machine, which any other codex that starts a
    sign-in there takes over; this one ends then (fact 212).

    Attributes:
        auth_url: What to open in the browser. For the eyes of that person only.
    """

    def __init__(
        self,
        client: Client,
        outcome: Outcome[AccountLoginCompletedNotification],
        answer: ChatgptLoginAccountResponse,
    ) -> None:
        super().__init__(client, outcome)
        self.auth_url = answer.auth_url


class DeviceCodeLogin(LoginHandle):
    """A sign-in with ChatGPT, in a browser on any machine.

    Attributes:
        verification_url: What to open in the browser.
        user_code: What to type in there. For the eyes of that person only.
    """

    def __init__(
        self,
        client: Client,
        outcome: Outcome[AccountLoginCompletedNotification],
        answer: ChatgptDeviceCodeLoginAccountResponse,
    ) -> None:
        super().__init__(client, outcome)
        self.verification_url = answer.verification_url
        self.user_code = answer.user_code


class McpLogin(_Handle):
    """A sign-in to an MCP server, in a browser on the machine that codex runs on.

    The protocol has no way to cancel one: it stays open until the server gives it up, after the
    `login_timeout` it was started with. Leaving an `async with` block ends the listening only.

    Attributes:
        server: The MCP server.
        login_id: Its name, given by the server; None on codex 0.154, where two sign-ins to one MCP
            server cannot be told apart.
        authorization_url: What to open in the browser. For the eyes of that person only.
    """

    def __init__(
        self,
        client: Client,
        outcome: Outcome[Any],
        answer: McpServerOauthLoginResponse,
        timeout: float,
    ) -> None:
        super().__init__(client, outcome)
        self.server = outcome.server
        self.login_id = outcome.login_id
        self.authorization_url = answer.authorization_url
        self._timeout = timeout

    async def wait(self, *, timeout: float | None = None) -> None:
        """Wait until it is finished (`mcpServer/oauthLogin/completed`).

        Loaded threads connect to the server anew with `Mcp.reload`. Cancelling stops the wait, not
        the sign-in; several tasks may wait.

        Args:
            timeout: Seconds. By default until the server has given the sign-in up.

        Raises:
            LoginFailed: It was refused, or given up by the server; in its words.
            LoginTimedOut: Nobody has finished it in time. It is still open.
            ConnectionLost: The server went away, and the sign-in with it.
            RuntimeClosed: The runtime was closed.
            InvalidArgument: `timeout` is no positive number.
        """
        await self._outcome.wait(positive_seconds("timeout", timeout, self._timeout + _MARGIN))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._outcome.close()
