"""What another schema would mean to a client made from the vendored one."""

import dataclasses
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import schema_check
from protocol_generator.binary import Asked, ask, find_binary
from protocol_generator.bundle import load_vendored
from protocol_generator.diff import Change, compare
from protocol_generator.protocol import understand
from support_generator import INTEGER, STRING, TinyProtocol, an_object, entry, one_of, ref, tagged
from support_protocol import ROOT, vendored

WORD = {"type": "string", "enum": ["a", "b"]}
NULLABLE = {"type": ["string", "null"]}


def changes(old: TinyProtocol, new: TinyProtocol) -> list[Change]:
    return compare(understand(old.bundle()), understand(new.bundle()))


def thing(schema: Any, where: str) -> TinyProtocol:
    flows: dict[str, Any] = {where: ref("Thing")}
    return TinyProtocol({"Thing": schema}, **flows)


@pytest.mark.parametrize(
    ("where", "old", "new", "level", "text"),
    [
        ("sent", an_object(), an_object(x=STRING), "additive", "Thing.x: new"),
        ("received", an_object(), an_object("x", x=STRING), "additive", "Thing.x: new, required"),
        ("sent", an_object(), an_object("x", x=STRING), "breaking", "Thing.x: new, required"),
        ("shared", an_object(), an_object("x", x=STRING), "breaking", "Thing.x: new, required"),
        ("received", an_object(x=STRING), an_object(), "degrading", "Thing.x: gone"),
        ("sent", an_object(x=STRING), an_object(), "degrading", "Thing.x: gone"),
        ("received", an_object("x", x=STRING), an_object(x=STRING), "degrading", "may be absent"),
        ("sent", an_object("x", x=STRING), an_object(x=STRING), "additive", "may be absent"),
        ("sent", an_object(x=STRING), an_object("x", x=STRING), "breaking", "is required now"),
        ("received", an_object(x=STRING), an_object("x", x=STRING), "additive", "is required now"),
        ("received", an_object(x=STRING), an_object(x=NULLABLE), "degrading", "may be null now"),
        ("sent", an_object(x=STRING), an_object(x=NULLABLE), "additive", "may be null now"),
        ("sent", an_object(x=NULLABLE), an_object(x=STRING), "breaking", "may not be null"),
        ("received", an_object(x=STRING), an_object(x=INTEGER), "degrading", "is int, was str"),
        ("sent", an_object(x=STRING), an_object(x=INTEGER), "breaking", "is int, was str"),
        ("received", WORD, {**WORD, "enum": ["a", "b", "c"]}, "additive", "'c' is new"),
        ("received", WORD, {**WORD, "enum": ["a"]}, "additive", "'b' is gone"),
        ("sent", WORD, {**WORD, "enum": ["a"]}, "breaking", "'b' is gone"),
        ("received", STRING, INTEGER, "degrading", "Thing: is another kind of type"),
        ("sent", STRING, WORD, "breaking", "Thing: is another kind of type"),
        (
            "received",
            one_of(tagged("a")),
            one_of(tagged("a"), tagged("b")),
            "degrading",
            "Thing: variant BThing is new",
        ),
        (
            "sent",
            one_of(tagged("a"), tagged("b")),
            one_of(tagged("a")),
            "breaking",
            "Thing: variant BThing is gone",
        ),
        (
            "received",
            one_of(tagged("a")),
            one_of(tagged("a", tag="kind")),
            "breaking",
            "Thing: told apart by 'kind', was 'type'",
        ),
    ],
)
def test_a_difference_is_classified_by_what_it_does_to_a_client(
    where: str, old: Any, new: Any, level: str, text: str
) -> None:
    found = changes(thing(old, where), thing(new, where))

    assert level in {change.level for change in found if text in change.text}


@pytest.mark.parametrize(
    ("table", "gone"), [("requests", "breaking"), ("notifications", "degrading")]
)
def test_methods_that_come_and_go(table: str, gone: str) -> None:
    definitions = {"AParams": an_object(), "AResponse": an_object()}
    without = TinyProtocol(definitions)
    tables: dict[str, Any] = {table: (entry("thing/new", ref("AParams")),)}
    having = TinyProtocol(definitions, **tables)

    assert {"additive"} == {change.level for change in changes(without, having)}
    assert gone in {change.level for change in changes(having, without)}


