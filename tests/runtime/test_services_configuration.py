"""Settings: what is sent, what needs the word of SEC-004, what the server refuses."""

from pathlib import Path
from typing import Any

import pytest
from core.sly import Shifting, Sly, SlyFeature
from runtime.support import Server

from codex_runtime import (
    ConfigurationRefused,
    ConnectionLost,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    SandboxNotAllowed,
    UnsendableValue,
    WorkingDirectoryMissing,
)
from codex_runtime.policy import HARMLESS
from codex_runtime.protocol import ConfigEdit
from codex_runtime.services._widening import NARROWING

WRITE, BATCH, READ = "config/value/write", "config/batchWrite", "config/read"

WIDE: list[tuple[str, Any]] = [
    ("sandbox_mode", "workspace-write"),
    ("sandbox_mode", "danger-full-access"),
    ("sandbox_mode", None),
    ("sandbox_mode", ["read-only"]),
    ("'sandbox_mode'", "read-only"),
    ('"sandbox_mode"', "danger-full-access"),
    ('"sandbox\\u005fmode"', "danger-full-access"),
    (" sandbox_mode", "danger-full-access"),
    ("Sandbox_Mode", "danger-full-access"),
    ("sandbox_workspace_write.network_access", True),
    ("approval_policy", "never"),
    ("approval_policy", "on-request"),
    ("approval_policy.granular", {"rules": False}),
    ("approvals_reviewer", "auto_review"),
    ("default_permissions", ":workspace"),
    ("default_permissions", None),
    ("permissions.dev", {"filesystem": {":root": "write"}}),
    ('projects."/srv".trust_level', "trusted"),
    ("projects", {"/srv": {"trust_level": "trusted"}}),
    ("mcp_servers.x", {"command": "true"}),
    ("hooks", {}),
    ("notify", ["true"]),
    ("features.exec_permission_approvals", True),
    ("model_providers.x.auth.command", "true"),
    ("shell_environment_policy.inherit", "all"),
    ("profiles.x.sandbox_mode", "danger-full-access"),
    ("models", "no such key"),
    ("brand_new", 1),
    ("notice.hide_full_access_warning", True),
    ("notice.hide_world_writable_warning", True),
    ('notice."hide_full_access_warning"', True),
    ("notice. hide_full_access_warning", True),
    ("notice", {"hide_full_access_warning": True}),
    ("notice", {}),
    ("tools", {"view_image": False}),
    ("web_search", "live"),
    ("features.memories", True),
]


def test_no_setting_that_decides_policy_counts_as_harmless() -> None:
    for root in HARMLESS:
        assert root.isidentifier()
        for word in ("sandbox", "approv", "permission", "trust", "hook", "mcp", "shell", "feature"):
            assert word not in root
    assert not HARMLESS & NARROWING.keys()


@pytest.mark.parametrize(("key_path", "value"), WIDE, ids=range(len(WIDE)))
async def test_what_may_widen_needs_the_word(server: Server, key_path: str, value: Any) -> None:
    async with server.runtime() as runtime:
        for word in (False, None, 1, "true"):
            with pytest.raises(SandboxNotAllowed) as caught:
                await runtime.configuration.write(
                    key_path,
                    value,
                    privileged_escalation_approved=word,  # pyright: ignore[reportArgumentType] — only True is a yes
                )
            assert caught.value.field == "key_path"
            assert "privileged_escalation_approved=True" in caught.value.fix
        edit = ConfigEdit(key_path=key_path, value=value, merge_strategy="upsert")
        model = ConfigEdit(key_path="model", value="gpt-5.5", merge_strategy="replace")
        with pytest.raises(SandboxNotAllowed) as caught:
            await runtime.configuration.write_many([model, edit])
        assert caught.value.field == "edits[1].key_path"
        assert not server.sent(WRITE)
        assert not server.sent(BATCH)

        await runtime.configuration.write(key_path, value, privileged_escalation_approved=True)
        await runtime.configuration.write_many([edit], privileged_escalation_approved=True)
    assert server.sent(WRITE)[0]["params"] == {
        "keyPath": key_path,
        "value": value,
        "mergeStrategy": "replace",
    }
    assert len(server.sent(BATCH)) == 1


NARROW: list[tuple[str, Any]] = [
    ("model", "gpt-5.5"),
    ("model", None),
    ("model_reasoning_effort", "high"),
    ("history.persistence", "none"),
    ("notice.hide_rate_limit_model_nudge", True),
    ("notice.model_migrations.a", "b"),
    ("sandbox_mode", "read-only"),
    ("approval_policy", "untrusted"),
    ("default_permissions", ":read-only"),
]


@pytest.mark.parametrize(("key_path", "value"), NARROW, ids=range(len(NARROW)))
async def test_what_is_harmless_needs_no_word(server: Server, key_path: str, value: Any) -> None:
    async with server.runtime() as runtime:
        await runtime.configuration.write(key_path, value)
        await runtime.configuration.write_many({key_path: value})
    assert server.sent(BATCH)[0]["params"] == {
        "edits": [{"keyPath": key_path, "value": value, "mergeStrategy": "replace"}],
        "reloadUserConfig": False,
    }


