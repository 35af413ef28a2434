"""Steps are checked when they are made; a bad one names its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime import testing
from codex_runtime.errors import InvalidArgument
from codex_runtime.testing import (
    Gate,
    assistant_message,
    cut_stream,
    fail,
    mcp_call,
    reasoning,
    shell,
    stall,
    together,
    tool_call,
)
from codex_runtime.testing._step_types import describe

loose: Any = testing
"""The package without its types: what is refused below would not pass a type checker."""

BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: loose.assistant_message(None), "text must be a string, not NoneType"),
    (lambda: loose.assistant_message("\ud800"), "text holds a lone surrogate at position 0; codex reads UTF-8 only"),
    (lambda: loose.assistant_message("a", chunks="ab"), "chunks must be a sequence of strings, not str"),
    (lambda: loose.assistant_message("a", chunks=["a", 3]), "chunks[1] must be a string, not int"),
    (lambda: loose.assistant_message("a", chunks=0), "chunks must be from 1 to 1, not 0"),
    (lambda: loose.assistant_message("a", chunks=True), "chunks must be a whole number, not True"),
    (lambda: loose.assistant_message("a", delay=-1), "delay must be from 0 to 60, not -1"),
    (lambda: loose.assistant_message("a", delay=1000), "delay must be from 0 to 60, not 1000"),
    (lambda: loose.assistant_message("a", delay=float("nan")), "delay must be a number, not nan"),
    (lambda: loose.assistant_message("a", phase="x"), "phase must be one of commentary, final_answer, not 'x'"),
    (lambda: loose.assistant_message("a", usage=3), "usage must be a Usage, not int"),
    (lambda: loose.assistant_message("a", gate=3), "gate must be a Gate, as model.gate() makes, not int"),
    (loose.reasoning, "summary must hold at least one part when there is no content"),
    (lambda: loose.reasoning(3), "summary[0] must be a string, not int"),
    (lambda: loose.shell(""), "cmd must not be empty"),
    (lambda: loose.shell("ls", escalate="yes"), "escalate must be True or False, not 'yes'"),
    (lambda: loose.shell("ls", timeout_ms=0), "timeout_ms must be from 1 to 3600000, not 0"),
    (lambda: loose.shell("ls", exit_code=1.5), "exit_code must be a whole number, not 1.5"),
    (lambda: loose.shell("ls", workdir=""), "workdir must not be empty"),
    (lambda: loose.apply_patch("nonsense"), "patch must begin with '*** Begin Patch' and end with '*** End Patch'"),
    (lambda: loose.apply_patch("*** Begin Patch\n*** End Patch"), "patch must name a file, as in '*** Update File: src/app.py'"),
    (lambda: loose.apply_patch("*** Begin Patch\n+x\n*** End Patch"), "patch must name a file before '+x'"),
    (lambda: loose.tool_call("", {}), "name must not be empty"),
    (lambda: loose.tool_call("t", 3), "arguments must be a mapping or JSON text, not int"),
    (lambda: loose.tool_call("t", {"a": float("inf")}), "arguments cannot be written as JSON: Out of range float values are not JSON compliant"),
    (lambda: loose.tool_call("t", {"a": object}), "arguments cannot be written as JSON: Object of type type is not JSON serializable"),
    (lambda: loose.mcp_call("", "t"), "server must not be empty"),
    (lambda: loose.mcp_call("s", ""), "tool must not be empty"),
    (lambda: loose.mcp_call("s", "t", "{}"), "arguments must be a mapping or JSON text, not str"),
    (lambda: loose.mcp_call("s", "t", read_only=1), "read_only must be True or False, not 1"),
    (lambda: loose.mcp_call("s", "t", asks="who"), "asks must be a mapping or JSON text, not str"),
    (loose.together, "outputs must hold at least one output"),
    (lambda: loose.together(loose.fail(status=500)), "outputs[0] cannot share a response: a Fail"),
    (lambda: loose.together("text"), "outputs[0] cannot share a response: 'text'"),
    (loose.fail, "status or code must be given"),
    (lambda: loose.fail(status=200), "status must be from 400 to 599, not 200"),
    (lambda: loose.fail(code=""), "code must not be empty"),
    (lambda: loose.fail(status=500, headers={"a": "b\r\nc"}), "headers must be printable ASCII on one line, not 'a': 'b\\r\\nc'"),
    (lambda: loose.stall(after=-1), "after must be from 0 to 100000, not -1"),
    (lambda: loose.stall(after=3.5), "after must be a number, a text or outputs, not float"),
    (lambda: loose.cut_stream(after=[loose.stall()]), "after[0] is not an output: a Stall"),
    (lambda: loose.respond(3), "answer must be callable, not int"),
    (lambda: loose.respond(print, times=0), "times must be from 1 to 9007199254740992, not 0"),
    (lambda: loose.Usage(input=-1), "input must be from 0 to 9007199254740992, not -1"),
    (lambda: loose.Usage(input=1, cached=2), "cached must not be over input, which includes it"),
    (lambda: loose.Usage(output=1, reasoning=2), "reasoning must not be over output, which includes it"),
    (lambda: loose.Gate(seconds=0), "seconds must be over 0, not 0"),
]  # fmt: skip  # a row is a line


@pytest.mark.parametrize(("make", "text"), BAD, ids=[text for _, text in BAD])
def test_a_bad_argument_is_named(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make()

    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == text
    assert text.startswith(caught.value.field)


@given(st.text(st.characters(codec="utf-8")))
def test_the_pieces_of_a_message_add_up_to_it(text: str) -> None:
    assert "".join(assistant_message(text).chunks) == text


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.data())
def test_a_number_of_pieces_is_what_there_are(text: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(text)))

    chunks = assistant_message(text, chunks=count).chunks

    assert len(chunks) == count
    assert "".join(chunks) == text
    assert all(chunks)


def test_pieces_may_say_something_else_than_the_message() -> None:
    step = assistant_message("the end", chunks=["first ", "thoughts"])

    assert step.chunks == ("first ", "thoughts")
    assert step.text == "the end"


def test_a_step_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        setattr(shell("ls"), "cmd", "rm")  # noqa: B010 — a plain assignment is a type error, as it should be


def test_arguments_may_be_text_that_is_no_json() -> None:
    assert tool_call("t", "{broken").arguments == "{broken"


def test_a_stall_may_come_after_words_a_text_or_whole_outputs() -> None:
    assert stall(2).partial == ("word1 ", "word2 ")
    assert stall("half a").partial == ("half ", "a")
    assert stall(shell("ls")).after == (shell("ls"),)
    assert cut_stream([shell("ls"), shell("pwd")]).after == (shell("ls"), shell("pwd"))


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (assistant_message("hi"), "assistant_message('hi')"),
        (reasoning("a", "b"), "reasoning('a', 'b')"),
        (tool_call("t", {"a": 1}), """tool_call('t', {"a": 1})"""),
        (mcp_call("s", "t", {"a": 1}), """mcp_call('s', 't', {"a": 1})"""),
        (together(shell("ls"), assistant_message("x")), "together(shell('ls'), assistant_message('x'))"),
        (fail(status=500), "fail(status=500, code=None)"),
        (stall(), "stall(…)"),
        (cut_stream(), "cut_stream(…)"),
        (assistant_message("x" * 500), "assistant_message('" + "x" * 100 + "…"),
    ],
)  # fmt: skip  # a row is a line
def test_a_step_is_described_as_the_call_that_makes_it(step: Any, text: str) -> None:
    assert describe(step) == text


def test_a_gate_wakes_who_waits_and_stays_open() -> None:
    gate, woken = Gate(), list[str]()

    assert not gate.arrive(lambda: woken.append("first"))
    gate.open()
    gate.open()

    assert woken == ["first"]
    assert gate.arrive(lambda: woken.append("late"))
    assert woken == ["first"]
    assert repr(gate) == "<Gate open>"


def test_who_leaves_a_gate_is_not_woken() -> None:
    gate, woken = Gate(), list[str]()

    def wake() -> None:
        woken.append("woken")

    gate.arrive(wake)
    gate.leave(wake)
    gate.open()

    assert woken == []


def test_waiting_for_a_step_at_a_gate_is_bounded() -> None:
    with pytest.raises(TimeoutError, match=r"no scripted step came to the gate within 0.01 s"):
        Gate().wait_reached_sync(seconds=0.01)
