"""Somebody at a terminal is asked: what they see, what they type, what comes of it."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from core.asking_support import (
    COMMAND,
    FILES,
    LEGACY_COMMAND,
    LEGACY_PATCH,
    PERMISSIONS,
    TOOL,
    request_of,
)
from rich.console import Console
from runtime.terminal_support import (
    HARMLESS,
    answer_to,
    command,
    sitting,
    tool_use,
)

from codex_runtime import InvalidArgument
from codex_runtime._user_calls import is_asynchronous
from codex_runtime.answers import Allow, Answer, Cancel, Deny
from codex_runtime.requests import RequestState
from codex_runtime.terminal import ask_in_terminal

pytestmark = pytest.mark.virtual_time


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("y", Allow()),
        (" Y ", Allow()),
        ("yes", Allow()),
        ("s", Allow(for_session=True)),
        ("n", Deny()),
        ("no", Deny()),
        ("n not on a Friday", Deny("not on a Friday")),
        ("", Deny()),
        ("c", Cancel()),
        ("c I have seen enough", Cancel("I have seen enough")),
    ],
)
async def test_a_key_decides(typed: str, answer: Answer) -> None:
    assert (await answer_to(command(), typed))[0] == answer


@pytest.mark.parametrize(
    "make",
    [
        lambda: request_of(COMMAND, **HARMLESS),
        lambda: request_of(FILES),
        lambda: request_of(PERMISSIONS, permissions={"network": {"enabled": True}}, cwd="/repo"),
        lambda: request_of(LEGACY_COMMAND, command=["ls"], cwd="/repo", parsedCmd=[]),
        lambda: request_of(LEGACY_PATCH, fileChanges={"/a": {"type": "add", "content": "x"}}),
        lambda: tool_use(persist=["session"]),
    ],
)
async def test_every_kind_that_asks_for_a_yes_or_no_is_asked_about(make: Any) -> None:
    answer, seen = await answer_to(make(), "s")

    assert answer == Allow(for_session=True)
    assert "s  yes, and for the same in this session" in seen


async def test_the_question_shows_what_it_is_about() -> None:
    _, seen = await answer_to(command(reason="because"), "n")

    assert "May this command run?" in seen
    assert "touch a" in seen
    assert "/repo" in seen
    assert "because" in seen


@pytest.mark.parametrize("typed", ["x", "yy", "y please", "yn", "ynce", "ja"])
async def test_what_is_no_answer_is_asked_for_again(typed: str) -> None:
    answer, seen = await answer_to(command(), typed, "y")

    assert answer == Allow()
    assert "Use one of y, s, n, c, e." in seen


async def test_e_shows_all_there_is() -> None:
    _, seen = await answer_to(command(), "e", "n")

    assert seen.count("May this command run?") == 2
    assert "as sent" in seen


async def test_what_was_cut_has_to_be_seen_before_a_yes_counts() -> None:
    long = command(command="\n".join(f"echo {number}" for number in range(200)))

    answer, seen = await answer_to(long, "y", "e", "y")

    assert answer == Allow()
    before, _, after = seen.partition("Not all of it has been shown. See it with e first.")
    assert "echo 150" not in before
    assert "echo 150" in after


async def test_what_was_cut_can_be_refused_unseen() -> None:
    long = command(command="\n".join(f"echo {number}" for number in range(200)))

    assert (await answer_to(long, "n"))[0] == Deny()


async def test_markup_of_rich_is_text() -> None:
    _, seen = await answer_to(command(command="echo [bold]x[/bold] :smile: [/]"), "n")

    assert "echo [bold]x[/bold] :smile: [/]" in seen


async def test_what_is_typed_before_the_question_can_be_read_does_not_count() -> None:
    async with sitting(command()) as found:
        await found.desk.press("y\r")
        await found.desk.until("May this command run?")
        await found.desk.press("y\ry\r")
        await found.desk.type("n")

    assert found.answers == [Deny()]


async def test_no_answer_in_time_is_no_opinion() -> None:
    began = anyio.current_time()
    async with sitting(command(), timeout=30.0) as found:
        await found.desk.until()
        await found.desk.press("y")

    assert found.answers == [None]
    assert anyio.current_time() - began == pytest.approx(30.0, abs=0.1)
    assert "No answer in time: that is no." in found.desk.seen


async def test_a_question_is_asked_no_longer_than_its_request_has_left() -> None:
    request = command()
    request.deadline = 10.0
    began = anyio.current_time()
    async with sitting(request):
        pass

    assert anyio.current_time() - began == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("state", [RequestState.WITHDRAWN, RequestState.ANSWERED])
async def test_what_is_settled_elsewhere_is_taken_away_at_once(state: RequestState) -> None:
    request = command()
    async with sitting(request) as found:
        await found.desk.until()
        await found.desk.press("y")
        began = anyio.current_time()
        request.note_settled(state)

    assert anyio.current_time() == began
    assert found.answers == [None]
    assert f"No answer is needed any more: {state.value}." in found.desk.seen


async def test_one_question_at_a_time() -> None:
    first, second = command(command="first"), command(command="second")
    async with sitting(first) as found:
        await found.desk.until()
        found.tasks.start_soon(found.ask, second)
        await anyio.sleep(5)
        assert "second" not in found.desk.seen
        await found.desk.press("y\r")
        await found.desk.type("n")

    assert found.answers == [Allow(), Deny()]


async def test_a_question_that_waits_for_its_turn_can_be_settled_too() -> None:
    first, second = command(command="first"), command(command="second")
    async with sitting(first) as found:
        await found.desk.until()
        found.tasks.start_soon(found.ask, second)
        await anyio.sleep(1)
        second.note_settled(RequestState.WITHDRAWN)
        await anyio.sleep(1)
        assert found.answers == [None]
        await found.desk.press("y\r")

    assert found.answers == [None, Allow()]
    assert "second" not in found.desk.seen


async def test_an_answer_to_a_question_that_goes_away_is_none_to_the_next() -> None:
    first, second = command(command="first"), command(command="second")
    async with sitting(first) as found:
        await found.desk.until()
        found.tasks.start_soon(found.ask, second)
        await anyio.sleep(1)
        first.note_settled(RequestState.WITHDRAWN)
        await found.desk.press("y\r")
        await found.desk.until("second")
        await found.desk.press("y\r")
        await found.desk.type("n")

    assert found.answers == [None, Deny()]


async def test_two_approvers_share_one_terminal() -> None:
    async with sitting(command(command="first")) as one, sitting() as two:
        await one.desk.until()
        two.tasks.start_soon(two.ask, command(command="second"))
        await anyio.sleep(5)
        assert two.desk.seen == ""
        await one.desk.press("y\r")
        await two.desk.type("n")

    assert (one.answers, two.answers) == ([Allow()], [Deny()])


async def test_whoever_is_gone_has_no_opinion() -> None:
    async with sitting(command()) as found:
        await found.desk.until()
        await found.desk.leave()

    assert found.answers == [None]


async def test_ctrl_d_is_no_opinion() -> None:
    async with sitting(command()) as found:
        await found.desk.until()
        await found.desk.press("\x04")

    assert found.answers == [None]


@pytest.mark.parametrize(
    "make",
    [
        lambda: request_of("account/chatgptAuthTokens/refresh", reason="unauthorized"),
        lambda: request_of("attestation/generate"),
        lambda: request_of("currentTime/read"),
        lambda: request_of("item/of/the/future"),
        lambda: request_of(TOOL, tool="weather", arguments={}),
    ],
)
async def test_what_no_person_can_answer_is_not_shown(make: Any) -> None:
    async with sitting(make()) as found:
        pass

    assert found.answers == [None]
    assert found.desk.seen == ""


async def test_a_tool_that_needs_approval_is_asked_about_each_time() -> None:
    request = request_of(TOOL, tool="weather", arguments={"town": "Ulm"})
    request.needs_approval = True

    answer, seen = await answer_to(request, "s", "y")

    assert answer == Allow()
    assert '"town": "Ulm"' in seen
    assert "Use one of y, n, c, e." in seen


async def test_a_tool_of_an_mcp_server_is_allowed_for_longer_only_if_that_is_offered() -> None:
    answer, seen = await answer_to(tool_use(), "s", "y")

    assert answer == Allow()
    assert "Use one of y, n, c, e." in seen


async def test_the_program_keeps_quiet_while_a_question_is_shown() -> None:
    states: list[str] = []

    @contextmanager
    def quiet() -> Generator[None]:
        states.append("quiet")
        yield
        states.append("free")

    async with sitting(command(), while_asking=quiet) as found:
        await found.desk.until()
        assert states == ["quiet"]
        await found.desk.press("y\r")

    assert states == ["quiet", "free"]


class Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError("no space")


async def test_a_terminal_that_takes_nothing_is_no_terminal() -> None:
    sender, receiver = anyio.create_memory_object_stream[bytes](1)
    approve: Any = ask_in_terminal(input=receiver, output=Full())

    with sender, receiver:
        assert await approve(command()) is None


class Unread(io.StringIO):
    def read(self, *_: object) -> str:
        raise AssertionError("it was read")

    readline = read


@pytest.mark.parametrize("stream", [Unread("y\n"), None])
async def test_without_a_terminal_nobody_is_asked_and_nothing_is_read(
    stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stream)
    screen = io.StringIO()
    approve: Any = ask_in_terminal(output=screen)

    assert await approve(command()) is None
    assert screen.getvalue() == ""


async def test_a_program_without_stderr_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    approve: Any = ask_in_terminal()

    assert await approve(command()) is None


async def test_a_console_of_ones_own_is_written_to() -> None:
    screen = io.StringIO()
    sender, receiver = anyio.create_memory_object_stream[bytes](1)
    approve: Any = ask_in_terminal(input=receiver, console=Console(file=screen), timeout=1.0)

    with sender, receiver:
        assert await approve(command()) is None
    assert "May this command run?" in screen.getvalue()


def test_the_audit_can_name_it_and_no_thread_is_used_for_it() -> None:
    approve = ask_in_terminal()

    assert getattr(approve, "__name__", "") == "ask_in_terminal"
    assert is_asynchronous(approve)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": "soon"}])
def test_a_timeout_is_a_number_of_seconds(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="timeout"):
        ask_in_terminal(**options)


def test_there_is_one_place_to_write_to() -> None:
    with pytest.raises(InvalidArgument, match="output is given beside console"):
        ask_in_terminal(output=io.StringIO(), console=Console())


def test_without_rich_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    assert importlib.util.find_spec("rich") is None

    with pytest.raises(ImportError, match=r'pip install "codex-runtime\[cli\]"'):
        ask_in_terminal()
