"""The account that codex works with."""

from __future__ import annotations

from typing import Final

from codex_runtime._arguments import checked_thread_id, positive_seconds
from codex_runtime._client import Client
from codex_runtime.errors import CodexRuntimeError, InvalidArgument
from codex_runtime.protocol import (
    ApiKeyLoginAccountParams,
    ChatgptDeviceCodeLoginAccountParams,
    ChatgptDeviceCodeLoginAccountResponse,
    ChatgptLoginAccountParams,
    ChatgptLoginAccountResponse,
    GetAccountParams,
    GetAccountRateLimitsParams,
    GetAccountRateLimitsResponse,
    GetAccountResponse,
    GetAccountTokenUsageParams,
    GetAccountTokenUsageResponse,
    methods,
)
from codex_runtime.services._login_start import start_login
from codex_runtime.services._secrets import take_out
from codex_runtime.services.logins import ChatgptLogin, DeviceCodeLogin
from codex_runtime.threads._checks import checked_flag, checked_text

__all__ = ["Account"]

_NETWORK_TIMEOUT: Final = 60.0
"""Seconds for what codex itself has to ask OpenAI about; its own limit for such a request is 30."""


class Account:
    """Reading the account, signing in and out, limits and usage. From `Runtime.account`.

    There is one account for all threads of a CODEX_HOME, kept in its `auth.json`, so whoever signs
    in or out does it for every codex of that home. `account/updated` tells of every change; a
    subscription to all events gets it.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, *, refresh: bool = False) -> GetAccountResponse:
        """Who is signed in, if anybody is (`account/read`).

        Args:
            refresh: Have the tokens of a ChatGPT account renewed first, over the network.

        Returns:
            `account` is None where nobody is signed in, and also where the model provider in use
            needs no account of OpenAI's, whoever is signed in (fact 94).

        Raises:
            InvalidArgument: `refresh` is neither True nor False.
        """
        params = GetAccountParams(refresh_token=checked_flag(refresh, "refresh"))
        timeout = max(_NETWORK_TIMEOUT, self._client.request_timeout)
        return await self._client.request(methods.ACCOUNT_READ, params, timeout=timeout)

    async def login_with_api_key(self, key: str) -> None:
        """Sign in with an API key (`account/login/start`). Works without a network (fact 94).

        The server stores the key in `auth.json` without trying it. Here it is kept nowhere, and
        taken out of what errors hold.

        Args:
            key: The key. Blank ones are refused here, since the server would store them (fact 213).

        Raises:
            InvalidArgument: `key` is no text, is blank or holds white space. Its text is not shown.
            RequestRefused: Signing in this way is not allowed, say by the settings.
        """
        params = ApiKeyLoginAccountParams(api_key=_checked_key(key))
        try:
            await self._client.request(methods.ACCOUNT_LOGIN_START, params)
        except CodexRuntimeError as error:
            take_out([key], error)
            raise

    async def login_with_chatgpt(self, *, timeout: float | None = None) -> ChatgptLogin:
        """Start to sign in with ChatGPT, in a browser beside codex (`account/login/start`).

            async with await runtime.account.login_with_chatgpt() as login:
                webbrowser.open(login.auth_url)
                await login.wait(timeout=300)

        Cancelling gives the sign-in up, if it has come about.

        Args:
            timeout: Seconds for the start alone; 60 by default.

        Raises:
            RequestRefused: It is not allowed, or no port could be had for it.
            InvalidArgument: `timeout` is no positive number.
        """
        outcome, answer = await start_login(
            self._client,
            ChatgptLoginAccountParams(),
            ChatgptLoginAccountResponse,
            positive_seconds("timeout", timeout, _NETWORK_TIMEOUT),
        )
        return ChatgptLogin(self._client, outcome, answer)

    async def login_with_device_code(self, *, timeout: float | None = None) -> DeviceCodeLogin:
        """Start to sign in with ChatGPT, in a browser anywhere (`account/login/start`).

            async with await runtime.account.login_with_device_code() as login:
                print(f"open {login.verification_url} and type {login.user_code}")
                await login.wait()

        Cancelling gives the sign-in up, if it has come about.

        Args:
            timeout: Seconds for the start alone, which asks OpenAI for a code; 60 by default.

        Raises:
            RequestRefused: It is not allowed, or OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number.
        """
        outcome, answer = await start_login(
            self._client,
            ChatgptDeviceCodeLoginAccountParams(),
            ChatgptDeviceCodeLoginAccountResponse,
            positive_seconds("timeout", timeout, _NETWORK_TIMEOUT),
        )
        return DeviceCodeLogin(self._client, outcome, answer)

    async def logout(self) -> None:
        """Sign out, and forget the account (`account/logout`). Fine where nobody is signed in.

        A sign-in that is still open is cancelled (fact 212).
        """
        await self._client.request(methods.ACCOUNT_LOGOUT, None)

    async def rate_limits(self, *, timeout: float | None = None) -> GetAccountRateLimitsResponse:
        """How much of the limits is used up, and when they are reset (`account/rateLimits/read`).

        Args:
            timeout: Seconds; 60 by default, since codex asks OpenAI.

        Returns:
            `rate_limits` with `primary` and `secondary`: percent used, and the reset in seconds of
            Unix time; `rate_limits_by_limit_id` where there are several.

        Raises:
            AccountNeeded: Nobody is signed in with ChatGPT; an API key has no such limits (fact 94).
            RequestRefused: OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number.
        """
        seconds = positive_seconds("timeout", timeout, _NETWORK_TIMEOUT)
        return await self._client.request(
            methods.ACCOUNT_RATE_LIMITS_READ, GetAccountRateLimitsParams(), timeout=seconds
        )

    async def usage(
        self, thread_id: str | None = None, *, timeout: float | None = None
    ) -> GetAccountTokenUsageResponse:
        """What the account has used (`account/usage/read`).

        Args:
            thread_id: Estimate the usage of this thread instead.
            timeout: Seconds; 60 by default, since codex asks OpenAI.

        Raises:
            AccountNeeded: Nobody is signed in with ChatGPT (fact 94).
            RequestRefused: OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number, or `thread_id` no thread id.
        """
        seconds = positive_seconds("timeout", timeout, _NETWORK_TIMEOUT)
        params = GetAccountTokenUsageParams()
        if thread_id is not None:
            params = GetAccountTokenUsageParams(thread_id=checked_thread_id(thread_id))
        return await self._client.request(methods.ACCOUNT_USAGE_READ, params, timeout=seconds)


def _checked_key(key: str) -> str:
    text = checked_text(key, "key")
    if any(character.isspace() for character in text):
        raise InvalidArgument("key", "holds white space", "take it out: keys have none")
    return text
