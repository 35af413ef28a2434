"""The CODEX_HOME and the environment that a scripted model gives to codex."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing import (
    ScriptedModel,
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


def test_a_home_is_private_and_knows_only_the_model(model: ScriptedModel, tmp_path: Path) -> None:
    home = model.write_home(
        tmp_path / "a" / "home",
        stream_idle_timeout_ms=500,
        settings={"features.goals": False, "notify": ["a", 'quo"te'], "tui.x": {"y": 1.5}},
    )

    settings = tomllib.loads((home / "config.toml").read_text())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (settings["model"], settings["model_provider"]) == ("gpt-5.5", "scripted")
    assert settings["model_providers"] == {
        "scripted": {
            "name": "scripted model",
            "base_url": model.base_url,
            "wire_api": "responses",
            "request_max_retries": 0,
            "stream_max_retries": 0,
            "supports_websockets": False,
            "stream_idle_timeout_ms": 500,
        }
    }
    assert settings["features"] == {"plugins": False, "apps": False, "goals": False}
    assert settings["notify"] == ["a", 'quo"te']
    assert settings["tui"] == {"x": {"y": 1.5}}


@pytest.mark.parametrize("settings", [{"a b": 1}, {"a": None}, {"a": object()}])
def test_a_setting_without_a_toml_form_is_refused(
    model: ScriptedModel, tmp_path: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgument, match="settings"):
        model.write_home(tmp_path, settings=settings)


def test_no_variable_of_the_user_reaches_codex(
    model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "CODEX_API_KEY", "HTTPS_PROXY", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "secret")

    environment = model.environment(tmp_path)

    assert "secret" not in environment.values()
    assert environment["CODEX_HOME"] == environment["HOME"] == str(tmp_path)
    assert environment["CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG"] == "1"
