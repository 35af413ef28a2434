"""Signing in: finished elsewhere, refused, replaced, lost, left, and never leaking."""

import asyncio  # noqa: TID251 — its own way of cancelling a task goes through every shield
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from runtime.support import PATIENCE, Message, Server, cancelled_at_every_wait, settled

from codex_runtime import (
    ConnectionLost,
    LoginFailed,
    LoginTimedOut,
    RemoteProtocolError,
    Runtime,
    RuntimeClosed,
)
from codex_runtime.services.logins import ChatgptLogin, LoginHandle

START, CANCEL = "account/login/start", "account/login/cancel"
ADDRESS = "https://auth.invalid/canary-address"
CODE = "CANARY-CODE"


def completed(server: Server, login_id: str | None = "login-1", **more: Any) -> None:
    server.tell("account/login/completed", **{"loginId": login_id, "success": True, **more})


def updated(server: Server) -> None:
    server.tell("account/updated", authMode="chatgpt", planType="plus")


@pytest.fixture
def server(server: Server) -> Server:
    """One that opens sign-ins, and says of each that is cancelled that it has ended."""

    def start(request: Message) -> None:
        kind = request["params"]["type"]
        told: Message = {"type": kind, "loginId": f"login-{len(server.sent(START))}"}
        if kind == "chatgpt":
            told["authUrl"] = ADDRESS
        else:
            told |= {"verificationUrl": ADDRESS, "userCode": CODE}
        server.answer(request, told)

    def cancel(request: Message) -> None:
        server.answer(request, {"status": "canceled"})
        completed(server, request["params"]["loginId"], success=False, error="not completed")

    server.on |= {START: start, CANCEL: cancel}
    return server


def nobody_listens(runtime: Runtime) -> bool:
    return not runtime._client.hub._subscribers


async def test_a_sign_in_in_the_browser_is_finished_when_the_account_is_in_force(
    server: Server,
) -> None:
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        assert isinstance(login, ChatgptLogin)
        assert (login.login_id, login.auth_url, login.ended) == ("login-1", ADDRESS, False)
        done = anyio.Event()

        async def wait() -> None:
            await login.wait()
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            completed(server)
            await settled()
            assert not done.is_set()
            updated(server)
            with anyio.fail_after(PATIENCE):
                await done.wait()

        assert login.ended
        assert nobody_listens(runtime)
        assert await login.cancel() is False
        assert not server.sent(CANCEL)


async def test_a_device_code_is_given_to_the_caller_and_to_nobody_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with server.runtime() as runtime:
        async with await runtime.account.login_with_device_code() as login:
            assert (login.verification_url, login.user_code) == (ADDRESS, CODE)
            shown = repr(login)
        assert shown == "<DeviceCodeLogin login-1 open>"
        assert "canary" not in (shown + repr(login) + str(runtime.statistics())).lower()
    assert "canary" not in caplog.text.lower()


async def test_an_end_that_is_told_before_the_answer_counts(server: Server) -> None:
    def backwards(request: Message) -> None:
        completed(server, "another")
        completed(server, error="no, really", success=False)
        server.answer(request, {"type": "chatgpt", "loginId": "login-1", "authUrl": ADDRESS})

    server.on[START] = backwards
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        with pytest.raises(LoginFailed) as caught:
            await login.wait(timeout=PATIENCE)
    assert (caught.value.message, caught.value.login_id) == ("no, really", "login-1")


@pytest.mark.virtual_time
async def test_the_end_of_another_sign_in_is_not_taken_for_this_one(server: Server) -> None:
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        for foreign in ("another", None, ""):
            completed(server, foreign)
        server.tell("account/login/completed", loginId=["login-1"], success=True)
        updated(server)
        await settled()
        assert not login.ended
        with pytest.raises(LoginTimedOut) as caught:
            await login.wait(timeout=5)
    error = caught.value
    assert (error.method, error.seconds) == ("account/login/completed", 5.0)
    assert error.login_id == "login-1"


@pytest.mark.virtual_time
async def test_a_sign_in_that_nobody_finishes_is_waited_for_and_can_be_waited_for_again(
    server: Server,
) -> None:
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        began = anyio.current_time()
        with pytest.raises(LoginTimedOut, match="still open"):
            await login.wait()
        assert 899 < anyio.current_time() - began < 901
        completed(server)
        updated(server)
        await login.wait()


