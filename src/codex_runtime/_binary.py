"""Where the codex binary is."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codex_runtime._arguments import absolute_path
from codex_runtime.errors import CodexNotFound

__all__ = ["BINARY_VARIABLE", "CodexBinary", "find_codex"]

BINARY_VARIABLE: Final = "CODEX_RUNTIME_BIN"
"""Names the binary for programs whose code cannot be changed."""

_WHEEL: Final = "codex_cli_bin"
_NAME: Final = "codex"


@dataclass(frozen=True)
class CodexBinary:
    """A codex binary, and why it was chosen.

    Attributes:
        path: The executable.
        source: `"codex_bin"`, `"$CODEX_RUNTIME_BIN"`, `"openai-codex-cli-bin"` or `"$PATH"`.
    """

    path: Path
    source: str


def find_codex(explicit: str | os.PathLike[str] | None = None) -> CodexBinary:
    """Find the codex binary: the explicit one, the environment's, the wheel's, the PATH's.

    A place that is named but wrong is an error, not a reason to look further: whoever named it
    wants that one.

    Raises:
        CodexNotFound: There is none; `tried` tells each place.
    """
    tried: list[str] = []
    for source, place in _places(explicit):
        if place is None:
            tried.append(f"{source}: not set" if source.startswith("$C") else f"{source}: none")
            continue
        path = Path(absolute_path("codex_bin", place))
        if _is_executable(path):
            return CodexBinary(_without_node_shim(path.absolute()), source)
        tried.append(f"{source}: {path} is not an executable file")
        if source in {"codex_bin", f"${BINARY_VARIABLE}"}:
            break
    raise CodexNotFound(tried)


def _is_executable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except (OSError, ValueError):
        # A name that is too long, a folder that cannot be entered, text that is no file name.
        return False


def _places(
    explicit: str | os.PathLike[str] | None,
) -> Iterator[tuple[str, str | os.PathLike[str] | None]]:
    if explicit is not None:
        # A bare name is looked up as a shell would.
        yield "codex_bin", shutil.which(explicit) or explicit
    yield f"${BINARY_VARIABLE}", os.environ.get(BINARY_VARIABLE) or None
    yield "openai-codex-cli-bin", _in_wheel()
    yield "$PATH", shutil.which(_NAME)


def _in_wheel() -> Path | None:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "bin" / _NAME


def _without_node_shim(path: Path) -> Path:
    """The executable that npm's `codex` (a Node script) would start.

    The script adds a Node process between us and the server, which then outlives signals.
    """
    real = path.resolve()
    if real.suffix != ".js":
        return path
    package = real.parent.parent
    # npm unpacks the platform's package beside the script's package, or inside it.
    platforms = (*package.glob("node_modules/@openai/codex-*"), *package.parent.glob("codex-*"))
    for root in (package, *sorted(platforms)):
        for found in sorted(root.glob(f"vendor/{_target()}/*/{_NAME}")):
            if found.parent.name in {"bin", "codex"} and os.access(found, os.X_OK):
                return found
    return path


def _target() -> str:
    """A pattern for this machine's name among those that packages for several machines hold."""
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = "apple-darwin" if sys.platform == "darwin" else sys.platform
    return f"{machine}-*{system}*"
