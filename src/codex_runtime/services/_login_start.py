"""The start of a sign-in, which somebody has to see through.

Whoever asked may be cancelled at any time. The server may open the sign-in all the same; then the
runtime gives it up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, TypeVar

import anyio

from codex_runtime._client import Client
from codex_runtime.errors import CodexRuntimeError, RemoteProtocolError
from codex_runtime.protocol import (
    AccountLoginCompletedNotification,
    AccountUpdatedNotification,
    CancelLoginAccountParams,
    LoginAccountParams,
    LoginAccountResponse,
    Unknown,
    methods,
)
from codex_runtime.services._sign_in import Outcome

__all__ = ["start_login"]

A = TypeVar("A", bound=LoginAccountResponse)

_NEEDED: Final = ("auth_url", "verification_url", "user_code")
"""What a person needs to finish a sign-in, of what the answer of its kind has."""


async def start_login(
    client: Client, params: LoginAccountParams, kind: type[A], timeout: float
) -> tuple[Outcome[AccountLoginCompletedNotification], A]:
    """Start a sign-in that is finished elsewhere.

    Cancelling gives it up, if it came about.

    Args:
        client: Where.
        params: Which.
        kind: What the server has to answer.
        timeout: Seconds.

    Returns:
        What becomes of it, and the answer.

    Raises:
        RequestTimeout: The server did not answer in time. Should it open the sign-in later,
            that stays open until the server gives it up.
        RemoteProtocolError: It answered something else.
        CodexRuntimeError: Besides, whatever became of the request.
    """
    outcome = Outcome(client, AccountLoginCompletedNotification, AccountUpdatedNotification)
    try:
        start = _Start(client, outcome, params, timeout)
        login_id, answer = await _usable(start, kind)
    except BaseException:
        outcome.close()
        raise
    outcome.login_id = login_id
    outcome.expect(lambda completion: completion.login_id == login_id)
    return outcome, answer


class _Start:
    """A request that goes on when its caller has left."""

    def __init__(
        self, client: Client, outcome: Outcome[Any], params: LoginAccountParams, timeout: float
    ) -> None:
        self._client = client
        self._outcome = outcome
        self._params = params
        self._timeout = timeout
        self._over = anyio.Event()
        self._abandoned = False
        self._answer: LoginAccountResponse | None = None
        self._error: CodexRuntimeError | None = None

    async def answer(self) -> LoginAccountResponse:
        """Send it, and wait for what the server says."""
        self._client.spawn(self._run)
        try:
            await self._over.wait()
        except anyio.get_cancelled_exc_class():
            self._abandoned = True
            # Where the answer and the cancellation came at once.
            self.give_up_soon()
            raise
        if self._error is not None:
            raise self._error
        if self._answer is None:
            # The tasks of a connection are ended just before everybody is told why it has.
            raise await self._outcome.why_lost()
        return self._answer

    def give_up_soon(self) -> None:
        """Have the sign-in cancelled that was opened, if one was."""
        if self._answer is not None:
            with suppress(CodexRuntimeError):
                self._client.spawn(self._give_up)

    async def _run(self) -> None:
        try:
            self._answer = await self._client.request(
                methods.ACCOUNT_LOGIN_START, self._params, timeout=self._timeout
            )
            if self._abandoned:
                await self._give_up()
        except CodexRuntimeError as error:
            self._error = error
        finally:
            self._over.set()

    async def _give_up(self) -> None:
        if self._answer is not None and (login_id := _login_id(self._answer)):
            params = CancelLoginAccountParams(login_id=login_id)
            with suppress(CodexRuntimeError):
                await self._client.request(methods.ACCOUNT_LOGIN_CANCEL, params)


async def _usable(start: _Start, kind: type[A]) -> tuple[str, A]:
    answer = await start.answer()
    login_id = _login_id(answer)
    problem = "it names no such sign-in"
    if isinstance(answer, kind) and login_id is not None:
        if all(getattr(answer, name, True) for name in _NEEDED):
            return login_id, answer
        problem = "it does not say how to finish the sign-in"
    # Nobody could finish it, and it would stay open until the server gives it up.
    start.give_up_soon()
    raise RemoteProtocolError(methods.ACCOUNT_LOGIN_START.method, problem)


def _login_id(answer: Any) -> str | None:
    if isinstance(answer, Unknown):
        named = answer.raw.get("loginId")
        return named if isinstance(named, str) and named else None
    return getattr(answer, "login_id", None) or None
