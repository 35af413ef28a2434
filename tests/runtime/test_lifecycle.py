"""Who may open a runtime, who may close it, what comes out of it, and when it may be used."""

from typing import Any

import anyio
import pytest
from runtime.support import PATIENCE, Message, Server, a_thread, settled

from codex_runtime import (
    HandshakeTimeout,
    IncompatibleCodexVersion,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    Runtime,
    RuntimeClosed,
    StartupFailed,
    WorkingDirectoryMissing,
)
from codex_runtime.transports import Transport


async def test_a_runtime_tells_what_the_server_said_of_itself(server: Server) -> None:
    async with server.runtime() as runtime:
        info = runtime.server_info
        assert (info.codex_version, info.platform_os) == ("0.163.0", "linux")
        assert info.codex_home == "/nowhere"
        assert runtime.pid is None
        assert "0.163.0" in repr(runtime)


async def test_a_runtime_is_opened_by_one_task_and_closed_by_another(server: Server) -> None:
    runtime = server.runtime()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runtime.__aenter__)
    assert await runtime.call_raw("test/on") == {}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runtime.__aexit__, None, None, None)
    with pytest.raises(RuntimeClosed):
        await runtime.call_raw("test/on")


async def test_another_task_may_close_it_and_all_who_wait_are_told(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    async with server.runtime() as runtime, anyio.create_task_group() as tasks:
        tasks.start_soon(runtime.wait_closed)

        async def wait() -> None:
            with pytest.raises(RuntimeClosed):
                await runtime.call_raw("test/slow")

        tasks.start_soon(wait)
        await server.heard("test/slow")
        for _ in range(3):
            tasks.start_soon(runtime.close)
    with pytest.raises(RuntimeClosed):
        await runtime.thread_start()


async def test_an_error_of_the_callers_comes_out_as_it_went_in(server: Server) -> None:
    error = ZeroDivisionError("mine")
    with pytest.raises(ZeroDivisionError) as caught:
        async with a_thread(server) as thread:
            await thread.turn_start("Work.")
            raise error
    assert caught.value is error


async def test_a_deadline_of_the_callers_passes_through(server: Server) -> None:
    server.on["test/slow"] = server.nothing
    with pytest.raises(TimeoutError):
        async with server.runtime() as runtime:
            with anyio.fail_after(0.01):
                await runtime.call_raw("test/slow")


async def test_before_it_is_opened_a_runtime_says_so(server: Server) -> None:
    runtime = server.runtime()
    with pytest.raises(RuntimeClosed, match="not open"):
        await runtime.thread_start()
    with pytest.raises(RuntimeClosed, match="not open"):
        await runtime.call_raw("test/on")
    with pytest.raises(RuntimeClosed, match="not open"):
        _ = runtime.server_info
    with pytest.raises(RuntimeClosed):
        async with runtime.events():
            pytest.fail("there are none")
    assert runtime.pid is None
    assert "not open" in repr(runtime)
    assert runtime.statistics().requests == 0
    await runtime.close()
    await runtime.wait_closed()


async def test_after_it_is_closed_a_runtime_says_so(server: Server) -> None:
    async with a_thread(server) as thread:
        runtime = thread.runtime
    with pytest.raises(RuntimeClosed, match="closed"):
        await runtime.thread_start()
    with pytest.raises(RuntimeClosed, match="closed"):
        await thread.run("Work.")
    with pytest.raises(RuntimeClosed):
        async with runtime.events():
            pytest.fail("there are none")
    assert runtime.server_info.codex_version == "0.163.0"
    assert runtime.statistics().requests == 2
    await runtime.close()
    await runtime.wait_closed()


async def test_a_runtime_is_opened_once(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(RuntimeClosed, match="once"):
            await runtime.__aenter__()
        assert await runtime.call_raw("test/on") == {}
    with pytest.raises(RuntimeClosed, match="once"):
        await runtime.__aenter__()


async def test_a_runtime_closed_while_it_is_opened_says_so(server: Server) -> None:
    server.on["initialize"] = server.nothing
    runtime = server.runtime()
    async with anyio.create_task_group() as tasks:

        async def enter() -> None:
            with pytest.raises(RuntimeClosed):
                await runtime.__aenter__()

        tasks.start_soon(enter)
        await server.heard("initialize")
        with anyio.fail_after(PATIENCE):
            await runtime.close()


async def test_many_runtimes_in_one_loop_do_not_mix() -> None:
    servers = [Server() for _ in range(5)]

    async def use(number: int) -> None:
        server = servers[number]
        server.on["test/who"] = lambda request: server.answer(request, number)
        async with server.runtime() as runtime:
            for _ in range(5):
                assert await runtime.call_raw("test/who") == number

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(use, number)


# -- the greeting


async def test_the_greeting_introduces_the_client(server: Server) -> None:
    async with server.runtime(
        client_info={"name": "my-app", "title": "My app"}, experimental_api=False
    ):
        params = server.sent("initialize")[0]["params"]
        assert params["clientInfo"]["name"] == "my-app"
        assert params["clientInfo"]["title"] == "My app"
        assert params["clientInfo"]["version"]
        assert params["capabilities"]["experimentalApi"] is False
        await server.heard("initialized")


def says_it_is(server: Server, user_agent: Any) -> None:
    server.on["initialize"] = lambda request: server.answer(request, {"userAgent": user_agent})


@pytest.mark.parametrize(
    ("user_agent", "detected"),
    [
        ("codex-runtime/0.153.9 (Debian)", "0.153.9"),
        ("codex-runtime/0.133.0", "0.133.0"),
        ("codex-runtime/0.9.999-alpha", "0.9.999-alpha"),
        ("codex-runtime/next (Debian)", None),
        ("something else", None),
        ("", None),
    ],
)
async def test_a_server_too_old_or_of_unknown_age_is_refused(
    server: Server, user_agent: str, detected: str | None
) -> None:
    says_it_is(server, user_agent)
    runtime = server.runtime()
    with pytest.raises(IncompatibleCodexVersion) as caught:
        await runtime.__aenter__()
    assert (caught.value.detected, caught.value.required) == (detected, "0.154.0")
    assert "closed" in repr(runtime)

    async with server.runtime(version_guard=False) as runtime:
        assert runtime.server_info.codex_version == detected


@pytest.mark.parametrize("version", ["0.154.0", "0.154.0-alpha.3", "0.163.0", "1.0.0", "0.1000.0"])
async def test_a_server_of_a_supported_or_newer_version_is_taken(
    server: Server, version: str
) -> None:
    says_it_is(server, f"codex-runtime/{version} (Debian)")
    async with server.runtime() as runtime:
        assert runtime.server_info.codex_version == version


async def test_the_version_is_read_behind_whatever_name_the_client_has(server: Server) -> None:
    says_it_is(server, "a/0.1.0 name/0.163.0 (Debian)")
    async with server.runtime(client_info={"name": "a/0.1.0 name"}) as runtime:
        assert runtime.server_info.codex_version == "0.163.0"


@pytest.mark.parametrize("result", [[], None, 7, "hello"])
async def test_a_greeting_answered_with_nonsense_is_a_typed_error(
    server: Server, result: Any
) -> None:
    server.on["initialize"] = lambda request: server.answer(request, result)
    with pytest.raises(RemoteProtocolError) as caught:
        await server.runtime().__aenter__()
    assert caught.value.method == "initialize"


async def test_a_greeting_that_is_refused_tells_why(server: Server) -> None:
    server.on["initialize"] = lambda request: server.refuse(request, "Invalid clientInfo.name")
    with pytest.raises(RequestRefused, match=r"Invalid clientInfo\.name"):
        await server.runtime(client_info={"name": "line\nbreak"}).__aenter__()


async def test_a_server_that_goes_away_during_the_greeting_has_failed_to_start(
    server: Server,
) -> None:
    server.on["initialize"] = lambda _: server.crash(exit_code=1, stderr_tail="bad flag")
    with pytest.raises(StartupFailed) as caught:
        await server.runtime().__aenter__()
    assert (caught.value.exit_code, caught.value.stderr_tail) == (1, "bad flag")


@pytest.mark.virtual_time
async def test_a_server_that_does_not_greet_back_is_given_up_in_time(server: Server) -> None:
    server.on["initialize"] = server.nothing
    began = anyio.current_time()
    with pytest.raises(HandshakeTimeout) as caught:
        await server.runtime(startup_timeout=12).__aenter__()
    assert caught.value.seconds == 12
    assert anyio.current_time() - began < 13


async def test_events_before_the_end_of_the_greeting_hurt_nobody(server: Server) -> None:
    def talkative(request: Message) -> None:
        server.tell("configWarning", summary="x", details=None)
        server.say(id=0, method="test/question")
        server.greet(request)

    server.on["initialize"] = talkative
    async with server.runtime() as runtime:
        await settled()
        assert runtime.statistics().notifications == 1
        assert server.answers()[0]["error"]["code"] == -32601


async def test_an_error_of_connect_comes_out_bare() -> None:
    async def connect() -> Transport:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await Runtime(connect=connect).__aenter__()


# -- options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("request_timeout", 0),
        ("request_timeout", "30"),
        ("startup_timeout", -1),
        ("max_in_flight", 0),
        ("max_in_flight", 65),
        ("max_in_flight", True),
        ("max_frame_bytes", 0),
        ("max_frame_bytes", 1.5),
        ("command", []),
        ("command", "codex app-server"),
        ("command", ["codex", 7]),
        ("command", ["co\0dex"]),
        ("env", {"A": 7}),
        ("env", {"A=B": "c"}),
        ("env", {"A": "\0"}),
    ],
)
def test_an_option_that_cannot_be_used_is_named(option: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=option):
        Runtime(**{option: value})