def test_a_method_whose_types_or_stability_change() -> None:
    definitions = {"AParams": an_object(), "AResponse": an_object(), "BParams": an_object()}
    definitions["BResponse"] = an_object()
    old, new = (
        TinyProtocol(definitions, requests=(entry("thing/x", ref(name)),))
        for name in ("AParams", "BParams")
    )
    stable = compare(
        understand(old.bundle(frozenset({"thing/x", "thing/do"}))), understand(old.bundle())
    )

    assert [change.text for change in changes(old, new) if "thing/x" in change.text] == [
        "request thing/x: params are BParams, were AParams",
        "request thing/x: result is BResponse, was AResponse",
    ]
    assert stable == [Change("degrading", "request thing/x: experimental, was stable")]


def test_the_same_protocol_does_not_differ() -> None:
    assert changes(thing(WORD, "shared"), thing(WORD, "shared")) == []


def asked(raw: bytes, version: str = "9.9.9") -> Asked:
    return Asked(version, raw, {"ClientRequest": [], "ServerRequest": [], "ServerNotification": []})


def vendored_raw() -> bytes:
    return gzip.decompress((ROOT / "schema/app_server.json.gz").read_bytes())


def test_the_same_bytes_are_the_same_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema_check.check(asked(vendored_raw()), vendored()) == 0
    assert "byte for byte" in capsys.readouterr().out


def test_other_bytes_are_reported_by_level(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(vendored_raw())
    variants = document["definitions"]["v2"]["ThreadItem"]["oneOf"]
    del variants[0]["properties"]["id"]

    assert schema_check.check(asked(json.dumps(document).encode()), vendored()) == 1
    assert "degrading: " in capsys.readouterr().out


def test_a_difference_in_words_alone_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    stable: dict[str, list[str]] = json.loads((ROOT / "schema/stable_methods.json").read_text())
    document = json.dumps(json.loads(vendored_raw())).encode()

    assert schema_check.check(Asked("9.9.9", document, stable), vendored()) == 1
    assert "only descriptions" in capsys.readouterr().out


def test_a_schema_without_a_rule_is_breaking(capsys: pytest.CaptureFixture[str]) -> None:
    document: dict[str, Any] = {"definitions": {"Thing": {"not": {}}}}

    assert schema_check.check(asked(json.dumps(document).encode()), vendored()) == 1
    assert "breaking: the generator has no rule" in capsys.readouterr().out


def test_vendoring_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    pinned = asked(vendored_raw(), vendored().codex_version)
    stable: dict[str, list[str]] = json.loads((ROOT / "schema/stable_methods.json").read_text())

    schema_check.vendor(dataclasses.replace(pinned, stable=stable), tmp_path)

    for name in ("PINNED.json", "stable_methods.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / "schema" / name).read_bytes()
    once = (tmp_path / "app_server.json.gz").read_bytes()
    schema_check.vendor(pinned, tmp_path)
    # Not compared with the vendored file: another zlib may pack the same bytes differently.
    assert (tmp_path / "app_server.json.gz").read_bytes() == once
    assert gzip.decompress(once) == vendored_raw()


@pytest.mark.parametrize("binary", ["/nowhere/codex", sys.executable])
def test_without_a_codex_there_is_nothing_to_compare(
    binary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python is a program too, but not one that knows `app-server generate-json-schema`."""
    assert schema_check.main(["--codex-bin", binary]) == 2
    assert capsys.readouterr().err


@pytest.mark.real
def test_the_pinned_codex_has_the_vendored_schema(tmp_path: Path) -> None:
    binary = find_binary()
    if binary is None:
        pytest.skip("no codex installed")
    answer = ask(binary)
    if answer.version != vendored().codex_version:
        pytest.skip(f"codex {answer.version} is installed, not the pinned one")

    assert schema_check.main(["--schema", str(ROOT / "schema")]) == 0
    assert schema_check.main(["--schema", str(tmp_path), "--update"]) == 0
    assert load_vendored(tmp_path) == vendored()
