"""The account: what is asked and answered, and a key that shows nowhere."""

import traceback
from typing import Any

import pytest
from runtime.support import Message, Server, settled

from codex_runtime import (
    AccountNeeded,
    CodexRuntimeError,
    ConnectionLost,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
)

START = "account/login/start"
CANARY = "canary-0123-without-the-shape-of-a-key"


async def test_reading_says_whether_to_renew(server: Server) -> None:
    account = {"type": "chatgpt", "email": "a@b.invalid", "planType": "plus"}
    server.on["account/read"] = lambda request: server.answer(
        request, {"account": account, "requiresOpenaiAuth": True}
    )
    async with server.runtime() as runtime:
        read = await runtime.account.read()
        await runtime.account.read(refresh=True)
    assert read.account is not None
    assert read.account.type == "chatgpt"
    assert read.requires_openai_auth is True
    asked = [each["params"]["refreshToken"] for each in server.sent("account/read")]
    assert asked == [False, True]


async def test_signing_out_and_usage_ask_what_they_should(server: Server) -> None:
    thread_id = "0199a213-81c0-7800-8aa1-bbab2a035a53"
    server.on["account/rateLimits/read"] = lambda request: server.answer(
        request, {"rateLimits": {"primary": {"usedPercent": 7, "resetsAt": 5}}}
    )
    async with server.runtime() as runtime:
        await runtime.account.logout()
        limits = await runtime.account.rate_limits()
        await runtime.account.usage()
        await runtime.account.usage(thread_id)
    assert limits.rate_limits.primary is not None
    assert limits.rate_limits.primary.used_percent == 7
    assert [each["params"] for each in server.sent("account/usage/read")] == [
        {},
        {"threadId": thread_id},
    ]


async def test_what_needs_an_account_says_so(server: Server) -> None:
    words = "codex account authentication required to read rate limits"
    server.on["account/rateLimits/read"] = lambda request: server.refuse(request, words)
    async with server.runtime() as runtime:
        with pytest.raises(AccountNeeded, match="codex login"):
            await runtime.account.rate_limits()


# -- a key


async def test_a_key_is_sent_and_that_is_all(server: Server) -> None:
    server.on[START] = lambda request: server.answer(request, {"type": "apiKey"})
    async with server.runtime() as runtime:
        await runtime.account.login_with_api_key(CANARY)
    assert server.sent(START)[0]["params"] == {"type": "apiKey", "apiKey": CANARY}


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "\n",
        f"{CANARY}\n",
        f" {CANARY}",
        f"{CANARY} {CANARY}",
        None,
        7,
        b"canary",
        "\ud800",
    ],
    ids=range(10),
)
async def test_a_key_that_can_be_none_is_not_sent(server: Server, key: Any) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as caught:
            await runtime.account.login_with_api_key(key)
    assert caught.value.field in {"key", "params.api_key"}
    assert "canary" not in everything_of(caught.value)
    assert not server.sent(START)


def everything_of(error: BaseException) -> str:
    """All that a program that reports errors could show of one."""
    shown = [*traceback.format_exception(error), repr(error), repr(error.args), repr(vars(error))]
    return "\n".join(shown)


def quoting(server: Server, request: Message) -> None:
    key = request["params"]["apiKey"]
    data: Message = {"key": key, "list": [f"not {key}"], "count": 1}
    server.say(id=request["id"], error={"code": -1, "message": f"bad key {key}!", "data": data})


def crashing(server: Server, request: Message) -> None:
    server.crash(exit_code=1, stderr_tail=f"panicked at {request['params']['apiKey']}")


def babbling(server: Server, request: Message) -> None:
    server.answer(request, [request["params"]["apiKey"]])


def silent(server: Server, request: Message) -> None:
    server.tell("warning", message="busy")


FAULTS: list[tuple[Any, type[CodexRuntimeError]]] = [
    (quoting, RequestRefused),
    (crashing, ConnectionLost),
    (babbling, RemoteProtocolError),
    (silent, RequestTimeout),
]


@pytest.mark.virtual_time
@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=[each.__name__ for each, _ in FAULTS])
async def test_a_key_shows_nowhere_whatever_goes_wrong(
    server: Server,
    fault: Any,
    kind: type[CodexRuntimeError],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(0)
    server.on[START] = lambda request: fault(server, request)
    async with server.runtime() as runtime:
        account = runtime.account
        with pytest.raises(kind) as caught:
            await account.login_with_api_key(CANARY)
        await settled()
        shown = [repr(runtime), repr(account), repr(vars(account)), repr(runtime.statistics())]

    # pytest's own account of the failing frame is not among them: it shows arguments.
    told = everything_of(caught.value.with_traceback(None))
    assert server.sent(START)[0]["params"]["apiKey"] == CANARY
    for text in (told, *shown, caplog.text, *capfd.readouterr()):
        assert CANARY not in text
    if fault is quoting:
        error: Any = caught.value
        assert error.message.endswith("left out, since they might quote the key")
        assert error.data is None


async def test_a_short_key_shows_nowhere_either(server: Server) -> None:
    server.on[START] = lambda request: server.refuse(request, "bad key `Zq7`")
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused) as caught:
            await runtime.account.login_with_api_key("Zq7")
    assert "Zq7" not in everything_of(caught.value.with_traceback(None))
