"""Where and with what a run was made."""

import datetime as dt
import json
import os
import platform
import subprocess
from pathlib import Path

from kit.build import Environment

VERSIONS = """
import importlib.metadata, json
names = {"codex-runtime", "anyio", "msgspec", "openai-codex", "openai-codex-cli-bin", "pydantic"}
found = {d.name: d.version for d in importlib.metadata.distributions() if d.name in names}
print(json.dumps(found))
"""


def _versions(environment: Environment) -> dict[str, str]:
    command = [str(environment.python), "-c", VERSIONS]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or "unknown"
    names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def about(ours: Environment, vendor: Environment) -> dict[str, str]:
    """Date, machine and versions, ready to print."""
    versions = _versions(vendor) | _versions(ours)
    return {
        "date": dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "versions": ", ".join(f"{name} {versions[name]}" for name in sorted(versions)),
    }
