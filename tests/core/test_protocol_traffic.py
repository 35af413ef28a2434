"""What real app-servers said, decoded: the pinned one without a blemish, its neighbours without
an exception. `tools/record_traffic.py` made the captures."""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
import record_traffic
from msgspec import UNSET, Raw, Struct, UnsetType
from protocol_generator.binary import find_binary
from protocol_generator.schema import is_dict
from support_protocol import Json, without_defaults

from codex_runtime.protocol import (
    INVENTORY,
    AgentMessageDeltaNotification,
    CommandExecutionItem,
    FileChangeItem,
    ItemCompletedNotification,
    Notification,
    TurnCompletedNotification,
    UnknownNotification,
    UnknownServerRequest,
    Wire,
    methods,
    to_plain,
)
from codex_runtime.protocol.codec import Codec

DATA = Path(__file__).resolve().parent.parent / "data"

SPOKEN = 40
"""Kinds of messages that every capture has at least; a capture with fewer lost its conversation."""


RequestId: TypeAlias = int | str | UnsetType


class Envelope(Struct):
    """A message, as far as it has to be read to know what it is."""

    id: RequestId = UNSET
    method: str | None = None
    params: Raw = Raw()
    result: Raw = Raw()
    emittedAtMs: int | None = None  # noqa: N815 — the wire name


class Line(Struct):
    """One line of a capture."""

    client: Envelope | None = None
    server: Envelope | None = None


@dataclass
class Heard:
    """What became of a capture."""

    events: list[Notification | UnknownNotification] = field(
        default_factory=list[Notification | UnknownNotification]
    )
    asked: list[Wire] = field(default_factory=list[Wire])
    results: dict[str, Wire] = field(default_factory=dict[str, Wire])
    issues: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    differing: list[str] = field(default_factory=list[str])
    codec: Codec = field(default_factory=Codec)


def heard(lines: list[bytes]) -> Heard:
    """Decode all that the server says in a capture."""
    found = Heard()
    found.codec = Codec(lambda method, text: found.issues.append((method, text)))
    pending: dict[RequestId, str] = {}
    decoder = msgspec.json.Decoder(Line)
    for line in lines:
        message = decoder.decode(line)
        if message.client is not None and message.client.method is not None:
            pending[message.client.id] = message.client.method
        if message.server is not None:
            hear(found, message.server, pending)
    return found


def hear(found: Heard, message: Envelope, pending: dict[RequestId, str]) -> None:
    codec = found.codec
    if message.method is None:
        if bytes(message.result):
            method = methods.CLIENT_REQUESTS[pending[message.id]]
            result = codec.result(method, message.result)
            found.results[method.method] = result
            compare(found, method.method, result, message.result)
    elif message.id is not UNSET:
        request = codec.server_request(message.method, message.params)
        found.asked.append(request)
        compare(found, message.method, request, message.params)
    else:
        event = codec.notification(message.method, message.params, message.emittedAtMs)
        found.events.append(event)
        compare(found, message.method, event, message.params)


def compare(found: Heard, method: str, decoded: Wire, raw: Raw) -> None:
    """Note a message that does not say the same when it is written again."""
    said: Json = without_defaults(json.loads(bytes(raw)))
    again = without_defaults(to_plain(decoded))
    if is_dict(again):
        again.pop("emittedAtMs", None)
    if said != again:
        found.differing.append(method)


def capture(version: str) -> list[bytes]:
    return gzip.decompress((DATA / f"traffic-{version}.jsonl.gz").read_bytes()).splitlines()


def check_pinned(found: Heard) -> None:
    """Assert that nothing of the pinned codex is unknown, degraded, or lost."""
    assert found.issues == []
    assert found.codec.unknown == 0
    assert found.codec.degraded == 0
    # These two have keys that the schema does not declare; such are not kept.
    assert set(found.differing) <= {"config/read", "rawResponseItem/completed"}


def test_the_pinned_codex_is_understood_in_full() -> None:
    found = heard(capture(INVENTORY.codex_version))

    check_pinned(found)
    assert len({type(event) for event in found.events} | {*found.results}) >= SPOKEN


def test_a_recorded_turn_reads_as_it_happened() -> None:
    events = heard(capture(INVENTORY.codex_version)).events

    items = [event.item for event in events if isinstance(event, ItemCompletedNotification)]
    text = "".join(e.delta for e in events if isinstance(e, AgentMessageDeltaNotification))
    ends = [e.turn.status for e in events if isinstance(e, TurnCompletedNotification)]
    assert {item.exit_code for item in items if isinstance(item, CommandExecutionItem)} == {0, 3}
    assert any(isinstance(item, FileChangeItem) for item in items)
    assert "It adds now." in text
    assert ends == ["completed", "completed", "failed", "failed", "interrupted", "completed"]
    assert all(event.emitted_at_ms for event in events)


@pytest.mark.parametrize("version", ["0.154.0", "0.169.0"])
def test_a_codex_before_or_after_the_pinned_one_is_understood_well_enough(version: str) -> None:
    found = heard(capture(version))

    assert len(found.events) > 150
    assert not any(isinstance(event, UnknownNotification) for event in found.events)
    assert not any(isinstance(request, UnknownServerRequest) for request in found.asked)
    assert {"thread/start", "turn/start", "thread/read", "model/list"} <= found.results.keys()


@pytest.mark.real
def test_a_new_recording_of_the_pinned_codex_is_understood_in_full(tmp_path: Path) -> None:
    if find_binary() is None:
        pytest.skip("no codex installed")
    out = tmp_path / "traffic.jsonl.gz"

    assert record_traffic.main(["--out", str(out)]) == 0

    lines = gzip.decompress(out.read_bytes()).splitlines()
    assert not any(str(tmp_path.parent).encode() in line for line in lines)
    found = heard(lines)
    assert len(found.events) > 150
    initialized = found.results["initialize"]
    if INVENTORY.codex_version in str(to_plain(initialized)["userAgent"]):
        check_pinned(found)


def test_without_a_codex_there_is_nothing_to_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert record_traffic.main(["--codex-bin", "/nowhere/codex"]) == 2
    assert "no codex to record" in capsys.readouterr().err
