"""Real processes that misbehave: how they start, how they talk, how they end."""

import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import pytest
from runtime.support import PATIENCE, descriptors, is_alive, rogue

from codex_runtime import (
    CodexNotFound,
    ConnectionLost,
    HandshakeTimeout,
    IncompatibleCodexVersion,
    InvalidArgument,
    RemoteProtocolError,
    RequestTimeout,
    Runtime,
    StartupFailed,
    WorkingDirectoryMissing,
    _process,
)
from codex_runtime._process import ChildProcess
from codex_runtime._redaction import Redactor
from codex_runtime.transports.stdio import StdioTransport

pytestmark = [pytest.mark.usefixtures("no_process_left", "short_ladder")]

SHORT = 0.15
"""Seconds for each rung of the ladder, in place of two."""


@pytest.fixture
def short_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process, "_EXIT_BY_ITSELF", SHORT)
    monkeypatch.setattr(_process, "_EXIT_ON_TERM", SHORT)


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """Where a rogue notes the process ids of its children; those still alive are ended."""
    file = tmp_path / "notes"
    file.touch()
    yield file
    for pid in noted(file):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def noted(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split() if line.isdigit()]


def of(fault: str, *more: str, **options: Any) -> Runtime:
    return Runtime(command=rogue(fault, *more), **options)


# -- starting


async def test_a_server_is_a_process_in_a_session_of_its_own() -> None:
    async with of("plain") as runtime:
        assert runtime.pid is not None
        assert os.getsid(runtime.pid) == runtime.pid
        assert os.getpgid(runtime.pid) == runtime.pid
        assert f"pid {runtime.pid}" in repr(runtime)
        assert await runtime.call_raw("test/on") == {}
    assert not is_alive(runtime.pid)


async def test_a_server_that_ends_in_the_handshake_leaves_its_last_words_without_secrets() -> None:
    with pytest.raises(StartupFailed) as caught:
        await of("exit").__aenter__()
    assert caught.value.exit_code == 7
    assert caught.value.stderr_tail == "ERROR no luck with [redacted]"
    assert "exit status 7" in str(caught.value)


async def test_a_secret_of_the_environment_is_taken_out_of_the_last_words() -> None:
    with pytest.raises(StartupFailed) as caught:
        await of("exit", env={"MY_API_KEY": "no luck with"}).__aenter__()
    assert "no luck" not in caught.value.stderr_tail


async def test_a_server_killed_in_the_handshake_names_the_signal() -> None:
    with pytest.raises(StartupFailed) as caught:
        await of("killed").__aenter__()
    assert (caught.value.exit_code, caught.value.signal) == (None, signal.SIGKILL)


async def test_a_server_that_never_answers_is_ended() -> None:
    runtime = of("silent", startup_timeout=0.1)
    with pytest.raises(HandshakeTimeout) as caught:
        await runtime.__aenter__()
    assert caught.value.seconds == 0.1
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


async def test_opening_can_be_cancelled_and_leaves_no_process() -> None:
    runtime = of("silent")
    with anyio.move_on_after(0.1) as scope:
        await runtime.__aenter__()
    assert scope.cancelled_caught
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


async def test_garbage_before_and_between_messages_is_counted_and_skipped() -> None:
    async with of("garbage") as runtime:
        assert await runtime.call_raw("test/on") == {}
        assert runtime.statistics().malformed == 5


@pytest.mark.parametrize(("fault", "detected"), [("old", "0.133.0"), ("unversioned", None)])
async def test_a_server_of_the_wrong_version_is_ended_unless_the_guard_is_off(
    fault: str, detected: str | None
) -> None:
    with pytest.raises(IncompatibleCodexVersion) as caught:
        await of(fault).__aenter__()
    assert caught.value.detected == detected
    async with of(fault, version_guard=False) as runtime:
        assert runtime.server_info.codex_version == detected


async def test_a_server_that_greets_with_nonsense_is_ended() -> None:
    with pytest.raises(RemoteProtocolError):
        await of("nonsense").__aenter__()


