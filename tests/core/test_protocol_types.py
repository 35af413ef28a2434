"""The generated types: complete, decodable, true to the schema, and no heavier than promised."""

import json
import subprocess
import sys
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from protocol_generator.schema import is_dict, is_list
from support_protocol import Json, Message, Synthesizer, messages, vendored, without_defaults

from codex_runtime import protocol
from codex_runtime.protocol import (
    SERVER_ITEM_COMMAND_EXECUTION_REQUEST_APPROVAL,
    THREAD_READ,
    UNSET,
    AgentMessageItem,
    ItemCompletedNotification,
    Notification,
    TextInput,
    ThreadReadParams,
    ThreadReadResponse,
    TurnStartParams,
    Unknown,
    UnknownKind,
    UnknownNotification,
    Wire,
    methods,
    to_plain,
    types,
)

NOT_KEPT = {"key 0", "key 1"}
"""Keys beyond the declared ones, in the two objects whose schema allows any (`Config` is one)."""

TRUE_BY_DEFAULT = {"isEnabled", "enabled", "destructive_enabled", "open_world_enabled"}
"""Keys whose absence means true, so that a true one is not written back."""


def each_message(*sides: str) -> Any:
    chosen = [each for each in messages() if not sides or each.side in sides]
    names = [f"{each.side}:{each.method}" for each in chosen]
    return pytest.mark.parametrize("message", chosen, ids=names)


@each_message()
def test_every_instance_of_every_message_survives_the_round_trip(message: Message) -> None:
    synthesizer = Synthesizer(vendored().definitions, seed=163)
    decoder = msgspec.json.Decoder[Any](message.type)

    for instance in synthesizer.instances(message.definition):
        decoded = decoder.decode(json.dumps(instance))

        assert decoder.decode(msgspec.json.encode(decoded)) == decoded
        assert not lost(without_defaults(instance), without_defaults(to_plain(decoded)))


def lost(before: Json, after: Json, place: str = "$") -> list[str]:
    """Return where `after` is not `before`, save what is documented not to be kept."""
    if is_dict(before) and is_dict(after):
        found = [f"{place}.{key}" for key in after.keys() - before.keys()]
        for key, value in before.items():
            if key in after:
                found += lost(value, after[key], f"{place}.{key}")
            elif not may_be_lost(key, value):
                found.append(f"{place}.{key}")
        return found
    if is_list(before) and is_list(after) and len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return [each for one, two in pairs for each in lost(one, two, f"{place}[]")]
    return [] if before == after else [place]


def may_be_lost(key: str, value: Json) -> bool:
    if key in NOT_KEPT or (key in TRUE_BY_DEFAULT and value is True):
        return True
    return bool(value) and is_dict(value) and all(map(may_be_lost, value, value.values()))


@each_message("asked", "notification", "result")
def test_an_empty_object_decodes_as_every_message_that_the_server_alone_sends(
    message: Message,
) -> None:
    if is_struct(message.type):
        assert isinstance(msgspec.json.decode(b"{}", type=message.type), message.type)


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def test_every_notification_method_has_a_class_of_its_own_that_says_its_method() -> None:
    classes = [entry.type for entry in methods.NOTIFICATIONS.values()]

    assert len(set(classes)) == len(classes)
    for method, entry in methods.NOTIFICATIONS.items():
        assert issubclass(entry.type, Notification)
        assert entry.type.method == method
        assert entry.type.__name__.endswith("Notification")


def test_notifications_of_one_payload_type_are_named_after_their_methods() -> None:
    connected = methods.NOTIFICATIONS["thread/environment/connected"].type
    disconnected = methods.NOTIFICATIONS["thread/environment/disconnected"].type

    assert connected is types.ThreadEnvironmentConnectedNotification
    assert disconnected is types.ThreadEnvironmentDisconnectedNotification


@pytest.mark.parametrize("method", ["rawResponseItem/completed", "rawResponse/completed"])
def test_notifications_that_the_schema_does_not_list_are_known(method: str) -> None:
    assert methods.NOTIFICATIONS[method].stability == "experimental"


@pytest.mark.parametrize(
    ("method", "stability"),
    [
        ("thread/start", "stable"),
        ("thread/queue/start", "experimental"),
        ("execCommandApproval", "deprecated"),
        ("applyPatchApproval", "deprecated"),
        ("item/commandExecution/requestApproval", "stable"),
    ],
)
def test_the_method_table_says_what_a_method_asks_of_its_caller(
    method: str, stability: str
) -> None:
    table = {**methods.CLIENT_REQUESTS, **methods.SERVER_REQUESTS}

    assert table[method].stability == stability


