"""The types inside pydantic models, for those who have pydantic. The package does not need it."""

from typing import Any

import pytest

from codex_runtime.protocol import AgentMessageItem, TurnStartParams, Unknown, types

pydantic: Any = pytest.importorskip("pydantic", reason="an optional companion")

ITEM = {"type": "agentMessage", "id": "1", "text": "hi"}


def model(**fields: Any) -> Any:
    return pydantic.create_model("Model", **{name: (kind, ...) for name, kind in fields.items()})


def test_a_model_takes_wire_data_and_gives_it_back() -> None:
    instance = model(item=types.ThreadItem)(item=ITEM)

    assert instance.item == AgentMessageItem(id="1", text="hi")
    assert instance.model_dump() == {"item": ITEM}
    assert instance.model_dump_json() == '{"item":{"type":"agentMessage","id":"1","text":"hi"}}'


def test_a_model_takes_an_object_as_it_is() -> None:
    item = AgentMessageItem(id="1", text="hi")

    assert model(item=AgentMessageItem)(item=item).item is item


def test_an_unknown_variant_is_dumped_as_it_was_received() -> None:
    unknown = Unknown(raw={"type": "brandNew"})

    assert model(item=types.ThreadItem)(item=unknown).model_dump() == {"item": {"type": "brandNew"}}


def test_a_wrong_value_is_a_validation_error_of_pydantic() -> None:
    with pytest.raises(pydantic.ValidationError, match="threadId"):
        model(params=TurnStartParams)(params={"input": []})


def test_a_json_schema_can_be_made() -> None:
    assert model(item=AgentMessageItem).model_json_schema()["required"] == ["item"]