@pytest.mark.virtual_time
async def test_an_account_that_is_never_said_to_be_in_force_holds_nobody_up(server: Server) -> None:
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        completed(server)
        began = anyio.current_time()
        await login.wait()
        assert anyio.current_time() - began == pytest.approx(5, abs=0.1)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"success": False, "error": "no way"}, "no way"),
        ({"success": False, "error": None}, ""),
        ({"success": None}, ""),
        ({"success": "yes"}, ""),
    ],
)
async def test_only_a_success_is_one(server: Server, told: Message, words: str) -> None:
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        completed(server, **told)
        updated(server)
        with pytest.raises(LoginFailed) as caught:
            await login.wait(timeout=1)
        assert caught.value.message == words


async def test_all_who_wait_are_told(server: Server) -> None:
    told: list[str] = []
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()

        async def wait() -> None:
            with pytest.raises(LoginFailed) as caught:
                await login.wait()
            told.append(caught.value.message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await settled()
            assert await login.cancel() is True
        assert told == ["not completed"] * 2
        assert server.sent(CANCEL)[0]["params"] == {"loginId": "login-1"}


async def test_cancelling_one_that_has_ended_meanwhile_is_no_error(server: Server) -> None:
    server.on[CANCEL] = lambda request: server.answer(request, {"status": "notFound"})
    async with server.runtime() as runtime:
        login = await runtime.account.login_with_chatgpt()
        assert await login.cancel() is False


async def test_leaving_early_cancels(server: Server) -> None:
    async with server.runtime() as runtime:
        async with await runtime.account.login_with_chatgpt() as login:
            pass
        assert len(server.sent(CANCEL)) == 1
        assert nobody_listens(runtime)
        with pytest.raises(LoginFailed):
            await login.wait()

        with pytest.raises(KeyError):
            async with await runtime.account.login_with_chatgpt():
                raise KeyError
        assert [each["params"]["loginId"] for each in server.sent(CANCEL)] == ["login-1", "login-2"]


async def test_leaving_after_the_end_sends_nothing(server: Server) -> None:
    async with server.runtime() as runtime:
        async with await runtime.account.login_with_chatgpt() as login:
            completed(server)
            updated(server)
            await login.wait()
        assert not server.sent(CANCEL)
        assert nobody_listens(runtime)


@pytest.mark.virtual_time
async def test_leaving_is_bounded_where_the_server_does_not_answer(server: Server) -> None:
    server.on[CANCEL] = server.nothing
    async with server.runtime() as runtime:
        began = anyio.current_time()
        async with await runtime.account.login_with_chatgpt():
            pass
        assert 9 < anyio.current_time() - began < 11


async def test_a_block_that_is_left_tells_those_who_still_wait(server: Server) -> None:
    server.on[CANCEL] = lambda request: server.answer(request, {"status": "canceled"})
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        login = await runtime.account.login_with_chatgpt()

        async def wait() -> None:
            with pytest.raises(LoginFailed, match="left before its end"):
                await login.wait()

        async with login:
            tasks.start_soon(wait)
            await settled()


async def test_the_connection_may_be_lost_while_somebody_waits(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(ConnectionLost, match="exit status 9"):
            async with await runtime.account.login_with_chatgpt() as login:
                server.crash(exit_code=9)
                await login.wait()
        assert not server.sent(CANCEL)
        with pytest.raises(ConnectionLost):
            await runtime.account.login_with_chatgpt()


async def test_the_runtime_may_be_closed_while_somebody_waits(server: Server) -> None:
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        login: LoginHandle = await runtime.account.login_with_device_code()

        async def wait() -> None:
            with pytest.raises(RuntimeClosed):
                await login.wait()

        tasks.start_soon(wait)
        await settled()
        await runtime.close()


@pytest.mark.parametrize("end", ["crash", "close"])
async def test_the_connection_may_end_while_a_sign_in_starts(server: Server, end: str) -> None:
    server.on[START] = server.nothing
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:

        async def start() -> None:
            with pytest.raises(ConnectionLost if end == "crash" else RuntimeClosed):
                await runtime.account.login_with_device_code()

        tasks.start_soon(start)
        await server.heard(START)
        if end == "crash":
            server.crash()
        else:
            await runtime.close()


ANSWERS: list[Message] = [
    {"type": "chatgpt"},
    {"type": "chatgpt", "loginId": "", "authUrl": ADDRESS},
    {"type": "chatgptDeviceCode", "loginId": "login-1"},
    {"type": "apiKey"},
    {"type": "brandNew", "loginId": "login-1"},
    {},
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_an_answer_that_names_no_such_sign_in_is_an_error(
    server: Server, answer: Message
) -> None:
    server.on[START] = lambda request: server.answer(request, answer)
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError) as caught:
            await runtime.account.login_with_chatgpt()
        assert caught.value.method == START
        assert nobody_listens(runtime)
        await settled()
        opened = [answer["loginId"]] if answer.get("loginId") else []
        assert [each["params"]["loginId"] for each in server.sent(CANCEL)] == opened


@pytest.mark.parametrize("missing", ["authUrl", "verificationUrl", "userCode"])
async def test_a_sign_in_that_nobody_could_finish_is_given_up(server: Server, missing: str) -> None:
    told = {"authUrl": ADDRESS, "verificationUrl": ADDRESS, "userCode": CODE}
    del told[missing]
    server.on[START] = lambda request: server.answer(
        request, {"type": request["params"]["type"], "loginId": "login-7", **told}
    )
    async with server.runtime() as runtime:
        account = runtime.account
        start = account.login_with_chatgpt
        if missing != "authUrl":
            start = account.login_with_device_code
        with pytest.raises(RemoteProtocolError):
            await start()
        await settled()
        assert nobody_listens(runtime)
    assert [each["params"]["loginId"] for each in server.sent(CANCEL)] == ["login-7"]


@pytest.mark.parametrize("success", [True, False])
async def test_a_handle_that_is_dropped_listens_until_the_end_only(
    server: Server,
    success: bool,  # noqa: FBT001 — a column of the table
) -> None:
    async with server.runtime() as runtime:
        await runtime.account.login_with_chatgpt()
        last = await runtime.account.login_with_chatgpt()
        completed(server, "login-1", success=False)
        completed(server, "login-2", success=success)
        await settled()
        assert last.ended
        assert nobody_listens(runtime) is not success
        updated(server)
        await settled()
        assert nobody_listens(runtime)


async def test_a_start_that_is_cancelled_at_any_moment_leaves_no_sign_in_behind(
    server: Server,
) -> None:
    async with server.runtime() as runtime:

        async def sign_in() -> str:
            async with await runtime.account.login_with_chatgpt() as login:
                return login.login_id

        async def check(result: str | None) -> None:
            del result
            cancelled = [each["params"]["loginId"] for each in server.sent(CANCEL)]
            started = [f"login-{index + 1}" for index in range(len(server.sent(START)))]
            assert cancelled == started
            assert nobody_listens(runtime)

        assert await cancelled_at_every_wait(sign_in, check) > 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_start_that_is_cancelled_by_asyncio_itself_is_given_up(
    server: Server, anyio_backend: str
) -> None:
    answer: list[Callable[[], None]] = []
    start = server.on[START]
    server.on[START] = lambda request: answer.append(lambda: start(request))
    async with server.runtime() as runtime:
        task = asyncio.ensure_future(runtime.account.login_with_chatgpt())
        await server.heard(START)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer[0]()
        await server.heard(CANCEL)
        assert server.sent(CANCEL)[0]["params"] == {"loginId": "login-1"}
        await settled()
        assert nobody_listens(runtime)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_and_an_answer_at_once_leave_no_sign_in_behind(
    server: Server, anyio_backend: str
) -> None:
    ends: set[bool] = set()
    async with server.runtime() as runtime:
        for rounds in range(30):
            task = asyncio.ensure_future(runtime.account.login_with_chatgpt())
            await settled(rounds)
            ends.add(task.cancel())
            with suppress(asyncio.CancelledError):
                await (await task).cancel()
            await settled()
        started = [f"login-{index + 1}" for index in range(len(server.sent(START)))]
        assert [each["params"]["loginId"] for each in server.sent(CANCEL)] == started
        assert len(started) > 20
    assert ends == {True, False}
