"""Settings of config.toml, read and written by a real codex."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec.conftest import Stage
from spec.private import private
from spec.requirements import requirement

from codex_runtime import ConfigurationRefused, SandboxNotAllowed
from codex_runtime.protocol import ConfigEdit, UserConfigLayerSource

NOT_FAKED = "the fake app-server has no config.toml"


@requirement("config:read")
async def test_settings_are_read_in_three_ways(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path, 'mcp_servers.docs.command = "true"') as server:
        configuration = server.runtime.configuration
        read = await configuration.read(server.workspace, include_layers=True)
        values = await configuration.read_values()
        plain = await configuration.read()

    assert read.config.model == "gpt-5.5"
    assert read.origins["model"].version
    assert plain.layers is None
    user = UserConfigLayerSource(file=str(server.home / "config.toml"))
    [layer] = [each for each in read.layers or () if each.name == user]
    assert layer.version == read.origins["model"].version
    assert values["mcp_servers"]["docs"]["command"] == "true"


@requirement("config:write")
async def test_a_written_setting_is_in_force_for_later_threads(
    stage: Stage, tmp_path: Path
) -> None:
    async with private(tmp_path) as server:
        configuration = server.runtime.configuration
        written = await configuration.write("model_reasoning_effort", "high")
        thread = await server.runtime.thread_start(cwd=server.workspace)
        assert thread.info.reasoning_effort == "high"
        assert (written.status, written.file_path) == ("ok", str(server.home / "config.toml"))

        await configuration.write("history", {"persistence": "none"}, merge="upsert")
        assert (await configuration.read_values())["history"]["persistence"] == "none"
        await configuration.write("model_reasoning_effort", None)
        assert "model_reasoning_effort" not in server.settings
        await configuration.write("notice.no_such_key", 1)
        assert "no_such_key = 1" in server.settings


@requirement("config:conflict")
async def test_a_write_on_an_old_version_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        configuration = server.runtime.configuration
        first = await configuration.write("personality", "friendly")
        second = await configuration.write(
            "personality", "pragmatic", expected_version=first.version
        )
        with pytest.raises(ConfigurationRefused) as caught:
            await configuration.write("personality", "none", expected_version=first.version)
        assert caught.value.reason == "configVersionConflict"
        assert 'personality = "pragmatic"' in server.settings
        await configuration.write_many({"personality": None}, expected_version=second.version)


@requirement("config:validation")
async def test_a_wrong_value_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        before = server.settings
        for key_path, value in (("model_reasoning_effort", 7), ("model..x", 1)):
            with pytest.raises(ConfigurationRefused) as caught:
                await server.runtime.configuration.write(key_path, value)
            assert caught.value.reason == "configValidationError"
        assert server.settings == before


@requirement("config:other-file")
async def test_another_file_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        with pytest.raises(ConfigurationRefused) as caught:
            await server.runtime.configuration.write(
                "model", "x", file_path=server.workspace / "config.toml"
            )
        assert caught.value.reason == "configLayerReadonly"
        assert not (server.workspace / "config.toml").exists()
        own = server.home / "config.toml"
        await server.runtime.configuration.write("model", "gpt-5.4", file_path=own)
        assert 'model = "gpt-5.4"' in server.settings


@requirement("config:batch")
async def test_of_several_settings_all_are_written_or_none(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        configuration = server.runtime.configuration
        before = server.settings
        with pytest.raises(ConfigurationRefused):
            await configuration.write_many({"model": "gpt-5.4", "hide_agent_reasoning": "maybe"})
        assert server.settings == before

        edits = [
            ConfigEdit(key_path="model", value="gpt-5.4", merge_strategy="replace"),
            ConfigEdit(key_path="history", value={"max_bytes": 7}, merge_strategy="upsert"),
        ]
        written = await configuration.write_many(edits, reload=True)
        values = await configuration.read_values()
    assert written.status == "ok"
    assert (values["model"], values["history"]["max_bytes"]) == ("gpt-5.4", 7)


@requirement("config:sec-004")
async def test_what_may_widen_is_not_written_without_the_word(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        configuration = server.runtime.configuration
        before = server.settings
        # The last one is how the server lets the same key be spelled too.
        for key_path in ("sandbox_mode", "approval_policy", '"sandbox_mode"'):
            with pytest.raises(SandboxNotAllowed):
                await configuration.write(key_path, "workspace-write")
        assert server.settings == before

        await configuration.write(
            '"sandbox_mode"', "workspace-write", privileged_escalation_approved=True
        )
        assert (await configuration.read()).config.sandbox_mode == "workspace-write"
        await configuration.write("sandbox_mode", "read-only")
        assert (await configuration.read()).config.sandbox_mode == "read-only"


@requirement("config:requirements")
async def test_nothing_is_required_here(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        answer = await server.runtime.configuration.requirements()
    assert answer.requirements is None