async def test_a_write_says_how_where_and_on_what_condition(server: Server, tmp_path: Path) -> None:
    answer = {"status": "ok", "version": "sha256:2", "filePath": "/h/config.toml"}
    server.on |= dict.fromkeys((WRITE, BATCH), lambda request: server.answer(request, answer))
    file = tmp_path / "config.toml"
    async with server.runtime() as runtime:
        written = await runtime.configuration.write(
            "model", "x", merge="upsert", expected_version="sha256:1", file_path=file
        )
        await runtime.configuration.write_many(
            {"model": "x", "personality": None}, reload=True, expected_version="sha256:1"
        )
    assert (written.status, written.version) == ("ok", "sha256:2")
    assert server.sent(WRITE)[0]["params"] == {
        "keyPath": "model",
        "value": "x",
        "mergeStrategy": "upsert",
        "expectedVersion": "sha256:1",
        "filePath": str(file),
    }
    params = server.sent(BATCH)[0]["params"]
    assert [each["keyPath"] for each in params["edits"]] == ["model", "personality"]
    assert (params["reloadUserConfig"], params["expectedVersion"]) == (True, "sha256:1")


@pytest.mark.parametrize(
    "reason", ["configValidationError", "configVersionConflict", "configLayerReadonly", "new"]
)
async def test_a_refused_write_says_why(server: Server, reason: str) -> None:
    error = {"code": -32600, "message": "no", "data": {"config_write_error_code": reason}}
    server.on[WRITE] = lambda request: server.say(id=request["id"], error=error)
    async with server.runtime() as runtime:
        with pytest.raises(ConfigurationRefused) as caught:
            await runtime.configuration.write("model", "x")
    assert caught.value.reason == reason


@pytest.mark.parametrize("method", [WRITE, BATCH])
async def test_what_was_to_be_written_is_in_no_error(server: Server, method: str) -> None:
    # As Rust shows texts, numbers, short ones and keys of tables.
    words = 'Invalid configuration: invalid type: string "can\\"ary\\\\1", integer `4711`, `hi`\n'
    message = f"{words}in `mcp_servers.x.env.canary key`\n"
    data = {"config_write_error_code": "configValidationError", "quoted": "canary"}
    error = {"code": -32600, "message": message, "data": data}
    server.on[method] = lambda request: server.say(id=request["id"], error=error)
    value = {"env": {"canary key": ['can"ary\\1', "hi", 4711]}}
    async with server.runtime() as runtime:
        configuration = runtime.configuration
        with pytest.raises(ConfigurationRefused) as caught:
            if method == BATCH:
                await configuration.write_many(
                    {"model": "x", "notify": ["true"], "mcp_servers.x": value},
                    privileged_escalation_approved=True,
                )
            else:
                await configuration.write(
                    "mcp_servers.x", value, privileged_escalation_approved=True
                )
    error_ = caught.value
    assert (error_.reason, error_.method) == ("configValidationError", method)
    assert error_.message.endswith("might quote what was to be written to mcp_servers.x")
    shown = f"{error_} {error_!r} {error_.args} {vars(error_)}"
    assert not any(part in shown for part in ("can", "4711", "hi`", "notify"))


async def test_the_servers_last_words_and_odd_reasons_are_left_out_too(server: Server) -> None:
    async with server.runtime() as runtime:
        write = runtime.configuration.write
        data = {"config_write_error_code": 'bad "canary"'}
        error = {"code": -32600, "message": "canary", "data": data}
        server.on[WRITE] = lambda request: server.say(id=request["id"], error=error)
        with pytest.raises(ConfigurationRefused) as refused:
            await write("notify", ["canary"], privileged_escalation_approved=True)
        assert "canary" not in f"{refused.value} {vars(refused.value)}"
        server.on[WRITE] = lambda request: server.answer(request, "canary")
        with pytest.raises(RemoteProtocolError) as broken:
            await write("notify", ["canary"], privileged_escalation_approved=True)
        assert "left out" in broken.value.problem
        server.on[WRITE] = lambda _: server.crash(exit_code=1, stderr_tail="canary")
        with pytest.raises(ConnectionLost) as lost:
            await write("notify", ["canary"], privileged_escalation_approved=True)
        assert (lost.value.stderr_tail, lost.value.exit_code) == ("", 1)


async def test_a_harmless_setting_is_refused_in_the_servers_words(server: Server) -> None:
    server.on[WRITE] = lambda request: server.refuse(request, 'invalid type: string "x"')
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused, match='invalid type: string "x"'):
            await runtime.configuration.write("model_context_window", "x")


SLY: list[tuple[str, Any]] = [
    ("sandbox_mode", Sly("danger-full-access")),
    ("approval_policy", Sly("never")),
    (Sly("sandbox_mode"), "danger-full-access"),
    (Sly("sandbox_mode"), Sly("danger-full-access")),
]