def test_a_working_directory_that_is_missing_is_named_in_full() -> None:
    with pytest.raises(WorkingDirectoryMissing) as caught:
        Runtime(cwd="no/such/folder")
    assert caught.value.path.startswith("/")
    assert caught.value.path.endswith("no/such/folder")


async def test_a_working_directory_of_another_machine_is_not_looked_for(server: Server) -> None:
    async with a_thread(server) as thread:
        with pytest.raises(WorkingDirectoryMissing):
            await thread.runtime.thread_start(cwd="/no/such/folder")
        with pytest.raises(WorkingDirectoryMissing):
            await thread.run("Work.", cwd="/no/such/folder")
    async with server.runtime(remote=True) as runtime:
        await runtime.thread_start(cwd="/no/such/folder")
    assert server.sent("thread/start")[-1]["params"]["cwd"] == "/no/such/folder"


async def test_a_thread_may_only_read_and_nobody_is_asked_unless_it_is_said(
    server: Server,
) -> None:
    async with a_thread(server):
        assert server.sent("thread/start")[0]["params"] == {
            "sandbox": "read-only",
            "approvalPolicy": "never",
            "approvalsReviewer": "user",
            # What stands in a config.toml would be added to a sandbox that a later turn names.
            "config": {
                "sandbox_workspace_write": {
                    "writable_roots": [],
                    "network_access": False,
                    "exclude_slash_tmp": False,
                    "exclude_tmpdir_env_var": False,
                }
            },
        }


@pytest.mark.parametrize("client_info", [5, "name", [("name", "x")], {"name": 5}, {5: "name"}])
def test_an_introduction_that_is_no_text_is_refused_before_anything_starts(
    client_info: Any,
) -> None:
    with pytest.raises(InvalidArgument, match="client_info"):
        Runtime(client_info=client_info)