async def test_a_command_that_does_not_exist_is_named() -> None:
    with pytest.raises(StartupFailed, match="/no/such/program: No such file"):
        await Runtime(command=["/no/such/program"]).__aenter__()


async def test_a_command_that_is_no_program_is_named(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x00\x01")
    with pytest.raises(StartupFailed, match=f"{program}: Permission denied"):
        await Runtime(command=[str(program)]).__aenter__()
    program.chmod(0o700)
    with pytest.raises(StartupFailed, match=f"{program}: Exec format error"):
        await Runtime(command=[str(program)]).__aenter__()


async def test_a_binary_that_is_missing_or_not_executable_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "codex"
    with pytest.raises(CodexNotFound, match=str(binary)):
        await Runtime(codex_bin=binary, codex_home=tmp_path / "home").__aenter__()
    binary.touch(mode=0o600)
    with pytest.raises(CodexNotFound, match="not an executable file"):
        await Runtime(codex_bin=binary, codex_home=tmp_path / "home").__aenter__()


async def test_a_working_directory_that_has_gone_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with pytest.raises(WorkingDirectoryMissing):
        of("plain", cwd=folder)
    folder.mkdir()
    runtime = of("plain", cwd=folder)
    folder.rmdir()
    with pytest.raises(StartupFailed, match=str(folder)):
        await runtime.__aenter__()


async def test_a_server_gets_its_working_directory_and_the_allowed_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("OPENAI_API_KEY", "wanted")
    async with of("plain", cwd=tmp_path, env={"MINE": "yes"}) as runtime:
        where = await runtime.call_raw("test/where")
    assert where["cwd"] == str(tmp_path)
    assert where["environment"]["MINE"] == "yes"
    assert where["environment"]["OPENAI_API_KEY"] == "wanted"
    assert "AWS_SECRET_ACCESS_KEY" not in where["environment"]


async def test_settings_are_handed_over_as_toml(tmp_path: Path) -> None:
    codex = tmp_path / "codex"
    argv = " ".join(f"'{word}'" for word in rogue("plain"))
    codex.write_text(f'#!/bin/sh\nexec {argv} "$@"\n')
    codex.chmod(0o700)
    config = {"model": 'a "b"', "a.b": [1, True, 2.5], "c": {"d e": ["f"]}}
    async with Runtime(codex_bin=codex, codex_home=tmp_path, config=config) as runtime:
        where = await runtime.call_raw("test/where")
    assert where["argv"][2:] == [
        "-c",
        'model="a \\"b\\""',
        "-c",
        "a.b=[1, true, 2.5]",
        "-c",
        'c={"d e" = ["f"]}',
        "app-server",
    ]
    for wrong, place in (({"a": [None]}, r"config\.a\[0\]"), ({"a=b": 1}, "config.a=b is no name")):
        with pytest.raises(InvalidArgument, match=place):
            await Runtime(codex_bin=codex, codex_home=tmp_path, config=wrong).__aenter__()


# -- going away


async def test_a_server_killed_in_a_request_names_the_signal() -> None:
    async with of("plain") as runtime:
        with pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/kill")
        assert (caught.value.exit_code, caught.value.signal) == (None, signal.SIGKILL)
        await runtime.wait_closed()


async def test_a_server_that_exits_in_a_request_leaves_its_last_words() -> None:
    async with of("plain") as runtime:
        with pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/exit")
        assert (caught.value.exit_code, caught.value.signal) == (3, None)
        assert caught.value.stderr_tail == "ERROR no luck with [redacted]"


async def test_a_server_killed_from_outside_is_noticed_though_nobody_asks_it_anything() -> None:
    async with of("plain") as runtime:
        assert runtime.pid is not None
        os.kill(runtime.pid, signal.SIGTERM)
        with anyio.fail_after(PATIENCE):
            await runtime.wait_closed()
        with pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/on")
        assert caught.value.signal == signal.SIGTERM


async def test_a_grandchild_that_holds_the_output_open_does_not_hide_the_end(notes: Path) -> None:
    async with of("plain", str(notes)) as runtime:
        with anyio.fail_after(PATIENCE), pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/hold-stdout")
        assert caught.value.exit_code == 4
        assert is_alive(noted(notes)[0])


async def test_a_server_whose_end_somebody_else_has_taken_note_of_has_ended() -> None:
    async with of("plain") as runtime:
        assert runtime.pid is not None
        os.kill(runtime.pid, signal.SIGKILL)
        os.waitpid(runtime.pid, 0)  # noqa: ASYNC222 — it has been killed
        with anyio.fail_after(PATIENCE):
            await runtime.wait_closed()
        with pytest.raises(ConnectionLost):
            await runtime.call_raw("test/on")


async def test_what_a_server_says_on_stderr_can_be_followed_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "codex_runtime.server"):
        async with of("plain") as runtime:
            with pytest.raises(ConnectionLost):
                await runtime.call_raw("test/exit")
    assert "ERROR no luck with [redacted]" in caplog.text


