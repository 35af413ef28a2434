"""The account, on a real codex that signs in at a web server of the test's own."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import pytest
from spec.conftest import Stage
from spec.private import Private, private
from spec.requirements import requirement
from spec.web import ISSUER, Web, callback, port_of_sign_ins, visit, web

from codex_runtime import (
    AccountNeeded,
    InvalidArgument,
    LoginFailed,
    LoginTimedOut,
    RequestRefused,
)
from codex_runtime.protocol import (
    AccountLoginCompletedNotification,
    AccountUpdatedNotification,
    Event,
)

NOT_FAKED = "the fake app-server knows no accounts"

KEY: Final = "canary-0123-without-the-shape-of-a-key"

PATIENCE: Final = 20.0
"""Seconds to wait for what is told at once."""

OPENAI: Final = "model_provider"
"""Without this setting OpenAI is the provider, and whoever is signed in shows."""


@asynccontextmanager
async def signing_in(folder: Path) -> AsyncGenerator[tuple[Private, Web]]:
    """A server that signs in at a web server of ours."""
    with web() as site:
        async with private(folder, environment={ISSUER: site.url}) as server:
            yield server, site


@asynccontextmanager
async def of_openai(folder: Path) -> AsyncGenerator[Private]:
    """A server with the provider that needs an account, kept off the network."""
    with web() as site:
        settings = [f'openai_base_url = "{site.url}/v1"', f'chatgpt_base_url = "{site.url}/"']
        async with private(folder, *settings, without=OPENAI) as server:
            yield server


async def until_in_force(events: AsyncIterator[Event]) -> list[Event]:
    """What is told until the new account is in force."""
    told: list[Event] = []
    with anyio.fail_after(PATIENCE):
        while not any(isinstance(each, AccountUpdatedNotification) for each in told):
            told.append(await anext(events))
    return told


@requirement("account:none")
async def test_without_an_account_there_is_none(stage: Stage, tmp_path: Path) -> None:
    async with of_openai(tmp_path) as server:
        read = await server.runtime.account.read()
        for call in (server.runtime.account.rate_limits, server.runtime.account.usage):
            with pytest.raises(AccountNeeded):
                await call()
        await server.runtime.account.logout()

    assert (read.account, read.requires_openai_auth) == (None, True)


@requirement("account:api-key", "account:api-key-canary")
async def test_a_key_signs_in_and_shows_nowhere(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with of_openai(tmp_path) as server:
        account = server.runtime.account
        async with server.runtime.events() as events:
            await account.login_with_api_key(KEY)
            told = await until_in_force(events)
        read = await account.read()
        with pytest.raises(AccountNeeded):
            await account.rate_limits()
        holding = {
            str(path.relative_to(server.home))
            for path in server.home.rglob("*")
            if path.is_file() and KEY.encode() in path.read_bytes()
        }
        await account.logout()
        shown = [repr(server.runtime), repr(vars(account)), str(server.runtime.statistics())]

        assert read.account is not None
        assert read.account.type == "apiKey"
        assert (await account.read()).account is None
        assert not (server.home / "auth.json").exists()
    assert holding == {"auth.json"}
    [completed] = [each for each in told if isinstance(each, AccountLoginCompletedNotification)]
    assert (completed.success, completed.login_id) == (True, None)
    for text in (caplog.text, *shown, *map(repr, told)):
        assert KEY not in text


@requirement("account:api-key-blank")
async def test_a_blank_key_would_be_stored_and_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        with pytest.raises(InvalidArgument, match="key is blank"):
            await server.runtime.account.login_with_api_key(" ")
        assert not (server.home / "auth.json").exists()

        await server.runtime.call_raw("account/login/start", {"type": "apiKey", "apiKey": " "})
        assert (server.home / "auth.json").exists()


@requirement("account:chatgpt", "account:in-force")
async def test_a_sign_in_in_the_browser_ends_when_the_browser_comes_back(
    stage: Stage, tmp_path: Path
) -> None:
    with port_of_sign_ins():
        async with signing_in(tmp_path) as (server, site), server.runtime.events() as events:
            async with await server.runtime.account.login_with_chatgpt() as login:
                assert login.auth_url.startswith(f"{site.url}/oauth/authorize?")
                assert login.auth_url not in repr(login)
                assert await visit(callback(login.auth_url, code="c1")) == 200
                await login.wait()
            assert login.ended
            told = [each.method for each in await until_in_force(events)]
            stored = (server.home / "auth.json").read_text()
    assert told.index("account/login/completed") < told.index("account/updated")
    assert "refresh_token" in stored


@requirement("account:chatgpt-denied")
async def test_a_sign_in_that_is_denied_says_so(stage: Stage, tmp_path: Path) -> None:
    with port_of_sign_ins():
        async with signing_in(tmp_path) as (server, _):
            async with await server.runtime.account.login_with_chatgpt() as login:
                back = callback(login.auth_url, error="access_denied", error_description="no way")
                await visit(back)
                with pytest.raises(LoginFailed, match="no way") as caught:
                    await login.wait()
            assert caught.value.login_id == login.login_id
            assert await login.cancel() is False


@requirement("account:login-cancel")
async def test_a_sign_in_can_be_cancelled_once(stage: Stage, tmp_path: Path) -> None:
    with port_of_sign_ins():
        async with signing_in(tmp_path) as (server, _), anyio.create_task_group() as tasks:
            login = await server.runtime.account.login_with_chatgpt()
            with pytest.raises(LoginTimedOut):
                await login.wait(timeout=0.05)

            async def wait() -> None:
                with pytest.raises(LoginFailed, match="not completed"):
                    await login.wait()

            tasks.start_soon(wait)
            assert await login.cancel() is True
            with pytest.raises(LoginFailed):
                await login.wait()
            assert await login.cancel() is False


@requirement("account:login-left")
async def test_leaving_the_block_of_a_sign_in_cancels_it(stage: Stage, tmp_path: Path) -> None:
    with port_of_sign_ins():
        async with signing_in(tmp_path) as (server, _):
            async with await server.runtime.account.login_with_chatgpt() as login:
                back = callback(login.auth_url, code="c1")
            with pytest.raises(OSError, match="refused"):
                await visit(back)
            answer = await server.runtime.call_raw(
                "account/login/cancel", {"loginId": login.login_id}
            )
    assert answer == {"status": "notFound"}


@requirement("account:one-login")
async def test_another_sign_in_ends_the_one_that_is_open(stage: Stage, tmp_path: Path) -> None:
    with port_of_sign_ins():
        async with signing_in(tmp_path) as (server, _):
            account = server.runtime.account
            first = await account.login_with_chatgpt()
            second = await account.login_with_device_code()
            with pytest.raises(LoginFailed):
                await first.wait()
            await account.login_with_api_key(KEY)
            with pytest.raises(LoginFailed):
                await second.wait()
            third = await account.login_with_device_code()
            await account.logout()
            with pytest.raises(LoginFailed):
                await third.wait()


@requirement("account:one-login")
async def test_another_codex_of_the_machine_takes_the_sign_in_over(
    stage: Stage, tmp_path: Path
) -> None:
    with port_of_sign_ins():
        async with (
            signing_in(tmp_path / "one") as (one, _),
            signing_in(tmp_path / "other") as (other, _),
        ):
            first = await one.runtime.account.login_with_chatgpt()
            async with await other.runtime.account.login_with_chatgpt():
                with pytest.raises(LoginFailed, match="cancelled"):
                    await first.wait()


@requirement("account:device-code")
async def test_a_device_code_signs_in_when_somebody_has_typed_it_in(
    stage: Stage, tmp_path: Path
) -> None:
    async with signing_in(tmp_path) as (server, site):
        async with await server.runtime.account.login_with_device_code() as login:
            assert login.verification_url == f"{site.url}/codex/device"
            assert login.user_code == "ABCD-1234"
            with pytest.raises(LoginTimedOut):
                await login.wait(timeout=0.05)
            site.confirmed = True
            await login.wait()
        assert (server.home / "auth.json").exists()

        async with await server.runtime.account.login_with_device_code() as another:
            pass
        with pytest.raises(LoginFailed):
            await another.wait()


@requirement("account:no-network")
async def test_a_device_code_that_cannot_be_had_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path, environment={ISSUER: "http://127.0.0.1:9"}) as server:
        with pytest.raises(RequestRefused, match="device code"):
            await server.runtime.account.login_with_device_code()
        assert not server.runtime._client.hub._subscribers
