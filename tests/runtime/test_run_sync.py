"""One-shots that start a server of their own: blocking, in every place one may block."""

import asyncio  # noqa: TID251 — a loop that runs already is the subject
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from runtime.support import PATIENCE, children, is_alive, rogue

import codex_runtime as cr
from codex_runtime.hooks import HookContext, hook

pytestmark = pytest.mark.usefixtures("no_process_left")

Codex = Callable[[str], Path]


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Codex:
    """Makes a rogue the codex of this test; returns where it takes its notes."""
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "home"))

    def make(fault: str) -> Path:
        notes = tmp_path / "notes"
        argv = " ".join(f"'{word}'" for word in rogue(fault, str(notes)))
        script = tmp_path / "codex"
        script.write_text(f"#!/bin/sh\nexec {argv}\n")
        script.chmod(0o700)
        monkeypatch.setenv("CODEX_RUNTIME_BIN", str(script))
        return notes

    return make


def test_a_script_gets_its_answer(codex: Codex) -> None:
    codex("good")
    result = cr.run_sync("Say hello.", cwd=".")
    assert (result.status, result.text) == ("completed", "Hello.")


def test_a_hook_that_comes_to_itself_by_asking_again_is_left_out_there(codex: Codex) -> None:
    codex("good")
    folders: list[str | None] = []
    inner: list[cr.TurnResult] = []

    @hook("pre_run", timeout=PATIENCE)
    def asks(context: HookContext) -> None:
        folders.append(context.cwd)
        inner.append(cr.run_sync("Is that so?", hooks=[asks]))

    assert cr.run_sync("Say hello.", hooks=[asks]).text == "Hello."
    assert folders == [str(Path.cwd())]
    (answer,) = inner
    assert answer.hooks is not None
    assert [entry.outcome for entry in answer.hooks.entries] == ["skipped"]


async def test_a_running_loop_is_no_hindrance(codex: Codex) -> None:
    codex("good")
    assert cr.run_sync("Say hello.").text == "Hello."


def test_threads_may_ask_at_the_same_time(codex: Codex) -> None:
    codex("good")
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(cr.run_sync, ["One.", "Two.", "Three."]))
    assert [result.text for result in results] == ["Hello."] * 3


def test_errors_come_out_bare(codex: Codex) -> None:
    codex("exit")
    with pytest.raises(cr.StartupFailed) as caught:
        cr.run_sync("Say hello.")
    assert caught.value.exit_code == 7
    codex("good")
    with pytest.raises(cr.EmptyInput):
        cr.run_sync("  ", raise_on_failure=False)


def test_a_turn_out_of_time_is_interrupted(codex: Codex) -> None:
    notes = codex("turn")
    with pytest.raises(cr.TurnTimedOut):
        cr.run_sync("Work.", timeout=0.1)
    assert notes.read_text().split() == ["turn/start", "turn/interrupt"]


async def test_run_starts_and_ends_a_server_of_its_own(codex: Codex) -> None:
    codex("good")
    assert (await cr.run("Say hello.")).text == "Hello."


async def test_stream_starts_and_ends_a_server_of_its_own(codex: Codex) -> None:
    notes = codex("turn")
    async with cr.stream("Work.") as turn:
        assert (await anext(turn.events())).method == "turn/started"
    assert turn.status == "interrupted"
    assert notes.read_text().split() == ["turn/start", "turn/interrupt"]


async def test_a_cancelled_run_interrupts_its_turn_and_ends_its_server(codex: Codex) -> None:
    notes = codex("turn")
    os.mkfifo(notes)
    told = os.open(notes, os.O_RDWR)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cr.run, "Work.")
            await anyio.to_thread.run_sync(read_line, told)
            scope.cancel()
    assert read_line(told) == b"turn/interrupt\n"
    os.close(told)


def test_the_task_of_a_loop_may_block_on_it_in_a_thread(codex: Codex) -> None:
    codex("good")

    async def main() -> str:
        result = await asyncio.to_thread(cr.run_sync, "Say hello.")
        return result.text

    assert asyncio.run(main()) == "Hello."


PROGRAM = """
import codex_runtime as cr
try:
    cr.run_sync("Work.")
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise
"""


def read_line(stream: int) -> bytes:
    """One line, waited for with a bound."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            assert selector.select(PATIENCE), f"nothing came after {line!r}"
            byte = os.read(stream, 1)
            assert byte, f"the end came after {line!r}"
            line += byte
    return line


def test_ctrl_c_interrupts_the_turn_and_ends_the_server(codex: Codex) -> None:
    notes = codex("turn")
    os.mkfifo(notes)
    source = str(Path(cr.__file__).parent.parent)
    told = os.open(notes, os.O_RDWR)
    try:
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": source},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            try:
                assert read_line(told) == b"turn/start\n"
                servers = children(program.pid)
                assert servers
                program.send_signal(signal.SIGINT)
                assert read_line(told) == b"turn/interrupt\n"
                out, err = program.communicate(timeout=PATIENCE)
            finally:
                program.kill()
    finally:
        os.close(told)
    assert out == b"interrupted\n"
    assert b"KeyboardInterrupt" in err
    assert program.returncode == -signal.SIGINT
    assert not any(map(is_alive, servers))