@asynccontextmanager
async def a_listener(
    *secrets: str,
) -> AsyncGenerator[tuple[StdioTransport, Callable[[bytes], None]]]:
    """A transport, and a way to have it read a chunk of stderr."""
    process = ChildProcess(["cat"], env=dict(os.environ))
    transport = StdioTransport(process, redact=Redactor(secrets))
    process.stderr, far = os.pipe()
    os.set_blocking(process.stderr, False)

    def hear(chunk: bytes) -> None:
        os.write(far, chunk)
        transport._read_stderr()

    try:
        yield transport, hear
    finally:
        await transport.aclose()
        os.close(process.stderr)
        os.close(far)


@pytest.mark.parametrize("secret", ["hunter2-hunter2-hunter2", "hunter2-one\nhunter2-two\nhunter2"])
async def test_the_start_of_the_last_words_is_no_rest_of_a_secret(secret: str) -> None:
    for length in range(8_192 - 2 * len(secret), 8_192 + 8):
        async with a_listener(secret, "short-one") as (transport, hear):
            filler = b"x short-one\n" * (length // 12) + b"." * (length % 12 - 1) + b"\n"
            hear(b"x" * 9_000 + f"\nkey {secret}\n".encode() + filler[-length:])
            tail = transport.ending().stderr_tail
        assert "hunter" not in tail
        assert "unter2" not in tail
        assert "x [redacted]" in tail
        assert len(tail) <= 8_192


async def test_a_token_is_told_in_a_whole_line_only() -> None:
    """Without its beginning nobody can tell that it is one."""
    async with a_listener() as (transport, hear):
        hear(b"sk-" + b"canary" * 2_000)
        assert transport.ending().stderr_tail == "[a line of more than 8192 bytes]"
        hear(b"\nlast words\n")
        assert transport.ending().stderr_tail == "last words"


async def test_a_log_of_stderr_holds_whole_lines_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "codex_runtime.server"):
        async with a_listener("hunter2-hunter2") as (_, hear):
            for chunk in (b"a hunter2", b"-hun", b"ter2 b\nsk-canary0123", b"456789abcdef\n\n"):
                hear(chunk)
            hear(b"hunter2-" * 2_000)
            hear(b"hunter2-" * 2_000 + b"\nnot ended")
            assert caplog.messages == ["a [redacted] b", "[redacted]"]


async def test_the_last_line_is_logged_though_it_has_no_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = ChildProcess(["sh", "-c", "printf last >&2"], env=dict(os.environ))
    transport = StdioTransport(process)
    with caplog.at_level(logging.DEBUG, "codex_runtime.server"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.serve)
            with anyio.fail_after(PATIENCE):
                assert await transport.receive() == []
            tasks.cancel_scope.cancel()
        await transport.aclose()
    assert caplog.messages == ["last"]


# -- being ended


