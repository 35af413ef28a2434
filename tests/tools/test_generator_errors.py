"""What the generator refuses to guess."""

from pathlib import Path
from typing import Any

import generate_protocol
import pytest
from protocol_generator.bundle import load_vendored
from protocol_generator.errors import SchemaError
from protocol_generator.tables import RESPONSES, UNLISTED_NOTIFICATIONS
from support_generator import STRING, TinyProtocol, an_object, entry, one_of, ref, tagged
from support_protocol import ROOT, vendored


def refused(*, match: str, **tiny: Any) -> None:
    with pytest.raises(SchemaError, match=match):
        TinyProtocol(**tiny).rendered()


def test_a_request_without_a_known_result_type() -> None:
    refused(
        match=r"thing/new: no type known for its result; add a row to RESPONSES",
        definitions={"ThingNewParams": an_object()},
        requests=(entry("thing/new", ref("ThingNewParams")),),
    )


def test_two_types_of_one_name() -> None:
    refused(
        match=r"AThing: two types would get this name",
        definitions={"Thing": one_of(tagged("a")), "AThing": STRING},
        received=ref("Thing"),
    )


@pytest.mark.parametrize("name", ["Unknown", "Wire", "Notification", "Any"])
def test_a_type_of_the_name_of_something_hand_written(name: str) -> None:
    refused(match=f"{name}: two types", definitions={name: STRING}, received=ref(name))


def test_two_notification_classes_of_one_name() -> None:
    refused(
        match=r"LinkUpNotification: two types would get this name",
        definitions={"Both": an_object(), "LinkUpNotification": an_object()},
        notifications=(entry("link/up", ref("Both")), entry("link/down", ref("Both"))),
    )


def test_two_methods_of_one_constant() -> None:
    refused(
        match=r"THING_DO: two methods would get this constant",
        requests=(entry("thingDo", ref("ThingDoParams")),),
    )


@pytest.mark.parametrize("word", ["patternProperties", "not", "maximum", "definitions"])
def test_a_keyword_without_a_rule(word: str) -> None:
    refused(
        match=rf"Thing.inner.items: the generator has no rule for the keyword '{word}'",
        definitions={"Thing": an_object(inner={"type": "array", "items": {word: {}}})},
    )


def test_a_type_that_json_schema_does_not_have() -> None:
    refused(
        match=r"Thing.id: 'text' is no type", definitions={"Thing": an_object(id={"type": "text"})}
    )


def test_something_that_is_no_schema() -> None:
    refused(
        match=r"Thing.id: str where a schema should be", definitions={"Thing": an_object(id="x")}
    )


def test_a_tag_field_without_an_unknown_class() -> None:
    refused(
        match=r"Thing: its variants are told apart by 'flavour'",
        definitions={"Thing": one_of(tagged("a", tag="flavour"), tagged("b", tag="flavour"))},
        received=ref("Thing"),
    )


def test_a_reference_to_nothing() -> None:
    refused(match=r"refers to Nowhere, which the bundle does not define", received=ref("Nowhere"))


def test_a_type_that_is_nothing_but_itself() -> None:
    refused(
        match=r"the type needs itself",
        definitions={"Thing": {"type": "array", "items": ref("Thing")}},
        received=ref("Thing"),
    )


def test_a_notification_whose_payload_is_no_object() -> None:
    refused(
        match=r"thing/said: the params of a notification have to be an object",
        definitions={"Said": STRING},
        notifications=(entry("thing/said", ref("Said")),),
    )


def test_one_name_with_two_meanings_in_the_two_generations() -> None:
    tiny = TinyProtocol({"Thing": STRING, "v2": {"Thing": an_object()}}, received=ref("Thing"))

    with pytest.raises(SchemaError, match="Thing: means two things"):
        tiny.rendered()


def test_one_name_described_differently_in_the_two_generations_has_one_meaning() -> None:
    named = an_object(title=STRING, other=ref("v2/Other"))
    again = an_object(title={**STRING, "description": "x"}, other=ref("Other")) | {"title": "T"}

    tiny = TinyProtocol(
        {"Thing": named, "v2": {"Thing": again, "Other": STRING}}, received=ref("Thing")
    )

    assert "class Thing(" in tiny.rendered().types


def test_a_bundle_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    for file in (ROOT / "schema").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    pinned = tmp_path / "PINNED.json"
    pinned.write_text(pinned.read_text().replace(vendored().sha256, "0" * 64))

    with pytest.raises(SchemaError, match="not the bundle that"):
        load_vendored(tmp_path)


def test_the_program_says_what_it_has_no_rule_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (ROOT / "schema").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "PINNED.json").write_text('{"codex_version": "1", "sha256": "0"}')

    assert generate_protocol.main(["--schema", str(tmp_path), "--check"]) == 2
    assert "not the bundle" in capsys.readouterr().err


def test_the_rows_by_hand_are_needed() -> None:
    """A row that the schema has made needless, or whose type is gone, is to be removed."""
    definitions = vendored().definitions
    listed = {
        row["properties"]["method"]["enum"][0]
        for side in ("ClientRequest", "ServerRequest", "ServerNotification")
        for row in definitions[side]["oneOf"]
    }

    assert {name for name in UNLISTED_NOTIFICATIONS.values() if name not in definitions} == set()
    assert listed & UNLISTED_NOTIFICATIONS.keys() == set()
    assert {
        method for method, name in RESPONSES.items() if method in listed and name not in definitions
    } == set()