def test_the_inventory_names_the_vendored_bundle() -> None:
    assert methods.INVENTORY.codex_version == vendored().codex_version
    assert methods.INVENTORY.sha256 == vendored().sha256
    assert methods.INVENTORY.client_requests == len(methods.CLIENT_REQUESTS)
    assert methods.INVENTORY.server_requests == len(methods.SERVER_REQUESTS)
    assert methods.INVENTORY.notifications == len(methods.NOTIFICATIONS)
    assert methods.INVENTORY.types == len(types.__all__)


def test_absent_and_null_differ_in_what_the_client_sends() -> None:
    prompt: list[types.UserInput] = [TextInput(text="hi")]
    silent = TurnStartParams(thread_id="t", input=prompt)
    clearing = TurnStartParams(thread_id="t", input=prompt, model=None)

    assert silent.model is UNSET
    assert "model" not in to_plain(silent)
    assert to_plain(clearing)["model"] is None


def test_a_required_argument_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError, match="thread_id"):
        TurnStartParams(input=[])  # pyright: ignore[reportCallIssue] — the mistake under test


def test_a_field_that_the_server_left_out_is_unset() -> None:
    item = msgspec.json.decode(b'{"type":"agentMessage"}', type=AgentMessageItem)

    assert item.text is UNSET


def test_messages_cannot_be_changed() -> None:
    item = AgentMessageItem(id="1", text="hi")

    with pytest.raises(AttributeError):
        item.text = "ho"  # pyright: ignore[reportAttributeAccessIssue] — the mistake under test


def test_a_variant_shows_its_tag() -> None:
    assert AgentMessageItem.type == "agentMessage"
    assert TextInput(text="hi").type == "text"


def test_an_unknown_variant_is_written_as_it_was_received() -> None:
    raw = {"type": "brandNew", "x": 1}
    event = ItemCompletedNotification(item=Unknown(raw=raw), thread_id="t", turn_id="u")

    assert to_plain(event) == {"item": raw, "threadId": "t", "turnId": "u"}
    assert to_plain([UnknownKind(raw={"kind": "new"})]) == [{"kind": "new"}]


def test_every_attribute_has_the_wire_name_that_the_schema_gives_it() -> None:
    """Where camelCase does not lead to the wire name, the generator says it; `lost` would not see
    a key that both directions spell wrongly in the same way."""
    definitions = vendored().definitions
    for name in types.__all__:
        kind = getattr(types, name)
        if is_struct(kind) and name in definitions and "properties" in definitions[name]:
            declared = set(definitions[name]["properties"])
            written = set(kind.__struct_encode_fields__) - {"emittedAtMs"}
            tag = kind.__struct_config__.tag_field
            assert declared - {tag} == written - {tag}


def test_type_hints_can_be_read_at_run_time() -> None:
    hints = get_type_hints(AgentMessageItem)

    assert hints["text"] is str
    assert get_args(get_args(hints["type"])[0]) == ("agentMessage",)


def test_methods_find_their_types() -> None:
    assert THREAD_READ.params_type is ThreadReadParams
    assert THREAD_READ.result_type is ThreadReadResponse
    assert repr(THREAD_READ) == "Method('thread/read')"
    assert methods.MEMORY_RESET.params_type is None
    assert repr(methods.ON_WARNING) == "NotificationMethod('warning')"
    assert (
        methods.SERVER_REQUESTS["item/commandExecution/requestApproval"]
        is SERVER_ITEM_COMMAND_EXECUTION_REQUEST_APPROVAL
    )


def test_the_package_offers_every_type_and_method() -> None:
    names = dir(protocol)

    assert {"AgentMessageItem", "THREAD_START", "Unknown", "CLIENT_REQUESTS"} <= set(names)
    assert all(hasattr(protocol, name) for name in names)


def test_a_name_that_the_protocol_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchType"):
        _ = protocol.NoSuchType
    with pytest.raises(AttributeError):
        _ = protocol.__no_such_dunder__


def imported_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has after a statement."""
    program = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import codex_runtime.protocol",
        "import codex_runtime.protocol.methods",
        "import codex_runtime.protocol.codec; codex_runtime.protocol.codec.Codec()",
        "from codex_runtime.protocol import THREAD_START, Method, Unknown",
    ],
)
def test_types_are_not_imported_before_they_are_used(statement: str) -> None:
    modules = imported_after(statement)

    assert "codex_runtime.protocol" in modules
    assert "codex_runtime.protocol.types" not in modules
    assert not {name for name in modules if name.startswith("pydantic")}


def test_the_first_use_of_a_type_imports_the_types() -> None:
    modules = imported_after("from codex_runtime.protocol import AgentMessageItem")

    assert "codex_runtime.protocol.types" in modules


def test_unknown_events_are_no_notifications_of_the_schema() -> None:
    assert not issubclass(UnknownNotification, Notification)
    assert issubclass(UnknownNotification, Wire)
