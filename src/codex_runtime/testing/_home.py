"""A CODEX_HOME that knows nothing but the scripted model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from codex_runtime._toml import setting

__all__ = ["DEFAULT_MODEL", "PROVIDER", "child_environment", "home_settings", "write_home"]

DEFAULT_MODEL = "gpt-5.5"
"""The newest model that codex knows and still gives classic tools: `exec_command` and the
freeform `apply_patch`. Unknown names get a `warning` per turn and no `apply_patch`; newer
models get a JavaScript tool instead (measured on 0.154 and 0.163)."""

TEMPORARY = "tmpdir"
"""The folder of a home that is TMPDIR, where codex's sandbox leaves a folder (seen on 0.163)."""

PROVIDER = "scripted"
"""The name of the model provider in config.toml."""

_QUIET: dict[str, object] = {
    "check_for_update_on_startup": False,
    "analytics.enabled": False,
    "feedback.enabled": False,
    # Left on, a fresh home asks github.com and chatgpt.com for plugins at the first thread.
    "features.plugins": False,
    "features.apps": False,
}
"""Settings that keep codex off the network, measured with a recording proxy on 0.163."""

_PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Variables of this process that a scripted codex may see: what it takes to run programs."""


def write_home(path: str | os.PathLike[str], settings: Mapping[str, object]) -> Path:
    """Write `settings` as the config.toml of a CODEX_HOME, and return its absolute path.

    The folder is made when it is missing, and only its owner can read it.

    Raises:
        OSError: It cannot be written.
        InvalidArgument: A setting has no TOML form.
    """
    lines = (" = ".join(setting(*pair, "settings")) for pair in settings.items())
    text = "".join(f"{line}\n" for line in lines)
    home = Path(path).absolute()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    (home / "config.toml").write_text(text, encoding="utf-8")
    return home


def home_settings(
    *,
    port: int,
    model: str,
    request_max_retries: int,
    stream_max_retries: int,
    stream_idle_timeout_ms: int | None,
) -> dict[str, object]:
    """Return the settings that point codex at a model on `port` and nowhere else."""
    provider: dict[str, object] = {
        "name": "scripted model",
        "base_url": f"http://127.0.0.1:{port}/v1",
        "wire_api": "responses",
        "request_max_retries": request_max_retries,
        "stream_max_retries": stream_max_retries,
        "supports_websockets": False,
    }
    if stream_idle_timeout_ms is not None:
        provider["stream_idle_timeout_ms"] = stream_idle_timeout_ms
    where = f"model_providers.{PROVIDER}"
    return {
        "model": model,
        "model_provider": PROVIDER,
        **_QUIET,
        **{f"{where}.{name}": value for name, value in provider.items()},
    }


def child_environment(home: Path) -> dict[str, str]:
    """Return the environment for a codex that runs on `home`.

    The user's own `CODEX_*`, `OPENAI_*` and proxy variables are not in it, HOME is `home`, and
    the machine's managed configuration is off, so that a run is the same everywhere.

    Raises:
        OSError: The folder for temporary files cannot be made in `home`.
    """
    temporary = home / TEMPORARY
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {
        **kept,
        "CODEX_HOME": str(home),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