async def test_a_server_ends_with_its_stdin() -> None:
    async with of("plain") as runtime:
        began = monotonic()
    assert monotonic() - began < SHORT
    with pytest.raises(Exception, match="closed"):
        await runtime.call_raw("test/on")


async def test_a_server_that_ignores_everything_is_killed_with_its_children(notes: Path) -> None:
    async with of("stay", str(notes)) as runtime:
        pid = runtime.pid
        began = monotonic()
    took = monotonic() - began
    assert 2 * SHORT <= took < 2 * SHORT + 2
    assert pid is not None
    assert not is_alive(pid)
    with anyio.fail_after(PATIENCE):
        while is_alive(noted(notes)[0]):  # noqa: ASYNC110 — the kernel ends it; there is no event
            await anyio.sleep(0.01)


async def test_a_server_that_floods_its_output_is_ended_all_the_same() -> None:
    async with of("flood") as runtime, runtime.events() as events:
        with anyio.fail_after(PATIENCE):
            await anext(events)
        began = monotonic()
    assert monotonic() - began < 2 * SHORT + 3


async def test_closing_goes_on_to_its_end_though_it_is_cancelled() -> None:
    runtime = of("deaf")
    await runtime.__aenter__()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await runtime.close()
    assert runtime.pid is not None
    assert not is_alive(runtime.pid)


# -- full pipes


async def test_ten_megabytes_of_stderr_are_drained_and_their_tail_is_kept() -> None:
    async with of("noisy") as runtime:
        with pytest.raises(ConnectionLost) as caught:
            await runtime.call_raw("test/exit")
    assert len(caught.value.stderr_tail) <= 8192
    assert caught.value.stderr_tail.endswith("ERROR no luck with [redacted]")


async def test_a_server_that_does_not_read_blocks_nobody() -> None:
    async with of("deaf") as runtime, anyio.create_task_group() as tasks:

        async def ask(text: str, timeout: float) -> None:
            with pytest.raises(RequestTimeout):
                await runtime.call_raw("test/big", {"text": text}, timeout=timeout)

        began = monotonic()
        tasks.start_soon(ask, "x" * 5_000_000, 0.3)
        tasks.start_soon(ask, "small", 0.2)
        await anyio.lowlevel.checkpoint()
        assert monotonic() - began < 0.2
    assert runtime.statistics().timeouts == 2


async def test_a_request_of_five_megabytes_arrives_whole() -> None:
    async with of("plain") as runtime:
        with anyio.fail_after(PATIENCE):
            assert await runtime.call_raw("test/big", {"text": "x" * 5_000_000}) == {}
            assert await runtime.call_raw("test/on") == {}


async def test_a_message_beyond_the_limit_costs_only_itself() -> None:
    async with of("plain", max_frame_bytes=900, env={"LONG": "x" * 900}) as runtime:
        with pytest.raises(RequestTimeout):
            await runtime.call_raw("test/where", timeout=0.2)
        assert await runtime.call_raw("test/on") == {}
        assert runtime.statistics().oversized == 1


# -- nothing is left


async def test_a_hundred_runtimes_leave_nothing_behind() -> None:
    argv = [sys.executable, "-IS", "-c", ONE_LINER]

    async def open_and_close() -> None:
        async with Runtime(command=argv, version_guard=False):
            pass

    await open_and_close()
    before = descriptors(), len(anyio.get_running_tasks())
    # On each of the two backends.
    for _ in range(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(open_and_close)
    assert (descriptors(), len(anyio.get_running_tasks())) == before


ONE_LINER = """
import sys
for line in sys.stdin:
    if '"id"' in line:
        print('{"id":1,"result":{"userAgent":"codex-runtime/0.163.0"}}', flush=True)
"""


async def test_failed_starts_leave_no_descriptors() -> None:
    before = descriptors()
    for fault in ("exit", "old", "exit"):
        with pytest.raises((StartupFailed, IncompatibleCodexVersion)):
            await of(fault).__aenter__()
    with pytest.raises(StartupFailed):
        await Runtime(command=["/no/such/program"]).__aenter__()
    assert descriptors() == before
