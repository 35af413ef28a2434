"""What a turn is told, and how it reaches the model."""

from __future__ import annotations

from typing import Any

import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import (
    EmptyInput,
    InputTooLarge,
    InvalidArgument,
    UnsendableValue,
)
from codex_runtime.protocol import TextInput, TurnStartParams, UserMessageItem, methods
from codex_runtime.testing import assistant_message


@requirement("input:empty")
async def test_a_prompt_that_holds_nothing_is_not_sent(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests
    nothing: list[Any] = ["", " \n\t", [], [TextInput(text="")], ["", " "]]

    for prompt in nothing:
        with pytest.raises(EmptyInput):
            await thread.turn_start(prompt)
        with pytest.raises(EmptyInput):
            await thread.run(prompt)

    assert server.runtime.statistics().requests == sent
    server.says(assistant_message("Hello"))
    assert (await thread.run("hello")).text == "Hello"


@requirement("input:items")
async def test_several_items_reach_the_model(server: Server) -> None:
    server.says(assistant_message("Read both."))
    thread = await server.thread()

    result = await thread.run([TextInput(text="The first."), "The second."])

    said = next(item for item in result.items if isinstance(item, UserMessageItem))
    assert [part.text for part in said.content if isinstance(part, TextInput)] == [
        "The first.",
        "The second.",
    ]
    told = " ".join(server.calls[-1].user_texts)
    assert "The first." in told
    assert "The second." in told


@requirement("input:wrong-type")
async def test_an_item_that_is_none_is_refused_with_its_place(server: Server) -> None:
    thread = await server.thread()
    wrong: Any = ["text", 7]

    with pytest.raises(InvalidArgument) as refusal:
        await thread.turn_start(wrong)

    assert refusal.value.field == "input[1]"
    assert "int" in refusal.value.problem


@requirement("input:client-id")
async def test_the_client_id_comes_back_with_the_message(server: Server) -> None:
    server.says(assistant_message("Hello"), assistant_message("Hello"))
    thread = await server.thread()

    named = await thread.run("hello", client_id="job-7/1")
    unnamed = await thread.run("hello")

    ids = [
        item.client_id
        for result in (named, unnamed)
        for item in result.items
        if isinstance(item, UserMessageItem)
    ]
    assert ids == ["job-7/1", None]


@requirement("input:output-schema")
async def test_an_output_schema_reaches_the_model_for_its_turn_only(server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "integer"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    server.says(assistant_message('{"answer": 42}'), assistant_message("Hello"))
    thread = await server.thread()

    result = await thread.run("What is the answer?", output_schema=schema)
    await thread.run("hello")

    with_schema, without = server.calls[-2:]
    assert with_schema.raw["text"]["format"]["schema"] == schema
    assert with_schema.raw["text"]["format"]["strict"] is True
    assert "format" not in (without.raw.get("text") or {})
    assert result.text == '{"answer": 42}'


@requirement("input:overrides-persist")
async def test_the_effort_of_a_turn_stays_in_force(server: Server) -> None:
    server.says(*(assistant_message("Hello") for _ in range(3)))
    thread = await server.thread()

    await thread.run("hello", effort="low")
    await thread.run("hello")
    await thread.run("hello", effort="high")

    efforts = [call.raw["reasoning"]["effort"] for call in server.calls]
    assert efforts == ["low", "low", "high"]


@requirement("input:unsendable")
async def test_text_that_json_cannot_carry_is_refused_with_its_place(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"items": deep}

    with pytest.raises(UnsendableValue) as of_text:
        await thread.turn_start("half a \ud83d smile")
    with pytest.raises(UnsendableValue) as of_schema:
        await thread.turn_start("hello", output_schema={"minimum": float("nan")})
    with pytest.raises(UnsendableValue):
        await thread.turn_start("hello", output_schema=deep)

    assert "input[0].text" in of_text.value.field
    assert "minimum" in of_schema.value.field
    assert server.runtime.statistics().requests == sent


@requirement("input:too-large")
async def test_a_prompt_over_the_limit_is_refused_with_the_servers_numbers(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests
    at_the_limit = ["\N{SNOWMAN}" * 1_048_575, "x"]
    over = [TextInput(text="\N{SNOWMAN}" * 1_048_575), TextInput(text="xy")]

    with pytest.raises(InputTooLarge) as here:
        await thread.run(over)
    assert server.runtime.statistics().requests == sent

    # What that spares the server, which is the same error.
    params = TurnStartParams(thread_id=thread.thread_id, input=[*over])
    with pytest.raises(InputTooLarge) as there:
        await server.runtime.request(methods.TURN_START, params)
    server.says(assistant_message("Hello"))
    assert (await thread.run(at_the_limit)).text == "Hello"

    assert there.value.max_chars == here.value.max_chars == 1_048_576
    assert there.value.actual_chars == here.value.actual_chars == 1_048_577


@requirement("input:unknown-option")
async def test_an_option_of_a_turn_that_is_none_is_refused(server: Server) -> None:
    thread = await server.thread()
    sent = server.runtime.statistics().requests
    wrong: list[dict[str, Any]] = [
        {"sandbox_mode": "read-only"},
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": True},
        {"timeout": "10"},
    ]

    for options in wrong:
        with pytest.raises(InvalidArgument) as refusal:
            await thread.turn_start("hello", **options)
        assert refusal.value.field == next(iter(options))

    assert server.runtime.statistics().requests == sent
