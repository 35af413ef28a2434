"""The account that codex works with."""

from __future__ import annotations

from codex_runtime._arguments import checked_thread_id
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
from codex_runtime.services._calls import NETWORK_TIMEOUT, Service
from codex_runtime.services._login_start import start_login
from codex_runtime.services._secrets import leave_words_out
from codex_runtime.services.logins import ChatgptLogin, DeviceCodeLogin
from codex_runtime.threads._checks import checked_flag, checked_text

__all__ = ["Account"]


class Account(Service):
    """Reading the account, signing in and out, limits and usage. From `Runtime.account`.

    There is one account for all threads of a CODEX_HOME, kept in its `auth.json`, so whoever signs
    in or out does it for every codex of that home. `account/updated` tells of every change; a
    subscription to all events gets it.

    Every call takes `timeout=` in seconds for its answer. By default that is the runtime's
    `request_timeout`, and 60 seconds at the least where codex may have to ask OpenAI: everywhere
    but for a key.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    async def read(
        self, *, refresh: bool = False, timeout: float | None = None
    ) -> GetAccountResponse:
        """Who is signed in, if anybody is (`account/read`).

        Args:
            refresh: Have the tokens of a ChatGPT account renewed first, over the network.
            timeout: Seconds.

        Returns:
            `account` is None where nobody is signed in, and also where the model provider in use
            needs no account of OpenAI's, whoever is signed in (fact 94).

        Raises:
            InvalidArgument: `refresh` is neither True nor False, or `timeout` no positive number.
        """
        params = GetAccountParams(refresh_token=checked_flag(refresh, "refresh"))
        return await self._ask(methods.ACCOUNT_READ, params, timeout, at_least=NETWORK_TIMEOUT)

    async def login_with_api_key(self, key: str, *, timeout: float | None = None) -> None:
        """Sign in with an API key (`account/login/start`). Works without a network (fact 94).

        The server stores the key in `auth.json` without trying it. Here it is kept nowhere, and
        errors do not hold the server's words, which might quote it.

        Args:
            key: The key. Blank ones are refused here, since the server would store them (fact 213).
            timeout: Seconds.

        Raises:
            InvalidArgument: `key` is no text, is blank or holds white space (its text is not shown),
                or `timeout` is no positive number.
            RequestRefused: Signing in this way is not allowed, say by the settings.
        """
        params = ApiKeyLoginAccountParams(api_key=_checked_key(key))
        try:
            await self._ask(methods.ACCOUNT_LOGIN_START, params, timeout)
        except CodexRuntimeError as error:
            leave_words_out(error, "the key")
            raise

    async def login_with_chatgpt(self, *, timeout: float | None = None) -> ChatgptLogin:
        """Start to sign in with ChatGPT, in a browser beside codex (`account/login/start`).

            async with await runtime.account.login_with_chatgpt() as login:
                webbrowser.open(login.auth_url)
                await login.wait(timeout=300)

        Cancelling gives the sign-in up, if it has come about.

        Args:
            timeout: Seconds for the start alone.

        Raises:
            RequestRefused: It is not allowed, or no port could be had for it.
            InvalidArgument: `timeout` is no positive number.
        """
        outcome, answer = await start_login(
            self._client,
            ChatgptLoginAccountParams(),
            ChatgptLoginAccountResponse,
            self._seconds(timeout, at_least=NETWORK_TIMEOUT),
        )
        return ChatgptLogin(self._client, outcome, answer)

    async def login_with_device_code(self, *, timeout: float | None = None) -> DeviceCodeLogin:
        """Start to sign in with ChatGPT, in a browser anywhere (`account/login/start`).

            async with await runtime.account.login_with_device_code() as login:
                print(f"open {login.verification_url} and type {login.user_code}")
                await login.wait()

        Cancelling gives the sign-in up, if it has come about.

        Args:
            timeout: Seconds for the start alone, which asks OpenAI for a code.

        Raises:
            RequestRefused: It is not allowed, or OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number.
        """
        outcome, answer = await start_login(
            self._client,
            ChatgptDeviceCodeLoginAccountParams(),
            ChatgptDeviceCodeLoginAccountResponse,
            self._seconds(timeout, at_least=NETWORK_TIMEOUT),
        )
        return DeviceCodeLogin(self._client, outcome, answer)

    async def logout(self, *, timeout: float | None = None) -> None:
        """Sign out, and forget the account (`account/logout`). Fine where nobody is signed in.

        A sign-in that is still open is cancelled (fact 212).

        Args:
            timeout: Seconds.
        """
        await self._ask(methods.ACCOUNT_LOGOUT, None, timeout, at_least=NETWORK_TIMEOUT)

    async def rate_limits(self, *, timeout: float | None = None) -> GetAccountRateLimitsResponse:
        """How much of the limits is used up, and when they are reset (`account/rateLimits/read`).

        Args:
            timeout: Seconds.

        Returns:
            `rate_limits` with `primary` and `secondary`: percent used, and the reset in seconds of
            Unix time; `rate_limits_by_limit_id` where there are several.

        Raises:
            AccountNeeded: Nobody is signed in with ChatGPT; an API key has no such limits (fact 94).
            RequestRefused: OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number.
        """
        params = GetAccountRateLimitsParams()
        return await self._ask(
            methods.ACCOUNT_RATE_LIMITS_READ, params, timeout, at_least=NETWORK_TIMEOUT
        )

    async def usage(
        self, thread_id: str | None = None, *, timeout: float | None = None
    ) -> GetAccountTokenUsageResponse:
        """What the account has used (`account/usage/read`).

        Args:
            thread_id: Estimate the usage of this thread instead.
            timeout: Seconds.

        Raises:
            AccountNeeded: Nobody is signed in with ChatGPT (fact 94).
            RequestRefused: OpenAI could not be reached.
            InvalidArgument: `timeout` is no positive number, or `thread_id` no thread id.
        """
        params = GetAccountTokenUsageParams()
        if thread_id is not None:
            params = GetAccountTokenUsageParams(thread_id=checked_thread_id(thread_id))
        return await self._ask(
            methods.ACCOUNT_USAGE_READ, params, timeout, at_least=NETWORK_TIMEOUT
        )


def _checked_key(key: str) -> str:
    text = checked_text(key, "key")
    if any(character.isspace() for character in text):
        raise InvalidArgument("key", "holds white space", "take it out: keys have none")
    return text