@pytest.mark.parametrize(("key_path", "value"), SLY, ids=range(len(SLY)))
async def test_a_text_that_lies_is_read_as_it_would_be_sent(
    server: Server, key_path: str, value: Any
) -> None:
    edit = ConfigEdit(key_path=key_path, value=value, merge_strategy="replace")
    async with server.runtime() as runtime:
        with pytest.raises(SandboxNotAllowed):
            await runtime.configuration.write(key_path, value)
        with pytest.raises(SandboxNotAllowed):
            await runtime.configuration.write_many([edit])
        with pytest.raises(SandboxNotAllowed):
            await runtime.configuration.write_many({key_path: value})
        with pytest.raises(InvalidArgument, match="merge"):
            await runtime.configuration.write("model", "x", merge=Sly("replaced"))  # pyright: ignore[reportArgumentType] — a sly text
        with pytest.raises(SandboxNotAllowed):
            await runtime.catalog.set_experimental_features({SlyFeature("remote_control"): True})
    assert len(server.received) == 2, "nothing but the greeting"


async def test_edits_and_values_are_looked_at_once(server: Server) -> None:
    edits = Shifting({"sandbox_mode": "read-only"}, {"sandbox_mode": "danger-full-access"})
    async with server.runtime() as runtime:
        await runtime.configuration.write_many(edits)
        await runtime.configuration.write("history", [Shifting({"a": 1}, {"a": 2})])
        with pytest.raises(UnsendableValue, match="value is nested more than 100 levels deep"):
            await runtime.configuration.write("history", _endless())
    assert server.sent(BATCH)[0]["params"]["edits"][0]["value"] == "read-only"
    assert [each["params"]["value"] for each in server.sent(WRITE)] == [[{"a": 1}]]


def _endless() -> list[Any]:
    found: list[Any] = []
    found += [found, found]
    return found


BAD_WRITES: list[tuple[dict[str, Any], str]] = [
    ({"key_path": ""}, "key_path"),
    ({"key_path": "  "}, "key_path"),
    ({"key_path": None}, "key_path"),
    ({"key_path": 7}, "key_path"),
    ({"merge": "append"}, "merge"),
    ({"merge": None}, "merge"),
    ({"expected_version": ""}, "expected_version"),
    ({"file_path": " "}, "file_path"),
    ({"file_path": 7}, "file_path"),
]


@pytest.mark.parametrize(("change", "field"), BAD_WRITES, ids=range(len(BAD_WRITES)))
async def test_a_write_that_makes_no_sense_is_not_sent(
    server: Server, change: dict[str, Any], field: str
) -> None:
    options: dict[str, Any] = {"key_path": "model", "value": "x", **change}
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as caught:
            await runtime.configuration.write(**options)
    assert caught.value.field == field
    assert not server.sent(WRITE)


BAD_EDITS: list[tuple[Any, str]] = [
    ({}, "edits"),
    ([], "edits"),
    ("model", "edits"),
    (None, "edits"),
    ([("model", "x")], "edits[0]"),
    ({"": "x"}, "edits[0].key_path"),
    ({"model": "x", " ": "y"}, "edits[1].key_path"),
    (
        [ConfigEdit(key_path="model", value=1, merge_strategy="append")],
        "edits[0].merge_strategy",
    ),
]


@pytest.mark.parametrize(("edits", "field"), BAD_EDITS, ids=range(len(BAD_EDITS)))
async def test_edits_that_make_no_sense_are_not_sent(
    server: Server, edits: Any, field: str
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(InvalidArgument) as caught:
            await runtime.configuration.write_many(edits)
    assert caught.value.field == field
    assert not server.sent(BATCH)


async def test_a_value_without_a_form_in_json_is_not_sent_and_not_shown(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(UnsendableValue) as caught:
            await runtime.configuration.write("model", {"canary": {1, 2}})
    assert caught.value.field == "params.value.canary"
    assert not server.sent(WRITE)


async def test_reading_gives_what_the_protocol_names_and_all(
    server: Server, tmp_path: Path
) -> None:
    config = {"model": "x", "mcp_servers": {"docs": {"command": "true"}}}
    server.on[READ] = lambda request: server.answer(request, {"config": config, "origins": {}})
    async with server.runtime() as runtime:
        read = await runtime.configuration.read(tmp_path, include_layers=True)
        values = await runtime.configuration.read_values()
        assert read.config.model == "x"
        assert values == config
        with pytest.raises(WorkingDirectoryMissing):
            await runtime.configuration.read(tmp_path / "missing")
        with pytest.raises(InvalidArgument, match="include_layers"):
            await runtime.configuration.read(include_layers="yes")  # pyright: ignore[reportArgumentType] — callers without a type checker
    assert [each["params"] for each in server.sent(READ)] == [
        {"cwd": str(tmp_path), "includeLayers": True},
        {},
    ]


@pytest.mark.parametrize("answer", [[], {}, None, {"config": ["canary"]}, "canary"])
async def test_settings_that_cannot_be_read_are_an_error(server: Server, answer: Any) -> None:
    server.on[READ] = lambda request: server.answer(request, answer)
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError) as caught:
            await runtime.configuration.read_values()
    assert "canary" not in str(caught.value)
