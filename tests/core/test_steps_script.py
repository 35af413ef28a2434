"""Which step answers which call, and what is said when none does."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from codex_runtime.testing import (
    ModelCall,
    UnconsumedSteps,
    UnexpectedModelCall,
    assistant_message,
    fail,
    respond,
    shell,
)
from codex_runtime.testing._script import Script
from codex_runtime.testing._step_types import Fail, Step, describe


def body(*texts: str, **more: Any) -> dict[str, Any]:
    prompts = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        for text in texts
    ]
    return {"model": "gpt-5.5", "input": prompts, **more}


def ask(script: Script, *texts: str) -> Step:
    return script.answer(script.call(body(*texts), {}))


def test_steps_are_used_in_order() -> None:
    script = Script([assistant_message("1")])
    script.enqueue([assistant_message("2"), assistant_message("3")])

    assert [ask(script) for _ in range(3)] == [assistant_message(text) for text in "123"]
    script.check()


def test_a_route_takes_the_conversations_with_its_text() -> None:
    script = Script([assistant_message("other")])
    script.on("left", [assistant_message("l1"), assistant_message("l2")])
    script.on("right", [assistant_message("r1")])

    assert ask(script, "go right") == assistant_message("r1")
    assert ask(script, "go left") == assistant_message("l1")
    assert ask(script, "go left") == assistant_message("l2")
    assert ask(script, "stay") == assistant_message("other")
    script.check()


def test_a_steered_conversation_keeps_its_route() -> None:
    script = Script()
    script.on("left", [assistant_message("l1")])

    assert ask(script, "go left", "and hurry") == assistant_message("l1")


def test_the_longest_text_decides() -> None:
    script = Script()
    script.on("a", [assistant_message("short")])
    script.on("abc", [assistant_message("long")])

    assert ask(script, "abcd") == assistant_message("long")


def test_a_call_too_many_fails_at_once_and_says_what_to_add() -> None:
    script = Script([shell("ls")])
    ask(script, "fix it")

    step = script.answer(
        script.call(
            body(
                "fix it",
                input=[
                    *body("fix it")["input"],
                    {"type": "function_call_output", "call_id": "c", "output": "x"},
                ],
            ),
            {},
        )
    )

    text = (
        "the script has no step for model call 2 (its last was shell('ls')); the prompt was "
        "'fix it'. This call reports the result of a tool call: every one needs a step after it. "
        'Add one: model.enqueue(assistant_message("done"))'
    )
    assert isinstance(step, Fail)
    assert (step.status, step.message) == (400, f"UnexpectedModelCall: {text}")
    with pytest.raises(UnexpectedModelCall) as caught:
        script.check()
    assert str(caught.value) == text
    assert caught.value.call.number == 2
    assert caught.value.last_step == shell("ls")


def test_a_route_too_short_is_named() -> None:
    script = Script([assistant_message("for others")])
    script.on("left", [])

    ask(script, "go left")

    with pytest.raises(
        UnexpectedModelCall, match=r"script of on\('left'\) .*it is empty.*on\('left', "
    ) as caught:
        script.check()
    assert caught.value.route == "left"


def test_steps_left_over_are_listed() -> None:
    script = Script([assistant_message("1"), assistant_message("2")])
    script.on("x", [shell("ls")])
    ask(script)

    with pytest.raises(UnconsumedSteps) as caught:
        script.check()

    assert caught.value.steps == (assistant_message("2"), shell("ls"))
    assert str(caught.value) == (
        "2 scripted steps never used (the model was called once):\n"
        "  assistant_message('2')\n"
        "  shell('ls')"
    )


def test_of_many_steps_left_over_ten_are_listed() -> None:
    script = Script([assistant_message("x")] * 12)

    with pytest.raises(UnconsumedSteps, match="… and 2 more"):
        script.check()


def test_a_step_can_be_decided_when_codex_asks() -> None:
    script = Script([respond(lambda call: assistant_message(f"{call.user_text}!"))])

    assert ask(script, "hello") == assistant_message("hello!")
    script.check()


def test_several_steps_decided_at_once_come_first() -> None:
    script = Script(
        [respond(lambda _: [shell("ls"), assistant_message("2")]), assistant_message("3")]
    )

    assert [ask(script) for _ in range(3)] == [
        shell("ls"),
        assistant_message("2"),
        assistant_message("3"),
    ]


def test_a_responder_may_answer_several_calls_or_all() -> None:
    script = Script(
        [
            respond(lambda call: assistant_message(str(call.number)), times=2),
            respond(lambda _: fail(status=500), times=None),
        ]
    )

    assert [ask(script) for _ in range(4)] == [
        assistant_message("1"),
        assistant_message("2"),
        fail(status=500),
        fail(status=500),
    ]
    assert script.remaining == ()
    script.check()


def test_what_a_responder_raises_fails_the_turn_and_the_test() -> None:
    def answer(call: ModelCall) -> Step:
        raise KeyError(call.user_text)

    script = Script([respond(answer)])
    step = ask(script, "x")

    assert isinstance(step, Fail)
    assert step.message == "KeyError: 'x'"
    with pytest.raises(KeyError):
        script.check()


@pytest.mark.parametrize("made", [None, [], "text", respond(lambda _: fail(status=500))])
def test_a_responder_must_return_steps(made: Any) -> None:
    script = Script([respond(lambda _: made)])

    ask(script)

    with pytest.raises(ValueError, match="respond"):
        script.check()


def test_only_steps_can_be_added() -> None:
    script = Script()

    with pytest.raises(ValueError, match=r"steps\[1\] is not a step: 'text'"):
        script.enqueue([shell("ls"), "text"])  # pyright: ignore[reportArgumentType] — what is under test
    with pytest.raises(ValueError, match="text must not be empty"):
        script.on("", [shell("ls")])
    assert script.remaining == ()


def test_every_step_is_used_once_by_many_threads() -> None:
    script = Script([assistant_message(str(number)) for number in range(200)])
    taken: list[Step] = []

    def take() -> None:
        for _ in range(20):
            taken.append(ask(script))  # noqa: PERF401 — each thread adds as it goes

    threads = [threading.Thread(target=take) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert {describe(step) for step in taken} == {f"assistant_message('{n}')" for n in range(200)}
    script.check()


def test_a_call_shows_what_codex_sent() -> None:
    call = ModelCall(
        1,
        {
            "model": "gpt-5.5",
            "instructions": "Be kind.",
            "tools": [{"type": "function", "name": "exec_command"}, {"type": "web_search"}],
            "client_metadata": {"x-codex-turn-metadata": '{"request_kind":"compaction"}'},
            "input": [
                {"role": "developer", "content": [{"text": "Rules."}]},
                {"role": "user", "content": [{"text": "<environment_context>…"}]},
                {"role": "user", "content": "first"},
                {"type": "function_call_output", "call_id": "c1", "output": "one"},
                {
                    "type": "custom_tool_call_output",
                    "call_id": "c2",
                    "output": [{"type": "input_text", "text": "two"}],
                },
                {"type": "function_call_output", "call_id": "c3", "output": {"content": "three"}},
                {"role": "user", "content": [{"text": "last"}]},
            ],
        },
        {},
    )

    assert call.model == "gpt-5.5"
    assert call.kind == "compaction"
    assert call.instructions == "Be kind."
    assert call.tools == {"exec_command", "web_search"}
    assert call.user_texts == ("first", "last")
    assert call.user_text == "last"
    assert call.tool_outputs == {"c1": "one", "c2": "two", "c3": "three"}
    assert call.last_tool_output == "three"


def test_a_call_of_an_unknown_shape_shows_nothing() -> None:
    call = ModelCall(
        1, {"input": "text", "tools": None, "client_metadata": {"x-codex-turn-metadata": "{"}}, {}
    )

    assert (call.input, call.tools, call.user_text, call.last_tool_output) == (
        [],
        frozenset(),
        "",
        "",
    )
    assert (call.model, call.kind, call.instructions) == ("", "turn", "")
